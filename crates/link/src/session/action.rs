//! What a session says is to be done.

use std::time::Duration;

use bytes::Bytes;
use bytestring::ByteString;
use longwire_wire::answer::Echo;
use longwire_wire::endpoint::ClientConfig;
use longwire_wire::event::NewEvent;
use longwire_wire::identity::Tier;
use longwire_wire::wecom::Ack;

use super::cards::{CardEvent, CardTicket};
use crate::setback::Setback;

/// What is to be done, beside recording and writing.
#[derive(Debug)]
pub enum Action<A> {
    /// The connection serves the bot.
    Opened,
    /// Bytes came after a ping: tell the pinger.
    Heard,
    /// The platform answered a ping, with new settings if it sent any.
    Pong(Option<ClientConfig>),
    /// Nothing has been read for a while: silence proves nothing.
    ReadingPaused,
    /// Reading goes on after that.
    ReadingResumed,
    /// Start an assembler. Nothing is read before [`Input::AssemblerAttached`](super::Input::AssemblerAttached).
    AssemblerWanted,
    /// Let the assembler go.
    AssemblerIdle,
    /// Give this to the assembler.
    Join(Fragment),
    /// A joined push of this id was answered 500: tell the assembler.
    JoinedRefused(ByteString),
    /// Ask the application what the platform is to be answered. What it says, or that nobody says anything, comes back as
    /// [`Input::CardAnswered`](super::Input::CardAnswered).
    AskApplication {
        /// Which question this is.
        ticket: CardTicket,
        /// Whether the event was recorded before. Over this connection nobody is asked about it right now, over another
        /// one somebody may be.
        is_repeat: bool,
        /// What happened.
        event: Box<CardEvent>,
    },
    /// Count what became of a card event.
    CardSettled(CardOutcome),
    /// Tell whoever asked.
    Answer(A, Result<Ack, RequestRefusal>),
    /// A frame of so many bytes that nobody can read and nobody sends again: is it kept? Nothing more is decoded before
    /// [`Input::Unparsed`](super::Input::Unparsed).
    UnparsedFrame(usize),
    /// So many bytes wait for the store after the connection ended: may they be held?
    /// [`Input::Retained`](super::Input::Retained) answers.
    Retain(usize),
    /// Input that could not be understood.
    Malformed {
        /// In what way, a stable name.
        kind: &'static str,
        /// How much.
        size_bytes: usize,
        /// What an operator can do about it, if anything.
        next_step: Option<&'static str>,
    },
    /// The first frame of the hour that is dropped because too many could not be read.
    UnparsedDropped,
    /// So many events were read and are lost. They are no longer counted as unanswered.
    EventsLost(usize, LossReason),
    /// The connection ended, and not all was read that had come over it.
    LeftUnread,
    /// Close the socket. What was read is still being recorded.
    HangUp,
    /// The connection is lost.
    Lost(ConnectionLoss),
    /// All is done; so many events were not answered. The last bytes may be written once, and the socket is closed.
    Finished(usize),
}

/// Why a connection is lost.
#[derive(Debug)]
pub struct ConnectionLoss {
    /// In the link's terms.
    pub setback: Setback,
    /// In words, where there are any.
    pub detail: String,
}

impl From<Setback> for ConnectionLoss {
    fn from(setback: Setback) -> Self {
        Self {
            setback,
            detail: String::new(),
        }
    }
}

/// The events of one or more reads, to be recorded in one transaction.
#[derive(Debug)]
pub struct EventGroup {
    /// In the order they came.
    pub events: Vec<NewEvent>,
    /// Whether the store has events of this connection already.
    pub has_more: bool,
}

/// A part of a split push. Its payload is a copy, so that it pins no read buffer.
#[derive(Debug)]
pub struct Fragment {
    /// The frame it came in, without the payload.
    pub echo: Echo,
    /// The id that all parts have.
    pub message_id: ByteString,
    /// How many parts there are.
    pub sum: u16,
    /// Which one it is.
    pub seq: u16,
    /// The platform's trace of the push.
    pub trace_id: Option<ByteString>,
    /// The part.
    pub payload: Bytes,
}

/// Why a request has no answer.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum RequestRefusal {
    /// The platform takes none over its long connection.
    NoRequests,
    /// The connection does not serve the bot, not yet or no more.
    NotConnected,
    /// The connection it was meant for is another one.
    OtherConnection,
    /// The command answers a callback, and none was named.
    NoReqId,
    /// Too many wait already.
    Full,
    /// An earlier frame under this id was not answered.
    SpentReqId,
    /// The platform says that the connection is not subscribed.
    NotSubscribed,
    /// The platform did not answer in time.
    TimedOut,
    /// The connection ended before it was sent.
    NotSent,
    /// The connection ended before the answer came.
    ConnectionLost,
}

/// Why an event that nobody repeats is not recorded.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum LossReason {
    /// A rule of the store's schema refuses it. The store has said which.
    Rule,
    /// The process ends before the store has taken it.
    ProcessEnds,
    /// The store is in trouble, and the ended connections of the bot or of all hold as much as they may.
    NoRoom,
}

/// So many events waited so long between the read and the proof.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Wait {
    /// How long each of them waited.
    pub waited: Duration,
    /// How many they are.
    pub events: u32,
}

/// What a session counted.
#[derive(Debug, Default)]
pub struct Counts {
    /// Bytes came.
    pub heard: bool,
    /// Whole events that were read, the shed ones included.
    pub received: u32,
    /// Events that were new to the store.
    pub recorded: u32,
    /// Repeats by the platform's event id.
    pub repeats_by_event_id: u32,
    /// Repeats by the message they tell of.
    pub repeats_by_message: u32,
    /// Answers 200.
    pub acked: u32,
    /// Answers 500 because the store did not record.
    pub refused: u32,
    /// Answers 500 because the store did not record in time.
    pub refused_late: u32,
    /// Answers 500 because there was no room.
    pub shed: u32,
    /// Proofs for events that were refused before.
    pub late_receipts: u32,
    /// Events that could not be read, and are recorded all the same.
    pub unparsed: u32,
    /// Frames that could not be read, and were dropped.
    pub unparsed_dropped: u32,
    /// How long events waited for their proofs, those apart that waited for the application as well. Events of one read
    /// have waited equally long.
    pub waits: Vec<Wait>,
}

/// What became of a card event that an application claims, or of its answer.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum CardOutcome {
    /// It was answered as the application said, so long after it was read.
    Answered(Duration),
    /// It was answered by default, so long after it was read: the application said nothing in time, or was not asked for
    /// lack of time or room.
    Defaulted(Duration),
    /// The same where the platform is sent nothing then.
    Unanswered,
    /// An answer of the application came too late.
    Late,
    /// No application claims it after all: it was answered as any event.
    Unclaimed,
}

impl Counts {
    /// What the store found out about one event.
    pub(super) fn count_outcome(&mut self, repeat: Option<Tier>) {
        match repeat {
            None => self.recorded += 1,
            Some(Tier::EventId) => self.repeats_by_event_id += 1,
            Some(Tier::Message) => self.repeats_by_message += 1,
        }
    }

    pub(super) fn count_wait(&mut self, waited: Duration) {
        match self.waits.last_mut() {
            Some(last) if last.waited == waited => last.events += 1,
            _ => self.waits.push(Wait { waited, events: 1 }),
        }
    }
}

/// What an operator is shown of a session.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct SessionView {
    /// `open`, `finishing`, `leaving`, `ending`, `keeping` or `over`.
    pub phase: &'static str,
    /// Events that are not answered or not recorded.
    pub unanswered: usize,
    /// Events that are recorded and wait for the application's answer. Where the platform wants an answer to each event,
    /// they are among the unanswered.
    pub awaiting_application: usize,
    /// Their payload.
    pub unanswered_bytes: usize,
    /// Input that is read and not decoded.
    pub unread_bytes: usize,
    /// Output that is not written.
    pub unsent_bytes: usize,
    /// Events that the writer has not been given.
    pub waiting_for_the_writer: usize,
    /// Whether an earlier connection has to be over first.
    pub waiting_for_predecessors: bool,
    /// Whether input is taken.
    pub reading: bool,
    /// Whether events are refused unseen.
    pub shedding: bool,
}
