//! Bounds the memory for unfinished input over all connections: parts of split pushes, and parts of frames above 64 KiB.
//! Frames up to 64 KiB are not counted.
//!
//! A limit per connection does not help when thousands of connections reach it at once, and one limit for all would let the
//! first connection take everything. So a connection may hold as much as it leaves to the others: one alone half of the
//! whole, two a third each. However many misbehave, there is room for the next one.

use std::sync::atomic::{AtomicUsize, Ordering::Relaxed};

/// How much all connections together may hold. The platform cuts pushes above 60 KiB and sends the parts one after the
/// other, so a few hundred of them are never unfinished at the same time.
const ALL_BYTES: usize = 24 << 20;

/// How many bytes of unfinished input all connections hold.
#[derive(Default)]
pub(crate) struct Unfinished {
    held_bytes: AtomicUsize,
}

impl Unfinished {
    /// How many bytes a connection may hold that holds `mine` now.
    pub(crate) fn most_for(&self, mine: usize) -> usize {
        let others = self.held_bytes.load(Relaxed).saturating_sub(mine);
        ALL_BYTES.saturating_sub(others) / 2
    }

    /// A connection that held `before` bytes holds `now`.
    pub(crate) fn change(&self, before: usize, now: usize) {
        if now >= before {
            self.held_bytes.fetch_add(now - before, Relaxed);
        } else {
            self.held_bytes.fetch_sub(before - now, Relaxed);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn however_many_are_greedy_somebody_else_finds_room() {
        let unfinished = Unfinished::default();
        let mut sum = 0;
        for greedy in 1..=1_000 {
            let most = unfinished.most_for(0);
            assert!(most > 0 || sum + 2 >= ALL_BYTES, "{greedy}: {most}");
            unfinished.change(0, most);
            sum += most;
        }
        assert!(sum <= ALL_BYTES);
        // Those who came at first took much. When they keep to what they may have now, there is room again.
        let first = ALL_BYTES / 2;
        assert!(unfinished.most_for(first) < first);
        unfinished.change(first, 0);
        assert!(unfinished.most_for(0) >= ALL_BYTES / 8);
    }

    #[test]
    fn one_alone_may_hold_half() {
        let unfinished = Unfinished::default();
        assert_eq!(unfinished.most_for(0), ALL_BYTES / 2);
        unfinished.change(0, 1_000);
        assert_eq!(unfinished.most_for(1_000), ALL_BYTES / 2);
        unfinished.change(1_000, 0);
        assert_eq!(unfinished.most_for(0), ALL_BYTES / 2);
    }
}
