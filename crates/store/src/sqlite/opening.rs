//! The database at the start of the process: whether the file that is there may be opened, and the first connection to it.

use std::io;
use std::os::unix::fs::MetadataExt;
use std::sync::Arc;

use super::file::DatabaseFile;
use super::lock::LockFile;
use super::log::{Log, blame_the_disk, find_room};
use super::migrations::{self, Maker};
use crate::cause::{Cause, Failure};
use crate::open::OpenError;

impl Log {
    /// Opens the file at the start of the process: makes it, and brings its schema up to date.
    pub(crate) fn create(
        file: Arc<DatabaseFile>,
        lock: &LockFile,
        run_events: usize,
    ) -> Result<Self, OpenError> {
        file.create()
            .map_err(|error| OpenError::of_io(&file.path, error))?;
        let path = file.path.clone();
        let opened = Arc::clone(&file);
        let refused = |failure| refusal(&opened, failure);
        find_room(&path).map_err(refused)?;
        let found = std::fs::metadata(&path).map_err(|error| OpenError::of_io(&path, error))?;
        if found.is_file() && found.nlink() > 1 {
            return Err(OpenError::Linked { path });
        }
        // Asked before any pragma is set, which would alter a stranger's file.
        refuse_foreign(&file)?;
        let mut log = Self::connect(file, lock, run_events).map_err(refused)?;
        migrations::run(&mut log.connection).map_err(refused)?;
        log.file.recognize(&mut log.connection).map_err(refused)?;
        log.probe().map_err(refused)?;
        log.load_index().map_err(refused)?;
        Ok(log)
    }
}

/// Whether the file that is there can be read by this build: it is ours, and neither newer nor older.
pub(crate) fn inspect(file: &DatabaseFile) -> Result<(), OpenError> {
    if refuse_foreign(file)? {
        return Ok(());
    }
    let path = file.path.clone();
    Err(OpenError::OlderSchema { path })
}

/// Refuses a file that cannot be written to: it must be ours, and of no newer version. Returns whether its schema is up to
/// date; an empty file, and one that waits for a migration, has an older one.
fn refuse_foreign(file: &DatabaseFile) -> Result<bool, OpenError> {
    let path = file.path.clone();
    let metadata = std::fs::metadata(&path).map_err(|error| OpenError::of_io(&path, error))?;
    if metadata.is_dir() {
        return Err(OpenError::IsADirectory { path });
    }
    let maker = file
        .connect("PRAGMA busy_timeout = 1000;")
        .and_then(|mut first| migrations::maker(&mut first));
    let refused = |failure| refusal(file, failure);
    match maker.map_err(refused)? {
        Maker::Us => Ok(true),
        Maker::Older => Ok(false),
        Maker::Stranger => Err(OpenError::Foreign { path }),
        Maker::Newer(version) => Err(OpenError::NewerSchema { path, version }),
    }
}

/// What the failure means for somebody who wants to open the database.
fn refusal(file: &DatabaseFile, failure: Failure) -> OpenError {
    if let Some(path) = file.denied() {
        let path = path.to_owned();
        let source = io::ErrorKind::PermissionDenied.into();
        return OpenError::NoPermission { path, source };
    }
    let source = blame_the_disk(&file.path, failure);
    let path = file.path.clone();
    if source.cause == Cause::DiskFull {
        OpenError::DiskFull { path }
    } else if source.cause == Cause::Corrupt && source.detail.contains("not a database") {
        OpenError::NotADatabase { path }
    } else {
        OpenError::Database { path, source }
    }
}
