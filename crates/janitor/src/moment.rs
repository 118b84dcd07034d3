//! The time, as the machine is told it.

use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

/// One reading of both clocks. Pauses are measured on the monotonic one; ages of events on the other.
#[derive(Copy, Clone, Debug, Eq, PartialEq)]
pub struct Moment {
    /// The monotonic clock.
    pub instant: Instant,
    /// The wall clock, in milliseconds since 1970.
    pub unix_ms: i64,
}

impl Moment {
    /// Both clocks now. The monotonic one is tokio's, so that a test can stop it.
    pub(crate) fn now() -> Self {
        let since = SystemTime::now().duration_since(UNIX_EPOCH);
        let unix_ms = since.map_or(0, |since| millis(since));
        Self {
            instant: tokio::time::Instant::now().into_std(),
            unix_ms,
        }
    }

    /// This moment, so much later on both clocks.
    #[must_use]
    pub fn after(self, delay: Duration) -> Self {
        Self {
            instant: self.instant + delay,
            unix_ms: self.unix_ms.saturating_add(millis(delay)),
        }
    }

    /// The wall clock so long ago, in milliseconds since 1970.
    #[must_use]
    pub fn before(self, age: Duration) -> i64 {
        self.unix_ms.saturating_sub(millis(age))
    }
}

/// In whole milliseconds.
pub(crate) fn millis(time: Duration) -> i64 {
    i64::try_from(time.as_millis()).unwrap_or(i64::MAX)
}
