//! Reads the messages of a client, and detects violations of RFC 6455.

use bytes::Bytes;

use super::{ClientMessage, ClientViolation, MAX_CONTROL_BYTES, opcode, unmask};

/// The reading side of one connection. After a [`ClientViolation`] the connection has to end; what is read then is undefined.
#[derive(Debug)]
pub struct MessageReader {
    max_message_bytes: usize,
    /// An incomplete frame at the end of the last burst.
    tail: Vec<u8>,
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
    /// A reader of messages up to this size. It allocates nothing before an incomplete message comes, and never more than
    /// twice what the client really sent.
    #[must_use]
    pub fn new(max_message_bytes: usize) -> Self {
        Self {
            max_message_bytes,
            tail: Vec::new(),
            started: None,
        }
    }

    /// Bytes of an incomplete message that are kept for the next burst: none while the connection is idle.
    #[must_use]
    pub fn buffered_bytes(&self) -> usize {
        let started = self.started.as_ref().map_or(0, |(_, bytes)| bytes.len());
        self.tail.len() + started
    }

    /// Reads a burst and appends the messages that are complete. Those in front of a violation are appended too.
    pub fn feed(
        &mut self,
        burst: &[u8],
        out: &mut Vec<ClientMessage>,
    ) -> Result<(), ClientViolation> {
        let mut data = if self.tail.is_empty() {
            burst.to_vec()
        } else {
            // Appended in place, so that a large message in many bursts is not copied once per burst.
            self.tail.extend_from_slice(burst);
            std::mem::take(&mut self.tail)
        };
        let mut frames = Frames {
            at: 0,
            data: &mut data,
            max_message_bytes: self.max_message_bytes,
        };
        let mut found = Vec::new();
        let violation = loop {
            match frames.next() {
                Ok(Some(header)) => found.push(header),
                Ok(None) => break None,
                Err(violation) => break Some(violation),
            }
        };
        let at = frames.at;
        if at == 0 {
            self.tail = data;
        } else {
            self.tail = data.split_off(at);
            let data = Bytes::from(data);
            for header in found {
                let payload = data.slice(header.payload..header.payload + header.len);
                out.extend(self.accept(&header, payload)?);
            }
        }
        violation.map_or(Ok(()), Err)
    }

    fn accept(
        &mut self,
        header: &Header,
        payload: Bytes,
    ) -> Result<Option<ClientMessage>, ClientViolation> {
        match (header.opcode, &mut self.started) {
            (opcode::PING, _) => return Ok(Some(ClientMessage::Ping(payload))),
            (opcode::PONG, _) => return Ok(Some(ClientMessage::Pong(payload))),
            (opcode::CLOSE, _) => {
                let code = payload.first_chunk().map(|code| u16::from_be_bytes(*code));
                return Ok(Some(ClientMessage::Close(code)));
            }
            (opcode::CONTINUATION, Some((_, so_far))) => {
                if so_far.len() + payload.len() > self.max_message_bytes {
                    return Err(ClientViolation::TooLarge);
                }
                so_far.extend_from_slice(&payload);
            }
            (opcode::BINARY | opcode::TEXT, None) if header.last => {
                return Ok(Some(whole(header.opcode, payload)));
            }
            (opcode::BINARY | opcode::TEXT, None) => {
                self.started = Some((header.opcode, payload.to_vec()));
            }
            _ => return Err(ClientViolation::BadContinuation),
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

struct Frames<'a> {
    at: usize,
    data: &'a mut [u8],
    max_message_bytes: usize,
}

impl Frames<'_> {
    /// The next complete frame, unmasked in place.
    fn next(&mut self) -> Result<Option<Header>, ClientViolation> {
        let Some(header) = header_of(&self.data[self.at..], self.max_message_bytes)? else {
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

fn header_of(data: &[u8], max_message_bytes: usize) -> Result<Option<Header>, ClientViolation> {
    let [first, second, rest @ ..] = data else {
        return Ok(None);
    };
    if first & 0x70 != 0 {
        return Err(ClientViolation::ReservedBits);
    }
    if second & 0x80 == 0 {
        return Err(ClientViolation::NotMasked);
    }
    let (last, opcode) = (first & 0x80 != 0, first & 0x0f);
    if !matches!(opcode, 0..=2 | 8..=10) {
        return Err(ClientViolation::UnknownOpcode);
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
        .filter(|len| *len <= max_message_bytes)
    else {
        return Err(ClientViolation::TooLarge);
    };
    let is_cut_code = opcode == opcode::CLOSE && len == 1;
    if opcode >= opcode::CLOSE && (!last || len > MAX_CONTROL_BYTES || is_cut_code) {
        return Err(ClientViolation::BadControl);
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
