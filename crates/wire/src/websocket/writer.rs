//! Appends masked frames to a caller's buffer.
//!
//! The payload is written where it will be sent from and masked there. Everything we send is one whole frame.

use super::{MAX_CONTROL_BYTES, mask};

/// What a frame is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[repr(u8)]
pub enum Opcode {
    /// More of a message that was begun.
    Continuation = 0x0,
    /// A text message.
    Text = 0x1,
    /// A binary message.
    Binary = 0x2,
    /// The end of the connection.
    Close = 0x8,
    /// A question for life.
    Ping = 0x9,
    /// The answer to a ping.
    Pong = 0xA,
}

/// The longest header: two bytes, a 64-bit length, a key.
const MAX_HEADER_BYTES: usize = 14;

/// Appends one final frame whose payload `fill` appends to `out`.
///
/// `len` is the length `fill` is expected to append, in bytes. It sizes the header in advance; a `fill` that
/// appends more or less still makes a correct frame, at the price of moving it. `fill` must only append.
pub fn frame_in_place(
    out: &mut Vec<u8>,
    opcode: Opcode,
    mask: [u8; 4],
    len: usize,
    fill: impl FnOnce(&mut Vec<u8>),
) {
    let start = out.len();
    let (header, expected) = header(opcode, len, mask);
    out.reserve(expected + len);
    out.extend_from_slice(&header[..expected]);
    fill(out);
    let payload = out.len() - start - expected;
    if payload != len {
        let (header, actual) = self::header(opcode, payload, mask);
        out.splice(start..start + expected, header[..actual].iter().copied());
    }
    let body = out.len() - payload;
    mask::apply(&mut out[body..], mask);
}

fn header(opcode: Opcode, payload: usize, mask: [u8; 4]) -> ([u8; MAX_HEADER_BYTES], usize) {
    const FINAL: u8 = 0x80;
    const MASKED: u8 = 0x80;
    let mut header = [0; MAX_HEADER_BYTES];
    header[0] = FINAL | opcode as u8;
    let key_at = match payload {
        0..=125 => {
            header[1] = MASKED | payload as u8;
            2
        }
        126..=0xFFFF => {
            header[1] = MASKED | 126;
            header[2..4].copy_from_slice(&(payload as u16).to_be_bytes());
            4
        }
        _ => {
            header[1] = MASKED | 127;
            header[2..10].copy_from_slice(&(payload as u64).to_be_bytes());
            10
        }
    };
    header[key_at..key_at + 4].copy_from_slice(&mask);
    (header, key_at + 4)
}

/// Appends a binary message.
pub fn write_binary(out: &mut Vec<u8>, mask: [u8; 4], payload: &[u8]) {
    frame_in_place(out, Opcode::Binary, mask, payload.len(), |out| {
        out.extend_from_slice(payload)
    });
}

/// Appends a ping. Of `payload` the first 125 bytes are sent.
pub fn write_ping(out: &mut Vec<u8>, mask: [u8; 4], payload: &[u8]) {
    write_control(out, Opcode::Ping, mask, payload);
}

/// Appends a pong, which repeats the ping's payload. Of `payload` the first 125 bytes are sent.
pub fn write_pong(out: &mut Vec<u8>, mask: [u8; 4], payload: &[u8]) {
    write_control(out, Opcode::Pong, mask, payload);
}

/// Appends a close with `code` and `reason`, the reason cut to the 123 bytes there are for it.
pub fn write_close(out: &mut Vec<u8>, mask: [u8; 4], code: u16, reason: &str) {
    let mut end = reason.len().min(MAX_CONTROL_BYTES - 2);
    while !reason.is_char_boundary(end) {
        end -= 1;
    }
    frame_in_place(out, Opcode::Close, mask, 2 + end, |out| {
        out.extend_from_slice(&code.to_be_bytes());
        out.extend_from_slice(&reason.as_bytes()[..end]);
    });
}

fn write_control(out: &mut Vec<u8>, opcode: Opcode, mask: [u8; 4], payload: &[u8]) {
    let payload = &payload[..payload.len().min(MAX_CONTROL_BYTES)];
    frame_in_place(out, opcode, mask, payload.len(), |out| {
        out.extend_from_slice(payload)
    });
}

#[cfg(test)]
mod tests {
    use super::*;

    const KEY: [u8; 4] = [0x37, 0xfa, 0x21, 0x3d];

    /// Opcode, header length and unmasked payload of the frame in `bytes`.
    fn read(bytes: &[u8]) -> (u8, usize, Vec<u8>) {
        assert_eq!(bytes[0] & 0xF0, 0x80, "final, no reserved bits");
        assert_eq!(bytes[1] & 0x80, 0x80, "masked");
        let (length, at) = match bytes[1] & 0x7F {
            126 => (u16::from_be_bytes([bytes[2], bytes[3]]) as usize, 4),
            127 => (
                u64::from_be_bytes(bytes[2..10].try_into().expect("eight")) as usize,
                10,
            ),
            short => (short as usize, 2),
        };
        assert_eq!(bytes[at..at + 4], KEY);
        let mut payload = bytes[at + 4..].to_vec();
        assert_eq!(payload.len(), length);
        mask::apply(&mut payload, KEY);
        (bytes[0] & 0x0F, at + 4, payload)
    }

    #[test]
    fn lengths_take_the_shortest_form() {
        for (length, header) in [(0, 6), (125, 6), (126, 8), (65_535, 8), (65_536, 14)] {
            let payload: Vec<u8> = (0..length).map(|at| at as u8).collect();
            let mut out = Vec::new();
            write_binary(&mut out, KEY, &payload);
            assert_eq!(read(&out), (0x2, header, payload));
        }
    }

    #[test]
    fn a_wrong_estimate_still_makes_a_frame() {
        for (estimate, length) in [
            (0, 5),
            (5, 0),
            (10, 126),
            (126, 10),
            (70_000, 3),
            (3, 70_000),
        ] {
            let payload = vec![7; length];
            let mut out = b"before".to_vec();
            frame_in_place(&mut out, Opcode::Text, KEY, estimate, |out| {
                out.extend_from_slice(&payload)
            });
            assert_eq!(&out[..6], b"before");
            let (opcode, _, read) = read(&out[6..]);
            assert_eq!((opcode, read), (0x1, payload));
        }
    }

    #[test]
    fn control_frames_stay_small() {
        let mut out = Vec::new();
        write_ping(&mut out, KEY, &[1; 200]);
        assert_eq!(read(&out), (0x9, 6, vec![1; 125]));
        out.clear();
        write_pong(&mut out, KEY, b"same");
        assert_eq!(read(&out), (0xA, 6, b"same".to_vec()));
        out.clear();
        write_close(&mut out, KEY, 1000, &"é".repeat(100));
        let (opcode, _, payload) = read(&out);
        assert_eq!((opcode, &payload[..2]), (0x8, &[0x03, 0xE8][..]));
        assert_eq!(
            std::str::from_utf8(&payload[2..]).expect("whole characters"),
            "é".repeat(61)
        );
    }
}
