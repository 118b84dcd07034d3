//! Whether the files of the writing connection are in their places and whole, and what a failure means seen with them.
//!
//! A file that became shorter was tidied up in order, which SQLite knows, or somebody cut it.

use std::path::Path;

use diesel::connection::SimpleConnection;
use diesel::prelude::*;
use diesel::sql_types::Integer;

use super::{Log, WAL_KEPT_BYTES, blame_the_disk};
use crate::cause::{Cause, Failure};
use crate::sqlite::files::Shrunk;

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
        if self.files.wal_bytes <= WAL_KEPT_BYTES {
            return Ok(());
        }
        // Whoever still reads an old state is not waited for: events come first, and there is a next time.
        self.connection.batch_execute(
            "PRAGMA busy_timeout = 0; PRAGMA wal_checkpoint(TRUNCATE); PRAGMA busy_timeout = 1000;",
        )?;
        self.confirm()
    }

    /// Has all of the write-ahead log in the database, before the connection is closed for good. Whoever still reads an old
    /// state is not waited for.
    pub(crate) fn empty_the_wal(&mut self) -> Result<(), Failure> {
        self.connection
            .batch_execute("PRAGMA busy_timeout = 0; PRAGMA wal_checkpoint(TRUNCATE);")?;
        Ok(())
    }

    /// Tells a file that somebody tidied up in order from one that was cut.
    pub(super) fn judge(&mut self, shrunk: Shrunk) -> Result<(), Failure> {
        match shrunk {
            Shrunk::Wal { bytes } if !self.has_all_of_the_wal(bytes) => {
                Err(cut(&self.file.wal, bytes, Cause::Truncated))
            }
            Shrunk::Database { bytes } if !self.is_smaller_by_itself() => {
                self.ruined = true;
                Err(cut(&self.file.path, bytes, Cause::Corrupt))
            }
            Shrunk::Wal { .. } | Shrunk::Database { .. } => {
                self.files.accept(shrunk);
                Ok(())
            }
        }
    }

    /// Whether a write-ahead log of this length has all pages that SQLite believes to be in it.
    pub(super) fn has_all_of_the_wal(&mut self, wal_bytes: u64) -> bool {
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
        asked.is_ok_and(|pages| pages.cast_unsigned() * self.page_bytes < self.files.database_bytes)
    }

    /// What SQLite's error means, given the state of the file and the disk.
    pub(crate) fn explain(&self, mut failure: Failure) -> Failure {
        if failure.cause == Cause::Poison {
            return failure;
        }
        if !self.files.has_database(&self.file) {
            failure.cause = Cause::Gone;
        }
        blame_the_disk(&self.file.path, failure)
    }
}

/// The file lacks pages that were in it.
pub(super) fn cut(path: &Path, left_bytes: u64, cause: Cause) -> Failure {
    let path = path.display();
    Failure::new(
        cause,
        format!(
            "{path} was cut to {left_bytes} bytes, and pages that were recorded lay behind them"
        ),
    )
}
