//! The time, for the machine that is told it.

use std::time::{Duration, SystemTime, UNIX_EPOCH};

use longwire_consumer::Moment;

/// Both clocks now. The monotonic one is tokio's, so that a test can stop it.
pub(crate) fn now() -> Moment {
    let since = SystemTime::now().duration_since(UNIX_EPOCH);
    Moment {
        instant: tokio::time::Instant::now().into_std(),
        unix_ms: since.map_or(0, millis),
    }
}

/// The wall clock so long before `now`, in milliseconds since 1970.
pub(crate) fn before(now: Moment, age: Duration) -> i64 {
    now.unix_ms.saturating_sub(millis(age))
}

/// In whole milliseconds.
pub(crate) fn millis(time: Duration) -> i64 {
    i64::try_from(time.as_millis()).unwrap_or(i64::MAX)
}
