//! What is due later, in the order of its time: rare things of a whole simulator, so that nothing in it
//! needs a timer of its own. It has no clock; whoever owns it asks with the time.

use std::cmp::{Ordering, Reverse};
use std::collections::BinaryHeap;
use std::time::Instant;

/// Things that are due some time. What is due at the same instant comes out in the order it was added.
#[derive(Debug)]
pub(crate) struct TimerQueue<T> {
    entries: BinaryHeap<Reverse<Entry<T>>>,
    order: u64,
}

#[derive(Debug)]
struct Entry<T> {
    at: Instant,
    order: u64,
    due: T,
}

impl<T> Default for TimerQueue<T> {
    fn default() -> Self {
        Self {
            entries: BinaryHeap::new(),
            order: 0,
        }
    }
}

impl<T> TimerQueue<T> {
    pub(crate) fn add(&mut self, at: Instant, due: T) {
        self.order += 1;
        self.entries.push(Reverse(Entry {
            at,
            order: self.order,
            due,
        }));
    }

    /// When something is due next.
    pub(crate) fn next(&self) -> Option<Instant> {
        self.entries.peek().map(|Reverse(entry)| entry.at)
    }

    /// Takes what is due by now, one at a time.
    pub(crate) fn pop(&mut self, now: Instant) -> Option<T> {
        let Reverse(first) = self.entries.peek()?;
        if first.at > now {
            return None;
        }
        self.entries.pop().map(|Reverse(entry)| entry.due)
    }

    /// Keeps what `wanted` says.
    pub(crate) fn retain(&mut self, mut wanted: impl FnMut(&T) -> bool) {
        self.entries.retain(|Reverse(entry)| wanted(&entry.due));
    }
}

impl<T> Ord for Entry<T> {
    fn cmp(&self, other: &Self) -> Ordering {
        (self.at, self.order).cmp(&(other.at, other.order))
    }
}

impl<T> PartialOrd for Entry<T> {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl<T> PartialEq for Entry<T> {
    fn eq(&self, other: &Self) -> bool {
        self.cmp(other) == Ordering::Equal
    }
}

impl<T> Eq for Entry<T> {}
