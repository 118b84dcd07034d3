//! The border between the store and a database engine.
//!
//! Everything on this side is the same for every engine: the writer thread, its queue, receipts, health, the sealing of
//! secrets, the rules of installations. An engine owns its files or its server, its connections and its statements; it is
//! called once per batch, never per event. SQLite's is [`crate::sqlite`].

use std::fmt;
use std::path::PathBuf;
use std::sync::Arc;

use crate::cause::Failure;
use crate::event_record::{EventPage, EventQuery};
use crate::figures::DiskUsage;
use longwire_wire::event::Seq;
use crate::installation::{InstallationRecord, InstallationTable};
use crate::lane::LaneBatch;
use crate::read_error::ReadError;
use crate::receipt::Committed;
use crate::timeline::TimelineRecord;
use crate::write_error::WriteError;
use crate::write_queue::Queued;
use longwire_installation::{InstallationId, Revision};

/// An open database, as its engine hands it over.
pub(crate) struct Opened {
    pub(crate) writer: Box<dyn WriteEngine>,
    pub(crate) readers: Arc<dyn ReadEngine>,
    /// How many secrets each key has sealed, by the key's id.
    pub(crate) sealed_with: Vec<(String, usize)>,
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

    /// Looks after the database while there may be nothing to write.
    fn look_after(&mut self) -> Result<(), Failure>;

    /// The newest event of the log, while it is open.
    fn newest(&self) -> Option<Seq>;

    /// What it takes of its disk.
    fn disk(&self) -> DiskUsage;

    /// For tests of one engine.
    #[cfg(test)]
    fn as_any(&mut self) -> &mut dyn std::any::Any;
}

/// What is done to the tables within one transaction.
pub(crate) type Change<'a> = dyn FnMut(&mut dyn Tables) -> Result<(), WriteError> + 'a;

/// The tables that administrative changes are made in, within one transaction.
pub(crate) trait Tables {
    /// The installations.
    fn installations(&mut self) -> &mut dyn InstallationTable;
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

    /// The next stretch of the log. Those of one installation are searched for in a bounded number of rows at a time.
    fn events(&self, query: EventQuery) -> Result<EventPage, ReadError>;

    /// The number of the newest event; `None` while there is none.
    fn last_seq(&self) -> Result<Option<Seq>, ReadError>;

    /// How many events there are. Walks an index: not for every page view.
    fn count_events(&self) -> Result<u64, ReadError>;
}
