//! Tickets: each lets one connection in, once, within a minute of the answer that has it in its URL.
//!
//! A machine: random bytes and the time are arguments.

use std::collections::{HashMap, VecDeque};
use std::time::{Duration, Instant};

/// How long a ticket is valid. SDKs dial at once; some wait ten seconds for a handshake.
pub(crate) const VALID: Duration = Duration::from_secs(60);
/// Tickets that are valid at once. A client that asks and never connects takes the place of the oldest one.
const MOST: usize = 16_384;

/// 128 random bits of the operating system: nobody guesses them.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub(crate) struct TicketId(pub(crate) u128);

/// Tickets that were not redeemed yet, each with what it stands for.
pub(crate) struct Tickets<T> {
    valid: HashMap<TicketId, T>,
    /// In the order of issue, those that were redeemed meanwhile included.
    order: VecDeque<(Instant, TicketId)>,
}

impl<T> Default for Tickets<T> {
    fn default() -> Self {
        Self {
            valid: HashMap::new(),
            order: VecDeque::new(),
        }
    }
}

impl<T> Tickets<T> {
    /// A ticket for this.
    pub(crate) fn issue(&mut self, id: TicketId, stands_for: T, now: Instant) {
        self.forget_old(now);
        while self.order.len() >= MOST {
            self.forget_first();
        }
        self.valid.insert(id, stands_for);
        self.order.push_back((now, id));
    }

    /// What the ticket stands for, if it is valid. From now on it is not.
    pub(crate) fn redeem(&mut self, id: TicketId, now: Instant) -> Option<T> {
        self.forget_old(now);
        self.valid.remove(&id)
    }

    fn forget_old(&mut self, now: Instant) {
        while let Some((issued, _)) = self.order.front()
            && now.saturating_duration_since(*issued) >= VALID
        {
            self.forget_first();
        }
    }

    fn forget_first(&mut self) {
        if let Some((_, id)) = self.order.pop_front() {
            self.valid.remove(&id);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_ticket_is_valid_once_and_for_a_minute() {
        let (mut tickets, start) = (Tickets::default(), Instant::now());
        tickets.issue(TicketId(1), "one", start);
        tickets.issue(TicketId(2), "two", start + Duration::from_secs(1));
        assert_eq!(tickets.redeem(TicketId(3), start), None);
        assert_eq!(tickets.redeem(TicketId(1), start), Some("one"));
        assert_eq!(tickets.redeem(TicketId(1), start), None);
        let late = start + VALID + Duration::from_secs(1);
        assert_eq!(tickets.redeem(TicketId(2), late), None);
    }

    #[test]
    fn tickets_that_nobody_redeems_are_bounded() {
        let (mut tickets, now) = (Tickets::default(), Instant::now());
        for id in 0..=MOST as u128 {
            tickets.issue(TicketId(id), (), now);
        }
        assert_eq!((tickets.valid.len(), tickets.order.len()), (MOST, MOST));
        assert_eq!(tickets.redeem(TicketId(0), now), None);
        assert_eq!(tickets.redeem(TicketId(MOST as u128), now), Some(()));
        tickets.issue(TicketId(0), (), now + VALID);
        assert_eq!((tickets.valid.len(), tickets.order.len()), (1, 1));
    }
}
