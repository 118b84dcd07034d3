//! The platform's half of a callback: encrypts and signs, for doubles and tests.

use aes::Aes256;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use cbc::cipher::block_padding::Pkcs7;
use cbc::cipher::{BlockModeEncrypt as _, KeyIvInit as _};
use sha2::Digest as _;

/// The signature of an event or a new card: SHA-256 in hexadecimal digits. The key is empty if the app has none.
#[must_use]
pub fn sign(timestamp: &str, nonce: &str, encrypt_key: &str, body: &[u8]) -> String {
    let prefix = format!("{timestamp}{nonce}{encrypt_key}");
    hex(&sha2::Sha256::digest([prefix.as_bytes(), body].concat()))
}

/// The signature of an old card: SHA-1 in hexadecimal digits.
#[must_use]
pub fn sign_old_card(
    timestamp: &str,
    nonce: &str,
    verification_token: &str,
    body: &[u8],
) -> String {
    let prefix = format!("{timestamp}{nonce}{verification_token}");
    hex(&sha1::Sha1::digest([prefix.as_bytes(), body].concat()))
}

/// The member `encrypt` of an encrypted body. Each body has a fresh random vector.
#[must_use]
pub fn encrypt(encrypt_key: &str, iv: [u8; 16], plaintext: &[u8]) -> String {
    let key: [u8; 32] = sha2::Sha256::digest(encrypt_key).into();
    let cipher = cbc::Encryptor::<Aes256>::new(&key.into(), &iv.into());
    let mut content = plaintext.to_vec();
    // The padding: a byte at least, a whole block at most.
    content.resize(plaintext.len() / 16 * 16 + 16, 0);
    let content = cipher.encrypt_padded::<Pkcs7>(&mut content, plaintext.len());
    let content = content.expect("the buffer has room for the padding");
    STANDARD.encode([&iv[..], content].concat())
}

/// An encrypted body: `{"encrypt":"…"}`.
#[must_use]
pub fn encrypted_body(encrypt_key: &str, iv: [u8; 16], plaintext: &[u8]) -> Vec<u8> {
    format!(r#"{{"encrypt":"{}"}}"#, encrypt(encrypt_key, iv, plaintext)).into_bytes()
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}
