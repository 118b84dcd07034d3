//! What a connection asks the store to record, and how it hears back.
//!
//! A [`Group`] holds the whole events of one read burst. It is answered exactly once per event: by
//! [`GroupReply::recorded`] with receipts, or by [`GroupReply::not_recorded`] with the cause. Dropping a group
//! is an answer too, so no path, a panic included, leaves the asker waiting.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;

use longwire_wire::event::NewEvent;

use crate::cause::Cause;
use crate::receipt::Receipt;
use longwire_installation::{InstallationId, Platform};

/// Hears what became of a group. Called on the writer thread: it hands on and returns, and never
/// blocks.
pub trait GroupReply: Send + Sync {
    /// The transaction that holds these events was committed. Called at most once per group.
    fn recorded(&self, receipts: Vec<Receipt>);

    /// These events are not on disk, as far as we know. Called at most once per group; for a group
    /// of which single events were refused as [`Cause::Poison`], after `recorded`.
    fn not_recorded(&self, tickets: Vec<u32>, cause: Cause);
}

/// Of events for which nobody waits, such as those of our own: what is not recorded is logged under this name.
pub struct Unawaited(pub &'static str);

impl GroupReply for Unawaited {
    fn recorded(&self, receipts: Vec<Receipt>) {
        drop(receipts);
    }

    fn not_recorded(&self, _: Vec<u32>, cause: Cause) {
        tracing::warn!(cause = %cause, "{} was not recorded", self.0);
    }
}

/// The events of one read burst of one installation: recorded in one transaction, never split.
pub struct Group {
    /// Whose events they are; [`InstallationId::NONE`] of events of our own that are nobody's.
    pub installation: InstallationId,
    /// The platform they came from; `None` of events of our own that are nobody's.
    pub platform: Option<Platform>,
    /// The events, in the order they came.
    pub events: Vec<NewEvent>,
    /// Who is told.
    pub reply: Arc<dyn GroupReply>,
}

/// Whose an event is, and where it came from.
#[derive(Copy, Clone, Debug, Eq, PartialEq)]
pub(crate) struct EventOwner {
    pub(crate) installation: InstallationId,
    pub(crate) platform: Option<Platform>,
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

    /// What each of its events is recorded with.
    pub(crate) fn owner(&self) -> EventOwner {
        EventOwner {
            installation: self.installation,
            platform: self.platform,
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
