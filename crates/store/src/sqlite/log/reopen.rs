//! From one writing connection to the next, after trouble: how the old one is closed, whether what lies in its place may be
//! opened, and what the new one takes over.

use std::sync::{Arc, Weak};

use diesel::SqliteConnection;
use diesel::connection::SimpleConnection;

use super::files_check::cut;
use super::{Log, find_room};
use crate::cause::{Cause, Failure};
use crate::event_index::EventIndex;
use crate::sqlite::file::{DatabaseFile, Epoch};
use crate::sqlite::file_identity::FileIdentity;
use crate::sqlite::files::{Files, Shrunk, wal_with_content};
use crate::sqlite::lock::{LockError, LockFile};
use crate::sqlite::migrations::{self, Maker};
use longwire_wire::event::Seq;

/// What a closed connection leaves for the next one to know.
pub(crate) struct PreviousLog {
    /// Why it was closed.
    pub(crate) failure: Failure,
    files: Files,
    /// The newest event that it had, and the newest number that it had given.
    pub(crate) through: Option<Seq>,
    pub(crate) given: Option<Seq>,
    /// Those who must close their connections before the next one is opened, because the index of the write-ahead log
    /// that they share is wrong or out of reach.
    must_close: Weak<Epoch>,
    /// The database lacks pages, and must not be opened again.
    ruined: bool,
    /// Keeps SQLite from its last checkpoint while the others are closed.
    held_open: Option<SqliteConnection>,
}

impl PreviousLog {
    /// Whether somebody still has open what must be closed first.
    pub(crate) fn is_in_use(&self) -> bool {
        self.must_close.strong_count() > 0
    }

    /// Makes the readers close their connections if the write-ahead log became shorter while the writing connection was
    /// closed: they keep its index, which may name pages that are no longer there.
    pub(crate) fn close_readers_of_a_shorter_wal(&mut self, file: &DatabaseFile) {
        let is_shorter = matches!(self.files.shrunk(file), Some(Shrunk::Wal { .. }));
        if is_shorter && !self.is_in_use() {
            self.must_close = file.begin_epoch();
            self.held_open = file.hold_open().ok();
        }
    }

    /// Together with what the log before this one had, which was never compared with it.
    pub(crate) fn after(mut self, earlier: Option<Self>) -> Self {
        if let Some(earlier) = earlier {
            self.through = self.through.or(earlier.through);
            self.given = self.given.max(earlier.given);
        }
        self
    }
}

impl Log {
    /// Opens the file again after trouble. An absent or foreign file stays untouched: an empty log
    /// in its place would take every repeat of the platform for news.
    pub(crate) fn reopen(
        file: Arc<DatabaseFile>,
        lock: &mut LockFile,
        previous: Option<&mut PreviousLog>,
        run_events: usize,
    ) -> Result<Self, Failure> {
        may_open(&file, previous.as_deref())?;
        if let Some(previous) = previous {
            // All others are closed by now, and what this one has open shall not live on in what comes.
            previous.held_open = None;
        }
        look_inside(&file)?;
        lock.renew().map_err(|error| not_ours(lock, error))?;
        Self::connect(file, lock, run_events)
    }

    /// Compares the log with the one before it, and gives no number a second time. Once its index is loaded.
    pub(crate) fn go_on_after(&mut self, previous: &PreviousLog) {
        let Some(index) = &mut self.index else { return };
        tell_what_is_lost(previous.through, index.events.through());
        index.events.go_on_after(previous.given);
    }

    /// Closes the connection after a failure that leaves its state in doubt.
    pub(crate) fn leave(mut self, failure: &Failure) -> PreviousLog {
        let cause = failure.cause;
        let events = self.index.as_ref().map(|index| &index.events);
        let mut previous = PreviousLog {
            failure: failure.clone(),
            files: self.files.clone(),
            through: events.and_then(EventIndex::through),
            given: events.and_then(EventIndex::given),
            must_close: Weak::new(),
            held_open: None,
            ruined: self.ruined,
        };
        // SQLite makes the index of the write-ahead log anew only when nobody else of this process has it.
        if matches!(cause, Cause::Gone | Cause::Truncated) || self.ruined {
            previous.must_close = self.file.begin_epoch();
        }
        if cause == Cause::Truncated || self.ruined {
            // SQLite would copy pages into the database that are no longer there, or to where nothing is left.
            previous.held_open = self.file.hold_open().ok();
        } else if cause == Cause::Gone && self.files.has_database(&self.file) {
            // The opposite: what the write-ahead log holds is saved, as far as that is possible.
            let checkpoint = "PRAGMA wal_checkpoint(TRUNCATE)";
            drop(self.connection.batch_execute(checkpoint));
        }
        previous
    }
}

/// Whether the file that is there may be opened at all, before anything touches it.
fn may_open(file: &DatabaseFile, previous: Option<&PreviousLog>) -> Result<(), Failure> {
    let database = FileIdentity::of(&file.path)
        .map_err(|error| Failure::new(Cause::Gone, error.to_string()))?;
    find_room(&file.path)?;
    let Some(previous) = previous else {
        return Ok(());
    };
    if previous.ruined && previous.files.has_database(file) {
        let bytes = std::fs::metadata(&file.path).map_or(0, |found| found.len());
        return Err(cut(&file.path, bytes, Cause::Corrupt));
    }
    previous
        .files
        .may_be_followed_by(database, wal_with_content(file))
        .map_err(|why| {
            let wal = file.wal.display();
            Failure::new(
                Cause::Gone,
                format!("{wal}: {why}; move it away, or put its own database back"),
            )
        })
}

/// Whether the file in its place is this log. Another store is not locked for a moment either: its own gateway may
/// just be starting.
fn look_inside(file: &DatabaseFile) -> Result<(), Failure> {
    let mut first = file.connect("PRAGMA busy_timeout = 1000;")?;
    if !matches!(migrations::maker(&mut first)?, Maker::Us) {
        return Err(Failure::new(
            Cause::Gone,
            "the file in its place is not this log",
        ));
    }
    file.recognize(&mut first)
}

/// What it means that the lock cannot be had again.
fn not_ours(lock: &LockFile, error: LockError) -> Failure {
    let path = lock.path.display();
    match error {
        LockError::Held(pid) => {
            let by = pid.map_or(String::new(), |pid| format!(" by process {pid}"));
            Failure::new(Cause::Held, format!("{path} is locked{by}"))
        }
        LockError::NotPlain => Failure::new(Cause::Gone, format!("{path} is a link")),
        LockError::Io(error) => Failure::new(Cause::Gone, format!("{path}: {error}")),
    }
}

/// A file that was put back, or what is left of one that was cut, may lack events that were acknowledged.
fn tell_what_is_lost(known: Option<Seq>, found: Option<Seq>) {
    let (known, found) = (known.map_or(0, |seq| seq.0), found.map_or(0, |seq| seq.0));
    if found < known {
        tracing::error!(
            events = known - found,
            last_known = known,
            last_found = found,
            "acknowledged events are not in the database that was opened again",
        );
    }
}
