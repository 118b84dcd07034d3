//! The ledger: what was pushed, and what became of it. Tests assert on these types, and the control API returns them.

use serde::{Deserialize, Serialize};

use crate::fault::ConnectionId;
use crate::http_ledger::HttpLedger;
use crate::latencies::Latency;
use crate::push::PushId;

/// Counters since the start or the last reset. `pushed = acked + lost + pending` at any moment.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Ledger {
    /// Events handed to the simulator or made by it.
    pub pushed: u64,
    /// Events answered with code 200 in time.
    pub acked: u64,
    /// Events whose last attempt failed.
    pub lost: u64,
    /// Events that are neither acked nor lost: sent, or waiting for a repeat or for a connection.
    pub pending: u64,
    /// Of the pending ones, those that wait for a live connection.
    pub waiting_for_connection: u64,
    /// Attempts, repeats included.
    pub attempts: u64,
    /// Attempts that were repeats.
    pub re_pushed: u64,
    /// Attempts answered with another code than 200.
    pub nacked: u64,
    /// Attempts not answered within the deadline.
    pub timed_out: u64,
    /// ACKs of events that were acked or lost already.
    pub extra_acks: u64,
    /// ACKs of an attempt that had failed already. The event is repeated all the same.
    pub late_acks: u64,
    /// Answers not accepted, by reason.
    pub bad_acks: BadAcks,
    /// Data frames not written because the peer did not read.
    pub unsent_frames: u64,
    /// From push to ACK.
    pub ack_latency: Latency,
    /// Application pings received.
    pub pings: u64,
    /// Pings whose `service` is not the URL's `service_id`.
    pub wrong_service_pings: u64,
    /// Pings sooner than a second after the one before on the same connection.
    pub hasty_pings: u64,
    /// Bootstrap requests.
    pub bootstraps: u64,
    /// Bootstrap requests answered with a URL.
    pub bootstraps_granted: u64,
    /// Upgrades that became connections.
    pub connections_opened: u64,
    /// Upgrades refused.
    pub upgrades_refused: u64,
    /// Connections that ended, for any reason.
    pub connections_ended: u64,
    /// Of these, those that left their app without a connection that takes pushes.
    #[serde(default)]
    pub left_alone: u64,
    /// Connections the client closed with a WebSocket close frame.
    pub closed_by_client: u64,
    /// Violations of RFC 6455 and frames that are not protobuf, by clients.
    pub protocol_errors: u64,
    /// Calls for a tenant token.
    #[serde(default)]
    pub token_calls: u64,
    /// Tenant tokens made. A call gets the token of an earlier one while that holds for long.
    #[serde(default)]
    pub tokens_made: u64,
    /// Calls that send or reply.
    #[serde(default)]
    pub message_calls: u64,
    /// Calls that read a message or a name.
    #[serde(default)]
    pub lookups: u64,
    /// Calls for the tokens of people.
    #[serde(default)]
    pub user_token_calls: u64,
    /// Messages that bots sent.
    #[serde(default)]
    pub messages_sent: u64,
    /// Calls that named the `uuid` of an earlier message and got that one.
    #[serde(default)]
    pub message_repeats: u64,
    /// Pushes to request URLs. Nothing of them counts in the fields above.
    #[serde(default)]
    pub http: HttpLedger,
}

/// Answers that were not accepted.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct BadAcks {
    /// The `message_id` was never sent by this simulator.
    pub unknown_message_id: u64,
    /// The answer came over another connection than the push.
    pub other_connection: u64,
    /// A header of the push is missing or changed.
    pub header_not_echoed: u64,
    /// `service` differs from the push's.
    pub wrong_service: u64,
    /// The payload is not an answer.
    pub not_an_answer: u64,
}

impl BadAcks {
    /// The sum of all reasons.
    pub fn total(&self) -> u64 {
        self.unknown_message_id
            + self.other_connection
            + self.header_not_echoed
            + self.wrong_service
            + self.not_an_answer
    }
}

/// What happened to one event.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct PushRecord {
    /// The push.
    pub push: PushId,
    /// Id inside the payload.
    pub event_id: String,
    /// The app.
    pub app: String,
    /// Its state.
    pub state: RecordState,
    /// Its attempts in order.
    pub attempts: Vec<Attempt>,
    /// Milliseconds since 1970 of the accepted ACK.
    pub acked_at_ms: Option<u64>,
    /// `data` of the accepted ACK, decoded, as text.
    pub answer_data: Option<String>,
}

/// The state of an event.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum RecordState {
    /// Waits for a live connection.
    Waiting,
    /// Sent and not answered yet.
    UnderWay,
    /// Its last attempt failed, and it waits for the next one.
    Failed,
    /// Answered with 200.
    Acked,
    /// Its last attempt failed, and no other follows.
    Lost,
}

/// One attempt to deliver an event.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Attempt {
    /// Milliseconds since 1970.
    pub at_ms: u64,
    /// The connection it was sent over.
    pub connection: ConnectionId,
    /// Its outcome.
    pub outcome: AttemptOutcome,
}

/// The outcome of an attempt.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum AttemptOutcome {
    /// Not answered yet.
    Open,
    /// Answered with 200.
    Acked,
    /// Answered with this code.
    Nacked(i64),
    /// No answer in time.
    TimedOut,
}

/// A connection as it is now.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct ConnectionView {
    /// Its number.
    pub id: ConnectionId,
    /// The app.
    pub app: String,
    /// `device_id` of its URL.
    pub device_id: String,
    /// Milliseconds since 1970.
    pub opened_at_ms: u64,
    /// Attempts sent over it.
    pub attempts: u64,
    /// Attempts not answered yet.
    pub unanswered: u32,
    /// Application pings received.
    pub pings: u64,
    /// Milliseconds since 1970 of the last one.
    pub last_ping_at_ms: Option<u64>,
    /// RFC 6455 pings received.
    pub protocol_pings: u64,
    /// RFC 6455 pongs received.
    pub protocol_pongs: u64,
    /// Control frames with `type` = `pong` received: answers to a server ping, which a client need not answer.
    pub pongs: u64,
    /// `false` under `ConnectionFault::StopReading` and `ConnectionFault::HalfOpen`.
    pub reading: bool,
    /// `true` under `ConnectionFault::HalfOpen`.
    pub half_open: bool,
}
