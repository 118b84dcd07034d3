//! The files that a writing connection was opened on, and whether they are still in their places.
//!
//! Somebody may delete, replace or cut any of them while we write, and SQLite, which holds them
//! open, goes on without an error. What is found here decides whether a commit counts.

use std::fs;
use std::io;
use std::path::Path;

use super::file::DatabaseFile;
use super::file_identity::FileIdentity;
use crate::cause::{Cause, Failure};

/// The files of one connection.
#[derive(Clone, Debug)]
pub(crate) struct Files {
    database: FileIdentity,
    lock: FileIdentity,
    /// Known from the first commit on, which makes the file if it is not there.
    wal: Option<FileIdentity>,
    shm: Option<FileIdentity>,
    /// What they were last seen to hold.
    pub(super) wal_bytes: u64,
    pub(super) database_bytes: u64,
}

/// A file is shorter than when it was last seen: a program shortened it in order, or somebody cut it.
#[derive(Copy, Clone, Debug, Eq, PartialEq)]
pub(crate) enum Shrunk {
    /// A checkpoint empties it.
    Wal {
        /// What is left.
        bytes: u64,
    },
    /// A `VACUUM` makes it smaller.
    Database {
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
            database_bytes: 0,
        }
    }

    /// Whether they were looked at before. The first commit makes those that are not there; later an empty write-ahead log
    /// is a file as well.
    pub(crate) fn are_known(&self) -> bool {
        self.wal.is_some()
    }

    /// The file was found to be whole all the same.
    pub(crate) fn accept(&mut self, shrunk: Shrunk) {
        match shrunk {
            Shrunk::Wal { bytes } => self.wal_bytes = bytes,
            Shrunk::Database { bytes } => self.database_bytes = bytes,
        }
    }

    /// Whether the database is where it was.
    pub(crate) fn has_database(&self, file: &DatabaseFile) -> bool {
        FileIdentity::of(&file.path).is_ok_and(|found| found == self.database)
    }

    /// Looks at the lengths alone. A file that is missing or replaced is left to [`confirm`](Self::confirm).
    pub(crate) fn shrunk(&self, file: &DatabaseFile) -> Option<Shrunk> {
        let shorter = |path: &Path, known: Option<FileIdentity>, bytes: u64| {
            let found = fs::metadata(path).ok()?;
            let is_it = Some(FileIdentity::from(&found)) == known;
            (is_it && found.len() < bytes).then_some(found.len())
        };
        let wal = shorter(&file.wal, self.wal, self.wal_bytes);
        let wal = wal.map(|bytes| Shrunk::Wal { bytes });
        wal.or_else(|| {
            let bytes = shorter(&file.path, Some(self.database), self.database_bytes)?;
            Some(Shrunk::Database { bytes })
        })
    }

    /// Whether all of them are in their places, and which of them is shorter than before. What is met for the first
    /// time is known from then on.
    pub(crate) fn confirm(&mut self, file: &DatabaseFile) -> Result<Option<Shrunk>, Failure> {
        let lock = FileIdentity::of_link(&file.lock);
        is_known(&file.lock, lock, &mut Some(self.lock)).map_err(|failure| Failure {
            cause: Cause::Held,
            ..failure
        })?;
        is_known(&file.shm, FileIdentity::of(&file.shm), &mut self.shm)?;
        let database_bytes = length_of_known(&file.path, &mut Some(self.database))?;
        let wal_bytes = length_of_known(&file.wal, &mut self.wal)?;
        if wal_bytes < self.wal_bytes {
            return Ok(Some(Shrunk::Wal { bytes: wal_bytes }));
        }
        self.wal_bytes = wal_bytes;
        if database_bytes < self.database_bytes {
            let bytes = database_bytes;
            return Ok(Some(Shrunk::Database { bytes }));
        }
        self.database_bytes = database_bytes;
        Ok(None)
    }

    /// Whether the files that are there now may be opened after these.
    ///
    /// SQLite applies whatever write-ahead log lies beside a database. One that belongs to another file would
    /// corrupt it.
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

fn length_of_known(path: &Path, known: &mut Option<FileIdentity>) -> Result<u64, Failure> {
    let (identity, bytes) = match fs::metadata(path) {
        Ok(found) => (Ok(FileIdentity::from(&found)), found.len()),
        Err(error) => (Err(error), 0),
    };
    is_known(path, identity, known).map(|()| bytes)
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
    let found = fs::metadata(&file.wal).ok()?;
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
