//! Whether the disk will be in trouble: told while there is time to do something about it.
//!
//! The writer looks every two seconds. Each concern is told when it begins and when it is over, and not in between. This is the
//! part without I/O.

use crate::disk_concern::DiskConcern;
use crate::figures::DiskUsage;

/// A write-ahead log that is longer is held by somebody: the writer cuts it at [`WAL_KEPT_BYTES`](crate::sqlite::log::WAL_KEPT_BYTES)
/// whenever nobody reads an old state. Four times that, because a long query of our own may hold it for seconds.
const WAL_HELD_BYTES: u64 = 64 << 20;
/// And it is held no longer below this.
const WAL_FREE_BYTES: u64 = 32 << 20;
/// Free space is low below this share of the disk,
const LOW_SHARE: u64 = 20;
/// but never above so many bytes (half an hour of 5,000 events a second), and on a small disk not above a quarter of it.
const LOW_AT_MOST_BYTES: u64 = 5 << 30;
const LOW_AT_LEAST_BYTES: u64 = 512 << 20;

/// What is to be told.
#[derive(Copy, Clone, Debug, PartialEq, Eq)]
pub(crate) enum DiskNews {
    Begins(DiskConcern),
    IsOver(DiskConcern),
}

/// What was told.
#[derive(Debug, Default)]
pub(crate) struct DiskWatch {
    /// The concerns that last, as their bits.
    lasting: u8,
}

impl DiskWatch {
    /// How the disk is now.
    pub(crate) fn handle(&mut self, disk: &DiskUsage) -> Vec<DiskNews> {
        DiskConcern::ALL
            .into_iter()
            .filter_map(|concern| self.compare(concern, disk))
            .collect()
    }

    /// The concerns that last, as their bits.
    pub(crate) fn lasting(&self) -> u8 {
        self.lasting
    }

    fn compare(&mut self, concern: DiskConcern, disk: &DiskUsage) -> Option<DiskNews> {
        let lasts = self.lasting & concern.bit() != 0;
        // Between the two bounds everything stays as it is, so that nothing is told again and again.
        let lasts_now = match concern {
            DiskConcern::WalHeld if lasts => disk.wal_bytes >= WAL_FREE_BYTES,
            DiskConcern::WalHeld => disk.wal_bytes >= WAL_HELD_BYTES,
            DiskConcern::SpaceLow => {
                let (free, all) = (disk.free_bytes?, disk.disk_bytes?);
                let low = low_bytes(all);
                free < if lasts { low + low / 4 } else { low }
            }
        };
        self.lasting = if lasts_now {
            self.lasting | concern.bit()
        } else {
            self.lasting & !concern.bit()
        };
        match (lasts, lasts_now) {
            (false, true) => Some(DiskNews::Begins(concern)),
            (true, false) => Some(DiskNews::IsOver(concern)),
            (true, true) | (false, false) => None,
        }
    }
}

/// Below so many free bytes a disk of this size has little.
fn low_bytes(disk_bytes: u64) -> u64 {
    let at_least = LOW_AT_LEAST_BYTES.min(disk_bytes / 4);
    (disk_bytes / LOW_SHARE).clamp(at_least, LOW_AT_MOST_BYTES)
}

impl DiskNews {
    /// Says it in the log.
    pub(crate) fn tell(self, disk: &DiskUsage) {
        match self {
            Self::Begins(concern) => tracing::warn!(
                concern = concern.label(),
                wal_bytes = disk.wal_bytes,
                free_bytes = disk.free_bytes,
                next_step = concern.advice(),
                "{}",
                concern.text(),
            ),
            Self::IsOver(concern) => tracing::info!(
                concern = concern.label(),
                wal_bytes = disk.wal_bytes,
                free_bytes = disk.free_bytes,
                "this is over: {}",
                concern.text(),
            ),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::DiskConcern::{SpaceLow, WalHeld};
    use super::DiskNews::{Begins, IsOver};
    use super::*;

    const GIB: u64 = 1 << 30;

    fn disk(wal_mib: u64, free: u64, all: u64) -> DiskUsage {
        DiskUsage {
            database_bytes: 0,
            wal_bytes: wal_mib << 20,
            free_bytes: Some(free),
            disk_bytes: Some(all),
        }
    }

    #[test]
    fn each_concern_is_told_when_it_begins_and_when_it_is_over() {
        let mut watch = DiskWatch::default();
        for (wal_mib, free_gib, news) in [
            (4, 50, vec![]),
            (63, 50, vec![]),
            (64, 50, vec![Begins(WalHeld)]),
            (900, 50, vec![]),
            (40, 4, vec![Begins(SpaceLow)]),
            (40, 6, vec![]),
            (31, 6, vec![IsOver(WalHeld)]),
            (63, 7, vec![IsOver(SpaceLow)]),
            (63, 5, vec![]),
        ] {
            let heard = watch.handle(&disk(wal_mib, free_gib * GIB, 1_000 * GIB));
            assert_eq!(heard, news, "{wal_mib} MiB, {free_gib} GiB");
        }
        assert_eq!(watch.lasting(), 0);
    }

    #[test]
    fn what_is_little_depends_on_the_disk() {
        for (all_mib, low_mib) in [
            (200, 50),
            (8 << 10, 512),
            (40 << 10, 2_048),
            (4 << 20, 5_120),
        ] {
            assert_eq!(low_bytes(all_mib << 20) >> 20, low_mib, "{all_mib} MiB");
        }
    }

    #[test]
    fn a_disk_that_does_not_tell_is_no_concern() {
        let untold = DiskUsage::default();
        assert_eq!(DiskWatch::default().handle(&untold), []);
    }
}
