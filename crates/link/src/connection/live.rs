//! The live connection: its pongs, and whether it proves to be stable.

use std::time::{Duration, Instant};

use longwire_wire::endpoint::ClientConfig;

use super::Link;
use crate::connection_settings::IgnoredSetting;
use crate::generation::Generation;
use crate::state::State;

/// A stable connection that has ended.
#[derive(Copy, Clone, Debug)]
pub(super) struct StableConnection {
    pub(super) ended: Instant,
    pub(super) length: Duration,
}

impl Link {
    /// A pong came. Returns the settings that were ignored.
    pub fn handle_pong(
        &mut self,
        generation: Generation,
        config: Option<&ClientConfig>,
        now: Instant,
    ) -> Vec<IgnoredSetting> {
        if self.is_renewing(generation) {
            self.renewal_answered(now);
        }
        let State::Live { since } = self.state else {
            return Vec::new();
        };
        if !self.is_current(generation) {
            return Vec::new();
        }
        self.answered_ping = true;
        if self.has_alarm() {
            // The alarm ends when this connection is stable, which it may be already.
            self.deadline = Some(since + self.timing.stable_after);
            self.handle_timeout(now);
        }
        self.apply(config)
    }

    /// The distance of pings: the platform's, or the operator's if that is shorter. Only the operator knows the devices
    /// on the way that drop silent connections.
    #[must_use]
    pub fn ping_interval(&self) -> Duration {
        self.settings.ping_interval.min(self.timing.ping_interval)
    }

    /// The time after which the live connection is stable has come.
    pub(super) fn check_stability(&mut self, now: Instant) {
        self.deadline = None;
        if self.is_stable(now) {
            self.backoff.start_over();
        }
    }

    /// Ends the series of failures if the live connection, which is lost now, was stable. Returns whether it was.
    pub(super) fn end_live(&mut self, now: Instant) -> bool {
        let is_stable = self.is_stable(now);
        if let State::Live { since } = self.state
            && is_stable
        {
            self.backoff.start_over();
            self.last_stable = Some(StableConnection {
                ended: now,
                length: now.saturating_duration_since(since),
            });
        }
        is_stable
    }

    /// Whether the live connection is stable: it has answered a ping and has lived long enough. A pong alone is no
    /// proof: with a nonce of 0, a server that answers one ping and drops would cause a tight loop of attempts.
    fn is_stable(&self, now: Instant) -> bool {
        matches!(self.state, State::Live { since }
            if self.answered_ping && now.saturating_duration_since(since) >= self.timing.stable_after)
    }
}
