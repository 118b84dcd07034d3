//! How many calls may begin within a time, counted so that no window of that length has more, wherever it begins.

use std::time::Duration;

/// Parts of a window. What is counted is forgotten a part at a time.
const PARTS: u64 = 10;
/// One more than the parts of a window: the current one has just begun, and the oldest still counts whole.
const COUNTS: usize = 11;

/// So many calls within a time.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Limit {
    pub(crate) most: u16,
    pub(crate) within: Duration,
}

/// The calls of one limit. Times are since a moment that all windows share.
#[derive(Debug, Clone)]
pub(super) struct Window {
    limit: Limit,
    /// The newest part that has a count.
    newest: u64,
    /// By the number of the part, modulo their count.
    counts: [u16; COUNTS],
}

impl Window {
    pub(super) fn new(limit: Limit) -> Self {
        Self {
            limit,
            newest: 0,
            counts: [0; COUNTS],
        }
    }

    pub(super) fn limit(&self) -> Limit {
        self.limit
    }

    /// From when on a call may begin: `now`, or the end of a part.
    pub(super) fn free_at(&mut self, now: Duration) -> Duration {
        self.forget_until(now);
        let mut counted: u32 = self.counts.iter().map(|&count| u32::from(count)).sum();
        if counted < u32::from(self.limit.most) {
            return now;
        }
        let oldest = (self.newest + 1).saturating_sub(COUNTS as u64);
        for part in oldest..=self.newest {
            counted -= u32::from(self.counts[index(part)]);
            if counted < u32::from(self.limit.most) {
                // This part is forgotten when the part after the window begins.
                return self.part_length()
                    * u32::try_from(part + COUNTS as u64).unwrap_or(u32::MAX);
            }
        }
        now + self.limit.within
    }

    /// A call begins.
    pub(super) fn take(&mut self, now: Duration) {
        self.forget_until(now);
        let count = &mut self.counts[index(self.newest)];
        *count = count.saturating_add(1);
    }

    /// Whether nothing of it matters any more.
    pub(super) fn is_empty(&mut self, now: Duration) -> bool {
        self.forget_until(now);
        self.counts.iter().all(|&count| count == 0)
    }

    fn part_length(&self) -> Duration {
        self.limit.within / PARTS as u32
    }

    fn forget_until(&mut self, now: Duration) {
        let part = now.as_nanos() / self.part_length().as_nanos();
        let part = u64::try_from(part).unwrap_or(u64::MAX);
        let passed = part.saturating_sub(self.newest).min(COUNTS as u64);
        for ago in 0..passed {
            self.counts[index(part - ago)] = 0;
        }
        self.newest = self.newest.max(part);
    }
}

fn index(part: u64) -> usize {
    (part % COUNTS as u64) as usize
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn five_a_second() {
        let limit = Limit {
            most: 5,
            within: Duration::from_secs(1),
        };
        let mut window = Window::new(limit);
        let ms = Duration::from_millis;
        for at in [10, 20, 250, 260, 990] {
            assert_eq!(window.free_at(ms(at)), ms(at));
            window.take(ms(at));
        }
        assert_eq!(window.free_at(ms(995)), ms(1_100));
        assert_eq!(window.free_at(ms(1_099)), ms(1_100));
        assert_eq!(window.free_at(ms(1_100)), ms(1_100));
        window.take(ms(1_100));
        window.take(ms(1_100));
        assert_eq!(window.free_at(ms(1_100)), ms(1_300));
        assert!(!window.is_empty(ms(2_000)));
        assert!(window.is_empty(ms(60_000)));
    }

    proptest! {
        #[test]
        fn no_second_has_more(gaps in proptest::collection::vec(0_u64..400, 1..200), most in 1_u16..20) {
            let limit = Limit { most, within: Duration::from_secs(1) };
            let mut window = Window::new(limit);
            let mut now = Duration::ZERO;
            let mut taken: Vec<Duration> = Vec::new();
            for gap in gaps {
                now += Duration::from_millis(gap);
                let free = window.free_at(now);
                prop_assert!(free <= now + Duration::from_millis(1_100));
                now = now.max(free);
                prop_assert_eq!(window.free_at(now), now);
                window.take(now);
                taken.push(now);
            }
            for (at, first) in taken.iter().enumerate() {
                let within = taken[at..].iter().filter(|&&one| one < *first + Duration::from_secs(1));
                prop_assert!(within.count() <= usize::from(most));
            }
        }
    }
}
