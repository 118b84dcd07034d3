//! The pool of reading connections; the one file that names r2d2.
//!
//! They may only read, and go on doing so while the writer is in trouble. A connection to a file
//! that has been replaced since is thrown away when it is next asked for.

use std::sync::Arc;
use std::time::Duration;

use diesel::{QueryResult, SqliteConnection};

use super::file::DatabaseFile;
use crate::failure::Failure;
use crate::reader::ReadError;

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

    pub(crate) fn read<T>(
        &self,
        query: impl FnOnce(&mut SqliteConnection) -> QueryResult<T>,
    ) -> Result<T, ReadError> {
        let mut connection = self.pool.get().map_err(|error| ReadError::NoConnection {
            detail: error.to_string(),
        })?;
        query(&mut connection.connection).map_err(|error| ReadError::Refused(Failure::from(error)))
    }
}

/// Makes connections to the file of the day.
#[derive(Debug)]
struct Source {
    file: Arc<DatabaseFile>,
}

struct Pooled {
    connection: SqliteConnection,
    epoch: u64,
}

impl r2d2::ManageConnection for Source {
    type Connection = Pooled;
    type Error = Failure;

    fn connect(&self) -> Result<Pooled, Failure> {
        let epoch = self.file.epoch();
        Ok(Pooled {
            connection: self.file.connect(PRAGMAS)?,
            epoch,
        })
    }

    fn is_valid(&self, pooled: &mut Pooled) -> Result<(), Failure> {
        if self.has_broken(pooled) {
            return Err(Failure::new(crate::Cause::Gone, "the file was replaced"));
        }
        Ok(())
    }

    fn has_broken(&self, pooled: &mut Pooled) -> bool {
        pooled.epoch != self.file.epoch()
    }
}
