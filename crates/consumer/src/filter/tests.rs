//! What passes.

use bytes::Bytes;
use longwire_wire::view::Family;
use serde_json::json;

use super::json::JsonPattern;
use super::*;
use crate::definition::ConsumerDefinition;

fn filter(filter: Value) -> EventFilter {
    let definition = json!({"name": "a", "road": {"kind": "pull"}, "filter": filter});
    let definition = ConsumerDefinition::parse(&definition);
    definition
        .unwrap_or_else(|faults| panic!("{faults}"))
        .filter
}

fn message(text: &str, chat_type: &str, sender: &str) -> EventView {
    let content = json!({"text": text}).to_string();
    let payload = json!({
        "schema": "2.0",
        "header": {"event_id": "e", "event_type": "im.message.receive_v1"},
        "event": {
            "sender": {"sender_id": {"open_id": "ou_1"}, "sender_type": sender},
            "message": {
                "message_id": "om_1", "chat_id": "oc_1", "chat_type": chat_type,
                "message_type": "text", "content": content,
            },
        },
    });
    let payload = Bytes::from(payload.to_string());
    EventView::of(Family::Feishu, Some("im.message.receive_v1"), &payload)
}

fn passes(conditions: Value, view: &EventView) -> bool {
    let facts = RecordFacts {
        platform: Some(Platform::Lark),
        event_type: Some("im.message.receive_v1"),
        installation: Some(PublicId::from_bytes([9; 16])),
        chat: Some("oc_1"),
    };
    let data = serde_json::to_value(view).expect("a view is JSON");
    filter(conditions).passes(&facts, || view, || &data)
}

#[test]
fn every_condition_has_to_be_met() {
    let view = message("hello", "group", "user");
    let own = PublicId::from_bytes([9; 16]).to_string();
    for (conditions, expected) in [
        (json!({}), true),
        (json!({"types": ["feishu.im.message.*"]}), true),
        (json!({"types": ["wecom.*", "feishu.im.chat.*"]}), false),
        (json!({"platforms": ["lark"]}), true),
        (json!({"platforms": ["feishu"]}), false),
        (json!({"installations": [own]}), true),
        (
            json!({"installations": [PublicId::from_bytes([8; 16]).to_string()]}),
            false,
        ),
        (json!({"chats": ["oc_2", "oc_1"]}), true),
        (json!({"chats": ["oc_2"]}), false),
        (json!({"chat_type": "group"}), true),
        (json!({"chat_type": "direct"}), false),
        (json!({"senders": ["user"]}), true),
        (json!({"senders": ["bot", "app"]}), false),
        (json!({"chat_type": "group", "senders": ["bot"]}), false),
        (json!({"data": {"message": {"text": "hel*"}}}), true),
        (json!({"data": {"message": {"text": ["x", "hello"]}}}), true),
        (json!({"data": {"message": {"text": "hel"}}}), false),
        (json!({"data": {"message": {"thread": null}}}), true),
        (json!({"data": {"message": {"id": null}}}), false),
        (json!({"data": {"no": "*"}}), false),
    ] {
        assert_eq!(passes(conditions.clone(), &view), expected, "{conditions}");
    }
}

#[test]
fn a_message_without_text_is_left_out_on_request() {
    for (text, trim_empty, expected) in [
        (" \n\u{3000}", true, false),
        (" \n\u{3000}", false, true),
        ("", true, false),
        (" a ", true, true),
    ] {
        let view = message(text, "p2p", "user");
        assert_eq!(
            passes(json!({"trim_empty": trim_empty}), &view),
            expected,
            "{text:?}"
        );
    }
}

#[test]
fn what_is_in_arrays() {
    let pattern = |value: Value| JsonPattern::new(&value).expect("it is a pattern");
    let data = json!({"mentions": [{"name": "a"}, {"name": "b", "n": 1}], "none": []});
    assert!(pattern(json!({"mentions": {"name": "b"}})).matches(&data));
    assert!(!pattern(json!({"mentions": {"name": "a", "n": 1}})).matches(&data));
    assert!(!pattern(json!({"none": "*"})).matches(&data));
    assert!(pattern(json!({"mentions": {"n": [2, 1]}})).matches(&data));
}

#[test]
fn a_pattern_is_bounded() {
    let mut deep = json!(1);
    for _ in 0..16 {
        deep = json!({"a": deep});
    }
    assert_eq!(JsonPattern::new(&deep), Err(PatternFault::TooDeep));
    let large = json!((0..300).collect::<Vec<_>>());
    assert_eq!(JsonPattern::new(&large), Err(PatternFault::TooLarge));
    assert_eq!(
        JsonPattern::new(&json!({"a": []})),
        Err(PatternFault::NoChoice)
    );
}

#[test]
fn nothing_is_made_that_no_condition_needs() {
    let facts = RecordFacts {
        platform: None,
        event_type: Some("longwire.consumer.paused"),
        installation: None,
        chat: None,
    };
    let no_view = || -> &'static EventView { panic!("no condition needs the view") };
    let no_data = || -> &'static Value { panic!("no condition needs the data") };
    for (conditions, expected) in [
        (json!({}), true),
        (json!({"types": ["longwire.*"]}), true),
        (
            json!({"types": ["feishu.*"], "chat_type": "group", "data": {"a": 1}}),
            false,
        ),
        (json!({"platforms": ["feishu"], "senders": ["user"]}), false),
    ] {
        let passes = filter(conditions.clone()).passes(&facts, no_view, no_data);
        assert_eq!(passes, expected, "{conditions}");
    }
}
