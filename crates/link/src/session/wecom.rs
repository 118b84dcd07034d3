//! What WeCom says over a connection, and what it wants to hear: a subscription, pings and requests as JSON, each
//! answered under its own `req_id`; callbacks, which nobody answers.
//!
//! ```text
//! Open ──told to finish, lost or abandoned──▶ Ending ──all is recorded──▶ Over
//! ```
//! The platform forgets an event once it is written to us, so it stays here until the store has it.

mod ending;
mod messages;
mod recorded;
mod requests;

use std::time::{Duration, Instant};

use bytes::Bytes;
use longwire_wire::event::{DurableProof, NewEvent};
use secrecy::SecretString;

use self::ending::{Ending, Why};
use self::recorded::Refused;
use self::requests::Waiter;
use super::action::{Action, ConnectionLoss, Counts, EventGroup, SessionView};
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
            seed,
        } = settings;
        // With one group at the store at a time, as many events are read meanwhile. With one window for both, each group
        // would be half as large, and a commit costs the same.
        let window = Window::new(2 * window_events, window_bytes, UNHURRIED);
        Self {
            generation,
            bot_id,
            secret,
            phase: Phase::Open,
            transport: Transport::new(Outbox::new(timing.write, seed)),
            recording: Recording::new(window, Flight::One),
            refused: Refused::OfferedAgain,
            window_bytes,
            retained_bytes: 0,
            is_subscribed: false,
            requests: Requests::new(RequestLimits::from(timing)),
            ids: Jitter::new(!seed),
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
    fn decode(&mut self, around: Surroundings) {
        let (has_room, now) = (around.writer_has_room, around.now);
        self.recording.look_at_writer(has_room, now);
        match self.phase {
            Phase::Open => self.decode_open(around),
            Phase::Ending(_) => self.decode_ending(around),
            Phase::Over => {}
        }
    }

    fn decode_open(&mut self, around: Surroundings) {
        while self.may_read() {
            match self.transport.next(around) {
                Next::Message(content) => {
                    if let Err(end) = self.take_message(content, around) {
                        return self.lose(end, 1000, around);
                    }
                }
                Next::Hungry => break,
                Next::End(end) => {
                    if let Some((kind, size_bytes)) = end.malformed() {
                        self.transport.malformed(kind, size_bytes);
                    }
                    return self.lose(end.into(), end.close_code(), around);
                }
            }
        }
        if self.unparsed.is_none() {
            self.transport.note_reading(self.may_read(), around);
        }
    }

    /// The connection is lost. What it brought is recorded.
    fn lose(&mut self, end: ConnectionLoss, close_code: u16, around: Surroundings) {
        self.transport.outbox.close(close_code);
        self.transport.act(Action::Lost(end));
        self.end_requests();
        self.begin_ending(Why::Lost, around);
    }

    fn close(&mut self, mode: CloseMode, around: Surroundings) {
        match (&self.phase, mode) {
            (Phase::Open, CloseMode::Finish { within }) => {
                self.begin_ending(Why::Told(within), around);
            }
            (Phase::Open, CloseMode::Abandon | CloseMode::ParentGone) => {
                self.end_requests();
                self.begin_ending(Why::Lost, around);
            }
            (Phase::Ending(_) | Phase::Over, _) => {}
        }
    }

    fn write_failed(&mut self, detail: String, around: Surroundings) {
        if matches!(self.phase, Phase::Open) {
            let setback = Setback::WriteFailed;
            self.lose(ConnectionLoss { setback, detail }, 1000, around);
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
        self.decode(around);
    }

    fn input_ended(&mut self, detail: String, around: Surroundings) {
        match &self.phase {
            Phase::Open => {
                let setback = Setback::Reset;
                self.lose(ConnectionLoss { setback, detail }, 1000, around);
            }
            Phase::Ending(_) => self.ending_read_all(around),
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
        let now = around.now;
        self.retained_bytes = around.retained_bytes;
        match input {
            Input::Opened(early) => {
                self.transport.feed(early);
                self.subscribe(now);
                self.decode(around);
            }
            Input::Bytes(chunk) => self.bytes(chunk, around),
            Input::Empty => self.ending_found_empty(around),
            Input::InputEnded(detail) => self.input_ended(detail, around),
            Input::WriteFailed(detail) => self.write_failed(detail, around),
            Input::Recorded(proofs) => self.recorded(proofs, now),
            Input::NotRecorded(tickets, why) => self.not_recorded(&tickets, why, now),
            Input::Submitted(submitted) => self.submitted(submitted, now),
            Input::HasPredecessors => self.recording.wait_for_predecessors(),
            Input::MayRecord => self.recording.may_record(),
            Input::SendPing => self.send_ping(now),
            Input::PingerAttached => self.transport.forget_pause(),
            Input::Request(request) => self.request(request, now),
            Input::Unparsed(unparsed) => self.unparsed_decided(unparsed, around),
            Input::Retained(is_retained) => self.retained(is_retained),
            Input::Close(mode) => self.close(mode, around),
            // WeCom splits nothing.
            Input::AssemblerAttached | Input::AssemblerEmpty(_) | Input::Assembled(_) => {}
        }
    }

    fn handle_timeout(&mut self, around: Surroundings) {
        self.retained_bytes = around.retained_bytes;
        if self.transport.outbox.is_stuck(around.now) {
            self.write_failed(STUCK.to_owned(), around);
        }
        if let Err(end) = self.tend_requests(around.now)
            && matches!(self.phase, Phase::Open)
        {
            self.lose(end, 1000, around);
        }
        if let Phase::Ending(ending) = &mut self.phase {
            ending.handle_timeout(around.now);
        }
        self.decode(around);
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
        let due = [written, requests, phase, self.recording.poll_offer()];
        due.into_iter().flatten().min()
    }

    fn poll_group(&mut self) -> Option<EventGroup> {
        self.recording.next_group()
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
            Phase::Open if self.may_read() => READ_BYTES,
            Phase::Ending(ending) => ending.wants_bytes(self.has_room()),
            Phase::Open | Phase::Over => 0,
        }
    }

    fn unanswered(&self) -> usize {
        self.recording.len()
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
