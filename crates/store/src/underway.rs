//! How long the writer has been working in the database, readable without asking it.
//!
//! A disk that hangs keeps the writer in the kernel: nothing fails, nothing returns, and the thread can tell nobody.
//! So it notes the time before it begins and clears the note afterwards. Whoever reads the note decides.

use std::sync::atomic::{AtomicU64, Ordering::Relaxed};
use std::time::{Duration, Instant};

/// Longer than one piece of work takes on a disk that works, a write lock that is waited for (1 s) included, and
/// longer than an event may wait for its answer (2.5 s): from here on nothing that arrives is acknowledged in time.
pub(crate) const STALLED_AFTER: Duration = Duration::from_secs(3);

/// The note.
#[derive(Debug)]
pub(crate) struct Underway {
    epoch: Instant,
    /// Milliseconds from the epoch to the beginning of the work, plus one; 0 while there is none.
    begun: AtomicU64,
}

impl Underway {
    pub(crate) fn new() -> Self {
        Self {
            epoch: Instant::now(),
            begun: AtomicU64::new(0),
        }
    }

    /// The writer begins a piece of work.
    pub(crate) fn begin(&self) {
        self.begun.store(self.now_ms() + 1, Relaxed);
    }

    /// The work is done; returns how long it took.
    pub(crate) fn end(&self) -> Duration {
        match self.begun.swap(0, Relaxed) {
            0 => Duration::ZERO,
            begun => self.since(begun),
        }
    }

    /// How long the work has taken, if that is longer than a disk that works needs.
    pub(crate) fn stalled(&self) -> Option<Duration> {
        match self.begun.load(Relaxed) {
            0 => None,
            begun => Some(self.since(begun)).filter(|length| *length >= STALLED_AFTER),
        }
    }

    fn since(&self, begun: u64) -> Duration {
        Duration::from_millis((self.now_ms() + 1).saturating_sub(begun))
    }

    fn now_ms(&self) -> u64 {
        u64::try_from(self.epoch.elapsed().as_millis()).unwrap_or(u64::MAX - 1)
    }

    /// As if the work had begun so much earlier.
    #[cfg(test)]
    pub(crate) fn begin_ago(&mut self, length: Duration) {
        self.epoch -= length;
        self.begun.store(1, Relaxed);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_lasts_is_a_stall() {
        let mut underway = Underway::new();
        assert_eq!(underway.stalled(), None);
        underway.begin();
        assert_eq!(underway.stalled(), None);
        underway.begin_ago(STALLED_AFTER);
        assert!(
            underway
                .stalled()
                .is_some_and(|length| length >= STALLED_AFTER)
        );
        assert!(underway.end() >= STALLED_AFTER);
        assert_eq!((underway.stalled(), underway.end()), (None, Duration::ZERO));
    }
}
