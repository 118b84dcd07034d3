//! Events and card callbacks come to request URLs as the platform sends them, and answers are judged as it does.

mod support;

use std::collections::BTreeSet;
use std::time::Duration;

use aes::Aes256;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use cbc::cipher::block_padding::Pkcs7;
use cbc::cipher::{BlockModeDecrypt as _, KeyIvInit as _};
use longwire_sim::{
    ChatMessage, ClickedCard, Control, HttpLoad, HttpPush, HttpPushFlaw, HttpPushKind,
    HttpPushRecord, HttpPushScheme, HttpPushState, HttpVerdict, Payload, PushId, RequestUrls,
    Roads, Sim, UrlCheck, UrlNotSaved,
};
use serde_json::{Value, json};
use sha1::Sha1;
use sha2::{Digest as _, Sha256};
use support::receiver::{Answer, Received, Receiver};
use support::{APP, Client, LIMIT, http, start, until, wait};

const TOKEN: &str = "vt0SyntheticVerificationToken001";
const KEY: &str = "ek-synthetic-encrypt-key-0001";

fn save(control: &Control, urls: &RequestUrls, check: UrlCheck) -> Result<(), UrlNotSaved> {
    tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .expect("a runtime")
        .block_on(control.save_request_urls(APP, urls, check))
}

/// A simulator whose app has its URLs at the receiver.
fn posting_to(receiver: &Receiver, encrypt_key: Option<&str>) -> Sim {
    let ladder = [20, 30, 40, 50].map(Duration::from_millis).to_vec();
    let sim = start(|settings| settings.ladder = ladder);
    let urls = RequestUrls {
        events: Some(receiver.url("/events")),
        callbacks: Some(receiver.url("/cards")),
        ..RequestUrls::default()
    };
    let urls = urls.with_secrets(TOKEN, encrypt_key);
    save(&sim.control(), &urls, UrlCheck::Skip).expect("saved");
    sim
}

fn ok() -> Receiver {
    Receiver::new(|_, _| Answer::of(200, "{}"))
}

fn over(control: &Control, push: PushId) -> HttpPushRecord {
    let is_over = |record: &HttpPushRecord| {
        matches!(record.state, HttpPushState::Delivered | HttpPushState::Lost)
    };
    control
        .wait_for_http(push, LIMIT, is_over)
        .unwrap_or_else(|last| panic!("not over: {last:?}"))
}

fn pushed(sim: &Sim, push: impl Into<HttpPush>) -> HttpPushRecord {
    let control = sim.control();
    let push = control.push_http(APP, push).expect("it has a URL");
    over(&control, push)
}

fn signed_text(request: &Received, key: &str) -> String {
    let header = |name: &str| request.header(name).expect("a header");
    let (time, nonce) = (
        header("X-Lark-Request-Timestamp"),
        header("X-Lark-Request-Nonce"),
    );
    format!("{time}{nonce}{key}{}", request.body)
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

fn decrypted(body: &Value) -> Value {
    let text = body["encrypt"].as_str().expect("an encrypted body");
    assert_eq!(body.as_object().map(serde_json::Map::len), Some(1));
    let mut blob = STANDARD.decode(text).expect("base64");
    let (iv, cipher) = blob.split_at_mut(16);
    let iv: [u8; 16] = (&*iv).try_into().expect("16 bytes");
    let key: [u8; 32] = Sha256::digest(KEY).into();
    let plain = cbc::Decryptor::<Aes256>::new(&key.into(), &iv.into())
        .decrypt_padded::<Pkcs7>(cipher)
        .expect("the padding is right");
    serde_json::from_slice(plain).expect("JSON")
}

#[test]
fn an_event_in_clear_is_signed_with_an_empty_key() {
    let receiver = ok();
    let sim = posting_to(&receiver, None);
    let record = pushed(&sim, Payload::Message(ChatMessage::default()));
    assert_eq!(record.state, HttpPushState::Delivered);
    assert_eq!((record.kind, record.tries.len()), (HttpPushKind::Event, 1));
    assert_eq!(record.tries[0].answer.as_deref(), Some("{}"));
    let [request] = &receiver.received()[..] else {
        panic!("one request")
    };
    assert_eq!(request.path, "/events");
    let event = request.json();
    assert_eq!(event["header"]["token"], TOKEN);
    assert_eq!(event["header"]["event_id"], *record.event_id);
    let hash = hex(&Sha256::digest(signed_text(request, "")));
    assert_eq!(request.header("X-Lark-Signature"), Some(&*hash));
}

#[test]
fn an_event_is_encrypted_and_signed_over_what_is_sent() {
    let receiver = ok();
    let sim = posting_to(&receiver, Some(KEY));
    let record = pushed(&sim, HttpPush::default());
    let [request] = &receiver.received()[..] else {
        panic!("one request")
    };
    let event = decrypted(&request.json());
    assert_eq!(event["header"]["event_id"], *record.event_id);
    assert_eq!(event["header"]["token"], TOKEN, "of generated events too");
    let hash = hex(&Sha256::digest(signed_text(request, KEY)));
    assert_eq!(request.header("X-Lark-Signature"), Some(&*hash));
}

#[test]
fn an_old_card_is_flat_in_clear_and_signed_with_the_token() {
    let receiver = ok();
    let sim = posting_to(&receiver, Some(KEY));
    let click = HttpPush {
        scheme: HttpPushScheme::OldCard,
        ..HttpPush::of(Payload::CardClick(ClickedCard::default()))
    };
    let record = pushed(&sim, click);
    assert_eq!(record.kind, HttpPushKind::OldCard);
    let request = &receiver.received()[0];
    assert_eq!(request.path, "/cards");
    let body = request.json();
    assert!(
        body["schema"].is_null() && body["action"]["tag"] == "button",
        "{body}"
    );
    let hash = hex(&Sha1::digest(signed_text(request, TOKEN)));
    assert_eq!(request.header("X-Lark-Signature"), Some(&*hash));
}

#[test]
fn a_failed_event_climbs_the_ladder_with_its_id() {
    let receiver = Receiver::new(|number, _| Answer::of(if number < 3 { 500 } else { 200 }, ""));
    let sim = posting_to(&receiver, Some(KEY));
    let record = pushed(&sim, HttpPush::default());
    let verdicts: Vec<_> = record.tries.iter().map(|one| one.verdict).collect();
    let refused = HttpVerdict::Refused;
    assert_eq!(
        verdicts,
        [refused, refused, refused, HttpVerdict::Delivered]
    );
    for (pair, pause) in record.tries.windows(2).zip([20, 30, 40]) {
        assert!(pair[1].at_ms - pair[0].at_ms >= pause, "{pair:?}");
    }
    let bodies: Vec<_> = receiver.received().iter().map(Received::json).collect();
    let ids: BTreeSet<_> = bodies
        .iter()
        .map(|body| decrypted(body)["header"]["event_id"].to_string())
        .collect();
    assert_eq!(ids.len(), 1, "one event");
    let sealed: BTreeSet<_> = bodies.iter().map(Value::to_string).collect();
    assert_eq!(sealed.len(), 4, "each try has a vector of its own");
    let ledger = sim.control().ledger().http;
    assert_eq!((ledger.tries, ledger.repeated, ledger.refused), (4, 3, 3));
    assert_eq!((ledger.pushed, ledger.delivered, ledger.pending), (1, 1, 0));
}

#[test]
fn an_event_is_lost_after_the_last_rung() {
    let receiver = Receiver::new(|_, _| Answer::of(503, ""));
    let sim = posting_to(&receiver, None);
    let record = pushed(&sim, HttpPush::default());
    assert_eq!((record.state, record.tries.len()), (HttpPushState::Lost, 5));
    assert_eq!(sim.control().ledger().http.lost, 1);
}

#[test]
fn nobody_there_is_a_failure_like_others() {
    let sim = start(|settings| settings.ladder = Vec::new());
    // A port that nobody listens on.
    let free = std::net::TcpListener::bind("127.0.0.1:0").expect("a free port");
    let url = format!("http://{}/", free.local_addr().expect("an address"));
    drop(free);
    save(&sim.control(), &RequestUrls::at(&url), UrlCheck::Skip).expect("saved");
    let record = pushed(&sim, HttpPush::default());
    assert_eq!(record.tries[0].verdict, HttpVerdict::Unreachable);
    let record = pushed(&sim, Payload::CardClick(ClickedCard::default()));
    assert_eq!(
        record.tries[0].card.as_ref().map(|card| card.code),
        Some(200_342)
    );
}

#[test]
fn a_url_is_saved_only_if_it_answers_its_challenge() {
    let receiver = Receiver::new(|_, request| {
        let body = match request.json() {
            body if body["encrypt"].is_string() => decrypted(&body),
            body => body,
        };
        assert_eq!(body["type"], "url_verification");
        assert_eq!(body["token"], TOKEN);
        let right = json!({ "challenge": body["challenge"] }).to_string();
        match &*request.path {
            "/right" => Answer::of(200, &right),
            "/wrong" => Answer::of(200, r#"{"challenge":"other"}"#),
            "/refused" => Answer::of(403, &right),
            _ => Answer::of(200, &right).after(Duration::from_millis(1_100)),
        }
    });
    let sim = start(|_| ());
    let control = sim.control();
    let urls = |path: &str, key| RequestUrls::at(&receiver.url(path)).with_secrets(TOKEN, key);
    for key in [None, Some(KEY)] {
        save(&control, &urls("/right", key), UrlCheck::Challenge).expect("saved");
        save(&control, &urls("/right", key), UrlCheck::SignedChallenge).expect("saved");
    }
    let last = receiver.received();
    let last = last.last().expect("a challenge");
    assert!(last.header("X-Lark-Signature").is_some());
    for path in ["/wrong", "/refused"] {
        let error = save(&control, &urls(path, None), UrlCheck::Challenge).expect_err(path);
        assert!(matches!(error, UrlNotSaved::WrongAnswer { .. }), "{error}");
    }
    let error = save(&control, &urls("/late", None), UrlCheck::Challenge).expect_err("late");
    assert!(matches!(error, UrlNotSaved::NoAnswer { .. }), "{error}");
    let error = save(&control, &RequestUrls::at("ftp://a/"), UrlCheck::Skip).expect_err("no URL");
    assert!(matches!(error, UrlNotSaved::NotAUrl { .. }), "{error}");
    let ledger = control.ledger().http;
    assert_eq!((ledger.urls_saved, ledger.urls_not_saved), (4, 3));
    // What was saved before is still there.
    assert!(control.push_http(APP, HttpPush::default()).is_ok());
}

#[test]
fn the_control_interface_saves_and_pushes() {
    let receiver = Receiver::new(|_, request| {
        let body = request.json();
        match body["challenge"].as_str() {
            Some(challenge) => Answer::of(200, &json!({ "challenge": challenge }).to_string()),
            None => Answer::of(200, "{}"),
        }
    });
    let sim = start(|_| ());
    let post = |verb: &str, body: Value| {
        let (status, _, answer) = http(&sim, "POST", verb, &body.to_string());
        let answer: Value = serde_json::from_str(&answer).expect("JSON");
        (status, answer)
    };
    let push = json!({ "app": APP, "push": { "payload": { "message": { "text": "hi" } } } });
    let (status, answer) = post("/sim/v1/http/push", push.clone());
    assert_eq!(status, 400);
    assert!(
        answer["error"]
            .as_str()
            .is_some_and(|text| text.contains("request_urls"))
    );
    let urls = json!({ "app": APP, "events": receiver.url("/a"), "verification_token": "t" });
    assert_eq!(
        post("/sim/v1/request_urls", urls),
        (200, json!({ "saved": true }))
    );
    let (status, answer) = post("/sim/v1/http/push", push);
    assert_eq!(status, 200, "{answer}");
    until(|| sim.control().ledger().http.delivered == 1);
    let (_, _, records) = http(&sim, "GET", "/sim/v1/http/records", "");
    let records: Vec<HttpPushRecord> = serde_json::from_str(&records).expect("records");
    assert_eq!(records[0].event_id, answer["event_id"]);
    let (_, _, ids) = http(&sim, "GET", "/sim/v1/http/delivered", "");
    assert_eq!(ids, json!([answer["event_id"]]).to_string());
}

#[test]
fn duplicates_come_on_demand() {
    let receiver = ok();
    let sim = posting_to(&receiver, Some(KEY));
    let push = HttpPush {
        duplicates: 2,
        ..HttpPush::default()
    };
    let control = sim.control();
    let push = control.push_http(APP, push).expect("it has a URL");
    let record = control
        .wait_for_http(push, LIMIT, |record| record.duplicates.len() == 2)
        .expect("both");
    assert_eq!(over(&control, push).tries.len(), 1);
    let verdicts = record.duplicates.iter().map(|one| one.verdict);
    assert!(
        verdicts
            .into_iter()
            .all(|one| one == HttpVerdict::Delivered)
    );
    let ids: BTreeSet<_> = receiver
        .received()
        .iter()
        .map(|request| decrypted(&request.json())["header"]["event_id"].to_string())
        .collect();
    assert_eq!((receiver.received().len(), ids.len()), (3, 1));
}

#[test]
fn one_event_comes_both_ways() {
    let receiver = ok();
    let sim = posting_to(&receiver, None);
    let mut client = Client::new(&sim);
    wait(&sim.control(), |ledger| ledger.connections_opened == 1);
    let push = HttpPush {
        roads: Roads::Both,
        ..HttpPush::of(Payload::Message(ChatMessage::default()))
    };
    let record = pushed(&sim, push);
    let (payload, frame) = client.event();
    client.ack(&frame);
    assert_eq!(payload, receiver.received()[0].body.as_bytes());
    let also = record
        .on_long_connection
        .expect("a push over the connection");
    wait(&sim.control(), |ledger| ledger.acked == 1);
    let other = sim.control().record(also).expect("its record");
    assert_eq!(other.event_id, record.event_id);
}

#[test]
fn a_flaw_is_in_every_try() {
    let receiver = Receiver::new(|_, _| Answer::of(401, ""));
    let sim = posting_to(&receiver, Some(KEY));
    let record = pushed(&sim, HttpPush::default().flawed(HttpPushFlaw::NoSignature));
    assert_eq!(record.state, HttpPushState::Lost);
    let unsigned = |request: &Received| request.header("X-Lark-Signature").is_none();
    assert!(receiver.received().iter().all(unsigned));
}

#[test]
fn a_closed_loop_keeps_its_connections() {
    let receiver = ok();
    let sim = posting_to(&receiver, Some(KEY));
    let control = sim.control();
    let load = HttpLoad {
        connections: 7,
        total: Some(500),
        ..HttpLoad::default()
    };
    control.load_http(load).expect("it has a URL");
    until(|| control.ledger().http.delivered == 500);
    let received = receiver.received();
    let connections: BTreeSet<_> = received.iter().map(|one| one.connection).collect();
    assert_eq!((received.len(), connections.len()), (500, 7));
    assert_eq!(control.ledger().http.connections_opened, 7);
    let ids: BTreeSet<_> = control.http_delivered_ids().into_iter().collect();
    assert_eq!(ids.len(), 500);
    assert!(!control.http_load().running);
}

#[test]
fn a_pace_is_kept_and_stopped() {
    let receiver = ok();
    let sim = posting_to(&receiver, None);
    let control = sim.control();
    let load = HttpLoad {
        connections: 3,
        per_second: Some(400.0),
        ..HttpLoad::default()
    };
    control.load_http(load).expect("it has a URL");
    until(|| control.ledger().http.delivered >= 40);
    // What waits when the load ends may go over other connections.
    let ledger = control.ledger().http;
    assert!(ledger.connections_opened <= 3, "{ledger:?}");
    control.stop_http_load();
    until(|| control.ledger().http.pending == 0);
    let ledger = control.ledger().http;
    assert_eq!(ledger.pushed, ledger.delivered);
    control.reset();
    assert_eq!(control.ledger().http.pushed, 0);
    assert!(
        control.push_http(APP, HttpPush::default()).is_ok(),
        "its URL stays"
    );
}

/// The clock of this simulator runs ten times as fast.
const FASTER: u32 = 10;

#[test]
fn answers_are_judged_as_the_platform_does() {
    let vectors: Value =
        serde_json::from_str(include_str!("vectors/platform_verdict.json")).expect("vectors");
    for vector in vectors["vectors"].as_array().expect("a list") {
        judged(vector);
    }
}

fn judged(vector: &Value) {
    let name = vector["name"].as_str().expect("a name");
    let given = vector["answer"].clone();
    let receiver = Receiver::new(move |_, request| {
        let status = u16::try_from(given["status"].as_u64().expect("a status")).expect("a status");
        let delay = Duration::from_millis(given["delay_ms"].as_u64().expect("a delay"));
        let body = given["body"].as_str().expect("a body");
        // The challenge of the vector stands for the one that is asked.
        let asked = request.json()["challenge"].as_str().map(str::to_owned);
        let body = body.replace(
            "6a1f2c3d-0000-4000-8000-00000000c0de",
            &asked.unwrap_or_default(),
        );
        Answer::of(status, &body).after(delay / FASTER)
    });
    let sim = start(|settings| settings.time_factor = f64::from(FASTER));
    let control = sim.control();
    let urls = RequestUrls::at(&receiver.url("/callback")).with_secrets(TOKEN, None);
    let expect = &vector["expect"];
    if let Some(saved) = expect["url_saved"].as_bool() {
        assert_eq!(
            save(&control, &urls, UrlCheck::Challenge).is_ok(),
            saved,
            "{name}"
        );
        return;
    }
    save(&control, &urls, UrlCheck::Skip).expect("saved");
    let payload = match &vector["push"] {
        Value::String(kind) if kind == "card" => Payload::CardClick(ClickedCard::default()),
        _ => Payload::Message(ChatMessage::default()),
    };
    let push = control.push_http(APP, payload).expect("it has a URL");
    let record = control
        .wait_for_http(push, LIMIT, |record| !record.tries.is_empty())
        .expect("a try");
    let first = &record.tries[0];
    if let Some(delivered) = expect["delivered"].as_bool() {
        assert_eq!(first.verdict == HttpVerdict::Delivered, delivered, "{name}");
        let again = expect["retries_after_s"].as_array().expect("a list").len();
        let waits = record.state == HttpPushState::Failed;
        assert_eq!(waits, again > 0, "{name}");
        return;
    }
    let card = first.card.as_ref().expect("a verdict of a card");
    assert_eq!(Value::from(card.code), expect["code"], "{name}");
    assert_eq!(
        first.verdict == HttpVerdict::Delivered,
        expect["ok"] == true,
        "{name}"
    );
    if let Some(changed) = expect["card_changed"].as_bool() {
        assert_eq!(card.card_changed, changed, "{name}");
        assert_eq!(json!(card.toast), expect["toast"], "{name}");
    }
    let state = if expect["ok"] == true {
        HttpPushState::Delivered
    } else {
        HttpPushState::Lost
    };
    assert_eq!(record.state, state, "{name}: no retries");
}
