//! Authorizations of people that were begun, and whose turn it is to refresh a person's token.

mod pending;

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use longwire_installation::InstallationId;

pub(crate) use self::pending::{Begun, PATIENCE, PendingAuthorizations};

/// The turn of a person's refresh.
type Turn = Arc<tokio::sync::Mutex<()>>;

/// Authorizations that were begun, and people for whom a task refreshes.
#[derive(Default)]
pub(crate) struct UserAuthorizations {
    pending: Mutex<PendingAuthorizations>,
    turns: Mutex<HashMap<(InstallationId, String), Turn>>,
}

impl UserAuthorizations {
    pub(crate) fn pending(&self) -> MutexGuard<'_, PendingAuthorizations> {
        self.pending.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The turn to refresh for a person.
    pub(crate) fn turn(&self, bot: InstallationId, open_id: &str) -> Turn {
        let mut turns = self.turns.lock().unwrap_or_else(PoisonError::into_inner);
        turns.retain(|_, turn| Arc::strong_count(turn) > 1);
        Arc::clone(turns.entry((bot, open_id.to_owned())).or_default())
    }
}
