//! The number of an attempt to connect.

use std::fmt;

/// The attempt that a message is about. Every new attempt of an installation gets a higher generation. News of an older
/// generation changes nothing.
#[derive(Copy, Clone, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub struct Generation(pub u64);

impl Generation {
    /// The generation of the attempt after this one.
    #[must_use]
    pub fn next(self) -> Self {
        // Cannot wrap: at one attempt per nanosecond it would take 580 years.
        Self(self.0.saturating_add(1))
    }
}

impl fmt::Display for Generation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}
