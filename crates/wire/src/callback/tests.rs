//! Golden requests both ways, refusals by cause, and any bytes at all.

use std::collections::BTreeSet;

use proptest::prelude::*;

use super::sender::{encrypted_body, sign, sign_old_card};
use super::*;

const TOKEN: &str = "verification-token-0001";
const KEY: &str = "encrypt-key-0001";
const AT: &str = "1767225600";
const NONCE: &str = "314159265";
const NOW_MS: i64 = 1_767_225_601_000;
const EVENT: &str = r#"{"schema":"2.0","header":{"event_id":"e1","token":"verification-token-0001","create_time":"1767225600123","event_type":"im.message.recalled_v1","app_id":"cli_a"},"event":{"message_id":"om_1","chat_id":"oc_1","recall_time":"1767225600001"}}"#;
const OLD_CARD: &str = r#"{"open_id":"ou_1","open_message_id":"om_1","open_chat_id":"oc_1","tenant_key":"t1","token":"c-0001","action":{"value":{"a":1},"tag":"button"}}"#;
const CHALLENGE: &str =
    r#"{"challenge":"c1","token":"verification-token-0001","type":"url_verification"}"#;

const BOTH: CallbackKeys<'_> = CallbackKeys {
    verification_token: Some(TOKEN),
    encrypt_key: Some(KEY),
};
const TOKEN_ALONE: CallbackKeys<'_> = CallbackKeys {
    verification_token: Some(TOKEN),
    encrypt_key: None,
};
const KEY_ALONE: CallbackKeys<'_> = CallbackKeys {
    verification_token: None,
    encrypt_key: Some(KEY),
};

/// A request as the platform sends it.
#[derive(Clone)]
struct Posted {
    timestamp: Option<String>,
    nonce: Option<String>,
    signature: Option<String>,
    body: Vec<u8>,
}

impl Posted {
    /// Without headers.
    fn bare(body: impl Into<Vec<u8>>) -> Posted {
        Posted {
            timestamp: None,
            nonce: None,
            signature: None,
            body: body.into(),
        }
    }

    fn with_signature(self, signature: String) -> Posted {
        Posted {
            timestamp: Some(AT.to_owned()),
            nonce: Some(NONCE.to_owned()),
            signature: Some(signature),
            ..self
        }
    }

    fn signed(body: impl Into<Vec<u8>>, key: &str) -> Posted {
        let posted = Posted::bare(body);
        let signature = sign(AT, NONCE, key, &posted.body);
        posted.with_signature(signature)
    }

    fn encrypted(clear: &str) -> Posted {
        Posted::signed(encrypted_body(KEY, [7; 16], clear.as_bytes()), KEY)
    }

    fn old_card(body: &str) -> Posted {
        let signature = sign_old_card(AT, NONCE, TOKEN, body.as_bytes());
        Posted::bare(body).with_signature(signature)
    }

    fn read(&self, keys: &CallbackKeys<'_>) -> Result<Callback, CallbackRefusal> {
        self.read_within(keys, ReplayWindow::WIDE)
    }

    fn read_within(
        &self,
        keys: &CallbackKeys<'_>,
        window: ReplayWindow,
    ) -> Result<Callback, CallbackRefusal> {
        let headers = CallbackHeaders {
            timestamp: self.timestamp.as_deref().map(str::as_bytes),
            nonce: self.nonce.as_deref().map(str::as_bytes),
            signature: self.signature.as_deref().map(str::as_bytes),
        };
        let body = Bytes::copy_from_slice(&self.body);
        super::read(keys, &headers, &body, NOW_MS, window)
    }

    fn event(&self, keys: &CallbackKeys<'_>) -> CallbackEvent {
        match self.read(keys) {
            Ok(Callback::Event(event) | Callback::Card { event, .. }) => event,
            other => panic!("{other:?}"),
        }
    }
}

fn refused(posted: &Posted, keys: &CallbackKeys<'_>) -> CallbackRefusal {
    posted.read(keys).expect_err("it is refused")
}

#[test]
fn a_bot_without_secrets_takes_nothing() {
    for (token, key) in [(None, None), (Some(""), Some("")), (None, Some(""))] {
        let keys = CallbackKeys {
            verification_token: token,
            encrypt_key: key,
        };
        for posted in [
            Posted::bare(EVENT),
            Posted::bare(CHALLENGE),
            Posted::signed(EVENT, ""),
        ] {
            assert_eq!(refused(&posted, &keys), CallbackRefusal::NoSecrets);
        }
    }
}

#[test]
fn a_token_alone_proves_plain_events() {
    for posted in [Posted::bare(EVENT), Posted::signed(EVENT, "")] {
        assert_eq!(posted.event(&TOKEN_ALONE).payload, EVENT);
    }
    let other = Posted::bare(EVENT.replace(TOKEN, "another"));
    assert_eq!(refused(&other, &TOKEN_ALONE), CallbackRefusal::TokenWrong);
    let none = EVENT.replace("\"token\":\"verification-token-0001\",", "");
    let none = Posted::bare(none);
    assert_eq!(refused(&none, &TOKEN_ALONE), CallbackRefusal::TokenMissing);
    let encrypted = Posted::encrypted(EVENT);
    let refusal = refused(&encrypted, &TOKEN_ALONE);
    assert_eq!(refusal, CallbackRefusal::EncryptedWithoutKey);
}

#[test]
fn a_key_alone_proves_by_the_signature() {
    let none = EVENT.replace("\"token\":\"verification-token-0001\",", "");
    for posted in [
        Posted::encrypted(EVENT),
        Posted::encrypted(&none),
        Posted::signed(EVENT, KEY),
    ] {
        posted.event(&KEY_ALONE);
    }
    let challenge = Posted::bare(encrypted_body(KEY, [7; 16], CHALLENGE.as_bytes()));
    assert!(challenge.read(&KEY_ALONE).is_ok());
    // A plain challenge and an old card have no proof but the token.
    for posted in [Posted::bare(CHALLENGE), Posted::old_card(OLD_CARD)] {
        let refusal = refused(&posted, &KEY_ALONE);
        assert_eq!(refusal, CallbackRefusal::TokenNotConfigured);
    }
}

#[test]
fn what_is_wrong_with_a_signature_is_told_apart() {
    let check = |posted: Posted, expected| assert_eq!(refused(&posted, &BOTH), expected);
    check(Posted::bare(EVENT), CallbackRefusal::SignatureMissing);
    let mut posted = Posted::encrypted(EVENT);
    posted.nonce = None;
    check(posted, CallbackRefusal::SignatureMissing);
    check(Posted::signed(EVENT, ""), CallbackRefusal::KeyNotInConsole);
    check(Posted::signed(EVENT, "x"), CallbackRefusal::SignatureWrong);
    let upper = Posted::encrypted(EVENT);
    let signature = upper.signature.as_ref().map(|text| text.to_uppercase());
    check(
        Posted { signature, ..upper },
        CallbackRefusal::SignatureWrong,
    );
    let body = encrypted_body("another", [7; 16], EVENT.as_bytes());
    let refusal = refused(&Posted::signed(body, "another"), &BOTH);
    assert!(matches!(refusal, CallbackRefusal::Undecryptable(_)));
    assert_eq!(refusal.hint(), "the encrypt key differs from the console's");
}

/// Neither generation of cards is accepted under the signature of the other.
#[test]
fn generations_do_not_cross() {
    Posted::old_card(OLD_CARD).event(&BOTH);
    let check = |posted: Posted, expected| assert_eq!(refused(&posted, &BOTH), expected);
    check(
        Posted::signed(OLD_CARD, KEY),
        CallbackRefusal::CardSignatureWrong,
    );
    check(Posted::old_card(EVENT), CallbackRefusal::SignatureWrong);
    check(Posted::encrypted(OLD_CARD), CallbackRefusal::UnknownShape);
    check(Posted::bare(OLD_CARD), CallbackRefusal::SignatureMissing);
}

#[test]
fn what_is_no_callback_is_refused_by_its_shape() {
    let check = |body: &str, expected| {
        assert_eq!(
            refused(&Posted::signed(body, KEY), &BOTH),
            expected,
            "{body}"
        );
    };
    check("", CallbackRefusal::NotJson);
    check("{\"encrypt\":", CallbackRefusal::NotJson);
    check("[]", CallbackRefusal::NotAnObject);
    check("7", CallbackRefusal::NotAnObject);
    check("{}", CallbackRefusal::UnknownShape);
    check("{\"action\":\"x\"}", CallbackRefusal::UnknownShape);
    for encrypt in ["null", "7", "\"\"", "{}"] {
        let body = format!("{{\"encrypt\":{encrypt}}}");
        let refusal = CallbackRefusal::Undecryptable(EncryptedBodyError::NotText);
        check(&body, refusal);
    }
    let none = CHALLENGE.replace("\"challenge\":\"c1\",", "");
    check(&none, CallbackRefusal::NoChallenge);
    let number = CHALLENGE.replace("\"c1\"", "1");
    check(&number, CallbackRefusal::NoChallenge);
}

#[test]
fn an_event_without_id_or_type_is_kept_as_unread() {
    let body = EVENT.replace("\"event_id\":\"e1\",", "");
    let event = Posted::encrypted(&body).event(&BOTH);
    assert_eq!((event.event_id, event.event_type), (None, None));
    assert_eq!(event.payload, body);
    let again = Posted::encrypted(&body).event(&BOTH);
    assert_eq!(again.identity, event.identity);
    let mut other = Posted::encrypted(&body);
    other.nonce = Some("271828182".to_owned());
    other.signature = Some(sign(AT, "271828182", KEY, &other.body));
    assert_ne!(other.event(&BOTH).identity, event.identity);
}

/// As over a long connection: a raw character within a string costs nothing, and the bytes stay as they are.
#[test]
fn what_is_nearly_json_is_read_as_what_it_means() {
    let whole = Posted::encrypted(EVENT).event(&BOTH);
    let mut nearly = EVENT
        .replace("\"oc_1\"", "\"oc_1\",\"text\":\"a\nb\"")
        .into_bytes();
    nearly.push(0);
    for posted in [
        Posted::signed(nearly.clone(), KEY),
        Posted::signed(encrypted_body(KEY, [7; 16], &nearly), KEY),
    ] {
        let event = posted.event(&BOTH);
        assert_eq!(event.identity, whole.identity);
        assert_eq!(event.chat.as_deref(), Some("oc_1"));
        assert_eq!(event.payload, nearly);
    }
}

/// The last of a repeated member counts, for the checks and for the record alike.
#[test]
fn what_is_checked_is_what_is_recorded() {
    let second = ",\"header\":{\"event_id\":\"e2\",\"event_type\":\"x\"}}";
    let body = format!("{}{second}", EVENT.strip_suffix('}').expect("an object"));
    let refusal = refused(&Posted::bare(body), &TOKEN_ALONE);
    assert_eq!(refusal, CallbackRefusal::TokenMissing);
}

#[test]
fn an_old_card_is_recognised_by_its_credential_and_action() {
    let key = |body: &str| Posted::old_card(body).event(&BOTH).identity;
    let first = key(OLD_CARD);
    assert_eq!(key(OLD_CARD), first);
    assert_eq!(key(&OLD_CARD.replace("ou_1", "ou_2")), first);
    assert_ne!(key(&OLD_CARD.replace("c-0001", "c-0002")), first);
    assert_ne!(key(&OLD_CARD.replace("{\"a\":1}", "{\"a\":2}")), first);
    let bare = OLD_CARD.replace("\"token\":\"c-0001\",", "");
    let event = Posted::old_card(&bare).event(&BOTH);
    assert_eq!(event.event_type.as_deref(), Some(OLD_CARD_TYPE));
    assert_eq!(event.tenant_key.as_deref(), Some("t1"));
    assert_ne!(event.identity, first);
}

/// A request that somebody sends again has its old timestamp, because it is signed.
#[test]
fn a_signed_request_grows_old() {
    let narrow = ReplayWindow::within(std::time::Duration::ZERO);
    for posted in [Posted::encrypted(EVENT), Posted::old_card(OLD_CARD)] {
        let read = posted.read_within(&BOTH, narrow);
        assert_eq!(read, Err(CallbackRefusal::Stale { age_s: 1 }));
        assert!(posted.read_within(&BOTH, ReplayWindow::OFF).is_ok());
    }
    let challenge = Posted::signed(CHALLENGE, KEY).read_within(&BOTH, narrow);
    assert!(challenge.is_ok());
}

#[test]
fn every_cause_has_a_label_of_its_own() {
    let labels: BTreeSet<_> = CallbackRefusal::LABELS.into_iter().collect();
    assert_eq!(labels.len(), CallbackRefusal::LABELS.len());
    for refusal in [
        CallbackRefusal::NoSecrets,
        CallbackRefusal::NotJson,
        CallbackRefusal::NotAnObject,
        CallbackRefusal::EncryptedWithoutKey,
        CallbackRefusal::Undecryptable(EncryptedBodyError::Padding),
        CallbackRefusal::NoChallenge,
        CallbackRefusal::UnknownShape,
        CallbackRefusal::TokenNotConfigured,
        CallbackRefusal::TokenMissing,
        CallbackRefusal::TokenWrong,
        CallbackRefusal::SignatureMissing,
        CallbackRefusal::SignatureWrong,
        CallbackRefusal::KeyNotInConsole,
        CallbackRefusal::CardSignatureWrong,
        CallbackRefusal::Stale { age_s: 1 },
    ] {
        assert!(labels.contains(refusal.label()), "{refusal}");
        assert!((400..404).contains(&refusal.status()), "{refusal}");
        assert!(!refusal.hint().is_empty(), "{refusal}");
    }
}

/// What is received does not reach a log by way of the refusal.
#[test]
fn a_refusal_tells_nothing_of_the_request() {
    for posted in [
        Posted::bare("canary"),
        Posted::bare("{\"canary\":\"canary\"}"),
        Posted::bare("{\"encrypt\":\"canary\"}"),
        Posted::bare(EVENT.replace(TOKEN, "canary")),
        Posted::signed(EVENT, "canary"),
    ] {
        let refusal = refused(&posted, &BOTH);
        let mut told = format!("{refusal} {refusal:?} {}", refusal.hint());
        let mut source = std::error::Error::source(&refusal);
        while let Some(error) = source {
            told += &error.to_string();
            source = error.source();
        }
        assert!(!told.contains("canary"), "{told}");
    }
}

proptest! {
    /// What was changed after it was signed is neither recorded nor answered as a click.
    #[test]
    fn a_changed_byte_of_a_signed_body_is_refused(
        which in 0..3_usize,
        place in any::<prop::sample::Index>(),
        change in 1..=u8::MAX,
    ) {
        let mut posted = match which {
            0 => Posted::encrypted(EVENT),
            1 => Posted::signed(EVENT, KEY),
            _ => Posted::old_card(OLD_CARD),
        };
        prop_assert!(posted.read(&BOTH).is_ok());
        let place = place.index(posted.body.len());
        posted.body[place] ^= change;
        prop_assert!(posted.read(&BOTH).is_err());
    }

    #[test]
    fn any_text_is_decrypted_to_what_it_was(
        clear in prop::collection::vec(any::<u8>(), 0..200),
        key in ".{1,40}",
        iv in any::<[u8; 16]>(),
    ) {
        let encrypted = sender::encrypt(&key, iv, &clear);
        prop_assert_eq!(decrypt(&key, &encrypted), Ok(Bytes::from(clear)));
    }

    #[test]
    fn any_challenge_comes_back(challenge in ".{1,80}") {
        let body = serde_json::json!({
            "challenge": challenge, "token": TOKEN, "type": "url_verification",
        });
        let Ok(Callback::Challenge { answer }) = Posted::bare(body.to_string()).read(&BOTH) else {
            return Err(TestCaseError::fail("no challenge"));
        };
        let answer: serde_json::Value = serde_json::from_slice(&answer).expect("JSON");
        prop_assert_eq!(answer, serde_json::json!({ "challenge": challenge }));
    }
}
