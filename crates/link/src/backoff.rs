//! How long to wait before the next attempt.
//!
//! After a loss the first delay is random below the platform's `ReconnectNonce`, as in every official SDK.
//! Those then try at fixed distances and forget everything with the next connection, so a server that accepts
//! and drops gets a tight loop. Here the steps grow (1 s, 2 s, 4 s … to the platform's `ReconnectInterval`, 60 s
//! at most), each delay is random below its step, and only a connection that proved itself starts the series
//! over. It never gives up.
//!
//! This is the only file that names the `backoff` crate, and it uses its arithmetic alone: chance comes from our
//! seed, time from the caller, and there is no limit of elapsed time after which it would fall silent.

use std::sync::Arc;
use std::time::{Duration, Instant};

use ::backoff::backoff::Backoff as _;
use ::backoff::exponential::ExponentialBackoff;

use crate::config::ServerConfig;
use crate::jitter::Jitter;
use crate::setback::Pace;
use crate::timing::Timing;

/// How much longer than its base a delay of the busy and limited paces may be.
const PACE_JITTER_PERCENT: u32 = 25;
/// How much longer than its base the distance of two probes may be.
const PROBE_JITTER_PERCENT: u32 = 10;
/// Distances of the first probes, in multiples of [`Timing::refused_base`]: about 1, 2, 5 and 15 minutes. A single
/// refusal may be a mistake of the platform or of something on the way; each repetition makes it more credible.
const PROBE_STEPS: [u32; 4] = [1, 2, 5, 15];

/// How soon the first probe of a series of refusals is.
#[derive(Copy, Clone, PartialEq, Eq, Debug)]
pub enum FirstProbe {
    /// After [`Timing::refused_base`].
    Usual,
    /// After [`Timing::refused_early`], because a connection had a long life before the refusals began.
    Early,
}

/// The delays of one installation.
#[derive(Clone, Debug)]
pub struct Backoff {
    timing: Arc<Timing>,
    jitter: Jitter,
    /// Setbacks since a connection last proved itself.
    attempts: u32,
    /// Of these, refusals that an early probe did not answer.
    refusals: u32,
    /// Whether the early probe of this series is spent.
    probed_early: bool,
    /// The next steps of the two growing paces.
    normal: Duration,
    limited: Duration,
}

impl Backoff {
    /// A fresh series; the same seed gives the same delays.
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

    /// Setbacks since a connection last proved itself; equally the number of the attempt that follows.
    #[must_use]
    pub fn attempts(&self) -> u32 {
        self.attempts
    }

    /// The delay before the next attempt.
    pub fn delay(&mut self, pace: Pace, config: &ServerConfig, now: Instant) -> Duration {
        match pace {
            Pace::Clean => self.first_delay(config),
            Pace::Normal => {
                self.count();
                if self.attempts == 1 {
                    self.first_delay(config)
                } else {
                    self.grown_delay(config, now)
                }
            }
            Pace::Busy => {
                self.count();
                self.jitter.stretched(self.timing.busy, PACE_JITTER_PERCENT)
            }
            Pace::Limited => {
                self.count();
                let step = self.limited;
                self.limited = doubled(step, self.timing.limited_cap, now);
                self.jitter.stretched(step, PACE_JITTER_PERCENT)
            }
        }
    }

    /// The delay before a refused installation is probed. It grows with every refusal of the series, since a refusal
    /// is believed when it repeats. An early probe is one more.
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

    /// A connection proved itself: what was before is forgotten.
    pub fn start_over(&mut self) {
        self.attempts = 0;
        self.refusals = 0;
        self.probed_early = false;
        self.normal = self.timing.backoff_base;
        self.limited = self.timing.limited_base;
    }

    fn count(&mut self) {
        self.attempts = self.attempts.saturating_add(1);
    }

    fn first_delay(&mut self, config: &ServerConfig) -> Duration {
        let nonce = config.reconnect_nonce.min(self.timing.nonce_cap);
        self.jitter.below(nonce)
    }

    fn grown_delay(&mut self, config: &ServerConfig, now: Instant) -> Duration {
        let ceiling = config
            .reconnect_interval
            .max(self.timing.backoff_base)
            .min(self.timing.backoff_cap);
        // The platform may have lowered the ceiling since the step was computed.
        let step = self.normal.min(ceiling);
        self.normal = doubled(step, ceiling, now);
        self.jitter.below(step)
    }
}

/// Twice `step`, at most `ceiling`.
pub(crate) fn doubled(step: Duration, ceiling: Duration, now: Instant) -> Duration {
    let mut steps = ExponentialBackoff {
        current_interval: step,
        initial_interval: step,
        randomization_factor: 0.0,
        multiplier: 2.0,
        max_interval: ceiling,
        start_time: now,
        max_elapsed_time: None,
        clock: Still(now),
    };
    // The value it returns has passed through the crate's own generator; the step itself has not.
    let _ = steps.next_backoff();
    steps.current_interval
}

/// A clock that stands where the caller's `now` is.
struct Still(Instant);

impl ::backoff::Clock for Still {
    fn now(&self) -> Instant {
        self.0
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn secs(seconds: u64) -> Duration {
        Duration::from_secs(seconds)
    }

    /// The highest of many delays of the `nth` setback of a series, over many seeds.
    fn highest(nth: usize, pace: Pace, config: &ServerConfig) -> Duration {
        let now = Instant::now();
        let delays = (0..500).map(|seed| {
            let mut backoff = Backoff::new(Timing::default(), seed);
            (0..nth).for_each(|_| {
                backoff.delay(pace, config, now);
            });
            backoff.delay(pace, config, now)
        });
        delays.max().expect("many seeds")
    }

    /// S47, S91: the nonce first, then 1, 2, 4 … to the ceiling, each random below its step.
    #[test]
    fn steps_grow_to_the_ceiling() {
        let config = ServerConfig::default();
        for (nth, step) in [30, 1, 2, 4, 8, 16, 32, 60, 60, 60].into_iter().enumerate() {
            let highest = highest(nth, Pace::Normal, &config);
            assert!(highest < secs(step), "{nth}: {highest:?}");
            assert!(highest > secs(step) * 9 / 10, "{nth}: {highest:?}");
        }
    }

    #[test]
    fn the_platforms_interval_is_the_ceiling_within_bounds() {
        for (interval, ceiling) in [(1, 1), (5, 5), (60, 60), (90, 60), (86_400, 60)] {
            let config = ServerConfig {
                reconnect_interval: secs(interval),
                ..ServerConfig::default()
            };
            let highest = highest(20, Pace::Normal, &config);
            assert!(highest < secs(ceiling) && highest > secs(ceiling) * 9 / 10);
        }
    }

    #[test]
    fn a_lowered_ceiling_holds_at_once() {
        let now = Instant::now();
        let mut backoff = Backoff::new(Timing::default(), 1);
        let mut config = ServerConfig::default();
        for _ in 0..10 {
            backoff.delay(Pace::Normal, &config, now);
        }
        config.reconnect_interval = secs(2);
        for _ in 0..100 {
            assert!(backoff.delay(Pace::Normal, &config, now) < secs(2));
        }
    }

    #[test]
    fn no_nonce_means_no_first_delay_and_a_huge_one_is_capped() {
        let mut config = ServerConfig {
            reconnect_nonce: Duration::ZERO,
            ..ServerConfig::default()
        };
        assert_eq!(highest(0, Pace::Normal, &config), Duration::ZERO);
        assert!(highest(1, Pace::Normal, &config) > Duration::ZERO);
        config.reconnect_nonce = secs(86_400);
        assert!(highest(0, Pace::Normal, &config) < secs(300));
    }

    #[test]
    fn slow_paces_stay_in_their_bands() {
        let now = Instant::now();
        let config = ServerConfig::default();
        let mut backoff = Backoff::new(Timing::default(), 5);
        for base in [60, 120, 240, 480, 900, 900] {
            let limited = backoff.delay(Pace::Limited, &config, now);
            assert!(
                limited >= secs(base) && limited < secs(base) * 5 / 4,
                "{limited:?}"
            );
            let busy = backoff.delay(Pace::Busy, &config, now);
            assert!(busy >= secs(30) && busy < secs(30) * 5 / 4, "{busy:?}");
        }
        backoff.start_over();
        assert!(backoff.delay(Pace::Limited, &config, now) < secs(75));
    }

    /// The probes of a series of refusals: soon at first, hourly once the refusal has repeated.
    #[test]
    fn a_refusal_is_believed_when_it_repeats() {
        let check = |backoff: &mut Backoff, first, bases: &[u64]| {
            for base in bases {
                let probe = backoff.probe_delay(first);
                assert!(
                    probe >= secs(*base) && probe < secs(*base) * 11 / 10,
                    "{base} s: {probe:?}"
                );
            }
        };
        let plain = [60, 120, 300, 900, 3600, 3600, 3600];
        let mut backoff = Backoff::new(Timing::default(), 5);
        check(&mut backoff, FirstProbe::Usual, &plain);
        assert_eq!(backoff.attempts(), 7);
        backoff.start_over();
        check(&mut backoff, FirstProbe::Early, &[10]);
        check(&mut backoff, FirstProbe::Early, &plain);
        // WeCom limits subscriptions, so the early probe is no earlier there.
        let mut wecom = Backoff::new(Timing::default().for_wecom(), 5);
        check(
            &mut wecom,
            FirstProbe::Early,
            &[60, 60, 120, 300, 900, 3600],
        );
        // Settings of an operator bound everything.
        let quick = Timing {
            refused_base: secs(5),
            refused_probe: secs(20),
            ..Timing::default()
        };
        let mut backoff = Backoff::new(quick, 5);
        check(&mut backoff, FirstProbe::Early, &[5, 5, 10, 20, 20, 20]);
    }

    #[test]
    fn an_orderly_goodbye_counts_no_error() {
        let mut backoff = Backoff::new(Timing::default(), 5);
        let config = ServerConfig::default();
        assert!(backoff.delay(Pace::Clean, &config, Instant::now()) < secs(30));
        assert_eq!(backoff.attempts(), 0);
    }

    /// P2: the crate's default would fall silent after fifteen minutes.
    #[test]
    fn it_never_gives_up() {
        let mut now = Instant::now();
        let mut backoff = Backoff::new(Timing::default(), 9);
        let config = ServerConfig::default();
        for _ in 0..10_000 {
            let delay = backoff.delay(Pace::Normal, &config, now);
            assert!(delay < secs(60));
            now += delay;
        }
        assert_eq!(backoff.attempts(), 10_000);
    }

    #[test]
    fn equal_seeds_give_equal_delays() {
        let delays = |seed| {
            let now = Instant::now();
            let mut backoff = Backoff::new(Timing::default(), seed);
            let config = ServerConfig::default();
            (0..20)
                .map(|_| backoff.delay(Pace::Normal, &config, now))
                .collect::<Vec<_>>()
        };
        assert_eq!(delays(1), delays(1));
        assert_ne!(delays(1), delays(2));
    }
}
