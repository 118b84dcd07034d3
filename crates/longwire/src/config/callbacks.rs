//! `[callbacks]`: what Feishu and Lark post to this process.

use std::sync::Arc;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use longwire_api::{AddressTest, CallbackRules, CallbackSources};
use longwire_egress::NetworkList;
use longwire_wire::callback::ReplayWindow;
use serde::Deserialize;

use super::{duration, size};

/// `[callbacks]`: what Feishu and Lark post to this process.
#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub(crate) struct CallbacksSection {
    /// Addresses that callbacks may come from; any if empty.
    pub(crate) sources: Vec<String>,
    /// Reverse proxies whose `X-Forwarded-For` says where a callback comes from.
    pub(crate) trusted_proxies: Vec<String>,
    /// The longest body.
    #[serde(deserialize_with = "size::deserialize")]
    pub(crate) body: usize,
    /// How far the time of a signature may be from now; 0 is any time.
    #[serde(deserialize_with = "duration::deserialize")]
    pub(crate) replay_window: Duration,
}

impl Default for CallbacksSection {
    fn default() -> Self {
        Self {
            sources: Vec::new(),
            trusted_proxies: Vec::new(),
            body: 1 << 20,
            // The last repeat comes 7 h 5 min after the first try, perhaps with the time of that.
            replay_window: Duration::from_secs(8 * 60 * 60),
        }
    }
}

impl CallbacksSection {
    /// What the route is told.
    pub(crate) fn rules(&self) -> CallbackRules {
        CallbackRules {
            sources: CallbackSources {
                allowed: test(&self.sources),
                proxies: test(&self.trusted_proxies),
            },
            body_bytes: self.body,
            window: match self.replay_window {
                Duration::ZERO => ReplayWindow::OFF,
                window => ReplayWindow::within(window),
            },
            now_ms,
        }
    }
}

fn test(entries: &[String]) -> Option<AddressTest> {
    if entries.is_empty() {
        return None;
    }
    let list = NetworkList::from_entries(entries);
    let list = list.expect("validation has accepted the entries");
    let list: AddressTest = Arc::new(move |address| list.contains(address));
    Some(list)
}

fn now_ms() -> i64 {
    let since = SystemTime::now().duration_since(UNIX_EPOCH);
    since.map_or(0, |since| {
        i64::try_from(since.as_millis()).unwrap_or(i64::MAX)
    })
}
