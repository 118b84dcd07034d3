//! Whether a bot takes back the connection that another client took from it.
//!
//! WeCom lets a bot have one connection. Whoever subscribes later displaces the earlier client, so two that both
//! come back at once displace each other for ever. Hence never, unless the operator says after which pause and how
//! often; the pause and the count are bounded here, so that no setting makes that war.

use std::ops::RangeInclusive;
use std::time::Duration;

/// The pause and the budget of taking a connection back. Always within the bounds.
#[derive(Copy, Clone, Debug, Eq, PartialEq)]
pub struct TakeBack {
    after: Duration,
    per_day: u32,
}

/// Values that are out of bounds.
#[derive(Copy, Clone, Debug, Eq, PartialEq, thiserror::Error)]
pub enum TakeBackError {
    /// Of [`TakeBack::after`].
    #[error("a connection is taken back after 5m to 1d")]
    After,
    /// Of [`TakeBack::per_day`].
    #[error("a connection is taken back from 1 to 48 times a day")]
    PerDay,
}

impl TakeBack {
    /// The pauses that can be set. Below five minutes the other side would hardly be told apart from a network
    /// that comes and goes.
    pub const AFTER: RangeInclusive<Duration> =
        Duration::from_secs(5 * 60)..=Duration::from_secs(24 * 60 * 60);

    /// The counts that can be set: at most once in half an hour, over a day.
    pub const PER_DAY: RangeInclusive<u32> = 1..=48;

    /// A setting within the bounds.
    pub fn new(after: Duration, per_day: u32) -> Result<Self, TakeBackError> {
        if !Self::AFTER.contains(&after) {
            return Err(TakeBackError::After);
        }
        if !Self::PER_DAY.contains(&per_day) {
            return Err(TakeBackError::PerDay);
        }
        Ok(Self { after, per_day })
    }

    /// How long to wait after the connection was taken.
    #[must_use]
    pub fn after(self) -> Duration {
        self.after
    }

    /// How often within 24 hours at most.
    #[must_use]
    pub fn per_day(self) -> u32 {
        self.per_day
    }

    /// The pause in milliseconds, as it is kept and shown.
    #[must_use]
    pub fn after_ms(self) -> i64 {
        i64::try_from(self.after.as_millis()).expect("a day has fewer milliseconds than 2^63")
    }

    /// What a row holds: both columns, or neither.
    pub fn of_columns(
        after_ms: Option<i64>,
        per_day: Option<i32>,
    ) -> Result<Option<Self>, &'static str> {
        match (after_ms, per_day) {
            (None, None) => Ok(None),
            (Some(after_ms), Some(per_day)) => {
                let after = u64::try_from(after_ms).map(Duration::from_millis);
                match (after, u32::try_from(per_day)) {
                    (Ok(after), Ok(per_day)) => Self::new(after, per_day).map(Some).ok(),
                    _ => None,
                }
                .ok_or("a take-back out of its bounds")
            }
            _ => Err("half a take-back"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bounds() {
        let minutes = |minutes: u64| Duration::from_secs(60 * minutes);
        for (after, per_day, wanted) in [
            (minutes(5), 1, None),
            (minutes(24 * 60), 48, None),
            (
                minutes(5) - Duration::from_millis(1),
                1,
                Some(TakeBackError::After),
            ),
            (minutes(24 * 60 + 1), 1, Some(TakeBackError::After)),
            (minutes(5), 0, Some(TakeBackError::PerDay)),
            (minutes(5), 49, Some(TakeBackError::PerDay)),
        ] {
            assert_eq!(
                TakeBack::new(after, per_day).err(),
                wanted,
                "{after:?} {per_day}"
            );
        }
    }

    #[test]
    fn columns() {
        let kept = TakeBack::new(Duration::from_secs(600), 3).expect("within the bounds");
        assert_eq!(
            TakeBack::of_columns(Some(kept.after_ms()), Some(3)),
            Ok(Some(kept))
        );
        assert_eq!(TakeBack::of_columns(None, None), Ok(None));
        for (after_ms, per_day) in [
            (Some(600_000), None),
            (None, Some(3)),
            (Some(-1), Some(3)),
            (Some(600_000), Some(-3)),
            (Some(1), Some(3)),
        ] {
            assert!(
                TakeBack::of_columns(after_ms, per_day).is_err(),
                "{after_ms:?} {per_day:?}"
            );
        }
    }
}
