//! When the gateway is killed and which trouble it has before: random lives that follow from a seed.

use std::time::Duration;

/// One life in so many ends while the process still starts.
const STILLBORN_ONE_IN: u64 = 8;
/// Reading the configuration, opening the store, connecting.
const START_UP: Duration = Duration::from_millis(150);
/// Half of the stops are shorter than the platform waits for an ACK: what was read is answered late, not twice.
const SHORT_STOP: Duration = Duration::from_millis(700);
/// The others may be longer: the platform gives up waiting, and repeats.
const LONG_STOP: Duration = Duration::from_secs(3);
/// The disk is full for so long at most.
const FULL: Duration = Duration::from_secs(3);

/// The trouble that a gateway has before it is killed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum LifeTrouble {
    /// SIGSTOP, and SIGCONT after this time. The platform may drop the connections meanwhile.
    Stop { length: Duration, dropped: bool },
    /// The disk is full for this time.
    FullDisk(Duration),
    /// The disk takes no writes, and does not say so, for this time.
    Stall(Duration),
}

/// One life of the gateway.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct GatewayLife {
    /// Running, until the trouble.
    pub(super) before: Duration,
    pub(super) trouble: Option<LifeTrouble>,
    /// The kill comes while the trouble lasts.
    pub(super) dies_in_it: bool,
    /// Running, until the kill.
    pub(super) after: Duration,
}

/// What is still to come, at most one trouble a life.
#[derive(Debug, Clone, Copy)]
pub(super) struct Plan {
    pub(super) lives: u32,
    pub(super) stops: u32,
    pub(super) full_disks: u32,
    pub(super) stalls: u32,
    /// How long each stall lasts.
    pub(super) stall: Duration,
}

impl Plan {
    pub(super) fn troubles(&self) -> u32 {
        self.stops + self.full_disks + self.stalls
    }
}

/// The lives to come.
#[derive(Debug)]
pub(super) struct Schedule {
    state: u64,
    longest: Duration,
    left: Plan,
}

impl Schedule {
    pub(super) fn new(seed: u64, longest: Duration, plan: Plan) -> Self {
        Self {
            state: seed,
            longest,
            left: plan,
        }
    }

    pub(super) fn next_life(&mut self) -> GatewayLife {
        let running = if self.one_in(STILLBORN_ONE_IN) {
            self.up_to(START_UP.min(self.longest))
        } else {
            self.up_to(self.longest)
        };
        let before = self.up_to(running);
        let trouble = self.next_trouble();
        GatewayLife {
            before,
            trouble,
            dies_in_it: trouble.is_some() && self.one_in(3),
            after: running - before,
        }
    }

    /// As many of each as planned, spread evenly at random over the lives that are left.
    fn next_trouble(&mut self) -> Option<LifeTrouble> {
        let drawn = self.next_u64() % u64::from(self.left.lives.max(1));
        self.left.lives = self.left.lives.saturating_sub(1);
        let stops = u64::from(self.left.stops);
        let full_disks = stops + u64::from(self.left.full_disks);
        let stalls = full_disks + u64::from(self.left.stalls);
        if drawn < stops {
            self.left.stops -= 1;
            let most = if self.one_in(2) {
                SHORT_STOP
            } else {
                LONG_STOP
            };
            Some(LifeTrouble::Stop {
                length: self.up_to(most),
                dropped: self.one_in(4),
            })
        } else if drawn < full_disks {
            self.left.full_disks -= 1;
            Some(LifeTrouble::FullDisk(self.up_to(FULL)))
        } else if drawn < stalls {
            self.left.stalls -= 1;
            Some(LifeTrouble::Stall(self.left.stall))
        } else {
            None
        }
    }

    fn one_in(&mut self, many: u64) -> bool {
        self.next_u64().is_multiple_of(many)
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
    const PLAN: Plan = Plan {
        lives: 1_000,
        stops: 250,
        full_disks: 100,
        stalls: 10,
        stall: Duration::from_secs(30),
    };

    fn lives(seed: u64) -> Vec<GatewayLife> {
        let mut schedule = Schedule::new(seed, LONGEST, PLAN);
        (0..PLAN.lives).map(|_| schedule.next_life()).collect()
    }

    #[test]
    fn a_seed_is_a_schedule() {
        assert_eq!(lives(7), lives(7));
        assert_ne!(lives(7), lives(8));
    }

    #[test]
    fn lives_keep_to_their_bounds_and_differ() {
        let lives = lives(1);
        let running = |life: &GatewayLife| life.before + life.after;
        assert!(lives.iter().all(|life| running(life) <= LONGEST));
        let in_start_up = lives.iter().filter(|life| running(life) < START_UP).count();
        assert!((100..300).contains(&in_start_up), "{in_start_up} of 1000");
        let long = lives
            .iter()
            .filter(|life| running(life) > LONGEST / 2)
            .count();
        assert!((300..600).contains(&long), "{long} of 1000 are long");
    }

    #[test]
    fn there_is_as_much_trouble_as_was_planned() {
        for seed in 0..20 {
            let troubles: Vec<LifeTrouble> =
                lives(seed).iter().filter_map(|life| life.trouble).collect();
            let count = |wanted: fn(&LifeTrouble) -> bool| {
                troubles.iter().filter(|trouble| wanted(trouble)).count()
            };
            assert_eq!(
                (
                    count(|trouble| matches!(trouble, LifeTrouble::Stop { .. })),
                    count(|trouble| matches!(trouble, LifeTrouble::FullDisk(_))),
                    count(|trouble| matches!(trouble, LifeTrouble::Stall(_))),
                ),
                (250, 100, 10)
            );
        }
    }
}
