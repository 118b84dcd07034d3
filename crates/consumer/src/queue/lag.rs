//! How much of its owner's patience a consumer has used.

use std::time::{Duration, Instant};

use crate::moment::{Moment, millis};
use crate::news::ConsumerNews;

/// When the owner is told, in percent of the patience.
const TOLD_AT: [u8; 3] = [50, 75, 100];
/// Below this part a consumer that lagged has caught up.
const CAUGHT_UP_AT: u8 = 25;

#[derive(Debug, Default)]
pub(super) struct LagWatch {
    /// How many of [`TOLD_AT`] were told since it was last caught up.
    told: usize,
}

impl LagWatch {
    /// What there is to tell, given when the oldest event that is not done was recorded.
    pub(super) fn check(
        &mut self,
        oldest_ms: Option<i64>,
        patience: Duration,
        now: Moment,
    ) -> Option<ConsumerNews> {
        let behind = oldest_ms.map_or(Duration::ZERO, |oldest| now.age_of(oldest));
        if self.told > 0 && behind < part(patience, CAUGHT_UP_AT) {
            self.told = 0;
            return Some(ConsumerNews::CaughtUp);
        }
        let reached = TOLD_AT.iter().filter(|at| behind >= part(patience, **at));
        let reached = reached.count();
        if reached <= self.told {
            return None;
        }
        self.told = reached;
        Some(ConsumerNews::Lagging {
            percent: TOLD_AT[reached - 1],
            behind,
        })
    }

    /// When there may be something to tell next.
    pub(super) fn due(
        &self,
        oldest_ms: Option<i64>,
        patience: Duration,
        now: Moment,
    ) -> Option<Instant> {
        let at = part(patience, *TOLD_AT.get(self.told)?);
        let due_ms = oldest_ms?.saturating_add(millis(at));
        Some(now.instant_at(due_ms, patience))
    }
}

fn part(patience: Duration, percent: u8) -> Duration {
    patience.saturating_mul(u32::from(percent)) / 100
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_owner_is_told_three_times() {
        let start = Moment {
            instant: Instant::now(),
            unix_ms: 1_000_000,
        };
        let patience = Duration::from_secs(100);
        let mut watch = LagWatch::default();
        let mut told = Vec::new();
        for second in 0..200 {
            let now = start.after(Duration::from_secs(second));
            if let Some(ConsumerNews::Lagging { percent, behind }) =
                watch.check(Some(start.unix_ms), patience, now)
            {
                told.push((percent, behind.as_secs()));
            }
        }
        assert_eq!(told, [(50, 50), (75, 75), (100, 100)]);
        let now = start.after(Duration::from_secs(200));
        let oldest = |seconds: i64| Some(now.unix_ms - 1_000 * seconds);
        assert_eq!(watch.check(oldest(30), patience, now), None);
        let caught_up = watch.check(oldest(24), patience, now);
        assert_eq!(caught_up, Some(ConsumerNews::CaughtUp));
        assert_eq!(watch.check(None, patience, now), None);
        let due = watch.due(oldest(10), patience, now);
        assert_eq!(due, Some(now.instant + Duration::from_secs(40)));
    }
}
