//! Where a store is kept: the one place that reads its address.
//!
//! `sqlite:PATH` or a bare path is a file. The address of a database server may hold a password, so an address prints
//! itself without anything behind its scheme unless it is a file.

use std::fmt;
use std::path::{Path, PathBuf};

use serde::Deserialize;

/// The address of a store, as the configuration has it.
#[derive(Clone, Deserialize, Eq, PartialEq)]
#[serde(transparent)]
pub struct StoreUrl(String);

/// The address of a store cannot be used. Its text holds no part of the address but the scheme.
#[derive(Clone, Debug, Eq, PartialEq, thiserror::Error)]
pub enum StoreUrlError {
    /// It is the address of a PostgreSQL server.
    #[error("postgres: this version has no PostgreSQL built in")]
    PostgresNotBuiltIn,
    /// Its scheme is unknown.
    #[error("{scheme}: is no store this build can open")]
    UnknownScheme {
        /// What stands before the colon.
        scheme: String,
    },
    /// It names no file, or one that lives in memory.
    #[error("the store's address names no file")]
    NoFile,
}

impl StoreUrlError {
    /// What an operator does about it.
    #[must_use]
    pub fn advice(&self) -> &'static str {
        match self {
            Self::PostgresNotBuiltIn => {
                "give a path, or `sqlite:PATH`, on a disk of this host; a store cannot be shared by several hosts yet"
            }
            Self::UnknownScheme { .. } | Self::NoFile => "give a path, or `sqlite:PATH`",
        }
    }
}

impl StoreUrl {
    /// An address in any of the accepted forms. It is read when the store is opened.
    pub fn new(text: impl Into<String>) -> Self {
        Self(text.into())
    }

    /// Whether nothing is written.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// The same address with its path taken from this directory: a bare path without any colon, and `sqlite:PATH` whose
    /// path begins with no slash. Every other address stays as it is written, so a relative path in it is seen from the
    /// working directory.
    #[must_use]
    pub fn relative_to(&self, directory: &Path) -> Self {
        let path = match self.0.strip_prefix("sqlite:") {
            Some(path) => path,
            None if self.0.contains(':') => return self.clone(),
            None => self.0.as_str(),
        };
        // An address that names no file is refused as it is written: joined, `sqlite::memory:` would name one.
        if path.starts_with('/') || self.file().is_err() {
            return self.clone();
        }
        Self(format!("sqlite:{}", directory.join(path).display()))
    }

    /// The file that it names, as it is written.
    ///
    /// # Errors
    /// It names no file, or a kind of store that this build cannot open.
    pub fn file(&self) -> Result<PathBuf, StoreUrlError> {
        let path = match self.scheme() {
            None => self.0.as_str(),
            Some(scheme @ ("sqlite" | "file")) => {
                let rest = &self.0[scheme.len() + 1..];
                rest.strip_prefix("//").unwrap_or(rest)
            }
            Some(scheme) if ["postgres", "postgresql"].contains(&&*scheme.to_ascii_lowercase()) => {
                return Err(StoreUrlError::PostgresNotBuiltIn);
            }
            Some(scheme) => {
                return Err(StoreUrlError::UnknownScheme {
                    scheme: scheme.to_owned(),
                });
            }
        };
        if path.is_empty() || path.starts_with(':') || path.ends_with('/') {
            return Err(StoreUrlError::NoFile);
        }
        Ok(PathBuf::from(path))
    }

    /// What stands before the first colon, unless this is a path. One letter alone is no scheme.
    fn scheme(&self) -> Option<&str> {
        let (before, behind) = self.0.split_once(':')?;
        let is_word = before.len() > 1 && before.bytes().all(|byte| byte.is_ascii_alphanumeric());
        let is_url = behind.starts_with("//") && !before.is_empty() && !before.contains('/');
        (is_word || is_url).then_some(before)
    }
}

impl fmt::Display for StoreUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.file() {
            Ok(_) | Err(StoreUrlError::NoFile) => f.write_str(&self.0),
            Err(StoreUrlError::PostgresNotBuiltIn | StoreUrlError::UnknownScheme { .. }) => {
                write!(f, "{}:…", self.scheme().unwrap_or_default())
            }
        }
    }
}

impl fmt::Debug for StoreUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "StoreUrl({self})")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_path_and_a_sqlite_address_name_a_file() {
        for (url, path) in [
            ("sqlite:/a/b.db", "/a/b.db"),
            ("sqlite:///a/b.db", "/a/b.db"),
            ("file:/a/b.db", "/a/b.db"),
            ("/a/b.db", "/a/b.db"),
            ("/a:b/c.db", "/a:b/c.db"),
            ("b.db", "b.db"),
            ("sqlite:b.db", "b.db"),
            ("./x://y", "./x://y"),
        ] {
            assert_eq!(
                StoreUrl::new(url).file().as_deref(),
                Ok(Path::new(path)),
                "{url}"
            );
            assert_eq!(StoreUrl::new(url).to_string(), url);
        }
        for url in ["", "sqlite:", ":memory:", "sqlite::memory:", "/a/"] {
            assert_eq!(
                StoreUrl::new(url).file(),
                Err(StoreUrlError::NoFile),
                "{url}"
            );
        }
    }

    /// Versions before this one opened the same files. Another file would be a new and empty database.
    #[test]
    fn only_a_bare_path_and_a_relative_sqlite_path_are_seen_from_a_directory() {
        for (url, seen, file) in [
            ("b.db", "sqlite:etc/b.db", "etc/b.db"),
            ("a/b.db", "sqlite:etc/a/b.db", "etc/a/b.db"),
            ("./b.db", "sqlite:etc/./b.db", "etc/b.db"),
            ("../b.db", "sqlite:etc/../b.db", "etc/../b.db"),
            ("sqlite:b.db", "sqlite:etc/b.db", "etc/b.db"),
            ("sqlite:./b.db", "sqlite:etc/./b.db", "etc/b.db"),
            ("sqlite:a:b.db", "sqlite:etc/a:b.db", "etc/a:b.db"),
            ("sqlite:/b.db", "sqlite:/b.db", "/b.db"),
            ("sqlite:///b.db", "sqlite:///b.db", "/b.db"),
            ("/b.db", "/b.db", "/b.db"),
            ("/a:b.db", "/a:b.db", "/a:b.db"),
            // As they are written, so seen from the working directory.
            ("sqlite://b.db", "sqlite://b.db", "b.db"),
            ("file:b.db", "file:b.db", "b.db"),
            ("file://b.db", "file://b.db", "b.db"),
            ("file:/b.db", "file:/b.db", "/b.db"),
            ("./a:b.db", "./a:b.db", "./a:b.db"),
            ("a:b.db", "a:b.db", "a:b.db"),
        ] {
            let relative = StoreUrl::new(url).relative_to(Path::new("etc"));
            assert_eq!(relative, StoreUrl::new(seen), "{url}");
            assert_eq!(relative.file().as_deref(), Ok(Path::new(file)), "{url}");
        }
        for url in ["", "sqlite:", "sqlite::memory:", ":memory:", "sqlite:a/"] {
            let relative = StoreUrl::new(url).relative_to(Path::new("etc"));
            assert_eq!(relative.file(), Err(StoreUrlError::NoFile), "{url}");
        }
    }

    #[test]
    fn what_this_build_cannot_open_is_named_without_its_credentials() {
        for (url, scheme) in [
            ("postgres://u:canary@host/db", "postgres"),
            ("PostgreSQL://u:canary@host/db", "PostgreSQL"),
            ("mysql://u:canary@host/db", "mysql"),
            ("postgres+tls://u:canary@host/db", "postgres+tls"),
            ("user:canary@host/db", "user"),
        ] {
            let url = StoreUrl::new(url);
            let error = url.file().expect_err("no file");
            let is_postgres = scheme.eq_ignore_ascii_case("postgres")
                || scheme.eq_ignore_ascii_case("postgresql");
            assert_eq!(
                error == StoreUrlError::PostgresNotBuiltIn,
                is_postgres,
                "{url}"
            );
            assert_eq!(url.to_string(), format!("{scheme}:…"));
            let seen = url.relative_to(Path::new("etc"));
            for printed in [
                format!("{url:?} {url}"),
                format!("{seen:?} {seen}"),
                format!("{error:?} {error} {}", error.advice()),
            ] {
                assert!(!printed.contains("canary"), "{printed}");
            }
        }
    }
}
