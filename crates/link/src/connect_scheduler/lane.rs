//! One lane of the scheduler: the bots of one platform host.

use std::collections::BTreeSet;

use super::AttemptPriority;

/// Every fourth attempt of a lane is for the bot that has waited longest, whatever its priority.
pub(super) const OLDEST_EVERY: u32 = 4;

/// The bots of one host that wait, and the number of its attempts under way.
#[derive(Clone, Debug)]
pub(super) struct Lane<B> {
    pub(super) under_way: usize,
    /// Attempts started since the last one that was chosen by age.
    started: u32,
    by_priority: BTreeSet<(AttemptPriority, u64, B)>,
    by_age: BTreeSet<(u64, B)>,
}

impl<B> Default for Lane<B> {
    fn default() -> Self {
        Self {
            under_way: 0,
            started: 0,
            by_priority: BTreeSet::new(),
            by_age: BTreeSet::new(),
        }
    }
}

impl<B: Copy + Ord> Lane<B> {
    /// Whether no bot waits.
    pub(super) fn is_empty(&self) -> bool {
        self.by_age.is_empty()
    }

    /// The bot that starts next.
    pub(super) fn choose(&mut self) -> Option<B> {
        self.started += 1;
        if self.started >= OLDEST_EVERY {
            self.started = 0;
            return self.by_age.first().map(|(_, bot)| *bot);
        }
        self.by_priority.first().map(|(_, _, bot)| *bot)
    }

    pub(super) fn insert(&mut self, bot: B, priority: AttemptPriority, age: u64) {
        self.by_priority.insert((priority, age, bot));
        self.by_age.insert((age, bot));
    }

    pub(super) fn remove(&mut self, bot: B, priority: AttemptPriority, age: u64) {
        self.by_priority.remove(&(priority, age, bot));
        self.by_age.remove(&(age, bot));
    }

    /// Removes every bot that waits.
    pub(super) fn clear(&mut self) {
        self.by_priority.clear();
        self.by_age.clear();
    }
}
