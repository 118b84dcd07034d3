use std::collections::BTreeSet;

use bytes::Bytes;
use bytestring::ByteString;
use serde_json::{Map, Value};

use super::*;
use crate::callback::sender::sign_old_card;
use crate::callback::{self, Callback, CallbackHeaders, CallbackKeys, ReplayWindow};
use crate::envelope::Envelope;
use crate::view::EventView;
use crate::wecom::Incoming;

const AT_MS: i64 = 1_767_225_601_000;

fn facts() -> SampleFacts {
    SampleFacts::numbered(7, AT_MS)
}

fn view(known: &EventType) -> EventView {
    let payload = Bytes::from(known.sample(&facts()));
    EventView::of(known.family, known.record_type(), &payload)
}

#[test]
fn names_are_unique_and_begin_with_the_platform() {
    let mut names = BTreeSet::new();
    for known in list() {
        assert!(names.insert(known.name), "{}", known.name);
        let rest = known.name.strip_prefix(known.platform());
        assert!(
            rest.is_some_and(|rest| rest.starts_with('.')),
            "{}",
            known.name
        );
        assert!(std::ptr::eq(find(known.name).expect(known.name), known));
        assert!(known.english.ends_with('.') && known.chinese.ends_with('。'));
    }
    assert!(find("feishu.no_such_event").is_none());
}

/// What the gateway would record of each sample is the type that the catalogue says.
#[test]
fn samples_are_recorded_under_their_type() {
    for known in list() {
        let payload = Bytes::from(known.sample(&facts()));
        let found = match known.family {
            Family::Feishu if is_flat(known) => old_card_type(&payload),
            Family::Feishu => Envelope::parse(&payload)
                .ok()
                .map(|envelope| envelope.event_type),
            Family::Wecom => match Incoming::parse(payload) {
                Ok(Incoming::Callback(callback)) => Some(callback.facts.type_name),
                _ => None,
            },
            Family::Longwire => continue,
        };
        assert_eq!(found.as_deref(), known.record_type(), "{}", known.name);
    }
}

fn is_flat(known: &EventType) -> bool {
    matches!(known.payload, Payload::FeishuFlat(_))
}

/// The type under which a callback of the old generation is recorded.
fn old_card_type(payload: &Bytes) -> Option<ByteString> {
    let (at, nonce, token) = ("1767225600", "1", "t");
    let signature = sign_old_card(at, nonce, token, payload);
    let keys = CallbackKeys {
        verification_token: Some(token),
        encrypt_key: None,
    };
    let headers = CallbackHeaders {
        timestamp: Some(at.as_bytes()),
        nonce: Some(nonce.as_bytes()),
        signature: Some(signature.as_bytes()),
    };
    match callback::read(&keys, &headers, payload, AT_MS, ReplayWindow::OFF) {
        Ok(Callback::Card { event, .. }) => event.event_type,
        other => panic!("{other:?}"),
    }
}

#[test]
fn samples_have_the_facts_that_were_given() {
    let has_envelope = |known: &&EventType| known.family == Family::Feishu && !is_flat(known);
    for known in list().filter(has_envelope) {
        let Ok(envelope) = Envelope::parse(&Bytes::from(known.sample(&facts()))) else {
            assert_eq!(known.kind, EventKind::Unparsed);
            continue;
        };
        assert_eq!(envelope.event_id, facts().event_id, "{}", known.name);
        assert_eq!(envelope.created_ms, Some(AT_MS), "{}", known.name);
        let text = String::from_utf8(known.sample(&facts())).expect("text");
        assert!(!text.contains("\"$"), "{text}");
    }
}

#[test]
fn each_kind_has_a_sample() {
    for known in list() {
        assert_eq!(view(known).kind, known.kind, "{}", known.name);
    }
    // A payload of any type may be withheld.
    let kinds = EventKind::ALL.into_iter();
    for kind in kinds.filter(|kind| *kind != EventKind::Withheld) {
        assert!(list().any(|known| known.kind == kind), "{kind:?}");
    }
}

#[test]
fn operational_samples_are_what_longwire_writes() {
    for known in list().filter(|known| known.family == Family::Longwire) {
        let view = view(known);
        let operation = view.operation.expect(known.name);
        let written: Value = serde_json::from_slice(&operation.to_json()).expect("JSON");
        let sample: Value = serde_json::from_slice(&known.sample(&facts())).expect("JSON");
        assert_eq!(written, sample, "{}", known.name);
        let action = view.action.expect(known.name);
        assert!(known.name.ends_with(action.label()), "{}", known.name);
    }
}

/// Every reference leads to a definition, none is left over, and a type has no definition that it does not use.
#[test]
fn schemas_are_whole() {
    let mut used = BTreeSet::new();
    for known in list() {
        let schema = known.schema();
        let definitions = schema["$defs"].as_object().expect(known.name);
        let mut found = BTreeSet::new();
        references(&schema, &mut found);
        let defined: BTreeSet<&str> = definitions.keys().map(String::as_str).collect();
        assert_eq!(found, defined, "{}", known.name);
        used.extend(definitions.keys().cloned());
    }
    let all: Map<String, Value> =
        serde_json::from_str(include_str!("definitions.json")).expect("an object");
    assert_eq!(used.len(), all.len());
}

fn references<'a>(value: &'a Value, found: &mut BTreeSet<&'a str>) {
    match value {
        Value::Object(members) => {
            let name = members.get("$ref").and_then(Value::as_str);
            found.extend(name.and_then(|name| name.strip_prefix("#/$defs/")));
            members.values().for_each(|value| references(value, found));
        }
        Value::Array(values) => values.iter().for_each(|value| references(value, found)),
        _ => {}
    }
}
