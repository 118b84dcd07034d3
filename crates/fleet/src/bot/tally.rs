//! Counters and times that a bot's actors keep.

use std::sync::atomic::{AtomicBool, AtomicI64, AtomicU32, AtomicU64};

/// Counters and times that a bot's actors keep.
#[derive(Default)]
pub(crate) struct Tally {
    pub(crate) connected_ms: AtomicI64,
    pub(crate) last_heard_ms: AtomicI64,
    /// 0 before the first pong; an hour at most.
    pub(crate) pong_round_trip_us: AtomicU32,
    pub(crate) last_event_ms: AtomicI64,
    pub(crate) reconnects: AtomicU32,
    pub(crate) events: AtomicU64,
    pub(crate) repeats: AtomicU64,
    pub(crate) acked: AtomicU64,
    pub(crate) refused: AtomicU64,
    pub(crate) shed: AtomicU64,
    pub(crate) last_shed_ms: AtomicI64,
    pub(crate) unanswered: AtomicU64,
    pub(crate) unrecorded: AtomicU64,
    pub(crate) left_unread: AtomicU64,
    pub(crate) malformed: AtomicU64,
    pub(crate) unparsed: AtomicU64,
    pub(crate) unparsed_dropped: AtomicU64,
    pub(crate) was_live: AtomicBool,
}
