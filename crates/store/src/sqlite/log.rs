//! The writing connection.
//!
//! Every write is one immediate transaction here, so the write lock is had before the first row and
//! a busy database is a clean refusal. A success means: COMMIT returned, with `synchronous=FULL`,
//! and the database, its write-ahead log, that log's index and the lock are still the files that
//! their paths name, none of them cut short.

mod reopen;

pub(crate) use reopen::PreviousLog;

use std::path::Path;
use std::sync::Arc;

use diesel::prelude::*;
use diesel::sql_types::Integer;
use diesel::{SqliteConnection, connection::SimpleConnection};

use super::event_index;
use super::file::{DatabaseFile, free_bytes};
use super::file_identity::FileIdentity;
use super::files::{Files, Shrunk};
use super::lock::LockFile;
use super::schema::probe;
use super::store_row::OpenTime;
use crate::event_index::EventIndex;
use crate::failure::Failure;
use crate::{Cause, Seq};

/// The write lock is waited for as long as an event can wait and still be answered in time.
///
/// The page size and the vacuum mode count only for a file that is still empty. Pages of 16 KiB
/// take a fifth less time per event than pages of 8 KiB: each page costs two writes and a read on
/// its way through the write-ahead log. A checkpoint counts pages; 250 keep it to 4 MiB. While a
/// reader holds on to an old state, the log grows on; the size limit is [`WAL_KEPT_BYTES`].
const PRAGMAS: &str = "PRAGMA busy_timeout = 1000;
    PRAGMA page_size = 16384;
    PRAGMA auto_vacuum = INCREMENTAL;
    PRAGMA journal_mode = WAL;
    PRAGMA synchronous = FULL;
    PRAGMA wal_autocheckpoint = 250;
    PRAGMA foreign_keys = ON;";

/// A write-ahead log that has become longer than this is cut as soon as all of it is in the database.
/// Four times what a checkpoint waits for: a log that is never kept from its checkpoints is used again
/// and again at its length, without a block that is freed and taken anew.
const WAL_KEPT_BYTES: u64 = 16 << 20;

/// With fewer free bytes than this the disk counts as full, and SQLite is not asked.
///
/// Its shared memory (`-shm`) is a mapped file, and a file system that finds no block for a page of
/// it (blocks below 4 KiB, copy on write) ends the process with SIGBUS instead of an error.
const NO_SPACE_BYTES: u64 = 1024 * 1024;

/// More than a page or two, so that a nearly full disk does not pass for a free one.
const PROBE_BYTES: usize = 64 * 1024;

/// The writing connection and the files it writes to.
pub(crate) struct Log {
    pub(super) connection: SqliteConnection,
    pub(super) file: Arc<DatabaseFile>,
    files: Files,
    page_bytes: u64,
    /// Pages of the database were cut off, and nobody can bring them back.
    ruined: bool,
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

/// Why a transaction was not made.
enum Refused<E> {
    Failed(E),
    /// Somebody made the files shorter, and in order; nothing is wrong with them, and the next attempt finds that.
    TidiedUp,
}

impl<E: From<Failure>> Refused<E> {
    fn failed(failure: Failure) -> Self {
        Self::Failed(failure.into())
    }

    fn into_error(self) -> E {
        match self {
            Self::Failed(error) => error,
            Self::TidiedUp => Failure::new(
                Cause::Locked,
                "another program tidied up the database during the transaction",
            )
            .into(),
        }
    }
}

/// SQLite's header of a write-ahead log, and of each page in it ("WAL File Format").
const WAL_HEADER_BYTES: u64 = 32;
const FRAME_HEADER_BYTES: u64 = 24;

#[derive(QueryableByName)]
struct Checkpoint {
    /// Pages in the write-ahead log.
    #[diesel(sql_type = Integer)]
    log: i32,
}

impl Log {
    pub(super) fn connect(
        file: Arc<DatabaseFile>,
        lock: &LockFile,
        run_events: usize,
    ) -> Result<Self, Failure> {
        let gone = |error: std::io::Error| Failure::new(Cause::Gone, error.to_string());
        let database = FileIdentity::of(file.path()).map_err(gone)?;
        let limit = format!("PRAGMA journal_size_limit = {WAL_KEPT_BYTES};");
        let connection = file.connect(&format!("{PRAGMAS} {limit}"))?;
        if FileIdentity::of(file.path()).map_err(gone)? != database {
            return Err(Failure::new(
                Cause::Gone,
                "the file was replaced while it was opened",
            ));
        }
        let mut log = Self {
            connection,
            file,
            files: Files::new(database, lock.identity()),
            page_bytes: 0,
            ruined: false,
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
        let page_bytes: i64 = diesel::select(diesel::dsl::sql::<diesel::sql_types::BigInt>(
            "(SELECT page_size FROM pragma_page_size)",
        ))
        .get_result(&mut log.connection)?;
        log.page_bytes = page_bytes.cast_unsigned();
        let wal_bytes = std::fs::metadata(log.file.wal()).map_or(0, |found| found.len());
        if !log.has_all_of_the_wal(wal_bytes) {
            return Err(cut(log.file.wal(), wal_bytes, Cause::Truncated));
        }
        log.file.open_to_all();
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
        self.attempt(work).map_err(Refused::into_error)
    }

    fn attempt<T, E: From<Failure>>(
        &mut self,
        work: impl FnOnce(&mut SqliteConnection) -> Result<T, E>,
    ) -> Result<T, Refused<E>> {
        find_room(self.file.path()).map_err(Refused::failed)?;
        // Kept aside, because the rollback of a transaction that SQLite has rolled back itself
        // fails too, and that error would hide this one.
        let mut first = None;
        let mut shrunk = None;
        let outcome = self.connection.immediate_transaction(|connection| {
            let value = work(connection).map_err(|error| {
                first = Some(error);
                diesel::result::Error::RollbackTransaction
            })?;
            // Before SQLite writes to them, which would leave a hole that nobody finds any more.
            shrunk = self.files.shrunk(&self.file);
            match shrunk {
                None => Ok(value),
                Some(_) => Err(diesel::result::Error::RollbackTransaction),
            }
        });
        match outcome {
            Ok(value) => self.confirm().map(|()| value).map_err(Refused::failed),
            Err(error) => {
                // Whatever the error is called, a file that was cut is its cause. Once for each of them: what is
                // accepted is no longer shorter than it was.
                while let Some(shrunk) = self.files.shrunk(&self.file) {
                    self.judge(shrunk).map_err(Refused::failed)?;
                }
                Err(match first {
                    Some(error) => Refused::Failed(error),
                    None if shrunk.is_some() => Refused::TidiedUp,
                    None => Refused::Failed(self.explain(error.into()).into()),
                })
            }
        }
    }

    /// [`transact`](Self::transact), with the index of what is recorded; it is as the database is
    /// afterwards, whatever the outcome.
    pub(crate) fn record<T>(
        &mut self,
        mut work: impl FnMut(&mut SqliteConnection, &mut EventIndex) -> Result<T, Failure>,
    ) -> Result<T, Failure> {
        self.load_index()?;
        // Out of its place while it is ahead of the database: a panic leaves none.
        let mut index = self.index.take().expect("it was loaded just now");
        let Index { events, open_time } = &mut index;
        let open_ms = open_time.now_ms();
        events.turn();
        let mut attempt = |log: &mut Self, events: &mut EventIndex| {
            log.attempt(|connection| {
                let value = work(connection, events)?;
                let forgotten = event_index::write_due(connection, events, open_ms)?;
                // A run says when it was completed, so what it says must not be ahead of what is written.
                let saves = events.completed().is_some() || open_time.is_due();
                if saves {
                    OpenTime::save(connection, open_ms)?;
                }
                Ok::<_, Failure>((value, forgotten, saves))
            })
        };
        let mut outcome = attempt(self, events);
        if matches!(outcome, Err(Refused::TidiedUp)) {
            events.undo();
            outcome = attempt(self, events);
        }
        let outcome = match outcome.map_err(Refused::into_error) {
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

    /// Whether what was committed is in the files that will be found after a restart.
    pub(crate) fn confirm(&mut self) -> Result<(), Failure> {
        match self.files.confirm(&self.file)? {
            Some(shrunk) => self.judge(shrunk),
            None => Ok(()),
        }
    }

    /// Looks after the files while there may be nothing to write: whether they are in their places, and whether the
    /// write-ahead log can be cut that a reader has held up.
    pub(crate) fn look_after(&mut self) -> Result<(), Failure> {
        if self.index.is_some() && self.files.are_known() {
            self.confirm()?;
        }
        if self.files.wal_bytes() <= WAL_KEPT_BYTES {
            return Ok(());
        }
        // Whoever still reads an old state is not waited for: events come first, and there is a next time.
        self.connection.batch_execute(
            "PRAGMA busy_timeout = 0; PRAGMA wal_checkpoint(TRUNCATE); PRAGMA busy_timeout = 1000;",
        )?;
        self.confirm()
    }

    /// The newest event, once the index is loaded.
    pub(crate) fn newest(&self) -> Option<Seq> {
        self.index.as_ref()?.events.through()
    }

    /// What the write-ahead log was last seen to hold, in bytes.
    pub(crate) fn wal_bytes(&self) -> u64 {
        self.files.wal_bytes()
    }

    /// Tells a file that somebody tidied up in order from one that was cut.
    fn judge(&mut self, shrunk: Shrunk) -> Result<(), Failure> {
        match shrunk {
            Shrunk::Wal { bytes } if !self.has_all_of_the_wal(bytes) => {
                Err(cut(self.file.wal(), bytes, Cause::Truncated))
            }
            Shrunk::Database { bytes } if !self.is_smaller_by_itself() => {
                self.ruined = true;
                Err(cut(self.file.path(), bytes, Cause::Corrupt))
            }
            accepted => {
                self.files.accept(accepted);
                Ok(())
            }
        }
    }

    /// Whether a write-ahead log of this length has all pages that SQLite believes to be in it.
    fn has_all_of_the_wal(&mut self, wal_bytes: u64) -> bool {
        let asked =
            diesel::sql_query("PRAGMA wal_checkpoint(NOOP)").get_result(&mut self.connection);
        match asked {
            Ok(Checkpoint { log }) => match u64::try_from(log) {
                Ok(0) | Err(_) => true,
                Ok(pages) => {
                    let frame_bytes = FRAME_HEADER_BYTES + self.page_bytes;
                    wal_bytes >= WAL_HEADER_BYTES + pages * frame_bytes
                }
            },
            Err(error) => {
                tracing::debug!(%error, "the length of the write-ahead log cannot be asked for");
                false
            }
        }
    }

    /// Whether SQLite believes the database to have fewer pages than its file was last seen to have.
    fn is_smaller_by_itself(&mut self) -> bool {
        let asked: QueryResult<i64> =
            diesel::select(diesel::dsl::sql::<diesel::sql_types::BigInt>(
                "(SELECT page_count FROM pragma_page_count)",
            ))
            .get_result(&mut self.connection);
        asked.is_ok_and(|pages| {
            pages.cast_unsigned() * self.page_bytes < self.files.database_bytes()
        })
    }

    /// What SQLite's word means, seen with the file and the disk beside it.
    pub(crate) fn explain(&self, failure: Failure) -> Failure {
        let moved = !self.files.has_database(&self.file);
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

/// The file lacks pages that were in it.
fn cut(path: &Path, left_bytes: u64, cause: Cause) -> Failure {
    let path = path.display();
    Failure::new(
        cause,
        format!(
            "{path} was cut to {left_bytes} bytes, and pages that were recorded lay behind them"
        ),
    )
}

/// An unexplained error on a full disk is its being full.
pub(super) fn blame_the_disk(path: &Path, failure: Failure) -> Failure {
    match failure.cause {
        Cause::Io | Cause::Other if find_room(path).is_err() => Failure {
            cause: Cause::DiskFull,
            ..failure
        },
        _ => failure,
    }
}

/// Whether there is room for a write. A file system that does not tell has some.
pub(super) fn find_room(path: &Path) -> Result<(), Failure> {
    match free_bytes(path) {
        Some(free) if free < NO_SPACE_BYTES => Err(Failure::new(
            Cause::DiskFull,
            format!("{free} bytes are free, {NO_SPACE_BYTES} are needed"),
        )),
        _ => Ok(()),
    }
}
