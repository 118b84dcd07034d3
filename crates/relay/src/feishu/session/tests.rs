use bytes::Bytes;
use longwire_wire::answer::with_data;
use longwire_wire::event::Seq;
use longwire_wire::frame::{Frame, Header, Part, ServiceId};

use super::*;

const SECOND: Duration = Duration::from_secs(1);
const PING: Duration = Duration::from_secs(30);
const LIMIT: Duration = Duration::from_secs(600);

/// A session, a clock and a client that remembers what it was sent.
struct Stand {
    session: Session,
    now: Instant,
    next: u64,
}

impl Stand {
    fn new() -> Self {
        let now = Instant::now();
        let settings = SessionSettings {
            service_id: 7,
            ping_interval: PING,
            handler_limit: LIMIT,
        };
        Self {
            session: Session::new(settings, now),
            now,
            next: 1,
        }
    }

    /// One whose client has pinged.
    fn begun() -> Self {
        let mut stand = Self::new();
        let (_, out) = stand.hear_frame(&Frame::ping(ServiceId(7)));
        assert!(!out.is_empty());
        stand
    }

    fn pass(&mut self, time: Duration) -> Option<Outcome> {
        self.now += time;
        self.session.handle_timeout(self.now)
    }

    fn hear(&mut self, message: ClientMessage) -> (Option<Outcome>, Vec<u8>) {
        let mut out = Vec::new();
        let outcome = self.session.heard(message, self.now, &mut out);
        (outcome, out)
    }

    fn hear_frame(&mut self, frame: &Frame) -> (Option<Outcome>, Vec<u8>) {
        self.hear(ClientMessage::Binary(frame.to_bytes()))
    }

    /// Pushes an event, and returns its frames as the client reads them.
    fn push(&mut self, change: impl FnOnce(&mut RelayEvent)) -> Vec<Frame> {
        let mut event = event(self.next);
        change(&mut event);
        let id = Uuid::from_u128(u128::from(self.next));
        self.next += 1;
        assert!(self.session.may_push(event.payload.len(), self.now));
        let mut out = Vec::new();
        self.session.push(&event, id, self.now, &mut out);
        frames(&out)
    }

    /// What follows from this answer to a frame.
    fn answer(&mut self, frame: &Frame, payload: &[u8]) -> Option<Outcome> {
        let (outcome, out) = self.hear_frame(&answered(frame, payload));
        assert!(out.is_empty(), "an ACK is not answered");
        outcome
    }
}

fn event(number: u64) -> RelayEvent {
    RelayEvent {
        delivery: DeliveryId(number),
        seq: Seq(number as i64),
        event_type: Some("im.message.receive_v1".into()),
        chat: Some("oc_1".into()),
        payload: Bytes::from_static(br#"{"schema":"2.0"}"#),
        traceparent: "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01".to_owned(),
        redelivered: false,
        attempt: 1,
        received_ms: 0,
        is_old_card: false,
    }
}

/// The frames in unmasked messages of a server.
fn frames(mut bytes: &[u8]) -> Vec<Frame> {
    let mut frames = Vec::new();
    while let [first, second, rest @ ..] = bytes {
        assert_eq!(*first, 0x82, "a whole binary message");
        let (len, head) = match second {
            126 => (u64::from(u16::from_be_bytes([rest[0], rest[1]])), 2),
            127 => (u64::from_be_bytes(rest[..8].try_into().expect("eight")), 8),
            len => (u64::from(*len), 0),
        };
        let (message, after) = rest[head..].split_at(len as usize);
        frames.push(Frame::from_bytes(Bytes::copy_from_slice(message)).expect("a frame"));
        bytes = after;
    }
    frames
}

/// The frame written back with another payload, as SDKs do.
fn answered(frame: &Frame, payload: &[u8]) -> Frame {
    let mut frame = frame.clone();
    frame.headers.push(Header::new("biz_rt", "3"));
    frame.payload = Some(Bytes::copy_from_slice(payload));
    frame
}

#[test]
fn nothing_is_pushed_before_the_first_ping_or_a_moment() {
    let mut stand = Stand::new();
    assert!(!stand.session.may_push(10, stand.now));
    assert_eq!(stand.session.due(stand.now), Some(stand.now + FIRST_PUSH));
    // A protocol ping says nothing of handlers.
    stand.hear(ClientMessage::Ping(Bytes::new()));
    assert!(!stand.session.may_push(10, stand.now));
    stand.pass(FIRST_PUSH);
    assert!(stand.session.may_push(10, stand.now));
    assert_eq!(stand.session.due(stand.now), None, "it never pinged");

    let mut stand = Stand::begun();
    assert!(stand.session.may_push(10, stand.now));
}

#[test]
fn a_ping_is_answered_with_all_of_the_configuration() {
    let mut stand = Stand::new();
    let (outcome, out) = stand.hear_frame(&Frame::ping(ServiceId(7)));
    assert_eq!(outcome, None);
    let pongs = frames(&out);
    let [pong] = &pongs[..] else {
        panic!("{} frames", pongs.len())
    };
    assert_eq!((pong.method, pong.service), (0, 7));
    assert_eq!(pong.header("type"), Some("pong"));
    let config = pong.payload.as_deref().expect("a configuration");
    let expected: &[u8] =
        br#"{"ReconnectCount":-1,"ReconnectInterval":1,"ReconnectNonce":0,"PingInterval":30}"#;
    assert_eq!(config, expected);
    let (_, out) = stand.hear(ClientMessage::Ping(Bytes::from_static(b"abc")));
    assert_eq!(out, b"\x8a\x03abc");
}

#[test]
fn an_event_goes_out_as_the_platform_writes_it() {
    let mut stand = Stand::begun();
    let frames = stand.push(|_| {});
    let [frame] = &frames[..] else {
        panic!("{} frames", frames.len())
    };
    let headers = frame.headers.iter();
    let headers: Vec<_> = headers.map(|one| (&*one.key, &*one.value)).collect();
    let expected = [
        ("type", "event"),
        ("message_id", "00000000-0000-0000-0000-000000000001"),
        ("sum", "1"),
        ("seq", "0"),
        ("trace_id", "0af7651916cd43dd8448eb211c80319c"),
    ];
    assert_eq!(headers, expected);
    assert_eq!((frame.method, frame.service), (1, 7));
    assert_eq!(frame.payload.as_deref(), Some(&br#"{"schema":"2.0"}"#[..]));

    let repeated = stand.push(|event| event.redelivered = true);
    assert_eq!(repeated[0].header(REDELIVERED), Some("1"));
    let old = stand.push(|event| event.is_old_card = true);
    assert_eq!(old[0].header("type"), Some("card"));
}

#[test]
fn a_long_event_is_cut_as_the_platform_does_and_answered_once() {
    let mut stand = Stand::begun();
    let payload: Vec<u8> = (0..=255).cycle().take(2 * FRAGMENT_BYTES + 1).collect();
    let whole = Bytes::from(payload.clone());
    let parts = stand.push(|event| event.payload = whole);
    assert_eq!(parts.len(), 3);
    let mut joined = Vec::new();
    for (seq, frame) in parts.iter().enumerate() {
        let view = FrameView::parse(frame.to_bytes()).expect("a frame");
        let seq = seq as u16;
        assert_eq!(view.part(), Ok(Part::Fragment { sum: 3, seq }));
        assert_eq!(frame.header("message_id"), parts[0].header("message_id"));
        joined.extend_from_slice(frame.payload.as_deref().expect("a payload"));
    }
    assert!(joined == payload);
    let done = stand.answer(&parts[1], br#"{"code":200}"#);
    assert_eq!(done, Some(Outcome::Done(DeliveryId(1), None)));
    assert_eq!(stand.answer(&parts[2], br#"{"code":200}"#), None);
    let seq_ids: Vec<_> = parts.iter().map(|frame| frame.seq_id).collect();
    let next = stand.push(|_| {});
    assert_eq!(next[0].seq_id, seq_ids[2] + 1);
}

#[test]
fn answers_of_the_sdks_are_understood() {
    let done = |answer: Option<&[u8]>| Outcome::Done(DeliveryId(1), answer.map(<[u8]>::to_vec));
    let failed = |why: &str| Outcome::Failed(DeliveryId(1), why.to_owned());
    for (payload, expected) in [
        (&br#"{"code": 200}"#[..], done(None)),
        (br#"{"code":200,"headers":null,"data":null}"#, done(None)),
        (br#"{"code":200,"data":""}"#, done(None)),
        (
            &with_data(br#"{"toast":{}}"#),
            done(Some(br#"{"toast":{}}"#)),
        ),
        (br#"{"code": 500}"#, failed("the application answered 500")),
        (br#"{"code":0}"#, failed("the application answered 0")),
    ] {
        let mut stand = Stand::begun();
        let frame = stand.push(|_| {}).remove(0);
        assert_eq!(stand.answer(&frame, payload), Some(expected));
        assert_eq!(stand.session.unanswered(), 0);
    }
    let mut stand = Stand::begun();
    let frame = stand.push(|_| {}).remove(0);
    let outcome = stand.answer(&frame, b"ok");
    assert!(matches!(outcome, Some(Outcome::Failed(DeliveryId(1), _))));
}

#[test]
fn a_late_answer_counts_and_one_to_nothing_does_no_harm() {
    let mut stand = Stand::begun();
    let frame = stand.push(|_| {}).remove(0);
    stand.pass(LIMIT + SECOND);
    let late = stand.answer(&frame, br#"{"code":200}"#);
    assert_eq!(late, Some(Outcome::Done(DeliveryId(1), None)));
    let stray = |stand: &mut Stand, id: &str| {
        let mut frame = answered(&frame, br#"{"code":200}"#);
        frame.headers.retain(|header| header.key != "message_id");
        frame.headers.push(Header::new("message_id", id));
        stand.hear_frame(&frame).0
    };
    // Twice, never sent, no id at all.
    for id in [
        "00000000-0000-0000-0000-000000000001",
        "00000000-0000-0000-0000-0000000000ff",
        "om_1",
    ] {
        assert_eq!(stray(&mut stand, id), None);
    }
    let counts = stand.session.counts();
    assert_eq!((counts.stray, counts.garbage, counts.done), (3, 0, 1));
    let frame = stand.push(|_| {}).remove(0);
    stand.pass(2 * LIMIT + SECOND);
    assert_eq!(stand.answer(&frame, br#"{"code":200}"#), None, "forgotten");
}

#[test]
fn garbage_is_counted_and_too_much_of_it_ends_the_connection() {
    let mut stand = Stand::begun();
    let garbage = [
        ClientMessage::Text(Bytes::from_static(b"{}")),
        ClientMessage::Binary(Bytes::from_static(b"\xff\xff")),
        ClientMessage::Binary(Bytes::new()),
    ];
    let mut closed_at = None;
    for (nth, message) in garbage.iter().cycle().take(1_000).enumerate() {
        if let (Some(outcome), out) = stand.hear(message.clone()) {
            assert!(matches!(outcome, Outcome::Close(close::POLICY, _)));
            assert!(out.is_empty());
            closed_at = Some(nth);
            break;
        }
    }
    assert_eq!(closed_at, Some(256));
    assert_eq!(stand.session.counts().garbage, 257);
}

#[test]
fn a_client_that_pinged_is_gone_when_it_says_nothing_for_long() {
    let silence = 3 * PING + SILENCE_SLACK;
    let mut stand = Stand::begun();
    assert_eq!(stand.pass(silence - SECOND), None);
    stand.hear_frame(&Frame::ping(ServiceId(7)));
    assert_eq!(stand.pass(silence - SECOND), None);
    let gone = stand.pass(SECOND);
    assert!(matches!(gone, Some(Outcome::Close(close::GOING_AWAY, _))));

    // Some clients never ping.
    let mut stand = Stand::new();
    assert_eq!(stand.pass(1_000 * silence), None);
}

#[test]
fn while_an_event_is_unanswered_silence_says_nothing() {
    let mut stand = Stand::begun();
    let first = stand.push(|_| {}).remove(0);
    assert_eq!(stand.pass(LIMIT), None);
    // Its handler has had its time, and its client may say something still.
    assert_eq!(stand.pass(SILENCE_SLACK - SECOND), None);
    assert!(matches!(stand.pass(SECOND), Some(Outcome::Close(..))));

    let mut stand = Stand::begun();
    stand.now += LIMIT / 2;
    let second = stand.push(|_| {}).remove(0);
    stand.answer(&second, br#"{"code":200}"#);
    assert_eq!(stand.answer(&first, br#"{"code":200}"#), None);
    assert_eq!(stand.pass(3 * PING), None);
    let gone = stand.pass(SILENCE_SLACK);
    assert!(matches!(gone, Some(Outcome::Close(..))), "all was answered");
}

#[test]
fn little_is_sent_ahead_of_a_client_that_reads_nothing() {
    let mut stand = Stand::begun();
    let mut pushed = Vec::new();
    while stand.session.may_push(1_024, stand.now) {
        pushed.extend(stand.push(|event| event.payload = Bytes::from(vec![b' '; 1_024])));
        assert!(pushed.len() < 64);
    }
    let ping = stand
        .session
        .poll_ping()
        .expect("it asks how far the client is");
    assert_eq!(stand.session.poll_ping(), None);
    // The ACK of one proves that those before it were read.
    stand.answer(&pushed[1], br#"{"code":200}"#);
    assert!(stand.session.may_push(1_024, stand.now));
    stand.hear(ClientMessage::Pong(Bytes::copy_from_slice(&ping)));
    assert!(stand.session.may_push(40 * 1_024, stand.now));
}

#[test]
fn a_slow_chat_keeps_no_memory_of_all_that_was_answered_meanwhile() {
    let mut stand = Stand::begun();
    let slow = stand.push(|_| {}).remove(0);
    for _ in 0..10_000 {
        let frame = stand.push(|_| {}).remove(0);
        assert!(stand.answer(&frame, br#"{"code":200}"#).is_some());
    }
    assert!(stand.session.sent.remembered() < 200);
    assert!(stand.answer(&slow, br#"{"code":200}"#).is_some());
    assert_eq!(stand.session.sent.remembered(), 0);
}
