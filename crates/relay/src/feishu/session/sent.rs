//! The events that a client has not answered yet. Their number is bounded by the window of the connection, which the consumer
//! keeps.

use std::collections::{HashMap, VecDeque};
use std::time::{Duration, Instant};

use longwire_consumer::DeliveryId;
use uuid::Uuid;

/// Answered events that may stand in the order behind one that is not, so that it is cleaned up once for many.
const KEPT_ANSWERED: usize = 64;

/// One event that was pushed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Sent {
    pub(super) delivery: DeliveryId,
    /// Where it ends in what was sent.
    pub(super) position: u64,
    /// When its handler has had its time.
    pub(super) until: Instant,
}

/// Them, by the `message_id` of the attempt.
#[derive(Debug, Default)]
pub(super) struct SentEvents {
    by_id: HashMap<Uuid, Sent>,
    /// In the order of pushing, and so of their ends; with some that were answered.
    order: VecDeque<(Instant, Uuid)>,
}

impl SentEvents {
    pub(super) fn put(&mut self, id: Uuid, sent: Sent) {
        self.by_id.insert(id, sent);
        self.order.push_back((sent.until, id));
    }

    /// The event of this id, which is answered with that.
    pub(super) fn take(&mut self, id: Uuid) -> Option<Sent> {
        let sent = self.by_id.remove(&id);
        self.forget_answered();
        sent
    }

    /// Forgets those whose time was over so long ago.
    pub(super) fn forget(&mut self, now: Instant, after: Duration) {
        while let Some((until, id)) = self.order.front()
            && *until + after <= now
        {
            self.by_id.remove(id);
            self.order.pop_front();
        }
        self.forget_answered();
    }

    /// When the time of the newest one is over: it was pushed last, so none has more.
    pub(super) fn newest_until(&mut self) -> Option<Instant> {
        while let Some((until, id)) = self.order.back() {
            if self.by_id.contains_key(id) {
                return Some(*until);
            }
            self.order.pop_back();
        }
        None
    }

    pub(super) fn len(&self) -> usize {
        self.by_id.len()
    }

    #[cfg(test)]
    pub(super) fn remembered(&self) -> usize {
        self.order.len()
    }

    fn forget_answered(&mut self) {
        if self.order.len() > 2 * self.by_id.len() + KEPT_ANSWERED {
            // A slow handler's event stands before thousands that were answered since.
            self.order.retain(|(_, id)| self.by_id.contains_key(id));
        }
        while let Some((_, id)) = self.order.front()
            && !self.by_id.contains_key(id)
        {
            self.order.pop_front();
        }
        if self.by_id.is_empty() {
            // An idle connection keeps no memory of a busy hour.
            *self = Self::default();
        }
    }
}
