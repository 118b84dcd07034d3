//! Writes Feishu's frames directly into a connection's output, with their WebSocket headers.
//!
//! The protobuf is written by hand, because every event of a load test is written here. A test compares it with the
//! generated message. Fields 1 to 4 are always present and 6, 7 and 9 never, as on the platform.

use longwire_wire::frame::METHOD_CONTROL;

use crate::websocket::{self, opcode};

/// A frame without its payload.
#[derive(Clone, Copy, Debug)]
pub struct FrameHead<'a> {
    /// `SeqID`.
    pub seq_id: u64,
    /// `LogID`.
    pub log_id: u64,
    /// The connection's service id.
    pub service: i32,
    /// Control or data (`METHOD_…` of `longwire_wire::frame`).
    pub method: i32,
    /// Keys and values, in the order of sending.
    pub headers: &'a [(&'a str, &'a str)],
}

impl<'a> FrameHead<'a> {
    /// A control frame; `headers` holds its `type`.
    #[must_use]
    pub fn control(service: i32, headers: &'a [(&'a str, &'a str)]) -> Self {
        Self {
            seq_id: 0,
            log_id: 0,
            service,
            method: METHOD_CONTROL,
            headers,
        }
    }

    /// Appends the frame as one binary message. `fill` appends exactly `payload_len` bytes.
    pub fn write(&self, out: &mut Vec<u8>, payload_len: usize, fill: impl FnOnce(&mut Vec<u8>)) {
        let len = self.head_len() + 1 + varint_len(payload_len as u64) + payload_len;
        out.reserve(len + 10);
        websocket::write_header(out, true, opcode::BINARY, len as u64);
        let start = out.len();
        self.write_head(out);
        out.push(field(8, 2));
        write_varint(out, payload_len as u64);
        fill(out);
        debug_assert_eq!(
            out.len() - start,
            len,
            "the length was promised in the header"
        );
    }

    /// Appends the frame without field 8 as one binary message.
    pub fn write_bare(&self, out: &mut Vec<u8>) {
        websocket::write_header(out, true, opcode::BINARY, self.head_len() as u64);
        self.write_head(out);
    }

    /// Appends the frame as one binary message of `pieces` WebSocket frames.
    pub fn write_in_pieces(&self, out: &mut Vec<u8>, payload: &[u8], pieces: usize) {
        let mut frame = Vec::new();
        self.write_head(&mut frame);
        frame.push(field(8, 2));
        write_varint(&mut frame, payload.len() as u64);
        frame.extend_from_slice(payload);
        websocket::write_in_pieces(out, opcode::BINARY, &frame, pieces);
    }

    fn head_len(&self) -> usize {
        let ids = varint_len(self.seq_id) + varint_len(self.log_id);
        let numbers =
            varint_len(sign_extended(self.service)) + varint_len(sign_extended(self.method));
        let headers: usize = self
            .headers
            .iter()
            .map(header_len)
            .map(|len| 1 + varint_len(len as u64) + len)
            .sum();
        4 + ids + numbers + headers
    }

    fn write_head(&self, out: &mut Vec<u8>) {
        let numbers = [
            self.seq_id,
            self.log_id,
            sign_extended(self.service),
            sign_extended(self.method),
        ];
        for (number, value) in (1..).zip(numbers) {
            out.push(field(number, 0));
            write_varint(out, value);
        }
        for header in self.headers {
            out.push(field(5, 2));
            write_varint(out, header_len(header) as u64);
            for (number, text) in (1..).zip([header.0, header.1]) {
                out.push(field(number, 2));
                write_varint(out, text.len() as u64);
                out.extend_from_slice(text.as_bytes());
            }
        }
    }
}

fn field(number: u8, wire_type: u8) -> u8 {
    number << 3 | wire_type
}

/// The value of an int32 on the wire: protobuf writes negative numbers in ten bytes.
fn sign_extended(value: i32) -> u64 {
    i64::from(value) as u64
}

fn header_len((key, value): &(&str, &str)) -> usize {
    2 + varint_len(key.len() as u64) + key.len() + varint_len(value.len() as u64) + value.len()
}

fn varint_len(value: u64) -> usize {
    (64 - (value | 1).leading_zeros() as usize).div_ceil(7)
}

fn write_varint(out: &mut Vec<u8>, mut value: u64) {
    while value >= 0x80 {
        out.push(value as u8 | 0x80);
        value >>= 7;
    }
    out.push(value as u8);
}

#[cfg(test)]
mod tests {
    use bytes::Bytes;
    use longwire_wire::frame::{Frame, Header};

    use super::*;

    fn check(seq_id: u64, log_id: u64, service: i32, method: i32, payload: Option<&[u8]>) {
        let headers = [("type", "event"), ("sum", "1"), ("x", "")];
        let head = FrameHead {
            seq_id,
            log_id,
            service,
            method,
            headers: &headers,
        };
        let wanted = Frame {
            seq_id,
            log_id,
            service,
            method,
            headers: headers
                .iter()
                .map(|(key, value)| Header {
                    key: (*key).into(),
                    value: (*value).into(),
                })
                .collect(),
            payload: payload.map(Bytes::copy_from_slice),
            ..Frame::default()
        };
        let mut wanted_message = Vec::new();
        websocket::write_message(&mut wanted_message, opcode::BINARY, &wanted.to_bytes());
        let mut got = Vec::new();
        match payload {
            Some(payload) => head.write(&mut got, payload.len(), |out| {
                out.extend_from_slice(payload)
            }),
            None => head.write_bare(&mut got),
        }
        assert_eq!(got, wanted_message);
    }

    #[test]
    fn it_writes_what_the_generated_message_writes() {
        check(0, 0, 0, 0, None);
        check(0, 0, 33_554_678, 0, Some(b""));
        check(127, 128, -1, 2, Some(b"{}"));
        check(
            u64::MAX,
            7_311_111_111_111_111_111,
            i32::MIN,
            1,
            Some(&[1; 70_000]),
        );
    }
}
