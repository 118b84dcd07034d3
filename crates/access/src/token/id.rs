//! The public half of a token: it finds the token's record, and may stand in logs and lists.

use std::fmt;
use std::str::FromStr;

use super::base32;
use crate::serial::as_text;

/// The bytes of an id.
const BYTES: usize = 10;
/// The letters of an id: five bits each, without a rest.
pub(super) const LETTERS: usize = base32::letters(BYTES);

/// The identity of a token: ten random bytes, written as 16 letters.
#[derive(Copy, Clone, Eq, PartialEq, Hash, Ord, PartialOrd)]
pub struct TokenId([u8; BYTES]);

/// The text is no token's id.
#[derive(Clone, Copy, Debug, Eq, PartialEq, thiserror::Error)]
#[error("a token's id is 16 small letters or digits, without i, l, o and u")]
pub struct TokenIdError;

impl TokenId {
    /// The id that a database holds as bytes.
    #[must_use]
    pub fn from_bytes(bytes: [u8; BYTES]) -> Self {
        Self(bytes)
    }

    /// Its bytes, as a database holds them.
    #[must_use]
    pub fn as_bytes(&self) -> &[u8; BYTES] {
        &self.0
    }
}

impl fmt::Display for TokenId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut text = String::with_capacity(LETTERS);
        base32::encode(&self.0, &mut text);
        f.pad(&text)
    }
}

impl fmt::Debug for TokenId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

impl FromStr for TokenId {
    type Err = TokenIdError;

    fn from_str(text: &str) -> Result<Self, TokenIdError> {
        let mut bytes = [0; BYTES];
        base32::decode(text, &mut bytes).ok_or(TokenIdError)?;
        Ok(Self(bytes))
    }
}

as_text!(TokenId);
