//! The most deliveries per second.

use std::num::NonZeroU32;
use std::time::{Duration, Instant};

/// A bucket of tokens, kept as the time at which it will be full (the generic cell rate algorithm, ITU-T I.371). It holds a
/// tenth of a second's tokens, at least one.
#[derive(Debug)]
pub(super) struct Throttle {
    /// The time between two deliveries; none without a limit.
    distance: Option<Duration>,
    tolerance: Duration,
    full_at: Instant,
}

impl Throttle {
    pub(super) fn new(rate: Option<NonZeroU32>, now: Instant) -> Self {
        let distance = rate.map(|rate| Duration::from_secs(1) / rate.get());
        let burst = rate.map_or(0, |rate| (rate.get() / 10).saturating_sub(1));
        Self {
            distance,
            tolerance: distance.unwrap_or_default() * burst,
            full_at: now,
        }
    }

    /// When the next delivery may leave; `None` if it may now.
    pub(super) fn next(&self, now: Instant) -> Option<Instant> {
        self.distance?;
        let at = self.full_at.checked_sub(self.tolerance)?;
        (at > now).then_some(at)
    }

    /// A delivery leaves.
    pub(super) fn take(&mut self, now: Instant) {
        if let Some(distance) = self.distance {
            self.full_at = self.full_at.max(now) + distance;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn so_many_a_second() {
        for rate in [1, 7, 100, 20_000] {
            let start = Instant::now();
            let mut throttle = Throttle::new(NonZeroU32::new(rate), start);
            let (mut now, mut sent) = (start, 0_u32);
            while now < start + Duration::from_secs(10) {
                while throttle.next(now).is_none() {
                    throttle.take(now);
                    sent += 1;
                }
                now = throttle.next(now).expect("the bucket is empty");
            }
            let most = 10 * rate + (rate / 10).max(1);
            assert!((10 * rate..=most).contains(&sent), "{rate}: {sent}");
        }
    }

    #[test]
    fn without_a_limit_nothing_waits() {
        let now = Instant::now();
        let mut throttle = Throttle::new(None, now);
        for _ in 0..1_000 {
            throttle.take(now);
        }
        assert_eq!(throttle.next(now), None);
    }
}
