//! How often a child that ended may be built anew.
//!
//! A child that panics on every start must become a visible state, not a busy loop: the first rebuilds come with growing
//! pauses, and when there were too many within the period, none comes until a whole period has passed. Then the count
//! starts anew.

use std::collections::VecDeque;
use std::time::{Duration, Instant};

/// Pause before the first rebuild of a period; it doubles with each further one.
const FIRST_PAUSE: Duration = Duration::from_millis(250);
/// Longest pause before a rebuild.
const LONGEST_PAUSE: Duration = Duration::from_secs(30);

/// The rebuilds of one period.
#[derive(Clone, Debug)]
pub struct RebuildBudget {
    max: u32,
    /// Whole seconds, and four bytes of them, as of `max`: every bot has two budgets.
    within_s: u32,
    #[expect(
        clippy::box_collection,
        reason = "almost always empty, and every bot has two of these"
    )]
    spent: Option<Box<VecDeque<Instant>>>,
}

/// What to do about a child that ended.
#[derive(Copy, Clone, PartialEq, Eq, Debug)]
pub enum Rebuild {
    /// Build it again after this pause.
    After(Duration),
    /// Too many: leave it until then, visibly.
    Spent {
        /// When the next rebuild is allowed.
        until: Instant,
    },
}

impl Default for RebuildBudget {
    /// Eight in ten minutes: a fault that passes is over by then, and one that does not is worth somebody's look.
    fn default() -> Self {
        Self::new(8, Duration::from_secs(600))
    }
}

impl RebuildBudget {
    /// The default, in words.
    pub(crate) const DEFAULT_TEXT: &'static str = "8 in 10m";

    /// At most `max` rebuilds within any period of `within`, in whole seconds.
    #[must_use]
    pub fn new(max: u32, within: Duration) -> Self {
        Self {
            max,
            within_s: u32::try_from(within.as_secs()).unwrap_or(u32::MAX),
            spent: None,
        }
    }

    /// A child has ended and is to be built again. Call once per end.
    pub fn spend(&mut self, now: Instant) -> Rebuild {
        let within = Duration::from_secs(self.within_s.into());
        let spent = self.spent.get_or_insert_default();
        while let Some(oldest) = spent.front()
            && now.saturating_duration_since(*oldest) >= within
        {
            spent.pop_front();
        }
        if spent.len() >= self.max as usize {
            spent.clear();
            return Rebuild::Spent {
                until: now + within,
            };
        }
        let pause = (0..spent.len()).fold(FIRST_PAUSE, |pause, _| (pause * 2).min(LONGEST_PAUSE));
        spent.push_back(now);
        Rebuild::After(pause)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const PERIOD: Duration = Duration::from_secs(600);

    #[test]
    fn pauses_grow_and_the_ninth_waits_for_the_period() {
        let now = Instant::now();
        let mut budget = RebuildBudget::default();
        let pauses: Vec<_> = (0..8).map(|_| budget.spend(now)).collect();
        let expected = [250, 500, 1_000, 2_000, 4_000, 8_000, 16_000, 30_000]
            .map(|ms| Rebuild::After(Duration::from_millis(ms)));
        assert_eq!(pauses, expected);
        let until = now + PERIOD;
        assert_eq!(budget.spend(now), Rebuild::Spent { until });
        assert_eq!(budget.spend(until), Rebuild::After(FIRST_PAUSE));
    }

    #[test]
    fn rare_ends_never_spend_it() {
        let mut now = Instant::now();
        let mut budget = RebuildBudget::new(8, PERIOD);
        for _ in 0..100 {
            assert!(matches!(budget.spend(now), Rebuild::After(_)));
            now += PERIOD / 8;
        }
    }

    #[test]
    fn no_budget_at_all_is_always_spent() {
        let now = Instant::now();
        let mut budget = RebuildBudget::new(0, PERIOD);
        assert!(matches!(budget.spend(now), Rebuild::Spent { .. }));
    }
}
