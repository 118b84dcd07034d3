//! How far a run is: one line on standard error, renewed in place on a terminal and not written elsewhere.

use std::io::{IsTerminal as _, Write as _};

/// The line. Dropping it takes it away.
pub(crate) struct Progress {
    on: bool,
}

impl Progress {
    pub(crate) fn new() -> Self {
        Self {
            on: std::io::stderr().is_terminal(),
        }
    }

    /// What is being done.
    pub(crate) fn say(&self, text: &str) {
        if self.on {
            // Who closed standard error does not want to know.
            drop(write!(std::io::stderr(), "\r\x1b[?7l{text}\x1b[K\x1b[?7h"));
        }
    }
}

impl Drop for Progress {
    fn drop(&mut self) {
        self.say("");
    }
}
