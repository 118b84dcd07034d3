//! The server's side of RFC 6455, as far as the platforms use it: unmasked messages out, masked messages in, no
//! extensions.
//!
//! A read burst is copied once and unmasked in place; its messages are slices of the copy. Between bursts only an
//! incomplete message is kept, so an idle connection has no buffer.

mod reader;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use bytes::Bytes;
use sha1::{Digest as _, Sha1};
use thiserror::Error;

pub use self::reader::MessageReader;

/// Longest payload of a control frame (RFC 6455, 5.5).
const MAX_CONTROL_BYTES: usize = 125;

/// Opcodes of RFC 6455, 5.2.
pub mod opcode {
    /// A further frame of a message that began before.
    pub const CONTINUATION: u8 = 0;
    /// A message of UTF-8.
    pub const TEXT: u8 = 1;
    /// A message of any bytes.
    pub const BINARY: u8 = 2;
    /// The end of one direction.
    pub const CLOSE: u8 = 8;
    /// A question that a pong answers with the same payload.
    pub const PING: u8 = 9;
    /// The answer to a ping.
    pub const PONG: u8 = 10;
}

/// The value of `Sec-WebSocket-Accept` for a key.
#[must_use]
pub fn accept_key(key: &str) -> String {
    let mut sha = Sha1::new();
    sha.update(key.as_bytes());
    sha.update(b"258EAFA5-E914-47DA-95CA-C5AB0DC85B11");
    STANDARD.encode(sha.finalize())
}

/// Appends the header of an unmasked frame.
pub fn write_header(out: &mut Vec<u8>, last: bool, opcode: u8, len: u64) {
    out.push(if last { 0x80 | opcode } else { opcode });
    match len {
        0..=125 => out.push(len as u8),
        126..=0xffff => {
            out.push(126);
            out.extend_from_slice(&(len as u16).to_be_bytes());
        }
        _ => {
            out.push(127);
            out.extend_from_slice(&len.to_be_bytes());
        }
    }
}

/// Appends a whole message in one frame.
pub fn write_message(out: &mut Vec<u8>, opcode: u8, payload: &[u8]) {
    write_header(out, true, opcode, payload.len() as u64);
    out.extend_from_slice(payload);
}

/// Appends a message as `pieces` frames: the first with the opcode, the others continuations.
pub fn write_in_pieces(out: &mut Vec<u8>, opcode: u8, payload: &[u8], pieces: usize) {
    let pieces = pieces.max(1);
    let size = payload.len().div_ceil(pieces).max(1);
    for index in 0..pieces {
        let from = (index * size).min(payload.len());
        let to = (from + size).min(payload.len());
        let kind = if index == 0 {
            opcode
        } else {
            opcode::CONTINUATION
        };
        write_header(out, index + 1 == pieces, kind, (to - from) as u64);
        out.extend_from_slice(&payload[from..to]);
    }
}

/// Appends a close frame.
pub fn write_close(out: &mut Vec<u8>, code: Option<u16>, reason: &str) {
    let mut payload = Vec::new();
    if let Some(code) = code {
        payload.extend_from_slice(&code.to_be_bytes());
        payload.extend_from_slice(reason.as_bytes());
    }
    write_message(out, opcode::CLOSE, &payload);
}

/// A message or control frame of a client.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ClientMessage {
    /// A message of Feishu's and Lark's clients.
    Binary(Bytes),
    /// A message of WeCom's clients. It is not checked to be UTF-8; whoever reads its JSON finds out.
    Text(Bytes),
    /// To be answered by a pong with this payload.
    Ping(Bytes),
    /// The answer to the ping with this payload, or unasked for.
    Pong(Bytes),
    /// The client's last frame, with its code if it gives one.
    Close(Option<u16>),
}

/// A violation of RFC 6455 by a client.
#[derive(Clone, Copy, Debug, Error, PartialEq, Eq)]
pub enum ClientViolation {
    /// A server must not accept it (5.1).
    #[error("a client's frame is not masked")]
    NotMasked,
    /// No extension gives them a meaning (5.2).
    #[error("reserved bits are set although no extension was agreed")]
    ReservedBits,
    /// It is in the reserved range (5.2).
    #[error("unknown opcode")]
    UnknownOpcode,
    /// A control frame that is cut, longer than 125 bytes, or a close frame of one byte (5.5).
    #[error("bad control frame")]
    BadControl,
    /// A continuation of nothing, or a new message within another (5.4).
    #[error("continuation out of order")]
    BadContinuation,
    /// A message is longer than the reader takes.
    #[error("message too large")]
    TooLarge,
}

impl ClientViolation {
    /// The close code for this violation.
    #[must_use]
    pub fn close_code(self) -> u16 {
        match self {
            Self::TooLarge => 1009,
            Self::NotMasked
            | Self::ReservedBits
            | Self::UnknownOpcode
            | Self::BadControl
            | Self::BadContinuation => 1002,
        }
    }
}

/// Masks or unmasks `payload` in place.
fn unmask(payload: &mut [u8], mask: [u8; 4]) {
    let [a, b, c, d] = mask;
    let wide = u64::from_ne_bytes([a, b, c, d, a, b, c, d]);
    let (words, rest) = payload.as_chunks_mut::<8>();
    for word in words {
        *word = (u64::from_ne_bytes(*word) ^ wide).to_ne_bytes();
    }
    for (byte, mask) in rest.iter_mut().zip(mask.iter().cycle()) {
        *byte ^= mask;
    }
}

/// The messages that a server wrote, for tests of what is written.
#[cfg(test)]
pub(crate) fn read_server_messages(mut written: &[u8]) -> Vec<Bytes> {
    let mut messages = Vec::new();
    while let [_, short, rest @ ..] = written {
        let (len, rest) = match short {
            126 => (
                usize::from(u16::from_be_bytes([rest[0], rest[1]])),
                &rest[2..],
            ),
            len => (usize::from(*len), rest),
        };
        messages.push(Bytes::copy_from_slice(&rest[..len]));
        written = &rest[len..];
    }
    messages
}

#[cfg(test)]
mod tests {
    use super::*;

    const LIMIT: usize = 64 * 1024;

    fn masked(first: u8, payload: &[u8]) -> Vec<u8> {
        let mut out = Vec::new();
        write_header(&mut out, true, 0, payload.len() as u64);
        out[0] = first;
        out[1] |= 0x80;
        let mask = [0x11, 0x22, 0x33, 0x44];
        out.extend_from_slice(&mask);
        let start = out.len();
        out.extend_from_slice(payload);
        unmask(&mut out[start..], mask);
        out
    }

    fn binary(payload: &[u8]) -> ClientMessage {
        ClientMessage::Binary(Bytes::copy_from_slice(payload))
    }

    #[test]
    fn accept_key_is_the_one_of_the_rfc() {
        assert_eq!(
            accept_key("dGhlIHNhbXBsZSBub25jZQ=="),
            "s3pPLMBiTxaQ9kYGzzhZRbK+xOo="
        );
    }

    #[test]
    fn messages_cut_at_every_byte_come_out_whole() {
        let long = vec![7; 300];
        let mut stream = masked(0x82, &long);
        stream.extend(masked(0x89, b"hey"));
        stream.extend(masked(0x02, b"one "));
        stream.extend(masked(0x8a, b""));
        stream.extend(masked(0x80, b"message"));
        stream.extend(masked(0x88, &[3, 0xe8]));
        let wanted = vec![
            binary(&long),
            ClientMessage::Ping(Bytes::from_static(b"hey")),
            ClientMessage::Pong(Bytes::new()),
            binary(b"one message"),
            ClientMessage::Close(Some(1000)),
        ];
        for cut in 0..stream.len() {
            let (mut reader, mut got) = (MessageReader::new(LIMIT), Vec::new());
            reader.feed(&stream[..cut], &mut got).expect("valid");
            reader.feed(&stream[cut..], &mut got).expect("valid");
            assert_eq!(got, wanted, "cut at {cut}");
            assert_eq!(reader.buffered_bytes(), 0);
        }
    }

    #[test]
    fn breaches_are_found() {
        let check = |bytes: &[u8], wanted| {
            let got = MessageReader::new(LIMIT).feed(bytes, &mut Vec::new());
            assert_eq!(got, Err(wanted));
        };
        check(&[0x82, 0x00], ClientViolation::NotMasked);
        check(&masked(0xc2, b""), ClientViolation::ReservedBits);
        check(&masked(0x83, b""), ClientViolation::UnknownOpcode);
        check(&masked(0x09, b""), ClientViolation::BadControl);
        check(&masked(0x89, &[0; 126]), ClientViolation::BadControl);
        check(&masked(0x88, &[3]), ClientViolation::BadControl);
        check(&masked(0x80, b""), ClientViolation::BadContinuation);
        let started_twice = [masked(0x02, b"a"), masked(0x82, b"b")].concat();
        check(&started_twice, ClientViolation::BadContinuation);
        check(
            &[0x82, 0xff, 0, 0, 0, 0, 0xff, 0, 0, 0],
            ClientViolation::TooLarge,
        );
    }

    /// A peer that announces much, or sends it byte by byte, costs what it sent and no more.
    #[test]
    fn a_message_is_buffered_as_it_comes() {
        let long = vec![7; LIMIT];
        let stream = masked(0x82, &long);
        let (mut reader, mut got) = (MessageReader::new(LIMIT), Vec::new());
        for (sent, byte) in stream.iter().enumerate() {
            assert_eq!(reader.buffered_bytes(), sent);
            reader.feed(&[*byte], &mut got).expect("valid");
        }
        assert_eq!(got, [binary(&long)]);
        assert_eq!(reader.buffered_bytes(), 0);
    }

    #[test]
    fn the_limit_holds_for_a_message_in_many_frames() {
        let half = vec![7; LIMIT / 2 + 1];
        let (mut reader, mut got) = (MessageReader::new(LIMIT), Vec::new());
        reader.feed(&masked(0x02, &half), &mut got).expect("valid");
        assert_eq!(reader.buffered_bytes(), half.len());
        let fed = reader.feed(&masked(0x80, &half), &mut got);
        assert_eq!(fed, Err(ClientViolation::TooLarge));
        let fed = MessageReader::new(LIMIT).feed(&masked(0x82, &vec![0; LIMIT + 1]), &mut got);
        assert_eq!(fed, Err(ClientViolation::TooLarge));
    }

    #[test]
    fn pieces_have_one_beginning_and_one_end() {
        let mut out = Vec::new();
        write_in_pieces(&mut out, opcode::BINARY, b"abcdefg", 3);
        assert_eq!(out, b"\x02\x03abc\x00\x03def\x80\x01g");
        out.clear();
        write_in_pieces(&mut out, opcode::BINARY, b"a", 3);
        assert_eq!(out, b"\x02\x01a\x00\x00\x80\x00");
    }
}
