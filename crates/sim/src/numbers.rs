//! Maps whose keys are numbers that the simulator counts up itself.
//!
//! Clients do not choose these numbers, so the hash need not resist an attacker; and it must be fast, because every event
//! of a load test is looked up several times. One multiplication spreads consecutive numbers over the table. Its high
//! bits are the well-mixed ones, and the hash table distinguishes the entries of a group by them.

use std::collections::HashMap;
use std::hash::{BuildHasherDefault, Hasher};

/// A map keyed by our own numbers.
pub(crate) type NumberMap<K, V> = HashMap<K, V, BuildHasherDefault<Multiply>>;

/// 2^64 divided by the golden ratio, odd.
const GOLDEN: u64 = 0x9e37_79b9_7f4a_7c15;

/// One multiplication for each number.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Multiply(u64);

impl Hasher for Multiply {
    fn write(&mut self, bytes: &[u8]) {
        // Integer keys use `write_u64`; this is here to be correct for any key.
        for byte in bytes {
            self.write_u64(u64::from(*byte));
        }
    }

    fn write_u64(&mut self, number: u64) {
        let mixed = (self.0 ^ number).wrapping_mul(GOLDEN);
        self.0 = mixed ^ (mixed >> 32);
    }

    fn finish(&self) -> u64 {
        self.0
    }
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;
    use std::hash::BuildHasher as _;

    use super::*;

    #[test]
    fn neighbours_are_spread_at_both_ends() {
        let build = BuildHasherDefault::<Multiply>::default();
        let hashes: Vec<u64> = (0..4_096u64).map(|number| build.hash_one(number)).collect();
        let distinct =
            |part: fn(&u64) -> u64| hashes.iter().map(part).collect::<HashSet<_>>().len();
        assert_eq!(distinct(|hash| *hash), 4_096);
        // The low bits choose the place, the seven highest tell entries of one group apart.
        assert!(distinct(|hash| hash & 4_095) > 2_000);
        assert_eq!(distinct(|hash| hash >> 57), 128);
    }
}
