//! What WeCom says over a connection, and what it wants to hear: a subscription, pings and requests as JSON, each
//! answered under its own `req_id`; callbacks, which nobody answers.
//!
//! ```text
//! Open ──told to finish, lost or abandoned──▶ Ending ──all is recorded──▶ Over
//! ```
//! The platform forgets an event once it is written to us, so it stays here until the store has it.

mod cards;
mod ending;
mod messages;
mod recorded;
mod requests;

use std::time::{Duration, Instant};

use bytes::Bytes;
use longwire_wire::event::{DurableProof, NewEvent};
use secrecy::SecretString;

use self::cards::Answerable;
use self::ending::{Ending, Why};
use self::recorded::Refused;
use self::requests::Waiter;
use super::action::{Action, ConnectionLoss, Counts, EventGroup, SessionView};
use super::cards::AwaitedCards;
use super::input::{CloseMode, Input, Surroundings};
use super::outbox::Outbox;
use super::recording::Recording;
use super::transport::{Next, READ_BYTES, STUCK, Transport};
use super::{Session, SessionSettings};
use crate::generation::Generation;
use crate::jitter::Jitter;
use crate::requests::{RequestLimits, Requests};
use crate::setback::Setback;
use crate::unrecorded::Flight;
use crate::window::Window;

/// An event that nobody waits for an answer to waits as long as it takes.
const UNHURRIED: Duration = Duration::from_secs(100 * 365 * 24 * 60 * 60);

/// A connection of WeCom.
pub struct Wecom<A> {
    generation: Generation,
    bot_id: String,
    secret: SecretString,
    phase: Phase,
    transport: Transport<A>,
    /// Of each event a copy is kept, to be offered until it is recorded.
    recording: Recording<Box<NewEvent>>,
    refused: Refused,
    window_bytes: usize,
    /// What ended connections of the bot hold, as it was said last.
    retained_bytes: usize,
    is_subscribed: bool,
    requests: Requests<Waiter<A>>,
    ids: Jitter,
    /// What the application is being asked about.
    cards: AwaitedCards<Answerable>,
    /// A frame that nobody can read, until it is said whether it is kept.
    unparsed: Option<Bytes>,
}

enum Phase {
    Open,
    /// Over for everybody else. What it brought and still brings is recorded, since nobody repeats it.
    Ending(Box<Ending>),
    Over,
}

impl<A> Wecom<A> {
    /// A connection whose upgrade is not done yet.
    #[must_use]
    pub fn new(
        generation: Generation,
        bot_id: String,
        secret: SecretString,
        settings: SessionSettings<'_>,
    ) -> Self {
        let SessionSettings {
            timing,
            window_events,
            window_bytes,
            cards: _,
            mask_seed,
            id_seed,
        } = settings;
        // With one group at the store at a time, as many events are read meanwhile. With one window for both, each group
        // would be half as large, and a commit costs the same.
        let window = Window::new(2 * window_events, window_bytes, UNHURRIED);
        Self {
            generation,
            bot_id,
            secret,
            phase: Phase::Open,
            transport: Transport::new(Outbox::new(timing.write, mask_seed)),
            recording: Recording::new(window, Flight::One),
            refused: Refused::OfferedAgain,
            window_bytes,
            retained_bytes: 0,
            is_subscribed: false,
            requests: Requests::new(RequestLimits::from(timing)),
            ids: Jitter::new(id_seed),
            cards: AwaitedCards::default(),
            unparsed: None,
        }
    }

    /// Whether there is room for another event.
    fn has_room(&self) -> bool {
        self.recording.has_room() && self.unparsed.is_none() && !self.is_held_back()
    }

    /// Whether what this bot's ended connections hold leaves no room for more events of this one. What a connection waits
    /// for never depends on a younger one.
    fn is_held_back(&self) -> bool {
        // The oldest is read in any case: what is held then belongs to younger ones, and they wait for it. So is one that is
        // not subscribed yet, or it would never be connected.
        if !self.recording.has_predecessors() || !self.is_subscribed {
            return false;
        }
        self.retained_bytes > 0
            && self.retained_bytes + self.recording.bytes_held() > self.window_bytes
    }

    fn may_read(&self) -> bool {
        !self.transport.outbox.is_full() && self.has_room()
    }

    /// Decodes what was read, as far as there is room.
    fn decode_input(&mut self, around: Surroundings) {
        match &self.phase {
            Phase::Open => self.decode_open(around),
            Phase::Ending(ending) if ending.is_keeping() => {}
            Phase::Ending(_) => self.decode_ending(around),
            Phase::Over => {}
        }
    }

    fn decode_open(&mut self, around: Surroundings) {
        let Surroundings {
            now,
            writer_has_room,
            ..
        } = around;
        self.recording.look_at_writer(writer_has_room, now);
        while self.may_read() {
            match self.transport.next(around) {
                Next::Message(content) => {
                    if let Err(end) = self.take_message(content, around) {
                        return self.lose(end, 1000, now);
                    }
                }
                Next::Hungry => break,
                Next::End(end) => {
                    if let Some((kind, size_bytes)) = end.malformed() {
                        self.transport.malformed(kind, size_bytes);
                    }
                    return self.lose(end.into(), end.close_code(), now);
                }
            }
        }
        if self.unparsed.is_none() {
            self.transport.note_reading(self.may_read(), around);
        }
    }

    /// The connection is lost. What it brought is recorded.
    fn lose(&mut self, end: ConnectionLoss, close_code: u16, now: Instant) {
        self.transport.outbox.close(close_code);
        self.transport.act(Action::Lost(end));
        self.end_requests();
        self.begin_ending(Why::Lost, now);
    }

    fn close(&mut self, mode: CloseMode, now: Instant) {
        match (&self.phase, mode) {
            (Phase::Open, CloseMode::Finish { within }) => {
                self.begin_ending(Why::Told(within), now);
            }
            (Phase::Open, CloseMode::Abandon | CloseMode::ParentGone) => {
                self.end_requests();
                self.begin_ending(Why::Lost, now);
            }
            (Phase::Ending(_) | Phase::Over, _) => {}
        }
    }

    fn write_failed(&mut self, detail: String, now: Instant) {
        if matches!(self.phase, Phase::Open) {
            let setback = Setback::WriteFailed;
            self.lose(ConnectionLoss { setback, detail }, 1000, now);
        }
        // What is left was perhaps said before the other side stopped listening.
        self.transport.outbox.give_up();
    }

    fn bytes(&mut self, chunk: Bytes, around: Surroundings) {
        match &mut self.phase {
            Phase::Open => self.transport.heard(),
            Phase::Ending(ending) => ending.handle_read(around.now),
            Phase::Over => return,
        }
        self.transport.feed(chunk);
        self.decode_input(around);
    }

    fn input_ended(&mut self, detail: String, now: Instant) {
        match &self.phase {
            Phase::Open => {
                let setback = Setback::Reset;
                self.lose(ConnectionLoss { setback, detail }, 1000, now);
            }
            Phase::Ending(_) => self.ending_read_all(),
            Phase::Over => {}
        }
    }

    /// Everything that had come was read.
    fn found_empty(&mut self, around: Surroundings) {
        debug_assert!(
            self.transport.is_hungry(),
            "something is read and not decoded"
        );
        match &self.phase {
            Phase::Open => self.transport.note_reading(self.may_read(), around),
            Phase::Ending(_) => self.ending_found_empty(around.now),
            Phase::Over => {}
        }
    }

    fn finish(&mut self) {
        self.phase = Phase::Over;
        let unanswered = self.recording.len();
        self.transport.act(Action::Finished(unanswered));
    }
}

impl<P: DurableProof, A> Session<P, A> for Wecom<A> {
    fn handle(&mut self, input: Input<P, A>, around: Surroundings) {
        debug_assert!(!matches!(self.phase, Phase::Over), "an input after the end");
        let now = around.now;
        self.retained_bytes = around.retained_bytes;
        match input {
            Input::Opened(early) => {
                self.transport.feed(early);
                self.subscribe(now);
            }
            Input::Bytes(chunk) => self.bytes(chunk, around),
            Input::Empty => self.found_empty(around),
            Input::InputEnded(detail) => self.input_ended(detail, now),
            Input::WriteFailed(detail) => self.write_failed(detail, now),
            Input::Recorded(proofs) => self.recorded(proofs, around),
            Input::CardAnswered(ticket, result) => self.card_answered(ticket, &result, now),
            Input::NotRecorded(tickets, why) => self.not_recorded(&tickets, why, now),
            Input::Submitted(submitted) => self.submitted(submitted, now),
            Input::HasPredecessors => self.recording.wait_for_predecessors(),
            Input::MayRecord => self.recording.may_record(),
            Input::SendPing => self.send_ping(now),
            Input::PingerAttached => self.transport.forget_pause(),
            Input::Request(request) => self.request(request, now),
            Input::Unparsed(unparsed) => self.unparsed_decided(unparsed, around),
            Input::Retained(is_retained) => self.retained(is_retained),
            Input::Close(mode) => self.close(mode, now),
            // WeCom splits nothing.
            Input::AssemblerAttached | Input::AssemblerEmpty(_) | Input::Assembled(_) => {}
        }
    }

    fn handle_timeout(&mut self, around: Surroundings) {
        debug_assert!(!matches!(self.phase, Phase::Over), "a turn after the end");
        let Surroundings {
            now,
            writer_has_room,
            ..
        } = around;
        if let Phase::Ending(ending) = &mut self.phase {
            ending.begin_turn();
        }
        if self.transport.outbox.is_stuck(now) {
            self.write_failed(STUCK.to_owned(), now);
        }
        if let Err(end) = self.tend_requests(now)
            && matches!(self.phase, Phase::Open)
        {
            self.lose(end, 1000, now);
        }
        self.end_late_cards(now);
        self.recording.handle_timeout(writer_has_room, now);
    }

    fn decode(&mut self, around: Surroundings) {
        self.retained_bytes = around.retained_bytes;
        self.decode_input(around);
    }

    fn poll_timeout(&self, _: Instant) -> Option<Instant> {
        let written = self.transport.outbox.poll_timeout();
        let requests = self.requests.poll_timeout();
        let phase = match &self.phase {
            // Whether it is read then is known with the answer.
            Phase::Open if self.unparsed.is_some() => None,
            Phase::Open => self.transport.pause().poll_timeout(),
            Phase::Ending(ending) => ending.poll_timeout(),
            Phase::Over => return None,
        };
        let cards = self.cards.poll_timeout();
        let due = [written, requests, cards, phase, self.recording.poll_offer()];
        due.into_iter().flatten().min()
    }

    fn poll_group(&mut self, now: Instant) -> Option<EventGroup> {
        self.recording.next_group(now)
    }

    fn poll_action(&mut self) -> Option<Action<A>> {
        self.transport.poll_action()
    }

    fn take_counts(&mut self) -> Counts {
        std::mem::take(&mut self.transport.counts)
    }

    fn outbox(&mut self) -> &mut Outbox {
        &mut self.transport.outbox
    }

    fn wants_bytes(&self) -> usize {
        match &self.phase {
            Phase::Open if self.may_read() && self.transport.is_hungry() => READ_BYTES,
            Phase::Ending(ending) if self.transport.is_hungry() => ending.wants_bytes(),
            Phase::Open | Phase::Ending(_) | Phase::Over => 0,
        }
    }

    fn wants_turn(&self) -> bool {
        match &self.phase {
            Phase::Open => self.may_read() && !self.transport.is_hungry(),
            Phase::Ending(ending) => ending.wants_turn(self.has_room()),
            Phase::Over => false,
        }
    }

    fn unanswered(&self) -> usize {
        self.recording.len()
    }

    fn unsubmitted(&self) -> usize {
        self.recording.waiting()
    }

    fn unfinished_bytes(&self) -> usize {
        self.transport.unfinished_bytes()
    }

    fn repeats_nothing(&self) -> bool {
        true
    }

    fn view(&self) -> SessionView {
        SessionView {
            phase: match &self.phase {
                Phase::Open => "open",
                Phase::Ending(ending) if ending.is_keeping() => "keeping",
                Phase::Ending(_) => "ending",
                Phase::Over => "over",
            },
            unanswered: self.recording.len(),
            awaiting_application: self.cards.len(),
            unanswered_bytes: self.recording.bytes_held(),
            unread_bytes: self.transport.held_bytes(),
            unsent_bytes: self.transport.outbox.len(),
            waiting_for_the_writer: self.recording.waiting(),
            waiting_for_predecessors: self.recording.has_predecessors(),
            reading: self.may_read(),
            shedding: false,
        }
    }
}
