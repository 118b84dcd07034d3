//! How an application answers.

use std::time::Duration;

use serde::{Deserialize, Serialize};

/// What an application does with a webhook. It takes the event into its ledger unless it is dead.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
pub(crate) enum ReceiverBehaviour {
    /// Answers with this status.
    Answer {
        /// 200 to 599.
        status: u16,
        /// After so many milliseconds.
        #[serde(default)]
        after_ms: u64,
    },
    /// Takes everything, and replies to one message in so many with its own text.
    Echo {
        /// At least 1.
        one_in: u64,
    },
    /// Reads the request and never answers.
    Hang,
    /// Nobody listens, and every connection has ended.
    Refuse,
}

impl Default for ReceiverBehaviour {
    fn default() -> Self {
        Self::Answer {
            status: 200,
            after_ms: 0,
        }
    }
}

impl ReceiverBehaviour {
    /// Takes events and says that they are done.
    pub(super) fn takes(self) -> bool {
        match self {
            Self::Answer { status, .. } => (200..300).contains(&status),
            Self::Echo { .. } => true,
            Self::Hang | Self::Refuse => false,
        }
    }

    /// How long the answer takes.
    pub(super) fn delay(self) -> Option<Duration> {
        match self {
            Self::Answer { after_ms: 0, .. } | Self::Echo { .. } | Self::Hang | Self::Refuse => {
                None
            }
            Self::Answer { after_ms, .. } => Some(Duration::from_millis(after_ms)),
        }
    }
}
