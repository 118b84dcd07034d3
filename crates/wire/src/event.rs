//! An event on its way into the log, and the proof that it is there.
//!
//! Whoever reads an event makes a [`NewEvent`] of it; whoever records it gives a [`DurableProof`] back. The two know
//! nothing of each other, so that what is said over a connection can be decided without a store.

use std::fmt;

use bytes::Bytes;
use bytestring::ByteString;

use crate::identity::{Identity, Tier};

/// The place of an event in the log: rises by one with every recorded event, never given twice.
#[derive(Copy, Clone, Eq, PartialEq, Hash, Ord, PartialOrd, Debug)]
pub struct Seq(pub i64);

impl fmt::Display for Seq {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

/// The way an event came to us.
#[derive(Copy, Clone, Debug, Eq, PartialEq, Hash)]
pub enum Source {
    /// Pushed over the long connection.
    LongConnection,
    /// Posted to our callback address.
    Webhook,
    /// Fetched afterwards, to close a gap.
    Backfill,
    /// Of our own making: something happened to a bot, a consumer or the store.
    Operational,
}

impl Source {
    /// The word in the database and in JSON.
    pub fn label(self) -> &'static str {
        match self {
            Self::LongConnection => "long_connection",
            Self::Webhook => "webhook",
            Self::Backfill => "backfill",
            Self::Operational => "operational",
        }
    }

    /// The source of that word.
    pub fn parse(label: &str) -> Option<Self> {
        let all = [
            Self::LongConnection,
            Self::Webhook,
            Self::Backfill,
            Self::Operational,
        ];
        all.into_iter().find(|source| source.label() == label)
    }
}

/// One event on its way into the log.
#[derive(Clone, Debug)]
pub struct NewEvent {
    /// The asker's own number for it, given back in the answer.
    pub ticket: u32,
    /// The keys that tell a repeat from news.
    pub identity: Identity,
    /// The platform's id of the event.
    pub event_id: Option<ByteString>,
    /// The platform's type of the event; `None` marks a payload that could not be read.
    pub event_type: Option<ByteString>,
    /// The chat it belongs to, where its type has one.
    pub chat: Option<ByteString>,
    /// The way it came.
    pub source: Source,
    /// When we had the whole of it, in milliseconds since 1970.
    pub received_ms: i64,
    /// When the platform says it happened, in milliseconds since 1970.
    pub created_ms: Option<i64>,
    /// The platform's trace id, for its support.
    pub trace_id: Option<ByteString>,
    /// The platform's bytes, untouched.
    pub payload: Bytes,
}

impl NewEvent {
    /// An event of our own: something happened at this time, and no other of this type has the name of its occurrence.
    pub fn operational(
        ticket: u32,
        event_type: &'static str,
        occurrence: &str,
        at_ms: i64,
        payload: Bytes,
    ) -> Self {
        Self {
            ticket,
            identity: Identity::operational(event_type, occurrence),
            event_id: None,
            event_type: Some(ByteString::from_static(event_type)),
            chat: None,
            source: Source::Operational,
            received_ms: at_ms,
            created_ms: Some(at_ms),
            trace_id: None,
            payload,
        }
    }

    /// The memory it holds while it waits, near enough for a bound.
    pub fn held_bytes(&self) -> usize {
        let text = |field: &Option<ByteString>| field.as_ref().map_or(0, |text| text.len());
        size_of::<Self>()
            + self.payload.len()
            + text(&self.event_id)
            + text(&self.event_type)
            + text(&self.chat)
            + text(&self.trace_id)
    }
}

/// Proof that the event of one ticket is durably recorded.
///
/// An acknowledgement is built from such a proof and from nothing else. So implement this only for a type that nothing
/// but a committed transaction makes, and that cannot be copied. In the product that is one type: the store's `Receipt`.
/// Tests of the session machines bring their own.
pub trait DurableProof {
    /// The asker's number for the event, [`NewEvent::ticket`].
    fn ticket(&self) -> u32;

    /// By which key the event was recognised, if it was recorded before.
    fn repeat(&self) -> Option<Tier>;

    /// The event's place in the log; of a repeat, that of the earlier one.
    fn seq(&self) -> Seq;
}
