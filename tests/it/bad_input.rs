//! A mistake of an operator or of the platform is reported once, with its place and the remedy, and affects nothing
//! else.

use longwire_sim::{ConnectionFault, Target};
use longwire_tests::{SECRET, Setup, app_id, longwire, message, platform, wait_acked, wait_until};
use std::path::Path;
use tempfile::TempDir;

const NOTHING: [(&str, &str); 0] = [];

fn directory() -> TempDir {
    TempDir::with_prefix("longwire-story-").expect("a temporary directory")
}

fn write(directory: &Path, name: &str, text: &str) {
    std::fs::write(directory.join(name), text).expect("the story's directory is ours");
}

#[test]
fn a_mistake_in_the_configuration_is_told_with_its_place() {
    let bot = "[[installation]]\nname = \"a\"\napp_id = \"cli_1\"\n";
    let secret = "app_secret = { env = \"S\" }\n";
    let wecom = "[[installation]]\nname = \"w\"\nplatform = \"wecom\"\nbot_id = \"aib1\"\nsecret = { env = \"S\" }\n";
    for (text, wanted) in [
        (
            "[server]\nlisen = \"127.0.0.1:0\"\n".to_owned(),
            [
                "longwire.toml:2:1: server.lisen: unknown field `lisen`",
                "2 | lisen = \"127.0.0.1:0\"",
            ],
        ),
        (
            "[connect]\n\n  per_second = \"many\"\n".to_owned(),
            [
                "longwire.toml:3:16: connect.per_second: invalid type",
                "^^^^^^",
            ],
        ),
        (
            "[timing]\nping_interval = \"20\"\n".to_owned(),
            [
                "longwire.toml:2:17: timing.ping_interval: ",
                "a duration with its unit",
            ],
        ),
        (
            "[window]\nevents = 0\n".to_owned(),
            ["longwire.toml:2:10: window.events: ", "from 1 to 65536"],
        ),
        (
            format!("{bot}{secret}{bot}{secret}"),
            [
                "longwire.toml:6:8: installation[1].name: ",
                "already the name of installation[0]",
            ],
        ),
        (
            format!("{bot}{secret}base_url = \"http://example.com\"\n"),
            ["longwire.toml:5:12: installation[0].base_url: ", "in clear"],
        ),
        (
            format!("{bot}{secret}platform = \"wecom\"\n"),
            [
                "longwire.toml:3:10: installation[0].app_id: ",
                "a WeCom bot has bot_id and secret",
            ],
        ),
        (
            format!("{wecom}base_url = \"https://example.com\"\n"),
            ["longwire.toml:6:12: installation[0].base_url: ", "use wss"],
        ),
        (
            format!("{wecom}take_back_after = \"1m\"\ntake_back_per_day = 3\n"),
            [
                "longwire.toml:6:19: installation[0].take_back_after: ",
                "5m to 1d",
            ],
        ),
        (
            "[server\n".to_owned(),
            ["longwire.toml:1:8: ", "correct the line"],
        ),
    ] {
        let home = directory();
        write(home.path(), "longwire.toml", &text);
        let ended = longwire(home.path(), &["serve"], &NOTHING, "");
        ended.assert(3, &wanted);
        ended.assert(3, &["error: ", "try: correct the line"]);
    }
}

#[test]
fn a_secret_in_the_configuration_is_refused_and_not_repeated() {
    let home = directory();
    for (text, place) in [
        (
            "[[installation]]\nname = \"a\"\napp_id = \"cli_1\"\napp_secret = \"canary-7d1f\"\n",
            "longwire.toml:4:14: installation[0].app_secret: ",
        ),
        (
            "[[installation]]\nname = \"a\"\nplatform = \"wecom\"\nbot_id = \"aib1\"\nsecret = \"canary-7d1f\"\n",
            "longwire.toml:5:10: installation[0].secret: ",
        ),
    ] {
        write(home.path(), "longwire.toml", text);
        for arguments in [&["serve"][..], &["check"], &["installations", "list"]] {
            let ended = longwire(home.path(), arguments, &NOTHING, "");
            let said = format!("{}{}", ended.output, ended.errors);
            assert!(said.contains(place), "{said}");
            assert!(!said.contains("canary"), "{said}");
        }
    }
}

#[test]
fn a_proxy_that_cannot_be_used_is_named_without_its_password() {
    let home = directory();
    write(
        home.path(),
        "way-out",
        "socks5://gate:canary-7d1f@127.0.0.1:1",
    );
    let bot = "[[installation]]\nname = \"a\"\napp_id = \"cli_1\"\napp_secret = { env = \"S\" }\n";
    for (text, command, wanted) in [
        // One bot's own is found before the start, and is this bot's trouble after it.
        (
            format!("{bot}proxy = {{ file = \"way-out\" }}\n"),
            &["check"][..],
            "proxy of installation `a`",
        ),
        (
            format!("[proxy]\nurl = {{ file = \"way-out\" }}\n{bot}"),
            &["serve", "--log", "text"],
            "[proxy]",
        ),
        (
            format!("[proxy]\nurl = \"http://gate:canary-7d1f@127.0.0.1:1\"\n{bot}"),
            &["serve", "--log", "text"],
            "longwire.toml:2:7: proxy.url",
        ),
    ] {
        let listeners = "[server]\nlisten = \"127.0.0.1:0\"\nadmin_listen = \"127.0.0.1:0\"\n";
        let text = if text.starts_with("[proxy]") {
            format!("{text}{listeners}")
        } else {
            format!("{listeners}{text}")
        };
        write(home.path(), "longwire.toml", &text);
        let ended = longwire(home.path(), command, &[("S", "s3cr3t")], "");
        let (code, advice) = match command[0] {
            "check" => (7, "→ "),
            _ => (3, "try: "),
        };
        ended.assert(code, &[wanted, advice]);
        let said = format!("{}{}", ended.output, ended.errors);
        assert!(!said.contains("canary"), "{said}");
    }
}

#[test]
fn a_wrong_variable_is_named_and_its_value_is_not() {
    let home = directory();
    write(home.path(), "longwire.toml", "");
    let variables = [("LONGWIRE_SERVER__LISTEN", "canary-7d1f")];
    let ended = longwire(home.path(), &["serve"], &variables, "");
    ended.assert(3, &["environment variable LONGWIRE_SERVER__LISTEN: "]);
    assert!(!ended.errors.contains("canary"), "{}", ended.errors);
    let ended = longwire(
        home.path(),
        &["serve"],
        &[("LONGWIRE_SERVER__PROT", "1")],
        "",
    );
    ended.assert(
        3,
        &[
            "environment variable LONGWIRE_SERVER__PROT: ",
            "unknown field `prot`",
        ],
    );
}

#[test]
fn a_secret_that_is_not_there_is_named() {
    let home = directory();
    for (reference, wanted) in [
        (
            "{ file = \"a.secret\" }",
            ["app_secret", "a.secret", "put the secret there"],
        ),
        (
            "{ env = \"A_SECRET\" }",
            [
                "app_secret",
                "A_SECRET is not set",
                "set it in the environment",
            ],
        ),
        (
            "{ credential = \"a\" }",
            ["app_secret", "no credential a", "LoadCredential="],
        ),
    ] {
        let text = format!(
            "[server]\nlisten = \"127.0.0.1:0\"\nadmin_listen = \"127.0.0.1:0\"\n\
             [[installation]]\nname = \"support\"\napp_id = \"cli_1\"\napp_secret = {reference}\n"
        );
        write(home.path(), "longwire.toml", &text);
        let ended = longwire(home.path(), &["check"], &NOTHING, "");
        ended.assert(7, &wanted);
        ended.assert(7, &["`support`"]);
    }
}

#[test]
fn a_command_line_that_makes_no_sense_says_so() {
    let home = directory();
    for (arguments, words) in [
        (&[][..], "Usage: longwire"),
        (&["sreve"], "'serve'"),
        (&["serve", "--prot", "1"], "--prot"),
        (&["installations", "add"], "--app-id"),
        (&["demo", "--bots", "0"], "1..=10000"),
        (&["events", "tail", "-n", "some"], "some"),
        (&["print", "everything"], "everything"),
    ] {
        longwire(home.path(), arguments, &NOTHING, "").assert(2, &[words]);
    }
    // Standard input is no terminal here, so there is nobody to ask.
    write(home.path(), "longwire.toml", "");
    let add = ["installations", "add", "a", "--app-id", "cli_1"];
    longwire(home.path(), &add, &NOTHING, "").assert(2, &["--secret-stdin"]);
    let add = [
        &add[..],
        &[
            "--secret-stdin",
            "--proxy",
            "http://user:canary@127.0.0.1:1",
        ],
    ]
    .concat();
    let ended = longwire(home.path(), &add, &NOTHING, "s");
    ended.assert(2, &["--proxy-file"]);
    assert!(!ended.errors.contains("canary"), "{}", ended.errors);
}

#[test]
fn an_empty_directory_says_where_to_begin() {
    let home = directory();
    let ended = longwire(home.path(), &["serve"], &NOTHING, "");
    ended.assert(
        3,
        &[
            "there is no configuration file longwire.toml",
            "longwire init",
            "--config",
        ],
    );
    let left = std::fs::read_dir(home.path()).expect("it is ours").count();
    assert_eq!(left, 0, "nothing was made");
}

#[test]
fn init_keeps_what_is_there() {
    let home = directory();
    longwire(home.path(), &["init"], &NOTHING, "")
        .assert(0, &["wrote longwire.toml", "longwire.db", "Next:"]);
    let key = std::fs::read(home.path().join("longwire.db.key")).expect("a key was made");
    let add = [
        "installations",
        "add",
        "support",
        "--app-id",
        "cli_1",
        "--secret-stdin",
        "--stopped",
        "--no-probe",
    ];
    longwire(home.path(), &add, &NOTHING, "s3cr3t").assert(0, &["ins_"]);
    let mine = "# mine\n[server]\nlisten = \"127.0.0.1:0\"\n";
    write(home.path(), "longwire.toml", mine);

    longwire(home.path(), &["init"], &NOTHING, "").assert(0, &["is there and is kept"]);
    let text = std::fs::read_to_string(home.path().join("longwire.toml")).expect("it is there");
    assert_eq!(text, mine);
    assert_eq!(
        std::fs::read(home.path().join("longwire.db.key")).expect("it is there"),
        key
    );
    longwire(home.path(), &["installations", "list"], &NOTHING, "")
        .assert(0, &["support", "cli_1"]);
}

#[test]
fn a_store_that_cannot_be_opened_says_why() {
    let home = directory();
    let in_file = "file/longwire.db";
    write(home.path(), "file", "not a directory");
    write(home.path(), "text.db", &"not a database\n".repeat(100));
    std::fs::create_dir(home.path().join("folder.db")).expect("the story's directory is ours");
    for (url, wanted) in [
        (in_file, ["file", "choose another path"]),
        (
            "text.db",
            ["text.db is not a SQLite database", "choose another path"],
        ),
        ("folder.db", ["folder.db", "choose another path"]),
        ("postgres://host/db", ["postgres", "sqlite:PATH"]),
        // Nobody can make a file there, not even root.
        (
            "sqlite:/proc/longwire/longwire.db",
            ["/proc/longwire", "try: "],
        ),
    ] {
        let text = format!(
            "[server]\nlisten = \"127.0.0.1:0\"\nadmin_listen = \"127.0.0.1:0\"\n[store]\nurl = \"{url}\"\n"
        );
        write(home.path(), "longwire.toml", &text);
        let ended = longwire(home.path(), &["serve", "--log", "text"], &NOTHING, "");
        ended.assert(1, &wanted);
    }
    let untouched = std::fs::read_to_string(home.path().join("text.db")).expect("it is there");
    assert!(
        untouched.starts_with("not a database"),
        "what is not ours is left alone"
    );
}

#[test]
fn a_second_server_names_the_first() {
    let sim = platform(|_| ());
    let gateway = Setup::new(&sim).bot("a").start();
    gateway.wait_live("a");
    let secret = [("STORY_SECRET", SECRET)];
    let second = longwire(gateway.directory(), &["serve"], &secret, "");
    let pid = format!("in use by process {}", gateway.id());
    second.assert(1, &[&pid, "stop the process that uses it"]);
    assert_eq!(
        gateway.installation("a")["generation"],
        1,
        "the first did not notice"
    );
}

#[test]
fn nonsense_is_counted_said_once_a_minute_and_survived() {
    let sim = platform(|_| ());
    let control = sim.control();
    let gateway = Setup::new(&sim).bot("a").start();
    gateway.wait_live("a");
    for _ in 0..50 {
        control.fault(
            Target::All,
            ConnectionFault::Text("what is this".to_owned()),
        );
        control.fault(Target::All, ConnectionFault::Garbage(vec![0xff; 5].into()));
    }
    let malformed = wait_until("all of it is counted", || {
        let malformed = gateway.overview()["malformed"].take();
        let total: u64 = malformed
            .as_object()
            .into_iter()
            .flatten()
            .filter_map(|(_, count)| count.as_u64())
            .sum();
        if total == 100 {
            Ok(malformed)
        } else {
            Err(malformed.to_string())
        }
    });
    assert_eq!(malformed["text_message"], 50, "{malformed}");
    assert_eq!(
        malformed.as_object().map(serde_json::Map::len),
        Some(2),
        "one kind each: {malformed}"
    );
    let said = || {
        let entries = gateway.log().entries().into_iter();
        let lines = entries
            .filter(|entry| entry["kind"].is_string())
            .map(|entry| entry["kind"].to_string());
        lines.collect::<Vec<String>>()
    };
    // A line may come a moment after it is counted.
    let mut kinds = wait_until("both are said", || match said() {
        lines if lines.len() < 2 => Err(format!("{lines:?}")),
        lines => Ok(lines),
    });
    kinds.sort();
    kinds.dedup();
    assert_eq!(
        (said().len(), kinds.len()),
        (2, 2),
        "one line each: {:?}",
        said()
    );

    let push = control.push(&app_id("a"), message("evt-after", "om-after"));
    wait_acked(&control, push);
    assert_eq!(gateway.wait_live("a")["generation"], 1);
    let light = &gateway.installation("a")["lights"]["malformed"];
    assert_eq!(light, 100);
}
