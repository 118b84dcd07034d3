//! How often applications were asked about card events, and what came of it.

use crate::view::CardTotals;
use longwire_link::session::CardOutcome;
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};

/// Counters of card events.
#[derive(Default)]
pub(crate) struct CardTally {
    asked: AtomicU64,
    answered: AtomicU64,
    defaulted: AtomicU64,
    late: AtomicU64,
}

impl CardTally {
    pub(crate) fn count_asked(&self) {
        self.asked.fetch_add(1, Relaxed);
    }

    pub(crate) fn count(&self, outcome: CardOutcome) {
        let counter = match outcome {
            CardOutcome::Answered(_) => &self.answered,
            CardOutcome::Defaulted(_) | CardOutcome::Unanswered => &self.defaulted,
            CardOutcome::Late => &self.late,
            CardOutcome::Unclaimed => return,
        };
        counter.fetch_add(1, Relaxed);
    }

    pub(crate) fn totals(&self) -> CardTotals {
        CardTotals {
            asked: self.asked.load(Relaxed),
            answered: self.answered.load(Relaxed),
            defaulted: self.defaulted.load(Relaxed),
            late: self.late.load(Relaxed),
        }
    }
}
