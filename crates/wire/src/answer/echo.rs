//! Keeps a received frame and writes its answer.
//!
//! An answer repeats the ids, service, method, headers and the three unused texts of the frame: by these the platform
//! finds the push, and the instance that waits for it. Only the payload is replaced, and the header `biz_rt` is added.
//! Fields are written in ascending order, as every SDK does; unknown fields are dropped, as Go and Node do.

use std::fmt;
use std::time::Duration;

use bytes::Bytes;

use crate::frame::{
    ByteRange, FrameFields, FrameView, Layout, delimited_len, extended, header_len, headers, key,
    scan,
};

const VARINT: u8 = 0;
const LENGTH_DELIMITED: u8 = 2;

/// A frame that waits for its answer. It holds the received bytes and their layout only, because many frames wait while
/// a commit runs.
#[derive(Clone)]
pub struct Echo {
    received: Bytes,
    /// `None` if the frame is not in canonical form. Its answer is then encoded field by field.
    layout: Option<Layout>,
}

impl Echo {
    /// Keeps the frame of `view`.
    pub fn of(view: &FrameView) -> Echo {
        Echo {
            received: view.bytes().clone(),
            layout: view.layout(),
        }
    }

    /// A copy without the frame's payload, in memory of its own. For a long frame whose payload is held elsewhere.
    #[must_use]
    pub fn slim(&self) -> Echo {
        let mut frame = Vec::new();
        self.encode(&[], None, &mut frame);
        Echo {
            received: frame.into(),
            layout: None,
        }
    }

    /// Appends to `out` the frame with `payload` in place of its own and, last among the headers,
    /// `biz_rt`: whole milliseconds from receipt to answer.
    pub fn encode(&self, payload: &[u8], biz_rt: Option<Duration>, out: &mut Vec<u8>) {
        match self.layout {
            Some(layout) => self.splice(layout, payload, biz_rt, out),
            None => Outgoing::new(&self.received, payload, biz_rt).write(out),
        }
    }

    /// How many bytes [`encode`](Self::encode) appends for the same arguments.
    pub fn encoded_len(&self, payload: &[u8], biz_rt: Option<Duration>) -> usize {
        let repeated = match self.layout {
            Some(layout) => {
                self.received.len() - layout.payload_field.len() + delimited_len(payload.len())
            }
            None => Outgoing::new(&self.received, payload, biz_rt).len(),
        };
        let biz_rt = biz_rt.map_or(0, |elapsed| {
            let digits = Decimal::of(elapsed.as_millis());
            delimited_len(header_len(key::BIZ_RT.len(), digits.digits().len()))
        });
        repeated + biz_rt
    }

    /// Writes the answer to a canonical frame: its own bytes with another payload.
    fn splice(&self, layout: Layout, payload: &[u8], biz_rt: Option<Duration>, out: &mut Vec<u8>) {
        let (headers, rest) = self.received.split_at(layout.headers_end as usize);
        let replaced = layout.payload_field.range();
        out.extend_from_slice(headers);
        if let Some(elapsed) = biz_rt {
            put_header(
                out,
                key::BIZ_RT.as_bytes(),
                Decimal::of(elapsed.as_millis()).digits(),
            );
        }
        out.extend_from_slice(&rest[..replaced.start - headers.len()]);
        put_delimited(out, 8, payload);
        out.extend_from_slice(&self.received[replaced.end..]);
    }
}

/// Omits the payload, because it holds what people write to each other.
impl fmt::Debug for Echo {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Echo")
            .field("size_bytes", &self.received.len())
            .finish_non_exhaustive()
    }
}

/// The fields of an answer that is not yet written.
struct Outgoing<'a> {
    received: &'a [u8],
    fields: FrameFields,
    payload: &'a [u8],
    biz_rt: Option<Decimal>,
}

impl<'a> Outgoing<'a> {
    fn new(received: &'a [u8], payload: &'a [u8], biz_rt: Option<Duration>) -> Self {
        let fields = scan(received, |_, _| {}).expect("an echo is made of a frame that was parsed");
        Self {
            received,
            fields,
            payload,
            biz_rt: biz_rt.map(|elapsed| Decimal::of(elapsed.as_millis())),
        }
    }

    /// Length in bytes without the header `biz_rt`.
    fn len(&self) -> usize {
        self.fields.encoded_len(self.payload.len())
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

    fn put_text(&self, out: &mut Vec<u8>, field: u8, text: Option<ByteRange>) {
        if let Some(span) = text {
            put_delimited(out, field, span.of(self.received));
        }
    }
}

fn put_varint(out: &mut Vec<u8>, mut value: u64) {
    while value >= 0x80 {
        out.push(value as u8 | 0x80);
        value >>= 7;
    }
    out.push(value as u8);
}

/// A tag is one byte, because all field numbers are below 16.
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
    put_varint(out, header_len(key.len(), value.len()) as u64);
    put_delimited(out, 1, key);
    put_delimited(out, 2, value);
}

/// The decimal digits of a number, without an allocation.
struct Decimal {
    buffer: [u8; 20],
    start: usize,
}

impl Decimal {
    fn of(value: u128) -> Decimal {
        // No process measures a duration of more milliseconds than a u64 holds.
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
    use crate::frame::{Frame, Header, integer_len};

    #[test]
    fn lengths_of_integers() {
        for value in [0, 1, 0x7f, 0x80, 0x3fff, 0x4000, 1 << 62, 1 << 63, u64::MAX] {
            let mut out = Vec::new();
            put_integer(&mut out, 1, value);
            assert_eq!(integer_len(value), out.len(), "{value}");
        }
    }

    /// Both ways of writing an answer give the same bytes, whichever optional fields the frame has.
    #[test]
    fn spliced_and_put_together_are_one() {
        for fields in 0..16_u8 {
            let text = |bit: u8| (fields & bit != 0).then(|| "text".to_owned());
            let received = Frame {
                seq_id: 1 << 20,
                log_id: 0,
                service: if fields & 8 == 0 { 7 } else { -7 },
                method: 1,
                headers: vec![Header::new("type", "event"), Header::new("empty", "")],
                payload_encoding: text(1),
                payload_type: text(2),
                payload: Some(Bytes::from(vec![b'x'; 200])),
                log_id_new: text(4),
            };
            let view = FrameView::parse(received.to_bytes()).expect("a frame of our own");
            assert!(view.layout().is_some(), "{fields}");
            let (spliced, mut built) = (Echo::of(&view), Echo::of(&view));
            built.layout = None;
            for biz_rt in [None, Some(Duration::from_millis(12))] {
                let (mut one, mut other) = (Vec::new(), Vec::new());
                spliced.encode(super::super::RECORDED, biz_rt, &mut one);
                built.encode(super::super::RECORDED, biz_rt, &mut other);
                assert_eq!(one, other, "{fields}");
                for echo in [&spliced, &built] {
                    assert_eq!(echo.encoded_len(super::super::RECORDED, biz_rt), one.len());
                }
            }
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
        assert!(slim.received.len() < 100);
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

    /// Such a frame has the length of a canonical one, and its answer is in canonical order all the same.
    #[test]
    fn a_header_with_its_value_first_is_no_usual_layout() {
        let frame = Frame {
            method: 1,
            headers: vec![Header::new("k", "v")],
            payload: Some(Bytes::from_static(b"{}")),
            ..Frame::default()
        };
        let (usual, swapped) = ([10, 1, b'k', 18, 1, b'v'], [18, 1, b'v', 10, 1, b'k']);
        let mut bytes = frame.to_bytes().to_vec();
        let at = bytes.windows(6).position(|part| part == usual);
        let at = at.expect("the header as it is written");
        bytes[at..at + 6].copy_from_slice(&swapped);
        let view = FrameView::parse(bytes.into()).expect("a frame");
        assert_eq!(view.header("k"), Some("v"));
        assert!(view.layout().is_none());
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
