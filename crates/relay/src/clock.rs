//! The clocks, read in one place. Machines get the time as an argument.

use std::time::{Instant, SystemTime, UNIX_EPOCH};

/// For deadlines. Tokio's, so that a test may pause it.
pub(crate) fn now() -> Instant {
    tokio::time::Instant::now().into_std()
}

/// Milliseconds since 1970, for people.
pub(crate) fn unix_ms() -> i64 {
    let since = SystemTime::now().duration_since(UNIX_EPOCH);
    since.map_or(0, |since| {
        i64::try_from(since.as_millis()).unwrap_or(i64::MAX)
    })
}
