//! What the writer has done since the process began, as counters read without stopping it.

use std::sync::atomic::{AtomicI64, AtomicU8, AtomicU64, Ordering::Relaxed};
use std::time::Duration;

use crate::clock::now_ms;
use crate::disk_concern::DiskConcern;
use crate::lane::WriteLane;

/// Upper edges of the commit time buckets in microseconds; a last bucket holds what took longer.
pub const COMMIT_EDGES_US: [u64; 12] = [
    100, 200, 500, 1_000, 2_000, 5_000, 10_000, 20_000, 50_000, 100_000, 500_000, 1_000_000,
];

/// A reading of the counters. Each is exact; together they are of nearly one moment.
#[derive(Clone, Debug, Default, Eq, PartialEq, serde::Serialize)]
pub struct Figures {
    /// Transactions committed.
    pub commits: u64,
    /// Transactions that failed.
    pub failed_commits: u64,
    /// Times that a writer in trouble tried to open the database or to write to it.
    pub retries: u64,
    /// Events recorded.
    pub rows: u64,
    /// Repeats recognized by the platform's event id.
    pub repeats_event_id: u64,
    /// Repeats recognized by message and revision under another event id.
    pub repeats_message: u64,
    /// Events refused by a rule of the schema.
    pub poisoned: u64,
    /// The most events in one transaction.
    pub batch_max: u64,
    /// How long the last transaction took, in microseconds.
    pub commit_last_us: u64,
    /// How long all transactions took together, in microseconds.
    pub commit_sum_us: u64,
    /// Transactions by duration: one count per edge of [`COMMIT_EDGES_US`], and one for the rest.
    pub commit_us: [u64; COMMIT_EDGES_US.len() + 1],
    /// When the last transaction was committed, in milliseconds since 1970; `None` before the first one of this process.
    pub last_commit_ms: Option<i64>,
    /// Bytes of the database without its write-ahead log, when the writer last looked, which it does every two seconds.
    pub database_bytes: u64,
    /// Bytes of the write-ahead log then.
    pub wal_bytes: u64,
    /// Bytes free to us on the disk then; `None` where the file system does not tell.
    pub free_bytes: Option<u64>,
    /// Bytes of the whole disk; `None` where the file system does not tell.
    pub disk_bytes: Option<u64>,
    /// What becomes a trouble of the store unless somebody does something about it.
    pub concerns: Vec<DiskConcern>,
    /// Events that wait for the writer.
    pub queue_events: u64,
    /// Bytes that those events hold.
    pub queue_bytes: u64,
    /// The most events that ever waited.
    pub queue_events_max: u64,
    /// Groups given back because the queue was full.
    pub rejected_groups: u64,
    /// Timeline notes that were not kept.
    pub notes_dropped: u64,
    /// Steps of journeys that were not kept: attempts, replies.
    pub journey_steps_dropped: u64,
}

/// What the database takes of its disk.
#[derive(Copy, Clone, Debug, Default)]
pub(crate) struct DiskUsage {
    /// Bytes of the database without its write-ahead log.
    pub(crate) database_bytes: u64,
    /// Bytes of the write-ahead log.
    pub(crate) wal_bytes: u64,
    /// Bytes free to us; `None` where the file system does not tell.
    pub(crate) free_bytes: Option<u64>,
    /// Bytes of the whole file system; `None` where it does not tell.
    pub(crate) disk_bytes: Option<u64>,
}

/// The counters themselves.
#[derive(Debug, Default)]
pub(crate) struct Counters {
    /// 0 before the first commit.
    last_commit_ms: AtomicI64,
    database_bytes: AtomicU64,
    wal_bytes: AtomicU64,
    /// One more than there are; 0 while it is not known.
    free_bytes: AtomicU64,
    /// In the same way.
    disk_bytes: AtomicU64,
    /// The bits of those that last.
    concerns: AtomicU8,
    pub(crate) commits: AtomicU64,
    pub(crate) failed_commits: AtomicU64,
    pub(crate) retries: AtomicU64,
    pub(crate) rows: AtomicU64,
    pub(crate) repeats_event_id: AtomicU64,
    pub(crate) repeats_message: AtomicU64,
    pub(crate) poisoned: AtomicU64,
    pub(crate) batch_max: AtomicU64,
    pub(crate) commit_last_us: AtomicU64,
    pub(crate) commit_sum_us: AtomicU64,
    pub(crate) commit_us: [AtomicU64; COMMIT_EDGES_US.len() + 1],
    pub(crate) queue_events_max: AtomicU64,
    pub(crate) rejected_groups: AtomicU64,
}

impl Counters {
    pub(crate) fn count_commit(&self, took: Duration, events: usize) {
        let us = u64::try_from(took.as_micros()).unwrap_or(u64::MAX);
        self.commits.fetch_add(1, Relaxed);
        self.last_commit_ms.store(now_ms(), Relaxed);
        self.batch_max.fetch_max(events as u64, Relaxed);
        self.commit_last_us.store(us, Relaxed);
        self.commit_sum_us.fetch_add(us, Relaxed);
        let bucket = COMMIT_EDGES_US.partition_point(|&edge| edge < us);
        self.commit_us[bucket].fetch_add(1, Relaxed);
    }

    pub(crate) fn set_disk(&self, disk: DiskUsage) {
        self.database_bytes.store(disk.database_bytes, Relaxed);
        self.wal_bytes.store(disk.wal_bytes, Relaxed);
        let free = disk.free_bytes.map_or(0, |free| free.saturating_add(1));
        self.free_bytes.store(free, Relaxed);
        let all = disk.disk_bytes.map_or(0, |all| all.saturating_add(1));
        self.disk_bytes.store(all, Relaxed);
    }

    /// The concerns that last, as their bits.
    pub(crate) fn set_concerns(&self, lasting: u8) {
        self.concerns.store(lasting, Relaxed);
    }

    pub(crate) fn read(
        &self,
        queue_events: usize,
        queue_bytes: usize,
        lane: &WriteLane,
    ) -> Figures {
        Figures {
            commits: self.commits.load(Relaxed),
            failed_commits: self.failed_commits.load(Relaxed),
            retries: self.retries.load(Relaxed),
            rows: self.rows.load(Relaxed),
            repeats_event_id: self.repeats_event_id.load(Relaxed),
            repeats_message: self.repeats_message.load(Relaxed),
            poisoned: self.poisoned.load(Relaxed),
            batch_max: self.batch_max.load(Relaxed),
            commit_last_us: self.commit_last_us.load(Relaxed),
            commit_sum_us: self.commit_sum_us.load(Relaxed),
            commit_us: std::array::from_fn(|bucket| self.commit_us[bucket].load(Relaxed)),
            last_commit_ms: Some(self.last_commit_ms.load(Relaxed)).filter(|ms| *ms != 0),
            database_bytes: self.database_bytes.load(Relaxed),
            wal_bytes: self.wal_bytes.load(Relaxed),
            free_bytes: self.free_bytes.load(Relaxed).checked_sub(1),
            disk_bytes: self.disk_bytes.load(Relaxed).checked_sub(1),
            concerns: DiskConcern::ALL
                .into_iter()
                .filter(|concern| self.concerns.load(Relaxed) & concern.bit() != 0)
                .collect(),
            queue_events: queue_events as u64,
            queue_bytes: queue_bytes as u64,
            queue_events_max: self.queue_events_max.load(Relaxed),
            rejected_groups: self.rejected_groups.load(Relaxed),
            notes_dropped: lane.notes_dropped(),
            journey_steps_dropped: lane.journey_steps_dropped(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn durations_fall_into_their_bucket() {
        let counters = Counters::default();
        for us in [100, 101, 2_000_000] {
            counters.count_commit(Duration::from_micros(us), 3);
        }
        let figures = counters.read(0, 0, &WriteLane::new());
        assert_eq!(
            (
                figures.commit_us[0],
                figures.commit_us[1],
                figures.commit_us[12]
            ),
            (1, 1, 1)
        );
        assert_eq!((figures.commits, figures.batch_max), (3, 3));
        assert_eq!(figures.commit_sum_us, 2_000_201);
        assert!(figures.last_commit_ms.is_some());
    }

    #[test]
    fn a_full_disk_is_not_an_unknown_one() {
        let counters = Counters::default();
        assert_eq!(counters.read(0, 0, &WriteLane::new()).free_bytes, None);
        counters.set_disk(DiskUsage {
            database_bytes: 5,
            wal_bytes: 7,
            free_bytes: Some(0),
            disk_bytes: None,
        });
        let figures = counters.read(0, 0, &WriteLane::new());
        assert_eq!((figures.wal_bytes, figures.free_bytes), (7, Some(0)));
        assert_eq!((figures.database_bytes, figures.last_commit_ms), (5, None));
    }
}
