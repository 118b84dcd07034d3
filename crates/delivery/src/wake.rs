//! One wake-up at a time.

use std::cell::Cell;

/// Whether somebody was told that there is something, and has not looked yet.
#[derive(Debug, Default)]
pub(crate) struct Wake(Cell<bool>);

impl Wake {
    /// Whether it has to be told: not if it was told and has not looked since.
    pub(crate) fn is_to_be_told(&self) -> bool {
        !self.0.replace(true)
    }

    /// It looks now.
    pub(crate) fn looks(&self) {
        self.0.set(false);
    }
}
