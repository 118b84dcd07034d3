//! A file of a user, as a push carries it.

use bytes::Bytes;
use serde::{Deserialize, Serialize};

use crate::serde_forms::base64_bytes;

/// A file that a user sends.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Media {
    /// Its content. Base64 in JSON.
    #[serde(with = "base64_bytes")]
    pub bytes: Bytes,
    /// Its name, which only the download's header carries.
    #[serde(default)]
    pub file_name: Option<String>,
}

impl Media {
    /// A file with a name.
    pub fn new(file_name: &str, bytes: impl Into<Bytes>) -> Self {
        Self {
            bytes: bytes.into(),
            file_name: Some(file_name.to_owned()),
        }
    }
}
