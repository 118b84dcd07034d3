//! What a connection asks the store to record, and how it hears back.
//!
//! A [`Group`] holds the whole events of one read burst. It is answered exactly once per event: by
//! [`GroupReply::recorded`] with receipts, or by [`GroupReply::not_recorded`] with the cause. Dropping a group
//! is an answer too, so no path, a panic included, leaves the asker waiting.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;

use bytes::Bytes;
use bytestring::ByteString;
use longwire_wire::identity::Identity;

use crate::{Cause, Receipt};
use longwire_installation::InstallationId;

/// The way an event came to us.
#[derive(Copy, Clone, Debug, Eq, PartialEq, Hash)]
pub enum Source {
    /// Pushed over the long connection.
    LongConnection,
    /// Posted to our callback address.
    Webhook,
    /// Fetched afterwards, to close a gap.
    Backfill,
}

impl Source {
    /// The word in the database and in JSON.
    pub fn label(self) -> &'static str {
        match self {
            Self::LongConnection => "long_connection",
            Self::Webhook => "webhook",
            Self::Backfill => "backfill",
        }
    }

    pub(crate) fn parse(label: &str) -> Option<Self> {
        [Self::LongConnection, Self::Webhook, Self::Backfill]
            .into_iter()
            .find(|source| source.label() == label)
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
    /// The memory it holds while it waits, near enough for a bound.
    pub(crate) fn held_bytes(&self) -> usize {
        let text = |field: &Option<ByteString>| field.as_ref().map_or(0, |text| text.len());
        size_of::<Self>()
            + self.payload.len()
            + text(&self.event_id)
            + text(&self.event_type)
            + text(&self.chat)
            + text(&self.trace_id)
    }
}

/// Hears what became of a group. Called on the writer thread: it hands on and returns, and never
/// blocks.
pub trait GroupReply: Send + Sync {
    /// The transaction that holds these events was committed. Called at most once per group.
    fn recorded(&self, receipts: Vec<Receipt>);

    /// These events are not on disk, as far as we know. Called at most once per group; for a group
    /// of which single events were refused as [`Cause::Poison`], after `recorded`.
    fn not_recorded(&self, tickets: Vec<u32>, cause: Cause);
}

/// The events of one read burst of one installation: recorded in one transaction, never split.
pub struct Group {
    /// Whose events they are.
    pub installation: InstallationId,
    /// The events, in the order they came.
    pub events: Vec<NewEvent>,
    /// Who is told.
    pub reply: Arc<dyn GroupReply>,
}

impl Group {
    /// Says that nothing of the group was recorded.
    pub(crate) fn refuse(&mut self, cause: Cause) {
        let events = std::mem::take(&mut self.events);
        if !events.is_empty() {
            self.reply
                .not_recorded(events.iter().map(|event| event.ticket).collect(), cause);
        }
    }

    pub(crate) fn held_bytes(&self) -> usize {
        self.events.iter().map(NewEvent::held_bytes).sum()
    }
}

impl std::fmt::Debug for Group {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Group")
            .field("installation", &self.installation)
            .field("events", &self.events.len())
            .finish_non_exhaustive()
    }
}

impl Drop for Group {
    /// An unanswered group was lost on its way. Events leave a group when they are answered, so
    /// what is still here was not.
    fn drop(&mut self) {
        // This runs while a panic of the writer unwinds, where a second panic would abort.
        let _ = catch_unwind(AssertUnwindSafe(|| self.refuse(Cause::WriterGone)));
    }
}
