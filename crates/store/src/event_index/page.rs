//! The keys of one run that begin with the same bits, and the events they stand for.

use super::log_key::BUCKETS;
use super::{LogKey, RunId};
use longwire_wire::event::Seq;

/// Where a page lies: the run and, within it, the first bits of the keys.
#[derive(Copy, Clone, Debug, Eq, PartialEq, Hash)]
pub(crate) struct PageId(pub(crate) i64);

impl PageId {
    pub(crate) fn of(run: RunId, bucket: usize) -> Self {
        debug_assert!(bucket < BUCKETS);
        Self(run.0 * BUCKETS as i64 + bucket as i64)
    }

    /// All pages of a run.
    pub(crate) fn all_of(run: RunId) -> (Self, Self) {
        (Self::of(run, 0), Self::of(run, BUCKETS - 1))
    }
}

/// Entries of 20 bytes: the key, and the event's distance from the run's first (little endian).
#[derive(Debug, Default)]
pub(crate) struct Page(pub(crate) Vec<u8>);

impl Page {
    const ENTRY: usize = LogKey::LENGTH + size_of::<u32>();

    pub(super) fn push(&mut self, key: LogKey, offset: u32) {
        self.0.extend_from_slice(key.as_bytes());
        self.0.extend_from_slice(&offset.to_le_bytes());
    }

    /// The event of this key, in a run that counts from `first`.
    pub(crate) fn find(&self, key: LogKey, first: Seq) -> Option<Seq> {
        let (entries, _) = self.0.as_chunks::<{ Page::ENTRY }>();
        let entry = entries
            .iter()
            .find(|entry| entry.starts_with(key.as_bytes()))?;
        let (_, offset) = entry.split_last_chunk()?;
        Some(Seq(first.0 + i64::from(u32::from_le_bytes(*offset))))
    }
}
