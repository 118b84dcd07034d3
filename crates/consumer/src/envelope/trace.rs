//! The trace of an event (W3C Trace Context, version 00).

use std::fmt::Write as _;

use crate::event_id::EventId;
use crate::spread::spread;

/// The bytes of a `traceparent`.
pub(super) const LENGTH: usize = 55;

/// Writes the `traceparent`. Both ids come from the event's, so that every attempt, also of a later process, is in one trace.
pub(super) fn write(id: EventId, out: &mut String) {
    let bytes = id.bytes();
    let (store, seq) = bytes.split_at(8);
    let half = |bytes: &[u8]| u64::from_be_bytes(bytes.try_into().expect("a half has eight bytes"));
    let seed = spread(half(store)) ^ half(seq);
    // Zero is no id.
    let [high, low, span] = [1_u64, 2, 3].map(|nth| spread(seed ^ spread(nth)).max(1));
    write!(out, "00-{high:016x}{low:016x}-{span:016x}-01")
        .expect("writing to a string cannot fail");
}
