//! Decrypts a body.
//!
//! The cipher is AES-256-CBC. Its key is the SHA-256 of the encrypt key, its initialisation vector the beginning of the
//! decoded text, its padding PKCS#7 to whole blocks of 16 bytes. The ciphertext is not authenticated: the signature is.

use aes::Aes256;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use bytes::Bytes;
use cbc::cipher::block_padding::NoPadding;
use cbc::cipher::{BlockModeDecrypt as _, KeyIvInit as _};
use sha2::{Digest as _, Sha256};
use zeroize::Zeroizing;

const BLOCK_BYTES: usize = 16;

/// Why an encrypted body cannot be read.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum EncryptedBodyError {
    /// `encrypt` is not a string, or empty.
    #[error("the member `encrypt` is not a text")]
    NotText,
    /// `encrypt` is not standard base64 with padding.
    #[error("the member `encrypt` is not base64")]
    NotBase64,
    /// Shorter than an initialisation vector and one block, or not a whole number of blocks.
    #[error("the ciphertext has {0} bytes, which is not an initialisation vector and whole blocks")]
    Length(usize),
    /// The padding is wrong: the key is another one, or the bytes were altered.
    #[error("the padding is wrong: another key, or the ciphertext was damaged")]
    Padding,
    /// What came out is not a JSON object: the key is another one, or the bytes were altered.
    #[error("what was decrypted is not a json object: another key, or the ciphertext was damaged")]
    NotJson,
}

/// Decrypts the member `encrypt` of a body. What comes out is not looked at.
pub fn decrypt(encrypt_key: &str, encrypted: &str) -> Result<Bytes, EncryptedBodyError> {
    let blob = STANDARD.decode(encrypted);
    let mut blob = blob.map_err(|_| EncryptedBodyError::NotBase64)?;
    let len = blob.len();
    if len < 2 * BLOCK_BYTES || len % BLOCK_BYTES != 0 {
        return Err(EncryptedBodyError::Length(len));
    }
    let key = Zeroizing::new(<[u8; 32]>::from(Sha256::digest(encrypt_key)));
    let (iv, content) = blob.split_at_mut(BLOCK_BYTES);
    cbc::Decryptor::<Aes256>::new_from_slices(&*key, iv)
        .expect("32 bytes are a key and 16 are a block")
        .decrypt_padded::<NoPadding>(content)
        .expect("the content is whole blocks");
    let padding = padding(content)?;
    // The vector stays in the buffer, so that nothing is copied.
    Ok(Bytes::from(blob).slice(BLOCK_BYTES..len - padding))
}

/// Number of padding bytes at the end.
fn padding(content: &[u8]) -> Result<usize, EncryptedBodyError> {
    let last = *content.last().ok_or(EncryptedBodyError::Padding)?;
    let count = usize::from(last);
    if count == 0 || count > BLOCK_BYTES || count > content.len() {
        return Err(EncryptedBodyError::Padding);
    }
    let padded = &content[content.len() - count..];
    match padded.iter().all(|byte| *byte == last) {
        true => Ok(count),
        false => Err(EncryptedBodyError::Padding),
    }
}
