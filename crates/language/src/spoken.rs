//! The language of this process. It is chosen once, before anything is said.

use std::borrow::Cow;
use std::sync::OnceLock;

use crate::language::Language;
use crate::table::Catalog;

/// `None` speaks English.
static SPOKEN: OnceLock<Option<Catalog>> = OnceLock::new();

/// Chooses the language of this process. The first call counts.
pub fn speak(language: Language) {
    SPOKEN.get_or_init(|| match language {
        Language::English => None,
        Language::Chinese => Some(Catalog::built_in()),
    });
}

fn table() -> Option<&'static Catalog> {
    SPOKEN.get()?.as_ref()
}

/// The language of this process: English until another is chosen.
pub fn spoken() -> Language {
    match table() {
        None => Language::English,
        Some(_) => Language::Chinese,
    }
}

/// A text as it is said to people: an error with its causes, a finding, an advice. What is not known stays as it is.
#[must_use]
pub fn said(text: &str) -> Cow<'_, str> {
    match table().and_then(|table| table.said(text)) {
        None => Cow::Borrowed(text),
        Some(said) => Cow::Owned(said),
    }
}

/// A heading, a key or a state as people read it. Never for what comes from outside: a bot may be called `live`.
#[must_use]
pub fn word(word: &str) -> &str {
    table().and_then(|table| table.word(word)).unwrap_or(word)
}
