//! The simulated WeCom platform: the long connection of intelligent robots (aibot).
//!
//! ```text
//!  GET / ─▶ upgrade ─▶ connection ─▶ aibot_subscribe ─▶ the bot's holder ◀─ callbacks, acks, faults
//!                                                            │
//!                                 commands ─▶ acks, ledger ◀─ clock (displaced ones, paced traffic)
//! ```
//!
//! It listens on a port of its own and is used like the simulated Feishu: [`Sim`] with [`SimSettings`], [`Control`] or
//! the same commands as JSON below `/sim/v1`, and a [`Ledger`]. Callbacks are not acknowledged on this platform, so the
//! ledger says how far each came: pushed, written to the socket of the bot's holder, or lost with its connection. The
//! commands of bots are acked and counted.
//!
//! The holder of a bot is the connection that subscribed it last.
//!
//! The protocol is that of developer centre page 101463 and of the official Node and Python SDKs
//! (`@wecom/aibot-node-sdk` 1.0.7, `wecom-aibot-python-sdk` 1.0.2). If the platform's answer is not known, it is a
//! setting, whose comment says so. The Node SDK and the community's Python port of it run against this simulator in
//! `tests/conformance/wecom`.

mod api;
mod behaviour;
mod bot;
mod callback;
mod command;
mod control;
mod delivery;
mod fault;
mod fault_work;
mod inbound;
mod ledger;
mod live;
mod media;
mod message;
mod push;
mod rate;
mod record;
mod reply;
mod req_id;
mod settings;
mod shown;
mod sim;
mod state;
mod subscription;
mod traffic;
mod transcript;
mod upgrade;
mod views;

pub use crate::wecom::behaviour::{Behaviour, CommandKind, ScriptedAnswer};
pub use crate::wecom::control::Control;
pub use crate::wecom::fault::{ConnectionFault, Target};
pub use crate::wecom::ledger::{BotView, ConnectionView, Ledger, SubscriptionState};
pub use crate::wecom::media::Media;
pub use crate::wecom::push::{Chat, Content, Push};
pub use crate::wecom::rate::RateLimit;
pub use crate::wecom::record::{CallbackDelivery, CallbackRecord, DeliveryState, WrittenCallbacks};
pub use crate::wecom::settings::{Bots, DisplacedOrder, SimSettings};
pub use crate::wecom::shown::{Shown, Via};
pub use crate::wecom::sim::Sim;
pub use crate::wecom::state::UploadedFile;
pub use crate::wecom::traffic::Flood;
