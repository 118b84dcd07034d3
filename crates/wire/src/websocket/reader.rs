//! Splits what was read from a server into messages.
//!
//! A chunk is one read. Whole frames inside it become slices of it; of a frame that the chunk cuts off, the
//! payload that came is copied to a buffer that grows with what arrives. A header that announces too much
//! is refused before anything is taken for it. Fragments are joined under the same limit, with control
//! frames between them passed on at once. Once all is consumed the reader holds no memory.

use bytes::Bytes;

use super::MAX_CONTROL_BYTES;
use super::violation::Violation;
use super::writer::Opcode;

/// What a server may make us keep.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct FrameLimits {
    /// The longest message, all fragments together, in bytes.
    pub max_message_bytes: usize,
}

impl Default for FrameLimits {
    /// 4 MiB: the platform splits its pushes long before.
    fn default() -> Self {
        Self {
            max_message_bytes: 4 * 1024 * 1024,
        }
    }
}

/// One message, or one control frame.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ReceivedMessage {
    /// A binary message. Keeping it keeps the chunk it came in.
    Binary(Bytes),
    /// A text message, as bytes: whoever wants to read it checks that it is UTF-8.
    Text(Bytes),
    /// To be answered by a pong with the same payload, at most 125 bytes.
    Ping(Bytes),
    /// An answer, or unasked.
    Pong(Bytes),
    /// The server ends the connection; nothing follows. `None` when it gives no code.
    Close(Option<CloseFrame>),
}

/// Why a server closes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CloseFrame {
    /// A code that may be sent (RFC 6455, section 7.4): 1000 and up.
    pub code: u16,
    /// Text for people, at most 123 bytes.
    pub reason: String,
}

/// The longest header of an unmasked frame: two bytes and a 64-bit length.
const MAX_HEADER_BYTES: usize = 10;

/// The reading half of a connection. See the module.
#[derive(Debug)]
pub struct FrameReader {
    limits: FrameLimits,
    /// What was fed and not consumed.
    chunk: Bytes,
    /// A header that a chunk cut off.
    header: [u8; MAX_HEADER_BYTES],
    header_len: u8,
    /// The frame whose payload comes next.
    frame: Option<Frame>,
    /// Its payload so far, unless it belongs to `message`.
    payload: Vec<u8>,
    /// The fragmented message that is coming in. Boxed, since the platform sends none.
    message: Option<Box<Message>>,
    failed: Option<Violation>,
}

#[derive(Debug, Clone, Copy)]
struct Frame {
    opcode: Opcode,
    last: bool,
    /// Payload bytes that have not come.
    missing: usize,
}

#[derive(Debug)]
struct Message {
    opcode: Opcode,
    joined: Vec<u8>,
}

impl FrameReader {
    /// A reader at the start of a connection.
    pub fn new(limits: FrameLimits) -> Self {
        Self {
            limits,
            chunk: Bytes::new(),
            header: [0; MAX_HEADER_BYTES],
            header_len: 0,
            frame: None,
            payload: Vec::new(),
            message: None,
            failed: None,
        }
    }

    /// Hands over what was read. Meant to be called when [`FrameReader::next`] has nothing more; before that, the
    /// rest of the last chunk is copied in front of this one.
    pub fn feed(&mut self, chunk: Bytes) {
        self.chunk = if self.chunk.is_empty() {
            chunk
        } else {
            [&self.chunk[..], &chunk].concat().into()
        };
    }

    /// The next message of what was fed, or `None` when more is needed. After a violation it is the only
    /// answer.
    #[expect(
        clippy::should_implement_trait,
        reason = "none today may be some after the next chunk"
    )]
    pub fn next(&mut self) -> Result<Option<ReceivedMessage>, Violation> {
        if let Some(violation) = self.failed {
            return Err(violation);
        }
        self.advance().inspect_err(|violation| {
            *self = Self {
                failed: Some(*violation),
                ..Self::new(self.limits)
            };
        })
    }

    /// Memory held for what is not complete, in bytes.
    pub fn held_bytes(&self) -> usize {
        let message = self
            .message
            .as_ref()
            .map_or(0, |message| message.joined.capacity());
        self.chunk.len() + self.payload.capacity() + message
    }

    fn advance(&mut self) -> Result<Option<ReceivedMessage>, Violation> {
        loop {
            let frame = match self.frame {
                Some(frame) => frame,
                None => match self.read_header()? {
                    Some(frame) => frame,
                    None => return Ok(None),
                },
            };
            let Some(incoming) = self.read_payload(frame)? else {
                if self.frame.is_some() {
                    return Ok(None);
                }
                continue;
            };
            return Ok(Some(incoming));
        }
    }

    /// Gathers a header, which may come byte by byte, and checks it.
    fn read_header(&mut self) -> Result<Option<Frame>, Violation> {
        loop {
            let present = usize::from(self.header_len);
            let wanted: usize = match present {
                0 | 1 => 2,
                _ => match self.header[1] & 0x7F {
                    126 => 4,
                    127 => 10,
                    _ => 2,
                },
            };
            if present == 2 {
                // Before its length: a nonsensical frame is not worth waiting for.
                self.check_opening()?;
            }
            if present >= wanted {
                break;
            }
            let count = (wanted - present).min(self.chunk.len());
            if count == 0 {
                return Ok(None);
            }
            let taken = self.take(count);
            self.header[present..][..count].copy_from_slice(&taken);
            // Ten at most.
            self.header_len += count as u8;
        }
        let header = std::mem::take(&mut self.header);
        self.header_len = 0;
        let length = match header[1] & 0x7F {
            126 => u64::from(u16::from_be_bytes([header[2], header[3]])),
            127 => {
                let [_, _, length @ ..] = header;
                u64::from_be_bytes(length)
            }
            short => u64::from(short),
        };
        let opcode = opcode(header[0])?;
        let frame = Frame {
            opcode,
            last: header[0] & 0x80 != 0,
            missing: self.check_length(opcode, length)?,
        };
        if !is_control(opcode) && !frame.last && opcode != Opcode::Continuation {
            self.message = Some(Box::new(Message {
                opcode,
                joined: Vec::new(),
            }));
        }
        self.frame = Some(frame);
        Ok(Some(frame))
    }

    fn check_opening(&self) -> Result<(), Violation> {
        let [first, second, ..] = self.header;
        if first & 0x70 != 0 {
            return Err(Violation::ReservedBits);
        }
        let opcode = opcode(first)?;
        if second & 0x80 != 0 {
            return Err(Violation::MaskedByServer);
        }
        match opcode {
            Opcode::Close | Opcode::Ping | Opcode::Pong => {
                if first & 0x80 == 0 {
                    return Err(Violation::ControlFragmented);
                }
                if usize::from(second) > MAX_CONTROL_BYTES {
                    return Err(Violation::ControlTooLong);
                }
            }
            Opcode::Continuation if self.message.is_none() => {
                return Err(Violation::BadContinuation);
            }
            Opcode::Text | Opcode::Binary if self.message.is_some() => {
                return Err(Violation::Interleaved);
            }
            Opcode::Continuation | Opcode::Text | Opcode::Binary => {}
        }
        Ok(())
    }

    /// The payload's length, if the message stays within the limit.
    fn check_length(&self, opcode: Opcode, length: u64) -> Result<usize, Violation> {
        if is_control(opcode) {
            // Checked before: at most 125.
            return Ok(length as usize);
        }
        let before = self
            .message
            .as_ref()
            .map_or(0, |message| message.joined.len());
        let declared = length.saturating_add(before as u64);
        if declared > self.limits.max_message_bytes as u64 {
            return Err(Violation::TooLarge { declared });
        }
        // Within a limit that is a usize.
        Ok(length as usize)
    }

    /// Takes of the chunk what belongs to `frame`; the message, if the frame completes one.
    fn read_payload(&mut self, mut frame: Frame) -> Result<Option<ReceivedMessage>, Violation> {
        let whole = self.payload.is_empty() && self.chunk.len() >= frame.missing;
        if whole && frame.last && frame.opcode != Opcode::Continuation {
            self.frame = None;
            let payload = self.take(frame.missing);
            return delivered(frame.opcode, payload).map(Some);
        }
        let count = frame.missing.min(self.chunk.len());
        let taken = self.take(count);
        match &mut self.message {
            Some(message) if !is_control(frame.opcode) => {
                append(&mut message.joined, &taken, self.limits.max_message_bytes);
            }
            _ => {
                let length = self.payload.len() + frame.missing;
                append(&mut self.payload, &taken, length);
            }
        }
        frame.missing -= count;
        if frame.missing > 0 {
            self.frame = Some(frame);
            return Ok(None);
        }
        self.frame = None;
        if is_control(frame.opcode) || (frame.last && self.message.is_none()) {
            let payload = std::mem::take(&mut self.payload);
            return delivered(frame.opcode, payload.into()).map(Some);
        }
        if !frame.last {
            return Ok(None);
        }
        match self.message.take() {
            Some(message) => delivered(message.opcode, message.joined.into()).map(Some),
            None => Ok(None),
        }
    }

    /// Cuts `count` bytes off the chunk, and lets go of it with the last one.
    fn take(&mut self, count: usize) -> Bytes {
        if count == self.chunk.len() {
            std::mem::take(&mut self.chunk)
        } else {
            self.chunk.split_to(count)
        }
    }
}

/// Appends, growing by doubling as a `Vec` does but never beyond `room`.
fn append(to: &mut Vec<u8>, bytes: &[u8], room: usize) {
    let needed = to.len() + bytes.len();
    if needed > to.capacity() {
        let capacity = (to.capacity() * 2).min(room).max(needed);
        to.reserve_exact(capacity - to.len());
    }
    to.extend_from_slice(bytes);
}

fn opcode(first: u8) -> Result<Opcode, Violation> {
    Ok(match first & 0x0F {
        0x0 => Opcode::Continuation,
        0x1 => Opcode::Text,
        0x2 => Opcode::Binary,
        0x8 => Opcode::Close,
        0x9 => Opcode::Ping,
        0xA => Opcode::Pong,
        opcode => return Err(Violation::UnknownOpcode { opcode }),
    })
}

fn is_control(opcode: Opcode) -> bool {
    matches!(opcode, Opcode::Close | Opcode::Ping | Opcode::Pong)
}

fn delivered(opcode: Opcode, payload: Bytes) -> Result<ReceivedMessage, Violation> {
    Ok(match opcode {
        Opcode::Text => ReceivedMessage::Text(payload),
        Opcode::Ping => ReceivedMessage::Ping(payload),
        Opcode::Pong => ReceivedMessage::Pong(payload),
        Opcode::Close => ReceivedMessage::Close(close_frame(&payload)?),
        // A continuation is delivered under the opcode its message began with.
        Opcode::Binary | Opcode::Continuation => ReceivedMessage::Binary(payload),
    })
}

fn close_frame(payload: &[u8]) -> Result<Option<CloseFrame>, Violation> {
    let (code, reason) = match payload {
        [] => return Ok(None),
        [_] => return Err(Violation::CloseTruncated),
        [high, low, reason @ ..] => (u16::from_be_bytes([*high, *low]), reason),
    };
    // 1004 to 1006 and 1015 stand for what is never sent; 1012 to 1014 were registered later.
    if !matches!(code, 1000..=1003 | 1007..=1014 | 3000..=4999) {
        return Err(Violation::CloseCode { code });
    }
    let reason = std::str::from_utf8(reason)
        .map_err(|_| Violation::CloseReason)?
        .to_owned();
    Ok(Some(CloseFrame { code, reason }))
}
