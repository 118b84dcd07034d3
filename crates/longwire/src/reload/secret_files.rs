//! Files with secrets that change are read again, so that a bot that lacked one is connected without anybody's help.
//!
//! A change counts once it has settled: two looks in a row find the same file. A file that is being written is not read half.

use std::collections::{HashMap, HashSet};
use std::path::PathBuf;
use std::time::Duration;

use longwire_fleet::setback::chain;

use super::Reloader;
use crate::file_stamp::FileStamp;

/// How often so many files are looked at. A look costs a system call for each, and of more files it is as much rarer.
const INTERVAL: Duration = Duration::from_secs(2);
const FILES_PER_INTERVAL: usize = 1_000;

/// The files that declared bots refer to.
#[derive(Debug, Default)]
pub(super) struct SecretFiles {
    seen: HashMap<PathBuf, Seen>,
}

/// A file as it was before it was read, and as it looked last if that is another.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Seen {
    read: Option<FileStamp>,
    unsettled: Option<Option<FileStamp>>,
}

impl SecretFiles {
    /// These files, as they were before they were read.
    pub(super) fn of(files: Vec<(PathBuf, Option<FileStamp>)>) -> Self {
        let mut these = Self::default();
        these.take_over_some(files);
        these
    }

    /// These alone are referred to from now on.
    pub(super) fn take_over(&mut self, files: Vec<(PathBuf, Option<FileStamp>)>) {
        *self = Self::of(files);
    }

    /// These were read again.
    pub(super) fn take_over_some(&mut self, files: Vec<(PathBuf, Option<FileStamp>)>) {
        for (path, read) in files {
            let unsettled = None;
            self.seen.insert(path, Seen { read, unsettled });
        }
    }

    fn paths(&self) -> Vec<PathBuf> {
        self.seen.keys().cloned().collect()
    }

    /// Takes note of a look; the files whose change has settled.
    fn look(&mut self, looks: Vec<(PathBuf, Option<FileStamp>)>) -> Vec<PathBuf> {
        let mut settled = Vec::new();
        for (path, now) in looks {
            let Some(seen) = self.seen.get_mut(&path) else {
                continue;
            };
            if seen.read == now {
                seen.unsettled = None;
            } else if seen.unsettled == Some(now) {
                settled.push(path);
            } else {
                seen.unsettled = Some(now);
            }
        }
        settled
    }
}

/// Looks for as long as the process runs.
pub(super) async fn watch(reloader: Reloader) {
    loop {
        let files = reloader.0.current.lock().await.files.paths();
        let rounds = files.len().div_ceil(FILES_PER_INTERVAL).max(1);
        let rounds = u32::try_from(rounds).unwrap_or(u32::MAX);
        tokio::time::sleep(INTERVAL.saturating_mul(rounds)).await;
        let looked = actix_rt::task::spawn_blocking(move || {
            let look = |path: PathBuf| {
                let now = FileStamp::of(&path);
                (path, now)
            };
            files.into_iter().map(look).collect()
        });
        match looked.await {
            Ok(looks) => reloader.read_changed(looks).await,
            Err(error) => {
                tracing::error!(
                    error = chain(&error),
                    "files with secrets are not looked after any more; `longwire reload` reads them"
                );
                return;
            }
        }
    }
}

impl Reloader {
    /// Reads again what bots refer to whose files have changed.
    async fn read_changed(&self, looks: Vec<(PathBuf, Option<FileStamp>)>) {
        let mut current = self.0.current.lock().await;
        let changed: HashSet<PathBuf> = current.files.look(looks).into_iter().collect();
        if changed.is_empty() {
            return;
        }
        let directory = &current.loaded.directory;
        let refers = |number: &usize| {
            let section = current.installations.get(*number);
            let mut files = section.into_iter().flat_map(|of| of.files(directory));
            files.any(|file| changed.contains(&file))
        };
        let numbers = (0..current.installations.len()).filter(refers).collect();
        if let Err(error) = self.read_some(&mut current, numbers).await {
            // The files still differ, so that the next look tries again.
            tracing::warn!(
                error = chain(&error),
                "secrets that changed in their files cannot be kept; they are read again soon"
            );
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_change_counts_once_it_has_settled() {
        let directory = tempfile::tempdir().expect("a directory");
        let path = directory.path().join("secret");
        let other = directory.path().join("other");
        std::fs::write(&other, "one").expect("written");
        let look = |path: &PathBuf| (path.clone(), FileStamp::of(path));
        let mut files = SecretFiles::of(vec![look(&path), look(&other)]);
        let now = || vec![look(&path), look(&other)];
        assert_eq!(files.look(now()), [] as [PathBuf; 0]);
        // It was not there, and is now.
        std::fs::write(&path, "half").expect("written");
        assert_eq!(files.look(now()), [] as [PathBuf; 0]);
        std::fs::write(&path, "half and half").expect("written");
        assert_eq!(files.look(now()), [] as [PathBuf; 0]);
        let settled = std::slice::from_ref(&path);
        assert_eq!(files.look(now()), settled);
        assert_eq!(files.look(now()), settled, "until it is read");
        files.take_over_some(vec![look(&path)]);
        assert_eq!(files.look(now()), [] as [PathBuf; 0]);
        std::fs::remove_file(&path).expect("removed");
        assert_eq!(files.look(now()), [] as [PathBuf; 0]);
        assert_eq!(files.look(now()), settled, "it is gone");
        // One that nobody refers to any more is nobody's concern.
        files.take_over(vec![look(&other)]);
        assert_eq!(files.look(now()), [] as [PathBuf; 0]);
    }
}
