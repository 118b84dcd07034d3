//! What is kept of a token's text: its SHA-256.
//!
//! A token has 256 random bits, so a fast hash is enough: nobody can try them all.

use sha2::{Digest as _, Sha256};
use subtle::{Choice, ConstantTimeEq as _};

/// The bytes of a digest.
const BYTES: usize = 32;

/// The SHA-256 of a token's whole text. It has no `==`: [`matches`](Self::matches) compares in constant time.
#[derive(Clone)]
pub struct TokenDigest([u8; BYTES]);

impl TokenDigest {
    /// The digest that a database holds as bytes.
    #[must_use]
    pub fn from_bytes(bytes: [u8; BYTES]) -> Self {
        Self(bytes)
    }

    /// Its bytes, as a database holds them.
    #[must_use]
    pub fn as_bytes(&self) -> &[u8; BYTES] {
        &self.0
    }

    /// The digest of this text.
    pub(super) fn of(text: &str) -> Self {
        Self(Sha256::digest(text.as_bytes()).into())
    }

    /// Whether both are one, in a time that does not depend on where they differ.
    #[must_use]
    pub fn matches(&self, other: &Self) -> bool {
        self.compare(other).into()
    }

    fn compare(&self, other: &Self) -> Choice {
        self.0.ct_eq(&other.0)
    }
}

impl std::fmt::Debug for TokenDigest {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("TokenDigest")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn digests_are_compared_whole_and_in_constant_time() {
        let digest = TokenDigest::of("a");
        // `Choice` is what `subtle` returns: a comparison with `==` does not compile here.
        let same: Choice = digest.compare(&TokenDigest::of("a"));
        assert!(bool::from(same));
        for at in 0..BYTES {
            let mut bytes = *digest.as_bytes();
            bytes[at] ^= 1;
            assert!(!digest.matches(&TokenDigest::from_bytes(bytes)), "{at}");
        }
    }
}
