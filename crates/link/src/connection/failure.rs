//! A failed attempt or a lost connection, and what the link does next.

use std::time::Instant;

use super::{Action, CloseReason, Link};
use crate::backoff::FirstProbe;
use crate::generation::Generation;
use crate::setback::{Disposition, RetryPace, Setback};
use crate::state::State;

/// After this number of failures in a row, whatever their causes, the link has an alarm (S87, S125: other clients give up
/// then).
pub const ALARM_AFTER: u32 = 5;

impl Link {
    /// The bootstrap or the dial failed, or the connection is lost; the state says which.
    pub fn handle_setback(&mut self, generation: Generation, setback: Setback, now: Instant) {
        if self.is_renewing(generation) {
            return self.renewal_failed(setback, now);
        }
        if !self.is_current(generation) {
            return;
        }
        match self.state {
            State::Live { .. } => {
                self.close(CloseReason::Lost(setback));
                self.fail(setback, now);
            }
            State::Queued | State::Bootstrapping | State::Dialing => self.fail(setback, now),
            // The same end is reported twice.
            State::BackingOff { .. }
            | State::Refused { .. }
            | State::Displaced { .. }
            | State::Restarting { .. }
            | State::Webhook
            | State::Stopped => {}
        }
    }

    /// Whether this series of attempts is longer than the platform's `ReconnectCount` allows. This is only shown.
    #[must_use]
    pub fn attempts_exceeded(&self) -> bool {
        let attempts = self.backoff.attempts();
        !self.answered_ping
            && self
                .settings
                .reconnect_count
                .is_some_and(|count| attempts > count)
    }

    /// Whether an operator should look: at least [`ALARM_AFTER`] attempts in a row failed, and no connection has been
    /// stable since.
    #[must_use]
    pub fn has_alarm(&self) -> bool {
        self.failures() >= ALARM_AFTER
    }

    /// Failures in a row since the last stable connection.
    #[must_use]
    pub fn failures(&self) -> u32 {
        self.backoff.attempts()
    }

    /// Enters the state that follows from the setback.
    pub(super) fn fail(&mut self, setback: Setback, now: Instant) {
        let was_stable = self.end_live(now);
        if let Some(since) = self.displaced_by_another(setback) {
            return self.leave_to_another(since);
        }
        match setback.disposition() {
            Disposition::Retry(pace) => {
                self.give_up_idle_renewal();
                let state = self.retry(pace, was_stable, setback, now);
                self.enter(state, None);
            }
            Disposition::Refuse => {
                self.give_up_idle_renewal();
                let until = now + self.backoff.probe_delay(self.first_probe());
                let reason = setback;
                self.enter(State::Refused { until, reason }, None);
            }
            Disposition::Yield => {
                if !self.yield_to_renewal(now) {
                    self.leave_to_another(now);
                }
            }
        }
    }

    /// Another program has had the bot since then.
    fn leave_to_another(&mut self, since: Instant) {
        self.give_up_renewal(CloseReason::Lost(Setback::Displaced));
        self.enter_displaced(since);
        self.actions.push_back(Action::RecordDisplaced);
    }

    fn retry(&mut self, pace: RetryPace, was_stable: bool, reason: Setback, now: Instant) -> State {
        // An orderly close soon after the opening counts as a failure: a server that accepts and closes must not cause a
        // tight loop of attempts.
        let pace = if pace == RetryPace::Clean && !was_stable {
            RetryPace::Normal
        } else {
            pace
        };
        let delay = self.backoff.delay(pace, &self.settings, now);
        State::BackingOff {
            until: now + delay,
            attempt: match pace {
                RetryPace::Clean => 0,
                RetryPace::Normal | RetryPace::Busy | RetryPace::Limited => self.backoff.attempts(),
            },
            reason,
        }
    }

    /// How soon a refusal is checked.
    fn first_probe(&self) -> FirstProbe {
        match self.last_stable {
            Some(last) if last.length >= self.timing.long_life => FirstProbe::Early,
            _ => FirstProbe::Usual,
        }
    }
}
