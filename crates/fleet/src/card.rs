//! One actor's card: atomics that the actor writes and the admin endpoint reads without asking it.
//!
//! A card belongs to a place in the tree and outlives the instances that live there, so restarts and the last panic are
//! not lost with the one that panicked. Depth is accepted − handled: every message goes through a [`Post`](crate::post::Post), every
//! handler holds a [`Handling`]; actix itself can tell neither.

mod shared;

use crate::clock::unix_ms;
use crate::kind::ActorKind;
use crate::view::{
    ActorView, HandleTimes, LastExit, LastMessage, MailboxView, SupervisionView, Warning,
};
use crate::word::Word;
use std::sync::atomic::{
    AtomicBool, AtomicI64, AtomicU8, AtomicU16, AtomicU32, AtomicU64, Ordering::Relaxed,
};
use std::sync::{Mutex, PoisonError};
use std::time::Instant;

pub(crate) use shared::SharedCard;

/// Where an actor is in its life.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[repr(u8)]
pub(crate) enum Presence {
    /// Nobody lives at this place now.
    Absent,
    /// Alive, waiting for messages.
    Ready,
    /// It ended unexpectedly and is built again after a pause.
    Rebuilding,
}

/// How an instance ended.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Exit {
    /// It stopped by itself or was told to.
    Stopped,
    /// It panicked, with this text.
    Panicked(String),
}

impl Exit {
    /// How it ended, where nobody had told it to.
    pub(crate) fn how(&self) -> String {
        match self {
            Self::Stopped => "it stopped without being told to".to_owned(),
            Self::Panicked(text) => text.clone(),
        }
    }
}

/// Eight log buckets of handler times, upper bounds in microseconds.
const TIME_BOUNDS_US: [u64; 8] = [10, 32, 100, 320, 1_000, 10_000, 100_000, u64::MAX];

/// The atomics of one place in the tree. Every bot has four, so nothing is kept that follows from something else.
pub(crate) struct Card {
    pub(crate) kind: ActorKind,
    presence: AtomicU8,
    last_word: AtomicU8,
    /// In a handler, since `last_ms`.
    busy: AtomicBool,
    arbiter: AtomicU16,
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
    /// Instances that have not ended: two, while a connection answers what it read beside its successor.
    living: AtomicU16,
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

impl Card {
    pub(crate) fn new(kind: ActorKind) -> Self {
        Self {
            kind,
            presence: AtomicU8::new(Presence::Absent as u8),
            last_word: AtomicU8::new(Word::None as u8),
            busy: AtomicBool::new(false),
            arbiter: AtomicU16::new(0),
            id: NEXT_ID.fetch_add(1, Relaxed),
            times: Default::default(),
            since_ms: AtomicI64::new(unix_ms()),
            generation: AtomicU64::new(0),
            accepted: AtomicU64::new(0),
            handled: AtomicU64::new(0),
            high_water: AtomicU32::new(0),
            restarts: AtomicU32::new(0),
            instance: AtomicU32::new(0),
            living: AtomicU16::new(0),
            longest_us: AtomicU32::new(0),
            last_ms: AtomicI64::new(0),
            minute: AtomicU32::new(0),
            this_minute: AtomicU32::new(0),
            last_minute: AtomicU32::new(0),
            last_exit: Mutex::new(None),
        }
    }

    /// A new instance lives here; its number goes back with its end.
    pub(crate) fn born(&self, arbiter: u16, generation: u64) -> u32 {
        if self.living.fetch_add(1, Relaxed) == 0 {
            // What an earlier instance left unread in its mailbox died with it.
            self.handled.store(self.accepted.load(Relaxed), Relaxed);
            self.busy.store(false, Relaxed);
        }
        self.arbiter.store(arbiter, Relaxed);
        self.generation.store(generation, Relaxed);
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
        if is_current {
            self.gone();
        }
        if matches!(exit, Exit::Panicked(_)) {
            self.failed(exit, is_current);
        }
    }

    /// That instance stopped although nobody had told it to.
    pub(crate) fn deserted(&self) {
        self.failed(&Exit::Stopped, true);
    }

    /// Something this actor keeps alive ended; the actor itself lives.
    pub(crate) fn suffered(&self, exit: &Exit) {
        self.failed(exit, false);
    }

    /// Every instance is gone, and none could say so: the thread they lived on ended.
    pub(crate) fn vanished(&self) {
        self.living.store(0, Relaxed);
        self.handled.store(self.accepted.load(Relaxed), Relaxed);
        self.gone();
    }

    /// Whether an instance has not ended yet, be it one that answers what it read beside its successor.
    pub(crate) fn is_living(&self) -> bool {
        self.living.load(Relaxed) > 0
    }

    fn gone(&self) {
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
        let exit = Box::new(LastExit {
            reason,
            detail: exit.how(),
            at_ms: unix_ms(),
        });
        *self
            .last_exit
            .lock()
            .unwrap_or_else(PoisonError::into_inner) = Some(exit);
    }

    pub(crate) fn is_present(&self) -> bool {
        self.presence.load(Relaxed) == Presence::Ready as u8
    }

    pub(crate) fn restarts(&self) -> u64 {
        u64::from(self.restarts.load(Relaxed))
    }

    pub(crate) fn accept(&self) {
        let accepted = self.accepted.fetch_add(1, Relaxed) + 1;
        let depth = accepted.saturating_sub(self.handled.load(Relaxed));
        self.high_water
            .fetch_max(u32::try_from(depth).unwrap_or(u32::MAX), Relaxed);
    }

    fn begin(&self, word: Word) {
        self.last_word.store(word as u8, Relaxed);
        let at_ms = unix_ms();
        self.last_ms.store(at_ms, Relaxed);
        self.busy.store(true, Relaxed);
        let minute = minute_of(at_ms);
        let before = self.minute.swap(minute, Relaxed);
        if before != minute {
            let counted = self.this_minute.swap(0, Relaxed);
            self.last_minute
                .store(if before + 1 == minute { counted } else { 0 }, Relaxed);
        }
        self.this_minute.fetch_add(1, Relaxed);
    }

    fn rate(&self, now_ms: i64) -> f64 {
        let counted = self.minute.load(Relaxed);
        let (this, last) = match minute_of(now_ms).wrapping_sub(counted) {
            0 => (
                self.this_minute.load(Relaxed),
                self.last_minute.load(Relaxed),
            ),
            1 => (0, self.this_minute.load(Relaxed)),
            _ => (0, 0),
        };
        let part = (now_ms % 60_000) as f64 / 60_000.0;
        let rate = (f64::from(this) + f64::from(last) * (1.0 - part)) / 60.0;
        (rate * 100.0).round() / 100.0
    }

    fn handle_times(&self) -> HandleTimes {
        let counts: Vec<u64> = self
            .times
            .iter()
            .map(|n| u64::from(n.load(Relaxed)))
            .collect();
        let total: u64 = counts.iter().sum();
        let longest = u64::from(self.longest_us.load(Relaxed));
        let at = |percent: u64| {
            let rank = (total * percent).div_ceil(100);
            let mut seen = 0;
            for (n, bound) in counts.iter().zip(TIME_BOUNDS_US) {
                seen += n;
                if seen >= rank {
                    return bound.min(longest);
                }
            }
            longest
        };
        let ms = |us: u64| us as f64 / 1000.0;
        HandleTimes {
            p50: ms(at(50)),
            p99: ms(at(99)),
            max: ms(longest),
        }
    }

    /// The card as people and programs read it.
    pub(crate) fn view(
        &self,
        path: String,
        parent: Option<String>,
        children: u64,
        doing: String,
        window_events: u64,
    ) -> ActorView {
        let now_ms = unix_ms();
        let handled = self.handled.load(Relaxed);
        let present = self.is_present();
        // What was sent to somebody who is gone is in no mailbox.
        let depth = if present {
            self.accepted.load(Relaxed).saturating_sub(handled)
        } else {
            0
        };
        let busy_since = Some(self.last_ms.load(Relaxed)).filter(|_| self.busy.load(Relaxed));
        let state = match self.presence.load(Relaxed) {
            p if p == Presence::Rebuilding as u8 => "rebuilding",
            p if p == Presence::Absent as u8 => "absent",
            _ if busy_since.is_some() => "busy",
            _ => "ready",
        };
        let mailbox = MailboxView {
            depth,
            high_water: u64::from(self.high_water.load(Relaxed)),
            capacity: self.kind.capacity(window_events),
        };
        let last_word = Word::of(self.last_word.load(Relaxed)).filter(|word| *word != Word::None);
        let mut warnings = Vec::new();
        if depth * 5 > mailbox.capacity * 4 {
            warnings.push(Warning {
                code: "mailbox_near_full",
                hint: "messages come faster than this actor handles them; look at its handle times and its arbiter",
            });
        }
        if busy_since.is_some_and(|since| now_ms - since > 100) {
            warnings.push(Warning {
                code: "handler_stuck",
                hint: "one message has been in the handler for over 100 ms; everything on its arbiter waits for it",
            });
        }
        let restarts = self.restarts();
        if restarts > 0 && !present {
            warnings.push(Warning {
                code: "rebuilding",
                hint: "it ended unexpectedly; see supervision.last_exit",
            });
        }
        let since = self.since_ms.load(Relaxed);
        let generation = self.generation.load(Relaxed);
        ActorView {
            id: format!("act_{}", self.id),
            path,
            kind: self.kind.label(),
            arbiter: self.arbiter.load(Relaxed),
            parent,
            children,
            state,
            state_since_ms: busy_since.filter(|_| state == "busy").unwrap_or(since),
            doing,
            uptime_ms: present.then(|| now_ms - since),
            generation: (generation != 0).then_some(generation),
            mailbox,
            handled,
            rate_1m: self.rate(now_ms),
            handle_ms: self.handle_times(),
            last: last_word.map(|word| LastMessage {
                message: word.label(),
                at_ms: self.last_ms.load(Relaxed),
            }),
            supervision: SupervisionView {
                strategy: "rebuild",
                restarts,
                limit: "8 in 10m",
                last_exit: self
                    .last_exit
                    .lock()
                    .unwrap_or_else(PoisonError::into_inner)
                    .as_deref()
                    .cloned(),
            },
            warnings,
        }
    }
}

/// Minutes since 1970; four bytes last until the year 10136.
fn minute_of(unix_ms: i64) -> u32 {
    u32::try_from(unix_ms / 60_000).unwrap_or(0)
}

/// Held by a handler; tells the card that it is done and how long it took.
pub(crate) struct Handling {
    card: SharedCard,
    began: Instant,
    from_mailbox: bool,
}

impl Handling {
    fn begin(card: SharedCard, word: Word, from_mailbox: bool) -> Self {
        card.begin(word);
        Self {
            card,
            began: Instant::now(),
            from_mailbox,
        }
    }
}

impl Drop for Handling {
    fn drop(&mut self) {
        let took_us = u64::try_from(self.began.elapsed().as_micros()).unwrap_or(u64::MAX);
        let card = &self.card;
        if self.from_mailbox {
            card.handled.fetch_add(1, Relaxed);
        }
        card.busy.store(false, Relaxed);
        if let Some(bucket) = TIME_BOUNDS_US.iter().position(|bound| took_us <= *bound) {
            card.times[bucket].fetch_add(1, Relaxed);
        }
        // An hour and more is an hour.
        let longest_us = u32::try_from(took_us).unwrap_or(u32::MAX);
        if longest_us > card.longest_us.load(Relaxed) {
            card.longest_us.fetch_max(longest_us, Relaxed);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn view(card: &Card) -> ActorView {
        card.view("/x".into(), None, 0, String::new(), 64)
    }

    #[test]
    fn depth_is_accepted_minus_handled() {
        let card = SharedCard::alone(ActorKind::Socket);
        card.born(1, 7);
        card.accept();
        card.accept();
        assert_eq!(view(&card).mailbox.depth, 2);
        drop(card.clone().handling(Word::Recorded));
        let seen = view(&card);
        assert_eq!(
            (seen.mailbox.depth, seen.mailbox.high_water, seen.handled),
            (1, 2, 1)
        );
        assert_eq!(seen.last.map(|last| last.message), Some("Recorded"));
        assert_eq!(
            (seen.arbiter, seen.generation, seen.state),
            (1, Some(7), "ready")
        );
    }

    #[test]
    fn a_handler_that_panics_is_handled_all_the_same() {
        let card = SharedCard::alone(ActorKind::Pinger);
        let instance = card.born(1, 1);
        card.accept();
        let inner = card.clone();
        let caught = std::panic::catch_unwind(move || {
            let _handling = inner.handling(Word::Inject);
            panic!("boom");
        });
        assert!(caught.is_err());
        card.ended(instance, &Exit::Panicked("boom".into()));
        let seen = view(&card);
        assert_eq!(
            (seen.mailbox.depth, seen.state, seen.supervision.restarts),
            (0, "rebuilding", 1)
        );
        assert_eq!(
            seen.supervision.last_exit.map(|exit| exit.detail),
            Some("boom".into())
        );
    }

    #[test]
    fn one_that_finishes_beside_its_successor_is_counted_until_it_ends() {
        let card = SharedCard::alone(ActorKind::Socket);
        let first = card.born(1, 1);
        card.accept();
        card.accept();
        let second = card.born(1, 2);
        card.accept();
        assert_eq!(view(&card).mailbox.depth, 3, "both have something to read");
        drop(card.clone().handling(Word::Recorded));
        drop(card.clone().handling(Word::Recorded));
        assert_eq!(view(&card).mailbox.depth, 1);
        card.ended(first, &Exit::Stopped);
        let seen = view(&card);
        assert_eq!(
            (seen.mailbox.depth, seen.state, seen.generation),
            (1, "ready", Some(2))
        );
        drop(card.clone().handling(Word::Recorded));
        card.accept();
        card.ended(second, &Exit::Stopped);
        card.born(1, 3);
        assert_eq!(view(&card).mailbox.depth, 0, "unread, and gone with it");
    }

    #[test]
    fn a_stuck_handler_shows_without_being_asked() {
        let card = SharedCard::alone(ActorKind::Socket);
        card.born(1, 1);
        let handling = card.clone().handling(Word::Recorded);
        card.last_ms.store(unix_ms() - 5_000, Relaxed);
        let seen = view(&card);
        assert_eq!(seen.state, "busy");
        assert!(
            seen.warnings
                .iter()
                .any(|warning| warning.code == "handler_stuck")
        );
        drop(handling);
        assert_eq!(view(&card).state, "ready");
    }
}
