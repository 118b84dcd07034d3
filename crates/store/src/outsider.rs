//! Somebody else at our database: a shell left in a transaction, a backup tool that takes its time.
//!
//! For the commands and stories that show what the gateway does then. The gateway itself has no use for it.

use std::path::Path;

use diesel::connection::SimpleConnection as _;
use diesel::{Connection as _, SqliteConnection};

/// How long others may be waited for.
const PATIENCE: &str = "PRAGMA busy_timeout = 10000;";

/// Keeps everybody else from writing into a database, until it is dropped.
pub struct WriteLock {
    connection: SqliteConnection,
}

/// Why the write lock was not had.
#[derive(Debug, thiserror::Error)]
#[error("the write lock of the database cannot be had")]
pub struct LockError(#[source] Box<dyn std::error::Error + Send + Sync>);

impl WriteLock {
    /// Takes it; waits up to ten seconds for whoever has it.
    ///
    /// # Errors
    /// The file is no database, or somebody keeps the lock.
    pub fn take(database: &Path) -> Result<Self, LockError> {
        let mut connection = SqliteConnection::establish(&database.display().to_string())
            .map_err(|error| LockError(error.into()))?;
        connection
            .batch_execute(&format!("{PATIENCE} BEGIN IMMEDIATE;"))
            .map_err(|error| LockError(error.into()))?;
        Ok(Self { connection })
    }
}

impl Drop for WriteLock {
    fn drop(&mut self) {
        // Nothing was written. If this fails, closing the connection rolls back as well.
        drop(self.connection.batch_execute("ROLLBACK;"));
    }
}

impl std::fmt::Debug for WriteLock {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("WriteLock").finish_non_exhaustive()
    }
}
