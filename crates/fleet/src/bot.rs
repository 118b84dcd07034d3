//! What everybody may know of one installation without asking it: its facts, its status, its lights and the cards of
//! its actors. One allocation per installation, made by the supervisor, shared with the actors that write it.

mod cards;

pub(crate) use cards::{AssemblerCard, InstallationCard, PingerCard, SocketCard};

use crate::absence::Absence;
use crate::clock::{instant_at, unix_ms, unix_ms_at};
use crate::kept::Kept;
use crate::kind::{self, ConnectionActor};
use crate::loss::ToldLosses;
use crate::record_order::RecordOrder;
use crate::view::{ActorView, InstallationView, Lights};
use longwire_actor::{ActorKind, Card, TreeEntry};
use longwire_installation::{Desired, InstallationId, Platform};
use longwire_link::{ALARM_AFTER, Generation, Link, Setback, State, Unparsed, UnparsedBudget};
use longwire_store::InstallationRecord;
use std::sync::atomic::{AtomicBool, AtomicI64, AtomicU32, AtomicU64, Ordering::Relaxed};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Instant;

/// How long after the last event that was refused for want of time an installation shows as overloaded: longer than an
/// operator's probes are apart.
const OVERLOAD_SHOWS_MS: i64 = 15_000;

/// One installation as the admin endpoint sees it.
pub(crate) struct Bot {
    pub(crate) id: InstallationId,
    pub(crate) public_id: Box<str>,
    pub(crate) installation: Card,
    pub(crate) socket: Card,
    pub(crate) pinger: Card,
    pub(crate) assembler: Card,
    record: Mutex<Arc<InstallationRecord>>,
    status: Mutex<Status>,
    /// Of what cannot be read and nobody repeats. Outlives the connection that it came over.
    unparsed: Mutex<UnparsedBudget>,
    pub(crate) tally: Tally,
    pub(crate) told_losses: ToldLosses,
    /// By its connections that ended.
    pub(crate) kept: Kept,
    pub(crate) record_order: RecordOrder,
}

/// What its link said last.
struct Status {
    state: State,
    since_ms: i64,
    generation: u64,
    attempts_exceeded: bool,
    failures: u32,
    detail: Option<Box<str>>,
    /// What state `restarting` comes from.
    absence: Absence,
    /// Outlives the link, and with the store the process: an installation that is built anew has to leave the bot alone as
    /// well.
    displaced: Option<Displaced>,
    /// When it was taken back from other programs, oldest first. Outlives them as well: panics and restarts must not allow
    /// more of that in a day.
    taken_back: Box<[Instant]>,
}

/// Another program has the bot.
#[derive(Clone, Copy)]
struct Displaced {
    /// Since when, as the link says.
    since: Instant,
    /// The same as it is shown.
    since_ms: i64,
    /// The operator's decisions before that; with a later one it is over.
    claims: u64,
}

/// What its actors counted and saw.
#[derive(Default)]
pub(crate) struct Tally {
    pub(crate) connected_ms: AtomicI64,
    pub(crate) last_heard_ms: AtomicI64,
    /// An hour and more is an hour.
    pub(crate) pong_round_trip_us: AtomicU32,
    pub(crate) last_event_ms: AtomicI64,
    pub(crate) reconnects: AtomicU32,
    pub(crate) events: AtomicU64,
    pub(crate) repeats: AtomicU64,
    pub(crate) acked: AtomicU64,
    pub(crate) refused: AtomicU64,
    pub(crate) shed: AtomicU64,
    pub(crate) last_shed_ms: AtomicI64,
    pub(crate) unanswered: AtomicU64,
    pub(crate) unrecorded: AtomicU64,
    pub(crate) left_unread: AtomicU64,
    pub(crate) malformed: AtomicU64,
    pub(crate) unparsed: AtomicU64,
    pub(crate) unparsed_dropped: AtomicU64,
    pub(crate) was_live: AtomicBool,
}

impl Status {
    fn has_alarm(&self) -> bool {
        self.failures >= ALARM_AFTER
    }

    fn is(&mut self, state: &State, generation: u64, detail: Option<&str>) {
        if self.state.label() != state.label() || self.generation != generation {
            self.since_ms = unix_ms();
        }
        self.state = *state;
        self.generation = generation;
        self.detail = detail.map(Box::from);
        self.absence = Absence::RebuildsSpent;
    }

    /// Nothing is left that could say so.
    fn failed(&mut self, state: &State, detail: Option<&str>) {
        self.is(state, self.generation, detail);
        self.attempts_exceeded = false;
        self.failures = 0;
    }
}

impl Bot {
    pub(crate) fn new(record: &Arc<InstallationRecord>) -> Arc<Self> {
        let displaced = record.displaced_ms.map(|displaced_ms| Displaced {
            since: instant_at(displaced_ms),
            since_ms: displaced_ms,
            claims: record.claims,
        });
        let taken_back = record.taken_back_ms.iter().copied().map(instant_at);
        // Until its installation, which is about to be built, speaks for itself.
        let (state, since_ms) = match (record.desired, displaced) {
            (Desired::Stop, _) => (State::Stopped, unix_ms()),
            (Desired::Run, None) => (State::Queued, unix_ms()),
            (
                Desired::Run,
                Some(Displaced {
                    since, since_ms, ..
                }),
            ) => (State::Displaced { since, until: None }, since_ms),
        };
        Arc::new(Self {
            id: record.id,
            public_id: record.public_id.to_string().into(),
            installation: Card::new(),
            socket: Card::new(),
            pinger: Card::new(),
            assembler: Card::new(),
            record: Mutex::new(Arc::clone(record)),
            status: Mutex::new(Status {
                state,
                since_ms,
                generation: 0,
                attempts_exceeded: false,
                failures: 0,
                detail: None,
                absence: Absence::RebuildsSpent,
                displaced,
                taken_back: taken_back.collect(),
            }),
            unparsed: Mutex::default(),
            tally: Tally::default(),
            told_losses: ToldLosses::default(),
            kept: Kept::default(),
            record_order: RecordOrder::default(),
        })
    }

    /// Its configuration changed.
    pub(crate) fn configured(&self, record: &Arc<InstallationRecord>) {
        *self.record.lock().unwrap_or_else(PoisonError::into_inner) = Arc::clone(record);
    }

    fn record(&self) -> Arc<InstallationRecord> {
        Arc::clone(&self.record.lock().unwrap_or_else(PoisonError::into_inner))
    }

    /// Where its app lives.
    pub(crate) fn platform(&self) -> Platform {
        self.record().platform
    }

    /// What the link says now. `detail` are words for people beside the reason's own.
    pub(crate) fn shows(&self, link: &Link, detail: Option<&str>) {
        let claims = self.record().claims;
        let mut status = self.status();
        status.is(link.state(), link.generation().0, detail);
        status.attempts_exceeded = link.attempts_exceeded();
        status.failures = link.failures();
        status.displaced = match (*link.state(), status.displaced) {
            (State::Displaced { since, .. }, Some(known)) if since == known.since => {
                status.since_ms = known.since_ms;
                Some(known)
            }
            (State::Displaced { since, .. }, _) => Some(Displaced {
                since,
                since_ms: status.since_ms,
                claims,
            }),
            _ => None,
        };
    }

    /// Its installation failed and cannot say so itself.
    pub(crate) fn failed(&self, state: &State, words: &str) {
        self.status().failed(state, Some(words));
    }

    /// What carried its installation ended, and this process builds none anew. One that nobody wants to run stays stopped.
    pub(crate) fn orphaned(&self, absence: Absence, detail: Option<&str>) {
        let mut status = self.status();
        if status.state != State::Stopped {
            let until = crate::clock::now();
            status.failed(&State::Restarting { until }, detail);
            status.absence = absence;
        }
    }

    /// Since when another program has it, unless an operator decided otherwise after that.
    pub(crate) fn displaced_since(&self, claims: u64) -> Option<Instant> {
        let displaced = self.status().displaced;
        displaced
            .filter(|displaced| displaced.claims == claims)
            .map(|displaced| displaced.since)
    }

    /// When it was taken back until now.
    pub(crate) fn was_taken_back(&self, times: impl ExactSizeIterator<Item = Instant>) {
        let mut status = self.status();
        if times.len() > 0 {
            status.taken_back = times.collect();
        }
    }

    pub(crate) fn taken_back(&self) -> Box<[Instant]> {
        self.status().taken_back.clone()
    }

    fn status(&self) -> MutexGuard<'_, Status> {
        self.status.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The attempt that was shown last.
    pub(crate) fn generation(&self) -> Generation {
        Generation(self.status().generation)
    }

    /// The link's last state.
    pub(crate) fn state(&self) -> State {
        self.status().state
    }

    /// Its name.
    pub(crate) fn state_label(&self) -> &'static str {
        self.state().label()
    }

    /// What becomes of a frame that cannot be read and nobody repeats.
    pub(crate) fn spend_unparsed(&self, size_bytes: usize, now: Instant) -> Unparsed {
        let mut budget = self.unparsed.lock().unwrap_or_else(PoisonError::into_inner);
        budget.spend(size_bytes, now)
    }

    /// Whether somebody should look at it: so many attempts in a row failed.
    pub(crate) fn has_alarm(&self) -> bool {
        self.status().has_alarm()
    }

    /// Whether more came lately than could be recorded in time.
    pub(crate) fn is_overloaded(&self) -> bool {
        unix_ms() - self.tally.last_shed_ms.load(Relaxed) < OVERLOAD_SHOWS_MS
    }

    /// The card of one of its connection's actors.
    pub(crate) fn card(&self, actor: ConnectionActor) -> &Card {
        match actor {
            ConnectionActor::Socket => &self.socket,
            ConnectionActor::Pinger => &self.pinger,
            ConnectionActor::Assembler => &self.assembler,
        }
    }

    pub(crate) fn cards(&self) -> [&Card; 4] {
        [
            &self.installation,
            &self.socket,
            &self.pinger,
            &self.assembler,
        ]
    }

    /// The same with what kind of actor each belongs to.
    pub(crate) fn actor_cards(&self) -> [(&'static ActorKind, &Card); 4] {
        [
            (&kind::INSTALLATION, &self.installation),
            (&kind::SOCKET, &self.socket),
            (&kind::PINGER, &self.pinger),
            (&kind::ASSEMBLER, &self.assembler),
        ]
    }

    pub(crate) fn path(&self) -> String {
        format!("/fleet/bots/{}", self.public_id)
    }

    pub(crate) fn view(&self) -> InstallationView {
        let record = self.record();
        let status = self.status.lock().unwrap_or_else(PoisonError::into_inner);
        let (until, attempt, reason) = match &status.state {
            State::BackingOff {
                until,
                attempt,
                reason,
            } => (Some(*until), *attempt, Some(reason)),
            State::Refused { until, reason } => (Some(*until), 0, Some(reason)),
            State::Displaced { until, .. } => (*until, 0, Some(&Setback::Displaced)),
            State::Restarting { until } => {
                let until = status.absence.is_tried_again().then_some(*until);
                (until, 0, None)
            }
            State::Stopped
            | State::Queued
            | State::Bootstrapping
            | State::Dialing
            | State::Live { .. } => (None, 0, None),
        };
        let absence = match status.state {
            State::Restarting { .. } => Some(status.absence),
            _ => None,
        };
        InstallationView {
            id: self.public_id.to_string(),
            name: record.name.to_string(),
            platform: record.platform.label(),
            app_id: record.app_id.clone(),
            desired: record.desired.label(),
            state: status.state.label(),
            legacy_state: status.state.legacy(),
            state_since_ms: status.since_ms,
            until_ms: until.map(unix_ms_at),
            attempt,
            reason: reason
                .map(Setback::label)
                .or(absence.map(Absence::label))
                .map(str::to_owned),
            reason_text: match (reason, &status.detail) {
                (Some(reason), Some(detail)) => Some(format!("{reason}: {detail}")),
                (Some(reason), None) => Some(reason.to_string()),
                (None, detail) => absence.map(|absence| absence.text(detail.as_deref())),
            },
            next_step: reason
                .map(Setback::next_step)
                .or(absence.map(Absence::next_step))
                .map(str::to_owned),
            generation: status.generation,
            lights: self.lights(&status),
        }
    }

    fn lights(&self, status: &Status) -> Lights {
        let tally = &self.tally;
        let when = |cell: &AtomicI64| Some(cell.load(Relaxed)).filter(|ms| *ms != 0);
        Lights {
            connected_ms: matches!(status.state, State::Live { .. })
                .then(|| when(&tally.connected_ms))
                .flatten(),
            last_heard_ms: when(&tally.last_heard_ms),
            pong_round_trip_us: Some(tally.pong_round_trip_us.load(Relaxed).into())
                .filter(|us| *us != 0),
            last_event_ms: when(&tally.last_event_ms),
            never_heard_an_event: tally.was_live.load(Relaxed) && tally.events.load(Relaxed) == 0,
            attempts_exceeded: status.attempts_exceeded,
            failures: status.failures,
            alarm: status.has_alarm(),
            restarts: self.cards().into_iter().map(|card| card.restarts()).sum(),
            reconnects: tally.reconnects.load(Relaxed).into(),
            events: tally.events.load(Relaxed),
            repeats: tally.repeats.load(Relaxed),
            acked: tally.acked.load(Relaxed),
            refused: tally.refused.load(Relaxed),
            shed: tally.shed.load(Relaxed),
            overloaded: self.is_overloaded(),
            unanswered: tally.unanswered.load(Relaxed),
            unrecorded: tally.unrecorded.load(Relaxed),
            left_unread: tally.left_unread.load(Relaxed),
            malformed: tally.malformed.load(Relaxed),
            unparsed: tally.unparsed.load(Relaxed),
            unparsed_dropped: tally.unparsed_dropped.load(Relaxed),
        }
    }

    /// The cards of its actors, as people read them.
    pub(crate) fn actors(&self, window_events: u64) -> [ActorView; 4] {
        let path = self.path();
        let children = [&self.socket, &self.pinger, &self.assembler]
            .into_iter()
            .filter(|card| card.is_present())
            .count() as u64;
        let unanswered = self.tally.unanswered.load(Relaxed);
        let child = |kind: &ActorKind, card: &Card, capacity: u64, doing: String| {
            card.view(TreeEntry {
                kind,
                path: format!("{path}/{}", kind.label),
                parent: Some(path.clone()),
                children: 0,
                doing: Some(doing)
                    .filter(|_| card.is_present())
                    .unwrap_or_default(),
                capacity,
            })
        };
        let (socket, pinger, assembler) = (&kind::SOCKET, &kind::PINGER, &kind::ASSEMBLER);
        [
            self.installation.view(TreeEntry {
                kind: &kind::INSTALLATION,
                path: path.clone(),
                parent: Some("/fleet".to_owned()),
                children,
                doing: self.state_label().to_owned(),
                capacity: kind::INSTALLATION.capacity,
            }),
            child(
                socket,
                &self.socket,
                socket.capacity + window_events,
                format!("{unanswered} unanswered"),
            ),
            child(
                pinger,
                &self.pinger,
                pinger.capacity,
                "asking and listening".to_owned(),
            ),
            child(
                assembler,
                &self.assembler,
                assembler.capacity,
                "joining split pushes".to_owned(),
            ),
        ]
    }
}
