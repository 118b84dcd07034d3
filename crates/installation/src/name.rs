//! The names that operators give to installations.

use std::fmt;
use std::str::FromStr;

/// The longest name, in bytes: it labels metrics and fills a column of a table.
const MAX_BYTES: usize = 64;

/// An operator's name for an installation: printable, without a blank at its ends, and never mistaken for a public id.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Name(Box<str>);

/// Why a text is no name. `Display` does not repeat the text.
#[derive(Copy, Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum NameError {
    /// It is empty or too long.
    #[error("a name has 1 to 64 bytes")]
    Length,
    /// It could not be told apart from another one on a screen, or would break a line.
    #[error("a name has no control characters and no blanks at its ends")]
    Character,
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
        if text.is_empty() || text.len() > MAX_BYTES {
            return Err(NameError::Length);
        }
        if text.trim() != text || text.chars().any(char::is_control) {
            return Err(NameError::Character);
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
        for name in ["bot", "客服 1", "a/b", &"x".repeat(64)] {
            assert_eq!(name.parse::<Name>().expect(name).as_str(), name);
        }
        for (text, error) in [
            ("", NameError::Length),
            (&"x".repeat(65), NameError::Length),
            (" bot", NameError::Character),
            ("bot\n", NameError::Character),
            ("b\u{7}t", NameError::Character),
            ("ins_1", NameError::LikePublicId),
        ] {
            assert_eq!(text.parse::<Name>(), Err(error), "{text}");
        }
    }

    #[test]
    fn a_row_keeps_a_name_of_an_older_rule() {
        let name = Name::from_row("ins_1 ".to_owned());
        assert_eq!(name.as_str(), "ins_1 ");
    }
}
