//! What the gateway said: its standard output and error in one file, one JSON object a line.

use std::path::{Path, PathBuf};

use serde_json::Value;

/// Lines shown when a story fails.
const TAIL: usize = 60;

/// The log of one gateway, restarts included.
#[derive(Clone, Debug)]
pub struct Log {
    path: PathBuf,
}

impl Log {
    pub(crate) fn at(path: PathBuf) -> Self {
        Self { path }
    }

    pub(crate) fn path(&self) -> &Path {
        &self.path
    }

    /// Everything so far.
    #[must_use]
    pub fn text(&self) -> String {
        // A gateway that has not begun has said nothing.
        std::fs::read(&self.path).map_or_else(
            |_| String::new(),
            |bytes| String::from_utf8_lossy(&bytes).into_owned(),
        )
    }

    /// The entries so far; lines that are no JSON, such as a panic's text, are not among them.
    #[must_use]
    pub fn entries(&self) -> Vec<Value> {
        let text = self.text();
        text.lines()
            .filter_map(|line| serde_json::from_str(line).ok())
            .collect()
    }

    /// The first entry whose message contains `words`.
    #[must_use]
    pub fn entry(&self, words: &str) -> Option<Value> {
        self.entries()
            .into_iter()
            .find(|entry| message(entry).contains(words))
    }

    /// Lines that ask for somebody to act: of level `error`, or no log entry at all.
    pub(crate) fn alarms(&self) -> Vec<String> {
        let text = self.text();
        let is_alarm = |line: &&str| match serde_json::from_str::<Value>(line) {
            Ok(entry) => entry["level"] == "ERROR",
            Err(_) => true,
        };
        let lines = text.lines().filter(|line| !line.trim().is_empty());
        lines.filter(is_alarm).map(str::to_owned).collect()
    }

    /// The last lines, for whoever looks into a failure.
    #[must_use]
    pub fn tail(&self) -> String {
        let text = self.text();
        let lines: Vec<&str> = text.lines().collect();
        lines[lines.len().saturating_sub(TAIL)..].join("\n")
    }
}

fn message(entry: &Value) -> &str {
    entry["message"].as_str().unwrap_or_default()
}
