//! All 40 events: read, recognised, and through a frame and back.

use std::collections::HashMap;

use bytes::Bytes;
use longwire_wire::envelope::{Envelope, Schema};
use longwire_wire::frame::{Frame, FrameKind, FrameView, Header, Part};
use longwire_wire::identity::Identity;
use serde_json::Value;

use crate::vectors::{EVENTS, Event, case, event};

fn envelope(event: &Event) -> Envelope {
    Envelope::parse(&event.payload()).expect(&event.name)
}

fn text<'a>(tree: &'a Value, pointer: &str) -> Option<&'a str> {
    tree.pointer(pointer)?
        .as_str()
        .filter(|text| !text.is_empty())
}

#[test]
fn envelopes_agree_with_the_tree() {
    for event in EVENTS.iter() {
        let (envelope, tree, name) = (envelope(event), event.tree(), &event.name);
        assert_eq!(&*envelope.event_type, event.event_type, "{name}");
        let (schema, id, app_id, tenant_key) = match event.schema.as_str() {
            "2.0" => (
                Schema::V2,
                "/header/event_id",
                "/header/app_id",
                "/header/tenant_key",
            ),
            "1.0" => (Schema::V1, "/uuid", "/event/app_id", "/event/tenant_key"),
            other => panic!("schema {other}"),
        };
        assert_eq!(envelope.schema, schema, "{name}");
        assert_eq!(Some(&*envelope.event_id), text(&tree, id), "{name}");
        assert_eq!(envelope.app_id.as_deref(), text(&tree, app_id), "{name}");
        assert_eq!(
            envelope.tenant_key.as_deref(),
            text(&tree, tenant_key),
            "{name}"
        );
        let chat = [
            "message/chat_id",
            "chat_id",
            "open_chat_id",
            "context/open_chat_id",
        ]
        .iter()
        .find_map(|place| text(&tree, &format!("/event/{place}")));
        assert_eq!(envelope.chat.as_deref(), chat, "{name}");
    }
}

#[test]
fn chats_of_the_types_that_have_one() {
    for event in EVENTS.iter() {
        let has_chat = !event.event_type.contains("reaction")
            && event.event_type != "im.message.message_read_v1";
        assert_eq!(envelope(event).chat.is_some(), has_chat, "{}", event.name);
    }
}

#[test]
fn times_become_milliseconds() {
    let check = |name, expected| {
        assert_eq!(envelope(event(name)).created_ms, Some(expected), "{name}");
    };
    check("im_text_empty", 1_767_225_622_321);
    check("card_action_button", 1_767_225_631_321);
    check("v1_message", 1_767_225_650_123);
    check("v1_p2p_chat_create", 1_767_225_651_000);
}

#[test]
fn message_keys_only_for_messages_and_recalls() {
    for event in EVENTS.iter() {
        let has_key = matches!(
            event.event_type.as_str(),
            "im.message.receive_v1" | "im.message.recalled_v1"
        );
        let identity = Identity::of(&envelope(event));
        assert_eq!(identity.message.is_some(), has_key, "{}", event.name);
    }
}

#[test]
fn different_events_have_different_keys() {
    let mut keys = HashMap::new();
    for event in EVENTS.iter() {
        let identity = Identity::of(&envelope(event));
        for key in [Some(identity.event), identity.message]
            .into_iter()
            .flatten()
        {
            let other = keys.insert(key, &event.name);
            assert_eq!(other, None, "{} has a key of another", event.name);
        }
    }
}

/// A repeat under a new event id is still recognised by its message.
#[test]
fn the_same_message_under_another_id_has_the_same_message_key() {
    let payload = String::from_utf8(event("im_text_p2p").payload().to_vec()).expect("text");
    let first = Envelope::parse(&Bytes::from(payload.clone())).expect("an event");
    let again = payload.replace(&*first.event_id, "0000000000000000another000000000");
    let again = Envelope::parse(&Bytes::from(again)).expect("an event");
    let (first, again) = (Identity::of(&first), Identity::of(&again));
    assert_ne!(first.event, again.event);
    assert_eq!(first.message, again.message);
}

#[test]
fn through_a_frame_and_back() {
    for event in EVENTS.iter() {
        let sent = Frame {
            seq_id: 1,
            log_id: u64::MAX,
            service: 7,
            method: 1,
            headers: vec![
                Header::new("type", "event"),
                Header::new("message_id", &event.name),
                Header::new("sum", "1"),
                Header::new("seq", "0"),
                Header::new("trace_id", "t"),
            ],
            payload: Some(event.payload()),
            ..Frame::default()
        };
        let view = FrameView::parse(sent.to_bytes()).expect(&event.name);
        assert_eq!(view.kind(), FrameKind::Event);
        assert_eq!(view.part(), Ok(Part::Whole));
        assert_eq!(view.message_id(), Some(event.name.as_str()));
        let payload = view.payload().expect("present");
        assert_eq!(payload, event.payload());
        let received = Envelope::parse(&payload).expect(&event.name);
        assert_eq!(received, envelope(event), "{}", event.name);
        let tree: Value = serde_json::from_slice(&payload).expect("json");
        assert_eq!(tree, event.tree());
    }
}

#[test]
fn payloads_that_are_no_events() {
    let check = |name, kind| {
        let payload = case(name).view().payload().expect(name);
        let error = Envelope::parse(&payload).expect_err(name);
        assert_eq!(error.kind(), kind, "{name}");
    };
    check("event_payload_not_json", "not_json");
    check("event_encrypted", "encrypted");
    check("chunk_2_of_3", "not_utf8");
    check("chunk_0_of_3", "not_json");
}
