//! What a bot is given before others: a permit to connect, and a permit for an open socket.

use std::time::{Duration, Instant};

use super::Link;
use super::live::StableConnection;
use crate::connect_scheduler::{AttemptPriority, Stability};
use crate::state::State;

/// For this long after a stable connection, a bot connects before others. A longer outage has made all bots of a platform
/// equal.
const RECENTLY: Duration = Duration::from_secs(10 * 60);

/// After this number of failures in a row, some four minutes, a bot gives back its socket permit. A short outage of one
/// platform must not give its bots' permits to others, and a long one must not leave them unused.
const FAILURES_WITH_PERMIT: u32 = 10;

impl Link {
    /// The order among the bots that want to connect.
    #[must_use]
    pub fn priority(&self, now: Instant) -> AttemptPriority {
        let is_recent =
            |last: StableConnection| now.saturating_duration_since(last.ended) < RECENTLY;
        AttemptPriority {
            stability: if self.last_stable.is_some_and(is_recent) {
                Stability::Recent
            } else {
                Stability::NotRecent
            },
            failures: self.failures(),
        }
    }

    /// Whether the bot keeps its socket permit, if the process grants only so many. A bot that is live or tries to be
    /// keeps it. Between two attempts a bot keeps it if it was connected before, for ten failures.
    #[must_use]
    pub fn keeps_socket_permit(&self) -> bool {
        match self.state {
            State::Queued | State::Bootstrapping | State::Dialing | State::Live { .. } => true,
            State::BackingOff { .. } => {
                self.opened_before && self.failures() <= FAILURES_WITH_PERMIT
            }
            State::Stopped
            | State::Webhook
            | State::Refused { .. }
            | State::Displaced { .. }
            | State::Restarting { .. } => false,
        }
    }
}
