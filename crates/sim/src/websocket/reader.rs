//! Reads the messages of a client, and detects violations of RFC 6455.

use bytes::Bytes;

use super::{ClientMessage, MAX_CONTROL_BYTES, MAX_MESSAGE_BYTES, Violation, opcode, unmask};

/// The reading side of one connection.
#[derive(Debug, Default)]
pub(crate) struct MessageReader {
    /// An incomplete frame at the end of the last burst.
    pub(super) tail: Vec<u8>,
    /// Opcode and bytes of a message whose last frame is still to come.
    started: Option<(u8, Vec<u8>)>,
}

struct Header {
    last: bool,
    opcode: u8,
    mask: [u8; 4],
    /// Offset of the payload.
    payload: usize,
    len: usize,
}

impl MessageReader {
    /// Reads a burst and appends the messages that are complete.
    pub(crate) fn feed(
        &mut self,
        burst: &[u8],
        out: &mut Vec<ClientMessage>,
    ) -> Result<(), Violation> {
        let mut data = Vec::with_capacity(self.tail.len() + burst.len());
        data.append(&mut self.tail);
        data.extend_from_slice(burst);
        let mut frames = Frames { at: 0, data };
        let mut found = Vec::new();
        while let Some(header) = frames.next()? {
            found.push(header);
        }
        let Frames { at, mut data } = frames;
        self.tail = data.split_off(at);
        let data = Bytes::from(data);
        for header in found {
            let payload = data.slice(header.payload..header.payload + header.len);
            out.extend(self.accept(&header, payload)?);
        }
        Ok(())
    }

    fn accept(
        &mut self,
        header: &Header,
        payload: Bytes,
    ) -> Result<Option<ClientMessage>, Violation> {
        match (header.opcode, &mut self.started) {
            (opcode::PING, _) => return Ok(Some(ClientMessage::Ping(payload))),
            (opcode::PONG, _) => return Ok(Some(ClientMessage::Pong)),
            (opcode::CLOSE, _) => {
                let code = payload.first_chunk().map(|code| u16::from_be_bytes(*code));
                return Ok(Some(ClientMessage::Close(code)));
            }
            (opcode::CONTINUATION, Some((_, so_far))) => {
                if so_far.len() + payload.len() > MAX_MESSAGE_BYTES {
                    return Err(Violation::TooLarge);
                }
                so_far.extend_from_slice(&payload);
            }
            (opcode::BINARY | opcode::TEXT, None) if header.last => {
                return Ok(Some(whole(header.opcode, payload)));
            }
            (opcode::BINARY | opcode::TEXT, None) => {
                self.started = Some((header.opcode, payload.to_vec()));
            }
            _ => return Err(Violation::BadContinuation),
        }
        if !header.last {
            return Ok(None);
        }
        let message = self.started.take();
        Ok(message.map(|(opcode, bytes)| whole(opcode, bytes.into())))
    }
}

fn whole(opcode: u8, payload: Bytes) -> ClientMessage {
    if opcode == opcode::BINARY {
        ClientMessage::Binary(payload)
    } else {
        ClientMessage::Text(payload)
    }
}

struct Frames {
    at: usize,
    data: Vec<u8>,
}

impl Frames {
    /// The next complete frame, unmasked in place.
    fn next(&mut self) -> Result<Option<Header>, Violation> {
        let Some(header) = header_of(&self.data[self.at..])? else {
            return Ok(None);
        };
        let payload = self.at + header.payload;
        let end = payload + header.len;
        if end > self.data.len() {
            return Ok(None);
        }
        unmask(&mut self.data[payload..end], header.mask);
        self.at = end;
        Ok(Some(Header { payload, ..header }))
    }
}

fn header_of(data: &[u8]) -> Result<Option<Header>, Violation> {
    let [first, second, rest @ ..] = data else {
        return Ok(None);
    };
    if first & 0x70 != 0 {
        return Err(Violation::ReservedBits);
    }
    if second & 0x80 == 0 {
        return Err(Violation::NotMasked);
    }
    let (last, opcode) = (first & 0x80 != 0, first & 0x0f);
    if !matches!(opcode, 0..=2 | 8..=10) {
        return Err(Violation::UnknownOpcode);
    }
    let (len, extra) = match second & 0x7f {
        126 => match rest.first_chunk::<2>() {
            Some(len) => (u64::from(u16::from_be_bytes(*len)), 2),
            None => return Ok(None),
        },
        127 => match rest.first_chunk::<8>() {
            Some(len) => (u64::from_be_bytes(*len), 8),
            None => return Ok(None),
        },
        len => (u64::from(len), 0),
    };
    let Some(len) = usize::try_from(len)
        .ok()
        .filter(|len| *len <= MAX_MESSAGE_BYTES)
    else {
        return Err(Violation::TooLarge);
    };
    if opcode >= opcode::CLOSE && (!last || len > MAX_CONTROL_BYTES) {
        return Err(Violation::BadControl);
    }
    let Some(mask) = rest[extra..].first_chunk::<4>() else {
        return Ok(None);
    };
    Ok(Some(Header {
        last,
        opcode,
        mask: *mask,
        payload: 2 + extra + 4,
        len,
    }))
}
