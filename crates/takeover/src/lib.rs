//! A new process takes over from a running one: what the two say to each other, and who does what when.
//!
//! ```text
//! new process (successor)                     running process (predecessor)
//!   Hello ────────────────────────────────────▶
//!         ◀──────────────── Welcome, listeners    its listeners, and a connection for batches of events
//!   connects Feishu's bots beside the other's
//!   Live(bot) ────────────────────────────────▶   answers what it has in hand, closes the bot's connection
//!         ◀──────────────────────── Given(bot)
//!   Take(bot) ────────────────────────────────▶   WeCom: expects to be displaced, and reads until then
//!         ◀──────────────────────── Yours(bot)
//!   subscribes, Live(bot) ────────────────────▶
//!         ◀──────────────────────── Given(bot)
//!   LetGo ────────────────────────────────────▶   ends delivery and its listeners, lets go of the store, ends
//!   opens the store, starts delivery and its listeners
//! ```
//! Until `LetGo` the predecessor can go on alone: when the connection ends, it connects again what it gave away. [`Successor`]
//! and [`Predecessor`] decide; they have no I/O, clock or log. [`frame`] turns messages into bytes, and [`descriptors`] passes open files on.

pub mod descriptors;
pub mod frame;
mod message;
mod predecessor;
mod refusal;
mod successor;

pub use message::{
    BotId, Given, Hello, LetGo, Live, Refused, Take, TakeoverMessage, Welcome, Yours,
};
pub use predecessor::{Predecessor, PredecessorAction, PredecessorPhase};
pub use refusal::TakeoverRefusal;
pub use successor::{
    BotRoad, Observed, Successor, SuccessorAction, SuccessorPhase, Summary, TakeoverFailure,
    TakeoverTiming,
};

/// The version of the messages. Two processes with different ones do not take over from each other.
pub const PROTOCOL: u32 = 1;
