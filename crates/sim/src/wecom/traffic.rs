//! Made-up traffic without a pace. Paced traffic is the [`crate::Traffic`] that both platforms share.

use serde::{Deserialize, Serialize};

/// Messages as fast as the sockets of the bots' holders take them: on a platform without acknowledgement
/// the closest there is to a closed loop. TCP alone holds it back.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Flood {
    /// The bots; empty means all.
    #[serde(alias = "bots")]
    pub apps: Vec<String>,
    /// Size of a message's frame.
    pub payload_bytes: usize,
    /// Stop after so many messages.
    pub total: Option<u64>,
    /// Stop after so many seconds.
    pub seconds: Option<f64>,
}

impl Default for Flood {
    fn default() -> Self {
        Self {
            apps: Vec::new(),
            payload_bytes: 1024,
            total: None,
            seconds: None,
        }
    }
}
