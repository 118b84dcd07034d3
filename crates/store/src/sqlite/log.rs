//! The writing connection.
//!
//! Every write is one immediate transaction here, so the write lock is had before the first row and
//! a busy database is a clean refusal. A success means: COMMIT returned, with `synchronous=FULL`,
//! and the database, its write-ahead log, that log's index and the lock are still the files that
//! their paths name, none of them cut short.

mod files_check;
mod reopen;
mod retain;
mod transaction;

pub(crate) use reopen::PreviousLog;

use self::files_check::cut;

use std::path::Path;
use std::sync::Arc;

use diesel::SqliteConnection;
#[cfg(test)]
use diesel::connection::SimpleConnection;
use diesel::prelude::*;

use super::event_index;
use super::file::{DatabaseFile, free_bytes};
use super::file_identity::FileIdentity;
use super::files::Files;
use super::lock::LockFile;
use super::schema::probe;
use super::store_row::OpenTime;
use crate::cause::{Cause, Failure};
use crate::event_index::EventIndex;
use longwire_wire::event::Seq;

/// The write lock is waited for as long as an event can wait and still be answered in time.
///
/// The page size and the vacuum mode count only for a file that is still empty. Pages of 16 KiB
/// take a fifth less time per event than pages of 8 KiB: each page costs two writes and a read on
/// its way through the write-ahead log. A checkpoint counts pages; 250 keep it to 4 MiB. While a
/// reader holds on to an old state, the log grows on; the size limit is [`WAL_KEPT_BYTES`].
///
/// What is deleted or written over is zeroed in pages that are written anyway: a sealed secret that was replaced, removed or
/// sealed again does not stay in the file. Whole pages that become free are not written for that alone, and the write-ahead log
/// has them until it is used again.
const PRAGMAS: &str = "PRAGMA busy_timeout = 1000;
    PRAGMA page_size = 16384;
    PRAGMA auto_vacuum = INCREMENTAL;
    PRAGMA journal_mode = WAL;
    PRAGMA synchronous = FULL;
    PRAGMA wal_autocheckpoint = 250;
    PRAGMA secure_delete = FAST;
    PRAGMA foreign_keys = ON;";

/// A write-ahead log that has become longer than this is cut as soon as all of it is in the database.
/// Four times what a checkpoint waits for: a log that is never kept from its checkpoints is used again
/// and again at its length, without a block that is freed and taken anew.
pub(crate) const WAL_KEPT_BYTES: u64 = 16 << 20;

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
    pub(super) files: Files,
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

impl Log {
    pub(super) fn connect(
        file: Arc<DatabaseFile>,
        lock: &LockFile,
        run_events: usize,
    ) -> Result<Self, Failure> {
        let gone = |error: std::io::Error| Failure::new(Cause::Gone, error.to_string());
        let database = FileIdentity::of(&file.path).map_err(gone)?;
        let limit = format!("PRAGMA journal_size_limit = {WAL_KEPT_BYTES};");
        let connection = file.connect(&format!("{PRAGMAS} {limit}"))?;
        if FileIdentity::of(&file.path).map_err(gone)? != database {
            return Err(Failure::new(
                Cause::Gone,
                "the file was replaced while it was opened",
            ));
        }
        let mut log = Self {
            connection,
            file,
            files: Files::new(database, lock.identity),
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
        let wal_bytes = std::fs::metadata(&log.file.wal).map_or(0, |found| found.len());
        if !log.has_all_of_the_wal(wal_bytes) {
            return Err(cut(&log.file.wal, wal_bytes, Cause::Truncated));
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

    /// The newest event, once the index is loaded.
    pub(crate) fn newest(&self) -> Option<Seq> {
        self.index.as_ref()?.events.through()
    }
}

/// An unexplained error on a full disk means that the disk is full.
pub(super) fn blame_the_disk(path: &Path, mut failure: Failure) -> Failure {
    if failure.cause.is_unexplained() && find_room(path).is_err() {
        failure.cause = Cause::DiskFull;
    }
    failure
}

/// Whether there is free space for a write. A file system that does not tell has some.
pub(super) fn find_room(path: &Path) -> Result<(), Failure> {
    match free_bytes(path) {
        Some(free) if free < NO_SPACE_BYTES => Err(Failure::new(
            Cause::DiskFull,
            format!("{free} bytes are free, {NO_SPACE_BYTES} are needed"),
        )),
        Some(_) | None => Ok(()),
    }
}
