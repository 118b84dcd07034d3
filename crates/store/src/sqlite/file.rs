//! The database file: its path, the files beside it, and the way to open it.
//!
//! The file behind a path can be deleted or replaced while we write to it, and SQLite reports no error. A commit into such a
//! file is no record, so the files behind the paths are checked after each commit. Only `stat` is used: to open and close
//! the database ourselves would drop SQLite's own locks on it (POSIX locks belong to the process, not to the descriptor).
//!
//! The file in that place may be another store. So each new connection, a reader's too, compares the
//! [identity](StoreIdentity) inside.

use std::fmt::Write as _;
use std::fs::{self, OpenOptions};
use std::io;
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError, Weak};

use diesel::connection::SimpleConnection;
use diesel::{Connection, SqliteConnection};

use crate::cause::{Cause, Failure};
use crate::directory::beside;
use crate::identity::StoreIdentity;
use crate::process_user::{ProcessUser, is_denied};

/// Where the database lies, shared by everyone who opens it.
#[derive(Debug)]
pub(crate) struct DatabaseFile {
    pub(crate) path: PathBuf,
    pub(crate) wal: PathBuf,
    /// The index of the write-ahead log, which all who have the database open map into memory.
    pub(crate) shm: PathBuf,
    pub(crate) lock: PathBuf,
    /// What was in the file when it was first opened, and must be in whatever is opened later.
    identity: OnceLock<StoreIdentity>,
    access: Mutex<Access>,
    /// The most pages the database may have; 0 for no limit. Tests fill a disk with it.
    #[cfg(test)]
    pub(crate) page_limit: std::sync::atomic::AtomicU32,
}

/// A period in which every new connection finds the same files. Each connection keeps a handle, so that it is known when
/// the last one of an earlier period is closed.
#[derive(Debug)]
pub(crate) struct Epoch;

/// Who may connect.
#[derive(Debug)]
struct Access {
    epoch: Arc<Epoch>,
    /// Only the writer, until it has opened the files anew.
    writer_first: bool,
}

impl DatabaseFile {
    pub(crate) fn new(path: PathBuf) -> Self {
        let target = link_target(&path);
        Self {
            wal: beside(&target, "-wal"),
            shm: beside(&target, "-shm"),
            lock: beside(&target, ".lock"),
            path,
            identity: OnceLock::new(),
            access: Mutex::new(Access {
                epoch: Arc::new(Epoch),
                writer_first: false,
            }),
            #[cfg(test)]
            page_limit: std::sync::atomic::AtomicU32::new(0),
        }
    }

    /// The present epoch, which a reader keeps while it is connected.
    pub(crate) fn enter(&self) -> Result<Arc<Epoch>, Failure> {
        let access = self.access();
        if access.writer_first {
            return Err(Failure::new(
                Cause::Gone,
                "the files are about to be opened anew",
            ));
        }
        Ok(Arc::clone(&access.epoch))
    }

    /// Whether a reader of this epoch has the files that others find now.
    pub(crate) fn is_current(&self, epoch: &Arc<Epoch>) -> bool {
        Arc::ptr_eq(epoch, &self.access().epoch)
    }

    /// Makes all connections that are there out of date, and keeps new ones out until the writer has
    /// [opened the files](Self::open_to_all). The old ones are gone when nobody has what is returned any more.
    pub(crate) fn begin_epoch(&self) -> Weak<Epoch> {
        let mut access = self.access();
        access.writer_first = true;
        let before = std::mem::replace(&mut access.epoch, Arc::new(Epoch));
        Arc::downgrade(&before)
    }

    /// The writer has opened the files.
    pub(crate) fn open_to_all(&self) {
        self.access().writer_first = false;
    }

    fn access(&self) -> MutexGuard<'_, Access> {
        // Every change is one assignment.
        self.access.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Makes an empty file that only its owner may use, where there is none.
    pub(crate) fn create(&self) -> io::Result<()> {
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
        let connected = SqliteConnection::establish(&self.uri("rw"))
            .map_err(Failure::from)
            .and_then(|mut connection| {
                connection.batch_execute(pragmas)?;
                Ok(connection)
            });
        connected.map_err(|failure| match self.denied() {
            None => failure,
            // SQLite says of it only that it cannot open or write the file.
            Some(path) => Failure::new(
                Cause::ReadOnly,
                format!(
                    "no permission for {} as user {}",
                    path.display(),
                    ProcessUser::now()
                ),
            ),
        })
    }

    /// The file of the database, or the directory that they lie in, that this process may not read and write, if there is one.
    pub(crate) fn denied(&self) -> Option<&Path> {
        let files = [&*self.path, &*self.wal, &*self.shm];
        let directory = self.path.parent();
        let mut all = files.into_iter().chain(directory);
        all.find(|path| is_denied(path))
    }

    /// Whether this connection leads to the store that was opened first. The first one is.
    pub(crate) fn recognize(&self, connection: &mut SqliteConnection) -> Result<(), Failure> {
        let found = StoreIdentity::read(connection)?;
        if *self.identity.get_or_init(|| found) == found {
            Ok(())
        } else {
            Err(Failure::new(
                Cause::Gone,
                format!("{}: another store has its place", self.path.display()),
            ))
        }
    }

    /// A connection that keeps the files open and, unlike any other, changes none of them when it is the last to be
    /// closed.
    pub(crate) fn hold_open(&self) -> Result<SqliteConnection, Failure> {
        let mut connection = SqliteConnection::establish(&self.uri("ro"))?;
        // What it reads does not matter, nor whether it can: it takes its hold on the files before.
        drop(connection.batch_execute("SELECT count(*) FROM sqlite_schema"));
        Ok(connection)
    }

    /// The file as SQLite is to open it: `rw`, `ro`.
    pub(crate) fn uri(&self, mode: &str) -> String {
        let mut uri = String::from("file:");
        for &byte in self.path.as_os_str().as_encoded_bytes() {
            match byte {
                b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' | b'/' | b'.' | b'-' | b'_' => {
                    uri.push(byte as char)
                }
                _ => write!(uri, "%{byte:02x}").expect("a String takes every write"),
            }
        }
        uri + "?mode=" + mode
    }
}

/// The file that a path leads to. SQLite keeps its own files beside that one, and so must the lock, or two processes
/// could use one database under two names.
fn link_target(path: &Path) -> PathBuf {
    match fs::symlink_metadata(path) {
        Ok(metadata) if metadata.is_symlink() => fs::canonicalize(path),
        _ => Ok(path.to_owned()),
    }
    // It leads nowhere, and opening it will say so.
    .unwrap_or_else(|_| path.to_owned())
}

/// Bytes of the whole file system of `path`.
pub(crate) fn disk_bytes(path: &Path) -> Option<u64> {
    let volume = rustix::fs::statvfs(path.parent()?).ok()?;
    Some(volume.f_blocks.saturating_mul(volume.f_frsize))
}

/// Bytes free to us on the file system of `path`.
pub(crate) fn free_bytes(path: &Path) -> Option<u64> {
    let volume = rustix::fs::statvfs(path.parent()?).ok()?;
    Some(volume.f_bavail.saturating_mul(volume.f_frsize))
}
