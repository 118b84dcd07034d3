//! One actor's card: atomics that the actor writes and the admin endpoint reads without asking it.
//!
//! A card belongs to a place in the tree and outlives the instances that live there, so restarts and the last panic are
//! not lost with the one that panicked. Depth is accepted − handled: every message goes through a
//! [`Mailbox`](crate::Mailbox), and the receiver's [`Context`](crate::Context) counts every handler; actix itself can tell
//! neither.

mod handling;
mod view;

pub use handling::Handling;
pub use view::{
    ActorView, CARD_STATES, HandleTimes, LastExit, LastMessage, MailboxView, SupervisionView,
    TreeEntry, Warning,
};

use crate::clock::unix_ms;
use crate::exit::Exit;
use handling::TIME_BOUNDS_US;
use std::ops::Deref;
use std::sync::atomic::{
    AtomicBool, AtomicI64, AtomicU8, AtomicU16, AtomicU32, AtomicU64, Ordering::Relaxed,
};
use std::sync::{Mutex, MutexGuard, PoisonError};

/// A card and what keeps it in memory, cheap to clone: an `Arc` of it, or of something that it lies in. Thousands of
/// bots have several cards each, so these share one allocation per bot.
pub trait CardHandle: Deref<Target = Card> + Clone + Send + Sync + Unpin + 'static {}
impl<T: Deref<Target = Card> + Clone + Send + Sync + Unpin + 'static> CardHandle for T {}

/// Where an instance lives, as its card shows it.
#[derive(Debug, Clone, Copy, Default)]
pub struct Place {
    /// The arbiter it runs on; 0 is the main one.
    pub arbiter: u16,
    /// The connection it belongs to; 0 where it belongs to none.
    pub generation: u64,
}

/// Whether somebody lives at a place.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[repr(u8)]
enum Presence {
    /// Nobody lives at this place now.
    Absent,
    /// Alive, waiting for messages.
    Ready,
    /// It ended unexpectedly and is built again after a pause.
    Rebuilding,
}

/// The atomics of one place in the tree. Every bot has four, so a card holds nothing that can be computed from something
/// else.
pub struct Card {
    presence: AtomicU8,
    /// In a handler, since `last_ms`.
    busy: AtomicBool,
    /// The [`MessageKind`](crate::MessageKind) of the last message, or 0.
    last_kind: AtomicU16,
    arbiter: AtomicU16,
    /// Instances that have not ended: two, while a connection answers what it read beside its successor.
    living: AtomicU16,
    id: u32,
    times: [AtomicU32; TIME_BOUNDS_US.len()],
    /// When `presence` changed last: while an instance lives here, when that one started.
    since_ms: AtomicI64,
    generation: AtomicU64,
    accepted: AtomicU64,
    handled: AtomicU64,
    high_water: AtomicU32,
    restarts: AtomicU32,
    instance: AtomicU32,
    longest_us: AtomicU32,
    last_ms: AtomicI64,
    /// Minutes since 1970, and the messages of this one and of the one before, for a rate that costs nothing while
    /// nobody looks.
    minute: AtomicU32,
    this_minute: AtomicU32,
    last_minute: AtomicU32,
    last_exit: Mutex<Option<Box<LastExit>>>,
}

/// Four bytes last for a billion bots added.
static NEXT_ID: AtomicU32 = AtomicU32::new(1);

impl Default for Card {
    fn default() -> Self {
        Self::new()
    }
}

impl Card {
    /// Of a place where nobody has lived yet.
    #[must_use]
    pub fn new() -> Self {
        Self {
            presence: AtomicU8::new(Presence::Absent as u8),
            busy: AtomicBool::new(false),
            last_kind: AtomicU16::new(0),
            arbiter: AtomicU16::new(0),
            living: AtomicU16::new(0),
            id: NEXT_ID.fetch_add(1, Relaxed),
            times: Default::default(),
            since_ms: AtomicI64::new(unix_ms()),
            generation: AtomicU64::new(0),
            accepted: AtomicU64::new(0),
            handled: AtomicU64::new(0),
            high_water: AtomicU32::new(0),
            restarts: AtomicU32::new(0),
            instance: AtomicU32::new(0),
            longest_us: AtomicU32::new(0),
            last_ms: AtomicI64::new(0),
            minute: AtomicU32::new(0),
            this_minute: AtomicU32::new(0),
            last_minute: AtomicU32::new(0),
            last_exit: Mutex::new(None),
        }
    }

    /// A new instance lives here; its number goes back with its end.
    pub(crate) fn started(&self, place: Place) -> u32 {
        if self.living.fetch_add(1, Relaxed) == 0 {
            // What an earlier instance left unread in its mailbox died with it.
            self.handled.store(self.accepted.load(Relaxed), Relaxed);
            self.busy.store(false, Relaxed);
        }
        self.arbiter.store(place.arbiter, Relaxed);
        self.generation.store(place.generation, Relaxed);
        self.since_ms.store(unix_ms(), Relaxed);
        self.presence.store(Presence::Ready as u8, Relaxed);
        self.instance.fetch_add(1, Relaxed) + 1
    }

    /// That instance ended. Where a newer one already lives here, only a panic is worth keeping.
    pub(crate) fn ended(&self, instance: u32, exit: &Exit) {
        let others = self
            .living
            .fetch_update(Relaxed, Relaxed, |living| living.checked_sub(1))
            .is_ok_and(|living| living > 1);
        if !others {
            self.handled.store(self.accepted.load(Relaxed), Relaxed);
        }
        let is_current = self.instance.load(Relaxed) == instance;
        if is_current || !others && self.is_present() {
            self.absent();
        }
        if matches!(exit, Exit::Panicked(_)) {
            self.failed(exit, is_current);
        }
    }

    /// The instance that started last ended, and an earlier one of this place lives here on. From its parent, which alone can
    /// know. Changes nothing unless the place looks empty and is not.
    pub fn outlived(&self, place: Place) {
        let looks_empty = self.presence.load(Relaxed) == Presence::Absent as u8;
        if looks_empty && self.is_living() {
            self.generation.store(place.generation, Relaxed);
            self.since_ms.store(unix_ms(), Relaxed);
            self.presence.store(Presence::Ready as u8, Relaxed);
        }
    }

    /// The instance that lived here stopped although nobody had told it to. From its parent, which alone can know.
    pub fn stopped_unasked(&self) {
        self.failed(&Exit::Stopped, true);
    }

    /// Something this actor keeps alive and that is no actor ended; the actor itself lives.
    pub fn failed_beneath(&self, exit: &Exit) {
        self.failed(exit, false);
    }

    /// Every instance is gone, and none could say so: the thread they lived on ended.
    pub fn thread_ended(&self) {
        self.living.store(0, Relaxed);
        self.handled.store(self.accepted.load(Relaxed), Relaxed);
        self.absent();
    }

    /// Whether an instance has not ended yet, be it one that answers what it read beside its successor.
    #[must_use]
    pub fn is_living(&self) -> bool {
        self.living.load(Relaxed) > 0
    }

    /// Whether the instance that started last lives.
    #[must_use]
    pub fn is_present(&self) -> bool {
        self.presence.load(Relaxed) == Presence::Ready as u8
    }

    /// Whether an instance ever lived here.
    #[must_use]
    pub fn was_started(&self) -> bool {
        self.instance.load(Relaxed) > 0
    }

    /// How often an instance ended unexpectedly.
    #[must_use]
    pub fn restarts(&self) -> u64 {
        u64::from(self.restarts.load(Relaxed))
    }

    fn absent(&self) {
        self.busy.store(false, Relaxed);
        self.since_ms.store(unix_ms(), Relaxed);
        self.presence.store(Presence::Absent as u8, Relaxed);
    }

    fn failed(&self, exit: &Exit, is_current: bool) {
        if is_current {
            self.presence.store(Presence::Rebuilding as u8, Relaxed);
        }
        self.restarts.fetch_add(1, Relaxed);
        let reason = match exit {
            Exit::Stopped => "stopped",
            Exit::Panicked(_) => "panic",
        };
        *self.last_exit() = Some(Box::new(LastExit {
            reason,
            detail: exit.how().to_owned(),
            at_ms: unix_ms(),
        }));
    }

    fn last_exit(&self) -> MutexGuard<'_, Option<Box<LastExit>>> {
        self.last_exit
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests;
