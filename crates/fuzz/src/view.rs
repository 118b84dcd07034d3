//! What applications receive of an event, and what they answer to it.

use bytes::Bytes;
use longwire_wire::answer::AnswerPayload;
use longwire_wire::card_answer::{AnswerShape, CardAnswer};
use longwire_wire::catalogue;
use longwire_wire::envelope::Envelope;
use longwire_wire::view::{EventKind, EventView, Family, click_identity};
use longwire_wire::wecom::Incoming;
use serde_json::Value;

/// Every payload has a view, which is JSON with the kind in it. Where the record has a chat, the view has the same.
pub fn view(data: &[u8]) {
    let payload = Bytes::copy_from_slice(data);
    let unread = view_of(Family::Feishu, None, &payload);
    assert_eq!(unread.kind, EventKind::Unparsed);
    match Envelope::parse(&payload) {
        Ok(envelope) => {
            let view = view_of(Family::Feishu, Some(&envelope.event_type), &payload);
            assert_ne!(view.kind, EventKind::Unparsed);
            assert_eq!(view.chat.map(|chat| chat.id), envelope.chat);
        }
        Err(_) => any_type(Family::Feishu, &payload),
    }
    match Incoming::parse(payload.clone()) {
        Ok(Incoming::Callback(callback)) => {
            let facts = callback.facts;
            let view = view_of(Family::Wecom, Some(&facts.type_name), &callback.payload);
            assert_ne!(view.kind, EventKind::Unparsed);
            assert_eq!(view.chat.map(|chat| chat.id), facts.chat_id);
        }
        _ => any_type(Family::Wecom, &payload),
    }
    any_type(Family::Longwire, &payload);
}

/// The view as a type that the payload may not be of; which one follows from the length.
fn any_type(family: Family, payload: &Bytes) {
    let types = || catalogue::list().filter(|known| known.family == family);
    let chosen = payload.len() % types().count();
    if let Some(record_type) = types().nth(chosen).and_then(|known| known.record_type()) {
        view_of(family, Some(record_type), payload);
    }
}

fn view_of(family: Family, event_type: Option<&str>, payload: &Bytes) -> EventView {
    let view = EventView::of(family, event_type, payload);
    let json = serde_json::to_value(&view).expect("every view is JSON");
    assert_eq!(json["kind"], view.kind.label());
    assert_eq!(view, EventView::of(family, event_type, payload));
    let identity = click_identity(&view);
    assert!(identity.is_none() || view.kind == EventKind::CardAction);
    view
}

/// An answer that is accepted is accepted again as it goes out, and travels in the ACK.
pub fn card_answer(data: &[u8]) {
    for shape in [AnswerShape::CardClick, AnswerShape::UrlPreview] {
        match CardAnswer::parse(shape, data) {
            Ok(answer) => {
                let again = CardAnswer::parse(shape, answer.json()).expect("it was accepted");
                assert_eq!(again, answer);
                assert!(answer.json().len() <= data.len());
                let payload = AnswerPayload::parse(&answer.to_payload()).expect("our own");
                assert_eq!(payload.data.as_deref(), Some(&answer.json()[..]));
            }
            Err(error) => {
                assert!(error.to_string().contains(&error.code().to_string()));
                // A place that is named is there.
                if let Ok(tree) = serde_json::from_slice::<Value>(data) {
                    assert!(tree.pointer(&error.pointer).is_some(), "{error}");
                }
            }
        }
    }
}
