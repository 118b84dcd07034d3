//! The tickets of connection URLs that the bootstrap has issued and that are not used yet.

use std::collections::{HashMap, VecDeque};

/// Most unused tickets. The oldest are dropped first.
const MAX_TICKETS: usize = 100_000;

/// The app and the connection that a ticket is for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Ticket {
    pub(crate) app: usize,
    pub(crate) device_id: String,
}

/// Tickets by their text.
#[derive(Debug, Default)]
pub(crate) struct Tickets {
    by_text: HashMap<String, Ticket>,
    order: VecDeque<String>,
}

impl Tickets {
    pub(crate) fn issue(&mut self, text: String, ticket: Ticket) {
        self.by_text.insert(text.clone(), ticket);
        self.order.push_back(text);
        while self.order.len() > MAX_TICKETS {
            if let Some(oldest) = self.order.pop_front() {
                self.by_text.remove(&oldest);
            }
        }
    }

    /// The ticket with this text. With `one_time` it cannot be used again.
    pub(crate) fn redeem(&mut self, ticket: &str, one_time: bool) -> Option<Ticket> {
        if one_time {
            self.by_text.remove(ticket)
        } else {
            self.by_text.get(ticket).cloned()
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_one_time_ticket_opens_once() {
        let ticket = Ticket {
            app: 0,
            device_id: "7".into(),
        };
        let mut tickets = Tickets::default();
        tickets.issue("t".into(), ticket.clone());
        assert_eq!(tickets.redeem("t", false), Some(ticket.clone()));
        assert_eq!(tickets.redeem("t", true), Some(ticket));
        assert_eq!(tickets.redeem("t", true), None);
    }
}
