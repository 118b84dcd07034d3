//! What a backup says of itself, and where it says so.
//!
//! ```text
//! SQLite database │ manifest, JSON │ longwire-backup 0001 0000000612 <sha256 of both> ⏎
//! ```
//! It stands at the end, because it is known last and a backup can be written to a pipe. SQLite ignores what follows the last
//! page, so any of its tools opens a backup. Length and digest of the last line tell a backup that was cut or altered.

use std::fmt;
use std::io::{self, Read, Seek, SeekFrom, Write};

use longwire_wire::event::Seq;
use secrecy::{ExposeSecret as _, SecretString};
use serde::{Deserialize, Serialize};
use sha2::{Digest as _, Sha256};
use zeroize::Zeroizing;

use crate::identity::StoreIdentity;

/// The form of a backup; another one is refused.
pub(crate) const FORMAT: u16 = 1;
const MAGIC: &str = "longwire-backup ";
/// Magic, format, length of the manifest, digest, and the line's end.
const FOOTER_BYTES: usize = MAGIC.len() + 4 + 1 + 10 + 1 + 64 + 1;
/// Far more than the ids and keys of a store that renews its key every day for years.
const MOST_MANIFEST_BYTES: u64 = 4 << 20;
/// Read at a time for the digest.
const CHUNK_BYTES: usize = 1 << 20;

/// Where the key is that opens the sealed secrets of a backup.
#[derive(Copy, Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum KeyPlace {
    /// In the backup, with the other secrets beside the database. Whoever has the backup has the bots.
    Inside,
    /// Elsewhere: its keeper brings it to a restore.
    Beside,
}

/// A file beside the database, as a backup holds it.
#[derive(Clone, Debug)]
pub struct KeptFile {
    /// What its name ends in, after the database's: `.key`, `.token`, `.ca`.
    pub suffix: String,
    /// What is in it.
    pub text: SecretString,
}

/// What a backup says of itself.
#[derive(Clone, Debug)]
pub struct Manifest {
    /// The version of the program that made it.
    pub longwire: String,
    /// The newest migration of its schema.
    pub schema: String,
    /// When it was made, in milliseconds since 1970.
    pub created_ms: i64,
    /// Which store it is of.
    pub identity: StoreIdentity,
    /// The name of the database's file.
    pub database: String,
    /// The bytes of the database, which come first.
    pub database_bytes: u64,
    /// The newest event in it; `None` if there is none.
    pub through: Option<Seq>,
    /// How many events are in it.
    pub events: u64,
    /// How many installations are in it.
    pub installations: u64,
    /// Where the key is.
    pub key: KeyPlace,
    /// The ids of the keys that its secrets are sealed with.
    pub key_ids: Vec<String>,
    /// The secrets that lay beside the database, if the key is inside.
    pub files: Vec<KeptFile>,
}

/// As it is written.
#[derive(Serialize, Deserialize)]
struct ManifestFields<Text> {
    longwire: String,
    schema: String,
    created_ms: i64,
    store: String,
    database: String,
    database_bytes: u64,
    through_seq: Option<i64>,
    events: u64,
    installations: u64,
    key: KeyPlace,
    key_ids: Vec<String>,
    files: Vec<FileFields<Text>>,
}

#[derive(Serialize, Deserialize)]
struct FileFields<Text> {
    suffix: String,
    text: Text,
}

/// Why bytes are no backup that can be used.
#[derive(Debug)]
pub(crate) enum ManifestError {
    /// There is nothing.
    Empty,
    /// It begins as a database does, and its end is not that of a backup.
    NoEnd,
    /// It is something else.
    Foreign,
    /// Another format.
    Format(u16),
    /// The manifest or the lengths make no sense.
    Senseless,
    /// The digest is another one.
    Altered,
    /// It cannot be read.
    Io(io::Error),
}

impl From<io::Error> for ManifestError {
    fn from(error: io::Error) -> Self {
        Self::Io(error)
    }
}

/// The last line of a backup.
pub(crate) struct Footer {
    manifest_bytes: u64,
    digest: String,
}

impl Manifest {
    /// Writes it behind the database, with the digest of both. Returns the length of the whole.
    pub(crate) fn append_to<F: Read + Write + Seek>(&self, file: &mut F) -> io::Result<u64> {
        let json = self.to_json()?;
        let mut digest = digest_of(file, self.database_bytes)?;
        digest.update(&*json);
        file.seek(SeekFrom::Start(self.database_bytes))?;
        file.write_all(&json)?;
        let digest = hex(&digest.finalize());
        let footer = format!("{MAGIC}{FORMAT:04} {:010} {digest}\n", json.len());
        debug_assert_eq!(footer.len(), FOOTER_BYTES);
        file.write_all(footer.as_bytes())?;
        Ok(self.database_bytes + (json.len() + footer.len()) as u64)
    }

    /// The manifest of a backup of this length. Says nothing about the digest, which [`verify`](Self::verify) compares.
    pub(crate) fn read<F: Read + Seek>(
        file: &mut F,
        bytes: u64,
    ) -> Result<(Self, Footer), ManifestError> {
        let footer = Footer::read(file, bytes)?;
        let before = bytes - FOOTER_BYTES as u64;
        let database_bytes = before
            .checked_sub(footer.manifest_bytes)
            .filter(|_| footer.manifest_bytes <= MOST_MANIFEST_BYTES)
            .ok_or(ManifestError::Senseless)?;
        file.seek(SeekFrom::Start(database_bytes))?;
        let mut json = Zeroizing::new(Vec::new());
        file.take(footer.manifest_bytes).read_to_end(&mut json)?;
        let manifest = Self::from_json(&json).ok_or(ManifestError::Senseless)?;
        if manifest.database_bytes != database_bytes {
            return Err(ManifestError::Senseless);
        }
        Ok((manifest, footer))
    }

    /// Whether the bytes are those that were written.
    pub(crate) fn verify<F: Read + Seek>(
        &self,
        file: &mut F,
        footer: &Footer,
    ) -> Result<(), ManifestError> {
        let digest = digest_of(file, self.database_bytes + footer.manifest_bytes)?;
        if hex(&digest.finalize()) == footer.digest {
            Ok(())
        } else {
            Err(ManifestError::Altered)
        }
    }

    fn to_json(&self) -> io::Result<Zeroizing<Vec<u8>>> {
        let fields = ManifestFields {
            longwire: self.longwire.clone(),
            schema: self.schema.clone(),
            created_ms: self.created_ms,
            store: hex(self.identity.as_bytes()),
            database: self.database.clone(),
            database_bytes: self.database_bytes,
            through_seq: self.through.map(|seq| seq.0),
            events: self.events,
            installations: self.installations,
            key: self.key,
            key_ids: self.key_ids.clone(),
            files: (self.files.iter())
                .map(|file| FileFields {
                    suffix: file.suffix.clone(),
                    text: file.text.expose_secret(),
                })
                .collect(),
        };
        let mut json = Zeroizing::new(serde_json::to_vec_pretty(&fields)?);
        json.push(b'\n');
        Ok(json)
    }

    fn from_json(json: &[u8]) -> Option<Self> {
        let fields: ManifestFields<String> = serde_json::from_slice(json).ok()?;
        Some(Self {
            longwire: fields.longwire,
            schema: fields.schema,
            created_ms: fields.created_ms,
            identity: StoreIdentity(unhex(&fields.store)?),
            database: fields.database,
            database_bytes: fields.database_bytes,
            through: fields.through_seq.map(Seq),
            events: fields.events,
            installations: fields.installations,
            key: fields.key,
            key_ids: fields.key_ids,
            files: (fields.files.into_iter())
                .map(|file| KeptFile {
                    suffix: file.suffix,
                    text: SecretString::from(file.text),
                })
                .collect(),
        })
    }
}

impl Footer {
    fn read<F: Read + Seek>(file: &mut F, bytes: u64) -> Result<Self, ManifestError> {
        if bytes == 0 {
            return Err(ManifestError::Empty);
        }
        let mut line = Vec::new();
        let start = bytes.saturating_sub(FOOTER_BYTES as u64);
        file.seek(SeekFrom::Start(start))?;
        file.take(FOOTER_BYTES as u64).read_to_end(&mut line)?;
        let text = str::from_utf8(&line).ok();
        let Some(fields) = text.and_then(|text| text.strip_prefix(MAGIC)) else {
            let mut head = Vec::new();
            file.rewind()?;
            file.take(16).read_to_end(&mut head)?;
            return Err(match head.as_slice() {
                b"SQLite format 3\0" => ManifestError::NoEnd,
                _ => ManifestError::Foreign,
            });
        };
        let fields = fields.strip_suffix('\n').ok_or(ManifestError::Senseless)?;
        let mut fields = fields.split(' ');
        let format = fields.next().and_then(|format| format.parse().ok());
        match format.ok_or(ManifestError::Senseless)? {
            FORMAT => {}
            other => return Err(ManifestError::Format(other)),
        }
        let manifest_bytes = fields.next().and_then(|bytes| bytes.parse().ok());
        match (manifest_bytes, fields.next(), fields.next()) {
            (Some(manifest_bytes), Some(digest), None) => Ok(Self {
                manifest_bytes,
                digest: digest.to_owned(),
            }),
            _ => Err(ManifestError::Senseless),
        }
    }
}

/// The digest of the first `bytes`.
fn digest_of<F: Read + Seek>(file: &mut F, bytes: u64) -> io::Result<Sha256> {
    file.rewind()?;
    let mut digest = Sha256::new();
    let mut chunk = vec![0; CHUNK_BYTES];
    let mut left = file.take(bytes);
    loop {
        match left.read(&mut chunk)? {
            0 => return Ok(digest),
            read => digest.update(&chunk[..read]),
        }
    }
}

fn hex(bytes: &[u8]) -> String {
    use fmt::Write as _;
    bytes.iter().fold(String::new(), |mut text, byte| {
        write!(text, "{byte:02x}").expect("a String takes every write");
        text
    })
}

fn unhex<const N: usize>(text: &str) -> Option<[u8; N]> {
    if text.len() != 2 * N {
        return None;
    }
    let mut bytes = [0; N];
    for (at, byte) in bytes.iter_mut().enumerate() {
        *byte = u8::from_str_radix(text.get(2 * at..2 * at + 2)?, 16).ok()?;
    }
    Some(bytes)
}

#[cfg(test)]
mod tests {
    use std::io::Cursor;

    use super::*;

    fn manifest() -> Manifest {
        Manifest {
            longwire: "1.2.3".to_owned(),
            schema: "00000000000017".to_owned(),
            created_ms: 1_700_000_000_000,
            identity: StoreIdentity([7; 16]),
            database: "longwire.db".to_owned(),
            database_bytes: 5,
            through: Some(Seq(9)),
            events: 9,
            installations: 2,
            key: KeyPlace::Inside,
            key_ids: vec!["0badc0de".to_owned()],
            files: vec![KeptFile {
                suffix: ".key".to_owned(),
                text: SecretString::from("canary-key".to_owned()),
            }],
        }
    }

    fn written() -> Vec<u8> {
        let mut file = Cursor::new(b"pages".to_vec());
        let bytes = manifest().append_to(&mut file).expect("written");
        let written = file.into_inner();
        assert_eq!(written.len() as u64, bytes);
        written
    }

    fn read(bytes: &[u8]) -> Result<Manifest, ManifestError> {
        let mut file = Cursor::new(bytes);
        let (manifest, footer) = Manifest::read(&mut file, bytes.len() as u64)?;
        manifest.verify(&mut file, &footer)?;
        Ok(manifest)
    }

    #[test]
    fn it_is_read_as_it_was_written_and_prints_no_secret() {
        let found = read(&written()).expect("a backup");
        assert_eq!(found.files[0].text.expose_secret(), "canary-key");
        assert_eq!(format!("{found:?}"), format!("{:?}", manifest()));
        assert!(!format!("{found:?}").contains("canary"));
    }

    #[test]
    fn each_altered_byte_is_noticed() {
        let whole = written();
        for at in 0..whole.len() {
            let mut altered = whole.clone();
            altered[at] ^= 1;
            assert!(read(&altered).is_err(), "byte {at}");
        }
    }

    #[test]
    fn each_cut_is_noticed() {
        let whole = written();
        for bytes in 0..whole.len() {
            assert!(read(&whole[..bytes]).is_err(), "{bytes} bytes");
        }
        assert!(matches!(read(b""), Err(ManifestError::Empty)));
        assert!(matches!(read(b"x"), Err(ManifestError::Foreign)));
        let database = read(b"SQLite format 3\0 and pages");
        assert!(matches!(database, Err(ManifestError::NoEnd)));
    }

    #[test]
    fn another_format_is_named() {
        let text = String::from_utf8(written()).expect("ASCII");
        let other = text.replace("longwire-backup 0001", "longwire-backup 0002");
        let refused = read(other.as_bytes());
        assert!(
            matches!(refused, Err(ManifestError::Format(2))),
            "{refused:?}"
        );
    }
}
