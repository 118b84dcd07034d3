//! Connections of the platform's own protocol that applications hold open: what they say of themselves, and what they are sent.
//!
//! ```text
//! Consumer ─ RelayEvent ─▶ RelayReader ─▶ the connection's actor ─▶ SDK
//!    ▲                                                               │
//!    └───── done, failed, dropped ◀──────────────────────────────────┘
//! ```
//! The frames on these connections are another crate's. Here a connection is a reader that is given events one by one and says of
//! each how it ended. Several connections of one consumer share its chats.

mod link;

use std::fmt;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use bytestring::ByteString;
use longwire_access::{Grant, Space};
use longwire_actor::{ActorKind, Card};
use longwire_consumer::{DeliveryId, ReaderId};
use longwire_installation::{Name, Platform, PublicId};
use longwire_store::ConsumerId;
use longwire_wire::event::Seq;

pub use self::link::RelayReader;
pub(crate) use self::link::{RelayAnswer, RelayHeard, RelayLink};

/// One per connection of an application. The actor is the relay's; its place in the tree is under its consumer.
pub const RELAY_CONNECTION: ActorKind = ActorKind {
    label: "relay_connection",
    parent: Some("consumer"),
    capacity: 64,
};

/// Events that a connection may have unless it says otherwise. One of each chat: so many chats are answered side by side.
pub const RELAY_WINDOW: usize = 64;

/// Whose a connection is: the holder of a token, connected as a bot.
#[derive(Clone, Debug)]
pub struct RelayOwner {
    /// The token that the application has in place of the bot's secret.
    pub grant: Grant,
    /// The bot, of the token's space.
    pub installation: PublicId,
    /// What it is called.
    pub installation_name: Name,
    /// Its platform. Clicks of WeCom are answered by a command of their own, so that no consumer of it claims them.
    pub platform: Platform,
    /// How long its handlers may take, for a consumer that is made now.
    pub handler_limit: Duration,
}

/// What shows that an event has arrived.
#[derive(Copy, Clone, Debug, PartialEq, Eq)]
pub enum RelayProof {
    /// The application acknowledges each event when it has handled it: Feishu, Lark.
    HandlerAck,
    /// It acknowledges nothing. A ping sent behind the event was answered, so it was read: WeCom.
    HandedOver,
}

/// A connection as it attaches itself.
#[derive(Clone)]
pub struct RelayHello {
    /// The most events that it takes at a time, from 1. See [`RELAY_WINDOW`].
    pub window: usize,
    /// The `User-Agent` that it came with.
    pub agent: Option<String>,
    /// Where it came from.
    pub peer: Option<SocketAddr>,
    /// What shows that an event has arrived.
    pub proof: RelayProof,
    /// The card of its actor.
    pub card: Arc<Card>,
}

impl fmt::Debug for RelayHello {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("RelayHello")
            .field("window", &self.window)
            .field("agent", &self.agent)
            .field("peer", &self.peer)
            .field("proof", &self.proof)
            .finish_non_exhaustive()
    }
}

/// An event for a connection.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RelayEvent {
    /// By which it is answered. Never given twice by one consumer's actor.
    pub delivery: DeliveryId,
    /// Its place in the log.
    pub seq: Seq,
    /// Its type, as the platform calls it; none for a payload that could not be read.
    pub event_type: Option<ByteString>,
    /// Its chat.
    pub chat: Option<ByteString>,
    /// The platform's bytes, as they were recorded.
    pub payload: Bytes,
    /// The trace of the event (W3C Trace Context), the same at each attempt.
    pub traceparent: String,
    /// Whether the application may have had it before.
    pub redelivered: bool,
    /// Which attempt this is, from 1.
    pub attempt: u32,
    /// When it was recorded, in milliseconds since 1970.
    pub received_ms: i64,
    /// Whether it is a click of the old generation of cards, which has another type of frame.
    pub is_old_card: bool,
}

/// A connection as it is shown.
#[derive(Clone, Debug)]
pub struct RelayConnectionView {
    /// Its consumer.
    pub consumer: ConsumerId,
    /// What that is called.
    pub consumer_name: Name,
    /// Whose it is.
    pub space: Space,
    /// The public id of its token.
    pub token: Box<str>,
    /// The bot.
    pub installation: PublicId,
    /// Which of the consumer's readers it is.
    pub reader: ReaderId,
    /// Its SDK with version, as its `User-Agent` says.
    pub agent: Option<String>,
    /// Where it came from.
    pub peer: Option<SocketAddr>,
    /// What shows that an event has arrived there.
    pub proof: RelayProof,
    /// Since when it is attached, in milliseconds since 1970.
    pub since_ms: i64,
    /// What it has and has not answered, oldest first.
    pub in_flight: Vec<RelayInFlight>,
    /// When it last said that an event is done, in milliseconds since 1970.
    pub last_ack_ms: Option<i64>,
    /// The events that it was given.
    pub given: u64,
    /// Those of them that it said are done.
    pub done: u64,
    /// Those of them that it said failed.
    pub failed: u64,
}

/// An event that a connection has.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RelayInFlight {
    /// Its place in the log.
    pub seq: Seq,
    /// Its chat.
    pub chat: Option<ByteString>,
    /// Since when it has it, in milliseconds since 1970.
    pub since_ms: i64,
}

/// A connection was not attached.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum AttachError {
    /// There is no such consumer any more.
    #[error("there is no such consumer")]
    Unknown,
    /// Its events come over another road.
    #[error("the consumer's events do not go over connections of the platform's protocol")]
    OtherRoad,
    /// It is stopped, until somebody starts it again.
    #[error("the consumer is stopped: {reason}")]
    Stopped {
        /// Why, for people.
        reason: String,
    },
    /// The process ends.
    #[error("this process ends")]
    Draining,
    /// There are as many connections as may be.
    #[error("no more connections are taken: at most {most} at a time")]
    TooMany {
        /// How many there may be.
        most: usize,
    },
    /// No actor runs it now.
    #[error("the consumer does not run: {why}; try again")]
    NotRunning {
        /// Why.
        why: String,
    },
}
