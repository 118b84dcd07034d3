//! A file that gets its name when it is whole, and is gone if it never is.

use std::fs::{self, File, OpenOptions, Permissions, TryLockError};
use std::io::{self, Seek as _};
use std::os::unix::fs::{MetadataExt as _, OpenOptionsExt as _, PermissionsExt as _};
use std::path::{Path, PathBuf};

use rustix::fs::{CWD, OFlags, RenameFlags, renameat_with};

use crate::directory::{self, directory_of};

/// The file, for its owner alone, under the name of a draft. It is locked, so that nobody else writes the same one. What a
/// process that was killed left is taken over.
#[derive(Debug)]
pub(crate) struct Draft {
    path: PathBuf,
    file: File,
    /// It has its own name by now.
    published: bool,
}

/// What becomes of a file that has the name already.
#[derive(Copy, Clone, Debug, PartialEq, Eq)]
pub enum Replace {
    /// It stays.
    Never,
    /// The draft takes its place in one step.
    Former,
}

/// There is no draft, or it did not get its name.
#[derive(Debug)]
pub(crate) enum DraftError {
    /// Another process writes it.
    Busy(PathBuf),
    /// Something else has its name: a link, a directory, a file with a second name.
    NotPlain(PathBuf),
    /// A file has the name that it should get.
    Taken(PathBuf),
    /// The operating system refuses it.
    Io(PathBuf, io::Error),
}

impl Draft {
    pub(crate) fn create(path: &Path) -> Result<Self, DraftError> {
        let io = |error| DraftError::Io(path.to_owned(), error);
        let file = OpenOptions::new()
            .read(true)
            .write(true)
            .create(true)
            .truncate(false)
            .mode(0o600)
            .custom_flags(OFlags::NOFOLLOW.bits().cast_signed())
            .open(path)
            .map_err(io)?;
        match file.try_lock() {
            Ok(()) => {}
            Err(TryLockError::WouldBlock) => return Err(DraftError::Busy(path.to_owned())),
            Err(TryLockError::Error(error)) => return Err(io(error)),
        }
        let found = file.metadata().map_err(io)?;
        if !found.is_file() || found.nlink() != 1 {
            return Err(DraftError::NotPlain(path.to_owned()));
        }
        let draft = Self {
            path: path.to_owned(),
            file,
            published: false,
        };
        let emptied = draft
            .file
            .set_permissions(Permissions::from_mode(0o600))
            .and_then(|()| draft.file.set_len(0));
        emptied.map_err(io)?;
        Ok(draft)
    }

    pub(crate) fn path(&self) -> &Path {
        &self.path
    }

    pub(crate) fn file(&self) -> &File {
        &self.file
    }

    pub(crate) fn file_mut(&mut self) -> &mut File {
        &mut self.file
    }

    pub(crate) fn rewound(&mut self) -> io::Result<&mut File> {
        self.file.rewind()?;
        Ok(&mut self.file)
    }

    pub(crate) fn length(&self) -> Result<u64, DraftError> {
        let found = self.file.metadata();
        let found = found.map_err(|error| DraftError::Io(self.path.clone(), error))?;
        Ok(found.len())
    }

    /// Makes it last and gives it its name, in the same directory.
    pub(crate) fn publish(mut self, path: &Path, replace: Replace) -> Result<(), DraftError> {
        let io = |error| DraftError::Io(path.to_owned(), error);
        self.file.sync_all().map_err(io)?;
        match replace {
            Replace::Former => fs::rename(&self.path, path).map_err(io)?,
            Replace::Never => rename_to_free(&self.path, path)?,
        }
        self.published = true;
        directory::sync(&directory_of(path)).map_err(io)
    }
}

impl Drop for Draft {
    fn drop(&mut self) {
        if !self.published {
            // Of what is left of it, the next one says why it cannot be used.
            let _ = fs::remove_file(&self.path);
        }
    }
}

/// Renames to a name that nobody has.
fn rename_to_free(from: &Path, to: &Path) -> Result<(), DraftError> {
    use rustix::io::Errno;
    let taken = || DraftError::Taken(to.to_owned());
    match renameat_with(CWD, from, CWD, to, RenameFlags::NOREPLACE) {
        Ok(()) => Ok(()),
        Err(Errno::EXIST) => Err(taken()),
        // Not every file system, nor every kernel, can do it in one step.
        Err(Errno::INVAL | Errno::NOSYS) if to.symlink_metadata().is_ok() => Err(taken()),
        Err(Errno::INVAL | Errno::NOSYS) => {
            fs::rename(from, to).map_err(|error| DraftError::Io(to.to_owned(), error))
        }
        Err(error) => Err(DraftError::Io(to.to_owned(), error.into())),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_is_gone_unless_it_got_its_name() {
        let directory = tempfile::tempdir().expect("a directory");
        let path = directory.path().join("x");
        let part = directory.path().join("x.part");
        drop(Draft::create(&part).expect("a draft"));
        assert!(!part.exists());
        fs::write(&part, "left by a killed process").expect("written");
        let draft = Draft::create(&part).expect("taken over");
        assert_eq!(draft.length().expect("known"), 0);
        assert!(matches!(Draft::create(&part), Err(DraftError::Busy(_))));
        draft.publish(&path, Replace::Never).expect("its name");
        assert!(path.exists() && !part.exists());
        let mode = fs::metadata(&path).expect("there").permissions().mode();
        assert_eq!(mode & 0o777, 0o600);
        let second = Draft::create(&part).expect("a draft");
        let refused = second.publish(&path, Replace::Never);
        assert!(matches!(refused, Err(DraftError::Taken(_))), "{refused:?}");
        let third = Draft::create(&part).expect("a draft");
        third.publish(&path, Replace::Former).expect("replaced");
    }

    #[test]
    fn a_link_is_left_alone() {
        let directory = tempfile::tempdir().expect("a directory");
        let theirs = directory.path().join("theirs");
        fs::write(&theirs, "precious").expect("a file");
        let part = directory.path().join("x.part");
        std::os::unix::fs::symlink(&theirs, &part).expect("a link");
        assert!(matches!(Draft::create(&part), Err(DraftError::Io(..))));
        fs::remove_file(&part).expect("removed");
        fs::hard_link(&theirs, &part).expect("a link");
        assert!(matches!(Draft::create(&part), Err(DraftError::NotPlain(_))));
        assert_eq!(fs::read_to_string(&theirs).expect("there"), "precious");
    }
}
