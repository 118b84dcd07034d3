//! Wall time for what people read. Decisions take `Instant`s, with one exception: how late an event is, which
//! `longwire_link::Backlog` compares with how late others were. A clock that is set shifts when an overloaded connection
//! begins to refuse, between fixed bounds; nothing else is decided by this clock.

use std::time::{Instant, SystemTime, UNIX_EPOCH};

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

/// Unix milliseconds of a monotonic instant, for showing.
pub(crate) fn unix_ms_at(at: Instant) -> i64 {
    let now = now();
    let delta = |d: std::time::Duration| i64::try_from(d.as_millis()).unwrap_or(i64::MAX);
    if at >= now {
        unix_ms().saturating_add(delta(at - now))
    } else {
        unix_ms().saturating_sub(delta(now - at))
    }
}
