//! Envelopes are JSON with the attributes that CloudEvents and the documentation name.

use longwire_wire::view::{Family, LookedUp, PersonName, Unavailable};
use serde_json::{Value, json};

use super::*;
use crate::event_id::StoreTag;

const MESSAGE: &str = r#"{"schema":"2.0","header":{"event_id":"e","event_type":"im.message.receive_v1"},
  "event":{"sender":{"sender_id":{"open_id":"ou_1"},"sender_type":"user"},
  "message":{"message_id":"om_1","chat_id":"oc_\"1","chat_type":"group","message_type":"text",
  "content":"{\"text\":\" hi \"}"}}}"#;

fn id(seq: i64) -> EventId {
    EventId::new(StoreTag(*b"longwire"), Seq(seq))
}

fn text(payload: &str, event_type: Option<&str>, detail: Detail) -> EventText {
    expanded_text(payload, event_type, detail, None)
}

fn expanded_text(
    payload: &str,
    event_type: Option<&str>,
    detail: Detail,
    expanded: Option<&ExpandedView>,
) -> EventText {
    let payload = Bytes::copy_from_slice(payload.as_bytes());
    let view = EventView::of(Family::Feishu, event_type, &payload);
    let facts = EventFacts {
        id: id(7),
        seq: Seq(7),
        installation: Some(PublicId::from_bytes([9; 16])),
        platform: Some(Platform::Lark),
        event_type,
        chat: view.chat.as_ref().map(|chat| &*chat.id),
        time_ms: 0,
        view: &view,
        expanded,
        payload: &payload,
        withheld: None,
    };
    EventText::new(&facts, detail)
}

fn envelope(text: &EventText, attempt: &AttemptFacts) -> Value {
    let mut out = Vec::new();
    write_event(text, attempt, &mut out);
    serde_json::from_slice(&out).expect("it is JSON")
}

#[test]
fn a_message() {
    let text = text(MESSAGE, Some("im.message.receive_v1"), Detail::Whole);
    let mut read = envelope(&text, &AttemptFacts::default());
    let data = read["data"].take();
    let expected = json!({
        "specversion": "1.0",
        "id": id(7).to_string(),
        "source": "/installations/ins_0914k2r4g928164g92284gj4r9",
        "type": "feishu.im.message.receive_v1",
        "subject": "oc_\"1",
        "time": "1970-01-01T00:00:00.000Z",
        "datacontenttype": "application/json",
        "installationid": "ins_0914k2r4g928164g92284gj4r9",
        "platform": "lark",
        "seq": 7,
        "traceparent": traceparent(id(7)),
        "data": null,
    });
    let source = format!("/installations/{}", PublicId::from_bytes([9; 16]));
    let mut expected = expected;
    expected["source"] = json!(source);
    expected["installationid"] = json!(PublicId::from_bytes([9; 16]).to_string());
    assert_eq!(read, expected);
    assert_eq!(data["kind"], "message");
    assert_eq!(data["message"]["text"], " hi ");
    let raw: Value = serde_json::from_str(MESSAGE).expect("it is JSON");
    assert_eq!(data["raw"], raw);
}

#[test]
fn what_was_looked_up_stands_beside_the_view() {
    let expanded = ExpandedView {
        quoted: Some(LookedUp::of(Err(Unavailable::Timeout))),
        sender: Some(LookedUp::of(Ok(PersonName {
            name: "A \"B\"".into(),
        }))),
    };
    let looked_up = |detail| {
        let text = expanded_text(
            MESSAGE,
            Some("im.message.receive_v1"),
            detail,
            Some(&expanded),
        );
        envelope(&text, &AttemptFacts::default())["data"].take()
    };
    let data = looked_up(Detail::Whole);
    let expected = json!({"quoted": {"unavailable": "timeout"}, "sender": {"name": "A \"B\""}});
    assert_eq!(data["expanded"], expected);
    assert!(data["raw"].is_object());
    assert_eq!(looked_up(Detail::Thin).get("expanded"), None);
    let nothing = expanded_text(
        MESSAGE,
        Some("im.message.receive_v1"),
        Detail::Whole,
        Some(&ExpandedView::default()),
    );
    let plain = text(MESSAGE, Some("im.message.receive_v1"), Detail::Whole);
    assert_eq!(nothing.bytes(), plain.bytes());
}

#[test]
fn what_an_attempt_tells() {
    let text = text(MESSAGE, Some("im.message.receive_v1"), Detail::Whole);
    let attempt = AttemptFacts {
        redelivered: true,
        possible_duplicate_of: Some(id(3)),
        age: Duration::from_millis(12_900),
        is_stale: true,
        gap_before: 7,
    };
    let read = envelope(&text, &attempt);
    assert_eq!(read["redelivered"], true);
    assert_eq!(read["gapbefore"], 7);
    assert_eq!(read["possibleduplicateof"], id(3).to_string());
    assert_eq!(read["recordedage"], 12);
    assert_eq!(read["stale"], true);
    let read = envelope(
        &text,
        &AttemptFacts {
            age: Duration::from_millis(999),
            ..AttemptFacts::default()
        },
    );
    for absent in ["redelivered", "possibleduplicateof", "recordedage", "stale"] {
        assert_eq!(read.get(absent), None, "{absent}");
    }
}

/// Whoever must not receive content receives none: neither text nor names nor the payload.
#[test]
fn a_thin_envelope_has_ids_only() {
    let text = text(MESSAGE, Some("im.message.receive_v1"), Detail::Thin);
    let read = envelope(&text, &AttemptFacts::default());
    let expected = json!({
        "kind": "message",
        "chat": {"id": "oc_\"1"},
        "sender": {"id": "ou_1"},
        "message": {"id": "om_1"},
    });
    assert_eq!(read["data"], expected);
}

#[test]
fn bytes_that_are_no_json_come_as_base64() {
    let text = text("{\"a\":\u{1}", None, Detail::Whole);
    let read = envelope(&text, &AttemptFacts::default());
    assert_eq!(read["type"], "feishu.unparsed");
    assert_eq!(read["data"]["kind"], "unparsed");
    assert_eq!(read["data"]["raw_base64"], "eyJhIjoB");
    assert_eq!(read["data"].get("raw"), None);
}

#[test]
fn types() {
    let check = |platform, event_type, expected: &str| {
        assert_eq!(envelope_type(platform, event_type), expected);
    };
    check(
        Some(Platform::Feishu),
        Some("im.chat.updated_v1"),
        "feishu.im.chat.updated_v1",
    );
    check(
        Some(Platform::Wecom),
        Some("event.enter_chat"),
        "wecom.event.enter_chat",
    );
    check(Some(Platform::Wecom), None, "wecom.unparsed");
    check(
        None,
        Some("longwire.consumer.paused"),
        "longwire.consumer.paused",
    );
}

#[test]
fn a_batch_keeps_the_ids() {
    let text = text(MESSAGE, Some("im.message.receive_v1"), Detail::Thin);
    let first = AttemptFacts::default();
    let second = AttemptFacts {
        redelivered: true,
        ..first
    };
    for count in 0..3 {
        let events = [(&text, &first), (&text, &second)];
        let mut out = Vec::new();
        write_batch(events.into_iter().take(count), &mut out);
        let read: Vec<Value> = serde_json::from_slice(&out).expect("it is an array");
        assert_eq!(read.len(), count);
        assert!(read.iter().all(|event| event["id"] == id(7).to_string()));
    }
    let batch = BatchId::of([id(1), id(2)]);
    assert_eq!(batch, BatchId::of([id(1), id(2)]));
    assert_ne!(batch, BatchId::of([id(1), id(2), id(3)]));
    assert_eq!(batch.to_string().len(), 30);
}

#[test]
fn a_trace_is_one_of_the_w3c() {
    let trace = traceparent(id(1));
    assert_eq!(trace.len(), trace::LENGTH);
    let parts: Vec<&str> = trace.split('-').collect();
    let lengths: Vec<usize> = parts.iter().map(|part| part.len()).collect();
    assert_eq!(lengths, [2, 32, 16, 2]);
    let hex = |text: &str| {
        text.bytes()
            .all(|b| b.is_ascii_digit() || (b'a'..=b'f').contains(&b))
    };
    assert!(parts.iter().all(|part| hex(part)));
    assert_eq!(trace, traceparent(id(1)));
    assert_ne!(trace, traceparent(id(2)));
}

/// What is no longer kept says what became of it, and nothing else.
#[test]
fn a_payload_that_is_no_longer_kept_says_so() {
    let view = EventView::withheld();
    let text = |withheld| {
        EventText::new(
            &EventFacts {
                id: id(9),
                seq: Seq(9),
                installation: None,
                platform: Some(Platform::Feishu),
                event_type: Some("im.message.receive_v1"),
                chat: None,
                time_ms: 0,
                view: &view,
                expanded: None,
                payload: b"",
                withheld: Some(withheld),
            },
            Detail::Whole,
        )
    };
    let hashed = text(Withheld::Hashed {
        sha256: [0xab; 32],
        size_bytes: 17,
    });
    let read = envelope(&hashed, &AttemptFacts::default());
    assert_eq!(read["type"], "feishu.im.message.receive_v1");
    let sha256 = "ab".repeat(32);
    assert_eq!(
        read["data"],
        serde_json::json!({"kind": "withheld", "hashed": {"sha256": sha256, "bytes": 17}})
    );
    let erased = text(Withheld::Erased { at_ms: 1_000 });
    let read = envelope(&erased, &AttemptFacts::default());
    assert_eq!(
        read["data"],
        serde_json::json!({"kind": "withheld", "erased": {"at": "1970-01-01T00:00:01.000Z"}})
    );
}
