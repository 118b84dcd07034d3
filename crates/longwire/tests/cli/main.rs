//! The command line from outside: exit codes, and what goes where.

mod applications;
mod bench;
mod installations;
mod language;
mod open_files;
mod output;
mod relay;
mod service;
mod tokens;

use std::ffi::OsStr;
use std::os::unix::ffi::OsStrExt as _;
use std::path::Path;

use assert_cmd::Command;
use longwire_store::{Store, StoreSettings};
use tempfile::TempDir;

/// `longwire` in a directory of its own, deaf to the environment of whoever runs the tests.
fn longwire(directory: &Path) -> Command {
    let mut command = Command::new(assert_cmd::cargo::cargo_bin!("longwire"));
    command
        .current_dir(directory)
        .env_clear()
        .timeout(std::time::Duration::from_secs(60));
    command
}

fn initialised() -> TempDir {
    let directory = TempDir::new().expect("a temporary directory");
    longwire(directory.path()).arg("init").assert().code(0);
    directory
}

/// What a command that is to end with `code` wrote to standard output and standard error.
#[track_caller]
fn run(command: &mut Command, code: i32) -> (String, String) {
    let output = command.assert().code(code).get_output().clone();
    let text = |bytes: Vec<u8>| String::from_utf8(bytes).expect("it writes utf-8");
    (text(output.stdout), text(output.stderr))
}

fn write(directory: &Path, name: &str, text: &str) {
    std::fs::write(directory.join(name), text).expect("the file is written");
}

#[test]
fn an_unknown_use_ends_with_2() {
    let directory = TempDir::new().expect("a temporary directory");
    for arguments in [
        &["fly"][..],
        &["serve", "--fast"],
        &["demo", "--bots", "0"],
        &["demo", "--bots", "1"],
        &["demo", "--rate", "no"],
        &["bench", "events", "--connections", "0"],
        &["bench", "events", "--window", "1", "--rate", "1"],
        &[
            "bench",
            "events",
            "--connections",
            "10000",
            "--window",
            "4096",
        ],
        &["bench", "events", "--platform", "wecom", "--window", "64"],
        &["bench", "storm", "--platform", "wecom"],
        &["bench", "idle", "--installations", "9"],
        &["bench", "idle", "--per-second", "0"],
        &["bench", "idle", "--no-budget", "--per-second", "5"],
        &["bench", "startup", "--events", "0"],
        &["bench", "startup", "--installations", "50001"],
        &["bench", "startup", "--payload-bytes", "16"],
        &["bench", "storm", "--how", "gently"],
        &["bench", "peers", "--only", "nobody"],
        &["bench", "peers", "--rounds", "0"],
        &["bench", "peers", "--connections", "1,10001"],
        &["bench", "peers", "--rate", "1000000"],
        &["bench", "scale", "--connections", "0"],
        &["bench", "scale", "--payload-bytes", "1"],
        &["bench", "overload", "--sustainable", "0"],
        &["bench", "overload", "--seconds", "100000"],
        &[
            "bench",
            "overload",
            "--sustainable",
            "250000",
            "--payload-bytes",
            "16384",
        ],
        &["torture", "--kills", "1", "--seconds-per-kill", "0"],
        &["torture", "--kills", "2", "--stops", "3"],
        &["torture", "--stall", "0"],
        &["torture", "--kills", "10000", "--rate", "5000"],
        &[],
    ] {
        let (stdout, stderr) = run(longwire(directory.path()).args(arguments), 2);
        assert!(
            stdout.is_empty() && !stderr.is_empty(),
            "{arguments:?}: {stdout}{stderr}"
        );
    }
    run(longwire(directory.path()).arg("--help"), 0);
}

#[test]
fn an_error_shows_what_would_act_on_the_screen() {
    let directory = initialised();
    let show = ["installations", "show", "a\x1b[2J\u{202e}b"];
    let (_, stderr) = run(longwire(directory.path()).args(show), 6);
    assert!(
        stderr.contains(r"`a\u{1b}[2J\u{202e}b`") && !stderr.contains('\x1b'),
        "{stderr:?}"
    );
    // A mistake in the file keeps its lines.
    write(directory.path(), "longwire.toml", "[\"ser\u{202e}ver\"]\n");
    let (_, stderr) = run(longwire(directory.path()).arg("serve"), 3);
    assert!(
        stderr.contains("longwire.toml:1:") && stderr.contains("\n1 | [\"ser\\u{202e}ver\"]\n"),
        "{stderr:?}"
    );
}

#[test]
fn a_bad_configuration_ends_with_3_and_its_place() {
    let directory = TempDir::new().expect("a temporary directory");
    let (_, stderr) = run(longwire(directory.path()).arg("serve"), 3);
    assert!(
        stderr.contains("longwire.toml") && stderr.contains("longwire init"),
        "{stderr}"
    );
    write(
        directory.path(),
        "longwire.toml",
        "[server]\nlisen = \"127.0.0.1:1\"\n",
    );
    let (_, stderr) = run(longwire(directory.path()).arg("serve"), 3);
    assert!(
        stderr.contains("longwire.toml:2:1: server.lisen: unknown field"),
        "{stderr}"
    );
    write(directory.path(), "longwire.toml", "");
    let (_, stderr) = run(
        longwire(directory.path())
            .arg("serve")
            .env("LONGWIRE_SERVER__LISTN", "x"),
        3,
    );
    assert!(stderr.contains("LONGWIRE_SERVER__LISTN"), "{stderr}");
    // Its name is text, its value is not.
    let (_, stderr) = run(
        longwire(directory.path())
            .arg("serve")
            .env("LONGWIRE_SERVER__LISTEN", OsStr::from_bytes(b"canary\xff")),
        3,
    );
    assert!(
        stderr.contains("LONGWIRE_SERVER__LISTEN: its value is not utf-8")
            && !stderr.contains("canary"),
        "{stderr}"
    );
    let bot = "[[installation]]\napp_id = \"cli_1\"\napp_secret = { env = \"S\" }\n";
    let both = format!("{bot}name = \"first\"\n{bot}name = \"second\"\n");
    write(directory.path(), "longwire.toml", &both);
    let (_, stderr) = run(longwire(directory.path()).arg("serve"), 3);
    assert!(
        stderr.contains(
            "longwire.toml:6:10: installation[1].app_id: `second` is the same bot as `first`"
        ),
        "{stderr}"
    );
}

#[test]
fn init_never_overwrites() {
    let directory = initialised();
    let config = directory.path().join("longwire.toml");
    let key = std::fs::read(directory.path().join("longwire.db.key")).expect("the key was made");
    std::fs::write(&config, "# mine\n").expect("the file is written");
    longwire(directory.path()).arg("init").assert().code(0);
    assert_eq!(
        std::fs::read_to_string(&config).expect("it is still there"),
        "# mine\n"
    );
    assert_eq!(
        std::fs::read(directory.path().join("longwire.db.key")).expect("it is still there"),
        key
    );
}

#[test]
fn the_sample_is_what_init_writes() {
    let directory = initialised();
    let (stdout, _) = run(longwire(directory.path()).args(["print", "config"]), 0);
    let written = std::fs::read_to_string(directory.path().join("longwire.toml"));
    // A first application runs on the same host.
    let loopback = "allow_networks = [\"loopback\"]";
    let expected = stdout.replace("allow_networks = []", loopback);
    assert_ne!(expected, stdout);
    assert_eq!(written.expect("it was written"), expected);
}

#[test]
fn what_is_not_there_ends_with_6() {
    let directory = initialised();
    for verb in ["show", "start", "stop"] {
        run(
            longwire(directory.path()).args(["installations", verb, "nobody"]),
            6,
        );
    }
    run(
        longwire(directory.path()).args(["events", "tail", "--installation", "nobody"]),
        6,
    );
}

#[test]
fn a_server_that_does_not_answer_ends_with_4() {
    let directory = initialised();
    let held = Store::open(&StoreSettings::at(
        directory.path().join("longwire.db").display().to_string(),
    ));
    let _held = held.expect("nobody else has it");
    let add = [
        "installations",
        "add",
        "bot",
        "--app-id",
        "cli_1",
        "--secret-stdin",
        "--no-probe",
    ];
    // Port 1 is nobody's.
    let server = ["--admin-url", "http://127.0.0.1:1"];
    let (_, stderr) = run(
        longwire(directory.path())
            .args(add)
            .args(server)
            .write_stdin("canary"),
        4,
    );
    assert!(
        stderr.contains("http://127.0.0.1:1") && stderr.contains("longwire serve"),
        "{stderr}"
    );
    let elsewhere = ["--admin-url", "http://192.0.2.1:7701"];
    let (_, stderr) = run(
        longwire(directory.path())
            .args(add)
            .args(elsewhere)
            .write_stdin("canary"),
        2,
    );
    assert!(
        stderr.contains("in clear") && !stderr.contains("canary"),
        "{stderr}"
    );
}

#[test]
fn check_tells_what_is_wrong_and_ends_with_7() {
    let directory = initialised();
    let (stdout, _) = run(
        longwire(directory.path())
            .args(["check", "-v"])
            .env("LONGWIRE_SERVER__LISTEN", "127.0.0.1:0")
            .env("LONGWIRE_SERVER__ADMIN_LISTEN", "127.0.0.2:0"),
        0,
    );
    assert!(stdout.lines().all(|line| line.starts_with('✓')), "{stdout}");
    let bot =
        "[[installation]]\nname = \"a\"\napp_id = \"cli_1\"\napp_secret = { file = \"gone\" }\n";
    write(directory.path(), "longwire.toml", bot);
    let (stdout, _) = run(longwire(directory.path()).args(["check", "-o", "json"]), 7);
    let document: serde_json::Value = serde_json::from_str(&stdout).expect("one document");
    let findings = document["findings"].as_array().expect("a list");
    let bad: Vec<_> = findings
        .iter()
        .filter(|finding| finding["ok"] == false)
        .collect();
    assert!(
        bad.iter()
            .any(|finding| finding["what"] == "secret of a" && finding["fix"].is_string()),
        "{bad:?}"
    );
}

/// Nothing goes straight out because a proxy cannot be read.
#[test]
fn check_tells_what_a_proxy_variable_cannot_do() {
    let directory = initialised();
    write(
        directory.path(),
        "longwire.toml",
        "[[installation]]\nname = \"a\"\napp_id = \"cli_1\"\napp_secret = { env = \"S\" }\n",
    );
    let (stdout, stderr) = run(
        longwire(directory.path())
            .arg("check")
            .env("S", "s3cr3t")
            .env("HTTPS_PROXY", "socks5://gate:canary@127.0.0.1:1")
            .env("NO_PROXY", "10.0.0.0/99"),
        7,
    );
    for word in [
        "✗ route: open.feishu.cn none, since HTTPS_PROXY cannot be used",
        "✗ NO_PROXY: `10.0.0.0/99`",
    ] {
        assert!(stdout.contains(word), "{word}: {stdout}");
    }
    assert!(!format!("{stdout}{stderr}").contains("canary"), "{stdout}");
}

#[test]
fn an_empty_log_has_no_lines() {
    let directory = initialised();
    assert_eq!(
        run(longwire(directory.path()).args(["events", "tail"]), 0).0,
        ""
    );
    assert_eq!(
        run(
            longwire(directory.path()).args(["events", "tail", "-o", "json"]),
            0
        )
        .0,
        "{\"data\":[],\"next\":null}\n"
    );
}

#[test]
fn a_small_demo_loses_nothing() {
    let both = &["feishu", "wecom", "acknowledged", "delivered"][..];
    for (alone, words) in [
        (None, both),
        (Some("--platform=feishu"), &["feishu", "acknowledged"]),
        (Some("--platform=wecom"), &["wecom", "delivered"]),
    ] {
        let directory = TempDir::new().expect("a temporary directory");
        let arguments = [
            "demo",
            "--bots",
            "3",
            "--rate",
            "50",
            "--seconds",
            "2",
            "--admin-listen",
            "127.0.0.1:0",
        ];
        let (stdout, stderr) = run(
            longwire(directory.path())
                .args(arguments)
                .args(alone)
                .env("TMPDIR", directory.path()),
            0,
        );
        let (_, verdict) = stdout.split_once("verdict").expect("a verdict");
        // What a broken connection of WeCom's takes with it is said and is no loss of ours.
        for word in words.iter().chain(&["nothing lost", "nothing twice"]) {
            assert!(verdict.contains(word), "{word}: {stdout}{stderr}");
        }
        for word in both.iter().filter(|word| !words.contains(word)) {
            let mut rows = verdict.lines().map(str::trim_start);
            assert!(!rows.any(|row| row.starts_with(word)), "{word}: {stdout}");
        }
        assert!(!stdout.contains('\x1b'), "no colours on a pipe: {stdout}");
        let left = std::fs::read_dir(directory.path())
            .expect("it is there")
            .count();
        assert_eq!(left, 0, "the demo leaves nothing behind");
    }
}
