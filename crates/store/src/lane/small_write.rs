//! What rides on the lane, and how each kind is kept while it waits.

use longwire_access::{AuditEntry, TokenId};
use longwire_installation::InstallationId;

use crate::consumer::SavedPosition;
use crate::displacement::Displacement;
use crate::ids::ConsumerId;
use crate::journey::JourneyBatch;
use crate::timeline::TimelineEntry;
use crate::token::TokenUse;

/// How soon a small write is wanted on disk.
#[derive(Copy, Clone, Debug, Eq, PartialEq, Ord, PartialOrd)]
pub enum Urgency {
    /// With the next transaction, or 25 ms later at the latest if there is none.
    Lazy,
    /// At once: it wakes the writer.
    Prompt,
}

/// A row or two. How each kind is written is an engine's business.
#[derive(Clone, Debug, Eq, PartialEq)]
pub(crate) enum SmallWrite {
    /// A line of an installation's timeline.
    Note(TimelineEntry),
    /// Who has an installation's bot.
    Displacement(Displacement),
    /// How far a consumer has come.
    Position(ConsumerId, SavedPosition),
    /// Steps of the journeys of events.
    Journey(JourneyBatch),
    /// When a token was last used.
    TokenUsed(TokenUse),
    /// What somebody changed.
    Audit(AuditEntry),
}

/// Of the writes with one key the newest replaces the others. There are no more keys than rows they stand for.
#[derive(Copy, Clone, Debug, Eq, PartialEq, Hash)]
pub(crate) enum LaneKey {
    Displacement(InstallationId),
    Position(ConsumerId),
    TokenUsed(TokenId),
}

/// What becomes of a write that waits, or that the database did not take.
#[derive(Copy, Clone, Debug, Eq, PartialEq)]
pub(crate) enum Kept {
    /// The newest of its key waits until the database takes it.
    Newest(LaneKey),
    /// It waits until the database takes it. When too many wait, the next one is not taken.
    Always,
    /// It is dropped and counted when too many notes wait, or when the database did not take it.
    IfNotes,
    /// It is dropped and counted when so many bytes of its kind wait that these are too many, or when the database did not
    /// take it.
    IfBytes(usize),
}

impl SmallWrite {
    /// What it has beside a short row, in bytes, about.
    pub(super) fn held_bytes(&self) -> usize {
        match self {
            Self::Position(_, position) => position.state.len(),
            Self::Journey(batch) => batch.held_bytes(),
            Self::Note(_) | Self::Displacement(_) | Self::TokenUsed(_) | Self::Audit(_) => 0,
        }
    }

    pub(super) fn kept(&self) -> Kept {
        match self {
            Self::Note(_) => Kept::IfNotes,
            Self::Displacement(displacement) => {
                Kept::Newest(LaneKey::Displacement(displacement.installation))
            }
            Self::Position(consumer, _) => Kept::Newest(LaneKey::Position(*consumer)),
            Self::Journey(batch) => Kept::IfBytes(batch.held_bytes()),
            Self::TokenUsed(used) => Kept::Newest(LaneKey::TokenUsed(used.token)),
            Self::Audit(_) => Kept::Always,
        }
    }
}
