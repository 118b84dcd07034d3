//! The ledger: how far callbacks came, and what bots asked. Tests assert on these types, and the control API returns
//! them.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::fault::ConnectionId;

/// Counters since the start or the last reset.
/// `pushed + re_pushed = delivered + waiting + unwritten + lost` at any moment.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Ledger {
    /// Callbacks handed to the simulator or made by it.
    pub pushed: u64,
    /// Further deliveries of the same callback: its `msgid` under a new `req_id`.
    pub re_pushed: u64,
    /// WrittenCallbacks to the socket of the bot's holder. On this platform a client does not confirm that it read a callback.
    pub delivered: u64,
    /// Waiting for a holder, or for a holder that reads.
    pub waiting: u64,
    /// Meant for a holder's socket and not written yet.
    pub unwritten: u64,
    /// Their connection ended before they were written.
    pub lost: u64,
    /// Subscribes received.
    pub subscribes: u64,
    /// Subscribes answered with 0.
    pub subscribed: u64,
    /// Connections displaced by a newer subscription.
    pub displacements: u64,
    /// Heartbeats received.
    pub pings: u64,
    /// Heartbeats with a `body`, which no client should send.
    pub pings_with_body: u64,
    /// RFC 6455 pings received, which no client should send either.
    pub protocol_pings: u64,
    /// Commands by name and by the code of their answer. A command that was carried out and not answered counts under its
    /// nominal code. One that a script ignored or answered with a raw text counts under -1.
    pub commands: BTreeMap<String, BTreeMap<i64, u64>>,
    /// Frames that are not a JSON object, and commands without `req_id`, with an unknown name or with a body that is not
    /// an object.
    pub malformed: u64,
    /// Messages that users see; a refreshed stream is one.
    pub shown: u64,
    /// Requests for media.
    pub downloads: u64,
    /// Upgrades that became connections.
    pub connections_opened: u64,
    /// Upgrades refused.
    pub upgrades_refused: u64,
    /// Connections that ended, for any reason.
    pub connections_ended: u64,
    /// Connections the client closed with a WebSocket close frame.
    pub closed_by_client: u64,
    /// Connections closed because they sent nothing for too long.
    pub idle_closed: u64,
    /// Violations of RFC 6455 by clients.
    pub protocol_errors: u64,
}

impl Ledger {
    /// How many commands of this name were answered with this code.
    pub fn answered(&self, command: &str, code: i64) -> u64 {
        let codes = self.commands.get(command);
        codes
            .and_then(|codes| codes.get(&code))
            .copied()
            .unwrap_or(0)
    }
}

/// The subscription of a connection.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum SubscriptionState {
    /// It has not subscribed, or was refused.
    None,
    /// It holds the bot.
    Subscribed,
    /// A newer connection holds the bot.
    Displaced,
    /// The subscription was removed without telling the client.
    Gone,
}

/// A connection as it is now.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ConnectionView {
    /// Its number.
    pub id: ConnectionId,
    /// The bot it subscribed last.
    pub bot: Option<String>,
    /// Its subscription.
    pub state: SubscriptionState,
    /// Milliseconds since 1970.
    pub opened_at_ms: u64,
    /// Milliseconds since 1970 of the subscription.
    pub subscribed_at_ms: Option<u64>,
    /// Callbacks in its output or on its socket.
    pub callbacks: u64,
    /// Of these, not written yet.
    pub unwritten: u64,
    /// Heartbeats received.
    pub pings: u64,
    /// Milliseconds since 1970 of the last one.
    pub last_ping_at_ms: Option<u64>,
    /// RFC 6455 pongs received.
    pub protocol_pongs: u64,
    /// `false` under `ConnectionFault::StopReading` and `ConnectionFault::HalfOpen`.
    pub reading: bool,
    /// `true` under `ConnectionFault::HalfOpen`.
    pub half_open: bool,
}

/// A bot as it is now.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct BotView {
    /// Its id.
    pub bot: String,
    /// The connection that holds it.
    pub holder: Option<ConnectionId>,
    /// Callbacks that wait for a holder.
    pub waiting: u64,
    /// Subscribes received for it.
    pub subscribes: u64,
    /// How often a holder was displaced.
    pub displacements: u64,
}
