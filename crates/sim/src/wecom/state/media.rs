//! The files of users that callbacks link to. They are encrypted as on the platform and served over HTTP for five
//! minutes.

use std::collections::BTreeMap;
use std::time::{Duration, Instant};

use aes::Aes256;
use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD, STANDARD_NO_PAD};
use bytes::Bytes;
use cbc::cipher::block_padding::NoPadding;
use cbc::cipher::{BlockModeEncrypt as _, KeyIvInit as _};
use serde_json::{Value, json};

use crate::ids::scramble;
use crate::wecom::behaviour::{Behaviour, Occasion};
use crate::wecom::media::Media;
use crate::wecom::state::PlatformState;

/// How long a link is valid.
const LINK_TTL: Duration = Duration::from_secs(5 * 60);
/// Most files that are kept. The oldest are dropped first.
const MAX_FILES: usize = 4_096;
/// Padding is PKCS#7 to a multiple of this, twice the cipher's block.
const PADDED_TO: usize = 32;

#[derive(Debug)]
struct Served {
    ciphertext: Bytes,
    file_name: Option<String>,
    until: Instant,
}

/// The files that links exist for.
#[derive(Debug, Default)]
pub(crate) struct MediaStore {
    files: BTreeMap<u64, Served>,
    last: u64,
}

/// The answer to a download.
#[derive(Debug)]
pub(crate) enum Download {
    File {
        ciphertext: Bytes,
        file_name: Option<String>,
    },
    /// Refused with this HTTP status.
    Refused(u16),
}

impl PlatformState {
    /// Serves a file from now on, and returns the `url` and `aeskey` for its callback.
    pub(crate) fn serve_media(&mut self, media: &Media, now: Instant) -> Value {
        self.media_store.last += 1;
        let id = id_of(self.media_store.last, self.settings.seed);
        let key = key_of(id);
        let served = Served {
            ciphertext: encrypt(&key, &media.bytes).into(),
            file_name: media.file_name.clone(),
            until: now + self.settings.scaled(LINK_TTL),
        };
        self.media_store.files.insert(self.media_store.last, served);
        if self.media_store.files.len() > MAX_FILES {
            self.media_store.files.pop_first();
        }
        // Some keys come without their padding.
        let aeskey = if self.media_store.last.is_multiple_of(2) {
            STANDARD.encode(key)
        } else {
            STANDARD_NO_PAD.encode(key)
        };
        let url = format!(
            "{}/media/{}-{id:016x}?x=1&y=2",
            self.origin, self.media_store.last
        );
        json!({"url": url, "aeskey": aeskey})
    }

    /// Answers `GET /media/…`.
    pub(crate) fn download(&mut self, path: &str, now: Instant) -> Download {
        self.ledger.downloads += 1;
        if let Some(Behaviour::MediaHttp { status }) = self.scripts.take(Occasion::Media, "") {
            return Download::Refused(status);
        }
        let seed = self.settings.seed;
        let served = path
            .strip_prefix("/media/")
            .and_then(|name| name.split_once('-'))
            .and_then(|(number, id)| {
                let number: u64 = number.parse().ok()?;
                let id = u64::from_str_radix(id, 16).ok()?;
                (id == id_of(number, seed)).then_some(number)
            })
            .and_then(|number| self.media_store.files.get(&number));
        match served {
            None => Download::Refused(404),
            Some(served) if now > served.until => Download::Refused(403),
            Some(served) => Download::File {
                ciphertext: served.ciphertext.clone(),
                file_name: served.file_name.clone(),
            },
        }
    }
}

/// The unguessable part of a link.
fn id_of(number: u64, seed: u64) -> u64 {
    scramble(
        number
            .wrapping_add(seed.rotate_left(23))
            .wrapping_mul(0x9e37_79b9_7f4a_7c15),
    )
}

fn key_of(id: u64) -> [u8; 32] {
    let mut key = [0; 32];
    let mut word = id;
    for part in key.chunks_exact_mut(8) {
        word = scramble(word.wrapping_add(0x9e37_79b9_7f4a_7c15));
        part.copy_from_slice(&word.to_be_bytes());
    }
    key
}

/// AES-256-CBC; the first half of the key is the initialization vector.
fn encrypt(key: &[u8; 32], plain: &[u8]) -> Vec<u8> {
    let padding = PADDED_TO - plain.len() % PADDED_TO;
    let mut buffer = plain.to_vec();
    // The padding is at most 32, so it fits a byte.
    buffer.resize(plain.len() + padding, padding as u8);
    let iv: [u8; 16] = *key.first_chunk().expect("a key has 32 bytes");
    let len = buffer.len();
    cbc::Encryptor::<Aes256>::new(&(*key).into(), &iv.into())
        .encrypt_padded::<NoPadding>(&mut buffer, len)
        .expect("the buffer is a whole number of blocks");
    buffer
}

/// `Content-Disposition` of a download.
pub(crate) fn disposition(file_name: &str) -> String {
    let plain: String = file_name
        .chars()
        .map(|c| {
            if c.is_ascii_graphic() && c != '"' && c != '\\' {
                c
            } else {
                '_'
            }
        })
        .collect();
    let encoded: String = file_name
        .bytes()
        .map(|byte| match byte {
            b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' | b'.' | b'-' | b'_' => {
                char::from(byte).to_string()
            }
            byte => format!("%{byte:02X}"),
        })
        .collect();
    format!("attachment; filename=\"{plain}\"; filename*=UTF-8''{encoded}")
}
