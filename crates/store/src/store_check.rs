//! A look at a store, beside the server that uses it or without any: whether its key opens what is sealed, and more thoroughly its
//! pages and what it holds.

use std::fs;
use std::io;
use std::path::PathBuf;

use longwire_wire::event::Seq;
use zeroize::Zeroizing;

use crate::key_proof::Unopened;
use crate::open::{OpenError, database_path};
use crate::seal::{KeyRing, KeyRingError, SealError};
use crate::settings::StoreSettings;
use crate::sqlite::file::DatabaseFile;
use crate::sqlite::{self, opening};

/// What was found.
#[derive(Debug)]
pub struct StoreCheck {
    /// The database.
    pub database: PathBuf,
    /// The newest migration of its schema.
    pub schema: String,
    /// Its length.
    pub database_bytes: u64,
    /// The length of its write-ahead log.
    pub wal_bytes: u64,
    /// How many events it has.
    pub events: u64,
    /// The oldest and the newest event: number, and when it was received in milliseconds since 1970.
    pub ends: Option<[(Seq, i64); 2]>,
    /// Whether its pages are sound.
    pub pages: PagesChecked,
}

/// How its pages were looked at, and what was found.
#[derive(Debug, PartialEq, Eq)]
pub enum PagesChecked {
    /// SQLite checked every page, and each is sound.
    EveryPage,
    /// A server uses this large database. Every row was read, and the small tables are sound; the indexes of the large ones were
    /// not looked at.
    EveryRow,
    /// These words of SQLite's say what is wrong.
    Damaged(String),
}

/// Whether the key opens what is sealed.
#[derive(Debug)]
pub enum KeyProof {
    /// Every secret; so many.
    Opens(usize),
    /// There is no secret, and no key either: it is made when it is needed.
    NothingSealed,
    /// The key file cannot be used.
    NoKey(KeyRingError),
    /// This secret does not open.
    Fails {
        /// Whose it is.
        name: String,
        /// Why.
        source: SealError,
    },
}

/// Looks at all of a store. Changes nothing, takes no lock, and never reads in one transaction for longer than a few seconds. Blocks:
/// about a second for 200 MiB.
///
/// # Errors
/// The store cannot be read.
pub fn check_store(settings: &StoreSettings) -> Result<StoreCheck, OpenError> {
    let database = database_path(&settings.url)?;
    let file = DatabaseFile::new(database.clone());
    opening::inspect(&file)?;
    let found = sqlite::inspect(&file).map_err(|source| OpenError::Database {
        path: database.clone(),
        source,
    })?;
    Ok(StoreCheck {
        database,
        schema: found.schema,
        database_bytes: found.database_bytes,
        wal_bytes: found.wal_bytes,
        events: found.events,
        ends: found.ends,
        pages: match found.damage {
            Some(damage) => PagesChecked::Damaged(damage),
            None if found.every_page => PagesChecked::EveryPage,
            None => PagesChecked::EveryRow,
        },
    })
}

/// Tries the key on every secret that the store has sealed. Changes nothing and takes no lock. Blocks: for some milliseconds with
/// thousands of secrets.
///
/// # Errors
/// The store cannot be read.
pub fn check_key(settings: &StoreSettings) -> Result<KeyProof, OpenError> {
    let database = database_path(&settings.url)?;
    let file = DatabaseFile::new(database.clone());
    opening::inspect(&file)?;
    let sealed = sqlite::sealed(&file).map_err(|source| OpenError::Database {
        path: database.clone(),
        source,
    })?;
    Ok(match read_ring(settings.key_file_for(&database)) {
        Ok(ring) => match sealed.open_all(&ring) {
            Ok(secrets) => KeyProof::Opens(secrets),
            Err(Unopened { name, source }) => KeyProof::Fails { name, source },
        },
        Err(KeyRingError::Missing { path, .. }) => match sealed.count() {
            0 => KeyProof::NothingSealed,
            sealed => KeyProof::NoKey(KeyRingError::Missing { path, sealed }),
        },
        Err(error) => KeyProof::NoKey(error),
    })
}

/// The ring of a file, which is never made here.
fn read_ring(path: PathBuf) -> Result<KeyRing, KeyRingError> {
    let text = match fs::read_to_string(&path) {
        Ok(text) => Zeroizing::new(text),
        Err(error) if error.kind() == io::ErrorKind::NotFound => {
            return Err(KeyRingError::Missing { path, sealed: 0 });
        }
        Err(source) => return Err(KeyRingError::Io { path, source }),
    };
    KeyRing::parse(&text).map_err(|line| match line {
        0 => KeyRingError::Empty { path },
        line => KeyRingError::BadLine { path, line },
    })
}
