//! When a failed delivery is tried again.
//!
//! A chat waits for its answer, so the first delays are those of somebody who waits; then comes the ladder that Standard
//! Webhooks recommends. An endpoint that answers nobody is probed more often than that: the backlog of all chats waits for it.

use std::time::Duration;

use crate::spread::spread;

/// The delays of one event, in seconds. The last one repeats.
const EVENT_STEPS: [u64; 14] = [
    1, 2, 4, 8, 15, 30, 300, 1_800, 7_200, 18_000, 36_000, 50_400, 72_000, 86_400,
];
/// The delays between the probes of an endpoint, in seconds. The last one repeats: after an outage of days the first event
/// arrives within five minutes.
const PROBE_STEPS: [u64; 9] = [1, 2, 4, 8, 15, 30, 60, 120, 300];
/// While connections are refused an application is probably restarting: it is probed each second for so long.
const RESTARTING_FOR: Duration = Duration::from_secs(60);
/// An endpoint that asks for more time by `Retry-After` gets at most so much.
pub const MAX_RETRY_AFTER: Duration = Duration::from_secs(3600);
/// The most that chance adds to a delay.
const JITTER_PERCENT: u32 = 10;

/// The delay after the failure number `failures` of an event, the first being 1.
#[must_use]
pub fn retry_delay(failures: u32, chance: u64) -> Duration {
    jittered(step(&EVENT_STEPS, failures), chance)
}

/// Whether an endpoint that refuses connections for so long is probably restarting.
pub(crate) fn is_restarting(refusing_for: Duration) -> bool {
    refusing_for < RESTARTING_FOR
}

/// The delay before the next probe of an endpoint that is probably restarting.
pub(crate) fn restarting_delay(chance: u64) -> Duration {
    jittered(Duration::from_secs(PROBE_STEPS[0]), chance)
}

/// The delay before the next probe of an endpoint, after so many failed ones. Those while it was probably restarting do not
/// count: an application that comes back in its second minute is not left alone for five.
pub(crate) fn probe_delay(failed: u32, chance: u64) -> Duration {
    jittered(step(&PROBE_STEPS, failed), chance)
}

fn step(steps: &[u64], nth: u32) -> Duration {
    let nth = usize::try_from(nth.saturating_sub(1)).unwrap_or(usize::MAX);
    Duration::from_secs(steps[nth.min(steps.len() - 1)])
}

/// `base` and up to [`JITTER_PERCENT`] of it.
fn jittered(base: Duration, chance: u64) -> Duration {
    let most = base * JITTER_PERCENT / 100;
    let nanos = u64::try_from(most.as_nanos()).expect("a day in nanoseconds fits");
    base + Duration::from_nanos(spread(chance) % (nanos + 1))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_schedule_of_an_event() {
        for (failures, seconds) in [
            (1, 1),
            (2, 2),
            (6, 30),
            (7, 300),
            (14, 86_400),
            (99, 86_400),
        ] {
            for chance in 0..50 {
                let delay = retry_delay(failures, chance).as_secs_f64() / f64::from(seconds);
                assert!((1.0..=1.1).contains(&delay), "{failures}: {delay}");
            }
        }
    }

    #[test]
    fn the_probes_of_an_endpoint() {
        assert!(is_restarting(Duration::from_secs(59)));
        assert!(!is_restarting(Duration::from_secs(60)));
        assert_eq!(restarting_delay(7).as_secs(), 1);
        assert_eq!(probe_delay(3, 7).as_secs(), 4);
        assert_eq!(probe_delay(30, 7).as_secs() / 30, 10);
    }
}
