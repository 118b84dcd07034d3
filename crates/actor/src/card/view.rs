//! A card as people and programs read it: plain data, made without asking the actor.

use super::handling::{TIME_BOUNDS_US, minute_of};
use super::{Card, Presence};
use crate::clock::unix_ms;
use crate::kind::ActorKind;
use crate::message_kind::MessageKind;
use crate::rebuild::RebuildBudget;
use std::sync::atomic::Ordering::Relaxed;

/// A handler that takes longer than this holds up everybody on its arbiter.
const STUCK_MS: i64 = 100;

/// The names of the states that a card shows.
pub const CARD_STATES: [&str; 4] = ["ready", "busy", "rebuilding", "absent"];

/// What a card does not know of itself: whose it is, and where that stands in the tree.
pub struct TreeEntry<'a> {
    /// What kind of actor.
    pub kind: &'a ActorKind,
    /// Its path.
    pub path: String,
    /// Its parent's path.
    pub parent: Option<String>,
    /// How many children live.
    pub children: u64,
    /// What it is about, in words.
    pub doing: String,
    /// How many messages its mailbox can hold: its kind's capacity, or more where that depends on settings.
    pub capacity: u64,
}

/// One actor's card, as people and programs read it.
#[derive(Debug, Clone)]
pub struct ActorView {
    /// `act_…`, stable over rebuilds.
    pub id: String,
    /// Place in the tree, e.g. `/fleet/bots/ins_…/socket`.
    pub path: String,
    /// The label of its [`ActorKind`].
    pub kind: &'static str,
    /// The arbiter it runs on; 0 is the main one.
    pub arbiter: u16,
    /// Path of its parent.
    pub parent: Option<String>,
    /// Living children.
    pub children: u64,
    /// `absent`, `ready`, `busy`, `stopping` or `rebuilding`.
    pub state: &'static str,
    /// Since when, Unix milliseconds.
    pub state_since_ms: i64,
    /// What it is about, in words.
    pub doing: String,
    /// Milliseconds since this instance started; none while absent.
    pub uptime_ms: Option<i64>,
    /// Connection it belongs to, for the actors of one connection.
    pub generation: Option<u64>,
    /// Its mailbox.
    pub mailbox: MailboxView,
    /// Messages handled since the process started.
    pub handled: u64,
    /// Messages per second over the last minute.
    pub rate_1m: f64,
    /// Time in handlers.
    pub handle_ms: HandleTimes,
    /// The last message.
    pub last: Option<LastMessage>,
    /// Rebuilds.
    pub supervision: SupervisionView,
    /// What is odd about it, computed from the card.
    pub warnings: Vec<Warning>,
}

/// A mailbox: depth is counted by us (accepted − handled), since actix cannot tell it.
#[derive(Debug, Clone, Copy)]
pub struct MailboxView {
    /// Messages waiting or in the handler.
    pub depth: u64,
    /// The most that ever waited.
    pub high_water: u64,
    /// The count its construction bounds it to.
    pub capacity: u64,
}

/// Handler times in milliseconds; quantiles are upper bounds of log buckets.
#[derive(Debug, Clone, Copy)]
pub struct HandleTimes {
    /// Median.
    pub p50: f64,
    /// 99th percentile.
    pub p99: f64,
    /// Longest.
    pub max: f64,
}

/// The last message an actor handled.
#[derive(Debug, Clone)]
pub struct LastMessage {
    /// Its type.
    pub message: &'static str,
    /// When, Unix milliseconds.
    pub at_ms: i64,
}

/// How an actor is kept alive.
#[derive(Debug, Clone)]
pub struct SupervisionView {
    /// Always `rebuild`: a fresh value from a factory.
    pub strategy: &'static str,
    /// Rebuilds so far.
    pub restarts: u64,
    /// The budget, in words.
    pub limit: &'static str,
    /// How the last instance ended, where it ended unexpectedly.
    pub last_exit: Option<LastExit>,
}

/// An unexpected end.
#[derive(Debug, Clone)]
pub struct LastExit {
    /// `panic` or `stopped`.
    pub reason: &'static str,
    /// The panic's text.
    pub detail: String,
    /// When, Unix milliseconds.
    pub at_ms: i64,
}

/// Something about an actor that somebody should look at.
#[derive(Debug, Clone)]
pub struct Warning {
    /// Stable code.
    pub code: &'static str,
    /// What to do.
    pub hint: &'static str,
}

impl Card {
    /// The card as people and programs read it.
    #[must_use]
    pub fn view(&self, entry: TreeEntry<'_>) -> ActorView {
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
        let state = self.state(busy_since.is_some());
        let mailbox = MailboxView {
            depth,
            high_water: u64::from(self.high_water.load(Relaxed)),
            capacity: entry.capacity,
        };
        let busy_ms = busy_since.map(|since| now_ms - since);
        let warnings = self.warnings(&mailbox, busy_ms, present);
        let since = self.since_ms.load(Relaxed);
        let generation = self.generation.load(Relaxed);
        let last = MessageKind::from_number(self.last_kind.load(Relaxed));
        ActorView {
            id: format!("act_{}", self.id),
            path: entry.path,
            kind: entry.kind.label,
            arbiter: self.arbiter.load(Relaxed),
            parent: entry.parent,
            children: entry.children,
            state,
            state_since_ms: busy_since.filter(|_| state == "busy").unwrap_or(since),
            doing: entry.doing,
            uptime_ms: present.then(|| now_ms - since),
            generation: (generation != 0).then_some(generation),
            mailbox,
            handled,
            rate_1m: self.rate(now_ms),
            handle_ms: self.handle_times(),
            last: last.map(|last| LastMessage {
                message: last.label(),
                at_ms: self.last_ms.load(Relaxed),
            }),
            supervision: SupervisionView {
                strategy: "rebuild",
                restarts: self.restarts(),
                limit: RebuildBudget::DEFAULT_TEXT,
                last_exit: self.last_exit().as_deref().cloned(),
            },
            warnings,
        }
    }

    fn state(&self, is_busy: bool) -> &'static str {
        match self.presence.load(Relaxed) {
            p if p == Presence::Rebuilding as u8 => "rebuilding",
            p if p == Presence::Absent as u8 => "absent",
            _ if is_busy => "busy",
            _ => "ready",
        }
    }

    fn warnings(&self, mailbox: &MailboxView, busy_ms: Option<i64>, present: bool) -> Vec<Warning> {
        let mut warnings = Vec::new();
        if mailbox.depth * 5 > mailbox.capacity * 4 {
            warnings.push(Warning {
                code: "mailbox_near_full",
                hint: "messages come faster than this actor handles them; look at its handle times and its arbiter",
            });
        }
        if busy_ms.is_some_and(|busy_ms| busy_ms > STUCK_MS) {
            warnings.push(Warning {
                code: "handler_stuck",
                hint: "one message has been in the handler for over 100 ms; everything on its arbiter waits for it",
            });
        }
        if self.restarts() > 0 && !present {
            warnings.push(Warning {
                code: "rebuilding",
                hint: "it ended unexpectedly; see supervision.last_exit",
            });
        }
        warnings
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
        let counts = self.times.each_ref().map(|n| u64::from(n.load(Relaxed)));
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
}
