//! Simulated long-connection platforms that can be scripted: Feishu here, WeCom in [`wecom`].
//!
//! ```text
//!  POST /callback/ws/endpoint ─▶ ticket ─▶ GET /ws/v2 ─▶ connection ◀─ pushes, pongs, faults
//!                                                          │
//!                                        ACKs ─▶ ledger ◀─ clock (time-outs, ladder, paced traffic)
//! ```
//!
//! [`Sim`] serves all of this on one TCP port from one thread. [`Control`], or the same commands as JSON below
//! `/sim/v1`, pushes events, scripts answers, breaks connections and reads the [`Ledger`]. The ledger says of every
//! event whether it was acknowledged as the platform demands. The protocol is taken from the official SDKs (`ws/` of
//! oapi-sdk-go, lark-oapi 1.7.5, `@larksuiteoapi/node-sdk` 1.74).
//!
//! To apps whose console has request URLs it posts events and card callbacks, encrypted and signed ([`HttpPush`]).
//!
//! Below `/open-apis` it is the Open API as bots use it when they answer: tokens, messages, reactions, files and cards.
//! [`Control::transcript`] says what a person saw of it in a chat.
//!
//! The simulator is strict where the platform is known to be strict, and has a setting where this is not known. It
//! checks only the answer to an event, and never what a client does with the event.

mod api;
mod api_call;
mod api_calls;
mod behaviour;
mod bootstrap;
mod chat_event;
mod connection;
mod control;
mod deadlines;
mod delivery;
mod fault;
mod fault_work;
mod fragments;
mod http;
mod http_ledger;
mod http_push;
mod http_sender;
mod ids;
mod inbound;
mod latencies;
mod ledger;
mod live;
mod message;
mod numbers;
mod open_api;
mod pings;
mod profiles;
pub mod proxy;
mod push;
mod pushes;
mod script;
mod serde_forms;
mod server;
mod settings;
mod sim;
mod socket;
mod state;
mod tickets;
mod timer_queue;
mod tls;
mod tracked;
mod traffic;
mod transcript;
mod upgrade;
mod wall_clock;
pub mod wecom;

pub use crate::api_call::{ApiCall, CallOutcome};
pub use crate::behaviour::Behaviour;
pub use crate::chat_event::{ChatMessage, ChatSender, ClickedCard, PushedFile, PushedFileKind};
pub use crate::control::Control;
pub use crate::fault::{ConnectionFault, ConnectionId, Target};
pub use crate::http_ledger::{
    CardVerdict, HttpLedger, HttpPushKind, HttpPushRecord, HttpPushState, HttpTry, HttpVerdict,
};
pub use crate::http_push::{
    ClickedSchema, HttpLoad, HttpPush, HttpPushFlaw, HttpPushScheme, NoRequestUrl, RequestUrls,
    Roads, UrlCheck, UrlNotSaved, UrlProblem,
};
pub use crate::latencies::{Latencies, Latency};
pub use crate::ledger::{
    Attempt, AttemptOutcome, BadAcks, ConnectionView, Ledger, PushRecord, RecordState,
};
pub use crate::message::pushed_at_us;
pub use crate::open_api::BotMessage;
pub use crate::profiles::{BotProfile, ChatMode, ChatProfile, PersonProfile, Reach};
pub use crate::push::{FragmentPlan, HeaderType, Order, Payload, Push, PushId};
pub use crate::script::Script;
pub use crate::settings::{
    Apps, CallBudgets, CardAnswerRules, RepeatTimestamp, SimSettings, SimTls, StartError,
};
pub use crate::sim::Sim;
pub use crate::traffic::{ClosedLoop, Traffic, TrafficProgress};
pub use crate::transcript::{
    ChatAuthor, ChatClick, ChatFile, ChatLine, ChatReaction, EarlierText, Transcript,
};
pub use crate::wall_clock::WallClock;
pub use longwire_platform_server::feishu::bootstrap::DataShape;
