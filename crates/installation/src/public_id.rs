//! The name of an installation that outlives its row: `ins_` and 26 letters.
//!
//! A UUID version 7 (RFC 9562), so ids sort by the time they were made, written in Crockford's
//! base 32: no letters that look like digits, and one canonical spelling.

use std::fmt;
use std::str::FromStr;

use uuid::Uuid;

use crate::base32;

const PREFIX: &str = "ins_";

/// The public form of an installation's identity.
#[derive(Copy, Clone, Eq, PartialEq, Hash, Ord, PartialOrd)]
pub struct PublicId(Uuid);

impl PublicId {
    /// The id of a new installation. `uuid` is of version 7: whoever adds the installation has the clock.
    #[must_use]
    pub fn new(uuid: Uuid) -> Self {
        Self(uuid)
    }

    /// The id that a database holds as bytes.
    #[must_use]
    pub fn from_bytes(bytes: [u8; 16]) -> Self {
        Self(Uuid::from_bytes(bytes))
    }

    /// Its bytes, as a database holds them.
    #[must_use]
    pub fn as_bytes(&self) -> &[u8; 16] {
        self.0.as_bytes()
    }
}

impl fmt::Display for PublicId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(PREFIX)?;
        base32::encode(self.0.as_u128())
            .iter()
            .try_for_each(|&letter| fmt::Write::write_char(f, letter as char))
    }
}

impl fmt::Debug for PublicId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

/// The text is not an installation's public id.
#[derive(Clone, Copy, Debug, Eq, PartialEq, thiserror::Error)]
#[error("an installation id is `ins_` and 26 letters or digits")]
pub struct PublicIdError;

impl FromStr for PublicId {
    type Err = PublicIdError;

    fn from_str(text: &str) -> Result<Self, PublicIdError> {
        let letters = text.strip_prefix(PREFIX).ok_or(PublicIdError)?;
        let number = base32::decode(letters).ok_or(PublicIdError)?;
        Ok(Self(Uuid::from_u128(number)))
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn newer_ids_sort_later_as_text() {
        let older = PublicId::new(Uuid::now_v7());
        let newer = PublicId::new(Uuid::now_v7());
        assert!(older.to_string() < newer.to_string());
    }

    #[test]
    fn what_is_no_id_is_refused() {
        let longest = format!("ins_{}", "z".repeat(26));
        let foreign = format!("ins_{}u", "0".repeat(25));
        for text in [
            "",
            "ins_",
            "evt_00000000000000000000000000",
            &longest,
            &foreign,
        ] {
            assert_eq!(text.parse::<PublicId>(), Err(PublicIdError), "{text}");
        }
    }

    proptest! {
        #[test]
        fn text_and_bytes_are_one(bytes: [u8; 16]) {
            let id = PublicId::from_bytes(bytes);
            let text = id.to_string();
            prop_assert_eq!(text.len(), 30);
            prop_assert_eq!(text.parse::<PublicId>(), Ok(id));
            prop_assert_eq!(text.to_uppercase().replace("INS_", "ins_").parse::<PublicId>(), Ok(id));
        }
    }
}
