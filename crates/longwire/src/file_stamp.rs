//! What a file was when it was looked at, to see later whether it is another one.

use std::fs::Metadata;
use std::os::unix::fs::MetadataExt as _;
use std::path::Path;

/// What a file was when it was looked at. Any change of it changes one of these.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct FileStamp {
    inode: u64,
    bytes: u64,
    /// Who may read it: a file that becomes readable is worth another look.
    mode: u32,
    modified: (i64, i64),
    changed: (i64, i64),
}

impl FileStamp {
    /// `None` if it cannot be looked at, or is no file whose content stays: a pipe would be read empty, or waited for. Follows links, which is how some programs replace several files at once.
    pub(crate) fn of(path: &Path) -> Option<Self> {
        let file = std::fs::metadata(path).ok().filter(Metadata::is_file)?;
        Some(Self {
            inode: file.ino(),
            bytes: file.size(),
            mode: file.mode(),
            modified: (file.mtime(), file.mtime_nsec()),
            changed: (file.ctime(), file.ctime_nsec()),
        })
    }
}
