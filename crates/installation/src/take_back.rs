//! Whether a bot takes back the connection that another client took from it.
//!
//! WeCom lets a bot have one connection. Whoever subscribes later displaces the earlier client, so two clients that
//! both come back at once would displace each other for ever. By default a bot is not taken back. An operator can set
//! after which pause and how often it is; the bounds of both are here.

use std::ops::RangeInclusive;
use std::time::Duration;

use crate::{Misfit, Platform};

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

    /// The policy that the keys `take_back_after` and `take_back_per_day` of a bot of `platform` make: both of them, or
    /// none.
    pub fn from_keys(
        platform: Platform,
        after: Option<Duration>,
        per_day: Option<u32>,
    ) -> Result<Option<Self>, Misfit> {
        const AFTER: &str = "take_back_after";
        const PER_DAY: &str = "take_back_per_day";
        let (after, per_day) = match (after, per_day) {
            (None, None) => return Ok(None),
            (after, _) if platform != Platform::Wecom => {
                let key = if after.is_some() { AFTER } else { PER_DAY };
                let message = "only WeCom takes a bot's connection away for another client's";
                return Err(Misfit::wrong(key, message));
            }
            (Some(after), Some(per_day)) => (after, per_day),
            (None, Some(_)) => {
                return Err(Misfit::wrong(
                    PER_DAY,
                    "says nothing without take_back_after",
                ));
            }
            (Some(_), None) => {
                return Err(Misfit::wrong(
                    AFTER,
                    "says nothing without take_back_per_day",
                ));
            }
        };
        Self::new(after, per_day).map(Some).map_err(|error| {
            let key = match error {
                TakeBackError::After => AFTER,
                TakeBackError::PerDay => PER_DAY,
            };
            Misfit::wrong(key, error.to_string())
        })
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

    #[test]
    fn a_connection_is_taken_back_on_wecom_and_within_bounds() {
        let minutes = |minutes: u64| Some(Duration::from_secs(60 * minutes));
        let take_back = |platform, after, per_day| {
            TakeBack::from_keys(platform, after, per_day).map_err(|misfit| misfit.to_string())
        };
        let kept = TakeBack::new(Duration::from_secs(600), 3).expect("within the bounds");
        assert_eq!(
            take_back(Platform::Wecom, minutes(10), Some(3)),
            Ok(Some(kept))
        );
        assert_eq!(take_back(Platform::Lark, None, None), Ok(None));
        for (platform, after, per_day, words) in [
            (
                Platform::Feishu,
                minutes(10),
                Some(3),
                "take_back_after: only WeCom",
            ),
            (
                Platform::Lark,
                None,
                Some(3),
                "take_back_per_day: only WeCom",
            ),
            (
                Platform::Wecom,
                minutes(10),
                None,
                "take_back_after: says nothing without",
            ),
            (
                Platform::Wecom,
                None,
                Some(3),
                "take_back_per_day: says nothing without",
            ),
            (
                Platform::Wecom,
                minutes(4),
                Some(3),
                "take_back_after: a connection is taken back after 5m",
            ),
            (
                Platform::Wecom,
                minutes(10),
                Some(49),
                "take_back_per_day: a connection is taken back from 1 to 48",
            ),
        ] {
            let misfit = take_back(platform, after, per_day).expect_err(words);
            assert!(misfit.starts_with(words), "{misfit}");
        }
    }
}
