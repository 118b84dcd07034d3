//! An operator uses the command line, with a server running and without one. Also: a server is killed repeatedly while
//! events arrive.

use longwire_sim::{Behaviour, ClosedLoop, wecom};
use longwire_tests::{
    Ended, Gateway, Setup, Signal, app_id, longwire, message_of, platform, until_answered,
    wait_more_acked, wait_until,
};
use serde_json::Value;
use std::time::Duration;

const SECRET: &str = "s3cr3t-of-the-operator";

/// Runs a command in the gateway's directory; it finds the server where it listens now.
fn command(gateway: &Gateway, arguments: &[&str]) -> Ended {
    let server = format!("http://{}", gateway.admin().address());
    longwire(
        gateway.directory(),
        arguments,
        &[("LONGWIRE_ADMIN_URL", &server)],
        SECRET,
    )
}

fn add(gateway: &Gateway, name: &str, base_url: &str, more: &[&str]) -> Ended {
    let app = app_id(name);
    let arguments = [
        "installations",
        "add",
        name,
        "--app-id",
        &app,
        "--base-url",
        base_url,
        "--secret-stdin",
    ];
    command(gateway, &[&arguments, more].concat())
}

/// The rows of `installations list`.
fn list(gateway: &Gateway) -> Vec<Value> {
    match command(gateway, &["installations", "list", "-o", "json"]).json()["data"].take() {
        Value::Array(rows) => rows,
        other => panic!("a list has rows, not {other}"),
    }
}

#[test]
fn installations_are_added_listed_shown_stopped_and_started() {
    let sim = platform(|_| ());
    let base_url = sim.base_url();
    let mut gateway = Setup::new(&sim).start();

    // Beside the running server: it acts at once.
    let added = add(&gateway, "day", &base_url, &["-o", "json"]).json();
    let id = added["id"].as_str().expect("an id").to_owned();
    assert_eq!(
        (&added["name"], &added["desired"]),
        (&"day".into(), &"run".into()),
        "{added}"
    );
    gateway.wait_live("day");
    add(&gateway, "day", &base_url, &[]).assert(1, &["day", "choose another name"]);
    add(&gateway, "later", &base_url, &["--stopped"]).assert(0, &["ins_"]);
    wait_until("the server knows the second one", || {
        let rows = list(&gateway);
        let states: Vec<&Value> = rows.iter().map(|row| &row["state"]).collect();
        match states == ["live", "stopped"] {
            true => Ok(()),
            false => Err(format!("{states:?}")),
        }
    });
    command(&gateway, &["installations", "list"])
        .assert(0, &["NAME", "day", "live", "later", "stopped"]);
    command(&gateway, &["installations", "show", &id])
        .assert(0, &["day", "live", "reconnects", "feishu"]);
    command(&gateway, &["installations", "stop", "day"])
        .assert(0, &["the running server acts on it"]);
    gateway.wait_installation("day", "stopped", |view| view["state"] == "stopped");
    command(&gateway, &["installations", "start", &id])
        .assert(0, &["the running server acts on it"]);
    gateway.wait_live("day");
    command(&gateway, &["installations", "stop", "nobody"])
        .assert(6, &["there is no installation `nobody`"]);
    command(&gateway, &["installations", "show", "nobody"]).assert(6, &["installations list"]);
    let elsewhere = [
        "installations",
        "stop",
        "day",
        "--admin-url",
        "http://127.0.0.1:1",
    ];
    command(&gateway, &elsewhere).assert(
        4,
        &["no server answers at http://127.0.0.1:1", "--admin-url"],
    );

    the_log_is_shown(&sim.control(), &gateway);
    the_running_server_changes_and_removes(&gateway, &base_url);

    // Without a server: kept for its next start.
    gateway.signal(Signal::Term);
    gateway.wait_end();
    add(&gateway, "night", &base_url, &[]).assert(0, &["before you save in the console"]);
    add(&gateway, "night", &base_url, &[]).assert(1, &["choose another name"]);
    command(&gateway, &["installations", "stop", "day"])
        .assert(0, &["from the server's next start on"]);
    // Whoever names a server wants its list. The store's list says that nobody knows the states.
    command(&gateway, &["installations", "list"]).assert(4, &["no server answers"]);
    longwire(gateway.directory(), &["installations", "list"], &[], "")
        .assert(0, &["night", "no server answers", "unknown"]);
    let shown = command(&gateway, &["installations", "show", "day"]);
    shown.assert(
        0,
        &["unknown: no server answers", "stop (declared by: api)"],
    );
    gateway.restart();
    gateway.wait_live("night");
    let day = gateway.installation("day");
    assert_eq!(
        (&day["state"], &day["desired"]),
        (&"stopped".into(), &"stop".into()),
        "{day}"
    );
}

/// What an operator changes, the running server changes; so with the sealing key.
fn the_running_server_changes_and_removes(gateway: &Gateway, base_url: &str) {
    add(gateway, "short", base_url, &["--stopped"]).assert(0, &["ins_"]);
    command(
        gateway,
        &["installations", "set", "short", "--mode", "both"],
    )
    .assert(0, &["the running server acts on it"]);
    command(gateway, &["installations", "rename", "short", "long"]).assert(0, &["changed"]);
    command(gateway, &["secrets", "rotate"]).assert(0, &["sealed with the new key"]);
    gateway.wait_live("day");
    command(gateway, &["installations", "show", "long"]).assert(0, &["mode", "both"]);
    command(gateway, &["installations", "remove", "long", "--yes"]).assert(0, &["its events stay"]);
    let rows = list(gateway);
    assert!(rows.iter().all(|row| row["name"] != "long"), "{rows:?}");
    wait_until("the server forgets it", || {
        let gone = gateway.admin().get("/v1/installations/long");
        let gone = gone.expect("it answers");
        match gone.status {
            404 => Ok(()),
            _ => Err(gone.body),
        }
    });
}

fn the_log_is_shown(control: &longwire_sim::Control, gateway: &Gateway) {
    for number in 0..3 {
        let event = message_of(
            &format!("evt-{number}"),
            &format!("om-{number}"),
            "between you and me",
        );
        control.push(&app_id("day"), event);
    }
    wait_until("the events are acknowledged", || {
        let acked = control.ledger().acked;
        if acked == 3 {
            Ok(())
        } else {
            Err(acked.to_string())
        }
    });
    let tail = |more: &[&str]| command(gateway, &[&["events", "tail"], more].concat());
    let ids = |ended: &Ended| -> Vec<String> {
        assert_eq!(ended.code, Some(0), "{ended:?}");
        let lines = ended
            .output
            .lines()
            .map(|line| serde_json::from_str::<Value>(line).expect("a JSON line"));
        lines
            .map(|event| event["event_id"].as_str().unwrap_or_default().to_owned())
            .collect()
    };
    let all = tail(&["--from-start", "-o", "ndjson"]);
    let mut found = ids(&all);
    found.sort();
    assert_eq!(found, ["evt-0", "evt-1", "evt-2"], "{all:?}");
    assert!(
        !all.output.contains("between you and me"),
        "what people wrote is shown only on request"
    );
    assert_eq!(ids(&tail(&["-n", "1", "-o", "ndjson"])).len(), 1);
    assert_eq!(
        ids(&tail(&["--installation", "later", "-o", "ndjson"])).len(),
        0
    );
    tail(&["--payload", "--installation", "day"])
        .assert(0, &["day", "im.message.receive_v1", "between you and me"]);
    tail(&["--installation", "nobody"]).assert(6, &["there is no installation `nobody`"]);
}

/// To subscribe would take the bot's connection from the gateway that has it.
#[test]
fn a_check_opens_a_wecom_connection_and_subscribes_nobody() {
    let sim = wecom::Sim::start(wecom::SimSettings::default()).expect("loopback has ports");
    let home = tempfile::tempdir().expect("a temporary directory");
    let bot = |name: &str, base_url: &str| {
        format!(
            "[[installation]]\nname = \"{name}\"\nplatform = \"wecom\"\nbot_id = \"aib-{name}\"\n\
             secret = {{ env = \"BOT_SECRET\" }}\nbase_url = \"{base_url}\"\nproxy = \"direct\"\n"
        )
    };
    let check = |text: &str| {
        std::fs::write(home.path().join("longwire.toml"), text).expect("it is ours");
        let environment = [
            ("BOT_SECRET", SECRET),
            ("LONGWIRE_SERVER__LISTEN", "127.0.0.1:0"),
            ("LONGWIRE_SERVER__ADMIN_LISTEN", "127.0.0.2:0"),
        ];
        longwire(home.path(), &["check", "--online", "-v"], &environment, "")
    };
    let there = bot("there", &sim.base_url());
    check(&there).assert(0, &["platform for there:", "are not tried"]);
    let ledger = sim.control().ledger();
    assert_eq!(
        (ledger.connections_opened, ledger.subscribes),
        (1, 0),
        "{ledger:?}"
    );
    // Nobody listens at port 1.
    let nowhere = format!("{there}{}", bot("nowhere", "ws://127.0.0.1:1"));
    let ended = check(&nowhere);
    ended.assert(7, &["platform for nowhere:", "cannot reach 127.0.0.1:1"]);
    assert!(!format!("{ended:?}").contains(SECRET), "{ended:?}");
}

/// S106: the connection is opened at the address that Feishu grants. It is another host than the one that grants it, and a
/// firewall may know only one of them.
#[test]
fn a_check_opens_the_connection_that_was_granted() {
    let sim = platform(|_| ());
    let home = tempfile::tempdir().expect("a temporary directory");
    let bot = |name: &str| {
        format!(
            "[[installation]]\nname = \"{name}\"\napp_id = \"{}\"\napp_secret = {{ env = \"BOT_SECRET\" }}\n\
             base_url = \"{}\"\nproxy = \"direct\"\n",
            app_id(name),
            sim.base_url()
        )
    };
    // Nobody listens at port 1.
    let walled_off = Behaviour::BootstrapUrl {
        url: format!("ws://127.0.0.1:1/ws?ticket={SECRET}&service_id=7"),
    };
    sim.control()
        .behaviour(Some(&app_id("walled-off")), walled_off);
    let text = format!("{}{}", bot("there"), bot("walled-off"));
    std::fs::write(home.path().join("longwire.toml"), text).expect("it is ours");
    let environment = [("BOT_SECRET", SECRET)];
    let ended = longwire(home.path(), &["check", "--online", "-v"], &environment, "");
    let opened = format!("opens it at {}", sim.address());
    ended.assert(
        7,
        &[
            "platform for there:",
            &opened,
            "platform for walled-off:",
            "127.0.0.1:1 does not open",
            "the connection was refused",
        ],
    );
    assert!(!format!("{ended:?}").contains(SECRET), "{ended:?}");
    wait_until("the connection was opened and closed", || {
        let ledger = sim.control().ledger();
        if (ledger.connections_opened, ledger.connections_ended) == (1, 1) {
            Ok(())
        } else {
            Err(format!("{ledger:?}"))
        }
    });
}

/// The harness compares at the end: whatever was acknowledged, in any of the lives, is in the store.
#[test]
fn a_server_that_is_killed_under_load_loses_nothing_it_acknowledged() {
    let sim = platform(|settings| {
        // What dies without an answer is repeated soon, and as often as it takes.
        settings.ladder = vec![Duration::from_secs(1); 60];
        settings.ack_deadline = Duration::from_secs(1);
    });
    let control = sim.control();
    let bots = ["a", "b", "c", "d"];
    let mut gateway = bots
        .iter()
        .fold(Setup::new(&sim), |setup, bot| setup.bot(bot))
        .start();
    control.push_closed_loop(ClosedLoop {
        window: 50,
        payload_bytes: 1_024,
        ..ClosedLoop::default()
    });
    for _ in 0..5 {
        wait_more_acked(&control, 500);
        gateway.kill();
        gateway.restart();
    }
    control.stop_traffic();
    let ledger = until_answered(&control);
    assert_eq!((ledger.lost, ledger.bad_acks.total()), (0, 0), "{ledger:?}");
    let mut ids: Vec<String> = gateway
        .events()
        .into_iter()
        .filter_map(|event| event.event_id)
        .map(String::from)
        .collect();
    ids.sort();
    let recorded = ids.len();
    ids.dedup();
    assert_eq!(
        ids.len(),
        recorded,
        "none of the repeats was recorded twice"
    );
    assert_eq!(recorded as u64, ledger.acked, "each once, all of them");
}
