//! The client's half of RFC 6455 framing, for a connection that is mostly idle.
//!
//! [`FrameReader`] splits what was read into messages without copying them; the `write_` functions append masked
//! frames to a buffer that its owner flushes in one go. Neither does I/O, answers a ping, or keeps memory
//! between messages, so ten thousand idle connections cost ten thousand small structs.

mod mask;
mod reader;
mod violation;
mod writer;

#[cfg(test)]
mod tests;

pub use mask::MaskKeys;
pub use reader::{CloseFrame, FrameLimits, FrameReader, ReceivedMessage};
pub use violation::Violation;
pub use writer::{Opcode, frame_in_place, write_binary, write_close, write_ping, write_pong};

/// The most a control frame may carry (RFC 6455, section 5.5).
const MAX_CONTROL_BYTES: usize = 125;
