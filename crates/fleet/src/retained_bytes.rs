//! How many bytes of payload the ended connections of one bot, or of all bots, keep for the store.

use std::sync::atomic::{AtomicUsize, Ordering::Relaxed};

/// What the ended connections of all bots may keep, in bytes of payload. Each has a handful of events as a rule.
const ALL_BYTES: usize = 64 << 20;

/// What the ended connections of one bot keep, or those of all.
#[derive(Default)]
pub(crate) struct RetainedBytes {
    bytes: AtomicUsize,
}

impl RetainedBytes {
    pub(crate) fn bytes(&self) -> usize {
        self.bytes.load(Relaxed)
    }

    /// Takes so much for one connection more, unless the bot, which may keep `most`, or the process keeps too much then.
    pub(crate) fn take_within(all: &Self, bot: &Self, bytes: usize, most: usize) -> bool {
        if !bot.add_within(bytes, most) {
            return false;
        }
        let has_room = all.add_within(bytes, ALL_BYTES);
        if !has_room {
            bot.give_back(bytes);
        }
        has_room
    }

    /// Takes so much, whatever the bounds.
    pub(crate) fn add(&self, bytes: usize) {
        self.bytes.fetch_add(bytes, Relaxed);
    }

    pub(crate) fn give_back(&self, bytes: usize) {
        self.bytes.fetch_sub(bytes, Relaxed);
    }

    fn add_within(&self, bytes: usize, most: usize) -> bool {
        let below = |held: usize| Some(held + bytes).filter(|sum| *sum <= most);
        self.bytes.fetch_update(Relaxed, Relaxed, below).is_ok()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn neither_a_bot_nor_all_together_keep_more_than_they_may() {
        const MOST: usize = 8 << 20;
        let all = RetainedBytes::default();
        let bots: Vec<RetainedBytes> = (0..100).map(|_| RetainedBytes::default()).collect();
        let mut taken = 0;
        for bot in &bots {
            for _ in 0..5 {
                taken += usize::from(RetainedBytes::take_within(&all, bot, MOST / 4, MOST));
            }
            assert!(bot.bytes() <= MOST);
        }
        assert_eq!(all.bytes(), ALL_BYTES);
        assert_eq!(taken, ALL_BYTES / (MOST / 4));
        let sum: usize = bots.iter().map(RetainedBytes::bytes).sum();
        assert_eq!(sum, all.bytes(), "what found no room left no trace");
        assert_eq!(bots[0].bytes(), MOST, "four of five");
        bots[0].give_back(MOST);
        all.give_back(MOST);
        assert!(
            RetainedBytes::take_within(&all, &bots[99], MOST, MOST),
            "there is room again"
        );
    }
}
