//! Who waits for a turn to connect: one place each, in the order of asking.
//!
//! An installation that has waited long asks again, in case its question was lost. That keeps its place and takes no
//! second one: otherwise, once the queue is longer than that patience, every bot would be given several turns, and all
//! but the first are taken from those who still wait.

use longwire_link::Generation;
use longwire_store::InstallationId;
use std::collections::{BTreeMap, VecDeque};

/// The queue for turns.
#[derive(Debug, Default)]
pub(crate) struct Waiting {
    order: VecDeque<InstallationId>,
    /// The attempt each of them asked for last.
    asked: BTreeMap<InstallationId, Generation>,
}

impl Waiting {
    /// Takes a place at the end, or keeps the one it has.
    pub(crate) fn ask(&mut self, installation: InstallationId, generation: Generation) {
        if self.asked.insert(installation, generation).is_none() {
            self.order.push_back(installation);
        }
    }

    /// Whoever has waited longest, for good.
    pub(crate) fn next(&mut self) -> Option<(InstallationId, Generation)> {
        let installation = self.order.pop_front()?;
        let generation = self.asked.remove(&installation)?;
        Some((installation, generation))
    }

    pub(crate) fn clear(&mut self) {
        self.order.clear();
        self.asked.clear();
    }

    pub(crate) fn len(&self) -> usize {
        self.order.len()
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.order.is_empty()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn asking_again_keeps_the_place_and_takes_no_second_one() {
        let mut waiting = Waiting::default();
        for (installation, generation) in [(1, 1), (2, 1), (1, 1), (1, 2)] {
            waiting.ask(InstallationId(installation), Generation(generation));
        }
        assert_eq!(waiting.len(), 2);
        assert_eq!(waiting.next(), Some((InstallationId(1), Generation(2))));
        waiting.ask(InstallationId(1), Generation(3));
        assert_eq!(waiting.next(), Some((InstallationId(2), Generation(1))));
        assert_eq!(waiting.next(), Some((InstallationId(1), Generation(3))));
        assert_eq!(waiting.next(), None);
    }
}
