//! A bot is switched to another road, or gets another secret, over the interface, while a hundred events a second come:
//! nothing is lost, and nothing is there twice.

use std::time::Duration;

use longwire_sim::{Apps, Control, HttpLoad, SimSettings, Traffic, wecom};
use longwire_tests::{
    Answer, ENCRYPT_KEY, Gateway, SECRET, Setup, VERIFICATION_TOKEN, app_id, bot_id, holder,
    longwire, platform, save_request_url, until_answered, wait_more_acked, wait_until,
    wecom_platform,
};
use serde_json::{Value, json};

const BOT: &str = "a";
const PATH: &str = "/v1/installations/a";
const NEXT_SECRET: &str = "the-next-secret-nobody-may-print";
const LAST_SECRET: &str = "the-last-secret-nobody-may-print";
const PER_SECOND: f64 = 100.0;

fn add(gateway: &Gateway, bot: &Value) {
    let added = gateway.public().post("/v1/installations", Some(bot));
    let added = added.expect("the gateway answers");
    assert_eq!(added.status, 201, "{}", added.body);
}

/// What the gateway answers to a change that it has to take.
#[track_caller]
fn change(gateway: &Gateway, patch: &Value) -> Value {
    let changed = gateway.public().patch(PATH, patch);
    let changed = changed.expect("the gateway answers");
    assert_eq!(changed.status, 200, "{}", changed.body);
    changed.json()
}

/// The ids of all events in the log, in their order.
fn recorded(gateway: &Gateway) -> Vec<String> {
    let events = gateway.events().into_iter();
    let mut ids: Vec<String> = events
        .filter_map(|event| event.event_id)
        .map(String::from)
        .collect();
    ids.sort();
    ids
}

/// A platform that repeats soon and often what was not acknowledged.
fn soon_again(settings: &mut SimSettings) {
    settings.ladder = vec![Duration::from_millis(200); 100];
}

fn over_the_connection() -> Traffic {
    Traffic {
        apps: vec![app_id(BOT)],
        per_second: PER_SECOND,
        ..Traffic::default()
    }
}

fn wait_more_posted(control: &Control, more: u64) {
    let wanted = control.ledger().http.delivered + more;
    wait_until("more callbacks are answered", || {
        let ledger = control.ledger().http;
        if ledger.delivered >= wanted {
            Ok(())
        } else {
            Err(format!("{ledger:?}"))
        }
    });
}

/// S62, S63, S64, S99: an operator switches the gateway to `both`, then the platform's console, then the gateway.
#[test]
fn a_bot_is_switched_from_webhook_to_long_connection_and_back() {
    let sim = platform(soon_again);
    let control = sim.control();
    let gateway = Setup::new(&sim).set("compat.aurak", true).start();
    let mode = |mode: &str, state: &str| {
        let changed = change(&gateway, &json!({ "mode": mode }));
        assert_eq!(changed["mode"], mode);
        let is_in_state = |view: &Value| view["state"] == state;
        gateway.wait_installation(BOT, state, is_in_state);
    };
    add(
        &gateway,
        &json!({
            "name": BOT, "platform": "feishu", "app_id": app_id(BOT), "app_secret": SECRET,
            "base_url": sim.base_url(), "mode": "webhook",
            "verification_token": VERIFICATION_TOKEN, "encrypt_key": ENCRYPT_KEY,
        }),
    );
    gateway.wait_installation(BOT, "webhook", |view| view["state"] == "webhook");
    let own_path = gateway.public().json(PATH)["callback_path"].take();
    let own_path = own_path.as_str().expect("a bot of Feishu has one");
    let aurak_path = format!("/api/feishu/webhook/{}", app_id(BOT));
    let over_http = |path: &str| {
        let url = format!("http://{}{path}", gateway.public().address());
        save_request_url(&control, BOT, &url, VERIFICATION_TOKEN, Some(ENCRYPT_KEY))
            .expect("it answers the challenge");
        let load = HttpLoad {
            connections: 8,
            per_second: Some(PER_SECOND),
            ..HttpLoad::default()
        };
        control.load_http(load).expect("it has a URL");
    };
    over_http(&aurak_path);
    for path in [own_path, &aurak_path, own_path] {
        wait_more_posted(&control, 100);
        mode("both", "live");
        wait_more_posted(&control, 50);
        // The console's other choice: the platform takes the other road from one event to the next.
        control.push_at_rate(over_the_connection());
        control.stop_http_load();
        mode("long_connection", "live");
        wait_more_acked(&control, 100);
        mode("both", "live");
        wait_more_acked(&control, 50);
        over_http(path);
        control.stop_traffic();
        until_answered(&control);
        mode("webhook", "webhook");
    }
    wait_more_posted(&control, 100);
    control.stop_http_load();
    let ledger = wait_until("everything has a verdict", || {
        let ledger = control.ledger();
        match (ledger.pending, ledger.http.pending) {
            (0, 0) => Ok(ledger),
            pending => Err(format!("{pending:?}")),
        }
    });
    assert_eq!((ledger.lost, ledger.http.lost), (0, 0), "{ledger:?}");
    assert_eq!((ledger.nacked, ledger.http.refused), (0, 0), "{ledger:?}");
    let mut pushed = control.acked_event_ids();
    pushed.extend(control.http_delivered_ids());
    pushed.sort();
    assert_eq!(pushed.len() as u64, ledger.pushed + ledger.http.pushed);
    assert!(recorded(&gateway) == pushed, "each once, and nothing else");
    eprintln!(
        "{} over HTTP, {} over connections, {} connections",
        ledger.http.pushed, ledger.pushed, ledger.connections_opened
    );
}

/// The new secret is proven beside the living connection, which a wrong one costs nothing.
#[test]
fn a_feishu_secret_is_replaced_and_the_bot_always_has_a_connection() {
    let known = [SECRET, NEXT_SECRET].map(|secret| (app_id(BOT), secret.to_owned()));
    let sim = platform(|settings| {
        soon_again(settings);
        settings.apps = Apps::Known(known.to_vec());
    });
    let control = sim.control();
    let gateway = Setup::new(&sim).start();
    add(
        &gateway,
        &json!({
            "name": BOT, "platform": "feishu", "app_id": app_id(BOT), "app_secret": SECRET,
            "base_url": sim.base_url(),
        }),
    );
    let first = gateway.wait_live(BOT)["generation"].as_u64();
    control.push_at_rate(over_the_connection());
    wait_more_acked(&control, 100);
    let changed = change(&gateway, &json!({ "app_secret": NEXT_SECRET }));
    assert_eq!(changed["candidate"]["state"], "waiting", "{changed}");
    let renewed = gateway.wait_installation(BOT, "renewed", |view| {
        view["state"] == "live" && view["generation"].as_u64() > first
    });
    let candidate = |wanted: &Value| {
        wait_until("the store has what came of it", || {
            let shown = gateway.public().json(PATH)["candidate"].take();
            match shown["state"] == *wanted {
                true => Ok(()),
                false => Err(shown.to_string()),
            }
        });
    };
    candidate(&Value::Null);
    wait_more_acked(&control, 100);
    change(&gateway, &json!({ "app_secret": "a-wrong-one" }));
    candidate(&json!("refused"));
    assert_eq!(
        gateway.installation(BOT)["generation"],
        renewed["generation"]
    );
    wait_more_acked(&control, 100);
    control.stop_traffic();
    let ledger = until_answered(&control);
    assert_eq!((ledger.lost, ledger.left_alone), (0, 0), "{ledger:?}");
    let mut pushed = control.acked_event_ids();
    pushed.sort();
    assert_eq!(pushed.len() as u64, ledger.pushed);
    assert!(recorded(&gateway) == pushed, "each once, and nothing else");
}

/// What the try of the new secret is answered.
fn try_secret(gateway: &Gateway) -> Answer {
    let path = format!("{PATH}/try-secret");
    let answer = gateway.public().post(&path, None);
    answer.expect("the gateway answers")
}

fn wait_more_delivered(control: &wecom::Control, more: u64) {
    let wanted = control.ledger().delivered + more;
    wait_until("more callbacks are delivered", || {
        let ledger = control.ledger();
        if ledger.delivered >= wanted {
            Ok(())
        } else {
            Err(format!("{ledger:?}"))
        }
    });
}

/// A bot of WeCom has one connection, so its new secret is tried at the moment that an operator chooses.
#[test]
fn a_wecom_secret_is_tried_when_told_and_a_wrong_one_changes_nothing() {
    for order in [
        wecom::DisplacedOrder::AfterAck,
        wecom::DisplacedOrder::BeforeAck,
    ] {
        a_wecom_secret_is_tried(order);
    }
}

/// In this order the platform tells of the displacement and of the subscription that caused it.
fn a_wecom_secret_is_tried(order: wecom::DisplacedOrder) {
    let known = [SECRET, NEXT_SECRET, LAST_SECRET].map(|secret| (bot_id(BOT), secret.to_owned()));
    let sim = wecom_platform(|settings| {
        settings.bots = wecom::Bots::Known(known.to_vec());
        settings.displaced_order = order;
        settings.displaced_kept = Duration::from_millis(300);
    });
    let control = sim.control();
    let gateway = Setup::without_platform().start();
    let command = || {
        let server = format!("http://{}", gateway.admin().address());
        let environment = [("LONGWIRE_ADMIN_URL", &*server)];
        let arguments = ["installations", "try-secret", BOT];
        longwire(gateway.directory(), &arguments, &environment, "")
    };
    add(
        &gateway,
        &json!({
            "name": BOT, "platform": "wecom", "bot_id": bot_id(BOT), "secret": SECRET,
            "base_url": sim.base_url(),
        }),
    );
    let first = gateway.wait_live(BOT)["generation"].as_u64();
    command().assert(1, &["no new secret waits"]);
    control.push_at_rate(Traffic {
        per_second: PER_SECOND,
        ..Traffic::default()
    });
    wait_more_delivered(&control, 100);
    let changed = change(&gateway, &json!({ "secret": NEXT_SECRET }));
    assert_eq!(changed["candidate"]["state"], "waiting", "{changed}");
    wait_more_delivered(&control, 50);
    assert_eq!(control.ledger().subscribes, 1, "nobody asked for it");

    let tried = try_secret(&gateway);
    assert_eq!(tried.status, 200, "{}", tried.body);
    let tried = tried.json();
    assert!(tried["generation"].as_u64() > first, "{tried}");
    let gap_ms = tried["gap_ms"].as_u64().expect("it is told");
    eprintln!("{order:?}: {gap_ms} ms without a connection");
    wait_until("the new secret is the bot's", || {
        let shown = gateway.public().json(PATH);
        match (&shown["state"], &shown["candidate"]) {
            (state, Value::Null) if state == "live" => Ok(()),
            _ => Err(shown.to_string()),
        }
    });
    wait_more_delivered(&control, 100);

    // A wrong one is refused, and the connection stays.
    let held = holder(&control, BOT);
    change(&gateway, &json!({ "secret": "a-wrong-one" }));
    let refused = try_secret(&gateway);
    assert_eq!(refused.status, 409, "{}", refused.body);
    let refused = refused.json();
    assert_eq!(refused["code"], "secret_refused", "{refused}");
    let detail = refused["detail"].as_str().unwrap_or_default();
    assert!(detail.contains("853000"), "{refused}");
    assert!(refused["next_step"].is_string(), "{refused}");
    assert_eq!(try_secret(&gateway).json()["code"], "no_new_secret");
    change(&gateway, &json!({ "secret": "another-wrong-one" }));
    command().assert(
        1,
        &["the new secret was refused", "853000", "serves as before"],
    );
    wait_more_delivered(&control, 50);
    assert_eq!(holder(&control, BOT).id, held.id);
    assert_eq!(gateway.installation(BOT)["generation"], tried["generation"]);

    // By command, as well as by a program.
    change(&gateway, &json!({ "secret": LAST_SECRET }));
    command().assert(0, &["used from now on", " ms"]);
    wait_more_delivered(&control, 50);

    control.stop_traffic();
    let ledger = wait_until("every callback is delivered", || {
        let ledger = control.ledger();
        if ledger.delivered == ledger.pushed {
            Ok(ledger)
        } else {
            Err(format!("{ledger:?}"))
        }
    });
    assert_eq!((ledger.lost, ledger.displacements), (0, 2), "{ledger:?}");
    let mut delivered = control.delivered_msgids();
    delivered.sort();
    assert_eq!(delivered.len() as u64, ledger.pushed);
    let recorded = wait_until("every callback is recorded, each once", || {
        let mut ids = recorded(&gateway);
        let all = ids.len();
        ids.dedup();
        assert_eq!(ids.len(), all, "nothing is there twice");
        let is_there = |id: &String| ids.binary_search(id).is_ok();
        match delivered.iter().all(is_there) {
            true => Ok(all),
            false => Err(format!("{all} of {}", delivered.len())),
        }
    });
    // The platform's word about each displacement is an event too.
    assert!(recorded <= delivered.len() + 2, "{recorded}");
    let audit = gateway.admin().json("/admin/v1/audit");
    let entries = audit["data"].as_array().expect("a list").iter();
    let tries: Vec<_> = entries
        .filter(|entry| entry["action"] == "installation.try")
        .filter_map(|entry| entry["result"].as_str())
        .collect();
    let newest_first = [
        "done",
        "secret_refused",
        "no_new_secret",
        "secret_refused",
        "done",
        "no_new_secret",
    ];
    assert_eq!(tries, newest_first);
}
