//! Texts that need no Chinese, each with its reason.

use std::collections::BTreeSet;

use toml::Table;

/// `messages/unseen.toml`, and which of its entries were needed.
pub(crate) struct Unseen {
    rows: Table,
    used: BTreeSet<(&'static str, String)>,
}

impl Unseen {
    pub(crate) fn read() -> Self {
        let rows = include_str!("../../messages/unseen.toml");
        Self {
            rows: rows.parse().expect("unseen.toml is TOML"),
            used: BTreeSet::new(),
        }
    }

    /// Whether the text needs no Chinese at any of its places.
    pub(crate) fn has_everywhere(&mut self, text: &str, places: &BTreeSet<String>) -> bool {
        // Each place is looked at, so that the entry for it counts as used.
        let seen = places.iter().filter(|place| !self.has(text, place));
        seen.count() == 0
    }

    fn has(&mut self, text: &str, place: &str) -> bool {
        let is_read = self.find("read", |path| place.starts_with(path));
        (!is_read && self.find("files", |path| place.starts_with(path)))
            || self.find("beginnings", |beginning| text.starts_with(beginning))
            || self.find("texts", |known| text == known)
    }

    fn find(&mut self, section: &'static str, is_it: impl Fn(&str) -> bool) -> bool {
        let entries = self.rows[section]
            .as_table()
            .expect("a section has entries");
        let found = entries.keys().find(|entry| is_it(entry)).cloned();
        found
            .map(|entry| self.used.insert((section, entry)))
            .is_some()
    }

    /// Entries that no text needed.
    pub(crate) fn unused(&self) -> Vec<(&str, &str)> {
        let entries = self.rows.iter().flat_map(|(section, entries)| {
            let names = entries.as_table().into_iter().flat_map(Table::keys);
            names.map(move |entry| (section.as_str(), entry.as_str()))
        });
        entries
            .filter(|(section, entry)| {
                !self
                    .used
                    .iter()
                    .any(|used| used == &(*section, (*entry).to_owned()))
            })
            .collect()
    }
}
