//! Files: downloads that a callback links to, and uploads. Nothing here reads a file or calls the platform.
//!
//! A download is encrypted with a key of its own ([`decrypt`]), and its name is in an HTTP header ([`file_name`]). An
//! upload is sent in chunks: [`UploadPlan`] computes them, [`upload`] writes the bodies of the three steps and reads
//! their answers.

mod decrypt;
mod file_name;
mod kind;
mod plan;
pub mod upload;

pub use self::decrypt::{DecryptError, decrypt};
pub use self::file_name::file_name;
pub use self::kind::MediaKind;
pub use self::plan::{
    CHUNK_BYTES, MAX_CHUNKS, MIN_BYTES, MediaLimits, UploadPlan, UploadRefusal, check_name,
};
