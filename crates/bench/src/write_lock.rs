//! Another program that keeps the write lock of the gateway's database: a shell left in a transaction, a backup tool
//! that takes its time. The runs and stories use it that show what the gateway does then.

use std::path::Path;
use std::time::Duration;

use rusqlite::Connection;

/// How long others may be waited for.
const PATIENCE: Duration = Duration::from_secs(10);

/// Keeps everybody else from writing into a database, until it is dropped.
#[derive(Debug)]
pub struct WriteLock {
    connection: Connection,
}

/// Why the write lock was not had.
#[derive(Debug, thiserror::Error)]
#[error("the write lock of the database cannot be had")]
pub struct WriteLockError(#[from] rusqlite::Error);

impl WriteLock {
    /// Takes it; waits up to ten seconds for the program that has it.
    ///
    /// # Errors
    /// The file is no database, or another program keeps the lock.
    pub fn take(database: &Path) -> Result<Self, WriteLockError> {
        let connection = Connection::open(database)?;
        connection.busy_timeout(PATIENCE)?;
        connection.execute_batch("BEGIN IMMEDIATE")?;
        Ok(Self { connection })
    }
}

impl Drop for WriteLock {
    fn drop(&mut self) {
        // Nothing was written. If this fails, closing the connection rolls back as well.
        drop(self.connection.execute_batch("ROLLBACK"));
    }
}
