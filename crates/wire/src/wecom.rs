//! The long connection of WeCom's intelligent robots: JSON text frames, `{cmd, headers, body}`.
//!
//! The way of a frame through here:
//!
//! ```text
//! Bytes ─▶ Incoming ─┬─▶ Callback ─▶ Identity    a message or an event; nothing answers for its receipt
//!                    ├─▶ Ack                     the answer to a frame of ours, by its req_id
//!                    └─▶ Unknown                 a command nobody has documented
//! ```
//!
//! [`subscribe`], [`ping`] and [`command`] are what we send; [`check_body`] says what of it is in vain. [`media`] decrypts what a
//! callback links to and plans uploads, [`limit`] and [`code`] hold the platform's figures. Nothing here knows of time,
//! order or what was asked before.
//!
//! Sources: WeCom developer centre, document path 101463; the official SDKs for Node 1.0.7 and
//! Python 1.0.2; reports of live use where those are silent.

mod ack;
mod body;
mod callback;
pub mod code;
mod command;
mod document;
mod error;
mod incoming;
pub mod limit;
pub mod media;
mod req_id;

pub use self::ack::Ack;
pub use self::body::{BodyRefusal, check_body};
pub use self::callback::{Callback, CallbackKind, ChatType, Facts};
pub use self::command::{Command, command, ping, subscribe};
pub use self::error::FrameError;
pub use self::incoming::Incoming;
pub use self::req_id::{Prefix, ReqId};
