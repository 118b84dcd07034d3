//! The connect-rate budget: how many connection attempts start per second, over all installations.
//!
//! Turns are handed out in order, evenly spaced, so ten thousand bots that lose their connection together
//! come back as a queue and not as a wave. A turn in the future is a reservation: it belongs to whoever
//! asked, who waits for it and does not ask again.

use std::time::{Duration, Instant};

/// The queue of all installations that want to connect.
#[derive(Clone, Debug)]
pub struct Turns {
    /// Zero when there is no budget.
    spacing: Duration,
    next: Option<Instant>,
}

/// When the one who asked may start.
#[derive(Copy, Clone, PartialEq, Eq, Debug)]
pub enum Turn {
    /// At once.
    Now,
    /// At this instant, which is reserved: asking again would mean queueing twice.
    At(Instant),
}

impl Turns {
    /// `per_second` attempts each second; 0 means no budget.
    #[must_use]
    pub fn new(per_second: u32) -> Self {
        Self {
            spacing: Duration::from_secs(1)
                .checked_div(per_second)
                .unwrap_or_default(),
            next: None,
        }
    }

    /// The next free turn.
    pub fn take(&mut self, now: Instant) -> Turn {
        // Time that nobody used is gone: a token saved over night would only make a wave in the morning.
        let turn = self.next.map_or(now, |next| next.max(now));
        self.next = Some(turn + self.spacing);
        if turn == now {
            Turn::Now
        } else {
            Turn::At(turn)
        }
    }

    /// How long one who asks now would wait.
    #[must_use]
    pub fn backlog(&self, now: Instant) -> Duration {
        self.next
            .map_or(Duration::ZERO, |next| next.saturating_duration_since(now))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_wave_becomes_a_queue() {
        let now = Instant::now();
        let mut turns = Turns::new(50);
        assert_eq!(turns.take(now), Turn::Now);
        for nth in 1..1000_u32 {
            assert_eq!(
                turns.take(now),
                Turn::At(now + Duration::from_millis(20) * nth)
            );
        }
        assert_eq!(turns.backlog(now), Duration::from_secs(20));
        let later = now + Duration::from_secs(20);
        assert_eq!(turns.take(later), Turn::Now);
    }

    #[test]
    fn idle_time_is_not_saved() {
        let now = Instant::now();
        let mut turns = Turns::new(1);
        assert_eq!(turns.take(now), Turn::Now);
        let morning = now + Duration::from_secs(8 * 3600);
        assert_eq!(turns.take(morning), Turn::Now);
        assert_eq!(
            turns.take(morning),
            Turn::At(morning + Duration::from_secs(1))
        );
    }

    #[test]
    fn without_a_budget_everybody_goes_at_once() {
        let now = Instant::now();
        let mut turns = Turns::new(0);
        assert!((0..10_000).all(|_| turns.take(now) == Turn::Now));
    }
}
