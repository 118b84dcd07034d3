//! The ring that a store seals and opens with, and its file.
//!
//! The ring changes when the sealing key is renewed:
//! 1. the file gets the new key above the former ones ([`SealingKeys::renew`]);
//! 2. one transaction seals every secret again, with the new key;
//! 3. once that transaction is durable, the file has the new key alone ([`SealingKeys::forget_former`]).
//!
//! So at each instant the file opens whatever the database holds.

use std::path::{Path, PathBuf};
use std::sync::{Arc, PoisonError, RwLock};

use super::ring::{KeyRing, KeyRingError};

/// The ring that a store seals and opens with, and its file.
pub(crate) struct SealingKeys {
    file: PathBuf,
    /// It keeps former keys until the process ends: whoever read a row before it was sealed again opens it with one of them.
    ring: RwLock<Arc<KeyRing>>,
}

impl SealingKeys {
    /// Reads the ring of this file, as [`KeyRing::load`] does.
    pub(crate) fn load(
        file: PathBuf,
        sealed_with: &[(String, usize)],
    ) -> Result<Self, KeyRingError> {
        let ring = KeyRing::load(&file, sealed_with)?;
        Ok(Self {
            file,
            ring: RwLock::new(Arc::new(ring)),
        })
    }

    /// The ring, to open something with.
    pub(crate) fn ring(&self) -> Arc<KeyRing> {
        // Every change is one assignment.
        let ring = self.ring.read().unwrap_or_else(PoisonError::into_inner);
        Arc::clone(&ring)
    }

    /// The ring, to seal something with.
    ///
    /// # Errors
    /// The key that seals is no longer in the file, so that nobody could open it after a restart.
    pub(crate) fn to_seal(&self) -> Result<Arc<KeyRing>, KeyRingError> {
        let ring = self.ring();
        ring.read_again(&self.file)?;
        Ok(ring)
    }

    /// Makes a new key, which seals from now on. When this returns, the file has it, and the former keys below it.
    ///
    /// # Errors
    /// The file is as it was, or it has both.
    pub(crate) fn renew(&self) -> Result<Arc<KeyRing>, KeyRingError> {
        let ring = self.ring();
        let on_disk = ring.read_again(&self.file)?;
        let renewed = ring.with_new_key(&on_disk);
        let renewed = renewed.and_then(|renewed| renewed.save(&self.file).map(|()| renewed));
        let renewed = Arc::new(renewed.map_err(|source| self.io(source))?);
        *self.ring.write().unwrap_or_else(PoisonError::into_inner) = Arc::clone(&renewed);
        Ok(renewed)
    }

    /// Leaves the newest key alone in the file. Nothing that is kept is sealed with another one.
    ///
    /// # Errors
    /// The file has former keys still, which does no harm but that they are not forgotten.
    pub(crate) fn forget_former(&self) -> Result<(), KeyRingError> {
        let newest = self.ring().newest_alone();
        newest.save(&self.file).map_err(|source| self.io(source))
    }

    /// How many keys beside the newest one the file has.
    pub(crate) fn former_in_file(&self) -> Result<usize, KeyRingError> {
        let on_disk = self.ring().read_again(&self.file)?;
        Ok(on_disk.len() - 1)
    }

    /// Where the keys are.
    pub(crate) fn file(&self) -> &Path {
        &self.file
    }

    fn io(&self, source: std::io::Error) -> KeyRingError {
        let path = self.file.clone();
        KeyRingError::Io { path, source }
    }
}
