//! The view of each event and callback of the vectors, whole, as applications receive it.
//!
//! `vectors/views.json` was written once from the code and then compared line by line with the vectors: a change of it is
//! a change of what applications receive.

use std::collections::BTreeMap;

use bytes::Bytes;
use longwire_wire::envelope::Envelope;
use longwire_wire::view::{EventView, Family, click_identity};
use longwire_wire::wecom::Incoming;
use serde_json::Value;

use crate::vectors::{EVENTS, event};
use crate::wecom::vectors::VECTORS;

type Views = BTreeMap<String, Value>;

fn expected() -> BTreeMap<String, Views> {
    serde_json::from_str(include_str!("../../vectors/views.json")).expect("the views are readable")
}

fn json(view: &EventView) -> Value {
    serde_json::to_value(view).expect("a view is JSON")
}

fn compare(family: &str, mut views: Views) {
    let mut expected = expected().remove(family).expect("the family has views");
    views.retain(|name, view| expected.remove(name).as_ref() != Some(view));
    assert!(
        views.is_empty(),
        "other than in the file: {}",
        serde_json::to_string(&views).expect("views are JSON")
    );
    assert!(expected.is_empty(), "no vector has {:?}", expected.keys());
}

fn feishu(name: &str) -> EventView {
    let payload = event(name).payload();
    let envelope = Envelope::parse(&payload).expect(name);
    EventView::of(Family::Feishu, Some(&envelope.event_type), &payload)
}

#[test]
fn events_of_feishu() {
    let views = EVENTS.iter().map(|event| {
        let view = json(&feishu(&event.name));
        (event.name.clone(), view)
    });
    compare("feishu", views.collect());
}

#[test]
fn callbacks_of_wecom() {
    let frames = VECTORS.cases.iter().filter_map(|case| {
        let frame = Bytes::from(case.text.clone());
        let Ok(Incoming::Callback(callback)) = Incoming::parse(frame) else {
            return None;
        };
        let facts = &callback.facts;
        let view = EventView::of(Family::Wecom, Some(&facts.type_name), &callback.payload);
        // Recording and view must agree on the chat, because consumers are ordered by it.
        let chat = view.chat.as_ref().map(|chat| &chat.id);
        assert_eq!(chat, facts.chat_id.as_ref(), "{}", case.name);
        Some((case.name.clone(), json(&view)))
    });
    compare("wecom", frames.collect());
}

#[test]
fn the_record_and_the_view_agree_on_the_chat() {
    for event in EVENTS.iter() {
        let envelope = Envelope::parse(&event.payload()).expect(&event.name);
        let chat = feishu(&event.name).chat.map(|chat| chat.id);
        assert_eq!(chat, envelope.chat, "{}", event.name);
    }
}

/// The same click under another event id has the same identity; another choice or another person has another.
#[test]
fn a_click_is_recognised_by_card_person_and_action() {
    let payload = String::from_utf8(event("card_action_select").payload().to_vec()).expect("text");
    let identity = |payload: String| {
        let view = EventView::of(
            Family::Feishu,
            Some("card.action.trigger"),
            &Bytes::from(payload),
        );
        click_identity(&view)
    };
    let first = identity(payload.clone());
    assert!(first.is_some());
    let again = payload.replace("ed8e081e5a4c239bf74532da5e0d2354", "another");
    assert_ne!(again, payload);
    assert_eq!(identity(again), first);
    for (from, to) in [
        ("choice_b", "choice_c"),
        ("ou_1be5a6ebbd7c021b4e953986dd3c003e", "ou_2"),
        ("om_x1005b7aa9e331fa98a9d110efabe71", "om_2"),
        (r#"{"act":"pick"}"#, r#"{"act":"drop"}"#),
    ] {
        let other = payload.replace(from, to);
        assert_ne!(other, payload, "{from}");
        assert_ne!(identity(other), first, "{from}");
    }
    assert_eq!(click_identity(&feishu("im_text_p2p")), None);
}
