//! What retention reads of the store and does to it, one small step at a time.
//!
//! The janitor reads a [`RetentionState`], decides, and gives the store one [`RetentionStep`]; the writer carries it out in a
//! transaction of its own between two batches of events. A step goes along a primary key and touches a bounded number of rows.
//!
//! Repeats stay known. The keys of an event lie in its row, or in a run of the event index, and the key of a chat message in
//! the row alone. So a row whose repeats may still come loses its payload and keeps its keys; it is deleted when the window of
//! the repeats is over. That is measured by the time for which the store was open, as in [`crate::event_index`].

use longwire_installation::InstallationId;
use longwire_wire::event::Seq;

use crate::ids::ConsumerId;
use crate::number_gap::NumberGap;

/// How much of a log is kept. What is beyond any of the bounds goes.
#[derive(Copy, Clone, Debug, Default, Eq, PartialEq)]
pub struct KeepRule {
    /// Events that were received so long ago, in milliseconds.
    pub age_ms: Option<i64>,
    /// Bytes.
    pub bytes: Option<u64>,
    /// Events.
    pub events: Option<u64>,
}

impl KeepRule {
    /// Whether everything is kept for ever.
    #[must_use]
    pub fn is_forever(&self) -> bool {
        *self == Self::default()
    }
}

/// What is kept of a payload once it is delivered.
#[derive(Copy, Clone, Debug, Default, Eq, PartialEq)]
pub enum PayloadPolicy {
    /// All of it.
    #[default]
    Full,
    /// Its SHA-256 and its length.
    Hash,
}

impl PayloadPolicy {
    /// The word in the database, in JSON and in the configuration.
    #[must_use]
    pub fn label(self) -> &'static str {
        match self {
            Self::Full => "full",
            Self::Hash => "hash",
        }
    }

    /// The policy of that word.
    #[must_use]
    pub fn parse(label: &str) -> Option<Self> {
        [Self::Full, Self::Hash]
            .into_iter()
            .find(|policy| policy.label() == label)
    }
}

/// What is kept of one installation's events, where that differs from all others.
#[derive(Copy, Clone, Debug, Default, Eq, PartialEq)]
pub struct InstallationRetention {
    /// Its own bounds. Those of all installations hold beside them.
    pub keep: KeepRule,
    /// What is kept of its payloads.
    pub payload: PayloadPolicy,
}

/// How far the events of an installation with rules of its own have come.
#[derive(Copy, Clone, Debug, Eq, PartialEq)]
pub struct ListedInstallation {
    /// Whose they are.
    pub installation: InstallationId,
    /// Its rules.
    pub rules: InstallationRetention,
    /// Its events are listed up to here.
    pub listed_through: Seq,
    /// Payloads of its events are hashed up to here.
    pub hashed_through: Seq,
    /// Listed events that are kept.
    pub events: u64,
    /// The bytes of their payloads.
    pub bytes: u64,
    /// Its oldest listed event, and when that was received.
    pub oldest: Option<(Seq, i64)>,
}

/// What retention has to know of the store.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub struct RetentionState {
    /// Of all events up to here nothing but keys is left.
    pub gone_through: i64,
    /// Of all events up to here nothing is left.
    pub deleted_through: i64,
    /// Repeats of events up to here are not expected any more, or known without their rows.
    pub repeats_through: i64,
    /// The oldest event behind `gone_through`, and when it was received.
    pub oldest: Option<(i64, i64)>,
    /// The newest event; 0 while there is none.
    pub newest: i64,
    /// Bytes of the database that hold something.
    pub used_bytes: u64,
    /// Bytes of the database that are free for what comes.
    pub free_bytes: u64,
    /// Bytes of a page.
    pub page_bytes: u64,
    /// Whether free pages can be given back to the disk. Databases of the first versions cannot, until `VACUUM` made them anew.
    pub gives_back: bool,
    /// Events that retention took since the database was made.
    pub events: u64,
    /// The bytes of their payloads.
    pub bytes: u64,
    /// Each consumer, its name and up to where it has done everything. Replays are consumers, too.
    pub consumers: Vec<ConsumerFloor>,
    /// Installations with rules of their own.
    pub listed: Vec<ListedInstallation>,
    /// Removed installations whose events are all gone.
    pub forgettable: Vec<InstallationId>,
    /// Numbers that no event has, oldest first.
    pub gaps: Vec<NumberGap>,
}

impl RetentionState {
    /// How many events there are behind this number.
    #[must_use]
    pub fn events_behind(&self, after: i64) -> i64 {
        NumberGap::events_between(&self.gaps, after, self.newest)
    }
}

/// How far a consumer has come.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct ConsumerFloor {
    /// The consumer.
    pub id: ConsumerId,
    /// Its name.
    pub name: String,
    /// Whose it is.
    pub space: String,
    /// It has done every event up to here.
    pub floor: i64,
    /// When the first event behind that was received; `None` if there is none, or if it is gone.
    pub next_ms: Option<i64>,
}

/// An event that is to be listed.
#[derive(Copy, Clone, Debug, Eq, PartialEq)]
pub struct ListedEvent {
    /// Whose it is.
    pub installation: InstallationId,
    /// Its number.
    pub seq: Seq,
    /// When it was received, in milliseconds since 1970.
    pub received_ms: i64,
    /// The bytes of its payload.
    pub bytes: u64,
}

/// One step. Each is a transaction of its own.
#[derive(Clone, Debug, Eq, PartialEq)]
pub enum RetentionStep {
    /// Writes down which event is the newest now, and which installations were removed. Once an hour.
    Mark,
    /// Events up to this one go.
    Expire {
        /// The last of them.
        through: Seq,
    },
    /// Rows without a payload go up to this one, as far as their keys are not needed any more.
    DeleteKeys {
        /// The last of them.
        through: Seq,
    },
    /// Events of one installation go, at most so many, oldest first, up to this one.
    ExpireOf {
        /// Whose they are.
        installation: InstallationId,
        /// The last of them.
        through: Seq,
        /// A consumer may still read from here on: what goes behind it keeps a row that says so.
        read_through: Seq,
        /// How many at most.
        events: usize,
    },
    /// The log of these installations is listed up to this event.
    List {
        /// Whose events were looked for.
        installations: Vec<InstallationId>,
        /// The last event that was looked at.
        through: Seq,
        /// What was found.
        found: Vec<ListedEvent>,
    },
    /// Payloads of an installation are replaced by their hashes, at most so many, oldest first, up to this one.
    Hash {
        /// Whose they are.
        installation: InstallationId,
        /// The last of them.
        through: Seq,
        /// How many at most.
        events: usize,
    },
    /// The payloads of these events are erased, with what was kept of their deliveries.
    Erase {
        /// The events.
        events: Vec<Seq>,
        /// When, in milliseconds since 1970.
        at_ms: i64,
    },
    /// What this person agreed to is forgotten.
    ErasePerson {
        /// The person.
        person: String,
        /// Of this installation; of all if `None`.
        installation: Option<InstallationId>,
    },
    /// Journeys of events up to this one go, at most so many rows.
    Journeys {
        /// The event.
        through: Seq,
        /// How many rows at most.
        rows: usize,
    },
    /// Entries of the audit before this time go, at most so many, oldest first.
    Audit {
        /// In milliseconds since 1970.
        before_ms: i64,
        /// How many rows at most.
        rows: usize,
    },
    /// Notes of timelines before this time go, at most so many, oldest first.
    Timelines {
        /// In milliseconds since 1970.
        before_ms: i64,
        /// How many rows at most.
        rows: usize,
    },
    /// Tokens go that expired or were revoked before this time.
    Tokens {
        /// In milliseconds since 1970.
        before_ms: i64,
    },
    /// Authorizations of people go that ended, or whose tokens held for the last time, before this time.
    Authorizations {
        /// In milliseconds since 1970.
        before_ms: i64,
    },
    /// The row of a removed installation goes, all of whose events are gone.
    Forget {
        /// The installation.
        installation: InstallationId,
    },
    /// So many free pages are given back to the disk.
    GiveBack {
        /// How many at most.
        pages: u32,
    },
    /// The write-ahead log is emptied, so that what was deleted is in no file any more. It changes nothing while a reader holds
    /// on to an old state.
    EmptyWal,
}

/// What a step did.
#[derive(Copy, Clone, Debug, Default, Eq, PartialEq)]
pub struct StepDone {
    /// Rows, pages or events that it changed.
    pub changed: u64,
    /// The bytes of payloads, or of pages, that it freed.
    pub bytes: u64,
    /// Of all events up to here nothing but keys is left.
    pub gone_through: i64,
    /// For how long the writer was busy with it, in microseconds.
    pub took_us: u64,
}
