//! The memory that connections take which are over and wait for the store to record what they brought.
//!
//! While the store is in trouble, every connection that is lost may leave some. What a bot's ended connections keep counts
//! towards the window of the one that lives, which is not read when that is used up; so a bot keeps little more than a
//! window, however often it is connected anew. Each new connection reads once before it knows the bot, though, and ten
//! thousand windows are more than a process has. What exceeds the bounds is lost, counted and named. While the store is
//! well, what connections keep is recorded in a moment, and nothing is lost however many of them end at once.

use crate::bot::Bot;
use crate::context::FleetContext;
use longwire_store::Health;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering::Relaxed};

/// What the ended connections of all bots may keep, in bytes of payload. Each has a handful of events as a rule.
const ALL_BYTES: usize = 64 << 20;

/// How many windows the ended connections of one bot may keep. One is what back-pressure allows; the other is for what
/// connections bring in the read that brings their subscription.
const WINDOWS: usize = 2;

/// What the ended connections of one bot keep, or those of all.
#[derive(Default)]
pub(crate) struct Kept {
    bytes: AtomicUsize,
}

impl Kept {
    pub(crate) fn bytes(&self) -> usize {
        self.bytes.load(Relaxed)
    }

    /// Takes so much for one connection more, unless the bot, which may keep `most`, or the process keeps too much then.
    fn take_within(all: &Self, bot: &Self, bytes: usize, most: usize) -> bool {
        if !bot.add_within(bytes, most) {
            return false;
        }
        let has_room = all.add_within(bytes, ALL_BYTES);
        if !has_room {
            bot.give_back(bytes);
        }
        has_room
    }

    fn give_back(&self, bytes: usize) {
        self.bytes.fetch_sub(bytes, Relaxed);
    }

    fn add_within(&self, bytes: usize, most: usize) -> bool {
        let below = |held: usize| Some(held + bytes).filter(|sum| *sum <= most);
        self.bytes.fetch_update(Relaxed, Relaxed, below).is_ok()
    }
}

/// What one ended connection keeps; given back when it is dropped.
pub(crate) struct KeptPart {
    shared: Arc<FleetContext>,
    bot: Arc<Bot>,
    bytes: usize,
}

impl KeptPart {
    /// Of a connection with so many bytes of payload. `None` while the store is in trouble and that exceeds a bound.
    pub(crate) fn take(shared: &Arc<FleetContext>, bot: &Arc<Bot>, bytes: usize) -> Option<Self> {
        let (all, own) = (&shared.kept, &bot.kept);
        if shared.store.health() == Health::Ok {
            all.bytes.fetch_add(bytes, Relaxed);
            own.bytes.fetch_add(bytes, Relaxed);
        } else if !Kept::take_within(all, own, bytes, WINDOWS * shared.window_bytes) {
            return None;
        }
        Some(Self {
            shared: Arc::clone(shared),
            bot: Arc::clone(bot),
            bytes,
        })
    }
}

impl Drop for KeptPart {
    fn drop(&mut self) {
        self.shared.kept.give_back(self.bytes);
        self.bot.kept.give_back(self.bytes);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn neither_a_bot_nor_all_together_keep_more_than_they_may() {
        const MOST: usize = 8 << 20;
        let all = Kept::default();
        let bots: Vec<Kept> = (0..100).map(|_| Kept::default()).collect();
        let mut taken = 0;
        for bot in &bots {
            for _ in 0..5 {
                taken += usize::from(Kept::take_within(&all, bot, MOST / 4, MOST));
            }
            assert!(bot.bytes() <= MOST);
        }
        assert_eq!(all.bytes(), ALL_BYTES);
        assert_eq!(taken, ALL_BYTES / (MOST / 4));
        let sum: usize = bots.iter().map(Kept::bytes).sum();
        assert_eq!(sum, all.bytes(), "what found no room left no trace");
        assert_eq!(bots[0].bytes(), MOST, "four of five");
        bots[0].give_back(MOST);
        all.give_back(MOST);
        assert!(
            Kept::take_within(&all, &bots[99], MOST, MOST),
            "there is room again"
        );
    }
}
