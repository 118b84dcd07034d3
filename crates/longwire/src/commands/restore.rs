//! `longwire restore`: a store out of a backup, in a directory of its own.

use std::fs::File;
use std::io;
use std::path::{Path, PathBuf};

use longwire_installation::Platform;
use longwire_store::{BackupSource, RestoreError, RestoreSettings, Restored, restore};
use longwire_terminal::{escaped, grouped, say};

use super::backup::{ProgressLine, STANDARD_STREAM, size};
use crate::cli::Restore;
use crate::config::DEFAULT_FILE;
use crate::exit::{Exit, Failure};
use crate::logs;

/// So many bots are named; of more, how many there are.
const NAMED: usize = 20;

pub(crate) fn run(command: &Restore) -> Result<Exit, Failure> {
    logs::start_for_command();
    let from_stdin = command.from.as_os_str() == STANDARD_STREAM;
    let (what, mut source) = if from_stdin {
        (
            "standard input".to_owned(),
            BackupSource::Stdin(io::stdin()),
        )
    } else {
        let what = command.from.display().to_string();
        let file = File::open(&command.from).and_then(|file| {
            if file.metadata()?.is_dir() {
                return Err(io::ErrorKind::IsADirectory.into());
            }
            Ok(file)
        });
        let file = file.map_err(|source| RestoreError::Read {
            what: what.clone(),
            source,
        })?;
        (what, BackupSource::File(file))
    };
    let key_file = command
        .key_file
        .clone()
        .or_else(|| key_beside(&command.from));
    let settings = RestoreSettings {
        what: &what,
        directory: &command.to,
        key_file: key_file.as_deref(),
        stopped: command.stopped,
    };
    let mut line = ProgressLine::new("restore");
    let restored = restore(&settings, &mut source, &mut |progress| line.show(progress))?;
    drop(line);
    tell(&command.to, &restored);
    Ok(Exit::Done)
}

/// The key file that lies beside a backup.
fn key_beside(backup: &Path) -> Option<PathBuf> {
    let mut path = backup.as_os_str().to_owned();
    path.push(".key");
    let path = PathBuf::from(path);
    path.is_file().then_some(path)
}

fn tell(directory: &Path, restored: &Restored) {
    let manifest = &restored.manifest;
    say(format_args!(
        "{}: {} events up to number {}, {} installations, {}; every page is whole, and {} secrets open with the key",
        escaped(&restored.database.display().to_string()),
        grouped(manifest.events),
        manifest.through.map_or(0, |seq| seq.0),
        grouped(manifest.installations),
        size(manifest.database_bytes),
        grouped(restored.secrets as u64),
    ));
    say(format_args!(
        "New events are numbered from {} on, so that none gets the number of an event that came after the backup.",
        restored.numbers_after.0.saturating_add(1)
    ));
    tell_wanted(restored);
    if !directory.join(DEFAULT_FILE).exists() {
        say(format_args!(
            "\nNext: put your {DEFAULT_FILE} into {}, which no backup has, or make one there with `longwire init`; then `longwire serve`.",
            escaped(&directory.display().to_string())
        ));
    }
}

/// Which bots a server connects as soon as it is started.
fn tell_wanted(restored: &Restored) {
    let wanted = &restored.wanted;
    if wanted.is_empty() {
        return say(
            "No installation is to be connected; `longwire installations start` connects one.",
        );
    }
    let names = wanted.iter().take(NAMED).map(|record| record.name.as_str());
    let mut names = names.collect::<Vec<_>>().join(", ");
    if wanted.len() > NAMED {
        names.push_str(&format!(" and {} more", wanted.len() - NAMED));
    }
    say(format_args!(
        "A server that is started there connects: {names}. Stop the one that had them before."
    ));
    if wanted
        .iter()
        .any(|record| record.platform == Platform::Wecom)
    {
        say(
            "A bot of WeCom has one connection: two servers take it from each other. --stopped restores with every installation stopped.",
        );
    }
}

impl From<RestoreError> for Failure {
    fn from(error: RestoreError) -> Self {
        Self::Restore(Box::new(error))
    }
}
