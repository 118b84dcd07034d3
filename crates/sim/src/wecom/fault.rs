//! The faults that can be put on live connections, and the choice of connections.

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

/// A fault of a connection. Its JSON is the name in snake case with the value: `"half_open"`, `{"close": 1000}`,
/// `{"slow_pong": 5000}` (milliseconds), `{"raw": "<base64>"}`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ConnectionFault {
    /// TCP reset.
    Drop,
    /// TCP FIN without a WebSocket close frame, as the platform mostly ends connections.
    Hangup,
    /// WebSocket close frame with this code, then FIN once the peer answered.
    Close(u16),
    /// WebSocket close frame without code.
    CloseWithoutCode,
    /// Neither read nor write any more, without a FIN. Callbacks may still be sent over the connection.
    HalfOpen,
    /// Stop reading only.
    StopReading,
    /// End of `HalfOpen`, `StopReading`, `SlowPong`, `SilentPong`, `PongCode` and `Continuation`.
    Recover,
    /// Delay the answers to heartbeats by this time.
    SlowPong(#[serde(with = "millis")] Duration),
    /// Answer no heartbeat.
    SilentPong,
    /// Answer heartbeats with this code.
    PongCode(i64),
    /// Displace the connection although no other one subscribed.
    Displace,
    /// Remove the subscription without telling the client: no more callbacks, commands get 846609, heartbeats go on.
    Unsubscribe,
    /// A text message, valid or not.
    Text(String),
    /// A binary message with these bytes.
    Garbage(#[serde(with = "base64_bytes")] Bytes),
    /// These bytes as they are, below the WebSocket layer.
    Raw(#[serde(with = "base64_bytes")] Bytes),
    /// The header of a text message of this length, and 16 of its bytes. The stream is unusable after.
    OversizedFrame(u64),
    /// From now on every message is sent as this many WebSocket frames (continuation).
    Continuation(u16),
    /// An RFC 6455 ping.
    ProtocolPing,
    /// A masked RFC 6455 pong, as the platform answered protocol pings with. Clients must reject it.
    MaskedFrame,
}
