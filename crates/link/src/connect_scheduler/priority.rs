//! The order of bots within a lane.

/// How stable the connections of a bot have been. The lesser value goes first.
#[derive(Copy, Clone, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub struct AttemptPriority {
    /// Whether the bot had a stable connection of late.
    pub stability: Stability,
    /// Failures in a row since its last stable connection.
    pub failures: u32,
}

/// Whether a bot had a stable connection of late.
#[derive(Copy, Clone, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub enum Stability {
    /// A stable connection ended within the last minutes.
    Recent,
    /// The last stable connection ended earlier, or there was none.
    NotRecent,
}
