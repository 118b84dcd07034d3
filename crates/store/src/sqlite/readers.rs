//! The pool of reading connections; the one file that names r2d2.
//!
//! They may only read, and go on doing so while the writer is in trouble. A connection to a file
//! that has been moved or replaced since is thrown away when it is next asked for, and a file in
//! its place is read only if it is the same store.

use std::sync::Arc;
use std::time::Duration;

use diesel::{QueryResult, SqliteConnection};

use super::file::{DatabaseFile, Epoch};
use super::file_identity::FileIdentity;
use super::{
    audit, consumers, events, installations, journeys, retention, timeline, tokens,
    user_authorizations,
};
use crate::cause::{Cause, Failure};
use crate::consumer::{ConsumerRecord, SavedPosition};
use crate::engine::ReadEngine;
use crate::event_record::{EventPage, EventQuery, EventRecord};
use crate::identity::StoreIdentity;
use crate::ids::ConsumerId;
use crate::installation::InstallationRecord;
use crate::journey::JourneyRecord;
use crate::read_error::ReadError;
use crate::retention::{ListedEvent, RetentionState};
use crate::timeline::TimelineRecord;
use crate::user_authorization::UserAuthorizationRecord;
use longwire_access::{AuditRecord, Space, TokenRecord};
use longwire_installation::{InstallationId, Revision};
use longwire_wire::event::Seq;

const PRAGMAS: &str = "PRAGMA busy_timeout = 1000; PRAGMA query_only = ON;";

/// How long a query waits for a free connection.
const PATIENCE: Duration = Duration::from_secs(2);

/// The pool. Connections are made when they are first needed.
#[derive(Clone, Debug)]
pub(crate) struct Readers {
    pool: r2d2::Pool<Source>,
}

impl Readers {
    pub(crate) fn new(file: Arc<DatabaseFile>, connections: u32) -> Self {
        let pool = r2d2::Pool::builder()
            .max_size(connections.max(1))
            .min_idle(Some(0))
            .connection_timeout(PATIENCE)
            .error_handler(Box::new(r2d2::NopErrorHandler))
            .build_unchecked(Source { file });
        Self { pool }
    }

    /// Closes the connections that are out of date and in nobody's hands.
    pub(crate) fn close_outdated(&self) {
        // To take one looks at each until one is good; those that are not are closed.
        drop(self.pool.try_get());
    }

    fn read<T>(
        &self,
        query: impl FnOnce(&mut SqliteConnection) -> QueryResult<T>,
    ) -> Result<T, ReadError> {
        let mut connection = self.pool.get().map_err(|error| ReadError::NoConnection {
            detail: error.to_string(),
        })?;
        query(&mut connection.connection).map_err(|error| ReadError::Refused(Failure::from(error)))
    }
}

impl ReadEngine for Readers {
    fn installations_after(
        &self,
        revision: Revision,
    ) -> Result<Vec<InstallationRecord>, ReadError> {
        self.read(|connection| installations::changed_after(connection, revision))
    }

    fn every_installation(&self) -> Result<Vec<InstallationRecord>, ReadError> {
        self.read(installations::every)
    }

    fn installation(&self, id_or_name: &str) -> Result<Option<InstallationRecord>, ReadError> {
        self.read(|connection| installations::find(connection, id_or_name))
    }

    fn count_wanted(&self) -> Result<u64, ReadError> {
        self.read(installations::count_wanted)
    }

    fn timeline(
        &self,
        installation: InstallationId,
        limit: usize,
    ) -> Result<Vec<TimelineRecord>, ReadError> {
        self.read(|connection| timeline::newest(connection, installation, limit))
    }

    fn events(&self, query: EventQuery) -> Result<EventPage, ReadError> {
        self.read(|connection| events::page(connection, &query, events::SCAN_ROWS))
    }

    fn event(&self, seq: Seq) -> Result<Option<EventRecord>, ReadError> {
        self.read(|connection| events::find(connection, seq))
    }

    fn first_at(&self, received_ms: i64) -> Result<Option<Seq>, ReadError> {
        self.read(|connection| events::first_at(connection, received_ms))
    }

    fn identity(&self) -> Result<StoreIdentity, ReadError> {
        self.read(|connection| Ok(StoreIdentity::read(connection)))?
            .map_err(ReadError::Refused)
    }

    fn consumers(&self) -> Result<Vec<ConsumerRecord>, ReadError> {
        self.read(consumers::all)
    }

    fn consumer(&self, space: &Space, name: &str) -> Result<Option<ConsumerRecord>, ReadError> {
        self.read(|connection| consumers::named(connection, space, name))
    }

    fn user_authorization(
        &self,
        installation: InstallationId,
        open_id: &str,
    ) -> Result<Option<UserAuthorizationRecord>, ReadError> {
        self.read(|connection| user_authorizations::of(connection, installation, open_id))
    }

    fn position(&self, consumer: ConsumerId) -> Result<Option<SavedPosition>, ReadError> {
        self.read(|connection| consumers::position(connection, consumer))
    }

    fn journey_of(&self, seq: Seq) -> Result<Vec<JourneyRecord>, ReadError> {
        self.read(|connection| journeys::of_event(connection, seq))
    }

    fn attempts(
        &self,
        consumer: ConsumerId,
        before: Option<i64>,
        rows: usize,
    ) -> Result<Vec<JourneyRecord>, ReadError> {
        self.read(|connection| journeys::of_consumer(connection, consumer, before, rows))
    }

    fn tokens(&self) -> Result<Vec<TokenRecord>, ReadError> {
        self.read(tokens::all)
    }

    fn audit(&self, before: Option<i64>, limit: usize) -> Result<Vec<AuditRecord>, ReadError> {
        self.read(|connection| audit::newest(connection, before, limit))
    }

    fn last_seq(&self) -> Result<Option<Seq>, ReadError> {
        self.read(events::last_seq)
    }

    fn retention(&self) -> Result<RetentionState, ReadError> {
        self.read(retention::state)
    }

    fn unlisted_events(
        &self,
        installations: &[InstallationId],
        after: Seq,
        through: Seq,
    ) -> Result<Vec<ListedEvent>, ReadError> {
        self.read(|connection| retention::unlisted(connection, installations, after, through))
    }

    fn events_of_person(
        &self,
        after: Seq,
        rows: i64,
        installation: Option<InstallationId>,
        names: &dyn Fn(&[u8], Option<&str>) -> bool,
    ) -> Result<(Vec<Seq>, Seq), ReadError> {
        self.read(|connection| {
            retention::events_of_person(connection, after, rows, installation, names)
        })
    }

    fn count_events(&self) -> Result<u64, ReadError> {
        self.read(events::count)
    }
}

/// Makes connections to the file that is there now.
#[derive(Debug)]
struct Source {
    file: Arc<DatabaseFile>,
}

struct Pooled {
    connection: SqliteConnection,
    file: FileIdentity,
    /// Declared after the connection, so let go after it was closed.
    epoch: Arc<Epoch>,
}

impl r2d2::ManageConnection for Source {
    type Connection = Pooled;
    type Error = Failure;

    fn connect(&self) -> Result<Pooled, Failure> {
        let epoch = self.file.enter()?;
        let gone = |error: std::io::Error| Failure::new(Cause::Gone, error.to_string());
        // Before: if it is replaced in between, the next look finds that.
        let file = FileIdentity::of(&self.file.path).map_err(gone)?;
        let mut connection = self.file.connect(PRAGMAS)?;
        self.file.recognize(&mut connection)?;
        Ok(Pooled {
            connection,
            file,
            epoch,
        })
    }

    fn is_valid(&self, pooled: &mut Pooled) -> Result<(), Failure> {
        let found = FileIdentity::of(&self.file.path);
        if self.has_broken(pooled) || !found.is_ok_and(|found| found == pooled.file) {
            return Err(Failure::new(Cause::Gone, "the file was replaced"));
        }
        Ok(())
    }

    fn has_broken(&self, pooled: &mut Pooled) -> bool {
        !self.file.is_current(&pooled.epoch)
    }
}
