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

use std::time::Duration;

use longwire_wire::answer::{Echo, RECORDED, REFUSED};
use longwire_wire::event::DurableProof;
use longwire_wire::websocket::{MaskKeys, Opcode, frame_in_place};

/// One answer to one data frame of the platform.
#[derive(Debug)]
pub struct Answer {
    echo: Echo,
    payload: &'static [u8],
}

impl Answer {
    /// ACK: code 200. The proof is used up; it has no other use than to be here.
    #[must_use]
    pub fn recorded(echo: Echo, proof: impl DurableProof) -> Self {
        drop(proof);
        Self {
            echo,
            payload: RECORDED,
        }
    }

    /// NACK: code 500, so that the platform pushes the event again.
    #[must_use]
    pub fn refused(echo: Echo) -> Self {
        Self {
            echo,
            payload: REFUSED,
        }
    }

    /// Appends the answer as one WebSocket message. `waited` goes into the header `biz_rt`.
    pub(super) fn write(&self, waited: Duration, masks: &mut MaskKeys, out: &mut Vec<u8>) {
        let len = self.echo.encoded_len(self.payload, Some(waited));
        frame_in_place(out, Opcode::Binary, masks.next_key(), len, |out| {
            self.echo.encode(self.payload, Some(waited), out);
        });
    }
}
