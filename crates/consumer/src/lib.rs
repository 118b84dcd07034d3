//! What a consumer is, what it wants, and which event it receives next.
//!
//! A consumer is an application's durable position in the event log, with a filter and a policy. Webhook, pull and stream are
//! roads by which it receives events; this crate is the same for all of them.
//!
//! ```text
//! ConsumerQueue: page of events ─▶ lanes ─▶ Delivery ─▶ done, failed, acknowledged ─▶ Position
//! ```
//!
//! [`ConsumerQueue`] decides everything about order, retries, pauses, claims and repeats; its owner reads, sends, saves and
//! sets one timer. Everything here is a value or a machine: no I/O, no clock, no log. Random delays come from a seed.

// Unit tests may read a clock to have some instant to begin with.
#![cfg_attr(
    not(test),
    forbid(
        clippy::disallowed_macros,
        clippy::disallowed_methods,
        clippy::disallowed_types
    )
)]
#![cfg_attr(not(test), warn(clippy::wildcard_enum_match_arm))]

mod callback_types;
mod definition;
mod delivery;
mod envelope;
mod event_id;
mod expand;
mod filter;
mod glob;
mod moment;
mod news;
mod order_key;
mod policy;
mod position;
mod queue;
mod recent_clicks;
mod retry;
mod spread;
mod timestamp;
mod type_opinions;

pub use callback_types::{callback_types, claimed_callbacks};
pub use definition::{
    ConsumerDefinition, DefinitionFault, DefinitionFaults, FaultCode, Member, Members,
    OwnerNotices, RelayRoad, Road, StartFrom, StreamAck, WebhookHeaders, WebhookRoad,
    duration_text, parse_duration,
};
pub use delivery::{Delivery, DeliveryFailure, DeliveryId, ReadEvent, ReaderId, SentEvent};
pub use envelope::{
    AttemptFacts, BATCH_MEDIA_TYPE, BatchId, Detail, EVENT_MEDIA_TYPE, EventFacts, EventText,
    Withheld, envelope_type, traceparent, write_batch, write_event,
};
pub use event_id::{EventId, EventIdError, StoreTag};
pub use expand::{Expand, Expansions, ExpansionsError};
pub use filter::{EventFilter, RecordFacts};
pub use moment::Moment;
pub use news::{ConsumerNews, PositionSave, QueueState, ReadScope, ReadWant, SavePace};
pub use order_key::{ChatKey, DeliveryOrder, OrderKey, Urgent};
pub use policy::{AgeRule, DeliveryPolicy, GatherPolicy, GiveUp, MAX_GATHERED, MaxAge};
pub use position::{DeferredChat, MAX_DEFERRED, MAX_UNDONE, Position, PositionError, UndoneEvent};
pub use queue::{ConsumerQueue, QueueSettings, Receivers};
pub use recent_clicks::RecentClicks;
pub use retry::{MAX_RETRY_AFTER, retry_delay};
pub use timestamp::{parse_time, time_text};
pub use type_opinions::TypeOpinions;
