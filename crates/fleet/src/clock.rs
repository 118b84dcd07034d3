//! Wall time for what people read and for what outlives the process. Decisions take `Instant`s, with two exceptions:
//! - How late an event is, which `longwire_link::Backlog` compares with how late others were. A clock that is set shifts
//!   when an overloaded connection begins to refuse, between fixed bounds.
//! - Since when a bot is displaced and when it was taken back, read from the store at the start. A clock that was set
//!   back meanwhile makes these as new as the start, so a take-back waits longer; one that was set ahead makes them
//!   older, so it comes sooner, and the day's count may begin anew: one such start allows as many as a day does.

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
