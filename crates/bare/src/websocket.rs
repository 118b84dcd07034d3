//! The part of RFC 6455 that the platform uses: whole unmasked messages in, masked messages out.

use std::ops::Range;

/// `Sec-WebSocket-Key` of every connection. The floor does not check the server's answer to it.
const KEY: &str = "dGhlIHNhbXBsZSBub25jZQ==";

pub(crate) const BINARY: u8 = 2;
pub(crate) const CLOSE: u8 = 8;
pub(crate) const PING: u8 = 9;
pub(crate) const PONG: u8 = 10;

/// The upgrade request.
pub(crate) fn upgrade(address: &str, target: &str) -> String {
    format!(
        "GET {target} HTTP/1.1\r\nHost: {address}\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\
         Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: {KEY}\r\n\r\n"
    )
}

/// A message in the bytes that were read.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Message {
    pub(crate) opcode: u8,
    pub(crate) payload: Range<usize>,
}

/// The message that begins at `at`; `None` while it is not complete.
pub(crate) fn message(data: &[u8], at: usize) -> Option<Message> {
    let [first, second, rest @ ..] = data.get(at..)? else {
        return None;
    };
    let (len, head) = match second & 0x7f {
        126 => (u64::from(u16::from_be_bytes(*rest.first_chunk()?)), 4),
        127 => (u64::from_be_bytes(*rest.first_chunk()?), 10),
        len => (u64::from(len), 2),
    };
    let start = at + head;
    let end = start.checked_add(usize::try_from(len).ok()?)?;
    (end <= data.len()).then_some(Message {
        opcode: first & 0x0f,
        payload: start..end,
    })
}

/// Makes masking keys. They are not random enough for the open network; here only the cost of masking matters.
#[derive(Debug)]
pub(crate) struct Masks(u64);

impl Masks {
    pub(crate) fn new(seed: u64) -> Self {
        Self(seed | 1)
    }

    fn next(&mut self) -> [u8; 4] {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        (self.0 as u32).to_ne_bytes()
    }
}

/// Appends a message made of these parts.
pub(crate) fn write(out: &mut Vec<u8>, opcode: u8, parts: &[&[u8]], masks: &mut Masks) {
    let len: usize = parts.iter().map(|part| part.len()).sum();
    out.push(0x80 | opcode);
    match len {
        0..=125 => out.push(0x80 | len as u8),
        126..=0xffff => {
            out.push(0x80 | 126);
            out.extend_from_slice(&(len as u16).to_be_bytes());
        }
        _ => {
            out.push(0x80 | 127);
            out.extend_from_slice(&(len as u64).to_be_bytes());
        }
    }
    let mask = masks.next();
    out.extend_from_slice(&mask);
    let start = out.len();
    for part in parts {
        out.extend_from_slice(part);
    }
    let [a, b, c, d] = mask;
    let wide = u64::from_ne_bytes([a, b, c, d, a, b, c, d]);
    let (words, rest) = out[start..].as_chunks_mut::<8>();
    for word in words {
        *word = (u64::from_ne_bytes(*word) ^ wide).to_ne_bytes();
    }
    for (byte, mask) in rest.iter_mut().zip(mask) {
        *byte ^= mask;
    }
    // At most seven bytes are left, so the mask is used at most twice.
    for (byte, mask) in rest.iter_mut().skip(4).zip(mask) {
        *byte ^= mask;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_written_is_masked_and_whole() {
        for len in [0, 1, 5, 7, 8, 125, 126, 65_536] {
            let payload: Vec<u8> = (0..len).map(|n| n as u8).collect();
            let (head, tail) = payload.split_at(len / 3);
            let mut out = Vec::new();
            write(&mut out, BINARY, &[head, tail], &mut Masks::new(9));
            assert_eq!(out[0], 0x82);
            assert_eq!(out[1] & 0x80, 0x80, "masked");
            let masked_head = out.len() - len - 4;
            let mask: [u8; 4] = out[masked_head..masked_head + 4].try_into().expect("four");
            let unmasked: Vec<u8> = out[masked_head + 4..]
                .iter()
                .zip(mask.iter().cycle())
                .map(|(byte, mask)| byte ^ mask)
                .collect();
            assert_eq!(unmasked, payload, "{len} bytes");
        }
    }

    #[test]
    fn a_message_is_found_once_it_is_complete() {
        let mut data = vec![0x82, 126, 0, 200];
        data.extend([7; 200]);
        data.extend([0x88, 0]);
        for cut in 0..204 {
            assert_eq!(message(&data[..cut], 0), None, "cut at {cut}");
        }
        let first = message(&data, 0).expect("complete");
        assert_eq!((first.opcode, first.payload.clone()), (BINARY, 4..204));
        let second = message(&data, first.payload.end).expect("complete");
        assert_eq!((second.opcode, second.payload), (CLOSE, 206..206));
    }
}
