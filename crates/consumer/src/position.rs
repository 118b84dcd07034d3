//! What a consumer has behind it, as it is kept on disk.
//!
//! A [`Position`] says of every event whether it is done: those up to `reached` are, but for `undone` and for what lies in
//! `deferred`; those behind `reached` are not. So it stays small however far the newest done event is from the oldest one that
//! is not. [`Position::reserved`] says which events may have been sent: before an event is sent for the first time, a position
//! that reserves it is on disk.

mod bytes;

use longwire_wire::event::Seq;

use crate::order_key::{DeliveryOrder, OrderKey};

pub(crate) use self::bytes::PLACES;
pub use self::bytes::PositionError;

/// The most events that are read and not done, whatever a consumer is set to.
pub const MAX_UNDONE: usize = 4_096;
/// The most chats whose events wait in the log because an earlier one of the chat keeps failing.
pub const MAX_DEFERRED: usize = 256;

/// How far a consumer is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Position {
    /// The order by which chats were deferred.
    pub order: DeliveryOrder,
    /// Every event up to here was looked at.
    pub reached: Seq,
    /// Events up to here may have been sent.
    pub reserved: Seq,
    /// The events up to `reached` that are not done, in rising order: [`MAX_UNDONE`] at most.
    pub undone: Vec<UndoneEvent>,
    /// Stretches of the log of which one chat's events are not done, [`MAX_DEFERRED`] at most.
    pub deferred: Vec<DeferredChat>,
}

/// An event that was read and is not done.
#[derive(Copy, Clone, Debug, PartialEq, Eq)]
pub struct UndoneEvent {
    /// Its number.
    pub seq: Seq,
    /// How often it was sent.
    pub attempts: u32,
    /// How often the application refused it.
    pub failures: u32,
    /// When that happened first, in milliseconds since 1970; 0 if it never did.
    pub first_failed_ms: i64,
}

/// The events of one chat behind `after`, up to `last`, which are read again when their turn comes.
#[derive(Copy, Clone, Debug, PartialEq, Eq)]
pub struct DeferredChat {
    /// The chat.
    pub key: OrderKey,
    /// They lie behind this one.
    pub after: Seq,
    /// The last of them.
    pub last: Seq,
}

impl Position {
    /// The position of a consumer that begins behind `after`.
    #[must_use]
    pub fn behind(after: Seq) -> Self {
        Self {
            order: DeliveryOrder::default(),
            reached: after,
            reserved: after,
            undone: Vec::new(),
            deferred: Vec::new(),
        }
    }

    /// Every event up to here is done.
    #[must_use]
    pub fn floor(&self) -> Seq {
        let undone = self.undone.first().map(|event| event.seq.0 - 1);
        let deferred = self.deferred.iter().map(|chat| chat.after.0);
        Seq(deferred.chain(undone).fold(self.reached.0, i64::min))
    }

    /// Whether the event of that number, of that chat, is done.
    #[must_use]
    pub fn is_done(&self, seq: Seq, key: OrderKey) -> bool {
        seq <= self.reached
            && self
                .undone
                .binary_search_by_key(&seq, |event| event.seq)
                .is_err()
            && !self
                .deferred
                .iter()
                .any(|chat| chat.key == key && chat.after < seq && seq <= chat.last)
    }

    /// The same position without stretches that only `self.order` explains: all behind the earliest of them is not done.
    pub(crate) fn in_order(mut self, order: DeliveryOrder) -> Self {
        if self.order != order {
            if let Some(after) = self.deferred.iter().map(|chat| chat.after).min() {
                self.reached = after.min(self.reached);
                self.deferred.clear();
                self.undone.retain(|event| event.seq <= after);
            }
            self.order = order;
        }
        self
    }

    /// As bytes for the store. They begin with the version of the form.
    #[must_use]
    pub fn to_bytes(&self) -> Vec<u8> {
        bytes::encode(self)
    }

    /// What [`to_bytes`](Self::to_bytes) wrote.
    ///
    /// # Errors
    ///
    /// If the bytes are none that `to_bytes` writes, or of a later version.
    pub fn from_bytes(bytes: &[u8]) -> Result<Self, PositionError> {
        bytes::decode(bytes)
    }
}

#[cfg(test)]
mod tests;
