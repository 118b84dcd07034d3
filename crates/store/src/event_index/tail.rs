//! The keys of the newest events, in memory, already on the pages they will be written to.

use std::collections::HashMap;
use std::hash::BuildHasherDefault;

use super::log_key::{AsItIs, BUCKETS};
use super::{Claims, LogKey, Span};
use longwire_wire::event::Seq;

type Bucket = HashMap<LogKey, u32, BuildHasherDefault<AsItIs>>;

/// Keys and their events; about 45 bytes of memory each.
#[derive(Debug)]
pub(super) struct Tail {
    buckets: Box<[Bucket]>,
    pub(super) len: usize,
    /// What it covers; `None` when it is empty.
    pub(super) span: Option<Span>,
    /// When its events say that they happened.
    pub(super) claims: Claims,
}

impl Default for Tail {
    fn default() -> Self {
        Self {
            buckets: (0..BUCKETS).map(|_| Bucket::default()).collect(),
            len: 0,
            span: None,
            claims: Claims::default(),
        }
    }
}

impl Tail {
    /// Events come in the order of their numbers.
    pub(super) fn insert(&mut self, key: LogKey, seq: Seq, claimed_ms: Option<i64>) {
        let span = self.span.get_or_insert(Span {
            first: seq,
            through: seq,
        });
        span.through = seq;
        self.claims.add(claimed_ms);
        let offset = u32::try_from(seq.0 - span.first.0)
            .expect("a tail is turned long before it has 2^32 events");
        if self.buckets[key.bucket()].insert(key, offset).is_none() {
            self.len += 1;
        }
    }

    /// Leaves the span as it is, and the claims, of which a few too many do no harm.
    pub(super) fn remove(&mut self, key: LogKey) {
        if self.buckets[key.bucket()].remove(&key).is_some() {
            self.len -= 1;
        }
    }

    pub(super) fn get(&self, key: LogKey) -> Option<Seq> {
        let offset = self.buckets[key.bucket()].get(&key)?;
        Some(Seq(self.span?.first.0 + i64::from(*offset)))
    }

    pub(super) fn bucket(&self, bucket: usize) -> impl Iterator<Item = (LogKey, u32)> {
        self.buckets[bucket]
            .iter()
            .map(|(&key, &offset)| (key, offset))
    }
}
