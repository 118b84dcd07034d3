//! One process per database: an advisory lock on a file beside it, with the owner's pid inside.
//!
//! The kernel drops the lock when its owner ends, however it ends, so a left-over file means
//! nothing. A file that was deleted while it was locked means that another process can lock a new
//! one, so the owner looks at its place again and again ([`LockFile::renew`]).
//!
//! What is emptied and written here must be a file of its own: a link is refused, symbolic or hard,
//! because it may lead to anything.

use std::fs::{File, OpenOptions, TryLockError};
use std::io::{self, Read, Seek, Write};
use std::os::unix::fs::{MetadataExt, OpenOptionsExt};
use std::path::{Path, PathBuf};

use rustix::fs::OFlags;
use rustix::io::Errno;

use super::file_identity::FileIdentity;

/// How often a file that is deleted between its opening and its locking is tried anew.
const ATTEMPTS: usize = 10;

/// The lock, held until it is dropped.
#[derive(Debug)]
pub(crate) struct LockFile {
    /// Where the file is looked for.
    pub(crate) path: PathBuf,
    /// What must be found there while the lock counts.
    pub(crate) identity: FileIdentity,
    _file: File,
}

/// Why the lock could not be had.
#[derive(Debug)]
pub(crate) enum LockError {
    /// Another process has it; its pid, if it could be read.
    Held(Option<u32>),
    /// The file in its place is a link, has a second name, or is no file.
    NotPlain,
    Io(io::Error),
}

impl From<io::Error> for LockError {
    fn from(error: io::Error) -> Self {
        match error.raw_os_error() {
            Some(code) if code == Errno::LOOP.raw_os_error() => Self::NotPlain,
            _ => Self::Io(error),
        }
    }
}

impl LockFile {
    pub(crate) fn take(path: &Path) -> Result<Self, LockError> {
        for _ in 0..ATTEMPTS {
            let mut file = open(path)?;
            lock(&mut file)?;
            let metadata = file.metadata()?;
            let identity = FileIdentity::from(&metadata);
            // A file that was deleted meanwhile is nobody's lock any more.
            if FileIdentity::of_link(path).ok() != Some(identity) {
                continue;
            }
            if !metadata.is_file() || metadata.nlink() != 1 {
                return Err(LockError::NotPlain);
            }
            file.set_len(0)?;
            file.rewind()?;
            writeln!(file, "{}", std::process::id())?;
            return Ok(Self {
                path: path.to_owned(),
                identity,
                _file: file,
            });
        }
        Err(LockError::Io(io::Error::other(
            "the lock file is deleted again and again",
        )))
    }

    /// Sees to it that the locked file is the one in its place: takes the lock anew if it is not.
    pub(crate) fn renew(&mut self) -> Result<(), LockError> {
        if FileIdentity::of_link(&self.path).ok() != Some(self.identity) {
            *self = Self::take(&self.path)?;
        }
        Ok(())
    }
}

/// Whether some process has the lock. Nobody is kept from it meanwhile, not even for a moment, as taking it would. Where the
/// system does not tell, somebody has it.
pub(crate) fn is_held(path: &Path) -> bool {
    let Ok(found) = std::fs::metadata(path) else {
        return false;
    };
    let inode = found.ino().to_string();
    // As in `1: FLOCK  ADVISORY  WRITE 708 08:01:262148 0 EOF`.
    let is_it = |line: &str| {
        line.contains("FLOCK")
            && (line.split_whitespace()).any(|field| {
                field
                    .rsplit_once(':')
                    .is_some_and(|(_, last)| last == inode)
            })
    };
    std::fs::read_to_string("/proc/locks").map_or(true, |locks| locks.lines().any(is_it))
}

fn open(path: &Path) -> io::Result<File> {
    OpenOptions::new()
        .read(true)
        .write(true)
        .create(true)
        .truncate(false)
        .mode(0o600)
        .custom_flags(OFlags::NOFOLLOW.bits().cast_signed())
        .open(path)
}

fn lock(file: &mut File) -> Result<(), LockError> {
    match file.try_lock() {
        Ok(()) => Ok(()),
        Err(TryLockError::WouldBlock) => {
            let mut text = String::new();
            let pid = file
                .read_to_string(&mut text)
                .ok()
                .and_then(|_| text.trim().parse().ok());
            Err(LockError::Held(pid))
        }
        Err(TryLockError::Error(error)) => Err(error.into()),
    }
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::*;

    #[test]
    fn a_link_is_refused_and_what_it_leads_to_is_left_alone() {
        let directory = tempfile::tempdir().expect("a directory");
        let theirs = directory.path().join("theirs");
        fs::write(&theirs, "precious").expect("a file");
        let symbolic = directory.path().join("symbolic");
        std::os::unix::fs::symlink(&theirs, &symbolic).expect("a link");
        let hard = directory.path().join("hard");
        fs::hard_link(&theirs, &hard).expect("a link");
        for link in [&symbolic, &hard] {
            assert!(
                matches!(LockFile::take(link), Err(LockError::NotPlain)),
                "{link:?}"
            );
        }
        assert_eq!(fs::read_to_string(&theirs).expect("there"), "precious");
    }

    #[test]
    fn a_deleted_lock_is_taken_anew_unless_another_has_it() {
        let directory = tempfile::tempdir().expect("a directory");
        let path = directory.path().join("x.lock");
        let mut first = LockFile::take(&path).expect("free");
        let before = first.identity;
        first.renew().expect("it is in its place");
        assert_eq!(first.identity, before);

        // Kept under another name, so that its number is not given to the next file.
        fs::rename(&path, directory.path().join("aside")).expect("moved");
        first.renew().expect("nobody else has it");
        assert_ne!(first.identity, before);
        assert!(matches!(LockFile::take(&path), Err(LockError::Held(_))));

        fs::rename(&path, directory.path().join("aside too")).expect("moved");
        let second = LockFile::take(&path).expect("another process takes its place");
        assert!(matches!(first.renew(), Err(LockError::Held(Some(_)))));
        drop(second);
        first.renew().expect("the other has ended");
    }

    #[test]
    fn who_asks_whether_it_is_held_does_not_take_it() {
        let directory = tempfile::tempdir().expect("a directory");
        let path = directory.path().join("x.lock");
        assert!(!is_held(&path), "there is none");
        let lock = LockFile::take(&path).expect("free");
        assert!(is_held(&path));
        drop(lock);
        assert!(path.exists() && !is_held(&path));
    }
}
