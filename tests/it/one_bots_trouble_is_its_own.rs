//! Two hundred bots run in one process. A failure, an action or a refusal of one of them costs the others no event and
//! no connection.

use longwire_sim::{Apps, Behaviour, ClosedLoop, ConnectionId, Control, RecordState, Traffic};
use longwire_tests::{
    Gateway, SECRET, Setup, app_id, message, platform, until_answered, wait_until,
};
use serde_json::{Value, json};
use std::collections::BTreeMap;
use std::time::Duration;

/// Bots that nothing happens to.
const BYSTANDERS: usize = 196;

fn bystander(number: usize) -> String {
    format!("bystander-{number}")
}

/// What a bot's declaration refers to is found on this host, or not. The others do not wait for it, and nothing of it goes
/// out by a way or with a secret that nobody chose.
#[test]
fn what_a_bot_lacks_on_this_host_is_its_own_trouble() {
    let sim = platform(|_| ());
    let secret = |reference: Value| ("app_secret", reference);
    let lacking = [
        (
            secret(json!({ "file": "gone" })),
            "no_secret",
            "gone: No such file",
        ),
        (secret(json!({ "file": "empty" })), "no_secret", "is empty"),
        (
            secret(json!({ "file": "copied" })),
            "no_secret",
            "U+200B ZERO WIDTH SPACE at position 4",
        ),
        (
            secret(json!({ "file": "lines" })),
            "no_secret",
            "file lines has more than one line",
        ),
        (
            secret(json!({ "env": "NOT_SET" })),
            "no_secret",
            "NOT_SET is not set",
        ),
        (
            secret(json!({ "credential": "c" })),
            "no_secret",
            "no credentials directory",
        ),
        (
            ("proxy", json!({ "file": "gone" })),
            "proxy_unusable",
            "gone: No such file",
        ),
        (
            ("proxy", json!({ "file": "socks" })),
            "proxy_unusable",
            "not socks5://",
        ),
    ];
    let name = |number: usize| format!("lacking-{number}");
    let setup = Setup::new(&sim)
        .bot("whole")
        .file("empty", "\n")
        .file("lines", "canary\ncanary\n")
        .file("copied", "can\u{200b}ary\n")
        .file("socks", "socks5://gate:canary@127.0.0.1:1\n");
    let setup = (lacking.iter().enumerate()).fold(setup, |setup, (number, ((key, value), ..))| {
        setup.bot(&name(number)).with(key, value.clone())
    });
    let gateway = setup.start();
    gateway.expect_error("refused by the platform or by our own rules");
    gateway.wait_live("whole");
    for (number, (_, reason, words)) in lacking.iter().enumerate() {
        let view = gateway.wait_installation(&name(number), "it says what it lacks", |view| {
            view["state"] == "refused"
        });
        assert_eq!(view["reason"], *reason, "{view}");
        let text = view["reason_text"].as_str().expect("words for people");
        assert!(text.contains(words), "{words:?} in {text:?}");
        let next_step = view["next_step"].as_str().expect("a next step");
        let mends = ["installations retry", "longwire reload"];
        assert!(
            mends.iter().any(|mend| next_step.contains(mend)),
            "{next_step}"
        );
        assert!(!view.to_string().contains("canary"), "{view}");
    }
    let ledger = sim.control().ledger();
    assert_eq!(
        ledger.bootstraps, 1,
        "the platform heard of one: {ledger:?}"
    );
    assert!(!gateway.log().text().contains("canary"));
}

#[test]
fn two_hundred_bots_and_four_of_them_in_trouble() {
    let bystanders: Vec<String> = (0..BYSTANDERS).map(bystander).collect();
    let troubled = ["panicking", "flooded", "misconfigured", "forbidden"];
    let names = || bystanders.iter().map(String::as_str).chain(troubled);
    let sim = platform(|settings| {
        let known = names().map(|name| (app_id(name), SECRET.to_owned()));
        settings.apps = Apps::Known(known.collect());
        // A connection that panicked leaves pushes without an answer; the platform repeats them soon.
        settings.ladder = vec![Duration::from_secs(1); 20];
    });
    let control = sim.control();
    control.behaviour(
        Some(&app_id("forbidden")),
        Behaviour::UpgradeRefuse {
            http: 403,
            status: Some(403),
            msg: Some("forbidden".to_owned()),
            auth: None,
        },
    );
    let setup = names().fold(Setup::new(&sim), |setup, name| {
        let setup = setup.bot(name);
        match name {
            "misconfigured" => setup.with("app_secret", json!({ "env": "WRONG_SECRET" })),
            _ => setup,
        }
    });
    let gateway = setup
        .environment("WRONG_SECRET", "the-secret-of-another-app")
        .set("debug.fault_injection", true)
        .start();
    for expected in [
        "injected into",
        "an actor failed",
        "refused by the platform",
    ] {
        gateway.expect_error(expected);
    }
    wait_until("all who can connect are live", || {
        let live = gateway.overview()["by_state"]["live"].as_u64();
        if live == Some(BYSTANDERS as u64 + 2) {
            Ok(())
        } else {
            Err(gateway.overview()["by_state"].to_string())
        }
    });
    let at_first = connections(&control);

    // Traffic to everybody who is connected, and more to one of them than its window holds.
    let connected = names().take(BYSTANDERS + 2);
    control.push_at_rate(Traffic {
        apps: connected.map(app_id).collect(),
        per_second: 300.0,
        payload_bytes: 512,
        ..Traffic::default()
    });
    control.push_closed_loop(ClosedLoop {
        apps: vec![app_id("flooded")],
        window: 200,
        ..ClosedLoop::default()
    });

    for (actor, words) in [
        ("socket", "injected into a socket"),
        ("pinger", "injected into a pinger"),
        ("assembler", "injected into an assembler"),
        ("installation", "injected into an installation"),
    ] {
        panics_and_lives_on(&gateway, &control, actor, words);
    }

    for (name, reason) in [
        ("misconfigured", "auth_failed"),
        ("forbidden", "handshake_forbidden"),
    ] {
        let refused = gateway.wait_installation(name, "refused", |view| view["state"] == "refused");
        assert_eq!(refused["reason"], reason, "{refused}");
        for words in ["reason_text", "next_step"] {
            assert!(
                refused[words].as_str().is_some_and(|text| !text.is_empty()),
                "{refused}"
            );
        }
    }

    wait_until("everybody got his share of the traffic", || {
        let mut shares = BTreeMap::new();
        for record in control.records(None) {
            *shares.entry(record.app).or_insert(0) += 1;
        }
        let least = names()
            .take(BYSTANDERS)
            .map(|name| shares.get(&app_id(name)).copied().unwrap_or(0))
            .min();
        if least >= Some(3) {
            Ok(())
        } else {
            Err(format!("{least:?}"))
        }
    });
    control.stop_traffic();
    let ledger = until_answered(&control);
    assert_eq!((ledger.lost, ledger.bad_acks.total()), (0, 0), "{ledger:?}");
    nobody_else_noticed(&gateway, &bystanders);
    let at_last = connections(&control);
    for name in bystanders.iter().map(String::as_str).chain(["flooded"]) {
        let app = app_id(name);
        assert!(at_first.contains_key(&app), "{name} was connected");
        assert_eq!(
            at_first.get(&app),
            at_last.get(&app),
            "{name} kept its connection"
        );
        let records = control.records(Some(&app));
        let other = records
            .iter()
            .find(|record| record.state != RecordState::Acked);
        assert!(other.is_none(), "{name}: {other:?}");
    }
}

/// Injects a panic into one actor of the panicking bot, and sees it told, mended, and forgotten by the traffic.
fn panics_and_lives_on(gateway: &Gateway, control: &Control, actor: &str, words: &str) {
    let before = gateway.installation("panicking");
    let request = json!({ "actor": actor, "fault": "panic" });
    let answer = gateway
        .admin()
        .post("/admin/v1/installations/panicking/fault", Some(&request))
        .expect("the admin interface answers");
    assert_eq!(answer.status, 202, "{}", answer.body);
    let id = gateway.installation("panicking")["id"]
        .as_str()
        .expect("an id")
        .to_owned();
    let path = format!("/admin/v1/actors?kind={actor}&under=/fleet/bots/{id}");
    wait_until(&format!("the {actor}'s card tells of the panic"), || {
        let card = gateway.admin().json(&path)["data"][0].take();
        let exit = &card["supervision"]["last_exit"];
        if exit["reason"] == "panic" && exit["detail"] == words {
            Ok(())
        } else {
            Err(card.to_string())
        }
    });
    gateway.wait_live("panicking");
    let event_id = format!("evt-after-{actor}");
    let push = control.push(
        &app_id("panicking"),
        message(&event_id, &format!("om-after-{actor}")),
    );
    wait_until("it is acknowledged again", || match control.record(push) {
        Some(record) if record.state == RecordState::Acked => Ok(()),
        record => Err(format!("{record:?}")),
    });
    assert!(gateway.event(&event_id).is_some(), "{event_id} is recorded");
    let generation = |view: &Value| view["generation"].as_u64().expect("a number");
    let (before, after) = (
        generation(&before),
        generation(&gateway.installation("panicking")),
    );
    // Helpers are replaced within their connection; with the others the connection is gone, and no number comes twice.
    let anew = matches!(actor, "socket" | "installation");
    assert!(
        if anew {
            after > before
        } else {
            after == before
        },
        "{before}, then {after}"
    );
}

fn nobody_else_noticed(gateway: &Gateway, bystanders: &[String]) {
    let all: BTreeMap<String, Value> = gateway
        .installations()
        .into_iter()
        .map(|view| (view["name"].as_str().unwrap_or_default().to_owned(), view))
        .collect();
    for name in bystanders.iter().map(String::as_str).chain(["flooded"]) {
        let view = &all[name];
        assert_eq!(view["state"], "live", "{view}");
        assert_eq!(
            (&view["generation"], &view["lights"]["reconnects"]),
            (&json!(1), &json!(0)),
            "{view}"
        );
        assert_eq!(view["lights"]["restarts"], 0, "{view}");
    }
    assert_eq!(gateway.overview()["connections"]["panics"], 4);
}

/// The live connections by app; every app here has one.
fn connections(control: &Control) -> BTreeMap<String, ConnectionId> {
    let views = control.connections(None);
    views.into_iter().map(|view| (view.app, view.id)).collect()
}
