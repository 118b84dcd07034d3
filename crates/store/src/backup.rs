//! A backup of the store: one file, made while a server records events, or while none runs.
//!
//! ```text
//! back_up   slices of rows ─▶ a new database (draft) ─▶ the small tables, in one look ─▶ indexes ─▶ manifest, digest ─▶ its name
//! restore   file ─▶ draft in the new directory ─▶ digest, quick_check, key ─▶ its name
//! ```
//! The rows are copied in slices, each read in a transaction of some milliseconds, and the writer is given way to between two of
//! them. SQLite's own ways suit a store that is written to all the time badly: its backup interface begins anew after each
//! commit of another connection, and `VACUUM INTO` is one long transaction, during which the write-ahead log only grows.
//!
//! Rows are only added to the large tables ([`APPENDED`](crate::sqlite::copy::APPENDED)), so their slices agree with each other.
//! Everything else is read together with their last rows in one transaction: the backup is the store at that moment. What may
//! be a little older are the counters of repeats of an event.
//!
//! A backup is a SQLite database followed by its [manifest](Manifest). The writer is never asked for anything, so a backup can
//! be made of a store whose server hangs.

mod restore;

use std::fs::{self, File};
use std::io;
use std::path::Path;
use std::sync::Arc;

use secrecy::SecretString;

pub use self::restore::{BackupSource, RestoreSettings, Restored, restore};
use crate::backup_error::BackupError;
use crate::backup_manifest::{KeptFile, KeyPlace, Manifest};
use crate::backup_progress::BackupProgress;
use crate::directory::beside;
use crate::draft::{Draft, Replace};
use crate::open::database_path;
use crate::settings::StoreSettings;
use crate::sqlite::copy;
use crate::sqlite::file::DatabaseFile;

/// More than the manifest and the pages that a copy has beyond its original.
const SPARE_BYTES: u64 = 16 << 20;

/// The files beside the database that hold secrets, by what their names end in: the keys, the first token, the key of the
/// certificate authority.
pub(crate) const SECRET_FILES: [&str; 3] = [".key", ".token", ".ca"];

/// What is to be in a backup.
#[derive(Copy, Clone, Debug)]
pub struct BackupSettings<'a> {
    /// The store.
    pub store: &'a StoreSettings,
    /// Whether the files with the store's secrets are in it.
    pub key: KeyPlace,
    /// The version of the program, for the manifest.
    pub version: &'a str,
}

/// A backup that is whole and has no name yet. It is gone when this is dropped.
#[derive(Debug)]
pub struct FinishedBackup {
    draft: Draft,
    /// What it says of itself.
    pub manifest: Manifest,
    /// Its length.
    pub bytes: u64,
}

/// Makes a backup that will be called `path`, or one to be read and not kept. Blocks: about a second for 100 MiB.
///
/// # Errors
/// Nothing is left of it, and whatever has that name is untouched.
pub fn back_up(
    settings: &BackupSettings<'_>,
    path: Option<&Path>,
    replace: Replace,
    progress: &mut dyn FnMut(BackupProgress),
) -> Result<FinishedBackup, BackupError> {
    let database = database_path(&settings.store.url)?;
    if let Some(path) = path {
        may_be_written(settings.store, &database, path, replace)?;
    }
    let file = Arc::new(DatabaseFile::new(database.clone()));
    copy::inspect(&file)?;
    let files = kept_files(settings, &database)?;
    let draft_path = match path {
        Some(path) => beside(path, ".part"),
        None => beside(&database, ".backup.part"),
    };
    has_room(&file, &draft_path)?;
    let mut draft = Draft::create(&draft_path)?;
    let copied = copy::copy(&file, &draft, progress)?;
    let manifest = Manifest {
        longwire: settings.version.to_owned(),
        schema: copied.schema,
        created_ms: crate::clock::now_ms(),
        identity: copied.identity,
        database: file_name(&database),
        database_bytes: draft.length()?,
        through: copied.through,
        events: copied.events,
        installations: copied.installations,
        key: settings.key,
        key_ids: copied.key_ids,
        files,
    };
    progress(BackupProgress::Digest);
    let bytes = manifest
        .append_to(draft.file_mut())
        .map_err(|source| BackupError::of_io(&draft_path, source))?;
    Ok(FinishedBackup {
        draft,
        manifest,
        bytes,
    })
}

impl FinishedBackup {
    /// Gives it its name. From then on it is on the disk, for its owner alone.
    ///
    /// # Errors
    /// There is no such file, or the former one is as it was.
    pub fn publish(self, path: &Path, replace: Replace) -> Result<Manifest, BackupError> {
        self.draft.publish(path, replace)?;
        Ok(self.manifest)
    }

    /// To be read from its first byte.
    ///
    /// # Errors
    /// The operating system's.
    pub fn read(&mut self) -> io::Result<&mut File> {
        self.draft.rewound()
    }
}

/// Refuses a name that is taken, and in any case the names of the store's own files.
fn may_be_written(
    settings: &StoreSettings,
    database: &Path,
    path: &Path,
    replace: Replace,
) -> Result<(), BackupError> {
    let Ok(found) = fs::metadata(path) else {
        // What keeps it from being written is said when it is.
        return Ok(());
    };
    let path = path.to_owned();
    if found.is_dir() {
        return Err(BackupError::IsADirectory { path });
    }
    let wanted = fs::canonicalize(&path).unwrap_or_else(|_| path.clone());
    let of_store = ["", "-wal", "-shm", ".lock", ".key", ".token", ".ca"]
        .map(|suffix| beside(database, suffix))
        .into_iter()
        .chain(settings.key_file.clone());
    let mut of_store = of_store.filter_map(|own| fs::canonicalize(own).ok());
    if of_store.any(|own| own == wanted) {
        return Err(BackupError::OfTheStore { path });
    }
    match replace {
        Replace::Never => Err(BackupError::Exists { path }),
        Replace::Former if !found.is_file() => Err(BackupError::NoFile { path }),
        Replace::Former => Ok(()),
    }
}

/// The secrets beside the database, if they are to be in the backup. The key file has to be there.
fn kept_files(
    settings: &BackupSettings<'_>,
    database: &Path,
) -> Result<Vec<KeptFile>, BackupError> {
    if settings.key == KeyPlace::Beside {
        return Ok(Vec::new());
    }
    let mut files = Vec::new();
    for suffix in SECRET_FILES {
        let is_key = suffix == ".key";
        let path = if is_key {
            settings.store.key_file_for(database)
        } else {
            beside(database, suffix)
        };
        match fs::read_to_string(&path) {
            Ok(text) => files.push(KeptFile {
                suffix: suffix.to_owned(),
                text: SecretString::from(text),
            }),
            Err(error) if error.kind() == io::ErrorKind::NotFound && !is_key => {}
            Err(source) => return Err(BackupError::Key { path, source }),
        }
    }
    Ok(files)
}

/// Refuses a disk on which the copy certainly finds no room.
fn has_room(file: &DatabaseFile, draft: &Path) -> Result<(), BackupError> {
    let database = fs::metadata(&file.path).map_or(0, |found| found.len());
    let wal = fs::metadata(&file.wal).map_or(0, |found| found.len());
    let needed_bytes = database + wal + SPARE_BYTES;
    match crate::sqlite::file::free_bytes(draft) {
        Some(free_bytes) if free_bytes < needed_bytes => Err(BackupError::NoRoom {
            path: draft.to_owned(),
            needed_bytes,
            free_bytes,
        }),
        Some(_) | None => Ok(()),
    }
}

fn file_name(database: &Path) -> String {
    let name = database.file_name().unwrap_or_default();
    name.to_string_lossy().into_owned()
}
