//! The answers that the platform may get to an event. There are two, and the good one needs proof.
//!
//! [`Answer::recorded`] uses a [`DurableProof`] up. In the product only a committed transaction of the store makes one, so a
//! code 200 before the event is durable cannot be written down:
//!
//! ```compile_fail,E0061
//! use longwire_link::session::Answer;
//! use longwire_wire::answer::Echo;
//! fn too_early(echo: Echo) -> Answer {
//!     Answer::recorded(echo)
//! }
//! ```
//!
//! ```compile_fail,E0451
//! use longwire_link::session::Answer;
//! use longwire_wire::answer::Echo;
//! fn by_hand(echo: Echo) -> Answer {
//!     Answer { echo, payload: br#"{"code":200}"# }
//! }
//! ```
//!
//! What merely looks like a proof is none:
//!
//! ```compile_fail,E0277
//! use longwire_link::session::Answer;
//! use longwire_wire::answer::Echo;
//! struct Forged { ticket: u32 }
//! fn with_something_else(echo: Echo) -> Answer {
//!     Answer::recorded(echo, Forged { ticket: 1 })
//! }
//! ```
//!
//! An event whose application is asked first keeps its proof in an [`OwedAck`], which is no easier to have:
//!
//! ```compile_fail,E0451
//! use longwire_link::session::{Answer, OwedAck};
//! use longwire_wire::answer::Echo;
//! fn by_hand(echo: Echo) -> Answer {
//!     Answer::with_result(OwedAck { echo }, b"{}")
//! }
//! ```
//!
//! With a proof the first one compiles:
//!
//! ```
//! use longwire_link::session::Answer;
//! use longwire_wire::answer::Echo;
//! use longwire_wire::event::DurableProof;
//! fn in_order(echo: Echo, proof: impl DurableProof) -> Answer {
//!     Answer::recorded(echo, proof)
//! }
//! ```
//!
//! and so does the last one:
//!
//! ```
//! use longwire_link::session::{Answer, OwedAck};
//! use longwire_wire::answer::Echo;
//! use longwire_wire::event::DurableProof;
//! fn later(echo: Echo, proof: impl DurableProof) -> Answer {
//!     Answer::with_result(OwedAck::of(echo, proof), b"{}")
//! }
//! ```

use std::borrow::Cow;
use std::time::Duration;

use longwire_wire::answer::{Echo, RECORDED, REFUSED, with_data};
use longwire_wire::event::DurableProof;
use longwire_wire::websocket::{MaskKeys, Opcode, frame_in_place};

/// One answer to one data frame of the platform.
#[derive(Debug)]
pub struct Answer {
    echo: Echo,
    payload: Cow<'static, [u8]>,
}

/// The frame of an event that is recorded and not answered yet, because its application is asked first. Only a proof makes
/// one, so what it is answered in the end is an ACK of a durable event.
#[derive(Debug)]
pub struct OwedAck {
    echo: Echo,
}

impl OwedAck {
    /// The event is durable, and its ACK comes later. The proof is used up.
    #[must_use]
    pub fn of(echo: Echo, proof: impl DurableProof) -> Self {
        drop(proof);
        Self { echo }
    }
}

impl Answer {
    /// ACK: code 200. The proof is used up; it has no other use than to be here.
    #[must_use]
    pub fn recorded(echo: Echo, proof: impl DurableProof) -> Self {
        drop(proof);
        Self {
            echo,
            payload: Cow::Borrowed(RECORDED),
        }
    }

    /// ACK: code 200 with the result of a card callback, a JSON document.
    #[must_use]
    pub fn with_result(owed: OwedAck, result_json: &[u8]) -> Self {
        Self {
            echo: owed.echo,
            payload: Cow::Owned(with_data(result_json)),
        }
    }

    /// ACK: code 200 without a result, where no application claims the event after all.
    #[must_use]
    pub fn without_result(owed: OwedAck) -> Self {
        Self {
            echo: owed.echo,
            payload: Cow::Borrowed(RECORDED),
        }
    }

    /// NACK: code 500, so that the platform pushes the event again.
    #[must_use]
    pub fn refused(echo: Echo) -> Self {
        Self {
            echo,
            payload: Cow::Borrowed(REFUSED),
        }
    }

    /// Appends the answer as one WebSocket message. `waited` goes into the header `biz_rt`.
    pub(super) fn write(&self, waited: Duration, masks: &mut MaskKeys, out: &mut Vec<u8>) {
        let len = self.echo.encoded_len(&self.payload, Some(waited));
        frame_in_place(out, Opcode::Binary, masks.next_key(), len, |out| {
            self.echo.encode(&self.payload, Some(waited), out);
        });
    }
}
