//! Where the store lies and how much it may hold back.

use std::path::{Path, PathBuf};

use crate::directory::beside;
use crate::store_url::StoreUrl;

/// Everything the store is told from outside.
#[derive(Clone, Debug)]
pub struct StoreSettings {
    /// `sqlite:PATH` or a plain path. The directory is made when it is missing.
    pub url: StoreUrl,
    /// The ring of keys that seal secrets; `None` means `PATH.key` beside the database. Made with
    /// its first key, and mode 0600, when neither it nor any sealed secret exists.
    pub key_file: Option<PathBuf>,
    /// Events that may wait for the writer, over all installations; fewer where the disk is slow.
    pub channel_events: usize,
    /// Bytes that those events may hold, payloads and fields together.
    pub channel_bytes: usize,
    /// Connections that answer queries at the same time.
    pub reader_connections: u32,
}

impl StoreSettings {
    /// The defaults, for the database at `url`.
    pub fn at(url: impl Into<String>) -> Self {
        Self {
            url: StoreUrl::new(url),
            ..Self::default()
        }
    }

    /// Where the keys lie that seal the secrets of the store in `database`.
    #[must_use]
    pub fn key_file_for(&self, database: &Path) -> PathBuf {
        self.key_file
            .clone()
            .unwrap_or_else(|| beside(database, ".key"))
    }
}

impl Default for StoreSettings {
    fn default() -> Self {
        Self {
            url: StoreUrl::new("sqlite:longwire.db"),
            key_file: None,
            // An eighth of a second at the writer's full speed: enough for a burst of every
            // connection, little enough that the answer to the last one is in time.
            channel_events: 16_384,
            // 2 KiB for each of them.
            channel_bytes: 32 * 1024 * 1024,
            reader_connections: 4,
        }
    }
}
