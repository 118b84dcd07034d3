//! What Feishu and Lark say over a connection, and what they want to hear: every event is answered, with 200 from a proof or
//! with 500 for a repeat later.
//!
//! ```text
//! Open ──told to finish──▶ Finishing ──all is answered──▶ Leaving ──the other side hangs up──▶ Over
//!   └──────lost, abandoned, or time is up──────────────────────────────────────────────────────▶┘
//! ```
//! A connection that finishes is not read any more: what it has not answered is pushed again.

mod answers;
mod cards;
mod fragments;
mod push;

use std::sync::Arc;
use std::time::{Duration, Instant};

use bytes::Bytes;
use longwire_wire::event::DurableProof;
use longwire_wire::frame::{Frame, ServiceId};

use self::answers::Unanswered;
use self::cards::Cards;
use self::fragments::FragmentRouting;
use super::action::{Action, ConnectionLoss, Counts, EventGroup, RequestRefusal, SessionView};
use super::input::{CloseMode, Input, Surroundings, Whole};
use super::outbox::Outbox;
use super::recording::Recording;
use super::transport::{Next, READ_BYTES, Transport};
use super::{Session, SessionSettings};
use crate::backlog::Backlog;
use crate::setback::Setback;
use crate::unrecorded::Flight;
use crate::window::Window;

/// How long the platform has to hang up after our close frame. One that is in order needs a round trip.
const LEAVING: Duration = Duration::from_secs(1);

/// How long a connection whose owner is gone may go on answering what it read.
const ORPHANED: Duration = Duration::from_secs(3);

/// A connection of Feishu or Lark.
pub struct Feishu<A> {
    /// Every ping names it.
    service: ServiceId,
    phase: Phase,
    transport: Transport<A>,
    recording: Recording<Unanswered>,
    fragments: FragmentRouting,
    backlog: Backlog,
    /// Boxed, to keep an idle session small. `None` where nobody is ever asked.
    cards: Option<Box<Cards>>,
}

#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Phase {
    Open,
    /// Nothing more is read; answers are owed.
    Finishing {
        until: Instant,
    },
    /// The close frame is written. What still comes is read and ignored: were the socket closed with input unread, the
    /// kernel would send a reset, and that takes with it the answers the platform has not read yet.
    Leaving {
        until: Instant,
    },
    Over,
}

impl<A> Feishu<A> {
    /// A connection whose upgrade is not done yet.
    #[must_use]
    pub fn new(service: ServiceId, settings: SessionSettings<'_>) -> Self {
        let SessionSettings {
            timing,
            window_events,
            window_bytes,
            cards,
            mask_seed,
            id_seed: _,
        } = settings;
        let window = Window::new(window_events, window_bytes, timing.answer_budget);
        Self {
            service,
            phase: Phase::Open,
            transport: Transport::new(Outbox::new(timing.write, mask_seed)),
            recording: Recording::new(window, Flight::Many),
            fragments: FragmentRouting::default(),
            backlog: Backlog::default(),
            cards: cards.map(|settings| Box::new(Cards::new(Arc::clone(settings)))),
        }
    }

    /// Whether more input may be taken: there is room for its events or they are refused, and for their answers; and no
    /// fragment waits for its assembler.
    fn may_read(&self) -> bool {
        !self.transport.outbox.is_full()
            && !self.fragments.is_waiting()
            && (self.recording.has_room() || self.backlog.is_shedding())
    }

    /// Decodes what was read, as far as there is room.
    fn decode_input(&mut self, around: Surroundings) {
        let Surroundings {
            now,
            writer_has_room,
            ..
        } = around;
        self.recording.look_at_writer(writer_has_room, now);
        loop {
            if !self.may_read() {
                // A platform that takes no answers is not to be sent more of them.
                if self.transport.outbox.is_full() {
                    self.backlog.handle_unread();
                } else {
                    self.backlog.handle_held_back(now);
                }
                break;
            }
            match self.transport.next(around) {
                Next::Message(content) => self.take_message(content, around),
                Next::Hungry => break,
                Next::End(end) => {
                    if let Some((kind, size_bytes)) = end.malformed() {
                        self.transport.malformed(kind, size_bytes);
                    }
                    self.transport.outbox.close(end.close_code());
                    return self.lose(end.into());
                }
            }
        }
        self.transport.note_reading(self.may_read(), around);
    }

    /// The connection is lost. What the store has becomes durable all the same, and a repeat finds it.
    fn lose(&mut self, end: ConnectionLoss) {
        self.transport.act(Action::Lost(end));
        self.finish();
    }

    /// For events that wait for the application nothing is owed any more: they are recorded, and nobody hears an answer.
    fn finish(&mut self) {
        self.phase = Phase::Over;
        let unanswered = self.recording.len();
        self.transport.act(Action::Finished(unanswered));
    }

    fn close(&mut self, mode: CloseMode, now: Instant) {
        match (self.phase, mode) {
            (Phase::Open, CloseMode::Finish { within }) => {
                let until = now + within;
                self.phase = Phase::Finishing { until };
            }
            (Phase::Open, CloseMode::ParentGone) => {
                let until = now + ORPHANED;
                self.phase = Phase::Finishing { until };
            }
            (Phase::Open | Phase::Finishing { .. } | Phase::Leaving { .. }, CloseMode::Abandon) => {
                self.transport.outbox.give_up();
                self.finish();
            }
            (Phase::Finishing { .. } | Phase::Leaving { .. } | Phase::Over, _) => {}
        }
    }

    /// Nobody hears what is written any more.
    fn write_failed(&mut self, detail: String) {
        self.transport.outbox.give_up();
        match self.phase {
            Phase::Open => self.lose(ConnectionLoss {
                setback: Setback::WriteFailed,
                detail,
            }),
            Phase::Finishing { .. } | Phase::Leaving { .. } => self.finish(),
            Phase::Over => {}
        }
    }

    fn input_ended(&mut self, detail: String) {
        match self.phase {
            Phase::Open => {
                self.transport.outbox.give_up();
                self.lose(ConnectionLoss {
                    setback: Setback::Reset,
                    detail,
                });
            }
            Phase::Leaving { .. } => self.finish(),
            Phase::Finishing { .. } | Phase::Over => {}
        }
    }

    fn bytes(&mut self, chunk: Bytes, around: Surroundings) {
        match self.phase {
            Phase::Open => {
                self.transport.heard();
                self.transport.feed(chunk);
                self.decode_input(around);
            }
            Phase::Finishing { .. } | Phase::Leaving { .. } | Phase::Over => {}
        }
    }

    fn send_ping(&mut self) {
        if self.phase == Phase::Open {
            self.transport.asks();
            self.transport.outbox.frame(&Frame::ping(self.service));
        }
    }

    fn assembled(&mut self, whole: Whole, around: Surroundings) {
        match self.phase {
            Phase::Open | Phase::Finishing { .. } => self.take_whole(whole, around),
            // Behind the close frame nobody hears an answer; the platform pushes it again on the next connection.
            Phase::Leaving { .. } | Phase::Over => {}
        }
    }

    fn refuse_request(&mut self, asker: A) {
        let refused = Err(RequestRefusal::NoRequests);
        self.transport.act(Action::Answer(asker, refused));
    }
}

impl<P: DurableProof, A> Session<P, A> for Feishu<A> {
    fn handle(&mut self, input: Input<P, A>, around: Surroundings) {
        // What was read before the end is handed over before [`Action::Finished`] is carried out.
        let is_submitted = matches!(input, Input::Submitted(_));
        debug_assert!(
            self.phase != Phase::Over || is_submitted,
            "an input after the end"
        );
        let now = around.now;
        match input {
            Input::Opened(early) => {
                self.transport.act(Action::Opened);
                // An event may have come in the same packet as the 101. The first turn decodes it.
                self.transport.feed(early);
            }
            Input::Bytes(chunk) => self.bytes(chunk, around),
            Input::Empty => {
                if self.phase == Phase::Open {
                    debug_assert!(
                        self.transport.is_hungry(),
                        "something is read and not decoded"
                    );
                    self.backlog.handle_empty(now);
                    self.transport.note_reading(self.may_read(), around);
                }
            }
            Input::InputEnded(detail) => self.input_ended(detail),
            Input::WriteFailed(detail) => self.write_failed(detail),
            Input::Recorded(proofs) => self.recorded(proofs, around),
            Input::CardAnswered(ticket, result) => self.card_answered(ticket, &result, now),
            // Whatever the reason, the platform repeats them.
            Input::NotRecorded(tickets, _) => self.not_recorded(&tickets, now),
            Input::Submitted(submitted) => self.recording.handle_submitted(submitted, now),
            Input::SendPing => self.send_ping(),
            Input::PingerAttached => self.transport.forget_pause(),
            Input::AssemblerAttached => {
                if let Some(fragment) = self.fragments.handle_attached() {
                    self.join(fragment);
                }
            }
            Input::AssemblerEmpty(came) => {
                if self.fragments.handle_empty(came) {
                    self.transport.act(Action::AssemblerIdle);
                }
            }
            Input::Assembled(whole) => self.assembled(whole, around),
            Input::Request(request) => self.refuse_request(request.asker),
            Input::Close(mode) => self.close(mode, now),
            // The platform decides in which order its repeats come; and what cannot be read is an event like others.
            Input::HasPredecessors | Input::MayRecord | Input::Unparsed(_) | Input::Retained(_) => {
            }
        }
    }

    fn handle_timeout(&mut self, around: Surroundings) {
        let now = around.now;
        if self.transport.outbox.is_stuck(now) {
            return self.write_failed(super::transport::STUCK.to_owned());
        }
        match self.phase {
            Phase::Open => {
                self.refuse_late(now);
                self.end_late_cards(now);
                self.backlog.handle_timeout(now);
                self.recording.handle_timeout(around.writer_has_room, now);
            }
            Phase::Finishing { until } => {
                self.refuse_late(now);
                if until <= now {
                    self.end_all_cards(now);
                } else {
                    self.end_late_cards(now);
                }
                self.recording.handle_timeout(around.writer_has_room, now);
                if self.recording.is_empty() && self.transport.outbox.is_empty() {
                    self.transport.outbox.close(1000);
                    let until = until.min(now + LEAVING);
                    self.phase = Phase::Leaving { until };
                } else if until <= now {
                    self.transport.outbox.close(1000);
                }
                if until <= now {
                    self.finish();
                }
            }
            Phase::Leaving { until } if until <= now => self.finish(),
            Phase::Leaving { .. } => {}
            Phase::Over => debug_assert!(false, "a turn after the end"),
        }
    }

    fn decode(&mut self, around: Surroundings) {
        if self.phase == Phase::Open {
            self.decode_input(around);
        }
    }

    fn poll_timeout(&self, now: Instant) -> Option<Instant> {
        let written = self.transport.outbox.poll_timeout();
        let expiry = self.recording.poll_expiry();
        let offer = self.recording.poll_offer();
        let cards = self.poll_cards();
        let due = match self.phase {
            Phase::Open => [
                written,
                expiry,
                offer,
                cards,
                self.transport.pause().poll_timeout(),
                self.backlog.poll_timeout(now),
            ],
            Phase::Finishing { until } => [written, expiry, offer, cards, Some(until), None],
            // Nothing is answered any more.
            Phase::Leaving { until } => [written, Some(until), None, None, None, None],
            Phase::Over => [None; 6],
        };
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
        match self.phase {
            Phase::Open if self.may_read() && self.transport.is_hungry() => READ_BYTES,
            Phase::Leaving { .. } => READ_BYTES,
            Phase::Open | Phase::Finishing { .. } | Phase::Over => 0,
        }
    }

    fn wants_turn(&self) -> bool {
        match self.phase {
            Phase::Open => self.may_read() && !self.transport.is_hungry(),
            Phase::Finishing { .. } => {
                self.recording.is_empty() && self.transport.outbox.is_empty()
            }
            Phase::Leaving { .. } | Phase::Over => false,
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
        false
    }

    fn view(&self) -> SessionView {
        SessionView {
            phase: match self.phase {
                Phase::Open => "open",
                Phase::Finishing { .. } => "finishing",
                Phase::Leaving { .. } => "leaving",
                Phase::Over => "over",
            },
            unanswered: self.recording.len(),
            awaiting_application: self.cards_awaited(),
            unanswered_bytes: self.recording.bytes_held(),
            unread_bytes: self.transport.held_bytes(),
            unsent_bytes: self.transport.outbox.len(),
            waiting_for_the_writer: self.recording.waiting(),
            waiting_for_predecessors: self.recording.has_predecessors(),
            reading: self.may_read(),
            shedding: self.backlog.is_shedding(),
        }
    }
}
