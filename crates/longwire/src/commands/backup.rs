//! `longwire backup`: the store as one file, made while a server runs or while none does.
//!
//! The command reads the store itself, so it needs neither a token nor an answer of the server.

use std::io::{self, IsTerminal as _, Write as _};
use std::path::Path;

use longwire_store::{
    BackupError, BackupProgress, BackupSettings, KeyPlace, Manifest, Replace, back_up,
};
use longwire_terminal::{escaped, grouped, say};

use crate::cli::Backup;
use crate::config::Loaded;
use crate::exit::{Exit, Failure};
use crate::logs;

pub(super) const STANDARD_STREAM: &str = "-";

pub(crate) fn run(config: Option<&Path>, command: &Backup) -> Result<Exit, Failure> {
    logs::start_for_command();
    let loaded = Loaded::read(config)?;
    let store = loaded.store_settings();
    let settings = BackupSettings {
        store: &store,
        key: if command.with_key {
            KeyPlace::Inside
        } else {
            KeyPlace::Beside
        },
        version: env!("CARGO_PKG_VERSION"),
    };
    let replace = if command.force {
        Replace::Former
    } else {
        Replace::Never
    };
    let to_stdout = command.to.as_os_str() == STANDARD_STREAM;
    if to_stdout && io::stdout().is_terminal() {
        return Err(Failure::Usage(
            "a backup is no text for a terminal: name a file, or send standard output to one"
                .to_owned(),
        ));
    }
    let mut line = ProgressLine::new("backup");
    let path = (!to_stdout).then_some(command.to.as_path());
    let mut finished = back_up(&settings, path, replace, &mut |progress| {
        line.show(progress)
    })?;
    let bytes = finished.bytes;
    let manifest = match path {
        Some(path) => finished.publish(path, replace)?,
        None => {
            let written = finished
                .read()
                .and_then(|file| io::copy(file, &mut io::stdout().lock()))
                .and_then(|_| io::stdout().flush());
            // Whoever reads a part of it has no backup, so a closed pipe is a failure here.
            written.map_err(Failure::io("write the backup to standard output"))?;
            finished.manifest
        }
    };
    drop(line);
    tell(&loaded, &manifest, bytes, path);
    Ok(Exit::Done)
}

fn tell(loaded: &Loaded, manifest: &Manifest, bytes: u64, path: Option<&Path>) {
    let name = path.map_or("standard output".to_owned(), |path| {
        path.display().to_string()
    });
    let through = manifest.through.map_or(0, |seq| seq.0);
    say(format_args!(
        "{}: {} events up to number {through}, {} installations, {}",
        escaped(&name),
        grouped(manifest.events),
        grouped(manifest.installations),
        size(bytes),
    ));
    let store = loaded.store_settings();
    let key = store.url.file().ok().map(|path| store.key_file_for(&path));
    match (manifest.key, key) {
        (KeyPlace::Inside, _) => say("The key is inside: keep the file as you keep a password."),
        (KeyPlace::Beside, Some(key)) if !manifest.key_ids.is_empty() => say(format_args!(
            "The key is not inside. A restore needs a copy of {}, which changes only with `longwire secrets rotate`.",
            escaped(&key.display().to_string())
        )),
        (KeyPlace::Beside, _) => {}
    }
}

/// Bytes as people read them.
pub(crate) fn size(bytes: u64) -> String {
    match bytes {
        0..1_024 => format!("{bytes} bytes"),
        1_024..1_048_576 => format!("{} KiB", bytes >> 10),
        1_048_576..10_737_418_240 => format!("{} MiB", bytes >> 20),
        _ => format!("{} GiB", bytes >> 30),
    }
}

/// How far it is: a line on a terminal that is written over.
pub(super) struct ProgressLine {
    doing: &'static str,
    on: bool,
    shown: Option<String>,
}

impl ProgressLine {
    pub(super) fn new(doing: &'static str) -> Self {
        Self {
            doing,
            on: io::stderr().is_terminal(),
            shown: None,
        }
    }

    pub(super) fn show(&mut self, progress: BackupProgress) {
        let text = match progress {
            BackupProgress::Copying {
                done_bytes,
                all_bytes,
            } => {
                let percent = (done_bytes.saturating_mul(100) / all_bytes.max(1)).min(100);
                format!("{}: {percent} %, {}", self.doing, size(done_bytes))
            }
            BackupProgress::Finishing => format!("{}: indexes and checks", self.doing),
            BackupProgress::Digest => format!("{}: digest", self.doing),
        };
        if self.shown.as_ref() != Some(&text) {
            self.write(&text);
            self.shown = Some(text);
        }
    }

    fn write(&self, text: &str) {
        if self.on {
            longwire_terminal::stderr::write(format!("\r\x1b[?7l{text}\x1b[K\x1b[?7h").as_bytes());
        }
    }
}

impl Drop for ProgressLine {
    fn drop(&mut self) {
        if self.shown.is_some() {
            self.write("");
        }
    }
}

impl From<BackupError> for Failure {
    fn from(error: BackupError) -> Self {
        Self::Backup(Box::new(error))
    }
}
