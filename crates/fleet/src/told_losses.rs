//! What was said of a bot's lost events already.

use std::sync::{Mutex, MutexGuard, PoisonError};

/// How many of a bot's lost events are told, though their connections still hold them: what a stop has counted, a connection
/// gives up a little later.
#[derive(Default)]
pub(crate) struct ToldLosses(Mutex<u64>);

impl ToldLosses {
    pub(crate) fn lock(&self) -> MutexGuard<'_, u64> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
