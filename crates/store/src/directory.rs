//! Where the files of a store lie: the paths beside its database, and directories whose names are on the disk.
//!
//! A file that was synced is lost all the same when the power goes before the name of its directory was written: that name
//! is an entry of the parent, and only a sync of the parent makes it certain.

use std::fs::{self, File};
use std::io;
use std::path::{Path, PathBuf};

/// Makes `directory` and what is missing above it, and syncs the names of all that it made.
///
/// # Errors
/// The operating system's. What was made by then stays.
pub(crate) fn make(directory: &Path) -> io::Result<()> {
    let missing = |path: &&Path| !path.as_os_str().is_empty() && !path.exists();
    let made: Vec<&Path> = directory.ancestors().take_while(missing).collect();
    fs::create_dir_all(directory)?;
    made.into_iter().filter_map(Path::parent).try_for_each(sync)
}

/// Makes certain which names are in `directory`. An empty path is the working directory.
///
/// # Errors
/// The operating system's.
pub(crate) fn sync(directory: &Path) -> io::Result<()> {
    let directory = if directory.as_os_str().is_empty() {
        Path::new(".")
    } else {
        directory
    };
    File::open(directory)?.sync_all()
}

/// The database's path with `suffix` appended to its file name.
pub(crate) fn beside(database: &Path, suffix: &str) -> PathBuf {
    let mut name = database.as_os_str().to_owned();
    name.push(suffix);
    PathBuf::from(name)
}

/// The directory in which `path` lies, as something that can be opened.
pub(crate) fn directory_of(path: &Path) -> PathBuf {
    match path.parent() {
        Some(parent) if !parent.as_os_str().is_empty() => parent.to_owned(),
        Some(_) | None => PathBuf::from("."),
    }
}
