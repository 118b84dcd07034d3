//! The callbacks of `vectors/feishu-callbacks.json`: read as the platform's receiver, and written as the platform.

mod answers;
mod vectors;

use std::time::Duration;

use bytes::Bytes;
use longwire_wire::callback::sender::{encrypt, encrypted_body, sign, sign_old_card};
use longwire_wire::callback::{
    Callback, CallbackEvent, CallbackRefusal, CardGeneration, OLD_CARD_TYPE, ReplayWindow, decrypt,
    read,
};
use longwire_wire::event::Source;
use longwire_wire::view::{EventKind, EventView, Family};
use serde_json::{Value, json};

use self::vectors::{CRYPTO, Kind, REQUESTS, Request, request};

fn read_request(request: &Request) -> Result<Callback, CallbackRefusal> {
    let window = ReplayWindow::within(Duration::from_secs(request.window_s));
    let body = Bytes::from(request.body.clone());
    let now_ms = request.now_s * 1000;
    read(&request.keys(), &request.headers(), &body, now_ms, window)
}

fn event(request: &Request) -> CallbackEvent {
    match read_request(request) {
        Ok(Callback::Event(event) | Callback::Card { event, .. }) => event,
        other => panic!("{}: {other:?}", request.name),
    }
}

fn view(event: &CallbackEvent) -> Value {
    let view = EventView::of(Family::Feishu, event.event_type.as_deref(), &event.payload);
    serde_json::to_value(view).expect("a view is JSON")
}

#[test]
fn bodies_are_decrypted() {
    for case in CRYPTO.iter() {
        let found = decrypt(&case.encrypt_key, &case.encrypt);
        match &case.plaintext {
            Some(plaintext) => {
                assert_eq!(found.as_deref(), Ok(plaintext.as_bytes()), "{}", case.name);
            }
            None => {
                let error = case.error.as_ref().expect("text or error");
                // What another key decrypts to may look padded, and is no JSON then.
                let is_json = found.map(|text| serde_json::from_slice::<Value>(&text).is_ok());
                assert!(!is_json.unwrap_or(false), "{}: {error}", case.name);
            }
        }
    }
}

#[test]
fn what_the_sender_encrypts_is_the_same_text() {
    for case in CRYPTO.iter() {
        let Some(plaintext) = &case.plaintext else {
            continue;
        };
        let encrypted = encrypt(&case.encrypt_key, case.iv(), plaintext.as_bytes());
        assert_eq!(encrypted, case.encrypt, "{}", case.name);
    }
}

#[test]
fn every_request_is_accepted_or_refused_as_expected() {
    for request in REQUESTS.iter() {
        let name = &request.name;
        let read = read_request(request);
        let Some(expect) = &request.expect else {
            // What the platform sends to have its answers judged.
            assert!(read.is_ok(), "{name}: {read:?}");
            continue;
        };
        match (read, expect.accept) {
            (Ok(_), true) => {}
            (Err(refusal), false) => {
                assert_eq!(refusal.status(), expect.status, "{name}: {refusal}");
                assert_eq!(Some(reason(&refusal)), expect.reason.as_deref(), "{name}");
            }
            (read, _) => panic!("{name}: {read:?}"),
        }
    }
}

/// The cause in the words of the vectors, which are fewer than ours.
fn reason(refusal: &CallbackRefusal) -> &'static str {
    match refusal {
        CallbackRefusal::NotJson | CallbackRefusal::NotAnObject => "malformed",
        CallbackRefusal::EncryptedWithoutKey => "encrypt_key_missing",
        CallbackRefusal::Undecryptable(_) => "decrypt",
        CallbackRefusal::TokenMissing | CallbackRefusal::TokenWrong => "verification_token",
        CallbackRefusal::SignatureMissing
        | CallbackRefusal::SignatureWrong
        | CallbackRefusal::CardSignatureWrong => "signature",
        CallbackRefusal::Stale { .. } => "timestamp",
        other => panic!("no vector has {other:?}"),
    }
}

#[test]
fn challenges_are_answered_by_their_text() {
    for request in REQUESTS.iter().filter(|r| r.kind == Kind::UrlVerification) {
        let Some(expected) = &request.expect().response_json else {
            continue;
        };
        let Ok(Callback::Challenge { answer }) = read_request(request) else {
            panic!("{}: {:?}", request.name, read_request(request));
        };
        let answer: Value = serde_json::from_slice(&answer).expect("JSON");
        assert_eq!(&answer, expected, "{}", request.name);
    }
}

/// What is recorded is what was sent, byte for byte, with the facts of its envelope.
#[test]
fn events_are_recorded_in_clear() {
    let mut events = 0;
    for request in REQUESTS
        .iter()
        .filter(|request| request.is_accepted_event())
    {
        let (event, name) = (event(request), &request.name);
        let clear = request.clear.as_ref().unwrap_or(&request.body);
        assert_eq!(event.payload, clear, "{name}");
        assert_eq!(event.is_encrypted, request.clear.is_some(), "{name}");
        let dispatch = &request.expect().dispatch;
        for (member, found) in [
            ("event_type", &event.event_type),
            ("event_id", &event.event_id),
            ("app_id", &event.app_id),
            ("tenant_key", &event.tenant_key),
        ] {
            if let Some(expected) = dispatch[member].as_str() {
                assert_eq!(found.as_deref(), Some(expected), "{name}: {member}");
            }
        }
        if let Some(chat) = dispatch["chat_id"].as_str() {
            assert_eq!(event.chat.as_deref(), Some(chat), "{name}");
            assert_eq!(view(&event)["chat"]["id"], chat, "{name}");
        }
        let recorded = event.clone().into_new_event(7, 1, Some("trace".into()));
        assert_eq!(recorded.source, Source::Webhook);
        assert_eq!(recorded.identity, event.identity);
        assert_eq!(recorded.payload, event.payload);
        events += 1;
    }
    assert_eq!(events, 30);
}

#[test]
fn repeats_have_the_key_of_the_first() {
    let first = event(request("event_v2_p2p_text_encrypted_signed")).identity;
    let again = event(request("event_v2_redelivery_same_ids")).identity;
    assert_eq!(again, first);
    let other = event(request("event_v2_same_message_other_event_id")).identity;
    assert_ne!(other.event, first.event);
    assert!(other.message.is_some());
    assert_eq!(other.message, first.message);
}

/// A click has one shape for applications, whatever generation it came by.
#[test]
fn clicks_of_both_generations_have_one_view() {
    let mut clicks = 0;
    for request in REQUESTS
        .iter()
        .filter(|request| request.is_accepted_event())
    {
        let generation = match read_request(request) {
            Ok(Callback::Card { generation, .. }) => generation,
            _ => continue,
        };
        let (event, name) = (event(request), &request.name);
        let expected = match request.kind {
            Kind::CardCallbackV1 => CardGeneration::Old,
            _ => CardGeneration::New,
        };
        assert_eq!(generation, expected, "{name}");
        if event.event_type.as_deref() == Some("url.preview.get") {
            let url = &request.expect().dispatch["url"];
            assert_eq!(&view(&event)["url_preview"]["url"], url, "{name}");
            continue;
        }
        clicks += 1;
        let (view, dispatch) = (view(&event), &request.expect().dispatch);
        assert_eq!(view["kind"], EventKind::CardAction.label(), "{name}");
        assert_eq!(view["card"]["has_update_token"], true, "{name}");
        for (member, found) in [
            ("operator_open_id", &view["sender"]["ids"]["open_id"]),
            ("open_message_id", &view["card"]["message_id"]),
            ("open_chat_id", &view["chat"]["id"]),
            ("tag", &view["card"]["tag"]),
            ("value", &view["card"]["value"]),
        ] {
            let expected = &dispatch[member];
            if !expected.is_null() {
                assert_eq!(found, expected, "{name}: {member}");
            }
        }
    }
    assert_eq!(clicks, 14);
    let old = event(request("card_v1_sha1_numeric_timestamp"));
    assert_eq!(old.event_type.as_deref(), Some(OLD_CARD_TYPE));
    assert_eq!(old.chat.as_deref(), view(&old)["chat"]["id"].as_str());
    assert_eq!(view(&old)["sender"]["ids"]["user_id"], json!("a1b2c3d4"));
}

/// The vector of all encrypted bodies is 00..0f.
#[test]
fn what_the_sender_writes_is_the_same_bytes() {
    let (mut signed, mut encrypted) = (0, 0);
    for request in REQUESTS.iter().filter(|request| request.is_by_platform()) {
        let name = &request.name;
        // One vector has a blank that the platform does not write.
        if let Some(clear) = &request.clear
            && !request.body.starts_with("{\"encrypt\": ")
        {
            let iv = std::array::from_fn(|place| u8::try_from(place).expect("below 16"));
            let body = encrypted_body(&request.keys.encrypt_key, iv, clear.as_bytes());
            assert_eq!(body, request.body.as_bytes(), "{name}");
            encrypted += 1;
        }
        let headers = &request.headers;
        let (Some(timestamp), Some(nonce)) = (&headers.timestamp, &headers.nonce) else {
            continue;
        };
        let (keys, body) = (&request.keys, request.body.as_bytes());
        let signature = match request.kind {
            Kind::CardCallbackV1 => sign_old_card(timestamp, nonce, &keys.verification_token, body),
            _ => sign(timestamp, nonce, &keys.encrypt_key, body),
        };
        assert_eq!(Some(signature), headers.signature, "{name}");
        signed += 1;
    }
    assert_eq!((signed, encrypted), (45, 29));
}
