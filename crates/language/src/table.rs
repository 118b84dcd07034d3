//! The table: every text in both languages.

use std::collections::HashMap;
use std::fmt;

use crate::template::Template;

/// The table's files: their names and what is in them.
const FILES: &[(&str, &str)] = &[
    ("access", include_str!("../messages/access.toml")),
    ("admin", include_str!("../messages/admin.toml")),
    ("api", include_str!("../messages/api.toml")),
    ("bench", include_str!("../messages/bench.toml")),
    ("consumer", include_str!("../messages/consumer.toml")),
    ("delivery", include_str!("../messages/delivery.toml")),
    ("egress", include_str!("../messages/egress.toml")),
    (
        "endpoint-check",
        include_str!("../messages/endpoint-check.toml"),
    ),
    ("fleet", include_str!("../messages/fleet.toml")),
    (
        "installation",
        include_str!("../messages/installation.toml"),
    ),
    ("janitor", include_str!("../messages/janitor.toml")),
    ("link", include_str!("../messages/link.toml")),
    ("listener", include_str!("../messages/listener.toml")),
    ("longwire", include_str!("../messages/longwire.toml")),
    ("platform", include_str!("../messages/platform.toml")),
    ("relay", include_str!("../messages/relay.toml")),
    ("sim", include_str!("../messages/sim.toml")),
    ("store", include_str!("../messages/store.toml")),
    ("takeover", include_str!("../messages/takeover.toml")),
    ("wire", include_str!("../messages/wire.toml")),
];
/// Words of the operating system and of the command line's parser, which the source does not have.
const OF_OTHERS: &str = include_str!("../messages/others.toml");
/// Headings, keys and states: single words, which are translated only where they are known to be such.
const WORDS: &str = include_str!("../messages/words.toml");

/// A text in both languages.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CatalogEntry {
    /// The crate it is of, `others`, or `words`.
    pub area: &'static str,
    /// The English template.
    pub english: String,
    /// The Chinese template, with the same places.
    pub chinese: String,
}

/// Every text in both languages, to look up and to list.
pub struct Catalog {
    messages: Vec<CatalogEntry>,
    words: HashMap<String, String>,
    plain: HashMap<String, String>,
    /// Those with places; the ones that say most first.
    templates: Vec<Entry>,
}

impl fmt::Debug for Catalog {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Catalog")
            .field("messages", &self.messages.len())
            .finish_non_exhaustive()
    }
}

/// A template with places, in both languages.
pub(crate) struct Entry {
    pub(crate) english: Template,
    pub(crate) chinese: Template,
}

impl Catalog {
    /// Reads the table that is built in. Takes a few milliseconds.
    ///
    /// # Panics
    /// When a file of the table is no TOML of texts, which no build that passed its tests has.
    #[must_use]
    pub fn built_in() -> Self {
        let files = FILES.iter().copied().chain([("others", OF_OTHERS)]);
        let mut messages: Vec<CatalogEntry> = files
            .flat_map(|(area, text)| messages_of(area, text))
            .collect();
        let words = messages_of("words", WORDS);
        let mut plain = HashMap::new();
        let mut templates = Vec::new();
        for message in &messages {
            let english = Template::parse(&message.english);
            let chinese = Template::parse(&message.chinese);
            match (english.names().is_empty(), english.plain(), chinese.plain()) {
                (true, Some(english), Some(chinese)) => {
                    plain.insert(english.to_owned(), chinese.to_owned());
                }
                _ => templates.push(Entry { english, chinese }),
            }
        }
        templates.sort_by_key(|entry: &Entry| {
            std::cmp::Reverse((entry.english.letters(), entry.english.literal_bytes()))
        });
        let by_word = words
            .iter()
            .map(|word| (word.english.clone(), word.chinese.clone()))
            .collect();
        messages.extend(words);
        Self {
            messages,
            words: by_word,
            plain,
            templates,
        }
    }

    /// All texts, by crate.
    #[must_use]
    pub fn messages(&self) -> &[CatalogEntry] {
        &self.messages
    }

    /// The Chinese of a heading, a key or a state.
    #[must_use]
    pub fn word(&self, word: &str) -> Option<&str> {
        self.words.get(word).map(String::as_str)
    }

    /// The Chinese of a text without places.
    pub(crate) fn plain(&self, text: &str) -> Option<&str> {
        self.plain.get(text).map(String::as_str)
    }

    pub(crate) fn templates(&self) -> &[Entry] {
        &self.templates
    }
}

fn messages_of(area: &'static str, text: &str) -> Vec<CatalogEntry> {
    let rows: toml::Table = text
        .parse()
        .unwrap_or_else(|error| panic!("messages/{area}.toml: {error}"));
    let rows = rows.into_iter().map(|(english, chinese)| {
        let toml::Value::String(chinese) = chinese else {
            panic!("messages/{area}.toml: `{english}` has no text");
        };
        CatalogEntry {
            area,
            english,
            chinese,
        }
    });
    rows.collect()
}
