//! Rate limits per minute and per hour, of a conversation or of a bot's uploads.

use std::collections::VecDeque;
use std::time::{Duration, Instant};

const MINUTE: Duration = Duration::from_secs(60);
const HOUR: Duration = Duration::from_secs(3_600);

/// Limits per minute and per hour.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct RateLimit {
    /// In any 60 s.
    pub per_minute: u32,
    /// In any 3600 s.
    pub per_hour: u32,
}

/// The requests admitted within the last hour.
#[derive(Debug, Default)]
pub(crate) struct Rate {
    admitted: VecDeque<Instant>,
}

impl Rate {
    /// Admits and counts one more request if it is within the limit. Time runs `factor` times as fast.
    pub(crate) fn admit(&mut self, limit: RateLimit, factor: f64, now: Instant) -> bool {
        let (minute, hour) = (MINUTE.div_f64(factor), HOUR.div_f64(factor));
        let age = |at: &Instant| now.saturating_duration_since(*at);
        while self.admitted.front().is_some_and(|at| age(at) >= hour) {
            self.admitted.pop_front();
        }
        let newest_first = self.admitted.iter().rev();
        let in_minute = newest_first.take_while(|at| age(at) < minute).count();
        if in_minute >= limit.per_minute as usize || self.admitted.len() >= limit.per_hour as usize
        {
            return false;
        }
        self.admitted.push_back(now);
        true
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn both_windows_hold_and_slide() {
        let limit = RateLimit {
            per_minute: 2,
            per_hour: 3,
        };
        let (mut rate, start) = (Rate::default(), Instant::now());
        let mut at = |s| rate.admit(limit, 1.0, start + Duration::from_secs(s));
        assert!(at(0) && at(1), "two in the first minute");
        assert!(!at(59));
        assert!(at(60), "the first is a minute old");
        assert!(!at(3_599), "three within the hour");
        assert!(at(3_600));
    }
}
