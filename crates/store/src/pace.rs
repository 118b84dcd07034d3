//! How fast the writer is, and how much may wait for it so that the last of it is answered in time.
//!
//! A bound in events alone is right for one disk only: what a fast one records in a tenth of a second takes a slow one
//! longer than anybody waits for an answer, and then everything is recorded and nothing acknowledged.

use std::sync::atomic::{AtomicU64, Ordering::Relaxed};
use std::time::Duration;

/// A batch is full with this many events: a larger transaction costs as much per event, and its first event waits longer.
pub(crate) const BATCH_EVENTS: usize = 1024;
/// A batch is full with this many bytes, because the database and the writer hold them in memory until the commit.
pub(crate) const BATCH_BYTES: usize = 4 << 20;

/// What waits is to be recorded within this. With what an event waited before it was read, and what its answer takes,
/// that is within the platform's 3 s.
const QUEUE: Duration = Duration::from_millis(1500);

/// A commit counts for an eighth of what the earlier ones count together: one that waits for a checkpoint is no trend.
const WEIGHT: u64 = 8;

/// The recent duration of a transaction.
#[derive(Debug, Default)]
pub(crate) struct Pace {
    commit_us: AtomicU64,
}

impl Pace {
    /// A transaction took so long. From the writer only.
    pub(crate) fn count(&self, took: Duration) {
        let took_us = u64::try_from(took.as_micros()).unwrap_or(u64::MAX / WEIGHT);
        let before = self.commit_us.load(Relaxed);
        let smooth = (before.saturating_mul(WEIGHT - 1)).saturating_add(took_us) / WEIGHT;
        self.commit_us.store(smooth, Relaxed);
    }

    /// Events that are recorded in time if this many wait; one whole transaction at least.
    pub(crate) fn in_time(&self) -> usize {
        self.commits_in_time().saturating_mul(BATCH_EVENTS)
    }

    /// The same in bytes: of long events a transaction holds fewer.
    pub(crate) fn bytes_in_time(&self) -> usize {
        self.commits_in_time().saturating_mul(BATCH_BYTES)
    }

    fn commits_in_time(&self) -> usize {
        let commit_us = u128::from(self.commit_us.load(Relaxed)).max(1);
        let commits = usize::try_from(QUEUE.as_micros() / commit_us).unwrap_or(usize::MAX);
        commits.max(1)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn after(commits: usize, took: Duration) -> usize {
        let pace = Pace::default();
        (0..commits).for_each(|_| pace.count(took));
        pace.in_time()
    }

    #[test]
    fn a_slow_disk_lets_less_wait() {
        assert!(after(0, Duration::ZERO) > 1_000_000, "nothing is known yet");
        assert!(after(100, Duration::from_millis(5)) > 100_000);
        let slow = after(100, Duration::from_millis(300));
        assert!(
            (4 * BATCH_EVENTS..=6 * BATCH_EVENTS).contains(&slow),
            "{slow}"
        );
        assert_eq!(after(100, Duration::from_secs(3)), BATCH_EVENTS);
        assert_eq!(after(100, Duration::MAX), BATCH_EVENTS);
        let slow = Pace::default();
        (0..100).for_each(|_| slow.count(Duration::from_millis(400)));
        assert!((3 * BATCH_BYTES..=4 * BATCH_BYTES).contains(&slow.bytes_in_time()));
    }

    #[test]
    fn one_slow_commit_is_no_trend_and_many_are() {
        let pace = Pace::default();
        (0..100).for_each(|_| pace.count(Duration::from_millis(4)));
        pace.count(Duration::from_millis(200));
        assert!(pace.in_time() > 20 * BATCH_EVENTS, "{}", pace.in_time());
        (0..30).for_each(|_| pace.count(Duration::from_millis(200)));
        assert!(pace.in_time() < 9 * BATCH_EVENTS, "{}", pace.in_time());
    }
}
