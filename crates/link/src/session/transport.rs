//! What both machines have in common: WebSocket messages out of the bytes that come, the outbox, and what is to be done and
//! to be counted.
//!
//! It decides nothing about the connection's life. Where RFC 6455 or the memory for unfinished input ends it, that comes out
//! as [`Next::End`].

use std::collections::VecDeque;

use bytes::Bytes;
use longwire_wire::websocket::{FrameLimits, FrameReader, ReceivedMessage, Violation};

use super::action::{Action, ConnectionLoss, Counts};
use super::input::Surroundings;
use super::outbox::Outbox;
use super::pause::{Pause, PauseNews};
use crate::setback::Setback;

/// What one read takes at most.
pub(super) const READ_BYTES: usize = 64 * 1024;

/// Input up to this is not counted as unfinished, so that a greedy bot cannot end other bots' connections: the longest
/// frames that the platform sends in order.
const UNFINISHED_FREE_BYTES: usize = 64 * 1024;

/// The close code for a message of which we cannot hold so much (RFC 6455, section 7.4.1).
const MESSAGE_TOO_BIG: u16 = 1009;

/// The bytes of one connection, both ways.
pub(super) struct Transport<A> {
    pub(super) outbox: Outbox,
    pub(super) counts: Counts,
    reader: FrameReader,
    actions: VecDeque<Action<A>>,
    /// Of what all connections may hold of unfinished input, this one's part.
    unfinished_bytes: usize,
    pause: Pause,
    /// Whether the pinger waits to hear that bytes came.
    is_asking: bool,
    /// Whether everything that was read is decoded.
    is_hungry: bool,
}

/// What the input holds next.
pub(super) enum Next {
    Message(Content),
    /// Everything is decoded; more input is needed.
    Hungry,
    /// Nothing more can be taken.
    End(InputEnd),
}

/// One message of the platform.
pub(super) enum Content {
    Binary(Bytes),
    Text(Bytes),
}

/// Why nothing more can be taken.
#[derive(Clone, Copy, Debug)]
pub(super) enum InputEnd {
    /// The platform closed.
    Closed(Option<u16>),
    /// The bytes are no WebSocket any more.
    Broken(Violation),
    /// All connections together have no memory left for messages that have not wholly come.
    NoMemory { held_bytes: usize },
}

impl<A> Transport<A> {
    pub(super) fn new(outbox: Outbox) -> Self {
        Self {
            outbox,
            counts: Counts::default(),
            reader: FrameReader::new(FrameLimits::default()),
            actions: VecDeque::new(),
            unfinished_bytes: 0,
            pause: Pause::default(),
            is_asking: false,
            is_hungry: true,
        }
    }

    pub(super) fn act(&mut self, action: Action<A>) {
        self.actions.push_back(action);
    }

    pub(super) fn poll_action(&mut self) -> Option<Action<A>> {
        let action = self.actions.pop_front();
        if self.actions.is_empty() {
            // An idle connection holds no room for actions.
            self.actions = VecDeque::new();
        }
        action
    }

    pub(super) fn feed(&mut self, chunk: Bytes) {
        if !chunk.is_empty() {
            self.reader.feed(chunk);
            self.is_hungry = false;
        }
    }

    /// Whether everything that was read is decoded. Only then is more to be read: the reader would have to copy what it
    /// has, and nobody could say that the connection was found empty.
    pub(super) fn is_hungry(&self) -> bool {
        self.is_hungry
    }

    /// The link lives, whatever these bytes are.
    pub(super) fn heard(&mut self) {
        self.counts.heard = true;
        if std::mem::take(&mut self.is_asking) {
            self.act(Action::Heard);
        }
    }

    /// A ping is on its way.
    pub(super) fn asks(&mut self) {
        self.is_asking = true;
    }

    /// Decodes the next message. Pings of RFC 6455 are answered on the way.
    pub(super) fn next(&mut self, around: Surroundings) -> Next {
        loop {
            return match self.reader.next() {
                Ok(None) => self.hold_unfinished(around.unfinished_most_bytes),
                Ok(Some(ReceivedMessage::Binary(bytes))) => Next::Message(Content::Binary(bytes)),
                Ok(Some(ReceivedMessage::Text(bytes))) => Next::Message(Content::Text(bytes)),
                Ok(Some(ReceivedMessage::Ping(data))) => {
                    self.outbox.pong(&data);
                    continue;
                }
                Ok(Some(ReceivedMessage::Pong(_))) => continue,
                Ok(Some(ReceivedMessage::Close(close))) => {
                    Next::End(InputEnd::Closed(close.map(|close| close.code)))
                }
                Err(violation) => Next::End(InputEnd::Broken(violation)),
            };
        }
    }

    /// Keeps what is there of a message that has not wholly come, as long as there is memory for it.
    fn hold_unfinished(&mut self, most_bytes: usize) -> Next {
        let held_bytes = self.reader.held_bytes();
        let bytes = if held_bytes > UNFINISHED_FREE_BYTES {
            held_bytes
        } else {
            0
        };
        if bytes > self.unfinished_bytes && bytes > most_bytes {
            return Next::End(InputEnd::NoMemory { held_bytes });
        }
        self.unfinished_bytes = bytes;
        self.is_hungry = true;
        Next::Hungry
    }

    pub(super) fn held_bytes(&self) -> usize {
        self.reader.held_bytes()
    }

    pub(super) fn unfinished_bytes(&self) -> usize {
        self.unfinished_bytes
    }

    /// The connection brings nothing more. Returns how many bytes of an unfinished message were there.
    pub(super) fn cut_off(&mut self) -> usize {
        self.unfinished_bytes = 0;
        std::mem::replace(&mut self.reader, FrameReader::new(FrameLimits::default())).held_bytes()
    }

    pub(super) fn malformed(&mut self, kind: &'static str, size_bytes: usize) {
        self.act(Action::Malformed {
            kind,
            size_bytes,
            next_step: None,
        });
    }

    /// Whether the connection is read now.
    pub(super) fn note_reading(&mut self, reads: bool, around: Surroundings) {
        match self.pause.update(reads, around.now) {
            Some(PauseNews::Paused) => self.act(Action::ReadingPaused),
            Some(PauseNews::Resumed) => self.act(Action::ReadingResumed),
            None => {}
        }
    }

    /// A pinger is there that knows of no pause: one that lasts has to be told to it too, or it takes our silence for the
    /// platform's.
    pub(super) fn forget_pause(&mut self) {
        self.pause = Pause::default();
    }

    pub(super) fn pause(&self) -> &Pause {
        &self.pause
    }
}

impl InputEnd {
    pub(super) fn close_code(self) -> u16 {
        match self {
            Self::Closed(code) => code.unwrap_or(1000),
            Self::Broken(violation) => violation.close_code(),
            Self::NoMemory { .. } => MESSAGE_TOO_BIG,
        }
    }

    /// The kind and the size that are counted, where it is the platform's mistake.
    pub(super) fn malformed(self) -> Option<(&'static str, usize)> {
        match self {
            Self::Closed(_) => None,
            Self::Broken(violation) => Some((violation.label(), 0)),
            Self::NoMemory { held_bytes } => Some(("no_room", held_bytes)),
        }
    }
}

impl From<InputEnd> for ConnectionLoss {
    fn from(end: InputEnd) -> Self {
        match end {
            InputEnd::Closed(code) => Setback::ClosedByPlatform { code }.into(),
            InputEnd::Broken(violation) => Self {
                setback: Setback::ProtocolViolation,
                detail: violation.to_string(),
            },
            InputEnd::NoMemory { .. } => Setback::NoMemory.into(),
        }
    }
}

/// What a write that took too long means, in words.
pub(super) const STUCK: &str = "the platform took nothing for the whole write deadline";
