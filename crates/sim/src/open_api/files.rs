//! Images and files, as bots and people put them up. The oldest of an app are dropped.

use std::collections::{HashMap, VecDeque};

use bytes::Bytes;

/// Most bytes that are kept of one app's uploads: four of the longest.
const BYTES_PER_APP: usize = 128 * 1024 * 1024;
/// Most uploads of one app that are kept.
const FILES_PER_APP: usize = 10_000;

/// An image or file.
#[derive(Clone, Debug)]
pub(crate) struct StoredFile {
    /// The app that put it up; `None` for a person.
    pub(crate) app: Option<String>,
    pub(crate) name: String,
    pub(crate) kind: FileKind,
    pub(crate) content_type: &'static str,
    pub(crate) bytes: Bytes,
}

/// What it was put up as.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum FileKind {
    Image,
    /// `file_type`: `stream`, `opus`, `mp4` and so on.
    File(String),
}

/// All of them, by key.
#[derive(Debug, Default)]
pub(crate) struct Files {
    all: HashMap<String, StoredFile>,
    by_app: HashMap<Option<String>, Uploads>,
}

/// The keys of one app's uploads, oldest first.
#[derive(Debug, Default)]
struct Uploads {
    keys: VecDeque<String>,
    bytes: usize,
}

impl Files {
    pub(crate) fn keep(&mut self, key: String, file: StoredFile) {
        let uploads = self.by_app.entry(file.app.clone()).or_default();
        uploads.bytes += file.bytes.len();
        uploads.keys.push_back(key.clone());
        self.all.insert(key, file);
        while uploads.keys.len() > FILES_PER_APP
            || (uploads.bytes > BYTES_PER_APP && uploads.keys.len() > 1)
        {
            let Some(oldest) = uploads.keys.pop_front() else {
                break;
            };
            if let Some(file) = self.all.remove(&oldest) {
                uploads.bytes -= file.bytes.len();
            }
        }
    }

    pub(crate) fn get(&self, key: &str) -> Option<&StoredFile> {
        self.all.get(key)
    }
}

/// The media type of an image by its first bytes; `None` if it is none.
pub(crate) fn image_type(bytes: &[u8]) -> Option<&'static str> {
    let starts: [(&[u8], &str); 6] = [
        (b"\x89PNG\r\n\x1a\n", "image/png"),
        (b"\xff\xd8\xff", "image/jpeg"),
        (b"GIF8", "image/gif"),
        (b"BM", "image/bmp"),
        (b"II*\0", "image/tiff"),
        (b"MM\0*", "image/tiff"),
    ];
    if bytes.starts_with(b"RIFF") && bytes.get(8..12) == Some(b"WEBP") {
        return Some("image/webp");
    }
    let mut starts = starts.into_iter();
    let found = starts.find(|(start, _)| bytes.starts_with(start));
    found.map(|(_, name)| name)
}
