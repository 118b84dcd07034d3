//! A queue of things that are due later, ordered by time. A whole simulator uses one, for rare things, so that none of
//! them needs a timer. The queue has no clock: its owner passes the time.

use std::cmp::{Ordering, Reverse};
use std::collections::BinaryHeap;
use std::time::Instant;

/// Things that are due later. Things that are due at the same instant come out in the order they were added.
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

    /// The time at which the next thing is due.
    pub(crate) fn next(&self) -> Option<Instant> {
        self.entries.peek().map(|Reverse(entry)| entry.at)
    }

    /// Removes and returns one thing that is due at `now`.
    pub(crate) fn pop(&mut self, now: Instant) -> Option<T> {
        let Reverse(first) = self.entries.peek()?;
        if first.at > now {
            return None;
        }
        self.entries.pop().map(|Reverse(entry)| entry.due)
    }

    /// Keeps the things for which `wanted` is true.
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
