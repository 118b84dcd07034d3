//! Decrypts a download.
//!
//! The cipher is AES-256-CBC. The initialisation vector is the beginning of the key; each link has a key of its own. The
//! padding is PKCS#7 to a multiple of 32 bytes, twice the cipher's block, so it is removed here and not by the cipher.
//! The ciphertext is not authenticated: only TLS protects a download from being altered on its way.

use aes::Aes256;
use base64::Engine as _;
use base64::alphabet::STANDARD;
use base64::engine::{DecodePaddingMode, GeneralPurpose, GeneralPurposeConfig};
use cbc::cipher::block_padding::NoPadding;
use cbc::cipher::{BlockModeDecrypt as _, KeyIvInit as _};
use zeroize::Zeroizing;

/// Some keys come without the padding `=`, and then have 43 characters.
const KEY_BASE64: GeneralPurpose = GeneralPurpose::new(
    &STANDARD,
    GeneralPurposeConfig::new().with_decode_padding_mode(DecodePaddingMode::Indifferent),
);

const KEY_BYTES: usize = 32;
const BLOCK_BYTES: usize = 16;
const MAX_PADDING_BYTES: usize = 32;

/// Why a download cannot be decrypted.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum DecryptError {
    /// `aeskey` is not base64.
    #[error("the key is not base64")]
    KeyNotBase64,
    /// `aeskey` is not a key of AES-256.
    #[error("the key has {0} bytes instead of 32")]
    KeyLength(usize),
    /// The ciphertext is empty. Even that of an empty file has padding.
    #[error("there is nothing to decrypt")]
    Empty,
    /// The ciphertext is not a whole number of blocks: the download was cut off.
    #[error("the ciphertext ends within a block")]
    Truncated,
    /// The padding is wrong: the key is another one, or the bytes were altered.
    #[error("the padding is wrong: another key, or the ciphertext was damaged")]
    Padding,
}

/// Decrypts a download. `aeskey` is the text beside the link. A link without one has content that is not encrypted.
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

/// Number of padding bytes at the end.
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
