//! The platforms' HTTP calls: asking for a long connection ([`feishu::endpoint`]) and opening it ([`dial()`]).
//!
//! This crate knows the platforms' requests and refusals. `longwire-egress` sends the bytes, and `longwire-wire` reads and
//! writes them. Feishu and Lark grant an address for one connection; WeCom's address is always the same.
//!
//! This crate has no state and never retries. What follows from an error is decided in `longwire-link`.

mod dial;
pub mod feishu;

pub use dial::{DialError, dial};
