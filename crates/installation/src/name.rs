//! The names that operators give to installations, consumers, tokens and spaces.
//!
//! A name is read by people in tables, logs and messages, and typed again. So two names that look alike on a screen are not
//! two names: what nobody sees is refused, and a letter with a mark on it is written in one way (Unicode's composed form,
//! NFC), which is the way that keyboards write it. Names are compared as they are written; capitals count.

use std::fmt;
use std::str::FromStr;

use icu_normalizer::ComposingNormalizerBorrowed;

use crate::StrayCharacter;

/// The longest name, in characters: it labels metrics and fills a column of a table.
const MAX_CHARACTERS: usize = 64;

/// An operator's name for something: visible, without a blank at its ends, and never mistaken for a public id.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Name(Box<str>);

/// Why a text is no name. `Display` does not repeat the text.
#[derive(Copy, Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum NameError {
    /// It is empty or too long.
    #[error("a name has 1 to 64 characters")]
    Length,
    /// It could not be told apart from another one on a screen, or would break a line.
    #[error("a name {0}")]
    Character(StrayCharacter),
    /// It could not be told apart from the one without the blank.
    #[error("a name has no blanks at its ends")]
    Blank,
    /// The same letters can be written in two ways, and this is the other one.
    #[error("a name is written in Unicode's composed form (NFC): type it anew")]
    NotComposed,
    /// In a URL it would mean a directory.
    #[error("`.` and `..` are no names")]
    Dots,
    /// It begins as a [`PublicId`](crate::PublicId) does.
    #[error("`ins_` begins an installation's id, not its name")]
    LikePublicId,
}

impl Name {
    /// The name in a row of a database. It was checked when it was written, by the rule of that version, and an
    /// installation keeps its name when the rule changes. For everything that comes from outside there is `parse`.
    #[must_use]
    pub fn from_row(text: String) -> Self {
        Self(text.into())
    }

    /// As text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl FromStr for Name {
    type Err = NameError;

    fn from_str(text: &str) -> Result<Self, NameError> {
        if text.is_empty() || text.chars().count() > MAX_CHARACTERS {
            return Err(NameError::Length);
        }
        if let Some(stray) = StrayCharacter::in_name(text) {
            return Err(NameError::Character(stray));
        }
        if text.trim() != text {
            return Err(NameError::Blank);
        }
        if matches!(text, "." | "..") {
            return Err(NameError::Dots);
        }
        if !ComposingNormalizerBorrowed::new_nfc().is_normalized(text) {
            return Err(NameError::NotComposed);
        }
        if text.starts_with("ins_") {
            return Err(NameError::LikePublicId);
        }
        Ok(Self(text.into()))
    }
}

impl fmt::Display for Name {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(&self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names() {
        let long = "客".repeat(64);
        for name in [
            "bot",
            "客服 1",
            "客服\u{3000}2",
            "a/b",
            "é",
            "Zoë",
            "🤖",
            "❤\u{fe0f}",
            "👩\u{200d}💻",
            "bot \"a\"",
            "...",
            &long,
        ] {
            assert_eq!(name.parse::<Name>().expect(name).as_str(), name);
        }
        for (text, error) in [
            ("", NameError::Length),
            (&"x".repeat(65), NameError::Length),
            (&"客".repeat(65), NameError::Length),
            (" bot", NameError::Blank),
            ("bot\u{3000}", NameError::Blank),
            (".", NameError::Dots),
            ("..", NameError::Dots),
            ("e\u{301}", NameError::NotComposed),
            ("ins_1", NameError::LikePublicId),
        ] {
            assert_eq!(text.parse::<Name>(), Err(error), "{text}");
        }
    }

    /// Control characters, blanks that look like another one, and whatever is shown by nothing or turns the reading
    /// direction around.
    #[test]
    fn what_nobody_sees_is_no_part_of_a_name() {
        for hidden in [
            '\n',
            '\0',
            '\u{7}',
            '\u{1b}',
            '\u{9b}',
            '\u{a0}',
            '\u{ad}',
            '\u{61c}',
            '\u{180e}',
            '\u{2003}',
            '\u{200b}',
            '\u{200c}',
            '\u{200d}',
            '\u{200e}',
            '\u{200f}',
            '\u{2028}',
            '\u{202a}',
            '\u{202e}',
            '\u{2060}',
            '\u{2066}',
            '\u{2069}',
            '\u{2800}',
            '\u{3164}',
            '\u{fe0f}',
            '\u{feff}',
            '\u{fffd}',
            '\u{ffa0}',
            '\u{e0041}',
        ] {
            for text in [
                format!("b{hidden}t"),
                format!("客{hidden}服"),
                format!("bot{hidden}"),
            ] {
                let told = text.parse::<Name>().expect_err("nobody sees it");
                assert!(matches!(told, NameError::Character(_)), "{text:?}: {told}");
            }
        }
        let told = "bo\u{202e}t"
            .parse::<Name>()
            .expect_err("it turns")
            .to_string();
        assert_eq!(
            told,
            "a name contains U+202E RIGHT-TO-LEFT OVERRIDE at position 3"
        );
    }

    #[test]
    fn a_row_keeps_a_name_of_an_older_rule() {
        let name = Name::from_row("ins_1 ".to_owned());
        assert_eq!(name.as_str(), "ins_1 ");
    }
}
