//! When the gateway dies: random lives that follow from a seed.

use std::time::Duration;

/// One in so many lives has a pause.
const PAUSE_ONE_IN: u64 = 4;
/// A pause is shorter than the platform waits for an ACK; what is read is answered late, not twice.
const LONGEST_PAUSE: Duration = Duration::from_millis(700);
/// A shorter life would end before the process has read its configuration.
const SHORTEST: Duration = Duration::from_millis(100);

/// One life of the gateway.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Life {
    /// Running, until the pause.
    pub(super) before: Duration,
    /// Stopped.
    pub(super) pause: Option<Duration>,
    /// Running, until the kill.
    pub(super) after: Duration,
}

/// The lives to come.
#[derive(Debug)]
pub(super) struct Schedule {
    state: u64,
    longest: Duration,
}

impl Schedule {
    pub(super) fn new(seed: u64, longest: Duration) -> Self {
        Self {
            state: seed,
            longest,
        }
    }

    pub(super) fn next_life(&mut self) -> Life {
        let running = SHORTEST + self.up_to(self.longest.saturating_sub(SHORTEST));
        let before = self.up_to(running);
        let pause = self
            .next_u64()
            .is_multiple_of(PAUSE_ONE_IN)
            .then(|| self.up_to(LONGEST_PAUSE));
        Life {
            before,
            pause,
            after: running - before,
        }
    }

    fn up_to(&mut self, most: Duration) -> Duration {
        // 53 random bits fill a double's fraction.
        most.mul_f64((self.next_u64() >> 11) as f64 / (1_u64 << 53) as f64)
    }

    /// Splitmix64: small, and the same everywhere for ever, so that a printed seed keeps its meaning.
    fn next_u64(&mut self) -> u64 {
        self.state = self.state.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut word = self.state;
        word = (word ^ (word >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        word = (word ^ (word >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        word ^ (word >> 31)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const LONGEST: Duration = Duration::from_secs(2);

    fn lives(seed: u64) -> Vec<Life> {
        let mut schedule = Schedule::new(seed, LONGEST);
        (0..1_000).map(|_| schedule.next_life()).collect()
    }

    #[test]
    fn a_seed_is_a_schedule() {
        assert_eq!(lives(7), lives(7));
        assert_ne!(lives(7), lives(8));
    }

    #[test]
    fn lives_keep_to_their_bounds_and_differ() {
        let lives = lives(1);
        for life in &lives {
            let running = life.before + life.after;
            assert!((SHORTEST..=LONGEST).contains(&running), "{life:?}");
            assert!(life.pause.is_none_or(|pause| pause <= LONGEST_PAUSE));
        }
        let short = lives
            .iter()
            .filter(|life| life.before + life.after < LONGEST / 2)
            .count();
        assert!((300..700).contains(&short), "{short} of 1000 are short");
        let paused = lives.iter().filter(|life| life.pause.is_some()).count();
        assert!((150..350).contains(&paused), "{paused} of 1000 are paused");
    }
}
