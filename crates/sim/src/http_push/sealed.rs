//! The platform's half of encryption and signatures, written from its documentation and from nothing that the gateway
//! uses, so that an error on one side shows on the other.
//!
//! The cipher is AES-256-CBC under the SHA-256 of the encrypt key, with the initialization vector in front, in base64.
//! A signature is the hex of a plain hash over time, nonce, key and the body as it is sent: SHA-256 with the encrypt key
//! for events and the new card callbacks, SHA-1 with the verification token for the old ones.

use aes::Aes256;
use aes::cipher::block_padding::Pkcs7;
use aes::cipher::{BlockModeEncrypt as _, KeyIvInit as _};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use sha1::Sha1;
use sha2::{Digest as _, Sha256};

/// Length of the initialization vector and of a block.
const BLOCK: usize = 16;

/// The key of the cipher.
pub(super) fn cipher_key(encrypt_key: &str) -> [u8; 32] {
    Sha256::digest(encrypt_key.as_bytes()).into()
}

/// Appends `{"encrypt":"…"}`. `scratch` is overwritten.
pub(super) fn write_encrypted(
    out: &mut Vec<u8>,
    scratch: &mut Vec<u8>,
    key: &[u8; 32],
    iv: [u8; BLOCK],
    plain: &[u8],
) {
    scratch.clear();
    scratch.extend_from_slice(&iv);
    scratch.extend_from_slice(plain);
    // A plaintext of whole blocks gets one more.
    scratch.resize(BLOCK + (plain.len() / BLOCK + 1) * BLOCK, 0);
    let cipher = cbc::Encryptor::<Aes256>::new(key.into(), &iv.into());
    cipher
        .encrypt_padded::<Pkcs7>(&mut scratch[BLOCK..], plain.len())
        .expect("the padding has its place");
    out.extend_from_slice(br#"{"encrypt":""#);
    let start = out.len();
    out.resize(start + scratch.len().div_ceil(3) * 4, 0);
    STANDARD
        .encode_slice(&scratch[..], &mut out[start..])
        .expect("four characters for each three bytes");
    out.extend_from_slice(br#""}"#);
}

/// The hash of a signature.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum SignatureHash {
    Sha256,
    Sha1,
}

/// Appends the signature in lower-case hex.
pub(super) fn write_signature(
    out: &mut Vec<u8>,
    hash: SignatureHash,
    timestamp: &str,
    nonce: &str,
    key: &str,
    body: &[u8],
) {
    let parts = [timestamp.as_bytes(), nonce.as_bytes(), key.as_bytes(), body];
    match hash {
        SignatureHash::Sha256 => {
            let hash = parts
                .into_iter()
                .fold(Sha256::new(), |hash, part| hash.chain_update(part));
            write_hex(out, &hash.finalize());
        }
        SignatureHash::Sha1 => {
            let hash = parts
                .into_iter()
                .fold(Sha1::new(), |hash, part| hash.chain_update(part));
            write_hex(out, &hash.finalize());
        }
    }
}

fn write_hex(out: &mut Vec<u8>, bytes: &[u8]) {
    const DIGITS: &[u8; 16] = b"0123456789abcdef";
    for byte in bytes {
        out.push(DIGITS[usize::from(byte >> 4)]);
        out.push(DIGITS[usize::from(byte & 15)]);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn encrypted(key: &str, iv: [u8; 16], plain: &str) -> String {
        let mut out = Vec::new();
        let key = cipher_key(key);
        write_encrypted(&mut out, &mut Vec::new(), &key, iv, plain.as_bytes());
        String::from_utf8(out).expect("text")
    }

    fn signature(hash: SignatureHash, key: &str, body: &str) -> String {
        let mut out = Vec::new();
        write_signature(
            &mut out,
            hash,
            "1767225600",
            "314159265",
            key,
            body.as_bytes(),
        );
        String::from_utf8(out).expect("text")
    }

    /// The example of the platform's page on encryption, whose first block is its vector.
    #[test]
    fn the_documentations_example() {
        let iv = 0x3f7e_f0f9_5648_98d8_0f10_ed51_0612_7a46_u128.to_be_bytes();
        assert_eq!(
            encrypted("test key", iv, "hello world"),
            r#"{"encrypt":"P37w+VZImNgPEO1RBhJ6RtKl7n6zymIbEG1pReEzghk="}"#
        );
    }

    #[test]
    fn a_whole_block_gets_another_one() {
        let text = encrypted("k", [7; 16], "0123456789abcdef");
        // Vector, block and padding are 48 bytes, so 64 characters.
        assert_eq!(text.len(), r#"{"encrypt":""}"#.len() + 64);
    }

    /// Figures of the OpenSSL command line.
    #[test]
    fn signatures_are_those_of_openssl() {
        assert_eq!(
            signature(SignatureHash::Sha256, "ek", "{}"),
            "2e635a46d61c9f67f5769b3bd05edea5bdaf06dad4a093341f727fdab471e108"
        );
        assert_eq!(
            signature(SignatureHash::Sha1, "vt", "{}"),
            "b398182109765fcdf1c2c87e55a9e286815d7c1e"
        );
    }
}
