//! The files that a writing connection was opened on, and whether they are still in their places.
//!
//! Somebody may delete, replace or cut any of them while we write, and SQLite, which holds them
//! open, goes on without an error. What is found here decides whether a commit counts.

use std::fs;
use std::io;
use std::path::Path;

use super::file::DatabaseFile;
use crate::Cause;
use crate::failure::Failure;
use crate::file_identity::FileIdentity;

/// The files of one connection.
#[derive(Clone, Debug)]
pub(crate) struct Files {
    database: FileIdentity,
    lock: FileIdentity,
    /// Known from the first commit on, which makes the file if it is not there.
    wal: Option<FileIdentity>,
    shm: Option<FileIdentity>,
    /// What the write-ahead log was last seen to hold.
    wal_bytes: u64,
}

/// How long the write-ahead log is, against what was last seen.
#[derive(Copy, Clone, Debug, Eq, PartialEq)]
pub(crate) enum WalLength {
    /// Not shorter.
    Grown,
    /// Shorter, which a checkpoint explains, or a program that cut it.
    Shrunk {
        /// What is left.
        bytes: u64,
    },
}

impl Files {
    pub(crate) fn new(database: FileIdentity, lock: FileIdentity) -> Self {
        Self {
            database,
            lock,
            wal: None,
            shm: None,
            wal_bytes: 0,
        }
    }

    /// What the write-ahead log was last seen to hold, in bytes.
    pub(crate) fn wal_bytes(&self) -> u64 {
        self.wal_bytes
    }

    /// The log was found to be whole with this length.
    pub(crate) fn set_wal_bytes(&mut self, bytes: u64) {
        self.wal_bytes = bytes;
    }

    /// Whether the database is where it was.
    pub(crate) fn has_database(&self, file: &DatabaseFile) -> bool {
        FileIdentity::of(file.path()).is_ok_and(|found| found == self.database)
    }

    /// Whether the index of the write-ahead log is where it was.
    pub(crate) fn has_shm(&self, file: &DatabaseFile) -> bool {
        self.shm.is_none() || FileIdentity::of(file.shm()).ok() == self.shm
    }

    /// Looks at the write-ahead log alone. One that is missing or replaced counts as grown: [`confirm`](Self::confirm)
    /// finds that.
    pub(crate) fn wal_length(&self, file: &DatabaseFile) -> WalLength {
        match fs::metadata(file.wal()) {
            Ok(found)
                if Some(FileIdentity::from(&found)) == self.wal && found.len() < self.wal_bytes =>
            {
                WalLength::Shrunk { bytes: found.len() }
            }
            _ => WalLength::Grown,
        }
    }

    /// Whether all of them are in their places; what is met for the first time is known from then on.
    pub(crate) fn confirm(&mut self, file: &DatabaseFile) -> Result<WalLength, Failure> {
        is_known(
            file.path(),
            FileIdentity::of(file.path()),
            &mut Some(self.database),
        )?;
        is_known(
            file.lock(),
            FileIdentity::of_link(file.lock()),
            &mut Some(self.lock),
        )?;
        is_known(file.shm(), FileIdentity::of(file.shm()), &mut self.shm)?;
        let wal = fs::metadata(file.wal());
        let identity = wal.as_ref().map(FileIdentity::from);
        is_known(
            file.wal(),
            identity.map_err(|error| io::Error::new(error.kind(), error.to_string())),
            &mut self.wal,
        )?;
        let bytes = wal.map_or(0, |found| found.len());
        if bytes < self.wal_bytes {
            return Ok(WalLength::Shrunk { bytes });
        }
        self.wal_bytes = bytes;
        Ok(WalLength::Grown)
    }

    /// Whether the files that are there now may be opened after these.
    ///
    /// SQLite applies whatever write-ahead log lies beside a database. One that belongs to another file would make a
    /// ruin of it.
    pub(crate) fn may_be_followed_by(
        &self,
        database: FileIdentity,
        wal: Option<FileIdentity>,
    ) -> Result<(), &'static str> {
        let Some(wal) = wal else {
            return Ok(());
        };
        match (database == self.database, Some(wal) == self.wal) {
            (true, true) | (false, false) => Ok(()),
            (true, false) if self.wal.is_none() => Ok(()),
            (true, false) => Err("it belongs to another file than the database beside it"),
            (false, true) => Err("it belongs to the file that the database beside it replaced"),
        }
    }
}

fn is_known(
    path: &Path,
    found: io::Result<FileIdentity>,
    known: &mut Option<FileIdentity>,
) -> Result<(), Failure> {
    let why = match (found, &*known) {
        (Ok(found), Some(known)) if found == *known => return Ok(()),
        (Ok(found), None) => {
            *known = Some(found);
            return Ok(());
        }
        (Ok(_), Some(_)) => "another file has its place".to_owned(),
        (Err(error), _) => error.to_string(),
    };
    Err(Failure::new(
        Cause::Gone,
        format!("{}: {why}", path.display()),
    ))
}

/// The write-ahead log that lies there, unless there is none or nothing in it.
pub(crate) fn wal_with_content(file: &DatabaseFile) -> Option<FileIdentity> {
    let found = fs::metadata(file.wal()).ok()?;
    (found.len() > 0).then(|| FileIdentity::from(&found))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_log_is_applied_to_its_own_database_only() {
        let directory = tempfile::tempdir().expect("a directory");
        let [ours, our_wal, theirs, their_wal] = ["a", "b", "c", "d"].map(|name| {
            let path = directory.path().join(name);
            fs::write(&path, name).expect("a file");
            FileIdentity::of(&path).expect("there")
        });
        let before = Files {
            wal: Some(our_wal),
            ..Files::new(ours, ours)
        };
        for (database, wal, may) in [
            (ours, None, true),
            (ours, Some(our_wal), true),
            (ours, Some(their_wal), false),
            (theirs, None, true),
            (theirs, Some(our_wal), false),
            (theirs, Some(their_wal), true),
        ] {
            let found = before.may_be_followed_by(database, wal);
            assert_eq!(found.is_ok(), may, "{database:?} {wal:?}");
        }
        let before_the_first_commit = Files::new(ours, ours);
        assert!(
            before_the_first_commit
                .may_be_followed_by(ours, Some(our_wal))
                .is_ok()
        );
    }
}
