//! The platforms' calls: how a long connection is asked for and opened.
//!
//! This crate knows the platforms' request shapes and refusals; how bytes leave the host is
//! `longwire-egress`'s business, what the bytes mean `longwire-wire`'s. It keeps no state and never retries:
//! what follows from an error is decided by whoever called.

mod dial;
pub mod explanation;
pub mod feishu;

pub use dial::{DialError, dial};
