//! The writing connection.
//!
//! Every write is one immediate transaction here, so the write lock is had before the first row and
//! a busy database is a clean refusal. A success means: COMMIT returned, with `synchronous=FULL`,
//! and both the database and its write-ahead log are still the files their paths name.

use std::path::Path;
use std::sync::Arc;

use diesel::prelude::*;
use diesel::{SqliteConnection, connection::SimpleConnection};

use super::event_index;
use super::file::{DatabaseFile, FileIdentity, free_bytes};
use super::migrations::{self, Maker};
use super::schema::probe;
use super::store_row::OpenTime;
use crate::Cause;
use crate::event_index::EventIndex;
use crate::failure::Failure;
use crate::open::OpenError;

/// The write lock is waited for as long as an event can wait and still be answered in time.
///
/// The page size and the vacuum mode count only for a file that is still empty. Pages of 16 KiB
/// take a fifth less time per event than pages of 8 KiB: each page costs two writes and a read on
/// its way through the write-ahead log. A checkpoint counts pages; 250 keep it to 4 MiB.
const PRAGMAS: &str = "PRAGMA busy_timeout = 1000;
    PRAGMA page_size = 16384;
    PRAGMA auto_vacuum = INCREMENTAL;
    PRAGMA journal_mode = WAL;
    PRAGMA synchronous = FULL;
    PRAGMA wal_autocheckpoint = 250;
    PRAGMA foreign_keys = ON;";

/// With fewer free bytes than this the disk counts as full, and SQLite is not asked.
///
/// Its shared memory (`-shm`) is a mapped file, and a file system that finds no block for a page of
/// it (blocks below 4 KiB, copy on write) ends the process with SIGBUS instead of an error.
const NO_SPACE_BYTES: u64 = 1024 * 1024;

/// More than a page or two, so that a nearly full disk does not pass for a free one.
const PROBE_BYTES: usize = 64 * 1024;

/// The writing connection and the files it writes to.
pub(crate) struct Log {
    connection: SqliteConnection,
    file: Arc<DatabaseFile>,
    database: FileIdentity,
    /// Known from the first commit on, which makes the file if it is not there.
    wal: Option<FileIdentity>,
    /// Which events the file holds. Read from it after each opening, never carried over.
    index: Option<Index>,
    /// Events that fill a run of the index.
    run_events: usize,
}

/// What the file says of its events, and the time by which it forgets their keys.
struct Index {
    events: EventIndex,
    open_time: OpenTime,
}

/// The schema of a file of ours.
enum Schema {
    Current,
    /// Empty, or it waits for a migration.
    Older,
}

impl Log {
    /// Opens the file at the start of the process: makes it, and brings its schema up to date.
    pub(crate) fn create(file: Arc<DatabaseFile>, run_events: usize) -> Result<Self, OpenError> {
        file.create()
            .map_err(|error| OpenError::of_io(file.path(), error))?;
        let path = file.path().to_owned();
        let refused = |failure| OpenError::of_failure(&path, blame_the_disk(&path, failure));
        find_room(&path).map_err(refused)?;
        // Asked before any pragma is set, which would alter a stranger's file.
        Self::refuse_foreign(&file)?;
        let mut log = Self::connect(file, run_events).map_err(refused)?;
        migrations::run(&mut log.connection).map_err(refused)?;
        log.probe().map_err(refused)?;
        log.load_index().map_err(refused)?;
        Ok(log)
    }

    /// Whether the file that is there can be read by this build: it is ours, and neither newer nor older.
    pub(crate) fn inspect(file: &DatabaseFile) -> Result<(), OpenError> {
        match Self::refuse_foreign(file)? {
            Schema::Current => Ok(()),
            Schema::Older => Err(OpenError::OlderSchema {
                path: file.path().to_owned(),
            }),
        }
    }

    /// Whether the file that is there can be written to: it is ours, and of no newer version.
    fn refuse_foreign(file: &DatabaseFile) -> Result<Schema, OpenError> {
        let path = file.path().to_owned();
        let metadata = std::fs::metadata(&path).map_err(|error| OpenError::of_io(&path, error))?;
        if metadata.is_dir() {
            return Err(OpenError::IsADirectory { path });
        }
        let maker = file
            .connect("PRAGMA busy_timeout = 1000;")
            .and_then(|mut first| migrations::maker(&mut first));
        let refused = |failure| OpenError::of_failure(&path, blame_the_disk(&path, failure));
        match maker.map_err(refused)? {
            Maker::Us => Ok(Schema::Current),
            Maker::Older => Ok(Schema::Older),
            Maker::Stranger => Err(OpenError::Foreign { path }),
            Maker::Newer(version) => Err(OpenError::NewerSchema { path, version }),
        }
    }

    /// Opens the file again after trouble. An absent or foreign file stays untouched: an empty log
    /// in its place would take every repeat of the platform for news.
    pub(crate) fn reopen(file: Arc<DatabaseFile>, run_events: usize) -> Result<Self, Failure> {
        FileIdentity::of(file.path())
            .map_err(|error| Failure::new(Cause::Gone, error.to_string()))?;
        find_room(file.path())?;
        let mut first = file.connect("PRAGMA busy_timeout = 1000;")?;
        if !migrations::is_current(&mut first)? {
            return Err(Failure::new(
                Cause::Gone,
                "the file in its place is not this log",
            ));
        }
        drop(first);
        Self::connect(file, run_events)
    }

    fn connect(file: Arc<DatabaseFile>, run_events: usize) -> Result<Self, Failure> {
        let gone = |error: std::io::Error| Failure::new(Cause::Gone, error.to_string());
        let database = FileIdentity::of(file.path()).map_err(gone)?;
        let connection = file.connect(PRAGMAS)?;
        if FileIdentity::of(file.path()).map_err(gone)? != database {
            return Err(Failure::new(
                Cause::Gone,
                "the file was replaced while it was opened",
            ));
        }
        let mut log = Self {
            connection,
            file,
            database,
            wal: None,
            index: None,
            run_events,
        };
        #[cfg(test)]
        log.limit_pages();
        // Not every file system can share memory; without a write-ahead log readers would block us.
        let mode: String = diesel::select(diesel::dsl::sql::<diesel::sql_types::Text>(
            "(SELECT journal_mode FROM pragma_journal_mode)",
        ))
        .get_result(&mut log.connection)?;
        if mode != "wal" {
            return Err(Failure::new(
                Cause::Other,
                format!("write-ahead logging is not possible here (mode {mode})"),
            ));
        }
        Ok(log)
    }

    #[cfg(test)]
    fn limit_pages(&mut self) {
        let limit = self
            .file
            .page_limit
            .load(std::sync::atomic::Ordering::SeqCst);
        if limit > 0 {
            self.connection
                .batch_execute(&format!("PRAGMA max_page_count = {limit}"))
                .expect("a pragma");
        }
    }

    /// Sets something on the connection alone.
    #[cfg(test)]
    pub(crate) fn pragma(&mut self, pragma: &str) {
        self.connection.batch_execute(pragma).expect("a pragma");
    }

    /// Runs `work` in one transaction. What it returns is durable when it comes back.
    pub(crate) fn transact<T, E: From<Failure>>(
        &mut self,
        work: impl FnOnce(&mut SqliteConnection) -> Result<T, E>,
    ) -> Result<T, E> {
        find_room(self.file.path())?;
        // Kept aside, because the rollback of a transaction that SQLite has rolled back itself
        // fails too, and that error would hide this one.
        let mut first = None;
        let outcome = self.connection.immediate_transaction(|connection| {
            work(connection).map_err(|error| {
                first = Some(error);
                diesel::result::Error::RollbackTransaction
            })
        });
        match outcome {
            Ok(value) => match self.confirm() {
                Ok(()) => Ok(value),
                Err(failure) => Err(failure.into()),
            },
            Err(error) => Err(first.unwrap_or_else(|| self.explain(error.into()).into())),
        }
    }

    /// [`transact`](Self::transact), with the index of what is recorded; it is as the database is
    /// afterwards, whatever the outcome.
    pub(crate) fn record<T>(
        &mut self,
        work: impl FnOnce(&mut SqliteConnection, &mut EventIndex) -> Result<T, Failure>,
    ) -> Result<T, Failure> {
        self.load_index()?;
        // Out of its place while it is ahead of the database: a panic leaves none.
        let mut index = self.index.take().expect("it was loaded just now");
        let Index { events, open_time } = &mut index;
        let open_ms = open_time.now_ms();
        events.turn();
        let outcome = self.transact(|connection| {
            let value = work(connection, events)?;
            let forgotten = event_index::write_due(connection, events, open_ms)?;
            // A run says when it was completed, so what it says must not be ahead of what is written.
            let saves = events.completed().is_some() || open_time.is_due();
            if saves {
                OpenTime::save(connection, open_ms)?;
            }
            Ok::<_, Failure>((value, forgotten, saves))
        });
        let outcome = match outcome {
            Ok((value, forgotten, saves)) => {
                events.keep(forgotten, open_ms);
                if saves {
                    open_time.saved(open_ms);
                }
                Ok(value)
            }
            Err(failure) => {
                events.undo();
                Err(failure)
            }
        };
        self.index = Some(index);
        outcome
    }

    /// Reads the index, if that has not been done since the file was opened.
    pub(crate) fn load_index(&mut self) -> Result<(), Failure> {
        if self.index.is_none() {
            let read = OpenTime::read(&mut self.connection).and_then(|open_time| {
                let open_ms = open_time.now_ms();
                let events = event_index::load(&mut self.connection, self.run_events, open_ms)?;
                Ok(Index { events, open_time })
            });
            self.index = Some(read.map_err(|failure| self.explain(failure))?);
        }
        Ok(())
    }

    /// Writes something and takes it away again, to learn whether the database takes writes.
    pub(crate) fn probe(&mut self) -> Result<(), Failure> {
        self.transact(|connection| {
            diesel::replace_into(probe::table)
                .values((probe::id.eq(1), probe::filler.eq(vec![0_u8; PROBE_BYTES])))
                .execute(connection)?;
            Ok::<_, Failure>(())
        })?;
        self.transact(|connection| {
            diesel::delete(probe::table).execute(connection)?;
            Ok::<_, Failure>(())
        })
    }

    /// Moves what the write-ahead log holds into the database, as far as that is possible.
    pub(crate) fn rescue(mut self) {
        if FileIdentity::of(self.file.path()).is_ok_and(|found| found == self.database) {
            let _ = self
                .connection
                .batch_execute("PRAGMA wal_checkpoint(TRUNCATE)");
        }
        self.file.begin_epoch();
    }

    /// Whether what was committed is in the files that will be found after a restart.
    fn confirm(&mut self) -> Result<(), Failure> {
        let gone = |path: &Path, why: &str| {
            Failure::new(Cause::Gone, format!("{}: {why}", path.display()))
        };
        match FileIdentity::of(self.file.path()) {
            Ok(found) if found == self.database => {}
            Ok(_) => return Err(gone(self.file.path(), "another file has its place")),
            Err(error) => return Err(gone(self.file.path(), &error.to_string())),
        }
        match (FileIdentity::of(self.file.wal()), self.wal) {
            (Ok(found), None) => self.wal = Some(found),
            (Ok(found), Some(known)) if found == known => {}
            (Ok(_), Some(_)) => return Err(gone(self.file.wal(), "another file has its place")),
            (Err(error), _) => return Err(gone(self.file.wal(), &error.to_string())),
        }
        Ok(())
    }

    /// What SQLite's word means, seen with the file and the disk beside it.
    pub(crate) fn explain(&self, failure: Failure) -> Failure {
        let moved = FileIdentity::of(self.file.path()).map_or(true, |found| found != self.database);
        match failure.cause {
            Cause::Poison => failure,
            _ if moved => Failure {
                cause: Cause::Gone,
                ..failure
            },
            _ => blame_the_disk(self.file.path(), failure),
        }
    }
}

/// An unexplained error on a full disk is its being full.
fn blame_the_disk(path: &Path, failure: Failure) -> Failure {
    match failure.cause {
        Cause::Io | Cause::Other if find_room(path).is_err() => Failure {
            cause: Cause::DiskFull,
            ..failure
        },
        _ => failure,
    }
}

/// Whether there is room for a write. A file system that does not tell has some.
fn find_room(path: &Path) -> Result<(), Failure> {
    match free_bytes(path) {
        Some(free) if free < NO_SPACE_BYTES => Err(Failure::new(
            Cause::DiskFull,
            format!("{free} bytes are free, {NO_SPACE_BYTES} are needed"),
        )),
        _ => Ok(()),
    }
}
