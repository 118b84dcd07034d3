//! The answers a socket may give to the platform. There are two, and the good one needs proof.
//!
//! [`Answer::recorded`] consumes a [`Receipt`], which only a committed transaction of the store makes, so a code 200
//! before the event is durable cannot be written down:
//!
//! ```compile_fail,E0061
//! use longwire_fleet::Answer;
//! use longwire_wire::answer::Echo;
//! fn too_early(echo: Echo) -> Answer {
//!     Answer::recorded(echo)
//! }
//! ```
//!
//! ```compile_fail,E0451
//! use longwire_fleet::Answer;
//! use longwire_wire::answer::Echo;
//! fn by_hand(echo: Echo) -> Answer {
//!     Answer { echo, payload: br#"{"code":200}"# }
//! }
//! ```
//!
//! With the receipt the first one compiles:
//!
//! ```
//! use longwire_fleet::Answer;
//! use longwire_store::Receipt;
//! use longwire_wire::answer::Echo;
//! fn in_order(echo: Echo, receipt: Receipt) -> Answer {
//!     Answer::recorded(echo, receipt)
//! }
//! ```

use longwire_store::Receipt;
use longwire_wire::answer::{Echo, RECORDED, REFUSED};
use longwire_wire::websocket::{self as ws, MaskKeys, Opcode};
use std::time::Duration;

/// One answer to one data frame of the platform.
pub struct Answer {
    echo: Echo,
    payload: &'static [u8],
}

impl Answer {
    /// ACK: code 200. The receipt is used up; it has no other use than to be here.
    #[must_use]
    pub fn recorded(echo: Echo, receipt: Receipt) -> Self {
        drop(receipt);
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
    pub(crate) fn write(&self, waited: Duration, masks: &mut MaskKeys, out: &mut Vec<u8>) {
        let len = self.echo.encoded_len(self.payload, Some(waited));
        ws::frame_in_place(out, Opcode::Binary, masks.next_key(), len, |out| {
            self.echo.encode(self.payload, Some(waited), out);
        });
    }
}
