//! The decoders of Feishu's and Lark's bytes.

use std::time::Duration;

use bytes::Bytes;
use longwire_wire::answer::{AnswerPayload, Echo, with_data};
use longwire_wire::endpoint::{ClientConfig, ConnectionUrl, EndpointAnswer, EndpointRequest};
use longwire_wire::envelope::Envelope;
use longwire_wire::frame::{Frame, FrameView, Header, MAX_PARTS, Part};
use longwire_wire::identity::Identity;

use crate::lies_in;

/// The scan and prost accept the same frames and read the same from them; a frame comes back as it went; its echo is the
/// frame with another payload.
pub fn frame(data: &[u8]) {
    let bytes = Bytes::copy_from_slice(data);
    let view = FrameView::parse(bytes.clone());
    let frame = match (&view, Frame::from_bytes(bytes.clone())) {
        (Ok(_), Ok(frame)) => frame,
        (Err(_), Err(_)) => return,
        (view, frame) => panic!("the scan says {view:?}, prost {frame:?}"),
    };
    let Ok(view) = view else { return };
    assert_eq!(view.seq_id(), frame.seq_id);
    assert_eq!(view.log_id(), frame.log_id);
    assert_eq!(view.service(), frame.service);
    assert_eq!(view.method(), frame.method);
    assert_eq!(view.payload(), frame.payload);
    for header in &frame.headers {
        assert_eq!(view.header(&header.key), frame.header(&header.key));
    }
    if let Some(payload) = view.payload() {
        assert!(lies_in(&payload, &bytes), "the payload was copied");
    }
    if let Ok(Part::Fragment { sum, seq }) = view.part() {
        assert!(
            (2..=MAX_PARTS).contains(&sum) && seq < sum,
            "{seq} of {sum}"
        );
    }
    let again = Frame::from_bytes(frame.to_bytes()).expect("what was read can be written");
    assert_eq!(again, frame);
    echo(&view, &frame);
}

fn echo(view: &FrameView, frame: &Frame) {
    let mut expected = frame.clone();
    expected.payload = Some(Bytes::from_static(b"{\"code\":200}"));
    expected.headers.push(Header::new("biz_rt", "77"));
    let (payload, biz_rt) = (b"{\"code\":200}", Some(Duration::from_millis(77)));
    let mut out = Vec::new();
    let echo = Echo::of(view);
    echo.encode(payload, biz_rt, &mut out);
    assert_eq!(out.len(), echo.encoded_len(payload, biz_rt));
    assert_eq!(Frame::from_bytes(out.into()), Ok(expected));
}

/// An event has an id and a type, and the same bytes have the same identity.
pub fn envelope(data: &[u8]) {
    let payload = Bytes::copy_from_slice(data);
    let Ok(envelope) = Envelope::parse(&payload) else {
        return;
    };
    assert!(!envelope.event_id.is_empty() && !envelope.event_type.is_empty());
    // Nothing grows: an escape is longer than what it stands for.
    for text in [&envelope.event_id, &envelope.event_type] {
        assert!(text.len() <= data.len());
    }
    let again = Envelope::parse(&payload).expect("it was read before");
    assert_eq!(again, envelope);
    let (first, second) = (Identity::of(&envelope), Identity::of(&again));
    assert_eq!(first.event, second.event);
    assert_eq!(first.message, second.message);
}

/// Answers and requests come back as they went.
pub fn endpoint(data: &[u8]) {
    if let Ok(answer) = EndpointAnswer::parse(data) {
        let again = EndpointAnswer::parse(&answer.to_json()).expect("our own");
        assert_eq!((again.code, again.msg), (answer.code, answer.msg));
        assert_eq!(again.data, answer.data);
    }
    if let Ok(request) = EndpointRequest::parse(data) {
        let json = request.to_json();
        let again = EndpointRequest::parse(&json).expect("our own");
        assert_eq!(again.app_id, request.app_id);
        assert_eq!(again.app_secret, request.app_secret);
    }
}

/// A pong's configuration comes back as it went.
pub fn client_config(data: &[u8]) {
    if let Some(config) = ClientConfig::parse(data) {
        assert_eq!(ClientConfig::parse(&config.to_json()), Some(config));
    }
}

/// An address that is dialled is one of a WebSocket, and printing it shows no credential.
pub fn connection_url(data: &[u8]) {
    let Ok(text) = std::str::from_utf8(data) else {
        return;
    };
    let Ok(url) = ConnectionUrl::parse(text) else {
        return;
    };
    let exposed = url.expose();
    assert!(matches!(exposed.scheme(), "ws" | "wss"));
    assert!(exposed.username().is_empty() && exposed.password().is_none());
    assert!(exposed.fragment().is_none());
    let printed = format!("{url:?}");
    if let Some((_, query)) = printed.split_once('?') {
        assert_eq!(query, "<redacted>", "{printed}");
    }
    let again = ConnectionUrl::parse(exposed.as_str()).expect("it was read before");
    assert_eq!(again.service_id(), url.service_id());
    assert_eq!(again.device_id(), url.device_id());
}

/// The result of a card callback comes back as it went.
pub fn answer(data: &[u8]) {
    if let Ok(answer) = AnswerPayload::parse(data)
        && let Some(result) = answer.data
    {
        let again = AnswerPayload::parse(&with_data(&result)).expect("our own");
        assert_eq!((again.code, again.data), (200, Some(result)));
    }
}
