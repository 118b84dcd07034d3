//! Callbacks: what the platform posts to us, and what it is answered.
//!
//! ```text
//! headers, body ──▶ wire::callback ──▶ group ──▶ writer ──▶ receipt ──▶ 200
//!                        │                                    └──▶ the application, about a card event ──▶ 200 with its result
//!                        └──▶ a challenge is answered at once; what is not the platform's is refused
//! ```
//! A callback is recorded as the same event of a long connection would be, under the same keys, so that one which comes both
//! ways is recorded once. It needs no actor: whoever has the request waits for the writer. `fleet/callbacks.rs` beside the
//! handle carries it out, on the thread of that request; here are its words, its answers and its counts.
//!
//! Whatever the mode of a bot says, its callbacks are recorded: one that is switched may get events both ways for a while.

mod answer;
mod rejection;
mod tally;

pub use answer::{CallbackAnswer, OwedCallback};
pub use rejection::{CallbackRejection, RecordFailure};
pub(crate) use tally::{BotCallbacks, CallbackTotals, CallbackVerdict, Room, Saying};

use bytes::Bytes;
use longwire_wire::callback::{CallbackHeaders, ReplayWindow};
use std::time::Instant;

/// A request that the platform may have sent.
#[derive(Debug)]
pub struct IncomingCallback<'a> {
    /// The headers that its signature is made of.
    pub headers: CallbackHeaders<'a>,
    /// The platform's id of the request, for its support.
    pub trace_id: Option<&'a str>,
    /// Its body, as it came over the wire.
    pub body: Bytes,
    /// When its head was there: all deadlines begin then.
    pub since: Instant,
    /// What time it is now, in milliseconds since 1970. The age of the signature is told by it.
    pub now_ms: i64,
    /// How old a signature may be.
    pub window: ReplayWindow,
}

/// What becomes of a callback.
#[derive(Debug)]
pub enum CallbackOutcome {
    /// It asks whether the address is ours: 200 with this JSON.
    Challenged(Bytes),
    /// It is durable: 200.
    Recorded(CallbackAnswer),
    /// It is not recorded: no 200.
    Rejected(CallbackRejection),
}
