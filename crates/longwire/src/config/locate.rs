//! From a place in the file to its key, and back.
//!
//! The parser tells a mistake's place and validation its key; an operator wants both.

use std::ops::Range;
use std::path::Path;

use toml::Spanned;
use toml::de::{DeTable, DeValue};

use super::error::{ConfigError, Mistake};

/// A configuration's text with the place of every key in it.
pub(super) struct Located<'a> {
    file: &'a Path,
    text: &'a str,
    /// Keys in the order of the text: path, place of the key, place of the value.
    keys: Vec<(String, Range<usize>, Range<usize>)>,
}

impl<'a> Located<'a> {
    pub(super) fn new(file: &'a Path, text: &'a str) -> Self {
        let (table, _errors) = DeTable::parse_recoverable(text);
        let mut keys = Vec::new();
        collect(table.get_ref(), "", &mut keys);
        Self { file, text, keys }
    }

    /// What the parser or a section's type refused.
    pub(super) fn syntax(&self, error: &toml::de::Error) -> ConfigError {
        let span = error.span().unwrap_or(0..0);
        // The innermost key around the place; for a missing key that is the table that lacks it.
        let key = self
            .keys
            .iter()
            .filter(|(_, key, value)| holds(key, &span) || holds(value, &span))
            .max_by_key(|(path, ..)| path.len())
            .map_or(String::new(), |(path, ..)| path.clone());
        self.mistake(key, span, error.message().trim_end().to_owned())
    }

    /// What validation found at `key`, underlined where the value stands. `earlier` is the key of what it contradicts.
    pub(super) fn at_key(
        &self,
        key: &str,
        mut message: String,
        earlier: Option<&str>,
    ) -> ConfigError {
        if let Some(earlier) = earlier {
            let line = self.line_of(self.place_of(earlier).start);
            message.push_str(&format!(" (the other one is in line {line})"));
        }
        let span = self.place_of(key);
        self.mistake(key.to_owned(), span, message)
    }

    /// The line that holds this place, counted from 1.
    fn line_of(&self, at: usize) -> usize {
        self.text[..floor(self.text, at)].matches('\n').count() + 1
    }

    /// Where the value of a key stands, or of the nearest key around it.
    fn place_of(&self, key: &str) -> Range<usize> {
        self.keys
            .iter()
            .find(|(path, ..)| path == key)
            .or_else(|| {
                self.keys
                    .iter()
                    .filter(|(path, ..)| key.starts_with(path))
                    .max_by_key(|(path, ..)| path.len())
            })
            .map_or(0..0, |(_, key, value)| {
                if value.is_empty() {
                    key.clone()
                } else {
                    value.clone()
                }
            })
    }

    fn mistake(&self, key: String, span: Range<usize>, message: String) -> ConfigError {
        let start = floor(self.text, span.start);
        let line_start = self.text[..start].rfind('\n').map_or(0, |at| at + 1);
        let line = self.text[line_start..].lines().next().unwrap_or("");
        let line_end = line_start + line.len();
        let end = floor(self.text, span.end).clamp(start, line_end.max(start));
        ConfigError::Mistake(Box::new(Mistake {
            file: self.file.to_owned(),
            line: self.line_of(line_start),
            column: self.text[line_start..start].chars().count() + 1,
            text: (!may_hold_a_secret(line)).then(|| line.replace('\t', " ")),
            width: self.text[start..end].chars().count(),
            key,
            message,
        }))
    }
}

/// Secrets have no place in the file, which is exactly when somebody gets an error about one.
fn may_hold_a_secret(line: &str) -> bool {
    line.contains("secret") || line.contains('@')
}

fn holds(outer: &Range<usize>, inner: &Range<usize>) -> bool {
    outer.start <= inner.start && inner.end <= outer.end && !outer.is_empty()
}

/// The nearest character boundary at or before `at`.
fn floor(text: &str, at: usize) -> usize {
    (0..=at.min(text.len()))
        .rev()
        .find(|&at| text.is_char_boundary(at))
        .unwrap_or(0)
}

fn collect(
    table: &DeTable<'_>,
    prefix: &str,
    keys: &mut Vec<(String, Range<usize>, Range<usize>)>,
) {
    for (key, value) in table.iter() {
        let dot = if prefix.is_empty() { "" } else { "." };
        let path = format!("{prefix}{dot}{}", key.get_ref());
        keys.push((path.clone(), key.span(), value.span()));
        collect_value(value, &path, keys);
    }
}

fn collect_value(
    value: &Spanned<DeValue<'_>>,
    path: &str,
    keys: &mut Vec<(String, Range<usize>, Range<usize>)>,
) {
    match value.get_ref() {
        DeValue::Table(table) => collect(table, path, keys),
        DeValue::Array(array) => {
            for (index, item) in array.iter().enumerate() {
                let path = format!("{path}[{index}]");
                keys.push((path.clone(), item.span(), item.span()));
                collect_value(item, &path, keys);
            }
        }
        _ => {}
    }
}
