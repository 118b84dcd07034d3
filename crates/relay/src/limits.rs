//! How many connections of applications there may be.

use longwire_listener::StreamLimits;

/// The bounds of open connections. Each is an open file of the process, which the caller has set aside.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct RelayLimits {
    /// Of all spaces together.
    pub connections: usize,
    /// Of one space.
    pub connections_per_space: usize,
}

impl RelayLimits {
    pub(crate) fn places(self) -> StreamLimits {
        StreamLimits {
            per_space: self.connections_per_space,
            per_process: self.connections,
        }
    }
}
