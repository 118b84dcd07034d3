//! One secret of a webhook: its text form, and the signature it makes.

use std::fmt;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use hmac::{Hmac, KeyInit as _, Mac as _};
use sha2::Sha256;
use zeroize::Zeroizing;

use super::VERSION;

/// What the text of a secret begins with.
const PREFIX: &str = "whsec_";

/// The fewest and the most bytes of a key (Standard Webhooks, "Symmetric signatures").
const KEY_BYTES: std::ops::RangeInclusive<usize> = 24..=64;

/// A symmetric secret of a webhook: 24 to 64 bytes, written as `whsec_` and base64. It cannot be printed.
#[derive(Clone)]
pub struct WebhookSecret {
    key: Zeroizing<Vec<u8>>,
    /// The state after the key, so that a signature does not begin with the key again.
    keyed: Hmac<Sha256>,
}

/// Why a text is no secret of a webhook. The error never holds the text.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum WebhookSecretError {
    /// It does not begin with `whsec_`.
    #[error("a webhook secret begins with `whsec_`")]
    Prefix,
    /// What follows `whsec_` is not base64.
    #[error("what follows `whsec_` is not base64")]
    Base64,
    /// The key is too short or too long.
    #[error("the key of a webhook secret has from 24 to 64 bytes, not {bytes}")]
    Length {
        /// Its length in bytes.
        bytes: usize,
    },
}

impl WebhookSecret {
    /// Makes a secret of 32 random bytes, which the caller takes from the system's source of randomness.
    #[must_use]
    pub fn generate(random: [u8; 32]) -> Self {
        Self::of_key(Zeroizing::new(random.to_vec()))
    }

    /// Reads the text form. Blanks around it are ignored.
    pub fn parse(text: &str) -> Result<Self, WebhookSecretError> {
        let encoded = text.trim().strip_prefix(PREFIX);
        let encoded = encoded.ok_or(WebhookSecretError::Prefix)?;
        let key = STANDARD.decode(encoded);
        let key = Zeroizing::new(key.map_err(|_| WebhookSecretError::Base64)?);
        if !KEY_BYTES.contains(&key.len()) {
            return Err(WebhookSecretError::Length { bytes: key.len() });
        }
        Ok(Self::of_key(key))
    }

    /// The text form, to be shown to the owner of the webhook once and to be kept sealed.
    #[must_use]
    pub fn expose(&self) -> Zeroizing<String> {
        let mut text = Zeroizing::new(String::with_capacity(PREFIX.len() + 88));
        text.push_str(PREFIX);
        STANDARD.encode_string(&*self.key, &mut text);
        text
    }

    fn of_key(key: Zeroizing<Vec<u8>>) -> Self {
        let keyed = Hmac::new_from_slice(&key).expect("HMAC takes a key of any length");
        Self { key, keyed }
    }

    /// The HMAC of `id.timestamp.body`. The body comes in parts, which are not copied.
    fn mac(&self, id: &str, timestamp: &str, body: &[&[u8]]) -> Hmac<Sha256> {
        let mut mac = self.keyed.clone();
        for part in [id, ".", timestamp, "."] {
            mac.update(part.as_bytes());
        }
        for part in body {
            mac.update(part);
        }
        mac
    }

    /// Appends `v1,<base64>` to `out`.
    pub(super) fn sign(&self, id: &str, timestamp: &str, body: &[&[u8]], out: &mut String) {
        let signature = self.mac(id, timestamp, body).finalize().into_bytes();
        out.push_str(VERSION);
        out.push(',');
        STANDARD.encode_string(signature, out);
    }

    /// Whether `signature` is right, compared in constant time.
    pub(super) fn made(&self, id: &str, timestamp: &str, body: &[&[u8]], signature: &[u8]) -> bool {
        let mac = self.mac(id, timestamp, body);
        mac.verify_slice(signature).is_ok()
    }
}

impl fmt::Debug for WebhookSecret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("WebhookSecret(…)")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_text_form_goes_both_ways() {
        let secret = WebhookSecret::generate([7; 32]);
        let text = secret.expose();
        assert!(text.starts_with(PREFIX));
        let read = WebhookSecret::parse(&format!(" {}\n", *text)).expect("our own text");
        assert_eq!(*read.key, *secret.key);
        assert_eq!(*read.expose(), *text);
    }

    #[test]
    fn what_is_no_secret() {
        let of_bytes = |bytes: usize| format!("whsec_{}", STANDARD.encode(vec![1; bytes]));
        for (text, expected) in [
            (String::new(), WebhookSecretError::Prefix),
            ("MfKQ9r8G".to_owned(), WebhookSecretError::Prefix),
            ("whsec_MfKQ9r8G!".to_owned(), WebhookSecretError::Base64),
            (of_bytes(23), WebhookSecretError::Length { bytes: 23 }),
            (of_bytes(65), WebhookSecretError::Length { bytes: 65 }),
        ] {
            let refused = WebhookSecret::parse(&text);
            assert_eq!(refused.expect_err("no secret"), expected);
        }
        for bytes in [24, 64] {
            WebhookSecret::parse(&of_bytes(bytes)).expect("a secret");
        }
    }

    #[test]
    fn a_secret_is_not_printed() {
        let secret = WebhookSecret::generate(*b"canary-canary-canary-canary-0123");
        let printed = format!("{secret:?}");
        assert!(!printed.contains("canary"));
        assert!(!printed.contains(&secret.expose()[PREFIX.len()..]));
    }
}
