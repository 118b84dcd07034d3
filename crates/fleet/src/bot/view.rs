//! A bot as people and programs read it.

use super::Bot;
use super::status::Status;
use crate::absence::Absence;
use crate::clock::{unix_ms, unix_ms_at};
use crate::kind;
use crate::stop_reason::StopReason;
use crate::view::{ActorView, InstallationView, Lights};
use longwire_actor::{ActorKind, Card, TreeEntry};
use longwire_link::{Setback, State};
use std::sync::PoisonError;
use std::sync::atomic::{AtomicI64, Ordering::Relaxed};

/// An installation shows as overloaded for so long after the last event that was refused because of overload. Longer than
/// an operator's probes are apart.
const OVERLOAD_SHOWS_MS: i64 = 15_000;

impl Bot {
    /// Whether events were refused lately because more came than could be recorded in time.
    pub(crate) fn is_overloaded(&self) -> bool {
        unix_ms() - self.tally.last_shed_ms.load(Relaxed) < OVERLOAD_SHOWS_MS
    }

    pub(crate) fn path(&self) -> String {
        format!("/fleet/bots/{}", self.public_id)
    }

    pub(crate) fn view(&self) -> InstallationView {
        let record = self.record();
        let status = self.status.lock().unwrap_or_else(PoisonError::into_inner);
        let state = &status.state;
        let is_restarting = matches!(state, State::Restarting { .. });
        let absence = is_restarting.then_some(status.absence);
        let until = state.until();
        let until = until.filter(|_| absence.is_none_or(Absence::is_tried_again));
        let reason = state.reason();
        let stopped = matches!(state, State::Stopped).then(|| StopReason::of(&record));
        let stopped = stopped.flatten();
        InstallationView {
            id: self.public_id.to_string(),
            name: record.name.to_string(),
            space: record.space.clone(),
            platform: record.platform.label(),
            app_id: record.app_id.clone(),
            desired: record.desired.label(),
            state: state.label(),
            legacy_state: state.legacy(),
            state_since_ms: status.since_ms,
            until_ms: until.map(unix_ms_at),
            attempt: if let State::BackingOff { attempt, .. } = *state {
                attempt
            } else {
                0
            },
            reason: reason
                .as_ref()
                .map(Setback::label)
                .or(absence.map(Absence::label))
                .or(stopped.map(StopReason::label))
                .map(str::to_owned),
            reason_text: match (reason, &status.detail) {
                (Some(reason), Some(detail)) => Some(format!("{reason}: {detail}")),
                (Some(reason), None) => Some(reason.to_string()),
                (None, detail) => (absence.map(|absence| absence.text(detail.as_deref())))
                    .or_else(|| Some(stopped?.text().to_owned())),
            },
            next_step: reason
                .as_ref()
                .map(Setback::next_step)
                .or(absence.map(Absence::next_step))
                .or(stopped.map(StopReason::next_step))
                .map(str::to_owned),
            generation: status.generation,
            renewal: (self.on_demand.get()).and_then(|on_demand| on_demand.renewal()),
            lights: self.lights(&status),
            callbacks: (self.callbacks_so_far()).map(|callbacks| callbacks.view(record.mode)),
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
            restarts: self.cards().map(Card::restarts).sum(),
            reconnects: tally.reconnects.load(Relaxed).into(),
            events: tally.events.load(Relaxed),
            repeats: tally.repeats.load(Relaxed),
            acked: tally.acked.load(Relaxed),
            refused: tally.refused.load(Relaxed),
            shed: tally.shed.load(Relaxed),
            overloaded: self.is_overloaded(),
            cards: (self.on_demand.get())
                .map(|on_demand| on_demand.cards.totals())
                .unwrap_or_default(),
            unanswered: tally.unanswered.load(Relaxed),
            unrecorded: tally.unrecorded.load(Relaxed),
            left_unread: tally.left_unread.load(Relaxed),
            malformed: tally.malformed.load(Relaxed),
            unparsed: tally.unparsed.load(Relaxed),
            unparsed_dropped: tally.unparsed_dropped.load(Relaxed),
        }
    }

    /// The cards of its actors, as people read them.
    pub(crate) fn actors(&self, window_events: u64) -> impl Iterator<Item = ActorView> + use<> {
        let path = self.path();
        let children = self
            .cards()
            .skip(1)
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
        let sender = self.sender_card().map(|card| {
            let kind = &kind::SENDER;
            child(kind, card, kind.capacity, "sending messages".to_owned())
        });
        let others = [
            self.installation.view(TreeEntry {
                kind: &kind::INSTALLATION,
                path: path.clone(),
                parent: Some("/fleet".to_owned()),
                children,
                doing: self.state().label().to_owned(),
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
        ];
        others.into_iter().chain(sender)
    }
}
