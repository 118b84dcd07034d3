//! A received frame, read in place: its kind, its headers and where its payload lies.

use std::fmt;

use bytes::Bytes;

use super::{
    ByteRange, FrameError, Layout, METHOD_CONTROL, METHOD_DATA, Part, PartError, headers, scan,
};

/// What a frame is for, from its `method` and its header `type`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum FrameKind {
    /// A ping of the platform. No official SDK answers it; an answer does no harm.
    Ping,
    /// The platform's answer to a ping, usually with a configuration as payload.
    Pong,
    /// A control frame of an undocumented type. It is ignored.
    OtherControl,
    /// An event or card callback, or a fragment of one. It has to be answered.
    Event,
    /// A card click of an app whose callback subscription is not set to long connection. All official SDKs drop it
    /// without an answer.
    Card,
    /// A data frame of an undocumented type. It is ignored.
    OtherData,
    /// `method` is neither control nor data. The frame is ignored and gets no answer.
    UnknownMethod(i32),
}

impl FrameKind {
    fn of(method: i32, kind: Option<&[u8]>) -> FrameKind {
        match (method, kind) {
            (METHOD_DATA, Some(b"event")) => FrameKind::Event,
            (METHOD_DATA, Some(b"card")) => FrameKind::Card,
            (METHOD_DATA, _) => FrameKind::OtherData,
            (METHOD_CONTROL, Some(b"ping")) => FrameKind::Ping,
            (METHOD_CONTROL, Some(b"pong")) => FrameKind::Pong,
            (METHOD_CONTROL, _) => FrameKind::OtherControl,
            (method, _) => FrameKind::UnknownMethod(method),
        }
    }

    /// A stable label for counters.
    pub fn label(self) -> &'static str {
        match self {
            FrameKind::Ping => "ping",
            FrameKind::Pong => "pong",
            FrameKind::OtherControl => "other_control",
            FrameKind::Event => "event",
            FrameKind::Card => "card",
            FrameKind::OtherData => "other_data",
            FrameKind::UnknownMethod(_) => "unknown_method",
        }
    }
}

/// One frame and the bytes it was received in. Parsing allocates nothing; every part returned is a slice of these bytes.
#[derive(Clone)]
pub struct FrameView {
    bytes: Bytes,
    seq_id: u64,
    log_id: u64,
    service: i32,
    method: i32,
    kind: FrameKind,
    payload: Option<ByteRange>,
    message_id: Option<ByteRange>,
    trace_id: Option<ByteRange>,
    sum: Option<ByteRange>,
    seq: Option<ByteRange>,
    layout: Option<Layout>,
}

impl FrameView {
    /// Checks the whole frame and notes where its parts lie.
    ///
    /// An absent required field is an error, as on the platform's Go side, and so is text that is not UTF-8.
    pub fn parse(bytes: Bytes) -> Result<FrameView, FrameError> {
        let (mut kind, mut message_id, mut trace_id) = (None, None, None);
        let (mut sum, mut seq) = (None, None);
        let fields = scan(&bytes, |key: ByteRange, value| {
            let slot = match key.of(&bytes) {
                b"type" => &mut kind,
                b"message_id" => &mut message_id,
                b"trace_id" => &mut trace_id,
                b"sum" => &mut sum,
                b"seq" => &mut seq,
                _ => return,
            };
            // The first header with a key counts.
            slot.get_or_insert(value);
        })?;
        Ok(FrameView {
            seq_id: fields.seq_id,
            log_id: fields.log_id,
            service: fields.service,
            method: fields.method,
            kind: FrameKind::of(fields.method, kind.map(|kind| kind.of(&bytes))),
            payload: fields.payload,
            message_id,
            trace_id,
            sum,
            seq,
            layout: fields.layout(bytes.len()),
            bytes,
        })
    }

    /// The `service_id` this frame belongs to.
    pub fn service(&self) -> i32 {
        self.service
    }

    /// 0 control, 1 data; see [`kind`](Self::kind).
    pub fn method(&self) -> i32 {
        self.method
    }

    /// The platform's number of this frame.
    pub fn seq_id(&self) -> u64 {
        self.seq_id
    }

    /// The platform's log id.
    pub fn log_id(&self) -> u64 {
        self.log_id
    }

    /// What the frame is for.
    pub fn kind(&self) -> FrameKind {
        self.kind
    }

    /// The value of the first header called `key`. Scans the frame again. The headers that every push has are
    /// available without a scan: [`message_id`](Self::message_id), [`trace_id`](Self::trace_id), [`part`](Self::part),
    /// [`kind`](Self::kind).
    pub fn header(&self, key: &str) -> Option<&str> {
        let (_, value) = headers(&self.bytes).find(|(name, _)| *name == key.as_bytes())?;
        Some(std::str::from_utf8(value).expect("the scan has checked every text field"))
    }

    /// The payload, a slice of the frame. `None` when the field is absent; it may be empty.
    pub fn payload(&self) -> Option<Bytes> {
        self.payload.map(|span| self.bytes.slice(span.range()))
    }

    /// The id of the push, the same in all its fragments. Not the id of a chat message.
    pub fn message_id(&self) -> Option<&str> {
        self.message_id.map(|span| span.text(&self.bytes))
    }

    /// The platform's trace of the push.
    pub fn trace_id(&self) -> Option<&str> {
        self.trace_id.map(|span| span.text(&self.bytes))
    }

    /// Whether the frame carries a whole push or a fragment of one.
    pub fn part(&self) -> Result<Part, PartError> {
        let text = |span: Option<ByteRange>| span.map(|span| span.text(&self.bytes));
        Part::of(text(self.sum), text(self.seq))
    }

    /// Where its parts lie, if the frame is in canonical form.
    pub(crate) fn layout(&self) -> Option<Layout> {
        self.layout
    }

    /// The frame as it was received.
    pub fn bytes(&self) -> &Bytes {
        &self.bytes
    }
}

/// Omits the payload, because it holds what people write to each other.
impl fmt::Debug for FrameView {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("FrameView")
            .field("kind", &self.kind)
            .field("service", &self.service)
            .field("seq_id", &self.seq_id)
            .field("log_id", &self.log_id)
            .field("message_id", &self.message_id())
            .field("size_bytes", &self.bytes.len())
            .finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::super::{Frame, Header, key};
    use super::*;

    fn view(method: i32, headers: &[(&str, &str)]) -> FrameView {
        let frame = Frame {
            method,
            headers: headers.iter().map(|(k, v)| Header::new(*k, *v)).collect(),
            payload: Some(Bytes::from_static(b"a secret of two people")),
            ..Frame::default()
        };
        FrameView::parse(frame.to_bytes()).expect("a frame of our own")
    }

    #[test]
    fn kinds() {
        let check = |method, kind: &str, expected| {
            assert_eq!(view(method, &[(key::TYPE, kind)]).kind(), expected);
        };
        check(0, "ping", FrameKind::Ping);
        check(0, "pong", FrameKind::Pong);
        check(0, "event", FrameKind::OtherControl);
        check(1, "event", FrameKind::Event);
        check(1, "card", FrameKind::Card);
        check(1, "ping", FrameKind::OtherData);
        check(2, "event", FrameKind::UnknownMethod(2));
        check(-1, "ping", FrameKind::UnknownMethod(-1));
        assert_eq!(view(0, &[]).kind(), FrameKind::OtherControl);
        assert_eq!(view(1, &[]).kind(), FrameKind::OtherData);
    }

    #[test]
    fn the_first_of_a_repeated_header_counts() {
        let view = view(
            1,
            &[("type", "event"), ("type", "card"), ("x", "1"), ("x", "2")],
        );
        assert_eq!(view.kind(), FrameKind::Event);
        assert_eq!(view.header("x"), Some("1"));
        assert_eq!(view.header("y"), None);
    }

    #[test]
    fn the_payload_is_a_slice_and_never_shown() {
        let view = view(1, &[]);
        let payload = view.payload().expect("present");
        let frame = view.bytes().as_ptr_range();
        assert!(frame.contains(&payload.as_ptr()));
        assert!(!format!("{view:?}").contains("secret"));
    }
}
