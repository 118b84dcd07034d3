//! The time, as the machines of this crate are told it.

use std::time::{Duration, Instant};

/// One reading of both clocks. Delays are measured on the monotonic one; ages of events on the other.
#[derive(Copy, Clone, Debug, PartialEq, Eq)]
pub struct Moment {
    /// The monotonic clock.
    pub instant: Instant,
    /// The wall clock, in milliseconds since 1970.
    pub unix_ms: i64,
}

impl Moment {
    /// This moment, so much later on both clocks.
    #[must_use]
    pub fn after(self, delay: Duration) -> Self {
        Self {
            instant: self.instant + delay,
            unix_ms: self.unix_ms.saturating_add(millis(delay)),
        }
    }

    /// How long ago `unix_ms` was; zero if it lies ahead.
    #[must_use]
    pub fn age_of(self, unix_ms: i64) -> Duration {
        let age = self.unix_ms.saturating_sub(unix_ms);
        Duration::from_millis(u64::try_from(age).unwrap_or(0))
    }

    /// When the wall clock will show `unix_ms`, at most `limit` from now. Whoever asks again then, and has to be done by a
    /// certain time whatever the clock shows, keeps that time.
    pub(crate) fn instant_at(self, unix_ms: i64, limit: Duration) -> Instant {
        let wait = unix_ms.saturating_sub(self.unix_ms);
        let wait = Duration::from_millis(u64::try_from(wait).unwrap_or(0));
        self.instant + wait.min(limit)
    }
}

/// `delay` in whole milliseconds.
pub(crate) fn millis(delay: Duration) -> i64 {
    i64::try_from(delay.as_millis()).unwrap_or(i64::MAX)
}
