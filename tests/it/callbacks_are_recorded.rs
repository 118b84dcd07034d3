//! What Feishu and Lark post is durable before it is answered: whatever befalls the gateway, its disk and the application.

use std::sync::atomic::{AtomicBool, Ordering::SeqCst};
use std::time::Duration;

use longwire_installation::Mode;
use longwire_sim::{Sim, Traffic};
use longwire_store::Source;
use longwire_tests::{
    Answer, Gateway, Setup, Signal, Webhook, WebhookAnswer, app_id, message_of, platform,
    until_answered, wait_more_acked, wait_until,
};
use longwire_wire::callback::sender::{encrypted_body, sign};
use serde_json::{Value, json};

const BOT: &str = "hooked";
const PATH: &str = "/callbacks/feishu/hooked";
const TOKEN: &str = "a-token-nobody-may-print";
const KEY: &str = "a-key-nobody-may-print";
const SUCCESS: &str = r#"{"msg":"success"}"#;
/// Room for a store that is empty.
const VOLUME_BYTES: u64 = 256 << 20;

/// A gateway with a bot that takes callbacks.
fn hooked(mut gateway: Gateway, mode: Mode, sim: &Sim, consumers: &[Value]) -> Gateway {
    gateway.signal(Signal::Term);
    assert!(gateway.wait_end().success());
    gateway.add_callback_bot(BOT, mode, sim, [TOKEN, KEY]);
    gateway.add_consumers(consumers);
    gateway.restart();
    wait_until("the bot is known", || {
        let bot = gateway.public().get("/v1/installations/hooked");
        match bot {
            Ok(answer) if answer.status == 200 => Ok(()),
            other => Err(format!("{other:?}")),
        }
    });
    gateway
}

fn event(number: usize, event_type: &str, event: &Value) -> Value {
    json!({
        "schema": "2.0",
        "header": {
            "event_id": format!("evt-{number}"), "event_type": event_type,
            "token": TOKEN, "create_time": "1767225600123",
            "app_id": app_id(BOT), "tenant_key": "t",
        },
        "event": event,
    })
}

fn click(number: usize) -> Value {
    let clicked = json!({"action": {"tag": "button", "value": {"n": number}},
        "operator": {"open_id": "ou_1"}, "context": {"open_message_id": "om_1", "open_chat_id": "oc_1"}});
    event(number, "card.action.trigger", &clicked)
}

/// Posts it as the platform does: encrypted and signed, with the time of now.
fn post(gateway: &Gateway, event: &Value) -> Answer {
    try_post(gateway, event).expect("the gateway answers")
}

fn try_post(gateway: &Gateway, event: &Value) -> std::io::Result<Answer> {
    let body = encrypted_body(KEY, [9; 16], event.to_string().as_bytes());
    let since = std::time::UNIX_EPOCH.elapsed().expect("after 1970");
    let timestamp = since.as_secs().to_string();
    let headers = [
        (
            "X-Lark-Signature",
            sign(&timestamp, "314159265", KEY, &body),
        ),
        ("X-Lark-Request-Nonce", "314159265".to_owned()),
        ("X-Lark-Request-Timestamp", timestamp),
    ];
    gateway.public().post_callback(PATH, &headers, &body)
}

fn callbacks(gateway: &Gateway) -> Value {
    gateway.public().json("/v1/installations/hooked")["callbacks"].take()
}

/// The ids in the log, in its order, each with the road it came by.
fn recorded(gateway: &Gateway) -> Vec<(String, Source)> {
    let events = gateway.events().into_iter();
    let ids = events.map(|event| (event.event_id.unwrap_or_default().to_string(), event.source));
    ids.collect()
}

/// S64, S241: one event over a connection and over HTTP, in either order, is one row that says by which road it came first.
#[test]
fn an_event_that_comes_by_both_roads_is_recorded_once() {
    let sim = platform(|_| ());
    let gateway = hooked(Setup::new(&sim).start(), Mode::Both, &sim, &[]);
    gateway.wait_live(BOT);
    let control = sim.control();
    let message = |number: usize| {
        let text = message_of(&format!("evt-{number}"), &format!("om-{number}"), "hello");
        let mut message: Value = serde_json::from_str(&text).expect("json");
        message["header"]["token"] = TOKEN.into();
        message["header"]["app_id"] = app_id(BOT).into();
        message
    };
    for number in 0..20 {
        if number % 2 == 0 {
            let answer = post(&gateway, &message(number));
            assert_eq!((answer.status, &*answer.body), (200, SUCCESS));
        }
        let acked = control.ledger().acked;
        control.push(&app_id(BOT), message(number).to_string());
        wait_until("the connection's is acknowledged", || {
            let ledger = control.ledger();
            (ledger.acked > acked)
                .then_some(())
                .ok_or(format!("{ledger:?}"))
        });
        if number % 2 == 1 {
            assert_eq!(post(&gateway, &message(number)).status, 200);
        }
    }
    let expected: Vec<(String, Source)> = (0..20)
        .map(|number| {
            let source = match number % 2 {
                0 => Source::Webhook,
                _ => Source::LongConnection,
            };
            (format!("evt-{number}"), source)
        })
        .collect();
    assert_eq!(recorded(&gateway), expected);
    let shown = callbacks(&gateway);
    assert_eq!(
        (
            &shown["verdicts"]["recorded"],
            &shown["verdicts"]["repeated"]
        ),
        (&json!(10), &json!(10)),
        "{shown}"
    );
}

/// S216: the console asks whether the address is ours. S228: a wrong key is shown with what to do.
#[test]
fn the_console_is_answered_and_mistakes_are_shown() {
    let sim = platform(|_| ());
    let gateway = hooked(Setup::new(&sim).start(), Mode::Webhook, &sim, &[]);
    let challenge = json!({"type": "url_verification", "challenge": "c-1", "token": TOKEN});
    let answer = gateway
        .public()
        .post_callback(PATH, &[], challenge.to_string().as_bytes())
        .expect("the gateway answers");
    assert_eq!(
        (answer.status, &*answer.body),
        (200, r#"{"challenge":"c-1"}"#)
    );
    assert_eq!(post(&gateway, &challenge).body, r#"{"challenge":"c-1"}"#);
    let sealed = encrypted_body(
        "the key of yesterday",
        [9; 16],
        click(1).to_string().as_bytes(),
    );
    let answer = gateway.public().post_callback(PATH, &[], &sealed);
    let answer = answer.expect("the gateway answers");
    assert_eq!(answer.status, 400, "{}", answer.body);
    let shown = callbacks(&gateway);
    let next_step = &shown["last_refusal"]["next_step"];
    assert_eq!(next_step, "the encrypt key differs from the console's");
    let admin = gateway.admin().json("/admin/v1/installations/hooked");
    let refusal = &admin["callbacks"]["last_refusal"];
    assert_eq!(refusal["next_step"], *next_step, "{admin}");
    wait_until("the timeline tells it", || {
        let admin = gateway.admin().json("/admin/v1/installations/hooked");
        let timeline = admin["timeline"].as_array().expect("a list").iter();
        let mut kinds = timeline.map(|entry| entry["kind"].as_str().unwrap_or_default());
        let told = kinds.any(|kind| kind == "callback_refused");
        told.then_some(()).ok_or(admin["timeline"].to_string())
    });
}

/// A click is recorded before its application is asked, so a gateway that is killed meanwhile has it, and knows its repeat.
#[test]
fn what_was_recorded_before_a_kill_is_known_afterwards() {
    let sim = platform(|_| ());
    let silent = Webhook::new(|_| WebhookAnswer {
        after: Duration::from_secs(60),
        ..WebhookAnswer::OK
    });
    let consumer = json!({"name": "app", "road": {"kind": "webhook", "url": silent.url()},
        "claims_cards": true});
    let setup = Setup::new(&sim)
        .set("webhooks.allow_networks", vec!["loopback"])
        .set("cards.deadline", "2800ms");
    let mut gateway = hooked(setup.start(), Mode::Webhook, &sim, &[consumer]);
    std::thread::scope(|scope| {
        let unanswered = scope.spawn(|| {
            let public = gateway.public();
            let body = encrypted_body(KEY, [9; 16], click(1).to_string().as_bytes());
            let since = std::time::UNIX_EPOCH.elapsed().expect("after 1970");
            let timestamp = since.as_secs().to_string();
            let signature = sign(&timestamp, "1", KEY, &body);
            let headers = [
                ("X-Lark-Signature", signature),
                ("X-Lark-Request-Nonce", "1".to_owned()),
                ("X-Lark-Request-Timestamp", timestamp),
            ];
            public.post_callback(PATH, &headers, &body)
        });
        wait_until("it is on disk", || match gateway.events().len() {
            1 => Ok(()),
            other => Err(other.to_string()),
        });
        let id = rustix::process::Pid::from_raw(i32::try_from(gateway.id()).expect("a pid"));
        let kill = rustix::process::Signal::KILL;
        rustix::process::kill_process(id.expect("not 0"), kill).expect("it runs");
        let answer = unanswered.join().expect("it does not panic");
        // Nothing, or nothing whole.
        assert!(answer.is_err(), "{answer:?}");
    });
    gateway.wait_end();
    gateway.restart();
    wait_until("the bot is known again", || {
        match try_post(&gateway, &click(1)) {
            Ok(answer) if answer.status == 200 => Ok(()),
            other => Err(format!("{other:?}")),
        }
    });
    assert_eq!(recorded(&gateway), [("evt-1".to_owned(), Source::Webhook)]);
    assert_eq!(callbacks(&gateway)["verdicts"]["repeated"], 1);
}

/// S242: the application's answer to a click goes out as the body of the 200, whichever road the click came by.
#[test]
fn a_click_is_answered_by_the_application_that_claims_it() {
    const TOAST: &str = r#"{"toast":{"type":"success","content":"Approved"}}"#;
    let sim = platform(|_| ());
    let application = Webhook::new(|_| WebhookAnswer {
        body: TOAST,
        ..WebhookAnswer::OK
    });
    let consumer = json!({"name": "app", "road": {"kind": "webhook", "url": application.url()},
        "claims_cards": true, "filter": {"types": ["feishu.card.*"]}});
    let setup = Setup::new(&sim).set("webhooks.allow_networks", vec!["loopback"]);
    let gateway = hooked(setup.start(), Mode::Webhook, &sim, &[consumer]);
    let mut clicks = 0;
    // The consumer starts beside the listener.
    wait_until("the application answers", || {
        clicks += 1;
        let answer = post(&gateway, &click(clicks));
        assert_eq!(answer.status, 200, "{}", answer.body);
        (answer.body == TOAST).then_some(()).ok_or(answer.body)
    });
    assert_eq!(recorded(&gateway).len(), clicks);
    let last = application.delivered().pop().expect("it was asked");
    assert_eq!(last.envelope["type"], "feishu.card.action.trigger");
    // No claim, no result.
    let answer = post(&gateway, &event(0, "im.chat.updated_v1", &json!({})));
    assert_eq!((answer.status, &*answer.body), (200, SUCCESS));
}

/// What the disk does not take is answered 500, and is recorded when the platform repeats it.
#[test]
fn a_full_disk_refuses_callbacks_until_there_is_room() {
    let sim = platform(|_| ());
    let Some(gateway) = Setup::new(&sim).start_on_volume(VOLUME_BYTES) else {
        return;
    };
    let gateway = hooked(gateway, Mode::Webhook, &sim, &[]);
    gateway.expect_error("events are not recorded");
    let large = "x".repeat(200_000);
    let large = |number| event(number, "im.chat.updated_v1", &json!({"name": large}));
    gateway.volume().fill().expect("the disk takes the ballast");
    let mut number = 0;
    let refused = wait_until("it is refused", || {
        number += 1;
        match post(&gateway, &large(number)) {
            answer if answer.status == 500 => Ok(number),
            answer => Err(format!("{} {}", answer.status, answer.body)),
        }
    });
    let shown = callbacks(&gateway);
    let hint = shown["last_refusal"]["next_step"]
        .as_str()
        .unwrap_or_default();
    assert!(hint.contains("free space"), "{shown}");
    gateway.volume().empty().expect("the ballast goes");
    wait_until("its repeat is recorded", || {
        match post(&gateway, &large(refused)) {
            answer if answer.status == 200 => Ok(()),
            answer => Err(answer.body),
        }
    });
    let ids = recorded(&gateway);
    let of_refused = ids.iter().filter(|(id, _)| *id == format!("evt-{refused}"));
    assert_eq!(of_refused.count(), 1);
    assert_eq!(ids.len(), refused, "each once");
}

/// However many forged callbacks come, the events of connections are answered in time.
#[test]
fn a_flood_of_forged_callbacks_costs_no_event_of_a_connection() {
    let sim = platform(|_| ());
    let gateway = hooked(Setup::new(&sim).start(), Mode::Both, &sim, &[]);
    gateway.wait_live(BOT);
    let control = sim.control();
    control.push_at_rate(Traffic {
        per_second: 100.0,
        ..Traffic::default()
    });
    wait_more_acked(&control, 50);
    let ends = AtomicBool::new(false);
    // Each has to be decrypted before it is known to be nobody's.
    let forged = encrypted_body("another key", [9; 16], &[b'x'; 48 << 10]);
    std::thread::scope(|scope| {
        for _ in 0..8 {
            scope.spawn(|| {
                while !ends.load(SeqCst) {
                    // Some of them find the listener's places taken.
                    let _ = gateway.public().post_callback(PATH, &[], &forged);
                }
            });
        }
        wait_more_acked(&control, 300);
        ends.store(true, SeqCst);
    });
    control.stop_traffic();
    let ledger = until_answered(&control);
    assert_eq!((ledger.nacked, ledger.lost), (0, 0), "{ledger:?}");
    let shown = callbacks(&gateway);
    assert!(
        shown["verdicts"]["undecryptable"].as_u64() > Some(8),
        "{shown}"
    );
    let said = gateway.log().entries().into_iter();
    let said = said.filter(|entry| entry["cause"] == "undecryptable");
    assert_eq!(said.count(), 1, "a flood is said once");
}
