//! Faults put on connections that are live.

use std::time::Duration;

use bytes::Bytes;
use serde::{Deserialize, Serialize};

use crate::serde_forms::{base64_bytes, millis};

/// Which connections a fault is for.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Target {
    /// Every live connection.
    All,
    /// The live connections of an app.
    App(String),
    /// One connection.
    Connection(ConnectionId),
}

/// A connection of the simulator, counted from 1 in the order of their upgrades.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct ConnectionId(pub u64);

impl std::fmt::Display for ConnectionId {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "#{}", self.0)
    }
}

/// What goes wrong. In JSON the name in snake case with its value: `"half_open"`, `{"close": 1001}`,
/// `{"slow_pong": 5000}` (milliseconds), `{"raw": "<base64>"}`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Fault {
    /// TCP reset.
    Drop,
    /// TCP FIN without a WebSocket close frame.
    Hangup,
    /// WebSocket close frame with this code, then FIN once the peer answered.
    Close(u16),
    /// WebSocket close frame without code.
    CloseWithoutCode,
    /// Neither read nor write any more, without a FIN. Pushes still choose the connection.
    HalfOpen,
    /// Stop reading only: ACKs and pings pile up in the kernel.
    StopReading,
    /// End of `HalfOpen`, `StopReading`, `SlowPong`, `SilentPong` and `Continuation`.
    Recover,
    /// Answer pings late by this much.
    SlowPong(#[serde(with = "millis")] Duration),
    /// Answer no ping.
    SilentPong,
    /// From now on pongs have this payload.
    PongConfig(String),
    /// A text message.
    Text(String),
    /// A binary message with these bytes.
    Garbage(#[serde(with = "base64_bytes")] Bytes),
    /// These bytes as they are, below the WebSocket layer.
    Raw(#[serde(with = "base64_bytes")] Bytes),
    /// The header of a binary message of this length, and 16 of its bytes. The stream is unusable after.
    OversizedFrame(u64),
    /// From now on every data frame is sent as so many WebSocket frames (continuation).
    Continuation(u16),
    /// A control frame with `type` = `ping`, as no client has to answer.
    ServerPing,
    /// An RFC 6455 ping.
    ProtocolPing,
    /// A frame with `method` 2.
    Method2,
    /// A data frame with `type` = `card`.
    CardFrame,
    /// Hang up when so many periods of 30 s (in the simulator's time) pass without an application ping.
    KickWithoutPing(u32),
}
