//! Every consumer, found by space and name. Whoever asks something from outside looks here and writes to the actor without a hop.

use std::collections::BTreeMap;
use std::sync::{Arc, PoisonError, RwLock};

use longwire_access::Space;
use longwire_store::ConsumerId;

use crate::consumer::ConsumerEntry;

/// All consumers.
#[derive(Default)]
pub(crate) struct ConsumerIndex(RwLock<BTreeMap<ConsumerId, Arc<ConsumerEntry>>>);

impl ConsumerIndex {
    pub(crate) fn find(&self, space: &Space, name: &str) -> Option<Arc<ConsumerEntry>> {
        let all = self.all();
        all.into_iter().find(|entry| entry.is(space, name))
    }

    pub(crate) fn get(&self, id: ConsumerId) -> Option<Arc<ConsumerEntry>> {
        let entries = self.0.read().unwrap_or_else(PoisonError::into_inner);
        entries.get(&id).cloned()
    }

    /// In the order in which they were made.
    pub(crate) fn all(&self) -> Vec<Arc<ConsumerEntry>> {
        let entries = self.0.read().unwrap_or_else(PoisonError::into_inner);
        entries.values().cloned().collect()
    }

    pub(crate) fn insert(&self, entry: Arc<ConsumerEntry>) {
        let mut entries = self.0.write().unwrap_or_else(PoisonError::into_inner);
        entries.insert(entry.id, entry);
    }

    pub(crate) fn remove(&self, id: ConsumerId) {
        let mut entries = self.0.write().unwrap_or_else(PoisonError::into_inner);
        entries.remove(&id);
    }
}
