//! The actors of longwire, from the supervisor down to the receipt.
//!
//! ```text
//! Supervisor                one per process: wanted installations against running ones, permits to connect
//!  ├─ Dispatch              one per process: keeps the store's writer thread alive
//!  └─ Installation          one per bot: owns the link's state machine
//!      ├─ Socket            one per connection: the only one that touches its bytes
//!      ├─ Pinger            one per connection: heartbeat and liveness
//!      ├─ Assembler         one per connection: split pushes
//!      └─ Sender            while the bot says something: its outgoing messages
//! ```
//!
//! An event that the platform posts over HTTP needs no actor: [`Fleet::callback`] has it recorded for whoever has the request.
//!
//! An event: bytes → frame → identity → group → commit → receipt → ACK. The socket hands one group per read burst to the
//! writer and gets its receipts in one message. This crate decides nothing about a connection (`longwire_link` does) and has
//! neither HTTP nor JSON of its own.

#![cfg_attr(not(test), warn(clippy::wildcard_enum_match_arm))]

mod absence;
mod access;
mod assembler;
mod bot;
mod bot_index;
mod call;
mod callbacks;
mod cards;
mod clock;
mod config_fault;
mod connection_log;
mod context;
mod dispatch;
mod elsewhere;
mod failure;
mod fault;
mod fleet;
mod host;
mod installation;
mod kind;
mod latency;
mod line;
mod lookup;
mod loss;
mod malformed;
mod message_rate;
mod not_live;
mod open_files;
mod operations;
mod pinger;
mod probe;
mod record_order;
mod reply;
mod request;
mod retained;
mod retained_bytes;
mod sender;
pub mod setback;
mod settings;
mod socket;
mod space_room;
mod stop_reason;
mod supervisor;
mod totals;
mod try_secret;
mod unfinished;
mod user_authorizations;
mod user_call;
pub mod view;
mod writing;

pub use callbacks::{
    CallbackAnswer, CallbackOutcome, CallbackRejection, IncomingCallback, OwedCallback,
    RecordFailure,
};
pub use cards::{CardAnswering, CardBroker, CardQuestion, CardReply};
pub use config_fault::ConfigFault;
pub use failure::FleetFailure;
pub use fault::InjectError;
pub use fleet::{
    AuthorizationLink, BotStanding, ConnectionStanding, Fleet, RetryError, SpaceIsFull,
    UploadError, UploadFile, UserAccessToken, UserAuthorizationError,
};
pub use kind::{ConnectionActor, FleetActor};
pub use longwire_actor::Fault;
pub use longwire_link::AnsweredSender;
pub use longwire_platform::feishu::{IdempotencyKey, IdempotencyKeyError};
pub use lookup::BotLookupError;
pub use message_rate::{MessageRateError, MessageRateLimit};
pub use not_live::{NotLiveBot, NotLiveGroup, WantedCounts, WantedView};
pub use probe::{PROBE_DEADLINE, ProbeError, ProbeExtent, Probed, Proof, probe};
pub use reply::{ReplyError, ReplyOrder, ReplySent, ReplyTo, WecomCallbackKind};
pub use request::{RawRequest, Reply, Request, RequestError};
pub use settings::{FleetLimits, FleetSettings};
pub use try_secret::{SecretTried, TrySecretError};
pub use view::{
    ActorView, AnswerTotals, CallbackView, CardTotals, ConnectionLimitView, ConnectionTotals,
    Drained, EventTotals, Inspection, InstallationView, Lights, Overview, Quantiles,
    RefusedCallback, RenewalOutcome, RenewalView, STATE_LABELS, StoreView,
};
