//! What was pushed over HTTP, and what became of it.

use serde::{Deserialize, Serialize};

use crate::latencies::Latency;
use crate::push::PushId;

/// Counters of HTTP pushes since the start or the last reset. `pushed = delivered + lost + pending` at any moment.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct HttpLedger {
    /// Events and card callbacks handed to the simulator or made by it.
    pub pushed: u64,
    /// Answered in time as the platform demands: an event with status 200, a card callback also with a good body.
    pub delivered: u64,
    /// Their last try failed.
    pub lost: u64,
    /// Neither delivered nor lost.
    pub pending: u64,
    /// Requests sent, repeats and duplicates included.
    pub tries: u64,
    /// Of these, repeats after a failure.
    pub repeated: u64,
    /// Of these, duplicates on demand.
    pub duplicates: u64,
    /// Tries answered with another status than 200.
    pub refused: u64,
    /// Tries without an answer in time.
    pub timed_out: u64,
    /// Tries without a connection, or whose connection broke.
    pub unreachable: u64,
    /// Card callbacks answered with 200 and a body that the platform does not take.
    pub bad_cards: u64,
    /// Connections opened.
    pub connections_opened: u64,
    /// Request URLs saved, and not saved because of a wrong answer to the challenge.
    pub urls_saved: u64,
    /// See `urls_saved`.
    pub urls_not_saved: u64,
    /// From the beginning of a try to its answer with status 200.
    pub latency: Latency,
}

/// What happened to one HTTP push.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct HttpPushRecord {
    /// The push. Pushes of both roads are counted together.
    pub push: PushId,
    /// Id inside the payload.
    pub event_id: String,
    /// The app.
    pub app: String,
    /// What it is.
    pub kind: HttpPushKind,
    /// Its state.
    pub state: HttpPushState,
    /// Its tries in order.
    pub tries: Vec<HttpTry>,
    /// Its duplicates on demand.
    pub duplicates: Vec<HttpTry>,
    /// The push of the same event over a long connection.
    pub on_long_connection: Option<PushId>,
}

/// What is pushed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum HttpPushKind {
    /// An event, which is repeated until it is answered with 200.
    Event,
    /// A new card callback or a link preview.
    Card,
    /// An old card callback.
    OldCard,
}

/// The state of an HTTP push.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum HttpPushState {
    /// Waits for its first try, or is under way.
    UnderWay,
    /// Its last try failed, and it waits for the next one.
    Failed,
    /// Answered as the platform demands.
    Delivered,
    /// Its last try failed, and no other follows.
    Lost,
}

/// One request and what came of it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct HttpTry {
    /// Milliseconds since 1970.
    pub at_ms: u64,
    /// How long it took, in microseconds.
    pub duration_us: u64,
    /// Status of the answer.
    pub status: Option<u16>,
    /// What the platform makes of it.
    pub verdict: HttpVerdict,
    /// The same of a card callback.
    pub card: Option<CardVerdict>,
    /// The body of the answer as text, cut to 4 KiB; of generated events only if the try failed.
    pub answer: Option<String>,
    /// Why there is no answer.
    pub error: Option<String>,
}

/// What the platform makes of a try.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum HttpVerdict {
    /// Good.
    Delivered,
    /// Answered with another status than 200.
    Refused,
    /// No answer in time.
    TimedOut,
    /// No connection, or it broke.
    Unreachable,
    /// A card callback answered with 200 and a body that the platform does not take.
    BadCard,
}

/// What the platform makes of the answer to a card callback.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct CardVerdict {
    /// 0, or the code of the error.
    pub code: u32,
    /// The text of the toast.
    pub toast: Option<String>,
    /// Whether the card is replaced.
    pub card_changed: bool,
}
