//! What one connection has received and not yet answered.
//!
//! Every event that goes to the store takes a place and gets a ticket; the store's answer about the ticket frees
//! it. When the places or the bytes are used up the connection is not read any more, and TCP holds the platform
//! back. An event that waited longer than the budget is handed back to be refused, so that the platform hears
//! something in time; its place stays taken until the store has answered, because the store still holds it.

use std::collections::{HashMap, VecDeque};
use std::hash::{BuildHasherDefault, Hasher};
use std::time::{Duration, Instant};

/// The number of a place, unique among those taken.
#[derive(Copy, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub struct Ticket(pub u32);

/// What the store's answer about a ticket finds.
#[derive(Copy, Clone, PartialEq, Eq, Debug)]
pub enum Released<T> {
    /// It waits for its answer: give it.
    Answer {
        /// What was kept with the ticket.
        kept: T,
        /// When it was admitted.
        waited_since: Instant,
    },
    /// It was refused in the meantime, or held: no second answer.
    Late,
    /// No such ticket.
    Unknown,
}

/// The un-answered events of one installation; `T` is what is needed to answer one.
#[derive(Debug)]
pub struct Window<T> {
    max_events: u32,
    max_bytes: usize,
    /// Eight bytes, since every connection has one.
    budget_ms: u64,
    places: HashMap<Ticket, Place<T>, BuildHasherDefault<TicketHasher>>,
    /// In the order of admission, which is the order of deadlines but for what waited unread. Its front is always waiting; further back
    /// there may be tickets that are released already.
    order: VecDeque<Ticket>,
    next: u32,
    bytes_held: usize,
}

#[derive(Debug)]
struct Place<T> {
    /// `None` once it was handed out to be refused, and while the place is held.
    kept: Option<T>,
    since: Instant,
    due: Instant,
    size_bytes: usize,
}

/// Tickets are our own and in sequence: nobody can choose them so that they collide. Each event looks its place up five
/// times; and a hasher with a secret would have each of thousands of windows keep one.
#[derive(Clone, Default)]
struct TicketHasher(u64);

impl Hasher for TicketHasher {
    fn finish(&self) -> u64 {
        self.0
    }

    fn write(&mut self, _: &[u8]) {
        unreachable!("a ticket is one number");
    }

    fn write_u32(&mut self, ticket: u32) {
        // Fibonacci hashing (Knuth, The Art of Computer Programming, volume 3, section 6.4): spreads neighbours over
        // all bits.
        self.0 = u64::from(ticket).wrapping_mul(0x9e37_79b9_7f4a_7c15);
    }
}

/// Capacity that an empty window keeps; more is given back, for most bots are idle most of the time.
const IDLE_CAPACITY: usize = 4;

impl<T> Window<T> {
    /// Room for so many events and bytes, each to be answered within `budget`, of which whole milliseconds count.
    #[must_use]
    pub fn new(max_events: usize, max_bytes: usize, budget: Duration) -> Self {
        Self {
            max_events: u32::try_from(max_events).unwrap_or(u32::MAX),
            max_bytes,
            budget_ms: u64::try_from(budget.as_millis()).unwrap_or(u64::MAX),
            places: HashMap::default(),
            order: VecDeque::new(),
            next: 0,
            bytes_held: 0,
        }
    }

    /// Whether more may be read.
    #[must_use]
    pub fn has_room(&self) -> bool {
        self.places.len() < self.max_events as usize && self.bytes_held < self.max_bytes
    }

    /// Takes a place for an event that has been read. Always succeeds: what has been read is here, and one
    /// read burst bounds how far it overshoots.
    pub fn admit(&mut self, kept: T, size_bytes: usize, now: Instant) -> Ticket {
        self.admit_late(kept, size_bytes, Duration::ZERO, now)
    }

    /// The same for an event that may have waited unread for so long: its deadline is that much sooner.
    pub fn admit_late(
        &mut self,
        kept: T,
        size_bytes: usize,
        unread_for: Duration,
        now: Instant,
    ) -> Ticket {
        let budget = Duration::from_millis(self.budget_ms);
        let mut ticket = Ticket(self.next);
        while self.places.contains_key(&ticket) {
            ticket.0 = ticket.0.wrapping_add(1);
        }
        self.next = ticket.0.wrapping_add(1);
        self.places.insert(
            ticket,
            Place {
                kept: Some(kept),
                since: now,
                due: now + budget.saturating_sub(unread_for),
                size_bytes,
            },
        );
        self.order.push_back(ticket);
        self.bytes_held += size_bytes;
        ticket
    }

    /// The store has answered this ticket: its place is free.
    pub fn release(&mut self, ticket: Ticket) -> Released<T> {
        let Some(place) = self.places.remove(&ticket) else {
            return Released::Unknown;
        };
        self.bytes_held -= place.size_bytes;
        self.tidy();
        match place.kept {
            Some(kept) => Released::Answer {
                kept,
                waited_since: place.since,
            },
            None => Released::Late,
        }
    }

    /// Takes the place of a ticket that was just released once more: the store is done with the event, and something else
    /// is not. It has no deadline here; [`release`](Self::release) frees it, and calls it late.
    pub fn hold(&mut self, ticket: Ticket, size_bytes: usize, now: Instant) {
        let place = Place {
            kept: None,
            since: now,
            due: now,
            size_bytes,
        };
        if self.places.insert(ticket, place).is_none() {
            self.bytes_held += size_bytes;
        }
    }

    /// Whether one more place may be held beside the `held` ones: at most half of the places and of the bytes, so that the
    /// other half is left to events that wait for the store only.
    #[must_use]
    pub fn may_hold(&self, held: usize) -> bool {
        held.saturating_mul(2) < self.max_events as usize && self.bytes_held < self.max_bytes / 2
    }

    /// Hands out, oldest first, what waited longer than the budget and is to be refused. What the caller
    /// does not take from the iterator comes the next time.
    pub fn expire(&mut self, now: Instant) -> impl Iterator<Item = (Ticket, T, Instant)> + '_ {
        std::iter::from_fn(move || {
            let ticket = *self.order.front()?;
            let place = self.places.get_mut(&ticket)?;
            if place.due > now {
                return None;
            }
            let since = place.since;
            let kept = place.kept.take()?;
            self.tidy();
            Some((ticket, kept, since))
        })
    }

    /// When the oldest waiting event has used up its budget.
    #[must_use]
    pub fn poll_timeout(&self) -> Option<Instant> {
        let oldest = self.places.get(self.order.front()?)?;
        Some(oldest.due)
    }

    /// Places taken, those of refused events included.
    #[must_use]
    pub fn len(&self) -> usize {
        self.places.len()
    }

    /// Whether nothing is un-answered.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.places.is_empty()
    }

    /// Bytes of the events that take places.
    #[must_use]
    pub fn bytes_held(&self) -> usize {
        self.bytes_held
    }

    /// Keeps the promise about `order`'s front and its length.
    fn tidy(&mut self) {
        let waits = |ticket: &Ticket| {
            self.places
                .get(ticket)
                .is_some_and(|place| place.kept.is_some())
        };
        while self.order.front().is_some_and(|ticket| !waits(ticket)) {
            self.order.pop_front();
        }
        // One that is stuck at the front must not make the others' traces pile up behind it.
        if self.order.len() > 2 * self.places.len() + 64 {
            self.order.retain(waits);
        }
        if self.places.is_empty() {
            self.places.shrink_to(IDLE_CAPACITY);
            self.order.shrink_to(IDLE_CAPACITY);
        }
    }
}

#[cfg(test)]
mod tests;
