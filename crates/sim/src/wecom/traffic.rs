//! The settings of a flood. Paced traffic is [`crate::Traffic`], which both platforms use.

use serde::{Deserialize, Serialize};

/// Messages as fast as the sockets of the bots' holders take them; only TCP limits the rate. A platform without
/// acknowledgements cannot have a closed loop.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Flood {
    /// The bots; empty means all.
    #[serde(alias = "bots")]
    pub apps: Vec<String>,
    /// Size of a message's frame.
    pub payload_bytes: usize,
    /// Stop after this many messages.
    pub total: Option<u64>,
    /// Stop after this many seconds.
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
