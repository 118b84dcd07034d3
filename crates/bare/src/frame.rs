//! Reads the platform's frame by hand: its method, and the position of its payload.
//!
//! The answer to an event is its frame with another payload. Everything before the payload is copied; the platform
//! writes nothing after it.

use std::ops::Range;

/// Field 8, the payload, of an ACK.
pub(crate) const RECORDED: &[u8] = b"\x42\x0c{\"code\":200}";
/// Field 4, the method, of events. Pongs have 0.
pub(crate) const METHOD_DATA: u64 = 1;

/// A frame, as positions in its bytes.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Frame {
    pub(crate) method: u64,
    /// Length of everything before the payload.
    pub(crate) head: usize,
    pub(crate) payload: Range<usize>,
}

/// Finds the parts; `None` if the bytes are not a frame with a payload.
pub(crate) fn scan(bytes: &[u8]) -> Option<Frame> {
    let (mut at, mut method) = (0, 0);
    while at < bytes.len() {
        let begin = at;
        let tag = varint(bytes, &mut at)?;
        match tag & 7 {
            0 => {
                let value = varint(bytes, &mut at)?;
                if tag >> 3 == 4 {
                    method = value;
                }
            }
            2 => {
                let len = usize::try_from(varint(bytes, &mut at)?).ok()?;
                let end = at.checked_add(len).filter(|end| *end <= bytes.len())?;
                if tag >> 3 == 8 {
                    return Some(Frame {
                        method,
                        head: begin,
                        payload: at..end,
                    });
                }
                at = end;
            }
            _ => return None,
        }
    }
    None
}

fn varint(bytes: &[u8], at: &mut usize) -> Option<u64> {
    let mut value = 0;
    for shift in (0..64).step_by(7) {
        let byte = *bytes.get(*at)?;
        *at += 1;
        value |= u64::from(byte & 0x7f) << shift;
        if byte < 0x80 {
            return Some(value);
        }
    }
    None
}

/// A ping: ids 0, method 0, one header.
pub(crate) fn ping(service_id: i32) -> Vec<u8> {
    let mut out = vec![0x08, 0, 0x10, 0, 0x18];
    // Service ids are positive; protobuf writes a negative one in ten bytes.
    let mut rest = i64::from(service_id) as u64;
    while rest >= 0x80 {
        out.push(rest as u8 | 0x80);
        rest >>= 7;
    }
    out.push(rest as u8);
    out.extend_from_slice(b"\x20\x00\x2a\x0c\x0a\x04type\x12\x04ping");
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_event_is_its_head_and_its_payload() {
        let bytes = b"\x08\x01\x10\x02\x18\x21\x20\x01\x2a\x05\x0a\x01a\x12\x00\x42\x02{}";
        let frame = scan(bytes).expect("a frame");
        assert_eq!((frame.method, frame.head), (METHOD_DATA, 15));
        assert_eq!(&bytes[frame.payload], b"{}");
        for cut in 0..bytes.len() {
            assert_eq!(scan(&bytes[..cut]), None, "cut at {cut}");
        }
    }

    #[test]
    fn a_ping_has_no_payload() {
        assert_eq!(scan(&ping(33_123_456)), None);
        assert_eq!(ping(1)[5], 1);
    }
}
