//! What longwire tells of its bots and its store, as operational events, and what it keeps to itself.
//!
//! ```text
//! handle_bot, handle_store ─▶ told (who is in trouble) ─▶ Crowd (many at once become one) ─▶ Waiting ─▶ poll, until recorded
//! ```
//!
//! - A bot's trouble is told once. `live` is told only of a bot whose trouble was told.
//! - When the platform or the network fails, thousands of bots have the same trouble. Of each kind and reason the first
//!   few within a minute are told one by one, the others together.
//! - What the store does not take waits here. A newer one of the same subject and kind replaces it, so that a bot cannot
//!   fill the list; beyond its bound the oldest one about a bot is dropped and counted.
//! - A store that fails again and again within seconds is told as one trouble.
//!
//! A healthy bot takes no memory here.

mod crowd;
mod kind;
mod waiting;

use std::collections::BTreeMap;
use std::time::{Duration, Instant};

use longwire_installation::InstallationId;

use self::crowd::Crowds;
pub use self::kind::{BotCondition, BotTrouble, OccurrenceKind, StoreCondition};
use self::waiting::Waiting;

/// The limits of [`Occurrences`].
#[derive(Copy, Clone, PartialEq, Eq, Debug)]
pub struct OccurrenceLimits {
    /// How many bots with the same trouble are told one by one within `span`; the others are counted.
    pub one_by_one: u32,
    /// For how long those that are not told one by one gather.
    pub span: Duration,
    /// How long the store has to record without a failure until it is told as recovered.
    pub settle: Duration,
    /// Most occurrences that wait for the store.
    pub waiting: usize,
}

impl Default for OccurrenceLimits {
    /// Ten a minute can be read by a person. A store that is tried each second has settled after five. 256 occurrences
    /// take some 100 KiB.
    fn default() -> Self {
        Self {
            one_by_one: 10,
            span: Duration::from_secs(60),
            settle: Duration::from_secs(5),
            waiting: 256,
        }
    }
}

/// Something that is to be recorded as an operational event.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Occurrence {
    /// Its number, for [`Occurrences::handle_recorded`] and [`Occurrences::handle_refused`].
    pub number: u32,
    /// What happened.
    pub kind: OccurrenceKind,
    /// The bot; none for the store, and where several are told together.
    pub installation: Option<InstallationId>,
    /// How many bots, where several are told together.
    pub installations: Option<u64>,
    /// When it happened, in milliseconds since 1970.
    pub at_ms: i64,
    /// Why, as a stable word.
    pub reason: &'static str,
    /// What happened and what comes next, for people.
    pub detail: String,
}

/// Decides which occurrences are recorded.
#[derive(Debug, Default)]
pub struct Occurrences {
    limits: OccurrenceLimits,
    /// The bots whose trouble was told, alone or together with others.
    told: BTreeMap<InstallationId, BotTrouble>,
    crowds: Crowds,
    store: StoreTold,
    waiting: Waiting,
}

/// What was told of the store.
#[derive(Debug, Default)]
enum StoreTold {
    #[default]
    Nothing,
    /// That it records nothing.
    Degraded { reason: &'static str, since_ms: i64 },
    /// The same, though it records by now.
    Settling {
        reason: &'static str,
        since_ms: i64,
        /// Since when it records, by both clocks.
        recording_since: Instant,
        recording_since_ms: i64,
    },
}

impl Occurrences {
    /// With these limits.
    #[must_use]
    pub fn new(limits: OccurrenceLimits) -> Self {
        Self {
            limits,
            ..Self::default()
        }
    }

    /// How a bot is. `at_ms` is since when, in milliseconds since 1970; `text` says what happened and what comes next, and
    /// is asked only if the bot is told alone.
    pub fn handle_bot(
        &mut self,
        bot: InstallationId,
        condition: BotCondition,
        at_ms: i64,
        now: Instant,
        text: impl FnOnce() -> String,
    ) {
        let (kind, reason) = match condition {
            BotCondition::Connecting => return,
            BotCondition::Stopped => {
                self.told.remove(&bot);
                return;
            }
            BotCondition::Live => match self.told.remove(&bot) {
                Some(_) => (OccurrenceKind::Live, "connected"),
                None => return,
            },
            BotCondition::InTrouble(trouble, reason) => {
                if self.told.insert(bot, trouble) == Some(trouble) {
                    return;
                }
                (trouble.kind(), reason)
            }
        };
        if self.crowds.join(kind, reason, now, &self.limits) {
            let occurrence = Occurrence {
                number: 0,
                kind,
                installation: Some(bot),
                installations: None,
                at_ms,
                reason,
                detail: text(),
            };
            self.waiting.push(occurrence, self.limits.waiting);
        }
    }

    /// Whether the store records.
    pub fn handle_store(&mut self, condition: StoreCondition, now: Instant, now_ms: i64) {
        match (condition, &self.store) {
            (StoreCondition::Recording, StoreTold::Nothing | StoreTold::Settling { .. })
            | (StoreCondition::Degraded { .. }, StoreTold::Degraded { .. }) => {}
            (StoreCondition::Recording, &StoreTold::Degraded { reason, since_ms }) => {
                self.store = StoreTold::Settling {
                    reason,
                    since_ms,
                    recording_since: now,
                    recording_since_ms: now_ms,
                };
            }
            (
                StoreCondition::Degraded { .. },
                &StoreTold::Settling {
                    reason, since_ms, ..
                },
            ) => self.store = StoreTold::Degraded { reason, since_ms },
            (
                StoreCondition::Degraded {
                    since_ms,
                    reason,
                    text,
                },
                StoreTold::Nothing,
            ) => {
                self.store = StoreTold::Degraded { reason, since_ms };
                self.tell_store(OccurrenceKind::Degraded, since_ms, reason, text);
            }
        }
        self.settle(now);
    }

    /// Tells that the store recovered, once it has recorded for long enough.
    fn settle(&mut self, now: Instant) {
        let StoreTold::Settling {
            reason,
            since_ms,
            recording_since,
            recording_since_ms,
        } = self.store
        else {
            return;
        };
        if now.saturating_duration_since(recording_since) < self.limits.settle {
            return;
        }
        self.store = StoreTold::Nothing;
        let after_s = recording_since_ms.saturating_sub(since_ms).max(0) / 1_000;
        let text = format!("Events are recorded again, after {after_s} s.");
        self.tell_store(OccurrenceKind::Recovered, recording_since_ms, reason, text);
    }

    fn tell_store(
        &mut self,
        kind: OccurrenceKind,
        at_ms: i64,
        reason: &'static str,
        detail: String,
    ) {
        let occurrence = Occurrence {
            number: 0,
            kind,
            installation: None,
            installations: None,
            at_ms,
            reason,
            detail,
        };
        self.waiting.push(occurrence, self.limits.waiting);
    }

    /// Time passed: what gathered for long enough is told together. `now_ms` is the same time in milliseconds since 1970.
    pub fn handle_timeout(&mut self, now: Instant, now_ms: i64) {
        for crowd in self.crowds.take_due(now, &self.limits) {
            let occurrence = crowd.told_at(now_ms);
            self.waiting.push(occurrence, self.limits.waiting);
        }
    }

    /// Forgets the bots that are no more.
    pub fn retain(&mut self, mut exists: impl FnMut(InstallationId) -> bool) {
        self.told.retain(|bot, _| exists(*bot));
    }

    /// The oldest occurrence that waits, if the store has none. It is given to the store now, and
    /// [`handle_recorded`](Self::handle_recorded) or [`handle_refused`](Self::handle_refused) says what became of it. One at
    /// a time, so that they are recorded in their order.
    pub fn poll(&mut self) -> Option<Occurrence> {
        self.waiting.poll()
    }

    /// The store has it, or will never take it, as after its bot was removed.
    pub fn handle_recorded(&mut self, number: u32) {
        self.waiting.forget(number);
    }

    /// The store did not take it now. It waits on, unless there is a newer one of its subject and kind.
    pub fn handle_refused(&mut self, number: u32) {
        self.waiting.put_back(number);
    }

    /// How many were dropped because too many waited.
    #[must_use]
    pub fn dropped(&self) -> u64 {
        self.waiting.dropped()
    }

    /// How many wait for the store.
    #[must_use]
    pub fn waiting(&self) -> usize {
        self.waiting.len()
    }
}

#[cfg(test)]
mod tests;
