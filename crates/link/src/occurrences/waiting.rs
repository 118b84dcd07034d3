//! Occurrences that the store has not recorded yet, in their order.

use std::collections::VecDeque;

use super::Occurrence;

/// Occurrences that the store has not recorded yet, oldest first. The store has one of them at a time, so that they are
/// recorded in their order whatever it refuses.
#[derive(Debug, Default)]
pub(super) struct Waiting {
    entries: VecDeque<Occurrence>,
    last_number: u32,
    /// The one that the store has and has not answered.
    with_the_store: Option<u32>,
    dropped: u64,
}

impl Waiting {
    /// Takes one more. At most `bound` wait.
    pub(super) fn push(&mut self, mut occurrence: Occurrence, bound: usize) {
        self.last_number = self.last_number.wrapping_add(1);
        occurrence.number = self.last_number;
        let with_the_store = self.with_the_store;
        self.entries.retain(|older| {
            Some(older.number) == with_the_store || !is_replaced_by(older, &occurrence)
        });
        if self.entries.len() >= bound {
            self.drop_one();
        }
        self.entries.push_back(occurrence);
    }

    /// Drops the oldest about one bot, or the oldest of all.
    fn drop_one(&mut self) {
        let about_a_bot = |occurrence: &Occurrence| occurrence.installation.is_some();
        let oldest = self.entries.iter().position(about_a_bot).unwrap_or(0);
        self.entries.remove(oldest);
        self.dropped += 1;
    }

    /// The oldest, if the store has none.
    pub(super) fn poll(&mut self) -> Option<Occurrence> {
        if self.with_the_store.is_some() {
            return None;
        }
        let oldest = self.entries.front()?;
        self.with_the_store = Some(oldest.number);
        Some(oldest.clone())
    }

    pub(super) fn forget(&mut self, number: u32) {
        self.with_the_store.take_if(|given| *given == number);
        self.entries
            .retain(|occurrence| occurrence.number != number);
    }

    pub(super) fn put_back(&mut self, number: u32) {
        self.with_the_store.take_if(|given| *given == number);
        let mut of_number = self
            .entries
            .iter()
            .skip_while(|entry| entry.number != number);
        let is_replaced = of_number
            .next()
            .is_some_and(|refused| of_number.any(|newer| is_replaced_by(refused, newer)));
        if is_replaced {
            self.forget(number);
        }
    }

    pub(super) fn len(&self) -> usize {
        self.entries.len()
    }

    pub(super) fn dropped(&self) -> u64 {
        self.dropped
    }
}

/// Whether both are of one bot and kind. What is told of the store or of several bots is never replaced.
fn is_replaced_by(older: &Occurrence, newer: &Occurrence) -> bool {
    older.installation.is_some()
        && (older.installation, older.kind) == (newer.installation, newer.kind)
}
