//! A backup into a new directory, from which a server can be started.
//!
//! Nothing gets its name there before all of it is known to be whole and to open with its key. The database gets it last, so
//! whatever interrupts a restore leaves no store behind that a server would start on.
//!
//! # Numbers of events
//! The store recorded events after the backup was made. Applications know them by their numbers, which are part of their ids
//! and of the places of readers. A restored store that gave these numbers again would have its new events taken for repeats.
//! So it goes on [far behind](numbers_to_leave_out) them.

use std::fs::{self, File};
use std::io::{self, Read, Seek as _, SeekFrom, Write as _};
use std::path::{Path, PathBuf};
use std::time::Duration;

use longwire_wire::event::Seq;
use secrecy::{ExposeSecret as _, SecretString};

use super::SECRET_FILES;
use crate::backup_error::RestoreError;
use crate::backup_manifest::{Footer, Manifest, ManifestError};
use crate::backup_progress::BackupProgress;
use crate::clock::now_ms;
use crate::directory::{self, beside};
use crate::draft::{Draft, Replace};
use crate::installation::InstallationRecord;
use crate::key_proof::Unopened;
use crate::number_gap::NumberGap;
use crate::seal::{KeyRing, KeyRingError};
use crate::sqlite::file::{DatabaseFile, free_bytes};
use crate::sqlite::migrations;
use crate::sqlite::restored::RestoredDatabase;

/// Numbers that are left out at least: 5,000 events per second for ten days.
const LEFT_OUT_AT_LEAST: i64 = 1 << 32;
/// And for each second since the backup was made: more than a host records for long.
const LEFT_OUT_PER_SECOND: i64 = 20_000;

/// What the name of a database's file is taken for that no file can have.
const DEFAULT_NAME: &str = "longwire.db";

/// A restore that was asked for.
#[derive(Debug)]
pub struct RestoreSettings<'a> {
    /// What the backup is called in messages.
    pub what: &'a str,
    /// Where it is to lie. Made if it is missing.
    pub directory: &'a Path,
    /// The key file, where the key is not inside. Named for the store of the backup, as it was then.
    pub key_file: Option<&'a Path>,
    /// Whether all installations are to be stopped.
    pub stopped: bool,
}

/// A store that was restored.
#[derive(Debug)]
pub struct Restored {
    /// What the backup says of itself.
    pub manifest: Manifest,
    /// The database.
    pub database: PathBuf,
    /// The key file; `None` if nothing is sealed and none was given.
    pub key_file: Option<PathBuf>,
    /// How many secrets the key opened.
    pub secrets: usize,
    /// The number behind which new events are numbered.
    pub numbers_after: Seq,
    /// The installations that a server connects as soon as it is started.
    pub wanted: Vec<InstallationRecord>,
}

/// Restores a backup. Blocks: some seconds for a GiB.
///
/// # Errors
/// The directory is as it was.
pub fn restore(
    settings: &RestoreSettings<'_>,
    backup: &mut BackupSource,
    progress: &mut dyn FnMut(BackupProgress),
) -> Result<Restored, RestoreError> {
    let what = settings.what;
    if let BackupSource::File(file) = backup {
        // Cheap, and before anything is made.
        let bytes = file
            .metadata()
            .map_err(|error| read_error(what, error))?
            .len();
        let (manifest, _) = Manifest::read(file, bytes).map_err(|error| refusal(what, error))?;
        is_known(what, &manifest)?;
        is_free(&settings.directory.join(database_name(&manifest)))?;
        has_room(settings.directory, bytes)?;
    }
    let made = NewDirectory::make(settings.directory)?;
    let restored = restore_into(settings, backup, progress);
    if restored.is_ok() {
        made.keep();
    }
    restored
}

/// Where a backup is read from.
#[derive(Debug)]
pub enum BackupSource {
    /// A file, at any place.
    File(File),
    /// Standard input, from its first byte.
    Stdin(io::Stdin),
}

fn restore_into(
    settings: &RestoreSettings<'_>,
    backup: &mut BackupSource,
    progress: &mut dyn FnMut(BackupProgress),
) -> Result<Restored, RestoreError> {
    let what = settings.what;
    let mut draft = Draft::create(&settings.directory.join(".longwire-restore.part"))?;
    let bytes = spool(what, backup, &mut draft, progress)?;
    let (manifest, footer) = verified(what, &mut draft, bytes, progress)?;
    is_known(what, &manifest)?;
    let path = settings.directory.join(database_name(&manifest));
    is_free(&path)?;
    let io = |error| RestoreError::of_io(&path, error);
    drop(footer);
    draft.file().set_len(manifest.database_bytes).map_err(io)?;
    progress(BackupProgress::Finishing);
    let failed = |source| RestoreError::Database {
        what: what.to_owned(),
        source,
    };
    let file = DatabaseFile::new(draft.path().to_owned());
    let database = RestoredDatabase::open(&file, &manifest).map_err(failed)?;
    let mut database = database.map_err(|why| RestoreError::Damaged {
        what: what.to_owned(),
        why,
    })?;
    database.migrate().map_err(failed)?;
    let files = secret_files(settings, &manifest)?;
    let sealed = database.sealed().map_err(failed)?;
    let secrets = match &files.ring {
        Some(ring) => sealed.open_all(ring),
        None => Ok(0),
    };
    let secrets =
        secrets.map_err(|Unopened { name, source }| RestoreError::WrongKey { name, source })?;
    let age = u64::try_from(now_ms().saturating_sub(manifest.created_ms)).unwrap_or(0);
    let through = manifest.through.map_or(0, |seq| seq.0);
    let gap = NumberGap {
        after: through,
        through: through.saturating_add(numbers_to_leave_out(Duration::from_millis(age))),
    };
    database.set(gap, settings.stopped).map_err(failed)?;
    let wanted = database.wanted().map_err(failed)?;
    drop(database);
    let key_file = files.place(&path)?;
    if let Err(error) = draft.publish(&path, Replace::Never) {
        files.take_back(&path);
        return Err(error.into());
    }
    Ok(Restored {
        manifest,
        database: path,
        key_file,
        secrets,
        numbers_after: Seq(gap.through),
        wanted,
    })
}

/// How many numbers a store leaves out that was restored from a backup of this age.
fn numbers_to_leave_out(age: Duration) -> i64 {
    let seconds = i64::try_from(age.as_secs()).unwrap_or(i64::MAX);
    seconds
        .saturating_mul(LEFT_OUT_PER_SECOND)
        .max(LEFT_OUT_AT_LEAST)
}

/// Writes all of it into the draft; how much it is.
fn spool(
    what: &str,
    backup: &mut BackupSource,
    draft: &mut Draft,
    progress: &mut dyn FnMut(BackupProgress),
) -> Result<u64, RestoreError> {
    let path = draft.path().to_owned();
    let all_bytes = match backup {
        BackupSource::File(file) => {
            let start = file.seek(SeekFrom::Start(0));
            start.map_err(|error| read_error(what, error))?;
            file.metadata().map_or(0, |found| found.len())
        }
        BackupSource::Stdin(_) => 0,
    };
    let mut chunk = vec![0; 1 << 20];
    let mut done_bytes = 0;
    loop {
        let read = match backup {
            BackupSource::File(file) => file.read(&mut chunk),
            BackupSource::Stdin(stdin) => stdin.read(&mut chunk),
        };
        let read = match read {
            Ok(0) => return Ok(done_bytes),
            Ok(read) => read,
            Err(error) if error.kind() == io::ErrorKind::Interrupted => continue,
            Err(error) => return Err(read_error(what, error)),
        };
        let written = draft.file_mut().write_all(&chunk[..read]);
        written.map_err(|error| RestoreError::of_io(&path, error))?;
        done_bytes += read as u64;
        progress(BackupProgress::Copying {
            done_bytes,
            all_bytes: all_bytes.max(done_bytes),
        });
    }
}

/// The manifest of what is in the draft, whose digest is that of its bytes.
fn verified(
    what: &str,
    draft: &mut Draft,
    bytes: u64,
    progress: &mut dyn FnMut(BackupProgress),
) -> Result<(Manifest, Footer), RestoreError> {
    progress(BackupProgress::Digest);
    let refused = |error| refusal(what, error);
    let (manifest, footer) = Manifest::read(draft.file_mut(), bytes).map_err(refused)?;
    (manifest.verify(draft.file_mut(), &footer)).map_err(refused)?;
    Ok((manifest, footer))
}

fn read_error(what: &str, source: io::Error) -> RestoreError {
    RestoreError::Read {
        what: what.to_owned(),
        source,
    }
}

fn refusal(what: &str, error: ManifestError) -> RestoreError {
    let what = what.to_owned();
    let damaged = |why: &str| RestoreError::Damaged {
        what: what.clone(),
        why: why.to_owned(),
    };
    match error {
        ManifestError::Empty => RestoreError::Empty { what },
        ManifestError::NoEnd => RestoreError::NoEnd { what },
        ManifestError::Foreign => RestoreError::Foreign { what },
        ManifestError::Format(format) => RestoreError::Format { what, format },
        ManifestError::Senseless => damaged("what it says of itself makes no sense"),
        ManifestError::Altered => damaged("its digest does not fit"),
        ManifestError::Io(source) => RestoreError::Read { what, source },
    }
}

/// Refuses a schema that this build does not know.
fn is_known(what: &str, manifest: &Manifest) -> Result<(), RestoreError> {
    let known = migrations::is_known(&manifest.schema);
    let known = known.map_err(|source| RestoreError::Database {
        what: what.to_owned(),
        source,
    })?;
    if known {
        Ok(())
    } else {
        Err(RestoreError::Newer {
            what: what.to_owned(),
            version: manifest.longwire.clone(),
            schema: manifest.schema.clone(),
        })
    }
}

/// The name that the database had.
fn database_name(manifest: &Manifest) -> &str {
    let name = manifest.database.as_str();
    match Path::new(name).file_name() {
        Some(plain) if plain == name => name,
        Some(_) | None => DEFAULT_NAME,
    }
}

/// Refuses a directory in which there is a store, or a file of one.
fn is_free(database: &Path) -> Result<(), RestoreError> {
    let of_store = ["", "-wal", "-shm", "-journal", ".lock"];
    let occupied = of_store.iter().chain(&SECRET_FILES);
    let mut occupied = occupied.map(|suffix| beside(database, suffix));
    match occupied.find(|path| path.symlink_metadata().is_ok()) {
        Some(path) => Err(RestoreError::Occupied { path }),
        None => Ok(()),
    }
}

fn has_room(directory: &Path, needed_bytes: u64) -> Result<(), RestoreError> {
    // The directory may be missing; the disk is that of whatever is there.
    let directory = std::path::absolute(directory).unwrap_or_else(|_| directory.to_owned());
    let there = directory.ancestors().find(|path| path.exists());
    let probe = there.map(|path| path.join("x"));
    match probe.and_then(|probe| free_bytes(&probe)) {
        Some(free_bytes) if free_bytes < needed_bytes => Err(RestoreError::NoRoom {
            path: directory.to_owned(),
            needed_bytes,
            free_bytes,
        }),
        Some(_) | None => Ok(()),
    }
}

/// What lies beside the database, in clear.
struct SecretFiles {
    files: Vec<(&'static str, SecretString)>,
    ring: Option<KeyRing>,
}

/// The secrets that the backup has, or the key that was named.
fn secret_files(
    settings: &RestoreSettings<'_>,
    manifest: &Manifest,
) -> Result<SecretFiles, RestoreError> {
    let mut files = Vec::new();
    for suffix in SECRET_FILES {
        let kept = manifest.files.iter().find(|file| file.suffix == suffix);
        files.extend(kept.map(|kept| (suffix, kept.text.clone())));
    }
    if let Some(path) = settings.key_file {
        let text = fs::read_to_string(path).map_err(|source| KeyRingError::Io {
            path: path.to_owned(),
            source,
        })?;
        files.retain(|(suffix, _)| *suffix != ".key");
        files.push((".key", SecretString::from(text)));
    }
    let key = files.iter().find(|(suffix, _)| *suffix == ".key");
    let Some((_, text)) = key else {
        if manifest.key_ids.is_empty() {
            return Ok(SecretFiles { files, ring: None });
        }
        return Err(RestoreError::NoKey {
            what: settings.what.to_owned(),
            key_ids: manifest.key_ids.join(", "),
        });
    };
    let path = settings.key_file.unwrap_or(Path::new(settings.what));
    let ring = KeyRing::parse(text.expose_secret()).map_err(|line| match line {
        0 => KeyRingError::Empty {
            path: path.to_owned(),
        },
        line => KeyRingError::BadLine {
            path: path.to_owned(),
            line,
        },
    })?;
    Ok(SecretFiles {
        files,
        ring: Some(ring),
    })
}

impl SecretFiles {
    /// Gives each its place beside the database; where the key is.
    fn place(&self, database: &Path) -> Result<Option<PathBuf>, RestoreError> {
        let mut key = None;
        for (suffix, text) in &self.files {
            let path = beside(database, suffix);
            let placed = self.place_one(&path, text);
            if let Err(error) = placed {
                self.take_back(database);
                return Err(error);
            }
            if *suffix == ".key" {
                key = Some(path);
            }
        }
        Ok(key)
    }

    fn place_one(&self, path: &Path, text: &SecretString) -> Result<(), RestoreError> {
        let mut draft = Draft::create(&beside(path, ".part"))?;
        let written = draft.file_mut().write_all(text.expose_secret().as_bytes());
        written.map_err(|error| RestoreError::of_io(path, error))?;
        Ok(draft.publish(path, Replace::Never)?)
    }

    /// Removes them. None of them was there before.
    fn take_back(&self, database: &Path) {
        for (suffix, _) in &self.files {
            // What cannot be removed is found, and named, by the next restore.
            let _ = fs::remove_file(beside(database, suffix));
        }
    }
}

/// A directory that is removed again if it was made here and is not kept.
struct NewDirectory(Option<PathBuf>);

impl NewDirectory {
    fn make(path: &Path) -> Result<Self, RestoreError> {
        let io = |error| RestoreError::of_io(path, error);
        if path.is_dir() {
            return Ok(Self(None));
        }
        directory::make(path).map_err(io)?;
        use std::os::unix::fs::PermissionsExt as _;
        fs::set_permissions(path, fs::Permissions::from_mode(0o700)).map_err(io)?;
        Ok(Self(Some(path.to_owned())))
    }

    fn keep(mut self) {
        self.0 = None;
    }
}

impl Drop for NewDirectory {
    fn drop(&mut self) {
        if let Some(path) = &self.0 {
            // Fails if somebody put something into it.
            let _ = fs::remove_dir(path);
        }
    }
}
