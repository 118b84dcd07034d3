//! Latencies in logarithmic buckets: constant size, each value kept within 1/16 of itself.

use std::time::Duration;

/// 16 sub-buckets per power of two.
const SUB_BITS: u32 = 4;
const BUCKETS: usize = (64 - SUB_BITS as usize + 1) << SUB_BITS;

/// Counts of latencies in microseconds.
#[derive(Clone, Debug)]
pub(crate) struct Histogram {
    counts: Vec<u64>,
    count: u64,
    max_us: u64,
}

impl Default for Histogram {
    fn default() -> Self {
        Self {
            counts: vec![0; BUCKETS],
            count: 0,
            max_us: 0,
        }
    }
}

impl Histogram {
    pub(crate) fn record(&mut self, latency: Duration) {
        let us = u64::try_from(latency.as_micros()).unwrap_or(u64::MAX);
        self.counts[bucket(us)] += 1;
        self.count += 1;
        self.max_us = self.max_us.max(us);
    }

    pub(crate) fn count(&self) -> u64 {
        self.count
    }

    pub(crate) fn max_us(&self) -> u64 {
        self.max_us
    }

    /// The smallest bucket bound that `share` of all values do not exceed; 0 when there are none.
    pub(crate) fn quantile_us(&self, share: f64) -> u64 {
        let rank = ((self.count as f64) * share).ceil() as u64;
        let mut seen = 0;
        for (index, count) in self.counts.iter().enumerate() {
            seen += count;
            if *count > 0 && seen >= rank {
                return upper_bound(index).min(self.max_us);
            }
        }
        self.max_us
    }

    /// The buckets that are not empty, as (largest value in µs, count).
    pub(crate) fn buckets(&self) -> Vec<(u64, u64)> {
        self.counts
            .iter()
            .enumerate()
            .filter(|(_, count)| **count > 0)
            .map(|(index, count)| (upper_bound(index), *count))
            .collect()
    }
}

fn bucket(us: u64) -> usize {
    if us < 1 << SUB_BITS {
        return us as usize;
    }
    let shift = 63 - us.leading_zeros() - SUB_BITS;
    let sub = (us >> shift) as usize & ((1 << SUB_BITS) - 1);
    ((shift as usize + 1) << SUB_BITS) | sub
}

fn upper_bound(bucket: usize) -> u64 {
    let (row, sub) = (bucket >> SUB_BITS, (bucket & ((1 << SUB_BITS) - 1)) as u64);
    if row == 0 {
        return sub;
    }
    let low = ((1 << SUB_BITS) | sub) << (row - 1);
    low + ((1 << (row - 1)) - 1)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_value_is_within_its_bucket() {
        for us in (0..5_000).chain([1 << 20, (1 << 33) + 7, u64::MAX]) {
            let index = bucket(us);
            assert!(us <= upper_bound(index), "{us}");
            assert!(index == 0 || us > upper_bound(index - 1), "{us}");
        }
    }

    #[test]
    fn quantiles_of_a_known_series() {
        let mut histogram = Histogram::default();
        for us in 1..=1_000 {
            histogram.record(Duration::from_micros(us));
        }
        assert_eq!(histogram.count(), 1_000);
        assert_eq!(histogram.max_us(), 1_000);
        assert!((500..=532).contains(&histogram.quantile_us(0.5)));
        assert!((990..=1_000).contains(&histogram.quantile_us(0.99)));
        assert_eq!(Histogram::default().quantile_us(0.99), 0);
    }
}
