//! Reads the gateway's log: its standard output and error in one file, one entry per line, as JSON or as text.

use std::path::{Path, PathBuf};

use serde_json::Value;

/// Number of lines shown when a story fails.
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

    /// The whole text so far.
    #[must_use]
    pub fn text(&self) -> String {
        // Before the gateway starts there is no file.
        std::fs::read(&self.path).map_or_else(
            |_| String::new(),
            |bytes| String::from_utf8_lossy(&bytes).into_owned(),
        )
    }

    /// The entries so far, without other lines such as the text of a panic.
    #[must_use]
    pub fn entries(&self) -> Vec<Value> {
        self.text().lines().filter_map(entry).collect()
    }

    /// The first entry whose message contains `words`.
    #[must_use]
    pub fn entry(&self, words: &str) -> Option<Value> {
        self.entries()
            .into_iter()
            .find(|entry| message(entry).contains(words))
    }

    /// The lines of level `error`, and the lines that are not log entries.
    pub(crate) fn alarms(&self) -> Vec<String> {
        let text = self.text();
        let is_alarm = |line: &&str| entry(line).is_none_or(|entry| entry["level"] == "ERROR");
        let lines = text.lines().filter(|line| !line.trim().is_empty());
        lines.filter(is_alarm).map(str::to_owned).collect()
    }

    /// The last lines, for the report of a failure.
    #[must_use]
    pub fn tail(&self) -> String {
        let text = self.text();
        let lines: Vec<&str> = text.lines().collect();
        lines[lines.len().saturating_sub(TAIL)..].join("\n")
    }
}

/// Reads a line as an entry: a JSON object, or the text form `time LEVEL message key=value …` with the same members.
fn entry(line: &str) -> Option<Value> {
    const LEVELS: [&str; 5] = ["ERROR", "WARN", "INFO", "DEBUG", "TRACE"];
    if line.starts_with('{') {
        return serde_json::from_str(line).ok();
    }
    let (timestamp, rest) = line.split_once('Z')?;
    timestamp.contains('T').then_some(())?;
    let (level, message) = rest.trim_start().split_once(' ')?;
    LEVELS.contains(&level).then_some(())?;
    let mut entry = serde_json::Map::new();
    for (key, value) in message.split(' ').filter_map(|word| word.split_once('=')) {
        entry.insert(key.to_owned(), value.trim_matches('"').into());
    }
    entry.insert("level".to_owned(), level.into());
    entry.insert("message".to_owned(), message.into());
    Some(Value::Object(entry))
}

fn message(entry: &Value) -> &str {
    entry["message"].as_str().unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn both_forms_are_read() {
        for line in [
            r#"{"level":"INFO","message":"serving","api":"127.0.0.1:1"}"#,
            "2026-01-01T00:00:00.000000Z  INFO serving api=127.0.0.1:1",
        ] {
            let entry = entry(line).expect("an entry");
            assert_eq!(entry["level"], "INFO");
            assert_eq!(entry["api"], "127.0.0.1:1");
            assert!(message(&entry).starts_with("serving"));
        }
        for line in ["", "thread 'main' panicked at Z:", "Zero INFO"] {
            assert!(entry(line).is_none(), "{line}");
        }
    }
}
