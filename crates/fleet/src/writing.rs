//! Whether the store's writer thread lives. Dispatch sets it; everybody may read it.

use longwire_actor::Exit;

/// The writer thread, as its watchers know it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Writing {
    /// Not started yet.
    Idle,
    /// Alive.
    Running,
    /// It ended.
    Ended(Exit),
}
