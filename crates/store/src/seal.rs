//! Secrets at rest: sealed before they reach a row, opened when they are used.
//!
//! A sealed secret is `v1.<key id>.<base64url(nonce ‖ ciphertext)>`: XChaCha20-Poly1305 with a
//! random nonce, under a key derived from one of the ring's roots for one purpose. Table, row and
//! column are associated data, so a ciphertext moved to another row does not open.

mod ring;
mod sealing_keys;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use chacha20poly1305::aead::{Aead, KeyInit, Payload};
use chacha20poly1305::{XChaCha20Poly1305, XNonce};
use rand::TryRngCore;
use secrecy::{ExposeSecret, SecretString};
use sha2::Sha256;
use zeroize::Zeroizing;

pub(crate) use ring::KeyRing;
pub use ring::KeyRingError;
use ring::RootKey;
pub(crate) use sealing_keys::SealingKeys;

const VERSION: &str = "v1";
/// XChaCha20's nonce: long enough to be random for ever.
const NONCE_BYTES: usize = 24;
/// Separates the keys of one root by what they seal.
const PURPOSE: &[u8] = b"longwire/installation";

/// A sealed secret could not be opened, or a secret not be sealed.
#[derive(Clone, Debug, Eq, PartialEq, thiserror::Error)]
pub enum SealError {
    /// The text does not have the form of a sealed secret.
    #[error("the sealed secret has an unknown form")]
    Malformed,
    /// None of the keys we have sealed it.
    #[error("the sealed secret needs key {key_id}, which is not in the key file")]
    UnknownKey {
        /// The key it was sealed with.
        key_id: String,
    },
    /// It was altered, or belongs to another row.
    #[error("the sealed secret was altered, or moved from another row")]
    Altered,
    /// The operating system gave no random bytes.
    #[error("the operating system gives no random bytes")]
    NoRandomness,
}

/// Where a sealed secret lies.
#[derive(Copy, Clone, Debug)]
pub(crate) struct Place<'a> {
    pub(crate) table: &'a str,
    pub(crate) row: &'a [u8],
    pub(crate) column: &'a str,
}

impl Place<'_> {
    /// Each part after its length, so that no two places read the same.
    fn associated_data(&self, key_id: &str) -> Vec<u8> {
        let mut data = Vec::new();
        for part in [
            self.table.as_bytes(),
            self.row,
            self.column.as_bytes(),
            key_id.as_bytes(),
        ] {
            data.extend_from_slice(&(part.len() as u64).to_be_bytes());
            data.extend_from_slice(part);
        }
        data
    }
}

impl KeyRing {
    /// Seals with the newest key.
    pub(crate) fn seal(
        &self,
        secret: &SecretString,
        place: Place<'_>,
    ) -> Result<String, SealError> {
        let key = self.newest();
        let mut sealed = vec![0_u8; NONCE_BYTES];
        rand::rngs::OsRng
            .try_fill_bytes(&mut sealed)
            .map_err(|_| SealError::NoRandomness)?;
        let nonce = XNonce::try_from(&sealed[..]).map_err(|_| SealError::Malformed)?;
        let payload = Payload {
            msg: secret.expose_secret().as_bytes(),
            aad: &place.associated_data(&key.id),
        };
        let ciphertext = cipher(key)
            .encrypt(&nonce, payload)
            .map_err(|_| SealError::Malformed)?;
        sealed.extend_from_slice(&ciphertext);
        Ok(format!(
            "{VERSION}.{}.{}",
            &key.id,
            URL_SAFE_NO_PAD.encode(sealed)
        ))
    }

    /// Opens what any key of the ring sealed at this place.
    pub(crate) fn open(&self, sealed: &str, place: Place<'_>) -> Result<SecretString, SealError> {
        let (key_id, body) = split(sealed).ok_or(SealError::Malformed)?;
        let key = self.by_id(key_id).ok_or_else(|| SealError::UnknownKey {
            key_id: key_id.to_owned(),
        })?;
        let body = URL_SAFE_NO_PAD
            .decode(body)
            .map_err(|_| SealError::Malformed)?;
        let (nonce, ciphertext) = body
            .split_at_checked(NONCE_BYTES)
            .ok_or(SealError::Malformed)?;
        let nonce = XNonce::try_from(nonce).map_err(|_| SealError::Malformed)?;
        let payload = Payload {
            msg: ciphertext,
            aad: &place.associated_data(key_id),
        };
        let clear = cipher(key)
            .decrypt(&nonce, payload)
            .map_err(|_| SealError::Altered)?;
        match String::from_utf8(clear) {
            Ok(clear) => Ok(SecretString::from(clear)),
            Err(error) => {
                drop(Zeroizing::new(error.into_bytes()));
                Err(SealError::Malformed)
            }
        }
    }
}

/// The id of the key that sealed this, if it has our form.
pub(crate) fn key_id(sealed: &str) -> Option<&str> {
    split(sealed).map(|(key_id, _)| key_id)
}

fn split(sealed: &str) -> Option<(&str, &str)> {
    let mut parts = sealed.split('.');
    match (parts.next(), parts.next(), parts.next(), parts.next()) {
        (Some(VERSION), Some(key_id), Some(body), None) => Some((key_id, body)),
        _ => None,
    }
}

fn cipher(root: &RootKey) -> XChaCha20Poly1305 {
    let mut key = Zeroizing::new([0_u8; 32]);
    hkdf::Hkdf::<Sha256>::new(None, &*root.bytes)
        .expand(PURPOSE, &mut *key)
        .expect("32 bytes are within what HKDF-SHA-256 expands to");
    XChaCha20Poly1305::new((&*key).into())
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const HERE: Place<'static> = Place {
        table: "installation",
        row: &[7; 16],
        column: "secret",
    };

    fn ring() -> KeyRing {
        KeyRing::generate().expect("random bytes")
    }

    #[test]
    fn another_place_or_key_does_not_open() {
        let ring = ring();
        let sealed = ring.seal(&"clear".into(), HERE).expect("seals");
        for elsewhere in [
            Place {
                row: &[8; 16],
                ..HERE
            },
            Place {
                column: "proxy",
                ..HERE
            },
            Place {
                table: "endpoint",
                ..HERE
            },
        ] {
            assert_eq!(
                ring.open(&sealed, elsewhere).err(),
                Some(SealError::Altered)
            );
        }
        let stranger = super::ring::KeyRing::generate().expect("random bytes");
        assert!(matches!(
            stranger.open(&sealed, HERE),
            Err(SealError::UnknownKey { .. })
        ));
    }

    #[test]
    fn an_older_key_still_opens() {
        let older = ring();
        let sealed = older.seal(&"clear".into(), HERE).expect("seals");
        let newer = KeyRing::parse(&format!("{}{}", &*ring().to_text(), &*older.to_text()))
            .expect("two keys");
        assert_eq!(
            newer.open(&sealed, HERE).expect("opens").expose_secret(),
            "clear"
        );
        let resealed = newer.seal(&"clear".into(), HERE).expect("seals");
        assert_ne!(key_id(&sealed), key_id(&resealed));
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(64))]

        #[test]
        fn sealed_opens_to_the_same(secret in ".{0,200}", row: [u8; 16]) {
            let ring = ring();
            let place = Place { row: &row, ..HERE };
            let sealed = ring.seal(&secret.clone().into(), place).expect("seals");
            prop_assert!(secret.is_empty() || !sealed.contains(&secret) || secret.len() < 4);
            let opened = ring.open(&sealed, place).expect("opens");
            prop_assert_eq!(opened.expose_secret(), secret.as_str());
        }

        #[test]
        fn an_altered_byte_is_noticed(at in 0_usize..60, bit in 0_u8..8) {
            let ring = ring();
            let sealed = ring.seal(&"a secret of twenty b".into(), HERE).expect("seals");
            let (head, body) = sealed.rsplit_once('.').expect("three parts");
            let mut bytes = URL_SAFE_NO_PAD.decode(body).expect("base64");
            bytes[at] ^= 1 << bit;
            let altered = format!("{head}.{}", URL_SAFE_NO_PAD.encode(bytes));
            prop_assert_eq!(ring.open(&altered, HERE).err(), Some(SealError::Altered));
        }

        #[test]
        fn any_text_is_an_error_and_no_panic(text in ".{0,80}") {
            prop_assert!(ring().open(&text, HERE).is_err());
        }
    }
}
