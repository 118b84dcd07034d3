//! How far a backup or a restore is, for whoever waits for it.

/// How far a backup or a restore is.
#[derive(Copy, Clone, Debug, PartialEq, Eq)]
pub enum BackupProgress {
    /// Bytes of the new database, and about how many it will have.
    Copying {
        /// Written so far.
        done_bytes: u64,
        /// Expected.
        all_bytes: u64,
    },
    /// Indexes are made, or the restored database is checked.
    Finishing,
    /// The digest is made.
    Digest,
}
