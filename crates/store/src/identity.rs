//! What tells a store from every other one.

use std::fmt;

/// What tells a store from every other one, but not from a copy of itself: 16 random bytes, made with the database.
#[derive(Copy, Clone, Eq, PartialEq, Hash)]
pub struct StoreIdentity(pub(crate) [u8; 16]);

impl StoreIdentity {
    /// All of it.
    #[must_use]
    pub fn as_bytes(&self) -> &[u8; 16] {
        &self.0
    }

    /// The first half, which the public ids of events begin with.
    #[must_use]
    pub fn prefix(&self) -> [u8; 8] {
        let [a, b, c, d, e, f, g, h, ..] = self.0;
        [a, b, c, d, e, f, g, h]
    }
}

impl fmt::Debug for StoreIdentity {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.iter().try_for_each(|byte| write!(f, "{byte:02x}"))
    }
}
