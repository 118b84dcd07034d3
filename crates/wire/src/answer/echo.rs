//! A received frame on its way back.
//!
//! Ids, service, method, headers and the three texts nobody reads are repeated as they came: the
//! platform finds the push, and the instance that waits for it, by what it sent. Only the payload
//! is replaced, and `biz_rt` appended. Fields go out in ascending order, as every SDK writes them;
//! unknown fields are dropped, as Go and Node drop them.

use std::fmt;
use std::time::Duration;

use bytes::Bytes;

use crate::frame::{FrameView, Scan, Span, headers, key, scan};

const VARINT: u8 = 0;
const LENGTH_DELIMITED: u8 = 2;

/// A frame that waits for its answer. Holds the received bytes and nothing else, because many of
/// them wait while a commit runs.
#[derive(Clone)]
pub struct Echo(Bytes);

impl Echo {
    /// Keeps the frame of `view`.
    pub fn of(view: &FrameView) -> Echo {
        Echo(view.bytes().clone())
    }

    /// The same without the frame's payload, in memory of its own: for a long frame whose payload went elsewhere.
    #[must_use]
    pub fn slim(&self) -> Echo {
        let mut frame = Vec::new();
        self.encode(&[], None, &mut frame);
        Echo(frame.into())
    }

    /// Appends to `out` the frame with `payload` in place of its own and, last among the headers,
    /// `biz_rt`: whole milliseconds from receipt to answer.
    pub fn encode(&self, payload: &[u8], biz_rt: Option<Duration>, out: &mut Vec<u8>) {
        let answer = Outgoing::new(&self.0, payload, biz_rt);
        out.reserve(answer.len());
        answer.write(out);
    }

    /// How many bytes [`encode`](Self::encode) appends for the same arguments.
    pub fn encoded_len(&self, payload: &[u8], biz_rt: Option<Duration>) -> usize {
        Outgoing::new(&self.0, payload, biz_rt).len()
    }
}

/// Without the payload, which is what people write to each other.
impl fmt::Debug for Echo {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Echo")
            .field("size_bytes", &self.0.len())
            .finish_non_exhaustive()
    }
}

/// The answer, measured and not yet written.
struct Outgoing<'a> {
    received: &'a [u8],
    fields: Scan,
    /// All headers of the received frame, with their tags and lengths.
    headers_len: usize,
    payload: &'a [u8],
    biz_rt: Option<Decimal>,
}

impl<'a> Outgoing<'a> {
    fn new(received: &'a [u8], payload: &'a [u8], biz_rt: Option<Duration>) -> Self {
        let mut headers_len = 0;
        let fields = scan(received, |key, value| {
            headers_len += delimited_len(header_len(key.of(received), value.of(received)));
        })
        .expect("an echo is made of a frame that was parsed");
        Self {
            received,
            fields,
            headers_len,
            payload,
            biz_rt: biz_rt.map(|elapsed| Decimal::of(elapsed.as_millis())),
        }
    }

    fn len(&self) -> usize {
        let fields = &self.fields;
        let text = |span: Option<Span>| span.map_or(0, |span| delimited_len(span.range().len()));
        let biz_rt = self.biz_rt.as_ref().map_or(0, |biz_rt| {
            delimited_len(header_len(key::BIZ_RT.as_bytes(), biz_rt.digits()))
        });
        1 + varint_len(fields.seq_id)
            + 1
            + varint_len(fields.log_id)
            + 1
            + varint_len(extended(fields.service))
            + 1
            + varint_len(extended(fields.method))
            + self.headers_len
            + biz_rt
            + text(fields.payload_encoding)
            + text(fields.payload_type)
            + delimited_len(self.payload.len())
            + text(fields.log_id_new)
    }

    fn write(&self, out: &mut Vec<u8>) {
        let fields = &self.fields;
        put_integer(out, 1, fields.seq_id);
        put_integer(out, 2, fields.log_id);
        put_integer(out, 3, extended(fields.service));
        put_integer(out, 4, extended(fields.method));
        for (key, value) in headers(self.received) {
            put_header(out, key, value);
        }
        if let Some(biz_rt) = &self.biz_rt {
            put_header(out, key::BIZ_RT.as_bytes(), biz_rt.digits());
        }
        self.put_text(out, 6, fields.payload_encoding);
        self.put_text(out, 7, fields.payload_type);
        put_delimited(out, 8, self.payload);
        self.put_text(out, 9, fields.log_id_new);
    }

    fn put_text(&self, out: &mut Vec<u8>, field: u8, text: Option<Span>) {
        if let Some(span) = text {
            put_delimited(out, field, span.of(self.received));
        }
    }
}

/// A negative `int32` is written as if it had 64 bits.
fn extended(value: i32) -> u64 {
    i64::from(value) as u64
}

fn varint_len(value: u64) -> usize {
    // Seven bits to a byte, and one byte for zero.
    (64 - (value | 1).leading_zeros() as usize).div_ceil(7)
}

/// A delimited field of `len` bytes: tag, length, content.
fn delimited_len(len: usize) -> usize {
    1 + varint_len(len as u64) + len
}

fn header_len(key: &[u8], value: &[u8]) -> usize {
    delimited_len(key.len()) + delimited_len(value.len())
}

fn put_varint(out: &mut Vec<u8>, mut value: u64) {
    while value >= 0x80 {
        out.push(value as u8 | 0x80);
        value >>= 7;
    }
    out.push(value as u8);
}

/// All field numbers are below 16: a tag is one byte.
fn put_tag(out: &mut Vec<u8>, field: u8, wire_type: u8) {
    out.push(field << 3 | wire_type);
}

fn put_integer(out: &mut Vec<u8>, field: u8, value: u64) {
    put_tag(out, field, VARINT);
    put_varint(out, value);
}

fn put_delimited(out: &mut Vec<u8>, field: u8, content: &[u8]) {
    put_tag(out, field, LENGTH_DELIMITED);
    put_varint(out, content.len() as u64);
    out.extend_from_slice(content);
}

fn put_header(out: &mut Vec<u8>, key: &[u8], value: &[u8]) {
    put_tag(out, 5, LENGTH_DELIMITED);
    put_varint(out, header_len(key, value) as u64);
    put_delimited(out, 1, key);
    put_delimited(out, 2, value);
}

/// The digits of a number, without an allocation.
struct Decimal {
    buffer: [u8; 20],
    start: usize,
}

impl Decimal {
    fn of(value: u128) -> Decimal {
        // More milliseconds than a u64 counts are no duration that a process saw.
        let mut rest = u64::try_from(value).unwrap_or(u64::MAX);
        let mut decimal = Decimal {
            buffer: [b'0'; 20],
            start: 20,
        };
        loop {
            decimal.start -= 1;
            decimal.buffer[decimal.start] += (rest % 10) as u8;
            rest /= 10;
            if rest == 0 {
                return decimal;
            }
        }
    }

    fn digits(&self) -> &[u8] {
        &self.buffer[self.start..]
    }
}

#[cfg(test)]
mod tests {
    use prost::Message as _;

    use super::*;
    use crate::frame::{Frame, Header};

    #[test]
    fn lengths_of_integers() {
        for value in [0, 1, 0x7f, 0x80, 0x3fff, 0x4000, 1 << 62, 1 << 63, u64::MAX] {
            let mut out = Vec::new();
            put_varint(&mut out, value);
            assert_eq!(varint_len(value), out.len(), "{value}");
        }
    }

    #[test]
    fn digits_of_numbers() {
        for value in [0, 9, 10, 6, 1234567890, u64::MAX] {
            let decimal = Decimal::of(value.into());
            assert_eq!(decimal.digits(), value.to_string().as_bytes());
        }
        let endless = Decimal::of(Duration::MAX.as_millis() * 1_000_000);
        assert_eq!(endless.digits(), u64::MAX.to_string().as_bytes());
    }

    #[test]
    fn everything_but_the_payload_comes_back() {
        let received = Frame {
            seq_id: u64::MAX,
            log_id: 1 << 63 | 5,
            service: -1,
            method: 1,
            headers: vec![Header::new("type", "event"), Header::new("odd", "")],
            payload_encoding: Some(String::new()),
            payload_type: None,
            payload: Some(Bytes::from_static(b"{}")),
            log_id_new: Some("new".into()),
        };
        let view = FrameView::parse(received.to_bytes()).expect("a frame of our own");
        let mut out = b"before".to_vec();
        let elapsed = Some(Duration::from_micros(6_999));
        Echo::of(&view).encode(super::super::RECORDED, elapsed, &mut out);

        let mut expected = received;
        expected.payload = Some(Bytes::from_static(super::super::RECORDED));
        expected.headers.push(Header::new("biz_rt", "6"));
        assert_eq!(Frame::decode(&out[6..]).expect("a frame"), expected);
        assert_eq!(&out[..6], b"before");
    }

    #[test]
    fn a_slim_echo_answers_the_same_and_forgets_the_payload() {
        let received = Frame {
            seq_id: 7,
            service: -1,
            method: 1,
            headers: vec![Header::new("type", "event"), Header::new("sum", "2")],
            payload: Some(Bytes::from(vec![b'x'; 30_000])),
            log_id_new: Some(String::new()),
            ..Frame::default()
        };
        let view = FrameView::parse(received.to_bytes()).expect("a frame of our own");
        let (whole, slim) = (Echo::of(&view), Echo::of(&view).slim());
        assert!(slim.0.len() < 100);
        let answer = |echo: &Echo| {
            let mut out = Vec::new();
            echo.encode(
                super::super::REFUSED,
                Some(Duration::from_secs(1)),
                &mut out,
            );
            out
        };
        assert_eq!(answer(&slim), answer(&whole));
    }

    #[test]
    fn a_waiting_frame_does_not_show_its_payload() {
        let frame = Frame {
            payload: Some(Bytes::from_static(b"secret")),
            ..Frame::default()
        };
        let view = FrameView::parse(frame.to_bytes()).expect("a frame of our own");
        assert_eq!(
            format!("{:?}", Echo::of(&view)),
            "Echo { size_bytes: 16, .. }"
        );
    }
}
