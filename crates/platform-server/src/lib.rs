//! The platforms' server side: what a client of theirs is answered, and how frames go out to it.
//!
//! ```text
//!  POST /callback/ws/endpoint ─▶ feishu::bootstrap ─▶ feishu::SocketUrl
//!  GET with Upgrade           ─▶ upgrade           ─▶ 101, or a refusal
//!  bytes of a client          ─▶ websocket::MessageReader ─▶ ClientMessage
//!  an event                   ─▶ feishu::DataFrames, wecom::callback_frame ─▶ bytes
//! ```
//!
//! It has two users: `sim`, which scripts and breaks all of this, and `relay`, to which applications connect instead of
//! the platform. So it has no script and no fault, and decides nothing about a connection. It does no I/O, reads no clock,
//! draws nothing at random and does not log: ids, times and limits are arguments.

// Unit tests may read a clock to have some instant to begin with.
#![cfg_attr(
    not(test),
    forbid(
        clippy::disallowed_macros,
        clippy::disallowed_methods,
        clippy::disallowed_types
    )
)]

pub mod feishu;
pub mod upgrade;
pub mod websocket;
pub mod wecom;
