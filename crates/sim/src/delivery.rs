//! Delivers pushes: first attempt, answer or time-out, repeats.
//!
//! An attempt goes to one live connection of the app, chosen at random. If no answer comes in time, or its code is not
//! 200, the event is sent again after the next delay of the ladder, with a new `message_id` and the same `event_id`. The
//! pushes of an app without a connection wait; waiting is not an attempt and uses no delay of the ladder.

use std::time::Instant;

use longwire_wire::answer::AnswerPayload;
use longwire_wire::frame::FrameView;
use rand::Rng as _;

use crate::api_calls::NewClick;
use crate::chat_event::{Invented, standing_of};
use crate::fault::ConnectionId;
use crate::fragments;
use crate::ids::{AttemptId, attempt_of, hex32};
use crate::ledger::{AttemptOutcome, PushRecord, RecordState};
use crate::message::event_words;
use crate::open_api::StandingMessage;
use crate::push::{HeaderType, Payload, Push, PushId};
use crate::state::PlatformState;
use crate::tracked::{PayloadFacts, PayloadSource, TrackedPush};
use crate::transcript::ChatAuthor;

/// The push number of frames whose answer is ignored. Push numbers have 48 bits of the `message_id` and begin with 1.
pub(crate) const UNTRACKED: u64 = 0;
/// Longest event whose message is remembered as one that stands in its chat.
const REMEMBERED_BYTES: usize = 64 * 1024;

impl PlatformState {
    /// Accepts an event, and sends it or lets it wait for a connection.
    pub(crate) fn push(&mut self, app: &str, push: Push, now: Instant) -> PushId {
        let number = self.admit(app, push, now);
        self.push_out(number, now);
        self.wake_clock();
        PushId(number)
    }

    /// Accepts several events and sends their fragments interleaved over one connection.
    pub(crate) fn push_interleaved(
        &mut self,
        app: &str,
        pushes: Vec<Push>,
        now: Instant,
    ) -> Vec<PushId> {
        let numbers: Vec<u64> = pushes
            .into_iter()
            .map(|push| self.admit(app, push, now))
            .collect();
        let index = self.app(app);
        match self.choose(index) {
            None => self.apps[index].waiting.extend(&numbers),
            Some(id) => {
                let mut messages = Vec::new();
                for number in &numbers {
                    messages.push(self.begin(*number, id, now));
                }
                let frames = fragments::interleave(messages);
                self.send(id, |out| {
                    frames.iter().for_each(|frame| out.extend_from_slice(frame))
                });
            }
        }
        self.wake_clock();
        numbers.into_iter().map(PushId).collect()
    }

    fn admit(&mut self, app: &str, push: Push, now: Instant) -> u64 {
        let index = self.app(app);
        let number = self.next_number();
        let event_id = push.event_id.as_deref();
        let (body, is_callback) = self.body_of(&push.payload, event_id, number, index, now);
        let repeats = push.header_type == HeaderType::Event && !is_callback;
        let mut tracked = TrackedPush::new(number, index, body, Some(Box::new(push)), now);
        tracked.repeats = repeats;
        self.track(tracked);
        number
    }

    /// The payload of the push with this number, and whether it is a card callback, which the platform does not repeat.
    pub(crate) fn body_of(
        &mut self,
        payload: &Payload,
        event_id: Option<&str>,
        number: u64,
        app: usize,
        now: Instant,
    ) -> (PayloadSource, bool) {
        match payload {
            Payload::MadeUp { bytes } => {
                let body = self.made_up(app, *bytes, now);
                if *bytes <= REMEMBERED_BYTES {
                    let mut payload = Vec::new();
                    body.write(number, self.settings.seed, &mut payload);
                    self.remember(&payload, app, now);
                }
                (body, false)
            }
            Payload::Message(message) => {
                let invented = self.invent(number, app, now);
                let (payload, standing) = message.payload(&invented);
                if let Some((key, file)) = message.file(&invented) {
                    self.open_api.files.keep(key, file);
                }
                self.person_wrote(standing, message.group, app);
                let event_id = invented.event_id;
                (PayloadSource::Given { payload, event_id }, false)
            }
            Payload::CardClick(click) => {
                let invented = self.invent(number, app, now);
                let payload = click.payload(&invented);
                let clicked = NewClick {
                    app: &self.apps[app].id.clone(),
                    token: &format!("c-{}", invented.event_id),
                    message_id: click.card_id(&invented),
                    chat: &click.chat,
                    person: &click.person,
                    value: &click.value,
                };
                let api_now = self.open_api.now(now);
                self.card_clicked(&clicked, api_now);
                let event_id = invented.event_id;
                (PayloadSource::Given { payload, event_id }, true)
            }
            Payload::Given(payload) => {
                if payload.len() <= REMEMBERED_BYTES {
                    self.remember(payload, app, now);
                }
                let facts = PayloadFacts::of(payload);
                let invented = || {
                    let (high, low) = event_words(number, self.settings.seed);
                    hex32(high, low)
                };
                let own = event_id.or(facts.event_id());
                let body = PayloadSource::Given {
                    event_id: own.map_or_else(invented, str::to_owned),
                    payload: payload.clone(),
                };
                (body, facts.is_callback())
            }
        }
    }

    pub(crate) fn invent(&self, number: u64, app: usize, now: Instant) -> Invented {
        let created_ms = self.wall_clock.unix_ms(now);
        let token = self
            .http
            .console(app)
            .map(|console| console.verification_token());
        let app = &self.apps[app].id;
        Invented::of(number, self.settings.seed, app, (created_ms, now), token)
    }

    /// The message of an event stands in its chat.
    fn remember(&mut self, payload: &[u8], app: usize, now: Instant) {
        if let Some((standing, is_group)) = standing_of(payload, now) {
            self.person_wrote(standing, is_group, app);
        }
    }

    /// A person's or another bot's message stands in its chat.
    fn person_wrote(&mut self, standing: StandingMessage, is_group: bool, app: usize) {
        let app = &self.apps[app].id;
        if let ChatAuthor::Person(person) = &standing.author
            && !is_group
        {
            let (person, chat) = (person.clone(), standing.chat.clone());
            self.open_api.directory.meets(app, &person, &chat);
        }
        let limit = self.settings.keep_records;
        self.open_api.messages.add(standing, limit);
    }

    pub(crate) fn next_number(&mut self) -> u64 {
        self.last_push += 1;
        self.last_push
    }

    pub(crate) fn track(&mut self, tracked: TrackedPush) {
        self.ledger.pushed += 1;
        self.pushes.add(tracked);
    }

    /// Begins the next attempt over a random live connection, or lets the push wait for one.
    pub(crate) fn push_out(&mut self, number: u64, now: Instant) {
        let Some(tracked) = self.pushes.get_mut(number) else {
            return;
        };
        let app = tracked.app;
        tracked.state = RecordState::Waiting;
        match self.choose(app) {
            Some(id) => self.deliver(number, id, now),
            None => self.apps[app].waiting.push_back(number),
        }
    }

    fn choose(&mut self, app: usize) -> Option<ConnectionId> {
        match self.apps[app].live.as_slice() {
            [] => None,
            [only] => Some(*only),
            live => Some(live[self.rng.random_range(0..live.len())]),
        }
    }

    /// Begins an attempt over this connection.
    pub(crate) fn deliver(&mut self, number: u64, id: ConnectionId, now: Instant) {
        let limit = self.settings.unsent_bytes;
        let (Some(tracked), Some(live)) =
            (self.pushes.get_mut(number), self.connections.get_mut(&id))
        else {
            return;
        };
        tracked.begin_attempt(id, now, self.wall_clock);
        live.attempts += 1;
        live.unanswered += 1;
        if live.takes_frames(limit) {
            let frame_style = Self::frame_style(&self.settings, &self.apps, live);
            tracked.write(&mut live.outbox, &frame_style, &mut self.rng);
            live.output_signal.notify();
        } else {
            self.ledger.unsent_frames += 1;
        }
        let delivery = tracked.delivery();
        self.count_attempt(delivery, now);
    }

    /// Begins an attempt whose frames the caller sends.
    fn begin(&mut self, number: u64, id: ConnectionId, now: Instant) -> Vec<Vec<u8>> {
        let (Some(tracked), Some(live)) =
            (self.pushes.get_mut(number), self.connections.get_mut(&id))
        else {
            return Vec::new();
        };
        tracked.begin_attempt(id, now, self.wall_clock);
        live.attempts += 1;
        live.unanswered += 1;
        let frame_style = Self::frame_style(&self.settings, &self.apps, live);
        let frames = tracked.frames(&frame_style, &mut self.rng);
        let delivery = tracked.delivery();
        self.count_attempt(delivery, now);
        frames
    }

    fn count_attempt(&mut self, delivery: AttemptId, now: Instant) {
        self.ledger.attempts += 1;
        if delivery.attempt > 1 {
            self.ledger.re_pushed += 1;
        }
        let at = now + self.settings.scaled(self.settings.ack_deadline);
        self.deadlines.await_answer(at, delivery);
    }

    /// Handles a data frame of a client, which should be the answer to an attempt.
    pub(crate) fn answer(&mut self, id: ConnectionId, answer: &FrameView, now: Instant) {
        let seed = self.settings.seed;
        let Some(delivery) = answer
            .message_id()
            .and_then(|text| attempt_of(text, seed))
            .filter(|delivery| delivery.push <= self.last_push)
        else {
            self.ledger.bad_acks.unknown_message_id += 1;
            return;
        };
        if delivery.push == UNTRACKED || delivery.push <= self.forgotten {
            return;
        }
        let Some(tracked) = self.pushes.get_mut(delivery.push) else {
            self.ledger.extra_acks += 1;
            return;
        };
        if tracked.attempt != delivery.attempt || tracked.state != RecordState::UnderWay {
            self.ledger.late_acks += 1;
            return;
        }
        let Some(live) = self
            .connections
            .get(&id)
            .filter(|_| tracked.connection == id)
        else {
            self.ledger.bad_acks.other_connection += 1;
            return;
        };
        let frame_style = Self::frame_style(&self.settings, &self.apps, live);
        if answer.service() != frame_style.service {
            self.ledger.bad_acks.wrong_service += 1;
            return;
        }
        if !tracked.echoed(answer, &frame_style) {
            self.ledger.bad_acks.header_not_echoed += 1;
            return;
        }
        let payload = answer.payload().unwrap_or_default();
        match AnswerPayload::parse(&payload) {
            Err(_) => self.ledger.bad_acks.not_an_answer += 1,
            Ok(AnswerPayload { code: 200, data }) => {
                self.latency
                    .record(now.saturating_duration_since(tracked.at));
                tracked.answer_data = data;
                tracked.acked_at = Some(now);
                self.ledger.acked += 1;
                self.show_click_answer(delivery.push, now);
                self.finish_attempt(delivery.push, AttemptOutcome::Acked);
                self.finish(delivery.push, RecordState::Acked);
            }
            Ok(AnswerPayload { code, .. }) => {
                self.ledger.nacked += 1;
                self.fail(delivery.push, AttemptOutcome::Nacked(code), now);
            }
        }
    }

    /// A click on a card was answered with this push's data.
    fn show_click_answer(&mut self, number: u64, now: Instant) {
        let Some(tracked) = self.pushes.get(number) else {
            return;
        };
        let shape = tracked.shape.as_ref();
        if shape.is_some_and(|push| matches!(push.payload, Payload::CardClick(_))) {
            let token = format!("c-{}", tracked.event_id(self.settings.seed));
            let data = tracked.answer_data.clone();
            let now = self.open_api.now(now);
            self.click_answered(&token, data.as_deref(), now);
        }
    }

    /// Fails an attempt that was not answered in time.
    pub(crate) fn time_out(&mut self, delivery: AttemptId, now: Instant) {
        let awaited = self.pushes.get(delivery.push).filter(|tracked| {
            tracked.attempt == delivery.attempt && tracked.state == RecordState::UnderWay
        });
        if awaited.is_some() {
            self.ledger.timed_out += 1;
            self.fail(delivery.push, AttemptOutcome::TimedOut, now);
        }
    }

    /// Removes the deadlines of answers that came, so that a fast client costs no memory.
    pub(crate) fn trim_deadlines(&mut self) {
        let pushes = &self.pushes;
        self.deadlines.trim(|delivery| {
            pushes.get(delivery.push).is_some_and(|tracked| {
                tracked.attempt == delivery.attempt && tracked.state == RecordState::UnderWay
            })
        });
    }

    fn fail(&mut self, number: u64, outcome: AttemptOutcome, now: Instant) {
        self.finish_attempt(number, outcome);
        let Some(tracked) = self.pushes.get_mut(number) else {
            return;
        };
        let rung = usize::from(tracked.attempt) - 1;
        let connection = tracked.connection;
        match self.settings.ladder.get(rung).filter(|_| tracked.repeats) {
            Some(wait) => {
                tracked.state = RecordState::Failed;
                let at = now + self.settings.scaled(*wait);
                self.deadlines.repeat(at, number);
                self.wake_clock();
            }
            None => {
                self.ledger.lost += 1;
                self.finish(number, RecordState::Lost);
            }
        }
        self.fill_window(connection, now);
    }

    /// Ends the current attempt with this outcome and counts its connection's unanswered attempts down.
    fn finish_attempt(&mut self, number: u64, outcome: AttemptOutcome) {
        let Some(tracked) = self.pushes.get_mut(number) else {
            return;
        };
        tracked.outcome = outcome;
        let looped = std::mem::take(&mut tracked.looped);
        if let Some(live) = self.connections.get_mut(&tracked.connection) {
            live.unanswered = live.unanswered.saturating_sub(1);
            live.loop_open = live.loop_open.saturating_sub(u32::from(looped));
        }
    }

    fn finish(&mut self, number: u64, state: RecordState) {
        let Some(mut tracked) = self.pushes.remove(number) else {
            return;
        };
        tracked.state = state;
        if self.settings.keep_records == 0 {
            return;
        }
        if self.finished.len() >= self.settings.keep_records {
            self.finished.pop_front();
        }
        self.finished.push_back(tracked);
    }

    pub(crate) fn record(&self, push: PushId) -> Option<PushRecord> {
        let finished = || {
            self.finished
                .iter()
                .find(|tracked| tracked.number == push.0)
        };
        let tracked = self.pushes.get(push.0).or_else(finished)?;
        Some(self.record_of(tracked))
    }

    /// Records in the order of the pushes.
    pub(crate) fn records(&self, app: Option<&str>) -> Vec<PushRecord> {
        let wanted =
            |tracked: &&TrackedPush| app.is_none_or(|app| self.apps[tracked.app].id == app);
        let mut all: Vec<_> = self
            .finished
            .iter()
            .chain(self.pushes.iter())
            .filter(wanted)
            .map(|tracked| self.record_of(tracked))
            .collect();
        all.sort_by_key(|record| record.push);
        all
    }

    fn record_of(&self, tracked: &TrackedPush) -> PushRecord {
        tracked.record(
            &self.apps[tracked.app].id,
            self.settings.seed,
            self.wall_clock,
        )
    }

    pub(crate) fn acked_event_ids(&self) -> Vec<String> {
        self.finished
            .iter()
            .filter(|tracked| tracked.state == RecordState::Acked)
            .map(|tracked| tracked.event_id(self.settings.seed))
            .collect()
    }
}
