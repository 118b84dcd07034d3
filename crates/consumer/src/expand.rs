//! What of an event is looked up at the platform before an application receives it.

use std::fmt;
use std::str::FromStr;

/// Something that an event has only the id of.
#[derive(Copy, Clone, Debug, PartialEq, Eq, Hash)]
pub enum Expand {
    /// The message that it answers, or the messages of a bundle.
    Quoted,
    /// The name of whoever did it.
    Sender,
}

impl Expand {
    /// All of them.
    pub const ALL: [Self; 2] = [Self::Quoted, Self::Sender];
    /// Their words.
    pub const WORDS: [(&'static str, Self); 2] =
        [("quoted", Self::Quoted), ("sender", Self::Sender)];

    /// The word in definitions and queries.
    #[must_use]
    pub fn label(self) -> &'static str {
        match self {
            Self::Quoted => "quoted",
            Self::Sender => "sender",
        }
    }

    fn bit(self) -> u8 {
        match self {
            Self::Quoted => 1,
            Self::Sender => 2,
        }
    }
}

/// A set of them. Empty by default: nothing is looked up.
#[derive(Copy, Clone, Default, PartialEq, Eq, Hash)]
pub struct Expansions(u8);

impl Expansions {
    /// Nothing.
    pub const NONE: Self = Self(0);

    /// Whether nothing is looked up.
    #[must_use]
    pub fn is_empty(self) -> bool {
        self == Self::NONE
    }

    /// Whether this one is looked up.
    #[must_use]
    pub fn has(self, one: Expand) -> bool {
        self.0 & one.bit() != 0
    }

    /// All of both.
    #[must_use]
    pub fn and(self, other: Self) -> Self {
        Self(self.0 | other.0)
    }

    /// Those in the set.
    pub fn iter(self) -> impl Iterator<Item = Expand> {
        Expand::ALL.into_iter().filter(move |one| self.has(*one))
    }
}

impl FromIterator<Expand> for Expansions {
    fn from_iter<I: IntoIterator<Item = Expand>>(all: I) -> Self {
        Self(all.into_iter().fold(0, |bits, one| bits | one.bit()))
    }
}

impl fmt::Debug for Expansions {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_set().entries(self.iter()).finish()
    }
}

/// A word is none of what can be looked up.
#[derive(Copy, Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("`quoted`, `sender`, or both with a comma between belong here")]
pub struct ExpansionsError;

impl FromStr for Expansions {
    type Err = ExpansionsError;

    /// Words with commas between.
    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let words = text.split(',').map(|word| {
            let found = Expand::WORDS
                .iter()
                .find(|(known, _)| *known == word.trim());
            found.map(|(_, one)| *one).ok_or(ExpansionsError)
        });
        words.collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_and_sets() {
        for (text, expected) in [
            ("quoted", &[Expand::Quoted][..]),
            ("sender", &[Expand::Sender]),
            ("sender, quoted,sender", &[Expand::Quoted, Expand::Sender]),
        ] {
            let set: Expansions = text.parse().expect(text);
            assert_eq!(set.iter().collect::<Vec<_>>(), expected, "{text}");
        }
        for text in ["", "quoted,", "Quoted", "all"] {
            assert_eq!(text.parse::<Expansions>(), Err(ExpansionsError), "{text}");
        }
        let quoted = Expansions::from_iter([Expand::Quoted]);
        assert!(quoted.and(Expansions::NONE).has(Expand::Quoted) && !quoted.has(Expand::Sender));
    }
}
