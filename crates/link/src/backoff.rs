//! The delay before the next attempt of one installation.
//!
//! After a loss the first delay is random below the platform's `ReconnectNonce`, as in every official SDK. The SDKs then
//! retry at a fixed distance and reset with the next connection, so a server that accepts and drops causes a tight loop.
//! Here the steps grow (1 s, 2 s, 4 s … up to the platform's `ReconnectInterval`, at most 60 s), each delay is random below
//! its step, and only a stable connection starts the series over. The backoff never gives up.
//!
//! This is the only file that names the `backoff` crate. It uses the crate's arithmetic alone: random numbers come from our
//! seed, time comes from the caller, and there is no maximum elapsed time.

use std::sync::Arc;
use std::time::{Duration, Instant};

use ::backoff::backoff::Backoff as _;
use ::backoff::exponential::ExponentialBackoff;

use crate::connection_settings::ConnectionSettings;
use crate::jitter::Jitter;
use crate::setback::RetryPace;
use crate::timing::Timing;

/// The jitter of delays of the busy and limited paces, on top of their base.
const PACE_JITTER_PERCENT: u32 = 25;
/// The jitter of the delay before a probe, on top of its base.
const PROBE_JITTER_PERCENT: u32 = 10;
/// The delays before the first probes, in multiples of [`Timing::refused_base`]: about 1, 2, 5 and 15 minutes. A single
/// refusal may be an error of the platform or of a device on the way. Each repetition makes it more credible.
const PROBE_STEPS: [u32; 4] = [1, 2, 5, 15];

/// When the first probe of a series of refusals comes.
#[derive(Copy, Clone, PartialEq, Eq, Debug)]
pub enum FirstProbe {
    /// After [`Timing::refused_base`].
    Usual,
    /// After [`Timing::refused_early`], because a connection lived long before the first refusal.
    Early,
}

/// Computes the delays of one installation.
#[derive(Clone, Debug)]
pub struct Backoff {
    timing: Arc<Timing>,
    jitter: Jitter,
    /// Setbacks since the last stable connection.
    attempts: u32,
    /// Those of them that were refusals and led to no early probe.
    refusals: u32,
    /// Whether this series had its early probe.
    probed_early: bool,
    /// The next step of [`RetryPace::Normal`].
    normal: Duration,
    /// The next step of [`RetryPace::Limited`].
    limited: Duration,
}

impl Backoff {
    /// A new series. Equal seeds give equal delays.
    #[must_use]
    pub fn new(timing: impl Into<Arc<Timing>>, seed: u64) -> Self {
        let timing = timing.into();
        Self {
            jitter: Jitter::new(seed),
            attempts: 0,
            refusals: 0,
            probed_early: false,
            normal: timing.backoff_base,
            limited: timing.limited_base,
            timing,
        }
    }

    /// Setbacks since the last stable connection, which is also the number of the attempt that follows.
    #[must_use]
    pub fn attempts(&self) -> u32 {
        self.attempts
    }

    /// The delay before the next attempt.
    pub fn delay(
        &mut self,
        pace: RetryPace,
        settings: &ConnectionSettings,
        now: Instant,
    ) -> Duration {
        match pace {
            RetryPace::Clean => self.first_delay(settings),
            RetryPace::Normal => {
                self.count();
                if self.attempts == 1 {
                    self.first_delay(settings)
                } else {
                    self.grown_delay(settings, now)
                }
            }
            RetryPace::Busy => {
                self.count();
                self.jitter.stretched(self.timing.busy, PACE_JITTER_PERCENT)
            }
            RetryPace::Limited => {
                self.count();
                let step = self.limited;
                self.limited = doubled(step, self.timing.limited_cap, now);
                self.jitter.stretched(step, PACE_JITTER_PERCENT)
            }
        }
    }

    /// The delay before a refused installation is probed. It grows with every refusal of the series. An early probe comes
    /// in addition.
    pub fn probe_delay(&mut self, first: FirstProbe) -> Duration {
        self.count();
        let base = self.timing.refused_base;
        let step = if first == FirstProbe::Early && !self.probed_early {
            self.probed_early = true;
            self.timing.refused_early.min(base)
        } else {
            let nth = usize::try_from(self.refusals).unwrap_or(usize::MAX);
            self.refusals = self.refusals.saturating_add(1);
            PROBE_STEPS
                .get(nth)
                .map_or(self.timing.refused_probe, |times| {
                    base.saturating_mul(*times)
                })
        };
        let step = step.min(self.timing.refused_probe);
        self.jitter.stretched(step, PROBE_JITTER_PERCENT)
    }

    /// Begins a new series, after a stable connection or by an operator's decision.
    pub fn start_over(&mut self) {
        self.attempts = 0;
        self.refusals = 0;
        self.probed_early = false;
        self.normal = self.timing.backoff_base;
        self.limited = self.timing.limited_base;
    }

    /// A seed for another one, which this one's delays do not depend on.
    pub(crate) fn draw(&mut self) -> u64 {
        self.jitter.next()
    }

    fn count(&mut self) {
        self.attempts = self.attempts.saturating_add(1);
    }

    fn first_delay(&mut self, settings: &ConnectionSettings) -> Duration {
        let nonce = settings.reconnect_nonce.min(self.timing.nonce_cap);
        self.jitter.below(nonce)
    }

    fn grown_delay(&mut self, settings: &ConnectionSettings, now: Instant) -> Duration {
        let ceiling = settings
            .reconnect_interval
            .max(self.timing.backoff_base)
            .min(self.timing.backoff_cap);
        // The platform may have lowered the ceiling after the step was computed.
        let step = self.normal.min(ceiling);
        self.normal = doubled(step, ceiling, now);
        self.jitter.below(step)
    }
}

/// Twice `step`, at most `ceiling`.
fn doubled(step: Duration, ceiling: Duration, now: Instant) -> Duration {
    let mut steps = ExponentialBackoff {
        current_interval: step,
        initial_interval: step,
        randomization_factor: 0.0,
        multiplier: 2.0,
        max_interval: ceiling,
        start_time: now,
        max_elapsed_time: None,
        clock: FixedClock(now),
    };
    // The returned value contains the crate's own random number; the step does not.
    let _ = steps.next_backoff();
    steps.current_interval
}

/// A clock that stands still at the caller's `now`.
struct FixedClock(Instant);

impl ::backoff::Clock for FixedClock {
    fn now(&self) -> Instant {
        self.0
    }
}

#[cfg(test)]
mod tests;
