//! What the platform is answered to a callback that is recorded.
//!
//! A [`CallbackAnswer`] is the body of a 200. It is made of a [`Receipt`], which only a committed transaction makes, so a 200
//! before the event is durable cannot be written down:
//!
//! ```compile_fail,E0061
//! use longwire_fleet::CallbackAnswer;
//! fn too_early() -> CallbackAnswer {
//!     CallbackAnswer::recorded()
//! }
//! ```
//!
//! ```compile_fail,E0451
//! use longwire_fleet::CallbackAnswer;
//! fn by_hand(json: bytes::Bytes) -> CallbackAnswer {
//!     CallbackAnswer { json }
//! }
//! ```
//!
//! With a receipt it compiles:
//!
//! ```
//! use longwire_fleet::{CallbackAnswer, OwedCallback};
//! use longwire_store::Receipt;
//! fn in_order(receipt: Receipt) -> CallbackAnswer {
//!     CallbackAnswer::recorded(receipt)
//! }
//! fn later(receipt: Receipt) -> CallbackAnswer {
//!     CallbackAnswer::with_result(OwedCallback::of(receipt), (&b"{}"[..]).into())
//! }
//! ```

use bytes::Bytes;
use longwire_store::Receipt;
use longwire_wire::event::{DurableProof as _, Seq};
use std::fmt;

/// What the official SDKs answer to an event. The platform does not look at it.
const SUCCESS: &[u8] = br#"{"msg":"success"}"#;
/// A result that leaves the card as it is.
const NOTHING: &[u8] = b"{}";

/// The body of the 200 to a callback that is recorded.
pub struct CallbackAnswer {
    json: Bytes,
}

/// A card event that is recorded and not answered yet, because its application is asked first.
#[derive(Debug)]
pub struct OwedCallback {
    receipt: Receipt,
}

impl OwedCallback {
    /// The event is durable, and its answer comes later.
    #[must_use]
    pub fn of(receipt: Receipt) -> Self {
        Self { receipt }
    }

    /// The event's place in the log.
    #[must_use]
    pub fn seq(&self) -> Seq {
        self.receipt.seq()
    }

    /// Whether the event was recorded before.
    #[must_use]
    pub fn is_repeat(&self) -> bool {
        self.receipt.repeat().is_some()
    }
}

impl CallbackAnswer {
    /// To an event. The receipt is used up.
    #[must_use]
    pub fn recorded(receipt: Receipt) -> Self {
        drop(receipt);
        Self {
            json: Bytes::from_static(SUCCESS),
        }
    }

    /// To a card event: its result, a JSON document that the platform takes.
    #[must_use]
    pub fn with_result(owed: OwedCallback, result_json: Bytes) -> Self {
        drop(owed.receipt);
        Self { json: result_json }
    }

    /// To a card event that no application claims: the card stays as it is.
    #[must_use]
    pub fn without_result(owed: OwedCallback) -> Self {
        Self::with_result(owed, Bytes::from_static(NOTHING))
    }

    /// The JSON.
    #[must_use]
    pub fn into_json(self) -> Bytes {
        self.json
    }
}

/// Without the result, which may be what an application said to a user.
impl fmt::Debug for CallbackAnswer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("CallbackAnswer")
            .field("bytes", &self.json.len())
            .finish()
    }
}
