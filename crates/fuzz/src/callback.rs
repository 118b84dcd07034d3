//! Requests that the platform posts.

use bytes::Bytes;
use longwire_wire::callback::sender::{encrypted_body, sign, sign_old_card};
use longwire_wire::callback::{
    Callback, CallbackEvent, CallbackHeaders, CallbackKeys, CallbackRefusal, CardGeneration,
    OLD_CARD_TYPE, ReplayWindow, decrypt, read,
};
use serde_json::Value;

/// Those of the vectors, so that their bodies are read.
const KEYS: CallbackKeys<'_> = CallbackKeys {
    verification_token: Some(TOKEN),
    encrypt_key: Some(KEY),
};
const TOKEN: &str = "vt0SyntheticVerificationToken001";
const KEY: &str = "ek-synthetic-encrypt-key-0001";
const AT: &str = "1767225600";
const NOW_MS: i64 = 1_767_225_601_000;

/// Whatever is signed is read or refused, and what is recorded is what was sent; a byte that is changed after signing makes it
/// refused. What cannot be proven is never recorded.
pub fn callback(data: &[u8]) {
    let text = String::from_utf8_lossy(data);
    assert!(decrypt(KEY, &text).is_err() || data.len() >= 44);
    let plain = data.to_vec();
    let encrypted = encrypted_body(KEY, [data.len() as u8; 16], data);
    assert!(!is_recorded(&post(&plain, None)));
    for body in [plain.clone(), encrypted] {
        let signature = sign(AT, "1", KEY, &body);
        let signed = post(&body, Some(&signature));
        if let Some(event) = recorded(signed) {
            let expected = if event.is_encrypted {
                clear(&body)
            } else {
                body.clone().into()
            };
            assert_eq!(event.payload, expected);
            assert_ne!(event.event_type.as_deref(), Some(OLD_CARD_TYPE));
            let again = recorded(post(&body, Some(&signature))).expect("it was accepted");
            assert_eq!(again, event);
            changed(&body, &signature);
        }
    }
    let signature = sign_old_card(AT, "1", TOKEN, &plain);
    let signed = post(&plain, Some(&signature));
    if let Ok(Callback::Card { generation, event }) = &signed {
        assert_eq!(*generation, CardGeneration::Old);
        assert_eq!(event.payload, data);
        changed(&plain, &signature);
    }
}

fn post(body: &[u8], signature: Option<&str>) -> Result<Callback, CallbackRefusal> {
    let headers = CallbackHeaders {
        timestamp: Some(AT.as_bytes()),
        nonce: Some(b"1"),
        signature: signature.map(str::as_bytes),
    };
    let body = Bytes::copy_from_slice(body);
    let read = read(&KEYS, &headers, &body, NOW_MS, ReplayWindow::WIDE);
    match &read {
        Ok(Callback::Challenge { answer }) => {
            let answer: Value = serde_json::from_slice(answer).expect("it is JSON");
            assert!(answer["challenge"].is_string());
        }
        Ok(_) => {}
        Err(refusal) => assert!(CallbackRefusal::LABELS.contains(&refusal.label())),
    }
    read
}

fn recorded(read: Result<Callback, CallbackRefusal>) -> Option<CallbackEvent> {
    match read {
        Ok(Callback::Event(event) | Callback::Card { event, .. }) => Some(event),
        Ok(Callback::Challenge { .. }) | Err(_) => None,
    }
}

fn is_recorded(read: &Result<Callback, CallbackRefusal>) -> bool {
    matches!(read, Ok(Callback::Event(_) | Callback::Card { .. }))
}

/// What the member `encrypt` decrypts to.
fn clear(body: &[u8]) -> Bytes {
    let body: Value = serde_json::from_slice(body).expect("it was read");
    let encrypted = body["encrypt"].as_str().expect("it was decrypted");
    decrypt(KEY, encrypted).expect("it was decrypted")
}

fn changed(body: &[u8], signature: &str) {
    let mut changed = body.to_vec();
    let place = body.len() / 2;
    changed[place] ^= 1;
    assert!(!is_recorded(&post(&changed, Some(signature))));
}
