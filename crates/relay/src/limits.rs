//! How many connections of applications there may be.

use longwire_listener::StreamLimits;

/// The most connections that are open and not admitted yet. After a restart all come at once, and each is admitted within
/// milliseconds; one that finds no place tries again.
const NEWCOMERS: usize = 256;

/// The bounds of open connections. Each is an open file of the process, which the caller has set aside.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct RelayLimits {
    /// Of all spaces together.
    pub connections: usize,
    /// Of one space.
    pub connections_per_space: usize,
}

impl RelayLimits {
    /// The open files that its connections take at most, with those that have not said yet whose they are.
    #[must_use]
    pub fn open_files(self) -> usize {
        self.connections + self.newcomers()
    }

    /// Clients of WeCom that may be connected without a bot: who they are stands in their first frame.
    pub(crate) fn newcomers(self) -> usize {
        self.connections.div_ceil(8).min(NEWCOMERS)
    }

    pub(crate) fn places(self) -> StreamLimits {
        StreamLimits {
            per_space: self.connections_per_space,
            per_process: self.connections,
        }
    }
}
