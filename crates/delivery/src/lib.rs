//! Brings recorded events to applications, each at its own pace.
//!
//! ```text
//! Deliveries (handle) ─▶ Delivery                      one per process; consumers of the store against running ones
//!                         ├─ Feed                      watches the end of the log, wakes consumers
//!                         └─ Consumer (per consumer)   owns a longwire_consumer::ConsumerQueue
//!                             └─ Endpoint              posts to a webhook
//! ```
//! All actors live on one thread of their own, so that they share events without locks. What a consumer receives next is decided
//! by its queue; rows are the store's, bytes on the network are `egress`'s. An event is sent after it was recorded, and never
//! holds up its acknowledgement: consumers are woken after the commit, and recording goes first.
//!
//! This crate knows nothing of connections to the platforms. What it needs of them comes as traits in [`DeliverySettings`].

mod asked_card;
mod card_claims;
mod clock;
mod consumer;
mod deliveries;
mod endpoint;
mod endpoint_plan;
mod expander;
mod feed;
mod figures;
mod giving_way;
mod index;
mod loaded;
mod log;
mod logged_event;
mod lookups;
mod operational;
mod outbox;
mod priority;
mod read_along;
mod relay;
mod root;
mod settings;
mod shared;
mod sse;
mod track;
mod view;
mod wake;

/// The kinds of the actors of delivery, parents before children.
pub const ACTOR_KINDS: [&str; 5] = [
    root::DELIVERY.label,
    feed::FEED.label,
    consumer::CONSUMER.label,
    endpoint::ENDPOINT.label,
    relay::RELAY_CONNECTION.label,
];

pub use asked_card::{AskedAnswer, AskedCard, AskedEvent};
pub use consumer::ClaimedEvent;
pub use deliveries::{
    AckError, AcknowledgedEvents, ChangeError, ClaimError, ClaimedAnswerError, CreateError,
    CreatedConsumer, Deliveries, DeliveriesEnded, DeliveryStartError, EventsExpired, JourneyError,
    ReadAlongError, RelayConsumerError, RelayTaken, RemoveError, ReplayError, ReplayOrder,
    RotateError, SeekError, SimulateError, SteerError, StreamError,
};
pub use endpoint_plan::EndpointRefused;
pub use figures::{DeliveryFigures, LATENCY_EDGES_MS};
pub use lookups::{EventLookups, LookupOutcome, NoLookups};
pub use read_along::{ReadAlong, ReadEnvelope, ReadPage};
pub use relay::{
    AttachError, RELAY_CONNECTION, RELAY_WINDOW, RelayConnectionView, RelayEvent, RelayHello,
    RelayInFlight, RelayOwner, RelayProof, RelayReader,
};
pub use settings::{
    ChatReplies, ChatReply, ChatReplyFailed, ChatReplyOutcome, DeliverySettings, DeliveryTiming,
    InstallationFacts, InstallationNames,
};
pub use view::{ConsumerProgress, ConsumerView};
