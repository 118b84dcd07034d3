//! `[relay]`: programs built on the platforms' SDKs, connected here instead of to the platform.

use std::time::Duration;

use longwire_relay::proxy::Pacing;
use longwire_relay::{PublicUrl, RelayLimits};
use serde::de::Error as _;
use serde::{Deserialize, Deserializer};

use super::duration;

/// `[relay]`: programs built on the platforms' SDKs, connected here instead of to the platform.
#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub(crate) struct RelaySection {
    /// Whether programs may connect. Without a token of the scope `relay` none can.
    pub(crate) enabled: bool,
    /// Connections at once.
    pub(crate) connections: usize,
    /// Connections of one space at once. As many as there are unless set: a host may serve one space alone.
    pub(crate) connections_per_space: Option<usize>,
    /// How long a program's handler may take for an event, for consumers that are made when a token connects first.
    #[serde(deserialize_with = "duration::deserialize")]
    pub(crate) handler_limit: Duration,
    /// How often SDKs of Feishu and Lark are asked to ping.
    #[serde(deserialize_with = "duration::deserialize")]
    pub(crate) ping_interval: Duration,
    /// Whether calls of the Open API wait for their turn, by the limits that the platform publishes.
    pub(crate) pace_calls: bool,
    /// How programs reach the public listener, if not by the host that they ask for.
    #[serde(deserialize_with = "public_url")]
    pub(crate) public_url: Option<PublicUrl>,
}

impl Default for RelaySection {
    fn default() -> Self {
        Self {
            enabled: true,
            connections: 10_000,
            connections_per_space: None,
            // A model that thinks and calls tools takes minutes, and a program that hangs is to be noticed.
            handler_limit: Duration::from_secs(600),
            ping_interval: Duration::from_secs(30),
            pace_calls: true,
            public_url: None,
        }
    }
}

impl RelaySection {
    /// Whether calls wait for their turn.
    pub(crate) fn pacing(&self) -> Pacing {
        match self.pace_calls {
            true => Pacing::AsPublished,
            false => Pacing::Off,
        }
    }

    /// Connections in a process that may open so many files; `None` is any number. One in sixteen is set aside for them.
    pub(crate) fn limits(&self, open_files: Option<u64>) -> RelayLimits {
        let share = open_files.map_or(u64::MAX, |limit| limit / 16);
        let share = usize::try_from(share).unwrap_or(usize::MAX);
        let connections = match self.enabled {
            true => self.connections.min(share),
            false => 0,
        };
        RelayLimits {
            connections,
            connections_per_space: self.connections_per_space.unwrap_or(connections),
        }
    }
}

fn public_url<'de, D: Deserializer<'de>>(value: D) -> Result<Option<PublicUrl>, D::Error> {
    let text = String::deserialize(value)?;
    text.parse().map(Some).map_err(D::Error::custom)
}
