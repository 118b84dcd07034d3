//! Random delays from a seed.
//!
//! The generator is splitmix64 (Steele, Lea, Flood: "Fast splittable pseudorandom number generators",
//! 2014). It spreads bots over time and makes ids of requests. No secret is made with it.

use std::time::Duration;

/// A seeded source of delays.
#[derive(Clone, Debug)]
pub(crate) struct Jitter(u64);

impl Jitter {
    /// Equal seeds give equal delays.
    pub(crate) fn new(seed: u64) -> Self {
        Self(seed)
    }

    /// A delay in `[0, bound)`, uniform; zero when the bound is.
    pub(crate) fn below(&mut self, bound: Duration) -> Duration {
        let nanos = u64::try_from(bound.as_nanos()).unwrap_or(u64::MAX);
        let scaled = (u128::from(nanos) * u128::from(self.next())) >> 64;
        Duration::from_nanos(u64::try_from(scaled).expect("a u64 times a fraction below one fits"))
    }

    /// `base` plus up to `percent` of it.
    pub(crate) fn stretched(&mut self, base: Duration, percent: u32) -> Duration {
        base.saturating_add(self.below(base.saturating_mul(percent) / 100))
    }

    pub(crate) fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        z ^ (z >> 31)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// First outputs for seed 0, as published with the algorithm's reference code.
    #[test]
    fn is_splitmix64() {
        let mut jitter = Jitter::new(0);
        assert_eq!(jitter.next(), 0xE220_A839_7B1D_CDAF);
        assert_eq!(jitter.next(), 0x6E78_9E6A_A1B9_65F4);
        assert_eq!(jitter.next(), 0x06C4_5D18_8009_454F);
    }

    #[test]
    fn stays_below_the_bound_and_covers_it() {
        let mut jitter = Jitter::new(7);
        let bound = Duration::from_secs(30);
        let delays: Vec<_> = (0..1000).map(|_| jitter.below(bound)).collect();
        assert!(delays.iter().all(|delay| *delay < bound));
        for third in 0..3 {
            let (from, to) = (bound / 3 * third, bound / 3 * (third + 1));
            let inside = delays.iter().filter(|d| **d >= from && **d < to).count();
            assert!(
                (250..420).contains(&inside),
                "{inside} of 1000 in third {third}"
            );
        }
        assert_eq!(jitter.below(Duration::ZERO), Duration::ZERO);
        assert!(jitter.below(Duration::MAX) < Duration::MAX);
    }

    #[test]
    fn stretches_by_at_most_the_percentage() {
        let mut jitter = Jitter::new(3);
        for _ in 0..1000 {
            let delay = jitter.stretched(Duration::from_secs(100), 25);
            assert!((100..125).contains(&delay.as_secs()), "{delay:?}");
        }
    }
}
