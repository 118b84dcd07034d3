//! Bots whose connection is the matter of another process of the same store: during a takeover, of the one or the other.
//!
//! The process that takes over begins with the bots that are taken one by one here, and takes them out. The one that is taken over
//! from puts bots in as it gives them away. No attempt to connect such a bot begins, and a connection that ends was ended by the
//! other process.

use longwire_installation::InstallationId;
use std::collections::BTreeSet;
use std::sync::{Mutex, MutexGuard, PoisonError};

/// The bots. Asked when a connection is lost and when an attempt begins, so never on the way of an event.
#[derive(Debug, Default)]
pub(crate) struct Elsewhere(Mutex<BTreeSet<InstallationId>>);

impl Elsewhere {
    pub(crate) fn insert(&self, id: InstallationId) {
        self.lock().insert(id);
    }

    pub(crate) fn remove(&self, id: InstallationId) {
        self.lock().remove(&id);
    }

    pub(crate) fn contains(&self, id: InstallationId) -> bool {
        self.lock().contains(&id)
    }

    /// All of them are this process's again; which they were.
    pub(crate) fn take_all(&self) -> BTreeSet<InstallationId> {
        std::mem::take(&mut *self.lock())
    }

    pub(crate) fn count(&self) -> usize {
        self.lock().len()
    }

    fn lock(&self) -> MutexGuard<'_, BTreeSet<InstallationId>> {
        // Every change is one call.
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
