//! Bytes to frames, events and answers of the long connections of Feishu / Lark and WeCom, and back.
//!
//! The way of a push of Feishu or Lark through this crate:
//!
//! ```text
//! Bytes ─▶ FrameView ─▶ (fragments joined elsewhere) ─▶ Envelope ─▶ Identity
//!              │
//!              └─▶ Echo ─▶ answer frame, once the event is recorded
//! ```
//!
//! [`endpoint`] holds the JSON of the HTTP call that precedes every connection and the URL it
//! answers with. [`wecom`] is all of the other platform's. Everything of Feishu and Lark works in both directions, since the simulator is built on it too.
//! This crate does no I/O, reads no clock and does not log.

pub mod answer;
pub mod endpoint;
pub mod envelope;
pub mod frame;
pub mod identity;
mod members;
mod proto;
mod repair;
pub mod wecom;
