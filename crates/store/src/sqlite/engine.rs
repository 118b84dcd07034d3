//! SQLite behind the store's border: one writing connection, which is closed and opened again after trouble.

use std::path::Path;
use std::sync::Arc;

use super::file::{DatabaseFile, disk_bytes, free_bytes};
use super::installations::{keep_displacement, sealed_with};
use super::lock::{LockError, LockFile};
use super::log::{Log, PreviousLog};
use super::opening;
use super::readers::Readers;
use super::timeline::TimelineBuffer;
use super::{audit, consumers, journeys, retention, tokens};
use crate::cause::{Cause, Failure};
use crate::engine::{Batch, Change, LastFiles, Opened, ReadEngine, WriteEngine};
use crate::figures::DiskUsage;
use crate::forwarding::{Forward, ForwardingEngine, OpenOwn};
use crate::identity::StoreIdentity;
use crate::lane::SmallWrite;
use crate::open::OpenError;
use crate::receipt::Committed;
use crate::recording::record_groups;
use crate::retention::{RetentionStep, StepDone};
use crate::write_error::WriteError;
use diesel::SqliteConnection;
use longwire_access::TokenRecord;
use longwire_wire::event::Seq;

/// The writing connection and everything that outlives it.
pub(crate) struct SqliteEngine {
    pub(crate) file: Arc<DatabaseFile>,
    readers: Readers,
    pub(crate) log: Option<Log>,
    /// Of the log before, until another one is open and was compared with it.
    pub(crate) previous: Option<PreviousLog>,
    /// Declared after the log, so let go after it was closed.
    pub(crate) lock: LockFile,
    /// Events that fill a run of the event index.
    pub(crate) run_events: usize,
    timeline: TimelineBuffer,
}

/// Opens the database for this process alone: makes its directory and the file where they are missing, takes the lock, and
/// brings the schema up to date.
pub(crate) fn open(
    path: &Path,
    reader_connections: u32,
    run_events: usize,
) -> Result<Opened, OpenError> {
    if let Some(directory) = path.parent() {
        crate::directory::make(directory).map_err(|error| OpenError::of_io(directory, error))?;
    }
    let file = Arc::new(DatabaseFile::new(path.to_owned()));
    let readers = Readers::new(Arc::clone(&file), reader_connections);
    let mut engine = SqliteEngine::open(file, readers.clone(), run_events)?;
    let log = engine.log.as_mut().expect("it was opened just now");
    let known = Known::read(path, &mut log.connection)?;
    Ok(known.of_store(path, Box::new(engine), readers))
}

/// Opens the database for reading beside the process that writes to it. Batches go to that process over `forward` until it
/// lets go of the database.
pub(crate) fn open_beside(
    path: &Path,
    reader_connections: u32,
    run_events: usize,
    forward: Box<dyn Forward>,
) -> Result<Opened, OpenError> {
    let file = Arc::new(DatabaseFile::new(path.to_owned()));
    opening::inspect(&file)?;
    let readers = Readers::new(Arc::clone(&file), reader_connections);
    let refused = |source: Failure| OpenError::Database {
        path: path.to_owned(),
        source,
    };
    let mut connection = file
        .connect("PRAGMA busy_timeout = 1000; PRAGMA query_only = ON;")
        .map_err(refused)?;
    file.recognize(&mut connection).map_err(refused)?;
    let known = Known::read(path, &mut connection)?;
    let newest = super::events::last_seq(&mut connection).map_err(|error| refused(error.into()))?;
    drop(connection);
    let of_engine = readers.clone();
    let open_own: OpenOwn = Box::new(move || {
        let engine = SqliteEngine::open(Arc::clone(&file), of_engine.clone(), run_events)?;
        Ok(Box::new(engine))
    });
    let engine = ForwardingEngine::new(forward, open_own, newest);
    Ok(known.of_store(path, Box::new(engine), readers))
}

/// What a store knows of its database from the start.
struct Known {
    sealed_with: Vec<(String, usize)>,
    tokens: Vec<TokenRecord>,
    identity: StoreIdentity,
    gone_through: i64,
}

impl Known {
    fn read(path: &Path, connection: &mut SqliteConnection) -> Result<Self, OpenError> {
        let refused = |source: Failure| OpenError::Database {
            path: path.to_owned(),
            source,
        };
        Ok(Self {
            sealed_with: sealed_with(connection).map_err(|error| refused(error.into()))?,
            tokens: tokens::all(connection).map_err(|error| refused(error.into()))?,
            identity: StoreIdentity::read(connection).map_err(refused)?,
            gone_through: retention::gone_through(connection)
                .map_err(|error| refused(error.into()))?,
        })
    }

    fn of_store(self, path: &Path, writer: Box<dyn WriteEngine>, readers: Readers) -> Opened {
        Opened {
            writer,
            readers: Arc::new(readers),
            sealed_with: self.sealed_with,
            tokens: self.tokens,
            identity: self.identity,
            gone_through: self.gone_through,
            path: path.to_owned(),
        }
    }
}

/// Opens the database for reading, beside the process that writes to it or without any; it must exist.
pub(crate) fn open_readers(
    path: &Path,
    connections: u32,
) -> Result<Arc<dyn ReadEngine>, OpenError> {
    let file = Arc::new(DatabaseFile::new(path.to_owned()));
    opening::inspect(&file)?;
    Ok(Arc::new(Readers::new(file, connections)))
}

impl SqliteEngine {
    /// Takes the lock and opens the file, which is made if it is not there and brought up to date.
    fn open(
        file: Arc<DatabaseFile>,
        readers: Readers,
        run_events: usize,
    ) -> Result<Self, OpenError> {
        let lock = LockFile::take(&file.lock).map_err(|error| match error {
            LockError::Held(pid) => OpenError::Held {
                pid,
                path: file.path.clone(),
            },
            LockError::NotPlain => OpenError::Linked {
                path: file.lock.clone(),
            },
            LockError::Io(error) => OpenError::of_io(&file.lock, error),
        })?;
        let log = Log::create(Arc::clone(&file), &lock, run_events)?;
        Ok(Self {
            file,
            readers,
            log: Some(log),
            previous: None,
            lock,
            run_events,
            timeline: TimelineBuffer::default(),
        })
    }

    fn reopen(&mut self) -> Result<Log, Failure> {
        if let Some(previous) = &mut self.previous {
            previous.close_readers_of_a_shorter_wal(&self.file);
        }
        self.readers.close_outdated();
        if let Some(previous) = &self.previous
            && previous.is_in_use()
        {
            return Err(previous.failure.clone());
        }
        let file = Arc::clone(&self.file);
        Log::reopen(
            file,
            &mut self.lock,
            self.previous.as_mut(),
            self.run_events,
        )
    }
}

/// The connection is closed, and nobody has opened it again.
fn closed() -> Failure {
    Failure::new(Cause::WriterGone, "the database is not open")
}

impl WriteEngine for SqliteEngine {
    fn is_open(&self) -> bool {
        self.log.is_some()
    }

    fn is_ready(&self) -> bool {
        self.log.is_some() && self.previous.is_none()
    }

    fn recover(&mut self) -> Result<(), Failure> {
        if self.log.is_none() {
            self.log = Some(self.reopen()?);
        }
        let log = self.log.as_mut().ok_or_else(closed)?;
        log.probe()?;
        log.load_index()?;
        if let Some(previous) = self.previous.take() {
            log.go_on_after(&previous);
        }
        Ok(())
    }

    fn close(&mut self, failure: &Failure) {
        if let Some(log) = self.log.take() {
            let earlier = self.previous.take();
            self.previous = Some(log.leave(failure).after(earlier));
        }
    }

    fn record(&mut self, batch: Batch<'_>) -> Result<Committed, Failure> {
        let log = self.log.as_mut().ok_or_else(closed)?;
        let timeline = &mut self.timeline;
        let outcomes = log.record(|connection, index| {
            let outcomes = record_groups(connection, index, batch.groups)?;
            for small in batch.small.writes() {
                match small {
                    SmallWrite::Note(note) => timeline.write(connection, note)?,
                    SmallWrite::Displacement(displacement) => {
                        keep_displacement(connection, displacement)?;
                    }
                    SmallWrite::Position(consumer, position) => {
                        consumers::keep_position(connection, *consumer, position)?;
                    }
                    SmallWrite::Journey(batch) => journeys::keep(connection, batch)?,
                    SmallWrite::TokenUsed(used) => tokens::used(connection, *used)?,
                    SmallWrite::Audit(entry) => audit::keep(connection, entry)?,
                }
            }
            Ok(outcomes)
        });
        match outcomes {
            // COMMIT has returned, and the files are in their places.
            Ok(outcomes) => Ok(Committed::after_commit(outcomes)),
            Err(failure) => Err(log.explain(failure)),
        }
    }

    fn change(&mut self, change: &mut Change<'_>) -> Result<(), WriteError> {
        let log = self.log.as_mut().ok_or_else(closed)?;
        log.transact(|connection| change(connection))
    }

    fn retain(&mut self, step: &RetentionStep) -> Result<StepDone, Failure> {
        let log = self.log.as_mut().ok_or_else(closed)?;
        log.retain(step).map_err(|failure| log.explain(failure))
    }

    fn look_after(&mut self) -> Result<(), Failure> {
        self.log.as_mut().map_or(Ok(()), Log::look_after)
    }

    fn newest(&self) -> Option<Seq> {
        self.log.as_ref()?.newest()
    }

    fn disk(&self) -> DiskUsage {
        // A file that cannot be looked at is told of by whoever uses it.
        let database_bytes = std::fs::metadata(&self.file.path).map_or(0, |file| file.len());
        DiskUsage {
            database_bytes,
            wal_bytes: self.log.as_ref().map_or(0, |log| log.files.wal_bytes),
            free_bytes: free_bytes(&self.file.path),
            disk_bytes: disk_bytes(&self.file.path),
        }
    }

    fn end(&mut self) -> LastFiles {
        // Readers of ours would keep the write-ahead log; from now on none connects.
        drop(self.file.begin_epoch());
        self.readers.close_outdated();
        let Some(mut log) = self.log.take() else {
            return LastFiles::InDoubt;
        };
        let whole = log.empty_the_wal();
        drop(log);
        match whole {
            Ok(()) if !self.file.wal.exists() => LastFiles::One,
            Ok(()) => LastFiles::WithWal(self.file.wal.clone()),
            Err(failure) => {
                tracing::debug!(%failure, "the write-ahead log stays as it is");
                LastFiles::WithWal(self.file.wal.clone())
            }
        }
    }

    #[cfg(test)]
    fn as_any(&mut self) -> &mut dyn std::any::Any {
        self
    }
}
