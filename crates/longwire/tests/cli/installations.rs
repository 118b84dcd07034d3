//! Installations by command: added, listed, shown and stopped; what does not fit is refused, and no secret is printed.

mod changes;

use longwire_installation::{BaseUrl, Desired, Name, Origin, Platform};
use longwire_store::{NewInstallation, Store, StoreSettings};

use crate::{initialised, longwire, run, write};

#[test]
fn installations_are_added_listed_and_stopped() {
    let directory = initialised();
    let add = [
        "installations",
        "add",
        "bot",
        "--app-id",
        "cli_1",
        "--secret-stdin",
        "--no-probe",
    ];
    let (id, stderr) = run(
        longwire(directory.path()).args(add).write_stdin("canary\n"),
        0,
    );
    assert!(id.starts_with("ins_") && id.ends_with('\n'), "{id}");
    assert!(!stderr.contains("canary"), "{stderr}");
    run(
        longwire(directory.path()).args(["installations", "stop", "bot"]),
        0,
    );
    let (list, _) = run(
        longwire(directory.path()).args(["installations", "list", "-o", "ndjson"]),
        0,
    );
    let row: serde_json::Value = serde_json::from_str(&list).expect("one object a line");
    assert_eq!(
        (&row["name"], &row["desired"], &row["id"]),
        (&"bot".into(), &"stop".into(), &id.trim().into())
    );
    let (page, _) = run(
        longwire(directory.path()).args(["installations", "show", id.trim()]),
        0,
    );
    assert!(
        page.contains("cli_1") && !page.contains('\x1b') && !page.contains("canary"),
        "{page}"
    );
    // The name is taken, the secret is missing, the address is in clear.
    run(
        longwire(directory.path()).args(add).write_stdin("canary\n"),
        1,
    );
    run(
        longwire(directory.path())
            .args(["installations", "add", "b", "--app-id", "cli_1"])
            .write_stdin(""),
        2,
    );
    let (_, stderr) = run(
        longwire(directory.path())
            .args([
                "installations",
                "add",
                "ins_1",
                "--app-id",
                "cli_1",
                "--secret-stdin",
                "--no-probe",
            ])
            .write_stdin("canary\n"),
        1,
    );
    assert!(stderr.contains("`ins_1` is no name"), "{stderr}");
    let clear = [
        &[
            "installations",
            "add",
            "b",
            "--base-url",
            "http://example.com",
        ][..],
        &add[3..],
    ]
    .concat();
    let (_, stderr) = run(
        longwire(directory.path())
            .args(clear)
            .write_stdin("canary\n"),
        2,
    );
    assert!(stderr.contains("plain_http_hosts"), "{stderr}");
}

/// A platform grants one bot few connections, or one: two names for it would take it from each other.
#[test]
fn the_same_bot_under_two_names_is_refused_with_both() {
    let directory = initialised();
    let add = |name: &str, app_id: &str, more: &[&str], code: i32| {
        let arguments = ["installations", "add", name, "--app-id", app_id];
        let command = &mut longwire(directory.path());
        command
            .args(arguments)
            .args(["--secret-stdin", "--no-probe"])
            .args(more);
        run(command.write_stdin("s3cr3t"), code).1
    };
    let change = |verb: &str, name: &str, code: i32| {
        run(
            longwire(directory.path()).args(["installations", verb, name]),
            code,
        )
        .1
    };
    add("first", "cli_1", &[], 0);
    let told = add("second", "cli_1", &[], 1);
    assert!(
        told.contains("`second` is the same bot as `first`") && told.contains("try:"),
        "{told}"
    );
    add("elsewhere", "cli_1", &["--platform", "lark"], 0);
    add("other", "cli_2", &[], 0);
    add("second", "cli_1", &["--stopped"], 0);
    let told = change("start", "second", 1);
    assert!(
        told.contains("`second` is the same bot as `first`"),
        "{told}"
    );
    change("start", "first", 0);
    change("stop", "first", 0);
    change("start", "second", 0);
    // One from the file and one that was added are found before anything runs.
    write(
        directory.path(),
        "longwire.toml",
        "[[installation]]\nname = \"third\"\napp_id = \"cli_1\"\napp_secret = { env = \"S\" }\n",
    );
    let check = &mut longwire(directory.path());
    let (stdout, _) = run(check.arg("check").env("S", "s3cr3t"), 7);
    assert!(
        stdout.contains("✗ bot of third: `third` is the same bot as `second`"),
        "{stdout}"
    );
    change("stop", "second", 0);
    let check = &mut longwire(directory.path());
    run(
        check
            .arg("check")
            .env("S", "s3cr3t")
            .env("LONGWIRE_SERVER__LISTEN", "127.0.0.1:0")
            .env("LONGWIRE_SERVER__ADMIN_LISTEN", "127.0.0.2:0"),
        0,
    );
}

/// The platform would only say that they are wrong, and whoever looks at them sees nothing wrong.
#[test]
fn what_came_along_when_an_id_or_secret_was_copied_is_named() {
    let directory = initialised();
    let add = |app_id: &str, secret: &str| {
        let arguments = ["installations", "add", "a", "--app-id", app_id];
        let command = &mut longwire(directory.path());
        command
            .args(arguments)
            .args(["--secret-stdin", "--no-probe"]);
        run(command.write_stdin(secret.to_owned()), 2).1
    };
    for (app_id, secret, told) in [
        (
            "cli_1\u{200b}",
            "canary",
            "app_id: contains U+200B ZERO WIDTH SPACE at position 6",
        ),
        (
            "cli_1",
            "can\u{feff}ary\n",
            "the app's secret contains U+FEFF ZERO WIDTH NO-BREAK SPACE",
        ),
        (
            "cli_1",
            "\"canary\"",
            "contains U+0022 QUOTATION MARK at position 1",
        ),
        ("cli_1", "canary \n", "contains U+0020 SPACE at position 7"),
    ] {
        let stderr = add(app_id, secret);
        assert!(stderr.contains(told), "{told}: {stderr}");
        assert!(!stderr.contains("nary"), "{stderr}");
    }
    for (key, value, told) in [
        ("app_id", "\"cli_1 \"", "U+0020 SPACE at position 6"),
        (
            "app_secret",
            "{ file = \"s\" }",
            "U+2060 WORD JOINER at position 4",
        ),
        (
            "app_secret",
            "{ env = \"S\" }",
            "U+0027 APOSTROPHE at position 1",
        ),
    ] {
        let others = [
            ("app_id", "\"cli_1\""),
            ("app_secret", "{ env = \"GOOD\" }"),
        ];
        let others = others.iter().filter(|(other, _)| *other != key);
        let lines = others.map(|(key, value)| format!("{key} = {value}\n"));
        let lines: String = lines.collect();
        let text = format!("[[installation]]\nname = \"a\"\n{lines}{key} = {value}\n");
        write(directory.path(), "longwire.toml", &text);
        write(directory.path(), "s", "can\u{2060}ary\n");
        let check = &mut longwire(directory.path());
        let (stdout, _) = run(
            check
                .arg("check")
                .env("S", "'canary'")
                .env("GOOD", "canary"),
            7,
        );
        assert!(stdout.contains(told), "{told}: {stdout}");
        assert!(!stdout.contains("nary"), "{stdout}");
    }
}

/// What others wrote into a database cannot act on the screen of whoever lists it.
#[test]
fn what_is_listed_and_shown_does_not_act_on_the_screen() {
    let directory = initialised();
    let settings = StoreSettings::at(directory.path().join("longwire.db").display().to_string());
    let store = Store::open(&settings).expect("nobody holds it");
    store
        .add_installation(NewInstallation {
            name: Name::from_row("user\u{202e}gpj".to_owned()),
            platform: Platform::Feishu,
            app_id: "cli_\x1b[2J1".to_owned(),
            app_secret: "s".into(),
            base_url: Some(BaseUrl::from_row("https://a\u{9b}b".to_owned())),
            proxy: None,
            mode: Default::default(),
            verification_token: None,
            encrypt_key: None,
            take_back: None,
            desired: Desired::Run,
            origin: Origin::Cli,
            space: Default::default(),
        })
        .expect("added");
    drop(store);
    for arguments in [
        &["installations", "list"][..],
        &["installations", "show", "user\u{202e}gpj"],
    ] {
        let (stdout, _) = run(longwire(directory.path()).args(arguments), 0);
        assert!(
            stdout.contains(r"user\u{202e}gpj") && stdout.contains(r"cli_\u{1b}[2J1"),
            "{stdout:?}"
        );
        assert!(
            !stdout.contains(['\u{202e}', '\x1b', '\u{9b}']),
            "{stdout:?}"
        );
    }
    let (stdout, _) = run(longwire(directory.path()).arg("check"), 7);
    assert!(
        !stdout.contains(['\u{202e}', '\x1b', '\u{9b}']),
        "{stdout:?}"
    );
}

#[test]
fn a_wecom_bot_is_added_listed_and_shown() {
    let directory = initialised();
    let added = |more: &[&str]| {
        let mut command = longwire(directory.path());
        command.args(["installations", "add", "--secret-stdin", "--no-probe"]);
        command.args(["-o", "json"]).args(more);
        command.write_stdin("canary\n");
        command
    };
    let take_back = ["--take-back-after", "30m", "--take-back-per-day", "3"];
    let bot = ["robot", "--bot-id", "aib1"];
    let (kept, _) = run(&mut added(&[&bot[..], &take_back].concat()), 0);
    let kept: serde_json::Value = serde_json::from_str(&kept).expect("one object");
    assert_eq!(
        (&kept["platform"], &kept["app_id"], &kept["state"]),
        (&"wecom".into(), &"aib1".into(), &"unknown".into())
    );
    assert_eq!(
        (&kept["take_back_after"], &kept["take_back_per_day"]),
        (&"30m".into(), &3.into())
    );
    let plain = [
        "plain",
        "--platform",
        "wecom",
        "--bot-id",
        "aib2",
        "--base-url",
        "ws://127.0.0.1:1",
    ];
    run(&mut added(&plain), 0);
    run(&mut added(&["app", "--app-id", "cli_1"]), 0);

    let mut list = longwire(directory.path());
    let (list, _) = run(list.args(["installations", "list"]), 0);
    for words in ["wecom", "aib1", "aib2", "feishu", "cli_1"] {
        assert!(list.contains(words), "no {words} in\n{list}");
    }
    let show = |name: &str| {
        run(
            longwire(directory.path()).args(["installations", "show", name]),
            0,
        )
        .0
    };
    for (name, wanted) in [
        (
            "robot",
            [
                "aib1 on wecom",
                "from the first byte read",
                "30m after another client",
            ],
        ),
        (
            "plain",
            [
                "aib2 on wecom",
                "asks for no acknowledgement",
                "never, when another client",
            ],
        ),
        (
            "app",
            ["cli_1 on feishu", "at least once", "repeats for 7 h"],
        ),
    ] {
        let page = show(name);
        for words in wanted {
            assert!(page.contains(words), "no {words:?} in\n{page}");
        }
        assert!(!page.contains("canary"), "{page}");
    }
    assert!(!show("app").contains("take back"));
    let (stdout, _) = run(
        longwire(directory.path())
            .args(["check", "-v"])
            .env("LONGWIRE_SERVER__LISTEN", "127.0.0.1:0")
            .env("LONGWIRE_SERVER__ADMIN_LISTEN", "127.0.0.2:0"),
        0,
    );
    assert!(stdout.contains("openws.work.weixin.qq.com"), "{stdout}");
}

#[test]
fn what_does_not_fit_a_platform_ends_with_2() {
    let directory = initialised();
    for (arguments, words) in [
        (
            &["--platform", "wecom", "--app-id", "cli_1"][..],
            "a WeCom bot has --bot-id",
        ),
        (
            &["--platform", "feishu", "--bot-id", "aib1"],
            "has --app-id, not --bot-id",
        ),
        (
            &["--app-id", "cli_1", "--bot-id", "aib1"],
            "cannot be used with",
        ),
        (&["--platform", "wecom"], "--app-id"),
        (
            &["--bot-id", "aib1", "--base-url", "https://example.com"],
            "use wss",
        ),
        (
            &["--bot-id", "aib1", "--base-url", "ws://example.com"],
            "in clear",
        ),
        (
            &["--app-id", "cli_1", "--base-url", "wss://example.com"],
            "use https",
        ),
        (
            &["--bot-id", "aib1", "--take-back-after", "10m"],
            "--take-back-per-day",
        ),
        (
            &[
                "--bot-id",
                "aib1",
                "--take-back-after",
                "4m",
                "--take-back-per-day",
                "1",
            ],
            "5m to 1d",
        ),
        (
            &[
                "--bot-id",
                "aib1",
                "--take-back-after",
                "10m",
                "--take-back-per-day",
                "49",
            ],
            "1 to 48",
        ),
        (
            &[
                "--app-id",
                "cli_1",
                "--take-back-after",
                "10m",
                "--take-back-per-day",
                "1",
            ],
            "only WeCom",
        ),
    ] {
        let mut command = longwire(directory.path());
        command
            .args(["installations", "add", "b", "--secret-stdin", "--no-probe"])
            .args(arguments);
        let (stdout, stderr) = run(command.write_stdin("canary"), 2);
        assert!(
            stderr.contains(words) && stdout.is_empty() && !stderr.contains("canary"),
            "{arguments:?}: {stderr}"
        );
    }
    let (list, _) = run(
        longwire(directory.path()).args(["installations", "list", "-o", "ndjson"]),
        0,
    );
    assert_eq!(list, "", "nothing was kept");
}

/// A program of another kind or version at the server's address is not taken for no server.
#[test]
fn an_answer_that_is_not_understood_is_named() {
    let directory = tempfile::tempdir().expect("a directory");
    run(longwire(directory.path()).arg("init"), 0);
    let add = [
        "installations",
        "add",
        "a",
        "--app-id",
        "cli_1",
        "--secret-stdin",
        "--no-probe",
    ];
    run(
        longwire(directory.path()).args(add).write_stdin("canary\n"),
        0,
    );
    let listener = std::net::TcpListener::bind("127.0.0.1:0").expect("a port");
    let url = format!("http://{}", listener.local_addr().expect("bound"));
    // Ends with the test's process.
    std::thread::spawn(move || {
        for client in listener.incoming() {
            let mut client = client.expect("a client");
            let mut request = [0; 1024];
            drop(std::io::Read::read(&mut client, &mut request));
            let answer = b"HTTP/1.1 200 OK\r\ncontent-length: 2\r\nconnection: close\r\n\r\n{}";
            drop(std::io::Write::write_all(&mut client, answer));
        }
    });
    // Whoever names a server wants its list; what is kept of one bot is shown in any case.
    for (command, code) in [(&["list"][..], 1), (&["show", "a"], 0)] {
        let arguments = [&["installations"], command, &["--admin-url", &url]].concat();
        let (_, stderr) = run(longwire(directory.path()).args(arguments), code);
        assert!(
            stderr.contains("does not understand"),
            "{command:?}: {stderr}"
        );
    }
}
