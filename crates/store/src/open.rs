//! Why a store does not open, and what to do about it.

use std::io;
use std::path::{Path, PathBuf};

use crate::cause::Failure;
use crate::process_user::ProcessUser;
use crate::seal::KeyRingError;
use crate::store_url::{StoreUrl, StoreUrlError};

/// The store could not be opened. Its text says why; [`advice`](Self::advice) says what to do.
#[derive(Debug, thiserror::Error)]
pub enum OpenError {
    /// The address of the store cannot be used.
    #[error(transparent)]
    Url(#[from] StoreUrlError),
    /// The operating system refuses access.
    #[error("no permission for {}{}", path.display(), ProcessUser::behind(source))]
    NoPermission {
        /// The file or directory.
        path: PathBuf,
        /// Its words.
        #[source]
        source: io::Error,
    },
    /// The file system takes no writes.
    #[error("{} is on a file system that is mounted read-only", path.display())]
    ReadOnlyFileSystem {
        /// The file or directory.
        path: PathBuf,
    },
    /// Part of the path is a file where a directory must be.
    #[error("{} is not a directory", path.display())]
    NotADirectory {
        /// The supposed directory.
        path: PathBuf,
    },
    /// The path names a directory.
    #[error("{} is a directory, not a database file", path.display())]
    IsADirectory {
        /// The path.
        path: PathBuf,
    },
    /// There is nothing to read yet.
    #[error("there is no database at {}", path.display())]
    Missing {
        /// The path.
        path: PathBuf,
    },
    /// The file is something else.
    #[error("{} is not a SQLite database", path.display())]
    NotADatabase {
        /// The file.
        path: PathBuf,
    },
    /// The file is another program's database.
    #[error("{} is a database of another program", path.display())]
    Foreign {
        /// The file.
        path: PathBuf,
    },
    /// A newer longwire made the schema.
    #[error("{} was written by a newer version (schema {version})", path.display())]
    NewerSchema {
        /// The file.
        path: PathBuf,
        /// The migration this build does not know.
        version: String,
    },
    /// An earlier longwire made the schema. Only a process that writes brings it up to date.
    #[error("{} has the schema of an earlier version", path.display())]
    OlderSchema {
        /// The file.
        path: PathBuf,
    },
    /// Another process writes to it.
    #[error("{} is in use{}", path.display(), pid.map_or(String::new(), |pid| format!(" by process {pid}")))]
    Held {
        /// Its pid, as it wrote it into the lock file.
        pid: Option<u32>,
        /// The database.
        path: PathBuf,
    },
    /// A file has two names, or is a link where a file of its own must be.
    #[error("{} is a link, or has a second name", path.display())]
    Linked {
        /// The file.
        path: PathBuf,
    },
    /// The disk is full.
    #[error("no space left for {}", path.display())]
    DiskFull {
        /// The file.
        path: PathBuf,
    },
    /// The keys of the sealed secrets are missing or wrong.
    #[error(transparent)]
    Keys(#[from] KeyRingError),
    /// Anything else the operating system refused.
    #[error("cannot open {}", path.display())]
    Io {
        /// The file or directory.
        path: PathBuf,
        /// The operating system's words.
        #[source]
        source: io::Error,
    },
    /// Anything else the database refused.
    #[error("cannot open {}", path.display())]
    Database {
        /// The database.
        path: PathBuf,
        /// Why.
        #[source]
        source: Failure,
    },
}

impl OpenError {
    /// What an operator does about it.
    pub fn advice(&self) -> &'static str {
        match self {
            Self::Url(error) => error.advice(),
            Self::NoPermission { .. } => {
                "give that user read and write access to the file and its directory, as with `chown`; or run the command as the user that runs the server"
            }
            Self::ReadOnlyFileSystem { .. } => {
                "mount the file system so that it takes writes, or choose another path for the database"
            }
            Self::NotADirectory { .. } | Self::IsADirectory { .. } => {
                "choose another path for the database"
            }
            Self::Missing { .. } => "start the server once, or choose the path it uses",
            Self::NotADatabase { .. } | Self::Foreign { .. } => {
                "choose another path; longwire changes no file it did not make"
            }
            Self::NewerSchema { .. } => {
                "run the newer version, or restore the copy made before the upgrade"
            }
            Self::OlderSchema { .. } => {
                "start the server with this version, which brings it up to date and keeps what it holds"
            }
            Self::Held { .. } => {
                "stop the process that uses it, or ask that process over its HTTP interface"
            }
            Self::Linked { .. } => {
                "give the file one name of its own: SQLite keeps a write-ahead log for each name, and two of them ruin a \
                 database. A lock file can simply be deleted while no longwire runs"
            }
            Self::DiskFull { .. } => "free space, then start again",
            Self::Keys(error) => error.advice(),
            Self::Io { .. } => "see the operating system's words",
            Self::Database { source, .. } => source.cause.advice(),
        }
    }

    pub(crate) fn of_io(path: &Path, source: io::Error) -> Self {
        let path = path.to_owned();
        match source.kind() {
            io::ErrorKind::PermissionDenied => Self::NoPermission { path, source },
            io::ErrorKind::ReadOnlyFilesystem => Self::ReadOnlyFileSystem { path },
            io::ErrorKind::NotADirectory | io::ErrorKind::AlreadyExists => {
                Self::NotADirectory { path }
            }
            io::ErrorKind::IsADirectory => Self::IsADirectory { path },
            io::ErrorKind::NotFound => Self::Missing { path },
            io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded => Self::DiskFull { path },
            _ => Self::Io { path, source },
        }
    }
}

/// The absolute path of the file that a store's address names, so that a later change of the working directory changes
/// nothing.
pub(crate) fn database_path(url: &StoreUrl) -> Result<PathBuf, OpenError> {
    let path = url.file()?;
    std::path::absolute(&path).map_err(|source| OpenError::of_io(&path, source))
}
