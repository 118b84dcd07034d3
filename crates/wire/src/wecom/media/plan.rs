//! Plans an upload: its kind and chunks, and the refusals that are known before it begins.

use std::ops::Range;

use super::MediaKind;
use crate::wecom::limit::FILE_NAME_BYTES;

/// Bytes of a chunk before Base64. The last chunk may be shorter.
pub const CHUNK_BYTES: u64 = 512 * 1024;
/// The largest number of chunks of one upload.
pub const MAX_CHUNKS: u64 = 100;
/// The shortest file the platform takes.
pub const MIN_BYTES: u64 = 5;

const MEGABYTE: u64 = 1024 * 1024;

/// The longest file of each kind, in bytes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct MediaLimits {
    /// The document says 2 MB, the platform's own plugin sends up to 10.
    pub image: u64,
    /// 2 MB.
    pub voice: u64,
    /// 10 MB.
    pub video: u64,
    /// 20 MB.
    pub file: u64,
}

impl Default for MediaLimits {
    fn default() -> MediaLimits {
        MediaLimits {
            image: 10 * MEGABYTE,
            voice: 2 * MEGABYTE,
            video: 10 * MEGABYTE,
            file: 20 * MEGABYTE,
        }
    }
}

impl MediaLimits {
    /// The longest file of this kind, in bytes.
    pub fn of(&self, kind: MediaKind) -> u64 {
        match kind {
            MediaKind::Image => self.image,
            MediaKind::Voice => self.voice,
            MediaKind::Video => self.video,
            MediaKind::File => self.file,
        }
    }

    /// The kind itself, or `File` if `len` is above the limit of the kind.
    pub fn fitting(&self, kind: MediaKind, len: u64) -> MediaKind {
        if len <= self.of(kind) {
            kind
        } else {
            MediaKind::File
        }
    }
}

/// Why the platform would refuse an upload.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum UploadRefusal {
    /// Below [`MIN_BYTES`].
    #[error("the file has {len} bytes, and the platform takes none below {MIN_BYTES}")]
    TooShort {
        /// Its length in bytes.
        len: u64,
    },
    /// Above [`MediaLimits`].
    #[error("the file has {len} bytes, and at most {max} can be sent as {}", kind.name())]
    TooLong {
        /// Its length in bytes.
        len: u64,
        /// The limit in bytes.
        max: u64,
        /// The kind that it was to be sent as.
        kind: MediaKind,
    },
    /// The name is empty.
    #[error("the file has no name")]
    NoName,
    /// Above [`FILE_NAME_BYTES`].
    #[error("the file's name has {len} bytes, and the platform takes at most {FILE_NAME_BYTES}")]
    NameTooLong {
        /// Its length in bytes of UTF-8.
        len: usize,
    },
    /// Above [`MAX_CHUNKS`].
    #[error("file too large: {chunks} chunks (max {MAX_CHUNKS})")]
    TooManyChunks {
        /// The number of chunks that the file needs.
        chunks: u64,
    },
}

/// Checks that the platform takes a file with this name.
pub fn check_name(file_name: &str) -> Result<(), UploadRefusal> {
    match file_name.len() {
        0 => Err(UploadRefusal::NoName),
        1..=FILE_NAME_BYTES => Ok(()),
        len => Err(UploadRefusal::NameTooLong { len }),
    }
}

/// The kind, length and chunks of one upload.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct UploadPlan {
    len: u64,
    kind: MediaKind,
}

impl UploadPlan {
    /// The plan for a file of `len` bytes.
    pub fn of(
        len: u64,
        kind: MediaKind,
        limits: &MediaLimits,
    ) -> Result<UploadPlan, UploadRefusal> {
        if len < MIN_BYTES {
            return Err(UploadRefusal::TooShort { len });
        }
        let plan = UploadPlan { len, kind };
        let chunks = plan.chunk_count();
        if chunks > MAX_CHUNKS {
            return Err(UploadRefusal::TooManyChunks { chunks });
        }
        let max = limits.of(kind);
        if len > max {
            return Err(UploadRefusal::TooLong { len, max, kind });
        }
        Ok(plan)
    }

    /// The file's length in bytes: `total_size`.
    pub fn total_size(&self) -> u64 {
        self.len
    }

    /// The kind that the file is sent as.
    pub fn kind(&self) -> MediaKind {
        self.kind
    }

    /// `total_chunks`, 1 to [`MAX_CHUNKS`].
    pub fn chunk_count(&self) -> u64 {
        self.len.div_ceil(CHUNK_BYTES)
    }

    /// The byte range of each chunk, by index from 0. The platform takes chunks in any order, and ignores one that comes
    /// twice.
    pub fn chunks(&self) -> impl ExactSizeIterator<Item = Range<u64>> + use<> {
        let len = self.len;
        // There are at most 100 chunks, so the iterator's size is exact on any machine.
        (0..self.chunk_count() as u32).map(move |index| {
            let start = u64::from(index) * CHUNK_BYTES;
            start..len.min(start + CHUNK_BYTES)
        })
    }
}
