//! The ring of root keys and the file that holds it.
//!
//! One key per line, newest first, as 64 hexadecimal digits or base64 of 32 bytes; blank lines and
//! lines that begin with `#` are skipped. The newest seals, all open. The file is made with mode
//! 0600 and refused when others may read it: a database without its key file is useless to a thief,
//! and to its owner.

use std::fmt::Write as _;
use std::fs::{self, OpenOptions};
use std::io::{self, Write as _};
use std::os::unix::fs::{MetadataExt, OpenOptionsExt, PermissionsExt, fchown};
use std::path::{Path, PathBuf};

use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD, STANDARD_NO_PAD, URL_SAFE, URL_SAFE_NO_PAD};
use rand::TryRngCore;
use sha2::{Digest, Sha256};
use zeroize::Zeroizing;

use crate::directory::{self, beside};
use crate::process_user::ProcessUser;

/// The bytes of a root key.
const KEY_BYTES: usize = 32;

/// The key file cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum KeyRingError {
    /// It is missing although secrets are sealed with it.
    #[error("the key file {} is missing, and {sealed} secrets are sealed", path.display())]
    Missing {
        /// Where it should be.
        path: PathBuf,
        /// How many secrets need it.
        sealed: usize,
    },
    /// It lacks a key that sealed secrets need.
    #[error("the key file {} lacks key {key_id}, which sealed {sealed} secrets", path.display())]
    Lacks {
        /// The key file.
        path: PathBuf,
        /// The missing key.
        key_id: String,
        /// How many secrets need it.
        sealed: usize,
    },
    /// Others may read it.
    #[error("the key file {} may be used by others (mode {mode:03o})", path.display())]
    LoosePermissions {
        /// The key file.
        path: PathBuf,
        /// Its permission bits.
        mode: u32,
    },
    /// The key that seals now is no longer in it.
    #[error("the key that seals now is no longer in the key file {}", path.display())]
    Away {
        /// The key file.
        path: PathBuf,
    },
    /// A line is no key.
    #[error("line {line} of the key file {} is not 32 bytes in hexadecimal or base64", path.display())]
    BadLine {
        /// The key file.
        path: PathBuf,
        /// The line, counted from one.
        line: usize,
    },
    /// It has no key at all.
    #[error("the key file {} has no key", path.display())]
    Empty {
        /// The key file.
        path: PathBuf,
    },
    /// The operating system refuses it.
    #[error("cannot use the key file {}{}", path.display(), ProcessUser::behind(source))]
    Io {
        /// The key file.
        path: PathBuf,
        /// The operating system's words.
        #[source]
        source: io::Error,
    },
}

impl KeyRingError {
    /// What an operator does about it.
    pub fn advice(&self) -> &'static str {
        match self {
            Self::Missing { .. } => {
                "restore the key file from its backup, or name it in the settings"
            }
            Self::Lacks { .. } => {
                "add the missing key as a further line; older keys go below newer ones"
            }
            Self::LoosePermissions { .. } => "run `chmod 600` on it, and consider its keys as seen",
            Self::Away { .. } => {
                "bring the key file back: a secret that is sealed without it cannot be opened after a restart"
            }
            Self::BadLine { .. } | Self::Empty { .. } => {
                "a key is a line of 64 hexadecimal digits or base64 of 32 bytes, newest first"
            }
            Self::Io { .. } => "give the user that runs longwire access to it, and nobody else",
        }
    }
}

/// One root key. Wiped when dropped, never printed.
#[derive(Clone)]
pub(crate) struct RootKey {
    /// The first four bytes of its SHA-256, in hexadecimal.
    pub(super) id: String,
    pub(super) bytes: Zeroizing<[u8; KEY_BYTES]>,
}

impl RootKey {
    fn new(bytes: Zeroizing<[u8; KEY_BYTES]>) -> Self {
        Self {
            id: hex(&Sha256::digest(*bytes)[..4]),
            bytes,
        }
    }
}

/// The root keys, newest first; never empty.
pub(crate) struct KeyRing {
    keys: Vec<RootKey>,
}

impl KeyRing {
    /// Reads the ring for a database in which secrets are sealed with these keys, or makes the file
    /// when neither it nor any sealed secret exists.
    pub(crate) fn load(path: &Path, sealed_with: &[(String, usize)]) -> Result<Self, KeyRingError> {
        let io = |source| KeyRingError::Io {
            path: path.to_owned(),
            source,
        };
        let text = match fs::metadata(path) {
            Ok(metadata) => {
                let mode = metadata.permissions().mode() & 0o777;
                if mode & 0o077 != 0 {
                    return Err(KeyRingError::LoosePermissions {
                        path: path.to_owned(),
                        mode,
                    });
                }
                Zeroizing::new(fs::read_to_string(path).map_err(io)?)
            }
            Err(error) if error.kind() == io::ErrorKind::NotFound => {
                let sealed = sealed_with.iter().map(|(_, count)| count).sum();
                if sealed > 0 {
                    return Err(KeyRingError::Missing {
                        path: path.to_owned(),
                        sealed,
                    });
                }
                let ring = Self::generate().map_err(io)?;
                ring.save(path).map_err(io)?;
                return Ok(ring);
            }
            Err(error) => return Err(io(error)),
        };
        let ring = Self::parse(&text).map_err(|line| match line {
            0 => KeyRingError::Empty {
                path: path.to_owned(),
            },
            line => KeyRingError::BadLine {
                path: path.to_owned(),
                line,
            },
        })?;
        match sealed_with
            .iter()
            .find(|(key_id, _)| ring.by_id(key_id).is_none())
        {
            Some((key_id, sealed)) => Err(KeyRingError::Lacks {
                path: path.to_owned(),
                key_id: key_id.clone(),
                sealed: *sealed,
            }),
            None => Ok(ring),
        }
    }

    /// What is in the key file now, which must have the key that seals.
    pub(super) fn read_again(&self, path: &Path) -> Result<Self, KeyRingError> {
        let away = || KeyRingError::Away {
            path: path.to_owned(),
        };
        let text = fs::read_to_string(path).map(Zeroizing::new);
        let text = text.map_err(|source| match source.kind() {
            io::ErrorKind::NotFound => away(),
            _ => KeyRingError::Io {
                path: path.to_owned(),
                source,
            },
        })?;
        let kept = Self::parse(&text).map_err(|_| away())?;
        match kept.by_id(&self.newest().id) {
            Some(_) => Ok(kept),
            None => Err(away()),
        }
    }

    /// A new key above the keys of this ring, and below those what `others` has beside.
    pub(super) fn with_new_key(&self, others: &Self) -> io::Result<Self> {
        let mut ring = Self::generate()?;
        for key in self.keys.iter().chain(&others.keys) {
            if ring.by_id(&key.id).is_none() {
                ring.keys.push(key.clone());
            }
        }
        Ok(ring)
    }

    /// The newest key alone.
    pub(super) fn newest_alone(&self) -> Self {
        Self {
            keys: vec![self.newest().clone()],
        }
    }

    /// The id of the key that seals.
    pub(crate) fn newest_id(&self) -> &str {
        &self.newest().id
    }

    /// How many keys there are.
    pub(super) fn len(&self) -> usize {
        self.keys.len()
    }

    /// A ring with one new key.
    pub(super) fn generate() -> io::Result<Self> {
        let mut bytes = Zeroizing::new([0_u8; KEY_BYTES]);
        rand::rngs::OsRng
            .try_fill_bytes(&mut *bytes)
            .map_err(io::Error::other)?;
        Ok(Self {
            keys: vec![RootKey::new(bytes)],
        })
    }

    /// The line that is no key, counted from one, or 0 when there is no key at all.
    pub(crate) fn parse(text: &str) -> Result<Self, usize> {
        let mut keys = Vec::new();
        for (index, line) in text.lines().enumerate() {
            let line = line.trim();
            if !line.is_empty() && !line.starts_with('#') {
                keys.push(RootKey::new(parse_key(line).ok_or(index + 1)?));
            }
        }
        if keys.is_empty() {
            Err(0)
        } else {
            Ok(Self { keys })
        }
    }

    pub(super) fn to_text(&self) -> Zeroizing<String> {
        Zeroizing::new(
            self.keys
                .iter()
                .map(|key| hex(&*key.bytes) + "\n")
                .collect(),
        )
    }

    pub(super) fn newest(&self) -> &RootKey {
        &self.keys[0]
    }

    pub(super) fn by_id(&self, id: &str) -> Option<&RootKey> {
        self.keys.iter().find(|key| key.id == id)
    }

    /// Writes the file, or another one in its place, and makes it last before anything is sealed with it. It gets its name
    /// when it is whole: a crash in between leaves the former file, and none that a start would take for a broken one.
    pub(super) fn save(&self, path: &Path) -> io::Result<()> {
        // The file behind a link is replaced, and not the link.
        let path = &fs::canonicalize(path).unwrap_or_else(|_| path.to_owned());
        let draft = beside(path, ".new");
        match fs::remove_file(&draft) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
            _ => {}
        }
        let mut file = OpenOptions::new()
            .write(true)
            .create_new(true)
            .mode(0o600)
            .open(&draft)?;
        if let Ok(former) = fs::metadata(path) {
            // A command that root runs leaves the file to the user of the server.
            fchown(&file, Some(former.uid()), Some(former.gid()))?;
        }
        file.write_all(b"# longwire: keys of the sealed secrets, newest first. A backup of the database needs this file.\n")?;
        file.write_all(self.to_text().as_bytes())?;
        file.sync_all()?;
        #[cfg(test)]
        crate::store::tests::rotation::kill_point();
        fs::rename(&draft, path)?;
        directory::sync(path.parent().unwrap_or(Path::new("")))
    }
}

impl std::fmt::Debug for KeyRing {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_list()
            .entries(self.keys.iter().map(|key| &key.id))
            .finish()
    }
}

fn parse_key(line: &str) -> Option<Zeroizing<[u8; KEY_BYTES]>> {
    let bytes = if line.len() == 2 * KEY_BYTES {
        Zeroizing::new(
            (0..KEY_BYTES)
                .map(|at| u8::from_str_radix(line.get(2 * at..2 * at + 2)?, 16).ok())
                .collect::<Option<Vec<u8>>>()?,
        )
    } else {
        Zeroizing::new(
            [STANDARD, STANDARD_NO_PAD, URL_SAFE, URL_SAFE_NO_PAD]
                .iter()
                .find_map(|alphabet| alphabet.decode(line).ok())?,
        )
    };
    Some(Zeroizing::new(bytes.as_slice().try_into().ok()?))
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().fold(String::new(), |mut text, byte| {
        write!(text, "{byte:02x}").expect("a String takes every write");
        text
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn made_once_private_and_read_again() {
        let directory = tempfile::tempdir().expect("a directory");
        let path = directory.path().join("x.key");
        let made = KeyRing::load(&path, &[]).expect("made");
        assert_eq!(
            fs::metadata(&path).expect("there").permissions().mode() & 0o777,
            0o600
        );
        let read = KeyRing::load(&path, &[(made.newest().id.clone(), 1)]).expect("read");
        assert_eq!(made.newest().id, read.newest().id);
    }

    #[test]
    fn refusals() {
        let directory = tempfile::tempdir().expect("a directory");
        let path = directory.path().join("x.key");
        let needed = [("0badc0de".to_owned(), 2)];
        assert!(matches!(
            KeyRing::load(&path, &needed),
            Err(KeyRingError::Missing { sealed: 2, .. })
        ));
        KeyRing::load(&path, &[]).expect("made");
        assert!(matches!(
            KeyRing::load(&path, &needed),
            Err(KeyRingError::Lacks { sealed: 2, .. })
        ));
        fs::set_permissions(&path, fs::Permissions::from_mode(0o640)).expect("chmod");
        assert!(matches!(
            KeyRing::load(&path, &[]),
            Err(KeyRingError::LoosePermissions { mode: 0o640, .. })
        ));
    }

    #[test]
    fn both_spellings() {
        let hexadecimal = "ab".repeat(32);
        let base64 = STANDARD.encode([0xab_u8; 32]);
        let ring =
            KeyRing::parse(&format!("# first\n\n{hexadecimal}\n{base64}\n")).expect("two keys");
        assert_eq!(ring.keys[0].id, ring.keys[1].id);
        assert_eq!(KeyRing::parse("# none\n").err(), Some(0));
        assert_eq!(KeyRing::parse("# bad\nxyz\n").err(), Some(2));
    }
}
