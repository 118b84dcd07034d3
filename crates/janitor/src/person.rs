//! The ids of a person, and whether a payload names one.

use std::fmt;
use std::str::FromStr;

/// The most characters of an id.
const LONGEST: usize = 128;

/// An id by which a platform calls a person: `open_id` (`ou_…`), `union_id` (`on_…`) or `user_id` of Feishu and Lark, `userid` of
/// WeCom.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct PersonId(String);

/// A text is not the id of a person.
#[derive(Clone, Debug, Eq, PartialEq, thiserror::Error)]
pub enum PersonIdError {
    /// It is empty.
    #[error("the id of a person is empty")]
    Empty,
    /// It is longer than any.
    #[error("the id of a person has at most {LONGEST} characters")]
    TooLong,
    /// It has a character that no id has.
    #[error("the id of a person has letters, digits and `_-@.` alone, and no `{0}`")]
    Character(char),
}

impl FromStr for PersonId {
    type Err = PersonIdError;

    fn from_str(text: &str) -> Result<Self, PersonIdError> {
        if text.is_empty() {
            return Err(PersonIdError::Empty);
        }
        if text.len() > LONGEST {
            return Err(PersonIdError::TooLong);
        }
        match text.chars().find(|one| !is_of_id(*one)) {
            Some(foreign) => Err(PersonIdError::Character(foreign)),
            None => Ok(Self(text.to_owned())),
        }
    }
}

impl fmt::Display for PersonId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// WeCom: letters, digits and `_-@.`, at most 64; Feishu's ids are a part of these.
fn is_of_id(one: char) -> bool {
    one.is_ascii_alphanumeric() || "_-@.".contains(one)
}

impl PersonId {
    /// The id.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// Whether the id is one that is given to nobody twice, so that it means the person wherever it stands.
    fn is_unmistakable(&self) -> bool {
        ["ou_", "on_"].iter().any(|kind| self.0.starts_with(kind)) && self.0.len() >= 12
    }

    /// Whether an event with this payload and chat names the person.
    ///
    /// Ids of Feishu that begin with `ou_` or `on_` count wherever they stand by themselves. Other ids may be common words, and
    /// count as a whole JSON text only, also one within a text that is JSON itself, as the contents of messages are.
    #[must_use]
    pub fn is_in(&self, payload: &[u8], chat: Option<&str>) -> bool {
        if chat == Some(self.as_str()) {
            return true;
        }
        let id = self.0.as_bytes();
        let mut from = 0;
        while let Some(found) = find(&payload[from..], id) {
            let (begin, end) = (from + found, from + found + id.len());
            let before = begin.checked_sub(1).map(|at| payload[at]);
            let after = payload.get(end).copied();
            let stands = match self.is_unmistakable() {
                true => !before.is_some_and(continues) && !after.is_some_and(continues),
                false => before == Some(b'"') && matches!(after, Some(b'"' | b'\\')),
            };
            if stands {
                return true;
            }
            from = begin + 1;
        }
        false
    }
}

/// Whether a character next to an id makes it a part of a longer one. A full stop may end a sentence.
fn continues(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || byte == b'_'
}

fn find(text: &[u8], part: &[u8]) -> Option<usize> {
    let first = *part.first()?;
    let last = text.len().checked_sub(part.len())?;
    let mut from = 0;
    while from <= last {
        let at = from + text[from..=last].iter().position(|byte| *byte == first)?;
        if text[at..].starts_with(part) {
            return Some(at);
        }
        from = at + 1;
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    fn person(text: &str) -> PersonId {
        text.parse().expect("an id")
    }

    #[test]
    fn an_open_id_counts_wherever_it_stands_by_itself() {
        let id = person("ou_7d8a6e6df7621556ce0d21922b676706");
        for named in [
            r#"{"sender":{"open_id":"ou_7d8a6e6df7621556ce0d21922b676706"}}"#,
            r#"{"content":"{\"text\":\"<at user_id=\\\"ou_7d8a6e6df7621556ce0d21922b676706\\\">\"}"}"#,
            "https://host/ou_7d8a6e6df7621556ce0d21922b676706?x",
            "ou_7d8a6e6df7621556ce0d21922b676706",
        ] {
            assert!(id.is_in(named.as_bytes(), None), "{named}");
        }
        for other in [
            r#"{"open_id":"ou_7d8a6e6df7621556ce0d21922b6767061"}"#,
            r#"{"open_id":"xou_7d8a6e6df7621556ce0d21922b676706"}"#,
            "",
            "ou_",
        ] {
            assert!(!id.is_in(other.as_bytes(), None), "{other}");
        }
    }

    #[test]
    fn a_common_word_counts_as_a_whole_text_only() {
        let id = person("zhangsan");
        assert!(id.is_in(br#"{"from":{"userid":"zhangsan"}}"#, None));
        assert!(id.is_in(br#"{"content":"{\"userid\":\"zhangsan\"}"}"#, None));
        assert!(id.is_in(b"{}", Some("zhangsan")), "the chat is theirs");
        assert!(!id.is_in(br#"{"text":{"content":"ask zhangsan, please"}}"#, None));
        assert!(!id.is_in(br#"{"userid":"zhangsan2"}"#, None));
        assert!(id.is_in(br#"{"a":"zhangsan2","b":"zhangsan"}"#, None));
    }

    #[test]
    fn what_is_no_id_is_refused() {
        let refused = |text: &str| text.parse::<PersonId>().expect_err("refused");
        assert_eq!(refused(""), PersonIdError::Empty);
        assert_eq!(refused("a b"), PersonIdError::Character(' '));
        assert_eq!(refused("%"), PersonIdError::Character('%'));
        assert_eq!(refused(&"a".repeat(129)), PersonIdError::TooLong);
    }
}
