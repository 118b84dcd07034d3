//! Why there is no backup, or nothing was restored, and what to do about it.

use std::io;
use std::path::{Path, PathBuf};

use crate::cause::{Cause, Failure};
use crate::draft::DraftError;
use crate::open::OpenError;
use crate::seal::{KeyRingError, SealError};

/// There is no backup. Nothing is left of it, and a former one is untouched.
#[derive(Debug, thiserror::Error)]
pub enum BackupError {
    /// The store does not open.
    #[error(transparent)]
    Open(#[from] OpenError),
    /// An earlier longwire made the schema.
    #[error("{} has the schema of an earlier version", path.display())]
    OlderSchema {
        /// The database.
        path: PathBuf,
    },
    /// A file has the name.
    #[error("{} exists", path.display())]
    Exists {
        /// The file.
        path: PathBuf,
    },
    /// The name is that of a directory.
    #[error("{} is a directory", path.display())]
    IsADirectory {
        /// The directory.
        path: PathBuf,
    },
    /// The name is that of a device or a pipe, or the draft is a link.
    #[error("{} is no plain file", path.display())]
    NoFile {
        /// What it is.
        path: PathBuf,
    },
    /// The name is that of the store itself.
    #[error("{} belongs to the store", path.display())]
    OfTheStore {
        /// The file.
        path: PathBuf,
    },
    /// Another process makes this backup.
    #[error("another backup writes {}", path.display())]
    Busy {
        /// Its draft.
        path: PathBuf,
    },
    /// The disk has not enough free space for a copy.
    #[error("{needed_bytes} bytes are needed for {}, and {free_bytes} are free", path.display())]
    NoRoom {
        /// The draft.
        path: PathBuf,
        /// What the copy takes.
        needed_bytes: u64,
        /// What is free.
        free_bytes: u64,
    },
    /// The disk became full.
    #[error("no space left for {}", path.display())]
    Full {
        /// The draft.
        path: PathBuf,
    },
    /// A secret of the store is to be in the backup, and cannot be read.
    #[error("cannot read {} for the backup", path.display())]
    Key {
        /// The file.
        path: PathBuf,
        /// The operating system's words.
        #[source]
        source: io::Error,
    },
    /// The store cannot be read.
    #[error("cannot read {}", path.display())]
    Source {
        /// The database.
        path: PathBuf,
        /// Why.
        #[source]
        source: Failure,
    },
    /// The backup cannot be written.
    #[error("cannot write {}", path.display())]
    Target {
        /// The draft.
        path: PathBuf,
        /// Why.
        #[source]
        source: Failure,
    },
    /// The operating system refuses it.
    #[error("cannot write {}", path.display())]
    Io {
        /// The file.
        path: PathBuf,
        /// Its words.
        #[source]
        source: io::Error,
    },
}

const OTHER_DISK: &str = "free space, or write the backup to another disk; `-` writes it to standard output, and still needs this \
     space beside the database";

impl BackupError {
    /// What an operator does about it.
    #[must_use]
    pub fn advice(&self) -> &'static str {
        match self {
            Self::Open(error) => error.advice(),
            Self::OlderSchema { .. } => {
                "make the backup with the version that wrote the store, before the upgrade"
            }
            Self::Exists { .. } => "choose another name, or replace it with --force",
            Self::IsADirectory { .. } | Self::NoFile { .. } | Self::OfTheStore { .. } => {
                "name a file that is to be made; `-` is standard output"
            }
            Self::Busy { .. } => "wait for it, or choose another name",
            Self::NoRoom { .. } | Self::Full { .. } => OTHER_DISK,
            Self::Key { .. } => {
                "run the command as the user that runs the server, or leave the key out with --without-key"
            }
            Self::Source { source, .. } => source.cause.advice(),
            Self::Target { .. } | Self::Io { .. } => {
                "choose a directory that exists and that this user can write to"
            }
        }
    }

    pub(crate) fn of_io(path: &Path, source: io::Error) -> Self {
        let path = path.to_owned();
        match source.kind() {
            io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded => Self::Full { path },
            _ => Self::Io { path, source },
        }
    }

    pub(crate) fn of_target(path: &Path, source: Failure) -> Self {
        let path = path.to_owned();
        match source.cause {
            Cause::DiskFull => Self::Full { path },
            _ => Self::Target { path, source },
        }
    }
}

impl From<DraftError> for BackupError {
    fn from(error: DraftError) -> Self {
        match error {
            DraftError::Busy(path) => Self::Busy { path },
            DraftError::NotPlain(path) => Self::NoFile { path },
            DraftError::Taken(path) => Self::Exists { path },
            DraftError::Io(path, error) => Self::of_io(&path, error),
        }
    }
}

/// Nothing was restored. The directory is as it was.
#[derive(Debug, thiserror::Error)]
pub enum RestoreError {
    /// The backup cannot be read.
    #[error("cannot read {what}")]
    Read {
        /// The backup.
        what: String,
        /// The operating system's words.
        #[source]
        source: io::Error,
    },
    /// There is nothing in it.
    #[error("{what} is empty")]
    Empty {
        /// The backup.
        what: String,
    },
    /// It begins as a database does, and its end is missing.
    #[error(
        "{what} is a database without the end of a backup: the file was cut, or is a copy of a database made by hand"
    )]
    NoEnd {
        /// The backup.
        what: String,
    },
    /// It is something else.
    #[error("{what} is no backup of longwire")]
    Foreign {
        /// The backup.
        what: String,
    },
    /// It has another format.
    #[error(
        "{what} has format {format}, and this version reads format {}",
        crate::backup_manifest::FORMAT
    )]
    Format {
        /// The backup.
        what: String,
        /// Its format.
        format: u16,
    },
    /// A newer longwire made it.
    #[error(
        "{what} was made by longwire {version}, whose schema {schema} this version does not know"
    )]
    Newer {
        /// The backup.
        what: String,
        /// Its maker.
        version: String,
        /// Its schema.
        schema: String,
    },
    /// Bytes of it were altered or lost.
    #[error("{what} is damaged: {why}")]
    Damaged {
        /// The backup.
        what: String,
        /// What is wrong.
        why: String,
    },
    /// The directory has a store, or a file that the store needs the name of.
    #[error("{} exists", path.display())]
    Occupied {
        /// The file.
        path: PathBuf,
    },
    /// Another process restores there.
    #[error("another restore writes {}", path.display())]
    Busy {
        /// Its draft.
        path: PathBuf,
    },
    /// The key is not in the backup and was not named.
    #[error("{what} has no key, and secrets in it are sealed with {key_ids}")]
    NoKey {
        /// The backup.
        what: String,
        /// The keys that are needed.
        key_ids: String,
    },
    /// The key file cannot be used.
    #[error(transparent)]
    KeyFile(#[from] KeyRingError),
    /// A secret does not open with the key.
    #[error("{name} does not open with this key")]
    WrongKey {
        /// Whose secret it is.
        name: String,
        /// Why.
        #[source]
        source: SealError,
    },
    /// The disk has not enough free space.
    #[error("{needed_bytes} bytes are needed in {}, and {free_bytes} are free", path.display())]
    NoRoom {
        /// The directory.
        path: PathBuf,
        /// What the store takes.
        needed_bytes: u64,
        /// What is free.
        free_bytes: u64,
    },
    /// The disk became full.
    #[error("no space left for {}", path.display())]
    Full {
        /// The file.
        path: PathBuf,
    },
    /// The operating system refuses it.
    #[error("cannot write {}", path.display())]
    Io {
        /// The file or directory.
        path: PathBuf,
        /// Its words.
        #[source]
        source: io::Error,
    },
    /// The database in it cannot be brought up to date.
    #[error("the database in {what} cannot be used")]
    Database {
        /// The backup.
        what: String,
        /// Why.
        #[source]
        source: Failure,
    },
}

impl RestoreError {
    /// What an operator does about it.
    #[must_use]
    pub fn advice(&self) -> &'static str {
        match self {
            Self::Read { .. } => "name a backup that this user can read; `-` is standard input",
            Self::Empty { .. } | Self::Foreign { .. } => "name a file that `longwire backup` made",
            Self::NoEnd { .. } => {
                "take another backup, or copy this one again. A database that was copied by hand needs no restore: name it in \
                 store.url, with its -wal file and its key beside it"
            }
            Self::Format { .. } | Self::Newer { .. } => {
                "restore it with the version that made it, or a newer one"
            }
            Self::Damaged { .. } => {
                "take another backup, or copy this one again from where it is kept"
            }
            Self::Occupied { .. } => {
                "choose an empty directory; a store that is there is never replaced. Move it away to restore in its place"
            }
            Self::Busy { .. } => "wait for it, or choose another directory",
            Self::NoKey { .. } => {
                "name the copy of the key file with --key-file; without it, no secret in the backup can be opened"
            }
            Self::KeyFile(error) => error.advice(),
            Self::WrongKey { .. } => {
                "name the key file of the store that was backed up, as it was then; `longwire secrets rotate` makes another one"
            }
            Self::NoRoom { .. } | Self::Full { .. } => {
                "free space, or choose a directory on another disk"
            }
            Self::Io { .. } => "choose a directory that this user can write to",
            Self::Database { source, .. } => source.cause.advice(),
        }
    }

    pub(crate) fn of_io(path: &Path, source: io::Error) -> Self {
        let path = path.to_owned();
        match source.kind() {
            io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded => Self::Full { path },
            _ => Self::Io { path, source },
        }
    }
}

impl From<DraftError> for RestoreError {
    fn from(error: DraftError) -> Self {
        match error {
            DraftError::Busy(path) => Self::Busy { path },
            DraftError::NotPlain(path) | DraftError::Taken(path) => Self::Occupied { path },
            DraftError::Io(path, error) => Self::of_io(&path, error),
        }
    }
}
