//! The text of a token, as its holder has it: `lw_<id>_<secret><check>`.
//!
//! ```text
//! lw_  16 letters  _  52 letters      6 letters
//!      the id         32 random bytes  the first 30 bits of the SHA-256 of all before
//! ```
//! The check letters find a typing error without a look at the database, and let scanners of public repositories tell a
//! token from other texts.

use std::fmt;
use std::str::FromStr;

use secrecy::{ExposeSecret as _, SecretString};
use sha2::{Digest as _, Sha256};
use zeroize::Zeroizing;

use super::base32;
use super::digest::TokenDigest;
use super::id::{self, TokenId};

const PREFIX: &str = "lw_";
/// 256 bits: nobody guesses them.
const SECRET_BYTES: usize = 32;
const SECRET_LETTERS: usize = base32::letters(SECRET_BYTES);
/// 30 bits: one typing error in a thousand million is not found.
const CHECK_LETTERS: usize = 6;
/// All of it.
const LETTERS: usize = PREFIX.len() + id::LETTERS + 1 + SECRET_LETTERS + CHECK_LETTERS;
/// The random bytes of a new token: ten of its id, and those of its secret.
pub const RANDOM_BYTES: usize = 10 + SECRET_BYTES;

/// The text of a token. It is wiped when dropped and cannot be printed: `Debug` shows the id alone.
pub struct TokenText {
    id: TokenId,
    text: SecretString,
}

/// Why a text is no token. `Display` does not repeat the text.
#[derive(Clone, Copy, Debug, Eq, PartialEq, thiserror::Error)]
pub enum TokenTextError {
    /// It has another form.
    #[error("a token is `lw_`, 16 letters or digits, `_`, and 58 more; this text has another form")]
    Form,
    /// A letter is wrong.
    #[error("the token has a typing error: its last letters do not fit the others")]
    Check,
}

impl TokenText {
    /// A new token of these random bytes, which come from the operating system.
    #[must_use]
    pub fn new(random: &[u8; RANDOM_BYTES]) -> Self {
        let (id, secret) = random.split_at(RANDOM_BYTES - SECRET_BYTES);
        let id = TokenId::from_bytes(id.try_into().expect("ten bytes are before the secret"));
        // As long as it becomes, so that no copy of it is left behind.
        let mut text = Zeroizing::new(String::with_capacity(LETTERS));
        text.push_str(PREFIX);
        base32::encode(id.as_bytes(), &mut text);
        text.push('_');
        base32::encode(secret, &mut text);
        let check = check(&text);
        text.extend(check);
        Self {
            id,
            text: SecretString::from(std::mem::take(&mut *text)),
        }
    }

    /// Its public half.
    #[must_use]
    pub fn id(&self) -> TokenId {
        self.id
    }

    /// What is kept of it.
    #[must_use]
    pub fn digest(&self) -> TokenDigest {
        TokenDigest::of(self.expose())
    }

    /// The text itself: for its holder, for a request's header, and for the file that keeps the first token.
    #[must_use]
    pub fn expose(&self) -> &str {
        self.text.expose_secret()
    }
}

/// The check letters of what stands before them.
fn check(before: &str) -> [char; CHECK_LETTERS] {
    let hash = Sha256::digest(before.as_bytes());
    let bits = u32::from_be_bytes([hash[0], hash[1], hash[2], hash[3]]) >> 2;
    std::array::from_fn(|at| base32::letter(bits >> (5 * (CHECK_LETTERS - 1 - at))))
}

impl FromStr for TokenText {
    type Err = TokenTextError;

    fn from_str(text: &str) -> Result<Self, TokenTextError> {
        // All letters are ASCII, so no cut below goes through one.
        if text.len() != LETTERS || !text.is_ascii() {
            return Err(TokenTextError::Form);
        }
        let (before, last) = text.split_at(LETTERS - CHECK_LETTERS);
        let rest = before.strip_prefix(PREFIX).ok_or(TokenTextError::Form)?;
        let (id, secret) = rest.split_once('_').ok_or(TokenTextError::Form)?;
        let id: TokenId = id.parse().map_err(|_| TokenTextError::Form)?;
        let mut bytes = Zeroizing::new([0_u8; SECRET_BYTES]);
        base32::decode(secret, &mut *bytes).ok_or(TokenTextError::Form)?;
        if !last.chars().eq(check(before)) {
            return Err(TokenTextError::Check);
        }
        Ok(Self {
            id,
            text: SecretString::from(text),
        })
    }
}

impl fmt::Debug for TokenText {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{PREFIX}{}_…", self.id)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn the_form_is_fixed() {
        let token = TokenText::new(&[0; RANDOM_BYTES]);
        let zeros = format!("lw_{}_{}", "0".repeat(16), "0".repeat(52));
        let (before, last) = token.expose().split_at(72);
        assert_eq!(before, zeros);
        assert_eq!(last.len(), 6);
        assert_eq!(token.expose().len(), 78);
        assert_eq!(format!("{token:?}"), format!("lw_{}_…", "0".repeat(16)));
    }

    #[test]
    fn what_is_no_token_is_refused() {
        let token = TokenText::new(&[7; RANDOM_BYTES]);
        let text = token.expose();
        for (wrong, error) in [
            (String::new(), TokenTextError::Form),
            (text[..77].to_owned(), TokenTextError::Form),
            (format!("{text}0"), TokenTextError::Form),
            (text.to_uppercase(), TokenTextError::Form),
            (text.replace("lw_", "lv_"), TokenTextError::Form),
            ("ü".repeat(39), TokenTextError::Form),
            ("0".repeat(78), TokenTextError::Form),
        ] {
            assert_eq!(wrong.parse::<TokenText>().err(), Some(error), "{wrong}");
        }
    }

    proptest! {
        #[test]
        fn text_and_token_are_one(random in proptest::array::uniform32(any::<u8>())) {
            let mut bytes = [0; RANDOM_BYTES];
            bytes[..32].copy_from_slice(&random);
            bytes[32..].copy_from_slice(&random[..10]);
            let token = TokenText::new(&bytes);
            let read: TokenText = token.expose().parse().expect("a token");
            prop_assert_eq!(read.id(), token.id());
            prop_assert!(read.digest().matches(&token.digest()));
            let shown = format!("{:?}", read);
            prop_assert!(!shown.contains(&token.expose()[20..]));
        }

        #[test]
        fn a_wrong_letter_is_found(at in 3_usize..78, letter in "[0-9a-hjkmnp-tv-z_]") {
            let token = TokenText::new(&[0x5a; RANDOM_BYTES]);
            let mut text = token.expose().to_owned();
            text.replace_range(at..=at, &letter);
            prop_assert_eq!(text.parse::<TokenText>().is_ok(), text == token.expose());
        }
    }
}
