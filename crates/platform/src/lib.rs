//! The platforms' HTTP calls: asking for a long connection and opening it.
//!
//! This crate knows the platforms' requests and refusals. `longwire-egress` sends the bytes, and
//! `longwire-wire` reads and writes them. This crate has no state and never retries; the caller decides what follows
//! from an error.

mod dial;
pub mod feishu;

pub use dial::{DialError, dial};
