//! The platforms' HTTP calls: asking for a long connection ([`feishu::endpoint`]), opening it ([`dial()`]), sending
//! messages ([`feishu::messages`]), and looking up what events have ids of only ([`feishu::lookups`]). Of WeCom: one
//! subscription that proves a bot's id and secret ([`wecom::subscribe_once`]).
//!
//! This crate knows the platforms' requests and refusals. `longwire-egress` sends the bytes, and `longwire-wire` reads and
//! writes them. Feishu and Lark grant an address for one connection; WeCom's address is always the same.
//!
//! Its only state are the tokens that the platform gave ([`feishu::TenantTokens`]). It never retries, but once after the
//! platform refused a token. What follows from an error is decided by its caller.

mod dial;
pub mod feishu;
pub mod wecom;

pub use dial::{DialError, dial};
