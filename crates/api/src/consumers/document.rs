//! A consumer as it is shown: its definition, and beside it how it does.

use longwire_consumer::{DeliveryFailure, QueueState, Road, time_text};
use longwire_delivery::{ConsumerView, DeliveryFigures, RelayConnectionView, RelayProof};
use longwire_installation::base32;
use longwire_store::ConsumerState;
use serde::Serialize;
use serde_json::{Value, json};
use utoipa::ToSchema;

/// Connections that are shown of one consumer. Its status has the number of all.
const CONNECTIONS: usize = 100;
/// Chats that are shown of one connection.
const CHATS: usize = 20;

/// How a consumer does.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct ConsumerStatus {
    /// `active`, `failing` (the endpoint fails and is probed; the backlog waits), `paused` (by somebody), `stopped` (the endpoint
    /// answered 410) or `not_running`.
    state: &'static str,
    /// Since when, of `active`, `paused` and `stopped`.
    since: String,
    /// Why it is not active, for people.
    reason: Option<String>,
    /// The numbers of the log that it has not done yet. Events that its filter leaves out count until they were looked at.
    lag_events: u64,
    /// The age of the oldest event in its memory that is not done, in seconds.
    lag_s: u64,
    /// The number of the log up to which every event is done.
    position: i64,
    /// Deliveries that have not ended.
    in_flight: usize,
    /// When something is tried next.
    next_try: Option<String>,
    /// Readers whose streams are open.
    streams: usize,
    /// Connections of the platform's protocol that its application holds.
    connections: usize,
    /// Replays that have not ended.
    replays: usize,
    /// Since the process started.
    counts: CountsDocument,
}

/// A connection that an application holds with the platform's SDK.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = RelayConnection)]
pub(crate) struct ConnectionDocument {
    /// The SDK with its version, as its `User-Agent` says.
    agent: Option<String>,
    /// Where it came from.
    peer: Option<String>,
    /// Since when.
    since: String,
    /// What shows that an event has arrived: `handler_ack` (the application acknowledges it when it has handled it) or
    /// `handed_over` (it acknowledges nothing, and a ping behind the event was answered).
    proof: &'static str,
    /// The events that it has and has not acknowledged.
    in_flight: usize,
    /// The chats of those, oldest event first, at most 20.
    chats: Vec<String>,
    /// When it last acknowledged an event.
    last_ack: Option<String>,
    /// The events that it was given.
    given: u64,
    /// Those that it acknowledged.
    done: u64,
    /// Those that it answered with an error.
    failed: u64,
}

impl ConnectionDocument {
    fn of(view: &RelayConnectionView) -> Self {
        let chats = view.in_flight.iter().filter_map(|one| one.chat.as_deref());
        Self {
            agent: view.agent.clone(),
            peer: view.peer.map(|peer| peer.to_string()),
            since: time_text(view.since_ms),
            proof: match view.proof {
                RelayProof::HandlerAck => "handler_ack",
                RelayProof::HandedOver => "handed_over",
            },
            in_flight: view.in_flight.len(),
            chats: chats.take(CHATS).map(str::to_owned).collect(),
            last_ack: view.last_ack_ms.map(time_text),
            given: view.given,
            done: view.done,
            failed: view.failed,
        }
    }
}

/// What was counted of a consumer since the process started.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = ConsumerCounts)]
pub(crate) struct CountsDocument {
    /// Events that the application took.
    done: u64,
    /// Attempts that ended well: 2xx, or an acknowledgement.
    taken: u64,
    /// Attempts at an endpoint where nobody listens.
    refused: u64,
    /// Attempts without a connection.
    unreachable: u64,
    /// Attempts without a whole answer.
    no_answer: u64,
    /// Attempts that took too long.
    timed_out: u64,
    /// Attempts that were answered with another status than 2xx.
    other_status: u64,
    /// Deliveries that a reader gave back.
    nacked: u64,
    /// Claims whose deadline passed.
    expired: u64,
    /// Events that were given up by policy.
    given_up: u64,
    /// Events that were too old by policy.
    skipped: u64,
    /// Numbers of the log that retention took before they were done.
    gone: u64,
    /// Events that were sent though the application may have had them.
    redelivered: u64,
}

impl CountsDocument {
    fn of(figures: &DeliveryFigures) -> Self {
        Self {
            done: figures.done,
            taken: figures.taken,
            refused: figures.refused,
            unreachable: figures.unreachable,
            no_answer: figures.no_answer,
            timed_out: figures.timed_out,
            other_status: figures.other_status,
            nacked: figures.nacked,
            expired: figures.expired,
            given_up: figures.given_up,
            skipped: figures.skipped,
            gone: figures.gone,
            redelivered: figures.redelivered,
        }
    }
}

impl ConsumerStatus {
    fn of(view: &ConsumerView) -> Self {
        let progress = &view.progress;
        let (state, reason) = state(view);
        Self {
            state,
            since: time_text(view.state_since_ms),
            reason,
            lag_events: progress.lag_events,
            lag_s: progress.lag.as_secs(),
            position: progress.floor.0,
            in_flight: progress.in_flight,
            next_try: progress.next_try_ms.map(time_text),
            streams: progress.streams,
            connections: progress.connections,
            replays: progress.replays,
            counts: CountsDocument::of(&view.figures),
        }
    }
}

/// What a consumer is (`active`, `failing`, `paused`, `stopped` or `not_running`), and why it is nothing better, for people.
#[must_use]
pub fn state(view: &ConsumerView) -> (&'static str, Option<String>) {
    match (
        &view.state,
        &view.progress.not_running,
        &view.progress.state,
    ) {
        (ConsumerState::Paused { reason }, _, _) => ("paused", Some(reason.clone())),
        (ConsumerState::Stopped { reason }, _, _) => ("stopped", Some(reason.clone())),
        (ConsumerState::Active, Some(why), _) => ("not_running", Some(why.clone())),
        // The row is ahead of the actor for a moment when somebody resumes it.
        (ConsumerState::Active, None, QueueState::Active | QueueState::Paused) => ("active", None),
        (ConsumerState::Active, None, QueueState::Failing { cause, .. }) => {
            ("failing", Some(failure(*cause)))
        }
        // The row says so in a moment.
        (ConsumerState::Active, None, QueueState::Stopped) => ("stopped", None),
    }
}

fn failure(cause: DeliveryFailure) -> String {
    match cause {
        DeliveryFailure::Refused => "nobody listens at the endpoint".to_owned(),
        DeliveryFailure::Unreachable => "the endpoint cannot be reached".to_owned(),
        DeliveryFailure::NoAnswer => "the endpoint gives no whole answer".to_owned(),
        DeliveryFailure::TimedOut => "the endpoint answers too late".to_owned(),
        DeliveryFailure::Status { code, .. } => format!("the endpoint answers {code}"),
        DeliveryFailure::Nacked { .. } | DeliveryFailure::Unhandled => {
            "a reader gave events back".to_owned()
        }
        DeliveryFailure::ClaimExpired => "a reader let the deadline of a claim pass".to_owned(),
    }
}

/// The consumer as JSON. Values of headers, which may be credentials, are left out: `…` stands for each.
pub(super) fn document(view: &ConsumerView) -> Value {
    let mut shown = view.definition.to_json();
    if let Some(headers) = shown
        .pointer_mut("/road/headers")
        .and_then(Value::as_object_mut)
    {
        for value in headers.values_mut() {
            *value = json!("…");
        }
    }
    let id = base32::encode(view.public_id.as_u128());
    shown["id"] = json!(format!("con_{}", String::from_utf8_lossy(&id)));
    shown["revision"] = json!(view.revision.0);
    shown["created"] = json!(time_text(view.created_ms));
    shown["updated"] = json!(time_text(view.updated_ms));
    shown["status"] = json!(ConsumerStatus::of(view));
    shown
}

/// The same with the connections that its application holds.
pub(super) fn with_connections(view: &ConsumerView, connections: &[RelayConnectionView]) -> Value {
    let mut shown = document(view);
    if matches!(view.definition.road, Road::Relay(_)) {
        let first = connections.iter().take(CONNECTIONS);
        let first: Vec<_> = first.map(ConnectionDocument::of).collect();
        shown["connections"] = json!(first);
    }
    shown
}
