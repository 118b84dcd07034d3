//! Converts bytes to the frames, events and answers of long connections (Feishu, Lark, WeCom), and back.
//!
//! A push of Feishu or Lark passes through this crate as follows:
//!
//! ```text
//! Bytes ─▶ FrameView ─▶ (fragments joined elsewhere) ─▶ Envelope ─▶ Identity
//!              │
//!              └─▶ Echo ─▶ answer frame, once the event is recorded ([`event::DurableProof`])
//! ```
//!
//! [`callback`] reads the same events where the platform posts them over HTTP.
//!
//! [`endpoint`] holds the JSON of the HTTP call that precedes every connection, and the URL that the call returns;
//! [`open_api`] the JSON of the calls that say something.
//! [`websocket`] is the client's half of RFC 6455 beneath the frames. [`wecom`] holds everything of WeCom. [`webhook`]
//! signs what is delivered to applications. The types for Feishu and Lark both read and write, because the simulator uses
//! them too. This crate does no I/O, reads no clock, does not log.

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

pub mod answer;
pub mod callback;
pub mod card_answer;
pub mod catalogue;
pub mod endpoint;
pub mod envelope;
pub mod event;
pub mod explanation;
pub mod frame;
pub mod identity;
mod members;
pub mod open_api;
mod proto;
mod repair;
pub mod view;
pub mod webhook;
pub mod websocket;
pub mod wecom;
