//! The platforms' server side for applications: their SDKs' connections, and the proxy of the Open API.
//!
//! ```text
//! feishu   POST /callback/ws/endpoint ──ticket──▶ /relay/feishu: one connection of an official SDK
//! wecom    /relay/wecom: any number of clients of one bot
//! proxy    /open-apis/…: calls of applications, with the bot's own token put in
//! ```
//! [`Relay`] is all of it: routes for the public listener, and what takes over requests for an upgrade. `admission.rs` says
//! which bot an application means and whether its token may have it; what it is told is the platform's own refusal, and the
//! cause is kept for the operator (`refusals.rs`). A connection's bytes are moved by `line.rs`, whichever platform it speaks.
//!
//! The crate decides no order, no repeat and no end of an event: that is the consumer's (`longwire_delivery`).

mod admission;
mod attaching;
mod clock;
mod connected;
mod entrance;
pub mod feishu;
mod limits;
mod line;
pub mod proxy;
mod public_url;
mod refusals;
mod relay;
mod tickets;
mod token_hold;
pub mod wecom;

pub use connected::ConnectedCount;
pub use limits::RelayLimits;
pub use public_url::{PublicUrl, PublicUrlError};
pub use refusals::{RefusalCause, RefusedConnection};
pub use relay::{Relay, RelaySettings};
