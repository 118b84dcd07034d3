//! The key of an event within the whole log.

use std::hash::{Hash, Hasher};

use longwire_wire::identity::EventKey;

use longwire_installation::InstallationId;

/// Pages of a run. With 131,072 events a page holds 256 keys: 5 KiB, one page of the database.
pub(crate) const BUCKETS: usize = 1 << BUCKET_BITS;
const BUCKET_BITS: u32 = 9;

/// An event key with its installation mixed in: two bots that see the same event record one each.
#[derive(Copy, Clone, Debug, Eq, PartialEq)]
pub(crate) struct LogKey([u8; 16]);

impl LogKey {
    pub(crate) const LENGTH: usize = 16;

    /// The key of `event` as seen by `installation`. Event keys are 128 bits of SHA-256, so that
    /// two different pairs meet is as unlikely as that two event keys do.
    pub(crate) fn of(installation: InstallationId, event: EventKey) -> Self {
        let mixed =
            u128::from_le_bytes(event.0) ^ (u128::from(installation.0.cast_unsigned()) << 64);
        Self(mixed.to_le_bytes())
    }

    pub(crate) fn as_bytes(&self) -> &[u8; Self::LENGTH] {
        &self.0
    }

    /// The page of a run it belongs on.
    pub(crate) fn bucket(self) -> usize {
        let first = u16::from_be_bytes([self.0[0], self.0[1]]);
        usize::from(first >> (u16::BITS - BUCKET_BITS))
    }

    /// 64 bits of it, none of which choose the bucket.
    pub(crate) fn hash(self) -> u64 {
        (u128::from_le_bytes(self.0) >> 64) as u64
    }
}

impl Hash for LogKey {
    fn hash<H: Hasher>(&self, state: &mut H) {
        state.write_u64(LogKey::hash(*self));
    }
}

/// A key is a hash already.
#[derive(Clone, Default)]
pub(super) struct AsItIs(u64);

impl Hasher for AsItIs {
    fn finish(&self) -> u64 {
        self.0
    }

    fn write(&mut self, _: &[u8]) {
        unreachable!("a log key writes one number");
    }

    fn write_u64(&mut self, hash: u64) {
        self.0 = hash;
    }
}
