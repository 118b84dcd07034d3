//! The applications that are connected over the relay, and those that were refused.

use std::collections::BTreeMap;

use longwire_access::TokenId;
use longwire_api::Timestamp;
use longwire_delivery::{ConsumerView, RelayConnectionView, RelayProof};
use longwire_relay::RefusedConnection;
use serde::{Deserialize, Serialize};

/// `GET /relay`: connections in an order that stays, so many of them, and who was refused.
#[derive(Debug, Serialize, Deserialize)]
pub struct RelayPage {
    /// The connections.
    pub data: Vec<ApplicationDocument>,
    /// Where the next page begins; none on the last one.
    pub next: Option<String>,
    /// How many there are in all.
    pub total: usize,
    /// Connections that were refused since the start of the process, by cause.
    pub refused: BTreeMap<String, u64>,
    /// The last of them, the newest first.
    pub last_refused: Vec<RefusedDocument>,
}

/// One connection of an application.
#[derive(Debug, Serialize, Deserialize)]
pub struct ApplicationDocument {
    /// What it is called within the process: `after` of a page takes it.
    pub id: String,
    /// The consumer whose events it gets.
    pub consumer: String,
    /// Whose it is.
    pub space: String,
    /// Its token.
    pub token: NamedDocument,
    /// The bot it is connected as.
    pub installation: NamedDocument,
    /// Its SDK and version, as its `User-Agent` says.
    pub agent: Option<String>,
    /// Where it comes from.
    pub peer: Option<String>,
    /// Since when.
    pub since: Timestamp,
    /// `handler_ack`: each event is acknowledged when it was handled. `handed_over`: when it was read.
    pub proof: String,
    /// Events that it has and has not answered, oldest first; at most one of each chat.
    pub in_flight: Vec<InFlightDocument>,
    /// When it last said that an event is done.
    pub last_ack: Option<Timestamp>,
    /// Events that it was given.
    pub given: u64,
    /// Those of them that are done.
    pub done: u64,
    /// Those of them that failed.
    pub failed: u64,
    /// How old the oldest event of its consumer is that is not done, whichever connection has it.
    pub lag_ms: Option<u64>,
    /// Numbers of the log behind the consumer's position.
    pub lag_events: Option<u64>,
    /// Calls of the Open API by its token as this bot, in the last minute.
    pub calls_per_minute: u32,
}

/// Something with an id and a name.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct NamedDocument {
    /// Its id.
    pub id: String,
    /// Its name; none once it is gone.
    pub name: Option<String>,
}

/// An event that a connection has.
#[derive(Debug, Serialize, Deserialize)]
pub struct InFlightDocument {
    /// Its number in the log.
    pub seq: i64,
    /// Its chat.
    pub chat: Option<String>,
    /// Since when.
    pub since: Timestamp,
}

/// A connection that was refused. What the application was told is the platform's own words, which say less.
#[derive(Debug, Serialize, Deserialize)]
pub struct RefusedDocument {
    /// When.
    pub at: Timestamp,
    /// Why: a stable name.
    pub cause: String,
    /// What to do about it.
    pub next_step: String,
    /// The app or bot, where such a one is known here.
    pub app_id: Option<String>,
    /// The id of the token, where one was shown.
    pub token: Option<TokenId>,
    /// Where it came from.
    pub peer: Option<String>,
    /// What it calls itself.
    pub agent: Option<String>,
}

impl ApplicationDocument {
    /// Of a connection, its consumer if it still is there, and what is known of it elsewhere.
    pub(crate) fn of(
        view: &RelayConnectionView,
        consumer: Option<&ConsumerView>,
        token: NamedDocument,
        installation: NamedDocument,
        calls_per_minute: u32,
    ) -> Self {
        let progress = consumer.map(|consumer| &consumer.progress);
        let in_flight = view.in_flight.iter().map(|event| InFlightDocument {
            seq: event.seq.0,
            chat: event.chat.as_ref().map(ToString::to_string),
            since: Timestamp::of_ms(event.since_ms),
        });
        Self {
            id: relay_connection_id(view),
            consumer: view.consumer_name.to_string(),
            space: view.space.to_string(),
            token,
            installation,
            agent: view.agent.clone(),
            peer: view.peer.map(|peer| peer.to_string()),
            since: Timestamp::of_ms(view.since_ms),
            proof: match view.proof {
                RelayProof::HandlerAck => "handler_ack",
                RelayProof::HandedOver => "handed_over",
            }
            .to_owned(),
            in_flight: in_flight.collect(),
            last_ack: view.last_ack_ms.map(Timestamp::of_ms),
            given: view.given,
            done: view.done,
            failed: view.failed,
            lag_ms: progress
                .map(|progress| u64::try_from(progress.lag.as_millis()).unwrap_or(u64::MAX)),
            lag_events: progress.map(|progress| progress.lag_events),
            calls_per_minute,
        }
    }
}

/// What a connection is called within the process, of a form that sorts as its place in the list.
pub(crate) fn relay_connection_id(view: &RelayConnectionView) -> String {
    format!("{:016x}.{:016x}", view.consumer.0, view.reader.0)
}

impl From<RefusedConnection> for RefusedDocument {
    fn from(refused: RefusedConnection) -> Self {
        Self {
            at: Timestamp::of_ms(refused.at_ms),
            cause: refused.cause.label().to_owned(),
            next_step: refused.cause.advice().to_owned(),
            app_id: refused.app_id,
            token: refused.token,
            peer: refused.peer.map(|peer| peer.to_string()),
            agent: refused.agent,
        }
    }
}
