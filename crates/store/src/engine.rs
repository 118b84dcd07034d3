//! The border between the store and a database engine.
//!
//! Everything on this side is the same for every engine: the writer thread, its queue, receipts, health, the sealing of
//! secrets, the rules of installations. An engine owns its files or its server, its connections and its statements; it is
//! called once per batch, never per event. SQLite's is [`crate::sqlite`].

use std::fmt;
use std::path::PathBuf;
use std::sync::Arc;

use crate::cause::Failure;
use crate::consumer::{ConsumerRecord, ConsumerTable, SavedPosition};
use crate::event_record::{EventPage, EventQuery, EventRecord};
use crate::figures::DiskUsage;
use crate::identity::StoreIdentity;
use crate::ids::ConsumerId;
use crate::installation::{InstallationRecord, InstallationTable};
use crate::journey::JourneyRecord;
use crate::lane::LaneBatch;
use crate::read_error::ReadError;
use crate::receipt::Committed;
use crate::retention::{
    InstallationRetention, ListedEvent, RetentionState, RetentionStep, StepDone,
};
use crate::timeline::TimelineRecord;
use crate::token::TokenTable;
use crate::user_authorization::{UserAuthorizationRecord, UserAuthorizationTable};
use crate::write_error::WriteError;
use crate::write_queue::Queued;
use longwire_access::{AuditEntry, AuditRecord, Space, TokenRecord};
use longwire_installation::{InstallationId, Revision};
use longwire_wire::event::Seq;

/// An open database, as its engine hands it over.
pub(crate) struct Opened {
    pub(crate) writer: Box<dyn WriteEngine>,
    pub(crate) readers: Arc<dyn ReadEngine>,
    /// How many secrets each key has sealed, by the key's id.
    pub(crate) sealed_with: Vec<(String, usize)>,
    pub(crate) tokens: Vec<TokenRecord>,
    pub(crate) identity: StoreIdentity,
    /// Of all events up to here nothing but keys is left.
    pub(crate) gone_through: i64,
    /// What the store is called in messages; its keys and other files of ours lie beside it.
    pub(crate) path: PathBuf,
}

/// What one transaction records.
#[derive(Copy, Clone)]
pub(crate) struct Batch<'a> {
    /// In the order in which they came.
    pub(crate) groups: &'a [Queued],
    /// Written after the groups.
    pub(crate) small: &'a LaneBatch<'a>,
}

/// The one writing connection of a store. It belongs to one thread at a time and outlives each.
///
/// It is open or closed. Whoever holds it closes it after a failure that leaves its state in doubt, and opens it again with
/// [`recover`](Self::recover).
pub(crate) trait WriteEngine: Send {
    /// Whether this process has the database. If not, batches go through the process that has it: small writes wait then, and
    /// the log has events that this process has not seen.
    fn is_owner(&self) -> bool {
        true
    }

    /// Opens the database here, if another process had it: that process has ended, or ends within some seconds, and no batch
    /// goes to it any more.
    fn take_over(&mut self) -> Result<(), Failure> {
        Ok(())
    }

    /// Whether there is a connection.
    fn is_open(&self) -> bool;

    /// Whether it is open and its log was compared with the one before it, so that batches may come.
    fn is_ready(&self) -> bool;

    /// Opens the database again, if it is closed, compares the log with the one before it, and writes something to learn
    /// whether it takes writes.
    fn recover(&mut self) -> Result<(), Failure>;

    /// Closes the connection after this failure. What must be known of the log that is left is kept for the next one.
    fn close(&mut self, failure: &Failure);

    /// Records a batch in one transaction. On success all of it is durable; on failure nothing of it counts.
    fn record(&mut self, batch: Batch<'_>) -> Result<Committed, Failure>;

    /// Makes a change in one transaction, which is committed if `change` returns `Ok`.
    fn change(&mut self, change: &mut Change<'_>) -> Result<(), WriteError>;

    /// Carries out one step of retention, in a transaction of its own.
    fn retain(&mut self, step: &RetentionStep) -> Result<StepDone, Failure>;

    /// Looks after the database while there may be nothing to write.
    fn look_after(&mut self) -> Result<(), Failure>;

    /// The newest event of the log, while it is open.
    fn newest(&self) -> Option<Seq>;

    /// What it takes of its disk.
    fn disk(&self) -> DiskUsage;

    /// Closes everything in order at the end of the process. Nothing may be asked of it afterwards.
    fn end(&mut self) -> LastFiles;

    /// For tests of one engine.
    #[cfg(test)]
    fn as_any(&mut self) -> &mut dyn std::any::Any;
}

/// What an engine leaves on the disk at its end.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum LastFiles {
    /// One file that has everything.
    One,
    /// The database, and a write-ahead log that belongs to it, because another program has them open.
    WithWal(PathBuf),
    /// The database was not open, and nobody looked.
    InDoubt,
}

/// What is done to the tables within one transaction.
pub(crate) type Change<'a> = dyn FnMut(&mut dyn Tables) -> Result<(), WriteError> + 'a;

/// The tables that administrative changes are made in, within one transaction.
pub(crate) trait Tables {
    /// The installations.
    fn installations(&mut self) -> &mut dyn InstallationTable;

    /// The consumers, their positions and journeys.
    fn consumers(&mut self) -> &mut dyn ConsumerTable;

    /// What people agreed to.
    fn user_authorizations(&mut self) -> &mut dyn UserAuthorizationTable;

    /// The tokens.
    fn tokens(&mut self) -> &mut dyn TokenTable;

    /// Gives an installation rules of its own for what is kept of its events; the default rules take them away.
    fn keep_retention(
        &mut self,
        installation: InstallationId,
        rules: InstallationRetention,
    ) -> Result<(), Failure>;

    /// Writes an entry of the audit.
    fn keep_audit(&mut self, entry: &AuditEntry) -> Result<(), Failure>;
}

/// The queries of a store. They block, so callers use a thread that may; they may run side by side.
pub trait ReadEngine: fmt::Debug + Send + Sync {
    /// All installations, oldest first.
    fn installations(&self) -> Result<Vec<InstallationRecord>, ReadError> {
        self.installations_after(Revision::NONE)
    }

    /// The installations that changed after `revision`, oldest first.
    fn installations_after(&self, revision: Revision)
    -> Result<Vec<InstallationRecord>, ReadError>;

    /// All that there ever were, oldest first, those that were removed too: for whoever shows events, which stay.
    fn every_installation(&self) -> Result<Vec<InstallationRecord>, ReadError>;

    /// The installation with this public id or name.
    fn installation(&self, id_or_name: &str) -> Result<Option<InstallationRecord>, ReadError>;

    /// How many installations are to be connected.
    fn count_wanted(&self) -> Result<u64, ReadError>;

    /// The newest notes on an installation, newest first.
    fn timeline(
        &self,
        installation: InstallationId,
        limit: usize,
    ) -> Result<Vec<TimelineRecord>, ReadError>;

    /// The next stretch of the log. Those of some installations are searched for in a bounded number of rows at a time.
    fn events(&self, query: EventQuery) -> Result<EventPage, ReadError>;

    /// The event of this number. To find one by the platform's id of it, the log has to be read: there is no index for it,
    /// because every event would pay for that.
    fn event(&self, seq: Seq) -> Result<Option<EventRecord>, ReadError>;

    /// The first event that was received at this time (milliseconds since 1970) or later; `None` if none was. Found by a
    /// binary search, as events are numbered nearly in the order of their times: where this host's clock was set back, the
    /// answer is one of the places at which the times pass the one that is asked for.
    fn first_at(&self, received_ms: i64) -> Result<Option<Seq>, ReadError>;

    /// What tells this store from every other one.
    fn identity(&self) -> Result<StoreIdentity, ReadError>;

    /// All consumers, oldest first.
    fn consumers(&self) -> Result<Vec<ConsumerRecord>, ReadError>;

    /// The consumer of this name in this space.
    fn consumer(&self, space: &Space, name: &str) -> Result<Option<ConsumerRecord>, ReadError>;

    /// How far a consumer has come; `None` if there is no such consumer.
    fn position(&self, consumer: ConsumerId) -> Result<Option<SavedPosition>, ReadError>;

    /// The steps of an event's journey, in the order of their times.
    fn journey_of(&self, seq: Seq) -> Result<Vec<JourneyRecord>, ReadError>;

    /// The newest steps that a consumer had a part in, newest first by the time they were written: at most so many rows of
    /// them (1,024 steps each at most), of those that were written before the row `before`.
    fn attempts(
        &self,
        consumer: ConsumerId,
        before: Option<i64>,
        rows: usize,
    ) -> Result<Vec<JourneyRecord>, ReadError>;

    /// What a person agreed to, by the `open_id` of the installation's app.
    fn user_authorization(
        &self,
        installation: InstallationId,
        open_id: &str,
    ) -> Result<Option<UserAuthorizationRecord>, ReadError>;

    /// All tokens, oldest first, those that were revoked too.
    fn tokens(&self) -> Result<Vec<TokenRecord>, ReadError>;

    /// The newest entries of the audit before the entry `before`, newest first.
    fn audit(&self, before: Option<i64>, limit: usize) -> Result<Vec<AuditRecord>, ReadError>;

    /// The number of the newest event; `None` while there is none.
    fn last_seq(&self) -> Result<Option<Seq>, ReadError>;

    /// What retention has to know, in one look.
    fn retention(&self) -> Result<RetentionState, ReadError>;

    /// The events of these installations behind `after`, up to `through`, for their list.
    fn unlisted_events(
        &self,
        installations: &[InstallationId],
        after: Seq,
        through: Seq,
    ) -> Result<Vec<ListedEvent>, ReadError>;

    /// The events among the next `rows` numbers behind `after` whose payload or chat `names` a person, and the last number that
    /// was looked at: `after`, if there is none behind it.
    fn events_of_person(
        &self,
        after: Seq,
        rows: i64,
        installation: Option<InstallationId>,
        names: &dyn Fn(&[u8], Option<&str>) -> bool,
    ) -> Result<(Vec<Seq>, Seq), ReadError>;

    /// How many events there are. Walks an index: not for every page view.
    fn count_events(&self) -> Result<u64, ReadError>;
}
