//! Wall time for what people read and for what outlives the process. Decisions take `Instant`s, with two exceptions:
//! - How late an event is, which `longwire_link::Backlog` compares with how late others were. A clock that is set shifts
//!   when an overloaded connection begins to refuse, between fixed bounds.
//! - Since when a bot is displaced and when it was taken back, read from the store at the start. A clock that was set
//!   back meanwhile makes these as new as the start, so a take-back waits longer; one that was set ahead makes them
//!   older, so it comes sooner, and the day's count may begin anew: one such start allows as many as a day does.

use longwire_link::Clocks;
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

/// Unix milliseconds now.
pub(crate) fn unix_ms() -> i64 {
    SystemTime::now()
        .duration_since(UNIX_EPOCH)
        .map_or(0, |since| {
            i64::try_from(since.as_millis()).unwrap_or(i64::MAX)
        })
}

/// The monotonic clock the machines live by. Under a paused tokio clock it stands still, so that an hour passes in a
/// test in milliseconds.
pub(crate) fn now() -> Instant {
    tokio::time::Instant::now().into_std()
}

/// The instant of a wall time that may have been written down by another process. One to come, as a clock that was set
/// back leaves it, counts as now; and one from before any clock of ours, as long ago.
pub(crate) fn instant_at(unix_ms_then: i64) -> Instant {
    let age_ms = unix_ms().saturating_sub(unix_ms_then);
    let age = Duration::from_millis(u64::try_from(age_ms).unwrap_or(0));
    let now = now();
    // More than a day is the same as a day for everything that is decided by it.
    now.checked_sub(age)
        .or_else(|| now.checked_sub(Duration::from_secs(24 * 60 * 60)))
        .unwrap_or(now)
}

/// What all clocks say, to learn whether the host slept.
pub(crate) fn clocks() -> Clocks {
    let wall = SystemTime::now().duration_since(UNIX_EPOCH);
    Clocks {
        monotonic: now(),
        boot: boot(),
        wall: wall.unwrap_or_default(),
    }
}

/// The clock that counts a suspension of the host.
#[cfg(target_os = "linux")]
fn boot() -> Duration {
    use rustix::time::{ClockId, clock_gettime};
    // It counts from the boot, so it is never negative.
    clock_gettime(ClockId::Boottime)
        .try_into()
        .unwrap_or_default()
}

/// There is none that is known; the wall clock tells.
#[cfg(not(target_os = "linux"))]
fn boot() -> Duration {
    Duration::ZERO
}

/// Unix milliseconds of a monotonic instant, for showing.
pub(crate) fn unix_ms_at(at: Instant) -> i64 {
    let now = now();
    let delta = |d: Duration| i64::try_from(d.as_millis()).unwrap_or(i64::MAX);
    if at >= now {
        unix_ms().saturating_add(delta(at - now))
    } else {
        unix_ms().saturating_sub(delta(now - at))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_time_that_was_written_down_is_as_old_as_the_wall_clock_says() {
        const HOUR_MS: i64 = 60 * 60 * 1_000;
        for (age_ms, shown_age_ms) in [
            (0, 0),
            (HOUR_MS, HOUR_MS),
            (1_000 * HOUR_MS, 1_000 * HOUR_MS),
            // The clock was ahead when it was written down, or is behind now.
            (-HOUR_MS, 0),
            (-1_000_000 * HOUR_MS, 0),
        ] {
            let then = instant_at(unix_ms() - age_ms);
            let age = now().saturating_duration_since(then);
            let shown = Duration::from_millis(shown_age_ms.cast_unsigned());
            assert!(
                (shown..shown + Duration::from_secs(60)).contains(&age),
                "{age_ms} ms"
            );
        }
        // What no clock has ever said is old, or now; no arithmetic fails.
        assert!(instant_at(i64::MIN) <= now());
        assert!(instant_at(i64::MAX) <= now());
    }
}
