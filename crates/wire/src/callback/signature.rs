//! Checks the signature of a request.
//!
//! Both kinds are plain hashes over the same parts, each with a secret of its own: SHA-256 with the encrypt key, and SHA-1
//! with the verification token for the old cards.

use sha1::Sha1;
use sha2::{Digest, Sha256};
use subtle::ConstantTimeEq as _;

use super::{CallbackHeaders, CallbackRefusal};

/// What a signature is made of, and the signature that came.
pub(super) struct Signed<'a> {
    timestamp: &'a [u8],
    nonce: &'a [u8],
    body: &'a [u8],
    signature: &'a [u8],
}

impl<'a> Signed<'a> {
    /// A signature needs all three headers. A timestamp is hashed as it came, whatever its form.
    pub(super) fn of(
        headers: &CallbackHeaders<'a>,
        body: &'a [u8],
    ) -> Result<Signed<'a>, CallbackRefusal> {
        let missing = || CallbackRefusal::SignatureMissing;
        Ok(Signed {
            timestamp: headers.timestamp.ok_or_else(missing)?,
            nonce: headers.nonce.ok_or_else(missing)?,
            body,
            signature: headers.signature.ok_or_else(missing)?,
        })
    }

    /// Whether it was made with this encrypt key, as that of an event or a new card.
    pub(super) fn is_by_key(&self, encrypt_key: &str) -> bool {
        self.is_by::<Sha256>(encrypt_key)
    }

    /// Whether it was made with this verification token, as that of an old card.
    pub(super) fn is_by_token(&self, verification_token: &str) -> bool {
        self.is_by::<Sha1>(verification_token)
    }

    fn is_by<Hash: Digest>(&self, secret: &str) -> bool {
        let mut hash = Hash::new();
        for part in [self.timestamp, self.nonce, secret.as_bytes(), self.body] {
            hash.update(part);
        }
        let digits = |byte: &u8| {
            [
                DIGITS[usize::from(byte >> 4)],
                DIGITS[usize::from(byte & 15)],
            ]
        };
        let mut expected = [0; MAX_DIGITS];
        let digest = hash.finalize();
        let expected = &mut expected[..2 * digest.len()];
        for (place, byte) in expected.chunks_exact_mut(2).zip(digest.iter()) {
            place.copy_from_slice(&digits(byte));
        }
        are_equal(self.signature, expected)
    }
}

const DIGITS: &[u8; 16] = b"0123456789abcdef";

/// Those of SHA-256, the longer of the two.
const MAX_DIGITS: usize = 64;

/// Compares in a time that tells nothing of the contents; the length is no secret.
pub(super) fn are_equal(one: &[u8], other: &[u8]) -> bool {
    one.ct_eq(other).into()
}
