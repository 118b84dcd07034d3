//! The sealing key, as far as anybody may know of it.

use longwire_store::RotatedKeys;
use serde::{Deserialize, Serialize};

/// `POST /secrets/rotate`.
#[derive(Debug, Serialize, Deserialize)]
pub struct RotatedKeysDocument {
    /// The id of the new key, as sealed secrets name it.
    pub key_id: String,
    /// How many secrets were sealed again.
    pub secrets: usize,
    /// Former keys that are still in the key file, because it could not be written a second time.
    pub former_keys: usize,
}

impl From<&RotatedKeys> for RotatedKeysDocument {
    fn from(rotated: &RotatedKeys) -> Self {
        Self {
            key_id: rotated.key_id.clone(),
            secrets: rotated.secrets,
            former_keys: rotated.former_keys,
        }
    }
}
