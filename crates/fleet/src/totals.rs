//! What the fleet counted since it started. One value, shared by every actor; each count is one relaxed addition.

use crate::callbacks::CallbackTotals;
use crate::cards::CardTally;
use crate::latency::Histogram;
use crate::view::{AnswerTotals, ConnectionTotals, EventTotals};
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};
use std::time::Duration;

/// Counters of the whole fleet.
#[derive(Default)]
pub(crate) struct Totals {
    pub(crate) received: AtomicU64,
    pub(crate) recorded: AtomicU64,
    pub(crate) repeats_by_event_id: AtomicU64,
    pub(crate) repeats_by_message: AtomicU64,
    pub(crate) unparsed: AtomicU64,
    pub(crate) unparsed_dropped: AtomicU64,
    pub(crate) assembled: AtomicU64,
    pub(crate) acked: AtomicU64,
    pub(crate) refused: AtomicU64,
    pub(crate) refused_late: AtomicU64,
    pub(crate) shed: AtomicU64,
    pub(crate) late_receipts: AtomicU64,
    pub(crate) orphaned_receipts: AtomicU64,
    pub(crate) unrecorded: AtomicU64,
    pub(crate) attempts: AtomicU64,
    pub(crate) opened: AtomicU64,
    pub(crate) lost: AtomicU64,
    pub(crate) reconnects: AtomicU64,
    pub(crate) renewed: AtomicU64,
    pub(crate) renewals_failed: AtomicU64,
    pub(crate) silent: AtomicU64,
    pub(crate) left_unread: AtomicU64,
    pub(crate) panics: AtomicU64,
    pub(crate) cards: CardTally,
    pub(crate) callbacks: CallbackTotals,
    pub(crate) ack_latency_us: Histogram,
    pub(crate) card_latency_us: Histogram,
    pub(crate) record_latency_us: Histogram,
    pub(crate) callback_latency_us: Histogram,
}

impl Totals {
    /// The ACK of an event is encoded this long after the event was read.
    pub(crate) fn acknowledged(&self, waited: Duration) {
        self.ack_latency_us.count(micros(waited));
    }

    /// An event that no ACK is owed for is durable this long after it was read.
    pub(crate) fn kept(&self, waited: Duration) {
        self.record_latency_us.count(micros(waited));
    }

    /// The 200 to a callback is made this long after its request came.
    pub(crate) fn callback_answered(&self, waited: Duration) {
        self.callback_latency_us.count(micros(waited));
    }

    /// A card event is answered this long after it was read, by its application or by default.
    pub(crate) fn card_answered(&self, waited: Duration) {
        self.card_latency_us.count(micros(waited));
    }

    pub(crate) fn events(&self) -> EventTotals {
        EventTotals {
            received: self.received.load(Relaxed),
            recorded: self.recorded.load(Relaxed),
            repeats_by_event_id: self.repeats_by_event_id.load(Relaxed),
            repeats_by_message: self.repeats_by_message.load(Relaxed),
            unparsed: self.unparsed.load(Relaxed),
            unparsed_dropped: self.unparsed_dropped.load(Relaxed),
            assembled: self.assembled.load(Relaxed),
        }
    }

    pub(crate) fn answers(&self) -> AnswerTotals {
        AnswerTotals {
            acked: self.acked.load(Relaxed),
            refused: self.refused.load(Relaxed),
            refused_late: self.refused_late.load(Relaxed),
            shed: self.shed.load(Relaxed),
            late_receipts: self.late_receipts.load(Relaxed),
            orphaned_receipts: self.orphaned_receipts.load(Relaxed),
            unrecorded: self.unrecorded.load(Relaxed),
        }
    }

    pub(crate) fn connections(&self) -> ConnectionTotals {
        ConnectionTotals {
            attempts: self.attempts.load(Relaxed),
            opened: self.opened.load(Relaxed),
            lost: self.lost.load(Relaxed),
            reconnects: self.reconnects.load(Relaxed),
            renewed: self.renewed.load(Relaxed),
            renewals_failed: self.renewals_failed.load(Relaxed),
            silent: self.silent.load(Relaxed),
            left_unread: self.left_unread.load(Relaxed),
            panics: self.panics.load(Relaxed),
        }
    }
}

fn micros(waited: Duration) -> u64 {
    u64::try_from(waited.as_micros()).unwrap_or(u64::MAX)
}
