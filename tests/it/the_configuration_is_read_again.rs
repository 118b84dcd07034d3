//! The configuration file changes while the gateway runs: what is different is applied bot by bot, and nobody else notices.

use std::collections::BTreeMap;
use std::path::Path;

use longwire_sim::{Sim, Traffic};
use longwire_tests::{
    ENCRYPT_KEY, Ended, Gateway, SECRET, Setup, Signal, app_id, longwire, message, platform,
    until_answered, wait_more_acked, wait_until,
};
use serde_json::{Value, json};

/// Runs a command beside the gateway.
fn command(gateway: &Gateway, arguments: &[&str]) -> Ended {
    command_in(gateway.directory(), gateway, arguments)
}

fn command_in(directory: &Path, gateway: &Gateway, arguments: &[&str]) -> Ended {
    let server = format!("http://{}", gateway.admin().address());
    let environment = [("LONGWIRE_ADMIN_URL", &*server), ("STORY_SECRET", SECRET)];
    longwire(directory, arguments, &environment, SECRET)
}

/// What a reload answers.
fn reload(gateway: &Gateway) -> Value {
    command(gateway, &["reload", "-o", "json"]).json()
}

fn names(bots: &Value) -> Vec<&str> {
    let bots = bots.as_array().expect("a list").iter();
    bots.filter_map(|bot| bot["name"].as_str()).collect()
}

fn setup(sim: &Sim, bots: impl IntoIterator<Item = String>) -> Setup {
    let setup = Setup::new(sim);
    bots.into_iter().fold(setup, |setup, bot| setup.bot(&bot))
}

fn bot(number: usize) -> String {
    format!("bot-{number}")
}

/// Whatever tells that a bot has the connection that it had.
fn connections(gateway: &Gateway) -> BTreeMap<String, [Value; 4]> {
    let bots = gateway.installations().into_iter();
    let connection = |view: Value| {
        let lights = &view["lights"];
        let parts = [
            &view["state"],
            &view["generation"],
            &lights["reconnects"],
            &lights["restarts"],
        ];
        let name = view["name"].as_str().unwrap_or_default().to_owned();
        (name, parts.map(Value::clone))
    };
    bots.map(connection).collect()
}

fn wait_all_live(gateway: &Gateway, bots: usize) {
    wait_until("all are live", || {
        let by_state = gateway.overview()["by_state"].take();
        match by_state["live"].as_u64() == Some(bots as u64) {
            true => Ok(()),
            false => Err(by_state.to_string()),
        }
    });
}

fn wait_logged(gateway: &Gateway, words: &str) {
    wait_until(&format!("{words:?} is logged"), || {
        let log = gateway.log();
        log.entry(words).map(drop).ok_or_else(|| log.tail())
    });
}

/// P4: one is added, one changed, one removed, under traffic.
#[test]
fn of_many_bots_those_that_differ_are_changed_and_the_others_keep_their_connections() {
    const BOTS: usize = 44;
    let sim = platform(|_| ());
    let control = sim.control();
    let before = setup(&sim, (0..BOTS).map(bot));
    let gateway = before.clone().start();
    wait_all_live(&gateway, BOTS);
    control.push_at_rate(Traffic {
        apps: (0..BOTS).map(|number| app_id(&bot(number))).collect(),
        per_second: 100.0,
        ..Traffic::default()
    });
    wait_more_acked(&control, 50);
    let at_first = connections(&gateway);
    let others = (0..BOTS).filter(|number| *number != 5 && *number != 7);
    let after = setup(&sim, others.map(bot))
        .bot(&bot(7))
        .file("callback.key", ENCRYPT_KEY)
        .with("mode", "both")
        .with("encrypt_key", json!({ "file": "callback.key" }))
        .bot("new");
    after.write_for(&gateway);

    let compared = command(&gateway, &["reload", "--dry-run"]);
    compared.assert(
        0,
        &[
            "+ new\n",
            "~ bot-7: mode, encrypt_key\n",
            "- bot-5: ",
            "1 added, 1 changed, 1 removed, 0 refused, 42 untouched; not applied",
        ],
    );
    assert_eq!(connections(&gateway), at_first, "it was only compared");
    let applied = reload(&gateway);
    assert_eq!(names(&applied["added"]), ["new"]);
    assert_eq!(names(&applied["changed"]), ["bot-7"]);
    assert_eq!(names(&applied["removed"]), ["bot-5"]);
    assert_eq!(applied["unchanged"], BOTS - 2);
    gateway.wait_live("new");
    let left = gateway.wait_installation("bot-5", "it is stopped", |view| {
        view["state"] == "stopped" && view["reason"] == "left_file"
    });
    let next_step = left["next_step"].as_str().expect("a next step");
    assert!(next_step.contains("longwire reload"), "{left}");
    wait_more_acked(&control, 100);
    let at_last = connections(&gateway);
    for (name, connection) in &at_first {
        if name != "bot-5" {
            assert_eq!(at_last.get(name), Some(connection), "{name}");
        }
    }
    assert_eq!(at_last.len(), BOTS + 1);
    let log = gateway.log();
    for (words, name) in [
        ("declared in the configuration file", "new"),
        ("changed in the configuration file", "bot-7"),
        (
            "not declared in the configuration file any more; stopped",
            "bot-5",
        ),
    ] {
        let entry = log.entry(words).expect("it is logged");
        assert_eq!(entry["name"], name, "{entry}");
    }
    // It comes back with its id, and with what it was.
    let gone = left["id"].clone();
    before.write_for(&gateway);
    let back = reload(&gateway);
    assert_eq!(names(&back["added"]), ["bot-5"]);
    assert_eq!(names(&back["removed"]), ["new"]);
    assert_eq!(gateway.wait_live("bot-5")["id"], gone);
    control.stop_traffic();
    let ledger = until_answered(&control);
    assert_eq!(ledger.lost, 0, "{ledger:?}");
    assert_eq!(reload(&gateway)["unchanged"], BOTS, "nothing is different");
}

/// A bot that has another name in the file is the same one, with its connection.
#[test]
fn a_bot_is_renamed_in_the_file() {
    let sim = platform(|_| ());
    let gateway = setup(&sim, [bot(0), bot(1)]).start();
    let before = gateway.wait_live(&bot(0));
    gateway.wait_live(&bot(1));
    setup(&sim, [bot(1)])
        .bot("another")
        .with("app_id", app_id(&bot(0)))
        .write_for(&gateway);
    let applied = reload(&gateway);
    assert_eq!(applied["changed"][0]["keys"], json!(["name"]), "{applied}");
    let after = gateway.wait_live("another");
    assert_eq!(after["id"], before["id"]);
    assert_eq!(after["generation"], before["generation"]);
}

/// SIGHUP reads the file again, and never ends the gateway: not while it starts, nor while it drains.
#[test]
fn a_hangup_reads_the_file_whenever_it_comes_and_ends_nothing() {
    let sim = platform(|_| ());
    // The start waits for this file, and a reload does not read it.
    let setup = setup(&sim, [bot(0)]).set("tls.ca_file", "authorities.pem");
    let authority = rcgen::generate_simple_self_signed(["nobody.example".to_owned()]);
    let authority = authority.expect("a certificate").cert.pem();
    let mut gateway =
        (setup.clone()).start_signalled("authorities.pem", &authority, Signal::Hangup);
    gateway.wait_live(&bot(0));
    // The signal that came during the start is not lost.
    wait_logged(&gateway, "configuration read again");
    setup.clone().bot("new").write_for(&gateway);
    gateway.signal(Signal::Hangup);
    wait_all_live(&gateway, 2);

    let lock = gateway.lock_store();
    sim.control().push(&app_id("new"), message("evt-1", "om-1"));
    wait_until("it is read and waits", || {
        let view = gateway.installation("new");
        match view["lights"]["unanswered"].as_u64() {
            Some(1) => Ok(()),
            _ => Err(view.to_string()),
        }
    });
    gateway.signal(Signal::Term);
    wait_logged(&gateway, "draining; a second signal leaves at once");
    gateway.signal(Signal::Hangup);
    wait_logged(&gateway, "draining: the configuration is not read again");
    drop(lock);
    assert_eq!(gateway.wait_end().code(), Some(0));
}

#[test]
fn a_file_with_a_mistake_changes_nothing() {
    let sim = platform(|_| ());
    let good = setup(&sim, [bot(0), bot(1)]);
    let mut gateway = good.clone().start();
    gateway.expect_error("the configuration file is not taken over");
    gateway.wait_live(&bot(0));
    gateway.wait_live(&bot(1));
    let before = connections(&gateway);
    let wrong = setup(&sim, [bot(0)]).bot("new").with("nam", "mistyped");
    wrong.write_for(&gateway);
    let ended = command(&gateway, &["reload"]);
    ended.assert(
        3,
        &["longwire.toml:", "installation[1].nam", "unknown field"],
    );
    // The server says the same of the file that it reads itself.
    let refused = gateway.admin().post("/admin/v1/reload", None);
    let refused = refused.expect("it answers");
    assert_eq!(refused.status, 409, "{}", refused.body);
    assert_eq!(refused.json()["code"], "configuration_refused");
    let detail = refused.json()["detail"].to_string();
    assert!(detail.contains("installation[1].nam"), "{detail}");
    gateway.signal(Signal::Hangup);
    wait_until("the mistake is logged twice", || {
        let log = gateway.log();
        let entries = log.entries().into_iter().filter(|entry| {
            let mistake = entry["mistake"].as_str().unwrap_or_default();
            mistake.contains("installation[1].nam")
        });
        match entries.count() {
            2 => Ok(()),
            count => Err(format!("{count}: {}", log.tail())),
        }
    });
    assert_eq!(connections(&gateway), before);
    good.write_for(&gateway);
    assert_eq!(reload(&gateway)["unchanged"], 2);
}

/// A secret that is missing, wrong or has two lines is its bot's trouble until somebody puts it right, and no longer.
#[test]
fn a_bot_is_connected_when_its_secret_is_there() {
    let sim = platform(|_| ());
    let setup = Setup::new(&sim)
        .bot("whole")
        .bot("file")
        .with("app_secret", json!({ "file": "file.secret" }))
        .bot("hand")
        .with("app_secret", json!({ "file": "hand.secret" }))
        .file("hand.secret", "one\ntwo\n");
    let gateway = setup.clone().start();
    gateway.expect_error("refused by the platform or by our own rules");
    let whole = gateway.wait_live("whole");
    for name in ["file", "hand"] {
        gateway.wait_installation(name, "it lacks its secret", |view| {
            view["reason"] == "no_secret"
        });
    }
    let write = |name: &str, text: &str| {
        std::fs::write(gateway.directory().join(name), text).expect("written");
    };
    // The file alone is enough.
    write("file.secret", SECRET);
    gateway.wait_live("file");
    let lines = command(&gateway, &["installations", "retry", "hand"]);
    lines.assert(1, &["hand: refused", "has more than one line"]);
    write("hand.secret", SECRET);
    command(&gateway, &["installations", "retry", "hand"]).assert(0, &["hand: live"]);
    // One that serves goes on when its secret is gone, and says so.
    let served = gateway.installation("file");
    std::fs::remove_file(gateway.directory().join("file.secret")).expect("it was there");
    let applied = reload(&gateway);
    assert_eq!(names(&applied["refused"]), ["file"], "{applied}");
    assert_eq!(applied["refused"][0]["keeps_serving"], true);
    for (name, before) in [("file", &served), ("whole", &whole)] {
        let now = gateway.installation(name);
        assert_eq!(now["generation"], before["generation"], "{now}");
        assert_eq!(now["state"], "live", "{now}");
    }
    // A variable that is not set cannot be set from outside: the bot says so, and the others run.
    setup
        .bot("variable")
        .with("app_secret", json!({ "env": "NOT_SET" }))
        .file("file.secret", SECRET)
        .write_for(&gateway);
    let applied = reload(&gateway);
    assert_eq!(
        names(&applied["refused"]),
        ["hand", "variable"],
        "{applied}"
    );
}

/// A bot has one name, wherever the second one comes from.
#[test]
fn the_same_bot_twice_is_refused_everywhere() {
    let sim = platform(|_| ());
    let gateway = setup(&sim, [bot(0)]).start();
    gateway.expect_error("the configuration file is not taken over");
    gateway.expect_error("refused by the platform or by our own rules");
    gateway.wait_live(&bot(0));
    let app = app_id(&bot(0));
    let twice = setup(&sim, [bot(0)]).bot("twin").with("app_id", &*app);
    twice.write_for(&gateway);
    let both = [
        "`twin` is the same bot as `bot-0`",
        "the other one is in line ",
    ];
    command(&gateway, &["reload"]).assert(3, &both);
    command(&gateway, &["check"]).assert(7, &both);
    let refused = gateway.admin().post("/admin/v1/reload", None);
    let refused = refused.expect("it answers");
    assert_eq!(refused.json()["code"], "configuration_refused");
    setup(&sim, [bot(0)]).write_for(&gateway);

    let added = |name: &str, app: &str| {
        json!({
            "name": name, "platform": "feishu", "app_id": app, "app_secret": SECRET,
            "base_url": sim.base_url(),
        })
    };
    let add = |bot: &Value| {
        let answer = gateway.public().post("/v1/installations", Some(bot));
        answer.expect("the gateway answers")
    };
    let refused = add(&added("twin", &app));
    assert_eq!(refused.status, 409, "{}", refused.body);
    assert_eq!(refused.json()["code"], "same_bot");
    let base_url = sim.base_url();
    let arguments = [
        "installations",
        "add",
        "twin",
        "--app-id",
        &app,
        "--base-url",
        &base_url,
        "--secret-stdin",
    ];
    command(&gateway, &arguments).assert(1, &["`twin` is the same bot as"]);
    // Added by command first, then declared under another name.
    let other = app_id("other");
    assert_eq!(add(&added("by-command", &other)).status, 201);
    gateway.wait_live("by-command");
    setup(&sim, [bot(0), "other".to_owned()]).write_for(&gateway);
    command(&gateway, &["check"]).assert(7, &["`other` is the same bot as `by-command`"]);
    let applied = reload(&gateway);
    let text = applied["refused"][0]["reason_text"].as_str();
    let text = text.expect("it is refused");
    assert!(
        text.contains("`other`") && text.contains("`by-command`"),
        "{text}"
    );
    let view = gateway.wait_installation("other", "it is refused", |view| {
        view["reason"] == "same_bot"
    });
    let text = view["reason_text"].as_str().expect("words");
    assert!(
        text.contains("`other`") && text.contains("`by-command`"),
        "{text}"
    );
    assert_eq!(gateway.installation("by-command")["state"], "live");
}

/// What an operator decides of a declared bot holds, and everything else of it is the file's.
#[test]
fn a_stop_of_a_declared_bot_holds_over_reload_and_restart() {
    let sim = platform(|_| ());
    let declared = setup(&sim, [bot(0), bot(1)]);
    let mut gateway = declared.start();
    gateway.wait_live(&bot(0));
    command(&gateway, &["installations", "stop", "bot-0"]).assert(0, &["holds over restarts"]);
    let is_held = |gateway: &Gateway| {
        gateway.wait_installation("bot-0", "it is held", |view| {
            view["state"] == "stopped" && view["reason"] == "held_stopped"
        })
    };
    is_held(&gateway);
    assert_eq!(reload(&gateway)["unchanged"], 2);
    gateway.signal(Signal::Term);
    assert_eq!(gateway.wait_end().code(), Some(0));
    gateway.restart();
    gateway.wait_live(&bot(1));
    is_held(&gateway);
    for arguments in [
        &["installations", "set", "bot-1", "--mode", "webhook"][..],
        &["installations", "rename", "bot-1", "x"],
        &["installations", "remove", "bot-1", "--yes"],
        &["installations", "rotate-secret", "bot-1", "--secret-stdin"],
    ] {
        command(&gateway, arguments).assert(
            1,
            &["is declared by the configuration file", "longwire reload"],
        );
    }
    command(&gateway, &["installations", "retry", "bot-0"])
        .assert(1, &["stopped", "installations start"]);
    command(&gateway, &["installations", "start", "bot-0"]).assert(0, &[]);
    gateway.wait_live(&bot(0));
}

/// Settings that are no bot's: those that can be taken over are, the others are named.
#[test]
fn settings_are_taken_over_or_named() {
    let sim = platform(|_| ());
    let gateway = setup(&sim, [bot(0), bot(1)]).start();
    gateway.wait_live(&bot(0));
    gateway.wait_live(&bot(1));
    let changed = setup(&sim, [bot(0), bot(1)])
        .set("log.filter", "info,longwire_fleet=debug")
        .set("limits.connections_per_space", 1)
        .set("window.events", 32);
    changed.write_for(&gateway);
    let applied = reload(&gateway);
    let settings = &applied["settings"];
    assert_eq!(
        settings["applied"],
        json!(["limits.connections_per_space", "log.filter"])
    );
    assert_eq!(settings["at_next_start"], json!(["window.events"]));
    gateway.expect_error("refused by the platform or by our own rules");
    wait_until("one of them has to wait", || {
        let by_state = gateway.overview()["by_state"].take();
        match (&by_state["live"], &by_state["refused"]) {
            (live, refused) if *live == 1 && *refused == 1 => Ok(()),
            _ => Err(by_state.to_string()),
        }
    });
    let raised = setup(&sim, [bot(0), bot(1)])
        .set("log.filter", "info,longwire_fleet=debug")
        .set("window.events", 32);
    raised.write_for(&gateway);
    let again = reload(&gateway);
    assert_eq!(
        again["settings"],
        json!({"applied": ["limits.connections_per_space"], "at_next_start": ["window.events"]}),
        "it is named until the next start"
    );
    wait_all_live(&gateway, 2);
    let debug = gateway.log().entries().into_iter();
    let debug = debug.filter(|entry| entry["level"] == "DEBUG").count();
    assert!(debug > 0, "{}", gateway.log().tail());
}
