//! How much of what nobody asked for a client may send.

use std::time::{Duration, Instant};

/// Within one period. An SDK sends none; a late ACK now and then is one.
const MOST: u32 = 256;
const PERIOD: Duration = Duration::from_secs(60);

/// Counts what came within this period.
#[derive(Debug)]
pub(super) struct Garbage {
    since: Instant,
    count: u32,
}

impl Garbage {
    pub(super) fn new(now: Instant) -> Self {
        Self {
            since: now,
            count: 0,
        }
    }

    /// One more. Returns whether it is too much.
    pub(super) fn add(&mut self, now: Instant) -> bool {
        if now.saturating_duration_since(self.since) >= PERIOD {
            *self = Self::new(now);
        }
        self.count += 1;
        self.count > MOST
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_little_is_let_pass() {
        let start = Instant::now();
        let mut garbage = Garbage::new(start);
        for _ in 0..MOST {
            assert!(!garbage.add(start));
        }
        assert!(garbage.add(start));
        assert!(!garbage.add(start + PERIOD));
    }
}
