//! The database file: its path, its identity, and the way to open it.
//!
//! A path can be emptied or given to another file while we write to the old one, and SQLite does
//! not mind. A commit into such a file is no record, so the identity of the file behind the path is
//! asked for after each commit. Only `stat` is used: to open and close the file ourselves would
//! drop SQLite's own locks on it (POSIX locks belong to the process, not to the descriptor).

use std::fmt::Write as _;
use std::fs::{self, OpenOptions};
use std::io;
use std::os::unix::fs::{MetadataExt, OpenOptionsExt};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering};

use diesel::connection::SimpleConnection;
use diesel::{Connection, SqliteConnection};

use crate::failure::Failure;
use crate::open::beside;

/// A file as the file system knows it.
#[derive(Copy, Clone, Debug, Eq, PartialEq)]
pub(crate) struct FileIdentity {
    device: u64,
    inode: u64,
}

impl FileIdentity {
    pub(crate) fn of(path: &Path) -> io::Result<Self> {
        let metadata = fs::metadata(path)?;
        Ok(Self {
            device: metadata.dev(),
            inode: metadata.ino(),
        })
    }
}

/// Where the database lies, shared by everyone who opens it.
#[derive(Debug)]
pub(crate) struct DatabaseFile {
    path: PathBuf,
    wal: PathBuf,
    /// Rises when the file was found moved: connections of an older epoch belong to the old file.
    epoch: AtomicU64,
    /// The most pages the database may have; 0 for no limit. Tests fill a disk with it.
    #[cfg(test)]
    pub(crate) page_limit: std::sync::atomic::AtomicU32,
}

impl DatabaseFile {
    pub(crate) fn new(path: PathBuf) -> Self {
        Self {
            wal: beside(&path, "-wal"),
            path,
            epoch: AtomicU64::new(0),
            #[cfg(test)]
            page_limit: std::sync::atomic::AtomicU32::new(0),
        }
    }

    pub(crate) fn path(&self) -> &Path {
        &self.path
    }

    pub(crate) fn wal(&self) -> &Path {
        &self.wal
    }

    pub(crate) fn epoch(&self) -> u64 {
        self.epoch.load(Ordering::Acquire)
    }

    pub(crate) fn begin_epoch(&self) {
        self.epoch.fetch_add(1, Ordering::AcqRel);
    }

    /// Makes the directory and an empty file that only its owner may use, where there is none.
    pub(crate) fn create(&self) -> io::Result<()> {
        if let Some(directory) = self.path.parent() {
            crate::directory::make(directory)?;
        }
        match OpenOptions::new()
            .write(true)
            .create_new(true)
            .mode(0o600)
            .open(&self.path)
        {
            Ok(_) => Ok(()),
            Err(error) if error.kind() == io::ErrorKind::AlreadyExists => Ok(()),
            Err(error) => Err(error),
        }
    }

    /// Connects to the file that is there; never makes one.
    pub(crate) fn connect(&self, pragmas: &str) -> Result<SqliteConnection, Failure> {
        let mut connection = SqliteConnection::establish(&self.uri())?;
        connection.batch_execute(pragmas)?;
        Ok(connection)
    }

    fn uri(&self) -> String {
        let mut uri = String::from("file:");
        for &byte in self.path.as_os_str().as_encoded_bytes() {
            match byte {
                b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' | b'/' | b'.' | b'-' | b'_' => {
                    uri.push(byte as char)
                }
                _ => write!(uri, "%{byte:02x}").expect("a String takes every write"),
            }
        }
        uri + "?mode=rw"
    }
}

/// Bytes free to us on the file system of `path`.
pub(crate) fn free_bytes(path: &Path) -> Option<u64> {
    let volume = rustix::fs::statvfs(path.parent()?).ok()?;
    Some(volume.f_bavail.saturating_mul(volume.f_frsize))
}
