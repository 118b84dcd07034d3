//! Gathers what happens to events, for their journeys.

use std::time::Duration;

use longwire_consumer::Moment;
use longwire_store::{Happening, JourneyBatch, JourneyStep};
use longwire_wire::event::Seq;

use super::Consumer;

/// So many steps are kept together at most.
const STEPS: usize = 1_024;
/// What they may hold.
const BYTES: usize = 256 << 10;
/// How long a step waits for others.
const PAUSE: Duration = Duration::from_millis(100);

impl Consumer {
    /// Notes a step of an event's journey.
    pub(super) fn note(&mut self, seq: Seq, at_ms: i64, what: Happening) {
        self.journal.push(JourneyStep { seq, at_ms, what });
        if self.journal.len() >= STEPS || self.journal.held_bytes() >= BYTES {
            self.write_journal();
        }
    }

    /// Keeps what was noted, once it has waited long enough.
    pub(super) fn keep_journal(&mut self, now: Moment) {
        if self.journal.is_empty() {
            self.journal_due = None;
            return;
        }
        let due = *self.journal_due.get_or_insert(now.instant + PAUSE);
        if now.instant >= due || self.draining.is_some() {
            self.write_journal();
        }
    }

    pub(super) fn write_journal(&mut self) {
        let journal = JourneyBatch::new(Some(self.entry.id));
        let journal = std::mem::replace(&mut self.journal, journal);
        self.journal_due = None;
        self.shared.writer.keep_journey(journal);
    }
}
