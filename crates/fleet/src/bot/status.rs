//! The state of a bot: as its link reported it last, or as the supervisor says after the installation ended.

use super::Bot;
use crate::absence::Absence;
use crate::clock::{instant_at, unix_ms};
use longwire_installation::Desired;
use longwire_link::{ALARM_AFTER, Generation, Link, Setback, State};
use longwire_store::InstallationRecord;
use std::sync::{MutexGuard, PoisonError};
use std::time::Instant;

/// The state that was reported last.
pub(super) struct Status {
    pub(super) state: State,
    pub(super) since_ms: i64,
    pub(super) generation: u64,
    /// How many generations after it were used by connections that never served. Its type saves eight bytes per bot; it is
    /// exact until a month of failures.
    unserved: u16,
    pub(super) attempts_exceeded: bool,
    pub(super) failures: u32,
    /// Why the last attempt or connection ended, until a connection is live: the state does not say it during the next attempt.
    /// Boxed, since most bots are live.
    last_setback: Option<Box<Setback>>,
    pub(super) detail: Option<Box<str>>,
    /// Why the state is `restarting`, if it is.
    pub(super) absence: Absence,
    /// Outlives the link, and by the store the process, since a rebuilt installation must not take the bot back either.
    /// Boxed, since nearly no bot is displaced.
    pub(super) displaced: Option<Box<Displaced>>,
    /// When it was taken back from other programs, oldest first. Outlives the link and the process too: a panic or restart
    /// must not allow more take-backs in a day. Boxed, since nearly no bot is.
    taken_back: Option<Box<TakenBack>>,
}

/// When a bot was taken back.
struct TakenBack(Box<[Instant]>);

/// Another program has the bot.
pub(super) struct Displaced {
    /// Since when, by the link's clock.
    since: Instant,
    /// Since when, by the wall clock.
    since_ms: i64,
    /// The number of the operator's claims at that time. A later claim ends the displacement.
    claims: u64,
}

impl Status {
    /// The state of a bot whose installation was not started yet.
    pub(super) fn of(record: &InstallationRecord) -> Self {
        let displaced = record.displaced_ms.map(|displaced_ms| {
            Box::new(Displaced {
                since: instant_at(displaced_ms),
                since_ms: displaced_ms,
                claims: record.claims,
            })
        });
        let taken_back = record.taken_back_ms.iter().copied().map(instant_at);
        let taken_back: Box<[Instant]> = taken_back.collect();
        let (state, since_ms) = match (record.desired, &displaced) {
            (Desired::Stop, _) => (State::Stopped, unix_ms()),
            (Desired::Run, _) if !record.mode.connects() => (State::Webhook, unix_ms()),
            (Desired::Run, None) => (State::Queued, unix_ms()),
            (Desired::Run, Some(displaced)) => {
                let since = displaced.since;
                (State::Displaced { since, until: None }, displaced.since_ms)
            }
        };
        Self {
            state,
            since_ms,
            generation: 0,
            unserved: 0,
            attempts_exceeded: false,
            failures: 0,
            last_setback: None,
            detail: None,
            absence: Absence::RebuildsSpent,
            displaced,
            taken_back: (!taken_back.is_empty()).then(|| Box::new(TakenBack(taken_back))),
        }
    }

    pub(super) fn has_alarm(&self) -> bool {
        self.failures >= ALARM_AFTER
    }

    /// Answers whether this is another state or generation than before.
    fn is(&mut self, state: &State, generation: u64, detail: Option<&str>) -> bool {
        let differs = self.state != *state || self.generation != generation;
        if self.state.label() != state.label() || self.generation != generation {
            self.since_ms = unix_ms();
        }
        self.last_setback = match state {
            State::Live { .. } | State::Stopped | State::Webhook => None,
            State::Queued
            | State::Bootstrapping
            | State::Dialing
            | State::BackingOff { .. }
            | State::Refused { .. }
            | State::Displaced { .. }
            | State::Restarting { .. } => match state.reason() {
                Some(reason) => Some(Box::new(reason)),
                None => self.last_setback.take(),
            },
        };
        self.state = *state;
        self.generation = generation;
        self.detail = detail.map(Box::from);
        self.absence = Absence::RebuildsSpent;
        differs
    }

    /// The installation ended and cannot report this itself.
    fn failed(&mut self, state: &State, detail: Option<&str>) {
        self.is(state, self.generation, detail);
        self.attempts_exceeded = false;
        self.failures = 0;
    }
}

impl Bot {
    /// Takes over the link's state. `detail` is text for people beside the reason's own. Answers whether the state or its
    /// generation is another one than was shown before.
    pub(crate) fn shows(&self, link: &Link, detail: Option<&str>) -> bool {
        let claims = self.record().claims;
        let mut status = self.status();
        let generation = link.generation().0;
        let differs = status.is(link.state(), generation, detail);
        let unserved = link.newest_generation().0 - generation;
        status.unserved = u16::try_from(unserved).unwrap_or(u16::MAX);
        status.attempts_exceeded = link.attempts_exceeded();
        status.failures = link.failures();
        let State::Displaced { since, .. } = *link.state() else {
            status.displaced = None;
            drop(status);
            if differs && matches!(link.state(), State::Live { .. }) {
                self.wake_requests();
            }
            return differs;
        };
        let known = status.displaced.as_deref();
        if let Some(known) = known.filter(|known| known.since == since) {
            status.since_ms = known.since_ms;
        } else {
            let since_ms = status.since_ms;
            status.displaced = Some(Box::new(Displaced {
                since,
                since_ms,
                claims,
            }));
        }
        differs
    }

    /// The installation failed; `how` says how.
    pub(crate) fn failed(&self, state: &State, how: &str) {
        self.status().failed(state, Some(how));
    }

    /// The supervisor or the thread of the installation ended, and this process starts no other. One that needs no
    /// connection needs none then either.
    pub(crate) fn orphaned(&self, absence: Absence, detail: Option<&str>) {
        let mut status = self.status();
        if !matches!(status.state, State::Stopped | State::Webhook) {
            let until = crate::clock::now();
            status.failed(&State::Restarting { until }, detail);
            status.absence = absence;
        }
    }

    /// Since when another program has it, unless an operator decided otherwise after that.
    pub(crate) fn displaced_since(&self, claims: u64) -> Option<Instant> {
        let status = self.status();
        let displaced = status.displaced.as_deref()?;
        (displaced.claims == claims).then_some(displaced.since)
    }

    /// Remembers when it was taken back.
    pub(crate) fn was_taken_back(&self, times: impl ExactSizeIterator<Item = Instant>) {
        let mut status = self.status();
        if times.len() > 0 {
            status.taken_back = Some(Box::new(TakenBack(times.collect())));
        }
    }

    pub(crate) fn taken_back(&self) -> Box<[Instant]> {
        let status = self.status();
        let taken_back = status.taken_back.as_deref();
        taken_back.map_or_else(Box::default, |taken_back| taken_back.0.clone())
    }

    pub(super) fn status(&self) -> MutexGuard<'_, Status> {
        self.status.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The generation that was reported last.
    pub(crate) fn generation(&self) -> Generation {
        Generation(self.status().generation)
    }

    /// The highest generation that was used.
    pub(crate) fn newest_generation(&self) -> Generation {
        let status = self.status();
        Generation(status.generation + u64::from(status.unserved))
    }

    /// Since when it is in its state, in milliseconds since 1970.
    pub(crate) fn since_ms(&self) -> i64 {
        self.status().since_ms
    }

    /// Since when it is stopped, in milliseconds since 1970, if it is.
    pub(crate) fn stopped_since_ms(&self) -> Option<i64> {
        let status = self.status();
        matches!(status.state, State::Stopped).then_some(status.since_ms)
    }

    /// The state that was reported last.
    pub(crate) fn state(&self) -> State {
        self.status().state
    }

    /// Why the last attempt or connection ended, if none is live since.
    pub(crate) fn last_setback(&self) -> Option<Setback> {
        self.status().last_setback.as_deref().copied()
    }

    /// Whether so many attempts in a row failed that somebody should look at it.
    pub(crate) fn has_alarm(&self) -> bool {
        self.status().has_alarm()
    }
}
