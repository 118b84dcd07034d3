//! What is shown of consumers. Made of what their actors wrote down, so that no reader waits for an actor.

use std::sync::Arc;
use std::time::Duration;

use longwire_access::Space;
use longwire_consumer::{ConsumerDefinition, QueueState};
use longwire_installation::{Name, Revision};
use longwire_store::{ConsumerId, ConsumerState};
use longwire_wire::event::Seq;
use uuid::Uuid;

use crate::figures::DeliveryFigures;

/// A consumer, as it is now.
#[derive(Clone, Debug)]
pub struct ConsumerView {
    /// Its row.
    pub id: ConsumerId,
    /// What it is called outside; it never changes.
    pub public_id: Uuid,
    /// Its name, unique in its space.
    pub name: Name,
    /// Whose it is.
    pub space: Space,
    /// What it wants. It holds the values of a webhook's headers.
    pub definition: Arc<ConsumerDefinition>,
    /// Its latest change.
    pub revision: Revision,
    /// When it was made, in milliseconds since 1970.
    pub created_ms: i64,
    /// When its definition or state last changed, in milliseconds since 1970.
    pub updated_ms: i64,
    /// What its owner or an answer 410 made of it.
    pub state: ConsumerState,
    /// Since when, in milliseconds since 1970.
    pub state_since_ms: i64,
    /// How it does.
    pub progress: ConsumerProgress,
    /// What was counted since this process started.
    pub figures: DeliveryFigures,
}

/// How a consumer does.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ConsumerProgress {
    /// Whether an actor runs it. While none does, the reason; the rest is what the last one wrote down.
    pub not_running: Option<String>,
    /// Why nothing is sent, if nothing is.
    pub state: QueueState,
    /// Every event up to here is done.
    pub floor: Seq,
    /// Every event up to here was looked at.
    pub reached: Seq,
    /// The numbers of the log behind [`floor`](Self::floor). They count events, too, that the filter leaves out and that were
    /// not looked at yet.
    pub lag_events: u64,
    /// How long ago the oldest event in memory that is not done was recorded.
    pub lag: Duration,
    /// Deliveries that have not ended.
    pub in_flight: usize,
    /// Events in memory that are not done.
    pub held_events: usize,
    /// When something is tried next, in milliseconds since 1970, if that waits for a time.
    pub next_try_ms: Option<i64>,
    /// Readers of streams that are connected.
    pub streams: usize,
    /// Connections of the platform's protocol that applications hold.
    pub connections: usize,
    /// Replays that have not ended.
    pub replays: usize,
}

impl Default for ConsumerProgress {
    fn default() -> Self {
        Self {
            not_running: Some("it was not started yet".to_owned()),
            state: QueueState::Active,
            floor: Seq(0),
            reached: Seq(0),
            lag_events: 0,
            lag: Duration::ZERO,
            in_flight: 0,
            held_events: 0,
            next_try_ms: None,
            streams: 0,
            connections: 0,
            replays: 0,
        }
    }
}
