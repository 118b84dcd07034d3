//! Detects that the host slept.
//!
//! While a host is suspended its connections may die unnoticed, and the timers of heartbeats stand still. A dead connection
//! would be found at the next ping, minutes later. So the owner compares the clocks every [`SleepWatch::PERIOD`]. After a
//! sleep every connection is pinged at once.
//!
//! There are three signs of a sleep, and each of them may be missing:
//! - The clock that counts a suspension got ahead of the one that does not. On Linux this is exact
//!   (`CLOCK_BOOTTIME` and `CLOCK_MONOTONIC`).
//! - The wall clock got ahead of the monotonic one. A guest of a host that slept has only this sign. A clock that is set
//!   looks the same, which costs every connection one ping.
//! - The comparison itself comes late, because the process was stopped or got no processor.

use std::time::{Duration, Instant};

/// Anything shorter is no sleep. No connection dies of it, and timers of a busy host are as late.
const SHORTEST: Duration = Duration::from_secs(10);

/// The clocks at one moment.
#[derive(Copy, Clone, PartialEq, Eq, Debug)]
pub struct Clocks {
    /// The clock of timers. On Linux it stands still while the host is suspended.
    pub monotonic: Instant,
    /// The clock that goes on during a suspension, from any fixed moment on; constant if the system has none.
    pub boot: Duration,
    /// The wall clock, since 1970.
    pub wall: Duration,
}

/// Compares the clocks with those of the previous call.
#[derive(Clone, Debug)]
pub struct SleepWatch {
    before: Clocks,
}

impl SleepWatch {
    /// How often to call [`check`](Self::check).
    pub const PERIOD: Duration = Duration::from_secs(5);

    /// Starts with these clocks.
    #[must_use]
    pub fn new(now: Clocks) -> Self {
        Self { before: now }
    }

    /// How long the host slept, or the process was stopped, since the last call; `None` if neither.
    pub fn check(&mut self, now: Clocks) -> Option<Duration> {
        let before = std::mem::replace(&mut self.before, now);
        let counted = now.monotonic.saturating_duration_since(before.monotonic);
        // A clock that was set back is no sign of a sleep.
        let beyond = |clock: Duration, before: Duration| {
            clock.saturating_sub(before).saturating_sub(counted)
        };
        let slept = [
            beyond(now.boot, before.boot),
            beyond(now.wall, before.wall),
            counted.saturating_sub(Self::PERIOD),
        ];
        slept.into_iter().max().filter(|slept| *slept >= SHORTEST)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn secs(seconds: u64) -> Duration {
        Duration::from_secs(seconds)
    }

    fn start() -> Clocks {
        Clocks {
            monotonic: Instant::now(),
            boot: secs(1_000),
            wall: secs(1_800_000_000),
        }
    }

    fn later(clocks: Clocks, monotonic: Duration, boot: Duration, wall: Duration) -> Clocks {
        Clocks {
            monotonic: clocks.monotonic + monotonic,
            boot: clocks.boot + boot,
            wall: clocks.wall + wall,
        }
    }

    #[test]
    fn what_tells_of_a_sleep() {
        let period = SleepWatch::PERIOD;
        for (what, monotonic, boot, wall, slept) in [
            ("awake", period, period, period, None),
            ("suspended", period, secs(3_605), secs(3_605), Some(3_600)),
            (
                "suspended, and no clock counts it",
                period,
                secs(0),
                secs(3_605),
                Some(3_600),
            ),
            (
                "a guest whose clock was put right",
                period,
                period,
                secs(65),
                Some(60),
            ),
            (
                "suspended, with a wrong wall clock",
                period,
                secs(65),
                secs(0),
                Some(60),
            ),
            ("stopped", secs(95), secs(95), secs(95), Some(90)),
            ("late", secs(14), secs(14), secs(14), None),
            ("a short nap", period, secs(14), secs(14), None),
        ] {
            let before = start();
            let mut watch = SleepWatch::new(before);
            let found = watch.check(later(before, monotonic, boot, wall));
            assert_eq!(found, slept.map(secs), "{what}");
        }
    }

    #[test]
    fn a_clock_that_is_set_back_is_no_sleep() {
        let before = start();
        let mut watch = SleepWatch::new(before);
        let mut now = later(before, secs(5), secs(5), secs(0));
        now.wall -= secs(86_400);
        assert_eq!(watch.check(now), None);
    }

    proptest! {
        /// A sleep is told once, and clocks that drift apart slowly, as one that is slewed does, are never one.
        #[test]
        fn it_is_told_once(slept in 10_u64..100_000, drift_ms in proptest::collection::vec(0_u64..2_500, 1..500)) {
            let mut now = start();
            let mut watch = SleepWatch::new(now);
            for drift_ms in drift_ms {
                let drifted = SleepWatch::PERIOD + Duration::from_millis(drift_ms);
                now = later(now, SleepWatch::PERIOD, SleepWatch::PERIOD, drifted);
                prop_assert_eq!(watch.check(now), None);
            }
            let asleep = SleepWatch::PERIOD + secs(slept);
            now = later(now, SleepWatch::PERIOD, asleep, asleep);
            prop_assert_eq!(watch.check(now), Some(secs(slept)));
            now = later(now, SleepWatch::PERIOD, SleepWatch::PERIOD, SleepWatch::PERIOD);
            prop_assert_eq!(watch.check(now), None);
        }
    }
}
