//! The time, for machines that are told it.

use std::time::{Instant, SystemTime, UNIX_EPOCH};

use longwire_consumer::Moment;

/// Both clocks now. The monotonic one is tokio's, so that a test can stop it.
pub(crate) fn now() -> Moment {
    Moment {
        instant: instant(),
        unix_ms: unix_ms(),
    }
}

/// The monotonic clock.
pub(crate) fn instant() -> Instant {
    tokio::time::Instant::now().into_std()
}

/// The wall clock, in milliseconds since 1970.
pub(crate) fn unix_ms() -> i64 {
    let since = SystemTime::now().duration_since(UNIX_EPOCH);
    since.map_or(0, |since| {
        i64::try_from(since.as_millis()).unwrap_or(i64::MAX)
    })
}
