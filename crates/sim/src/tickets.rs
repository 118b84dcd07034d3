//! Connection URLs given out by the bootstrap and not used yet.

use std::collections::{HashMap, VecDeque};

/// Unused tickets beyond this many are forgotten, oldest first.
const MAX_TICKETS: usize = 100_000;

/// What a ticket is good for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Grant {
    pub(crate) app: usize,
    pub(crate) device_id: String,
}

/// Tickets by their text.
#[derive(Debug, Default)]
pub(crate) struct Tickets {
    grants: HashMap<String, Grant>,
    order: VecDeque<String>,
}

impl Tickets {
    pub(crate) fn issue(&mut self, ticket: String, grant: Grant) {
        self.grants.insert(ticket.clone(), grant);
        self.order.push_back(ticket);
        while self.order.len() > MAX_TICKETS {
            if let Some(oldest) = self.order.pop_front() {
                self.grants.remove(&oldest);
            }
        }
    }

    /// The grant of a ticket, used up if it is `one_time`.
    pub(crate) fn redeem(&mut self, ticket: &str, one_time: bool) -> Option<Grant> {
        if one_time {
            self.grants.remove(ticket)
        } else {
            self.grants.get(ticket).cloned()
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_one_time_ticket_opens_once() {
        let grant = Grant {
            app: 0,
            device_id: "7".into(),
        };
        let mut tickets = Tickets::default();
        tickets.issue("t".into(), grant.clone());
        assert_eq!(tickets.redeem("t", false), Some(grant.clone()));
        assert_eq!(tickets.redeem("t", true), Some(grant));
        assert_eq!(tickets.redeem("t", true), None);
    }
}
