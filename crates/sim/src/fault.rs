//! The faults that can be put on live connections, and the choice of connections.

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

/// A fault of a connection. Its JSON is the name in snake case with the value: `"half_open"`, `{"close": 1001}`,
/// `{"slow_pong": 5000}` (milliseconds), `{"raw": "<base64>"}`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ConnectionFault {
    /// TCP reset.
    Drop,
    /// TCP FIN without a WebSocket close frame.
    Hangup,
    /// WebSocket close frame with this code, then FIN once the peer answered.
    Close(u16),
    /// WebSocket close frame without code.
    CloseWithoutCode,
    /// Neither read nor write any more, without a FIN. Pushes may still be sent over the connection.
    HalfOpen,
    /// Stop reading only, so that ACKs and pings wait in the kernel.
    StopReading,
    /// End of `HalfOpen`, `StopReading`, `SlowPong`, `SilentPong` and `Continuation`.
    Recover,
    /// Delay the answers to pings by this time.
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
    /// From now on every data frame is sent as this many WebSocket frames (continuation).
    Continuation(u16),
    /// A control frame with `type` = `ping`, which a client need not answer.
    ServerPing,
    /// An RFC 6455 ping.
    ProtocolPing,
    /// A frame with `method` 2.
    Method2,
    /// A data frame with `type` = `card`.
    CardFrame,
    /// Hang up after this many periods of 30 s (in the simulator's time) without an application ping.
    KickWithoutPing(u32),
}
