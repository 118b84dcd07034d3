//! Callbacks: recorded before they are answered, told from those of others, and counted.

use crate::world::*;
use bytes::Bytes;
use longwire_fleet::{
    CallbackOutcome, CallbackRejection, CallbackView, CardAnswering, CardBroker, CardQuestion,
    IncomingCallback,
};
use longwire_installation::{Desired, InstallationId, Mode, Platform};
use longwire_link::session::CardSettings;
use longwire_sim::Push;
use longwire_store::{EventQuery, NewInstallation, Source};
use longwire_wire::callback::sender::{encrypted_body, sign, sign_old_card};
use longwire_wire::callback::{CallbackHeaders, CallbackRefusal, ReplayWindow};
use serde_json::{Value, json};
use std::sync::Arc;
use std::time::{Duration, Instant};

const TOKEN: &str = "the-verification-token";
const KEY: &str = "the-encrypt-key";
const NOW_S: i64 = 1_800_000_000;
const DEFAULT_RESULT: &str = r#"{"toast":{"type":"info","content":"later"}}"#;

/// A request as it comes over the wire.
struct Request {
    timestamp: String,
    nonce: &'static str,
    signature: String,
    body: Bytes,
}

impl Request {
    fn signed(key: &str, body: impl Into<Bytes>) -> Self {
        let (timestamp, nonce, body) = (NOW_S.to_string(), "314159265", body.into());
        Self {
            signature: sign(&timestamp, nonce, key, &body),
            timestamp,
            nonce,
            body,
        }
    }

    /// Encrypted and signed, as the platform sends it.
    fn sealed(event: &Value) -> Self {
        Self::signed(
            KEY,
            encrypted_body(KEY, [7; 16], event.to_string().as_bytes()),
        )
    }

    /// A click on an old card.
    fn old_card(body: &Value) -> Self {
        let body = body.to_string();
        let mut request = Self::signed("", body.clone());
        request.signature =
            sign_old_card(&request.timestamp, request.nonce, TOKEN, body.as_bytes());
        request
    }
}

fn event(number: u32, event_type: &str, app_id: &str, event: Value) -> Value {
    json!({
        "schema": "2.0",
        "header": {
            "event_id": format!("ev-{number}"), "event_type": event_type, "token": TOKEN,
            "create_time": "1800000000000", "app_id": app_id, "tenant_key": "t",
        },
        "event": event,
    })
}

fn click(number: u32, what: &str) -> Value {
    let action = json!({ "action": { "tag": "button", "value": { "do": what } } });
    event(number, "card.action.trigger", "hooked", action)
}

impl World {
    /// A bot that gets its events by callbacks.
    fn add_hooked(&self, name: &str, desired: Desired) -> InstallationId {
        let new = NewInstallation {
            mode: Mode::Webhook,
            verification_token: Some(TOKEN.into()),
            encrypt_key: Some(KEY.into()),
            desired,
            ..bot(Platform::Feishu, name, &self.sim.base_url())
        };
        self.store.add_installation(new).expect("it is added").id
    }

    async fn hooked() -> (Self, InstallationId) {
        let world = Self::new(0).await;
        let id = world.add_hooked("hooked", Desired::Run);
        world.known("hooked").await;
        (world, id)
    }

    async fn known(&self, name: &str) {
        self.fleet.reload();
        until("the fleet knows it", || self.fleet.installation(name)).await;
    }

    async fn post(&self, to: InstallationId, request: &Request) -> CallbackOutcome {
        let incoming = IncomingCallback {
            headers: CallbackHeaders {
                timestamp: Some(request.timestamp.as_bytes()),
                nonce: Some(request.nonce.as_bytes()),
                signature: Some(request.signature.as_bytes()),
            },
            trace_id: Some("trace"),
            body: request.body.clone(),
            since: Instant::now(),
            now_ms: NOW_S * 1_000,
            window: ReplayWindow::default(),
        };
        self.fleet.callback(to, incoming).await
    }

    /// The body of the 200, or why there is none.
    async fn answer(
        &self,
        to: InstallationId,
        request: &Request,
    ) -> Result<String, CallbackRejection> {
        match self.post(to, request).await {
            CallbackOutcome::Challenged(json) => Ok(text(&json)),
            CallbackOutcome::Recorded(answer) => Ok(text(&answer.into_json())),
            CallbackOutcome::Rejected(rejection) => Err(rejection),
        }
    }

    fn callbacks(&self, name: &str) -> CallbackView {
        let view = self.fleet.installation(name).expect("it was added");
        view.callbacks.expect("callbacks came")
    }
}

fn text(json: &Bytes) -> String {
    String::from_utf8(json.to_vec()).expect("text")
}

/// S198, S241: an event that comes both ways is recorded once, and each way recognises what the other brought.
#[actix_rt::test]
async fn an_event_that_comes_both_ways_is_recorded_once() {
    let world = World::new(1).await;
    world.all_live().await;
    let bot = world.fleet.installation_id("bot-0").expect("it was added");
    let set = longwire_store::InstallationChange {
        verification_token: longwire_store::FieldChange::Set(TOKEN.into()),
        ..Default::default()
    };
    world
        .store
        .change_installation(bot, set)
        .expect("it is changed");
    world.fleet.reload();
    let of = |number| event(number, "im.chat.updated_v1", &app(0), json!({}));
    let push = |number| {
        world
            .sim
            .control()
            .push(&app(0), Push::of(of(number).to_string()))
    };

    push(1);
    until("it came by the connection", || {
        (world.bot(0).lights.acked == 1).then_some(())
    })
    .await;
    let plain = |number| Request::signed("", of(number).to_string());
    until("the token is known", || {
        let record = world.fleet.record(bot)?;
        record.has_verification_token().then_some(())
    })
    .await;
    for number in [1, 2] {
        let answer = world.answer(bot, &plain(number)).await;
        assert_eq!(answer.as_deref(), Ok(r#"{"msg":"success"}"#));
    }
    push(2);
    until("the connection brought what is known", || {
        (world.bot(0).lights.repeats == 2).then_some(())
    })
    .await;
    let query = EventQuery {
        after: None,
        installations: None,
        limit: 100,
    };
    let page = world.store.reader().events(query).expect("readable");
    let found: Vec<_> = page
        .events
        .iter()
        .map(|event| (event.event_id.as_deref(), event.source))
        .collect();
    assert_eq!(
        found,
        [
            (Some("ev-1"), Source::LongConnection),
            (Some("ev-2"), Source::Webhook),
        ]
    );
    let view = world.callbacks("bot-0");
    assert_eq!(
        (view.verdicts["recorded"], view.verdicts["repeated"]),
        (1, 1)
    );
    assert!(view.unexpected.is_some(), "its mode is long_connection");
    let overview = world.fleet.overview();
    assert_eq!(
        (
            overview.events.recorded,
            overview.events.repeats_by_event_id
        ),
        (2, 2)
    );
    assert_eq!(overview.callback_latency_us.count, 2);
    assert_eq!(world.fleet.last_callback_ms(), Some(NOW_S * 1_000));
    world.fleet.drain(Duration::from_secs(5)).await;
}

/// S199, S231: what is not the platform's, or another app's, is refused with its cause and what to do.
#[actix_rt::test]
async fn what_is_not_the_platforms_is_refused_and_counted() {
    let (world, id) = World::hooked().await;
    let good = event(1, "im.chat.updated_v1", "hooked", json!({}));
    let mut wrong_signature = Request::sealed(&good);
    wrong_signature.signature = "0".repeat(64);
    let mut tampered = Request::sealed(&good);
    let mut body = tampered.body.to_vec();
    let at = body.len() - 10;
    body[at] ^= 1;
    tampered.body = body.into();
    let other_key = encrypted_body("another key", [7; 16], good.to_string().as_bytes());
    let wrong_token = Value::String("another token".to_owned());
    let mut with_wrong_token = good.clone();
    with_wrong_token["header"]["token"] = wrong_token;
    let mut old = Request::sealed(&good);
    old.timestamp = (NOW_S - 24 * 3_600).to_string();
    old.signature = sign(&old.timestamp, old.nonce, KEY, &old.body);
    let foreign = event(1, "im.chat.updated_v1", "cli_other", json!({}));
    for (request, label, hint) in [
        (
            wrong_signature,
            "signature_wrong",
            "encrypt key differs from the console's",
        ),
        (
            Request::signed(KEY, other_key),
            "undecryptable",
            "the encrypt key differs from the console's",
        ),
        (
            Request::sealed(&with_wrong_token),
            "token_wrong",
            "verification token differs",
        ),
        (
            Request::signed("", good.to_string()),
            "key_not_in_console",
            "no encrypt key",
        ),
        (old, "stale", "clock"),
        (Request::signed(KEY, "{"), "not_json", "between"),
        (Request::signed(KEY, "[]"), "not_an_object", "between"),
        (Request::sealed(&foreign), "foreign_app", "another app"),
    ] {
        let rejection = world.answer(id, &request).await.expect_err(label);
        assert_eq!(rejection.label(), label);
        let view = world.callbacks("hooked");
        assert_eq!(view.verdicts[label], 1);
        let refusal = view.last_refusal.expect("there was one");
        assert_eq!(refusal.cause, label);
        assert!(refusal.hint.contains(hint), "{label}: {}", refusal.hint);
    }
    let changed = world.answer(id, &tampered).await;
    assert!(
        matches!(changed, Err(CallbackRejection::Refused(_))),
        "{changed:?}"
    );
    assert_eq!(world.store.reader().count_events().expect("readable"), 0);
    assert_eq!(world.callbacks("hooked").last_recorded_ms, None);
    let answer = world.answer(id, &Request::sealed(&good)).await;
    assert_eq!(answer.as_deref(), Ok(r#"{"msg":"success"}"#));
    let view = world.callbacks("hooked");
    assert_eq!(view.last_recorded_ms, Some(NOW_S * 1_000));
    assert_eq!(view.unexpected, None, "its mode has callbacks");
    let timeline = world.store.reader().timeline(id, 50).expect("readable");
    let said = |label: &str| {
        let is_it =
            |kind: &str, detail: &str| kind == "callback_refused" && detail.starts_with(label);
        let found = timeline.iter().map(|note| &note.entry);
        found
            .filter(|entry| is_it(entry.kind.label(), &entry.detail))
            .count()
    };
    // Notes ride in the transaction of the event, or an earlier one.
    assert_eq!((said("stale:"), said("signature_wrong:")), (1, 1));
    world.fleet.drain(Duration::from_secs(5)).await;
}

/// S237: each bot has an address and secrets of its own, and a bot without any takes no callbacks.
#[actix_rt::test]
async fn a_bot_without_secrets_or_stopped_takes_no_callbacks() {
    let (world, _) = World::hooked().await;
    world.add(Platform::Feishu, "bare", &world.sim.base_url());
    world.add(Platform::Wecom, "robot", "wss://127.0.0.1:1");
    world.add_hooked("stopped", Desired::Stop);
    world.known("stopped").await;
    let id = |name: &str| world.fleet.installation_id(name).expect("it was added");
    let to = |app_id: &str| Request::sealed(&event(1, "im.chat.updated_v1", app_id, json!({})));
    let answer = world.answer(id("bare"), &to("bare")).await;
    assert_eq!(
        answer,
        Err(CallbackRejection::Refused(CallbackRefusal::NoSecrets))
    );
    assert!(
        world
            .callbacks("bare")
            .last_refusal
            .is_some_and(|refusal| refusal.hint.contains("verification token"))
    );
    let answer = world.answer(id("robot"), &to("robot")).await;
    assert_eq!(answer, Err(CallbackRejection::UnknownInstallation));
    let answer = world.answer(InstallationId(4_711), &to("nobody")).await;
    assert_eq!(answer, Err(CallbackRejection::UnknownInstallation));
    let answer = world.answer(id("stopped"), &to("stopped")).await;
    assert_eq!(answer, Err(CallbackRejection::Stopped));
    // The console can be set up first.
    let challenge = json!({"type": "url_verification", "challenge": "c \"1\"", "token": TOKEN});
    let answer = world
        .answer(id("stopped"), &Request::sealed(&challenge))
        .await;
    assert_eq!(answer.as_deref(), Ok(r#"{"challenge":"c \"1\""}"#));
    assert_eq!(world.fleet.overview().callbacks["unknown_installation"], 2);
    assert_eq!(world.store.reader().count_events().expect("readable"), 0);
    world.fleet.drain(Duration::from_secs(5)).await;
}

/// What is not recorded is not answered 200, and its repeat is recorded.
#[actix_rt::test]
async fn what_the_store_does_not_take_is_no_success() {
    let (world, id) = World::hooked().await;
    let request = Request::sealed(&event(1, "im.chat.updated_v1", "hooked", json!({})));
    // The writer is started again.
    world.store.stop_writer();
    let answer = world.answer(id, &request).await;
    if answer.is_err() {
        let rejection = answer.expect_err("it was just looked at");
        assert!(
            matches!(rejection, CallbackRejection::Unrecorded(_)),
            "{rejection:?}"
        );
        assert_eq!(
            world
                .fleet
                .installation("hooked")
                .expect("it is there")
                .lights
                .refused,
            1
        );
    }
    until("it records again", || {
        world.fleet.is_writing().then_some(())
    })
    .await;
    let deadline = Instant::now() + SOON;
    while world.answer(id, &request).await.is_err() {
        assert!(Instant::now() < deadline, "in vain");
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    assert_eq!(world.store.reader().count_events().expect("readable"), 1);
    world.fleet.drain(Duration::from_secs(5)).await;
}

/// Does with a question what the click says.
struct Scripted;

impl CardBroker for Scripted {
    fn claims(&self, _: InstallationId) -> bool {
        true
    }

    fn ask(&self, question: CardQuestion) {
        let event: Value = serde_json::from_slice(&question.payload).expect("json");
        let action = event
            .get("event")
            .map_or(&event["action"], |event| &event["action"]);
        match action["value"]["do"].as_str() {
            Some("answer") => {
                std::thread::spawn(move || question.reply.answer(RESULT.into()));
            }
            Some("disclaim") => question.reply.unclaimed(),
            Some("panic") => panic!("the broker fails"),
            Some("late") => {
                std::thread::spawn(move || {
                    // Until nobody waits any more.
                    while Instant::now() < question.due + Duration::from_millis(200) {
                        std::thread::yield_now();
                    }
                    question.reply.answer(RESULT.into());
                });
            }
            _ => drop(question),
        }
    }
}

const RESULT: &str =
    r#"{"toast":{"type":"success","content":"done"},"card":{"type":"raw","data":{"elements":[]}}}"#;

/// S220, S221, S242: a click that comes by a callback has the same contract and deadline as one that comes over a connection, and
/// its answer is legal whatever the application does.
#[actix_rt::test]
async fn a_click_is_answered_through_the_callback() {
    let cards = CardAnswering {
        broker: Some(Arc::new(Scripted)),
        settings: CardSettings {
            deadline: Duration::from_millis(300),
            default_result: DEFAULT_RESULT.into(),
        },
    };
    let world = World::answering(0, cards).await;
    let id = world.add_hooked("hooked", Desired::Run);
    world.known("hooked").await;
    for (number, what, expected) in [
        (1, "answer", RESULT),
        (2, "drop", DEFAULT_RESULT),
        (3, "panic", DEFAULT_RESULT),
        (4, "disclaim", "{}"),
        (5, "late", DEFAULT_RESULT),
    ] {
        let answer = world
            .answer(id, &Request::sealed(&click(number, what)))
            .await;
        assert_eq!(answer.as_deref(), Ok(expected), "{what}");
    }
    let old = |what: &str, token: &str| {
        Request::old_card(&json!({
            "open_id": "ou_1", "open_message_id": "om_1", "open_chat_id": "oc_1", "tenant_key": "t",
            "token": token, "action": { "tag": "button", "value": { "do": what } },
        }))
    };
    let flat = world
        .answer(id, &old("answer", "c-1"))
        .await
        .expect("recorded");
    let flat: Value = serde_json::from_str(&flat).expect("json");
    assert_eq!(
        flat,
        json!({"toast": {"type": "success", "content": "done"}, "elements": []})
    );
    let default = world.answer(id, &old("drop", "c-2")).await;
    assert_eq!(default.as_deref(), Ok(DEFAULT_RESULT));
    until("the late answer is counted", || {
        (world.fleet.overview().cards.late == 1).then_some(())
    })
    .await;
    let cards = world.fleet.overview().cards;
    assert_eq!((cards.asked, cards.answered, cards.defaulted), (7, 2, 4));
    assert_eq!(
        world.store.reader().count_events().expect("readable"),
        7,
        "each is recorded first"
    );
    world.fleet.drain(Duration::from_secs(5)).await;
}
