//! Decrypts a download.
//!
//! AES-256-CBC; the initialisation vector is the beginning of the key, which is used for one link
//! alone. The padding is PKCS#7 to a multiple of 32 bytes, twice the cipher's block, so it is removed
//! here and not by the cipher. Nothing authenticates the content: what was altered on the way may
//! decrypt to other bytes, and it is TLS that keeps it from being altered.

use aes::Aes256;
use base64::Engine as _;
use base64::alphabet::STANDARD;
use base64::engine::{DecodePaddingMode, GeneralPurpose, GeneralPurposeConfig};
use cbc::cipher::block_padding::NoPadding;
use cbc::cipher::{BlockModeDecrypt as _, KeyIvInit as _};
use zeroize::Zeroizing;

/// The padding `=` of a key is missing now and then, which leaves 43 characters.
const KEY_BASE64: GeneralPurpose = GeneralPurpose::new(
    &STANDARD,
    GeneralPurposeConfig::new().with_decode_padding_mode(DecodePaddingMode::Indifferent),
);

const KEY_BYTES: usize = 32;
const BLOCK_BYTES: usize = 16;
const MAX_PADDING_BYTES: usize = 32;

/// The bytes are not what the key was made for.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum DecryptError {
    /// `aeskey` is not base64.
    #[error("the key is not base64")]
    KeyNotBase64,
    /// `aeskey` is not a key of AES-256.
    #[error("the key has {0} bytes instead of 32")]
    KeyLength(usize),
    /// Nothing to decrypt: even an empty file has padding.
    #[error("there is nothing to decrypt")]
    Empty,
    /// The download broke off.
    #[error("the ciphertext ends within a block")]
    Truncated,
    /// Another key, or other bytes.
    #[error("the padding is wrong: another key, or the ciphertext was damaged")]
    Padding,
}

/// The content of a download. `aeskey` is the text beside the link; where there is none, the content
/// is not encrypted.
pub fn decrypt(aeskey: &str, ciphertext: &[u8]) -> Result<Vec<u8>, DecryptError> {
    let key = KEY_BASE64.decode(aeskey).map(Zeroizing::new);
    let key = key.map_err(|_| DecryptError::KeyNotBase64)?;
    if key.len() != KEY_BYTES {
        return Err(DecryptError::KeyLength(key.len()));
    }
    if ciphertext.is_empty() {
        return Err(DecryptError::Empty);
    }
    let mut content = ciphertext.to_vec();
    let cipher = cbc::Decryptor::<Aes256>::new_from_slices(&key, &key[..BLOCK_BYTES])
        .expect("32 bytes are a key and 16 are a block");
    cipher
        .decrypt_padded::<NoPadding>(&mut content)
        .map_err(|_| DecryptError::Truncated)?;
    let kept = content.len() - padding(&content)?;
    content.truncate(kept);
    Ok(content)
}

/// How many bytes at the end are padding.
fn padding(content: &[u8]) -> Result<usize, DecryptError> {
    let last = *content.last().ok_or(DecryptError::Padding)?;
    let count = usize::from(last);
    if count == 0 || count > MAX_PADDING_BYTES || count > content.len() {
        return Err(DecryptError::Padding);
    }
    let padded = &content[content.len() - count..];
    if padded.iter().any(|byte| *byte != last) {
        return Err(DecryptError::Padding);
    }
    Ok(count)
}
