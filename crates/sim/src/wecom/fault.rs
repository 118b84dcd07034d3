//! Faults put on connections that are live.

use std::time::Duration;

use bytes::Bytes;
use serde::{Deserialize, Serialize};

use crate::fault::ConnectionId;
use crate::serde_forms::{base64_bytes, millis};

/// Which connections a fault is for.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Target {
    /// Every live connection, subscribed or not.
    All,
    /// The connection that holds a bot.
    #[serde(alias = "app")]
    Bot(String),
    /// One connection.
    Connection(ConnectionId),
}

/// What goes wrong. In JSON the name in snake case with its value: `"half_open"`, `{"close": 1000}`,
/// `{"slow_pong": 5000}` (milliseconds), `{"raw": "<base64>"}`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Fault {
    /// TCP reset.
    Drop,
    /// TCP FIN without a WebSocket close frame, as the platform mostly ends connections.
    Hangup,
    /// WebSocket close frame with this code, then FIN once the peer answered.
    Close(u16),
    /// WebSocket close frame without code.
    CloseWithoutCode,
    /// Neither read nor write any more, without a FIN. Callbacks still choose the connection.
    HalfOpen,
    /// Stop reading only.
    StopReading,
    /// End of `HalfOpen`, `StopReading`, `SlowPong`, `SilentPong`, `PongCode` and `Continuation`.
    Recover,
    /// Answer heartbeats late by this much.
    SlowPong(#[serde(with = "millis")] Duration),
    /// Answer no heartbeat.
    SilentPong,
    /// Answer heartbeats with this code.
    PongCode(i64),
    /// Displace the connection although nobody else subscribed.
    Displace,
    /// The subscription goes away without a word: no more callbacks, commands answered 846609, heartbeats
    /// as before.
    Unsubscribe,
    /// A text message, valid or not.
    Text(String),
    /// A binary message with these bytes.
    Garbage(#[serde(with = "base64_bytes")] Bytes),
    /// These bytes as they are, below the WebSocket layer.
    Raw(#[serde(with = "base64_bytes")] Bytes),
    /// The header of a text message of this length, and 16 of its bytes. The stream is unusable after.
    OversizedFrame(u64),
    /// From now on every message is sent as so many WebSocket frames (continuation).
    Continuation(u16),
    /// An RFC 6455 ping.
    ProtocolPing,
    /// A masked RFC 6455 pong, as the platform answered protocol pings with. Clients must reject it.
    MaskedFrame,
}
