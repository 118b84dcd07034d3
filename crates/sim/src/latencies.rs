//! Latencies, as a simulated platform measures those of ACKs: constant size, relative error at most 1/16.

use std::time::Duration;

use hdrhistogram::Histogram;

use serde::{Deserialize, Serialize};

/// The longest latency, of more than twelve days. Longer ones count as this.
const LONGEST_US: u64 = 1 << 40;
/// One significant digit gives 16 steps for each power of two.
const DIGITS: u8 = 1;

/// ACK latency in µs. Quantiles are exact to 1/16.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Latency {
    /// Measured ACKs.
    pub count: u64,
    /// Median.
    pub p50_us: u64,
    /// 99th percentile.
    pub p99_us: u64,
    /// Largest.
    pub max_us: u64,
    /// Non-empty buckets: largest value in µs, count.
    pub buckets: Vec<(u64, u64)>,
}

/// Latencies in microseconds. The largest is kept exactly.
#[derive(Clone, Debug)]
pub struct Latencies {
    counts: Histogram<u64>,
    max_us: u64,
}

impl Default for Latencies {
    fn default() -> Self {
        Self {
            counts: Histogram::new_with_bounds(1, LONGEST_US, DIGITS)
                .expect("the bounds are constants in range"),
            max_us: 0,
        }
    }
}

impl Latencies {
    /// Adds one.
    pub fn record(&mut self, latency: Duration) {
        let us = u64::try_from(latency.as_micros()).unwrap_or(u64::MAX);
        self.counts.saturating_record(us);
        self.max_us = self.max_us.max(us);
    }

    /// The latencies recorded so far.
    #[must_use]
    pub fn summary(&self) -> Latency {
        let within = |us: u64| us.min(self.max_us);
        let buckets = self.counts.iter_recorded().map(|bucket| {
            let bound = self.counts.highest_equivalent(bucket.value_iterated_to());
            (within(bound), bucket.count_at_value())
        });
        Latency {
            count: self.counts.len(),
            p50_us: within(self.counts.value_at_quantile(0.5)),
            p99_us: within(self.counts.value_at_quantile(0.99)),
            max_us: self.max_us,
            buckets: buckets.collect(),
        }
    }

    fn of(latency: &Latency) -> Self {
        let mut latencies = Self {
            max_us: latency.max_us,
            ..Self::default()
        };
        for &(bound, count) in &latency.buckets {
            latencies.counts.saturating_record_n(bound, count);
        }
        latencies
    }
}

impl Latency {
    /// These and those of another measurement together.
    #[must_use]
    pub fn with(&self, other: &Self) -> Self {
        if other.count == 0 {
            return self.clone();
        }
        let mut both = Latencies::of(self);
        for &(bound, count) in &other.buckets {
            both.counts.saturating_record_n(bound, count);
        }
        both.max_us = both.max_us.max(other.max_us);
        both.summary()
    }

    /// The latencies since an earlier summary of the same platform. Their largest is known as exactly as its bucket.
    pub fn since(&self, earlier: &Self) -> Self {
        let mut between = Latencies::of(self);
        // This fails only for a summary that is not an earlier one; then all latencies count as new.
        let _ = between.counts.subtract(&Latencies::of(earlier).counts);
        let largest = between.counts.max();
        between.max_us = between.counts.highest_equivalent(largest).min(self.max_us);
        if between.counts.is_empty() {
            between.max_us = 0;
        }
        between.summary()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(latencies_us: impl IntoIterator<Item = u64>) -> Latencies {
        let mut latencies = Latencies::default();
        for us in latencies_us {
            latencies.record(Duration::from_micros(us));
        }
        latencies
    }

    #[test]
    fn every_value_is_within_its_bucket() {
        for us in (0..5_000).chain([1 << 20, (1 << 33) + 7, LONGEST_US]) {
            let buckets = of([us]).summary().buckets;
            let [(bound, 1)] = buckets[..] else {
                panic!("{us} is in {buckets:?}")
            };
            assert!(us <= bound && bound - us <= us / 16, "{us} is in {bound}");
        }
    }

    #[test]
    fn no_latency_is_too_long() {
        let latency = of([u64::MAX]).summary();
        assert_eq!((latency.count, latency.max_us), (1, u64::MAX));
    }

    #[test]
    fn quantiles_of_a_known_series() {
        let latency = of(1..=1_000).summary();
        assert_eq!((latency.count, latency.max_us), (1_000, 1_000));
        assert!((500..=532).contains(&latency.p50_us));
        assert!((990..=1_000).contains(&latency.p99_us));
        assert_eq!(Latencies::default().summary(), Latency::default());
    }

    #[test]
    fn buckets_hold_all_that_was_recorded() {
        let buckets = of((1..=1_000).chain(1..=500)).summary().buckets;
        assert_eq!(buckets.iter().map(|(_, count)| count).sum::<u64>(), 1_500);
        assert!(buckets.is_sorted() && buckets[..3] == [(1, 2), (2, 2), (3, 2)]);
    }

    #[test]
    fn two_measurements_together() {
        let (one, other) = (of([10, 480]).summary(), of([10, 20]).summary());
        let both = one.with(&other);
        assert_eq!(both.buckets, [(10, 2), (20, 1), (480, 1)]);
        assert_eq!((both.count, both.max_us), (4, 480));
        assert_eq!(one.with(&Latency::default()), one);
    }

    #[test]
    fn what_was_before_is_forgotten() {
        let earlier = of(std::iter::repeat_n(10, 5).chain(std::iter::repeat_n(480, 100)));
        let mut later = earlier.clone();
        for us in (std::iter::repeat_n(10, 50))
            .chain(std::iter::repeat_n(20, 49))
            .chain([690])
        {
            later.record(Duration::from_micros(us));
        }
        let between = later.summary().since(&earlier.summary());
        assert_eq!(between.buckets, [(10, 50), (20, 49), (690, 1)]);
        assert_eq!(
            (between.p50_us, between.p99_us, between.max_us),
            (10, 20, 690)
        );
        let nothing = later.summary().since(&later.summary());
        assert_eq!(nothing, Latency::default());
    }
}
