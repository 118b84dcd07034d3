//! What is said over one connection of an SDK of Feishu or Lark, as the platform says it.
//!
//! ```text
//! client's ping ─▶ pong with all of ClientConfig      event ─▶ data frames, one message_id for each attempt
//!                                                     ACK   ─▶ done or failed
//! ```
//! A machine: the time, random bytes and what came are arguments, and it writes into a vector. It decides when events may go
//! out, which ACK belongs to which of them, and when a client that says nothing is gone:
//!
//! - Nothing is pushed before the client's first ping, or a moment without one: SDKs set their handlers up after the socket.
//! - A client is never gone because it does not ping. One that has pinged and then says nothing for long is, but while an event
//!   is unanswered its silence says nothing: a synchronous handler blocks the SDK's loop, pings included. TCP tells then.
//! - What the client sends beside pings and ACKs is counted and does no harm. Too much of it ends the connection.

mod garbage;
mod sent;

use std::time::{Duration, Instant};

use longwire_consumer::DeliveryId;
use longwire_delivery::RelayEvent;
use longwire_platform_server::feishu::{DataFrames, write_pong};
use longwire_platform_server::websocket::{ClientMessage, opcode, write_message};
use longwire_wire::answer::AnswerPayload;
use longwire_wire::frame::{FrameKind, FrameView};
use uuid::Uuid;

use self::garbage::Garbage;
use self::sent::{Sent, SentEvents};
use super::unread::Unread;

/// How long the first push waits for the client's first ping. Some clients never ping.
const FIRST_PUSH: Duration = Duration::from_millis(1_500);
/// The cut of the platform (feishu-longconn.md, section 5).
const FRAGMENT_BYTES: usize = 61_440;
/// What the headers of a frame add to its payload, roughly.
const HEAD_BYTES: u64 = 256;
/// A client that pinged is gone if it has said nothing for so many intervals, and the slack.
const SILENT_INTERVALS: u32 = 3;
const SILENCE_SLACK: Duration = Duration::from_secs(30);
/// Says in the header of a frame that the event was handed over before. SDKs ignore headers that they do not know.
pub(crate) const REDELIVERED: &str = "longwire-redelivered";

/// Close codes of RFC 6455, 7.4.1.
pub(super) mod close {
    /// This side goes away, and the client comes again.
    pub(in crate::feishu) const GOING_AWAY: u16 = 1001;
    /// The client broke a rule.
    pub(in crate::feishu) const POLICY: u16 = 1008;
}

/// What a session is given.
#[derive(Debug, Clone)]
pub(super) struct SessionSettings {
    /// The number that all frames of this connection carry.
    pub(super) service_id: i32,
    /// How often the client is asked to ping.
    pub(super) ping_interval: Duration,
    /// How long a handler may take.
    pub(super) handler_limit: Duration,
}

/// What follows from what came.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Outcome {
    /// The handler is done with an event. The answer is that of a card event.
    Done(DeliveryId, Option<Vec<u8>>),
    /// The handler failed.
    Failed(DeliveryId, String),
    /// End the connection in order, with this code and reason.
    Close(u16, &'static str),
}

/// What was counted over a connection, for the log at its end.
#[derive(Debug, Default, Clone, Copy, PartialEq, Eq)]
pub(super) struct Counts {
    pub(super) pushed: u64,
    pub(super) done: u64,
    pub(super) failed: u64,
    /// ACKs for what is not unanswered here.
    pub(super) stray: u64,
    /// Messages that are none of this protocol.
    pub(super) garbage: u64,
}

/// One connection.
#[derive(Debug)]
pub(super) struct Session {
    settings: SessionSettings,
    config_json: Vec<u8>,
    /// Until then nothing is pushed; none once the client has pinged.
    push_from: Option<Instant>,
    has_pinged: bool,
    heard: Instant,
    sent: SentEvents,
    unread: Unread,
    garbage: Garbage,
    next_seq_id: u64,
    counts: Counts,
}

impl Session {
    pub(super) fn new(settings: SessionSettings, now: Instant) -> Self {
        Self {
            config_json: config_json(settings.ping_interval).into_bytes(),
            settings,
            push_from: Some(now + FIRST_PUSH),
            has_pinged: false,
            heard: now,
            sent: SentEvents::default(),
            unread: Unread::default(),
            garbage: Garbage::new(now),
            next_seq_id: 1,
            counts: Counts::default(),
        }
    }

    /// The client said this. What it is answered is appended to `out`.
    pub(super) fn heard(
        &mut self,
        message: ClientMessage,
        now: Instant,
        out: &mut Vec<u8>,
    ) -> Option<Outcome> {
        self.heard = now;
        match message {
            ClientMessage::Binary(bytes) => match FrameView::parse(bytes) {
                Ok(frame) => self.heard_frame(&frame, now, out),
                Err(_) => self.heard_garbage(now),
            },
            ClientMessage::Text(_) => self.heard_garbage(now),
            ClientMessage::Ping(payload) => {
                write_message(out, opcode::PONG, &payload);
                None
            }
            ClientMessage::Pong(payload) => {
                self.unread.handle_pong(&payload);
                None
            }
            // The line answers it.
            ClientMessage::Close(_) => None,
        }
    }

    fn heard_frame(
        &mut self,
        frame: &FrameView,
        now: Instant,
        out: &mut Vec<u8>,
    ) -> Option<Outcome> {
        match frame.kind() {
            FrameKind::Ping => {
                self.push_from = None;
                self.has_pinged = true;
                write_pong(out, self.settings.service_id, Some(&self.config_json));
                None
            }
            FrameKind::Event | FrameKind::Card | FrameKind::OtherData => self.heard_ack(frame, now),
            FrameKind::Pong | FrameKind::OtherControl => None,
            FrameKind::UnknownMethod(_) => self.heard_garbage(now),
        }
    }

    fn heard_ack(&mut self, frame: &FrameView, now: Instant) -> Option<Outcome> {
        let id = frame.message_id().and_then(|id| Uuid::try_parse(id).ok());
        let Some(sent) = id.and_then(|id| self.sent.take(id)) else {
            // Never sent, answered before, of another connection, or its time was over.
            self.counts.stray += 1;
            return self.garbage.add(now).then_some(TOO_MUCH_GARBAGE);
        };
        self.unread.handle_read(sent.position);
        let payload = frame.payload().unwrap_or_default();
        let failure = match AnswerPayload::parse(&payload) {
            Ok(AnswerPayload { code: 200, data }) => {
                self.counts.done += 1;
                let answer = data.filter(|data| !data.is_empty());
                return Some(Outcome::Done(sent.delivery, answer));
            }
            Ok(AnswerPayload { code, .. }) => format!("the application answered {code}"),
            Err(error) => format!("the application's answer cannot be read: {error}"),
        };
        self.counts.failed += 1;
        Some(Outcome::Failed(sent.delivery, failure))
    }

    fn heard_garbage(&mut self, now: Instant) -> Option<Outcome> {
        self.counts.garbage += 1;
        self.garbage.add(now).then_some(TOO_MUCH_GARBAGE)
    }

    /// Whether an event with a payload of so many bytes may be pushed now. After a no, it is asked again when something came or
    /// [`due`](Self::due) has passed; a ping of the session's may be waiting ([`poll_ping`](Self::poll_ping)).
    pub(super) fn may_push(&mut self, payload_bytes: usize, now: Instant) -> bool {
        self.has_begun(now) && self.unread.admits(payload_bytes as u64 + HEAD_BYTES)
    }

    /// Whether the client has set itself up, as far as one can tell.
    pub(super) fn has_begun(&self, now: Instant) -> bool {
        self.push_from.is_none_or(|from| now >= from)
    }

    /// Pushes an event. `message_id` is fresh for each attempt.
    pub(super) fn push(
        &mut self,
        event: &RelayEvent,
        message_id: Uuid,
        now: Instant,
        out: &mut Vec<u8>,
    ) {
        let before = out.len();
        let mut id = Uuid::encode_buffer();
        let redelivered = [(REDELIVERED, "1")];
        let frames = DataFrames {
            service: self.settings.service_id,
            seq_id: self.next_seq_id,
            log_id: event.seq.0.unsigned_abs(),
            kind: if event.is_old_card { "card" } else { "event" },
            message_id: message_id.hyphenated().encode_lower(&mut id),
            trace_id: trace_id(&event.traceparent),
            further_headers: if event.redelivered { &redelivered } else { &[] },
            fragment_bytes: FRAGMENT_BYTES,
        };
        frames.write(out, &event.payload);
        self.next_seq_id += event.payload.len().div_ceil(FRAGMENT_BYTES).max(1) as u64;
        let bytes = (out.len() - before) as u64;
        let sent = Sent {
            delivery: event.delivery,
            position: self.unread.handle_sent(bytes),
            until: now + self.settings.handler_limit,
        };
        self.sent.put(message_id, sent);
        self.counts.pushed += 1;
    }

    /// The payload of a WebSocket ping that is to be sent now.
    pub(super) fn poll_ping(&mut self) -> Option<[u8; 8]> {
        self.unread.poll_ping()
    }

    /// When to look again, if nothing comes before.
    pub(super) fn due(&mut self, now: Instant) -> Option<Instant> {
        let push_from = self.push_from.filter(|from| *from > now);
        push_from.into_iter().chain(self.gone_at()).min()
    }

    /// Acts on what is due.
    pub(super) fn handle_timeout(&mut self, now: Instant) -> Option<Outcome> {
        // The consumer has counted them as failed when their time was over, and takes a late answer still.
        self.sent.forget(now, self.settings.handler_limit);
        let is_gone = self.gone_at().is_some_and(|at| now >= at);
        is_gone.then_some(Outcome::Close(close::GOING_AWAY, "no ping for long"))
    }

    /// When a client counts as gone, unless it says something before or another event is pushed.
    fn gone_at(&mut self) -> Option<Instant> {
        if !self.has_pinged {
            return None;
        }
        let silent = self.heard + self.settings.ping_interval * SILENT_INTERVALS + SILENCE_SLACK;
        // A handler has its time, and its client then a moment to send what it could not meanwhile.
        let handled = self.sent.newest_until().map(|until| until + SILENCE_SLACK);
        Some(handled.map_or(silent, |handled| handled.max(silent)))
    }

    /// How many events are unanswered.
    pub(super) fn unanswered(&self) -> usize {
        self.sent.len()
    }

    pub(super) fn counts(&self) -> Counts {
        self.counts
    }
}

const TOO_MUCH_GARBAGE: Outcome =
    Outcome::Close(close::POLICY, "too many frames that are no answers");

/// What all clients are asked to do: back in a second, for ever. All four members, because SDKs take a missing one as zero.
pub(super) fn config_json(ping_interval: Duration) -> String {
    let ping = ping_interval.as_secs().max(1);
    format!(
        r#"{{"ReconnectCount":-1,"ReconnectInterval":1,"ReconnectNonce":0,"PingInterval":{ping}}}"#
    )
}

/// The trace id of a `traceparent` (W3C: version, trace id, span id, flags), or all of another text.
fn trace_id(traceparent: &str) -> &str {
    traceparent.split('-').nth(1).unwrap_or(traceparent)
}

#[cfg(test)]
mod tests;
