//! Queries. They block, so callers use a thread that may.

use std::sync::Arc;

use crate::engine::ReadEngine;
use crate::failure::Failure;
use crate::open::{OpenError, database_path};
use crate::sqlite;
use crate::{EventPage, EventQuery, InstallationRecord, Seq, StoreSettings, TimelineRecord};
use longwire_installation::{InstallationId, Revision};

/// A query was not answered.
#[derive(Debug, thiserror::Error)]
pub enum ReadError {
    /// No connection came free, or none could be made.
    #[error("no connection to the database: {detail}")]
    NoConnection {
        /// The pool's words.
        detail: String,
    },
    /// The database refused.
    #[error("the database does not answer")]
    Refused(#[source] Failure),
}

/// Reads a database, beside the process that writes to it or without any. Takes no lock, needs no
/// key, and changes nothing.
#[derive(Clone, Debug)]
pub struct Reader {
    engine: Arc<dyn ReadEngine>,
}

impl Reader {
    /// Opens the database for reading; it must exist.
    pub fn open(settings: &StoreSettings) -> Result<Self, OpenError> {
        let path = database_path(&settings.url)?;
        let engine = sqlite::open_readers(&path, settings.reader_connections)?;
        Ok(Self::new(engine))
    }

    pub(crate) fn new(engine: Arc<dyn ReadEngine>) -> Self {
        Self { engine }
    }

    /// All installations, oldest first.
    pub fn installations(&self) -> Result<Vec<InstallationRecord>, ReadError> {
        self.engine.installations()
    }

    /// The installations that changed after `revision`, oldest first.
    pub fn installations_after(
        &self,
        revision: Revision,
    ) -> Result<Vec<InstallationRecord>, ReadError> {
        self.engine.installations_after(revision)
    }

    /// The installation with this public id or name.
    pub fn installation(&self, id_or_name: &str) -> Result<Option<InstallationRecord>, ReadError> {
        self.engine.installation(id_or_name)
    }

    /// How many installations are to be connected.
    pub fn count_wanted(&self) -> Result<u64, ReadError> {
        self.engine.count_wanted()
    }

    /// The newest notes on an installation, newest first.
    pub fn timeline(
        &self,
        installation: InstallationId,
        limit: usize,
    ) -> Result<Vec<TimelineRecord>, ReadError> {
        self.engine.timeline(installation, limit)
    }

    /// The next stretch of the log. Those of one installation are searched for in a bounded number of rows at a time.
    pub fn events(&self, query: EventQuery) -> Result<EventPage, ReadError> {
        self.engine.events(&query)
    }

    /// The number of the newest event; `None` while there is none.
    pub fn last_seq(&self) -> Result<Option<Seq>, ReadError> {
        self.engine.last_seq()
    }

    /// How many events there are. Walks an index: not for every page view.
    pub fn count_events(&self) -> Result<u64, ReadError> {
        self.engine.count_events()
    }

    pub(crate) fn sealed_with(&self) -> Result<Vec<(String, usize)>, ReadError> {
        self.engine.sealed_with()
    }
}
