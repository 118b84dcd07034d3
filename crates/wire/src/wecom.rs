//! The frames of the long connection of WeCom's intelligent robots: JSON text, `{cmd, headers, body}`.
//!
//! A received frame passes through this module as follows:
//!
//! ```text
//! Bytes ─▶ Incoming ─┬─▶ Callback ─▶ Identity    a message or an event; WeCom wants no acknowledgement
//!                    ├─▶ Ack                     the answer to a frame that we sent, found by its req_id
//!                    └─▶ Unknown                 an undocumented command
//! ```
//!
//! [`subscribe`], [`ping`] and [`command`] write the frames that we send. [`check_body`] finds bodies that the platform
//! would refuse, and [`text_reply`] and its neighbours write those of plain texts. [`media`] decrypts downloads and plans uploads. [`limit`] and [`code`] hold the platform's figures.
//! This module has no clock and no state: it does not know which frames came or were sent before.
//!
//! Sources: WeCom developer centre, document path 101463; the official SDKs for Node 1.0.7 and Python 1.0.2; reports of
//! live use for facts that these do not have.

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
mod text;

pub use self::ack::Ack;
pub use self::body::{BodyRefusal, check_body};
pub use self::callback::{Callback, CallbackKind, ChatType, Facts};
pub use self::command::{Command, CommandName, command, named_command, ping, subscribe};
pub use self::error::FrameError;
pub use self::incoming::Incoming;
pub use self::req_id::{Prefix, ReqId};
pub use self::text::{text_message, text_reply, text_welcome};
