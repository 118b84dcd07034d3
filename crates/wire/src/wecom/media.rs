//! Files: what a callback links to, and uploads.
//!
//! A download is encrypted with a key of its own ([`decrypt`]) and named by its HTTP header
//! ([`file_name`]). An upload goes in chunks; [`UploadPlan`] says which, [`upload`] writes the bodies
//! of its three steps and reads their answers.

mod decrypt;
mod file_name;
mod kind;
mod plan;
pub mod upload;

pub use self::decrypt::{DecryptError, decrypt};
pub use self::file_name::file_name;
pub use self::kind::Kind;
pub use self::plan::{
    CHUNK_BYTES, Limits, MAX_CHUNKS, MIN_BYTES, UploadPlan, UploadRefusal, check_name,
};
