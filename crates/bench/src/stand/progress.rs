//! How far a run is: one line on standard error, renewed in place on a terminal and not written elsewhere.

use std::cell::RefCell;
use std::io::IsTerminal as _;

/// The line. Dropping it takes it away.
pub(crate) struct ProgressLine {
    on: bool,
    /// What the whole run is at.
    text: RefCell<String>,
}

impl ProgressLine {
    pub(crate) fn new() -> Self {
        Self {
            on: std::io::stderr().is_terminal(),
            text: RefCell::default(),
        }
    }

    /// What is being done.
    pub(crate) fn say(&self, text: &str) {
        self.text.replace(text.to_owned());
        self.write(text);
    }

    /// A detail of it, beside what was said last.
    pub(crate) fn add(&self, detail: &str) {
        let text = self.text.borrow();
        self.write(&format!("{text}; {detail}"));
    }

    fn write(&self, text: &str) {
        if self.on {
            longwire_terminal::stderr::write(format!("\r\x1b[?7l{text}\x1b[K\x1b[?7h").as_bytes());
        }
    }
}

impl Drop for ProgressLine {
    fn drop(&mut self) {
        self.say("");
    }
}
