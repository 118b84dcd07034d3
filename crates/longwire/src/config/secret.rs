//! References to secrets. The secret itself never stands in the configuration.

use std::env::VarError;
use std::ffi::OsString;
use std::fmt;
use std::io;
use std::path::{Path, PathBuf};

use secrecy::{ExposeSecret as _, SecretString, zeroize::Zeroize as _};
use serde::Deserialize;
use serde::de::{self, Deserializer, MapAccess, Visitor};

use longwire_installation::StrayCharacter;
use longwire_store::ProcessUser;

/// Where a secret is found. The derived reader is the one of the table form; whatever is no table is refused before it.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(remote = "Self", rename_all = "snake_case")]
pub(crate) enum SecretRef {
    /// The content of a file, without its last line break.
    File(PathBuf),
    /// An environment variable.
    Env(String),
    /// A file in systemd's credentials directory (`LoadCredential=`).
    Credential(String),
}

/// Why a reference leads to no secret. Never holds any part of one.
#[derive(Debug, thiserror::Error)]
pub(crate) enum SecretError {
    /// The file cannot be read.
    #[error("cannot read the secret's file {}", path.display())]
    File {
        /// The file.
        path: PathBuf,
        /// What the operating system says.
        #[source]
        source: std::io::Error,
    },
    /// This process may not read the file, or a directory on the way to it.
    #[error("permission denied: {user} may not read the secret's file {}", path.display())]
    Denied {
        /// The file.
        path: PathBuf,
        /// Who this process runs as.
        user: ProcessUser,
    },
    /// The file or the variable holds more than the secret.
    #[error("the secret of {reference} has more than one line")]
    Lines {
        /// The reference.
        reference: SecretRef,
    },
    /// The variable is not set.
    #[error("the environment variable {name} is not set")]
    Env {
        /// Its name.
        name: String,
    },
    /// There is no credentials directory.
    #[error("there is no credentials directory, so no credential {name}")]
    NoCredentials {
        /// The credential.
        name: String,
    },
    /// The variable is set to something that is not text.
    #[error("the environment variable {name} is not utf-8")]
    NotText {
        /// Its name.
        name: String,
    },
    /// Something came along when the secret was copied.
    #[error("the secret of {reference} {stray}")]
    Stray {
        /// The reference.
        reference: SecretRef,
        /// The character, and where it stands.
        stray: StrayCharacter,
    },
    /// The reference leads to nothing but blanks.
    #[error("the secret of {reference} is empty")]
    Empty {
        /// The reference.
        reference: SecretRef,
    },
}

impl SecretError {
    /// What to do about it.
    pub(crate) fn advice(&self) -> &'static str {
        match self {
            Self::File { .. } => {
                "put the secret there, readable by the user that runs longwire and nobody else"
            }
            Self::Denied { .. } => {
                "give that user read access to the file and to the directories above it: `chown` the file to it, and `chmod 400`"
            }
            Self::Lines { .. } => "leave the secret alone there, on one line",
            Self::Env { .. } => "set it in the environment of the server",
            Self::NotText { .. } => "set it to the secret alone",
            Self::Stray { .. } => {
                "put the secret there again, without quotes, blanks or what cannot be seen"
            }
            Self::NoCredentials { .. } => {
                "use LoadCredential= in the unit, or refer to a file instead"
            }
            Self::Empty { .. } => "put the secret there",
        }
    }
}

impl SecretRef {
    /// A platform's secret, which holds nothing that only came along when it was copied.
    pub(crate) fn resolve_secret(&self, directory: &Path) -> Result<SecretString, SecretError> {
        let secret = self.resolve(directory)?;
        if secret.expose_secret().contains(['\r', '\n']) {
            let reference = self.clone();
            return Err(SecretError::Lines { reference });
        }
        match StrayCharacter::in_text(secret.expose_secret()) {
            None => Ok(secret),
            Some(stray) => Err(SecretError::Stray {
                reference: self.clone(),
                stray,
            }),
        }
    }

    /// The file that it leads to, seen from the working directory; a variable is in none. `directory` as in
    /// [`resolve`](Self::resolve).
    pub(crate) fn path(&self, directory: &Path) -> Option<PathBuf> {
        match self {
            Self::File(path) => Some(directory.join(path)),
            Self::Env(_) => None,
            Self::Credential(name) => {
                let credentials = std::env::var_os("CREDENTIALS_DIRECTORY")?;
                Some(Path::new(&credentials).join(name))
            }
        }
    }

    /// What it leads to. `directory` is what a relative file is relative to.
    pub(crate) fn resolve(&self, directory: &Path) -> Result<SecretString, SecretError> {
        let mut text = match self {
            Self::File(path) => read(&directory.join(path))?,
            Self::Env(name) => {
                let name = name.clone();
                std::env::var(&name).map_err(|error| match error {
                    VarError::NotPresent => SecretError::Env { name },
                    VarError::NotUnicode(_) => SecretError::NotText { name },
                })?
            }
            Self::Credential(name) => {
                let directory: Option<OsString> = std::env::var_os("CREDENTIALS_DIRECTORY");
                let directory =
                    directory.ok_or_else(|| SecretError::NoCredentials { name: name.clone() })?;
                read(&Path::new(&directory).join(name))?
            }
        };
        let secret = text.trim_end_matches(['\r', '\n']);
        if secret.trim().is_empty() {
            return Err(SecretError::Empty {
                reference: self.clone(),
            });
        }
        let secret = SecretString::from(secret);
        text.zeroize();
        Ok(secret)
    }
}

fn read(path: &Path) -> Result<String, SecretError> {
    std::fs::read_to_string(path).map_err(|source| {
        let path = path.to_owned();
        match source.kind() {
            io::ErrorKind::PermissionDenied => SecretError::Denied {
                path,
                user: ProcessUser::now(),
            },
            _ => SecretError::File { path, source },
        }
    })
}

impl fmt::Display for SecretRef {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::File(path) => write!(f, "file {}", path.display()),
            Self::Env(name) => write!(f, "variable {name}"),
            Self::Credential(name) => write!(f, "credential {name}"),
        }
    }
}

impl SecretRef {
    /// Reads the table form from a map that a visitor came upon.
    pub(super) fn from_map<'de, A: MapAccess<'de>>(map: A) -> Result<Self, A::Error> {
        Self::deserialize(de::value::MapAccessDeserializer::new(map))
    }
}

impl<'de> Deserialize<'de> for SecretRef {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Reference;
        impl<'de> Visitor<'de> for Reference {
            type Value = SecretRef;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(
                    "a reference: { file = \"…\" }, { env = \"…\" } or { credential = \"…\" }",
                )
            }

            // Does not repeat the text: it is the secret.
            fn visit_str<E: de::Error>(self, _secret: &str) -> Result<SecretRef, E> {
                Err(E::custom(
                    "a secret does not stand in the configuration; refer to it with { file = \"…\" }, { env = \
                     \"…\" } or { credential = \"…\" }",
                ))
            }

            fn visit_map<A: MapAccess<'de>>(self, map: A) -> Result<SecretRef, A::Error> {
                SecretRef::from_map(map)
            }
        }
        deserializer.deserialize_any(Reference)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_is_read_without_its_last_line_break() {
        let directory = tempfile::tempdir().expect("a temporary directory");
        std::fs::write(directory.path().join("secret"), "s3cr3t \r\n").expect("written");
        let secret = SecretRef::File("secret".into())
            .resolve(directory.path())
            .expect("resolves");
        assert_eq!(secret.expose_secret(), "s3cr3t ");
        let error = SecretRef::File("secret".into())
            .resolve_secret(directory.path())
            .expect_err("a blank came along");
        let told = error.to_string();
        assert!(
            told.ends_with("contains U+0020 SPACE at position 7") && !told.contains("s3cr3t"),
            "{told}"
        );
        std::fs::write(directory.path().join("secret"), "s3cr3t\nagain\n").expect("written");
        let error = SecretRef::File("secret".into()).resolve_secret(directory.path());
        let told = error.expect_err("two lines").to_string();
        assert!(
            told.ends_with("has more than one line") && !told.contains("s3cr3t"),
            "{told}"
        );
        std::fs::write(directory.path().join("secret"), "\n").expect("written");
        let error = SecretRef::File("secret".into())
            .resolve(directory.path())
            .expect_err("is empty");
        assert!(matches!(error, SecretError::Empty { .. }));
    }

    #[test]
    fn what_is_not_there_is_named() {
        let nowhere = Path::new("/nonexistent");
        let error = SecretRef::Env("LONGWIRE_TEST_NOT_SET".into())
            .resolve(nowhere)
            .expect_err("not set");
        assert!(error.to_string().contains("LONGWIRE_TEST_NOT_SET"));
        let error = SecretRef::File("gone".into())
            .resolve(nowhere)
            .expect_err("no file");
        assert!(error.to_string().contains("/nonexistent/gone"));
    }
}
