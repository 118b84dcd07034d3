//! Commands about consumers and events, against a running server.

use std::io::{BufRead as _, BufReader};
use std::process::{Child, ChildStderr, ChildStdout, Command, Stdio};

use serde_json::Value;
use tempfile::TempDir;

use super::{initialised, longwire, run, write};

/// A process that is not left behind.
struct Running(Child);

impl Drop for Running {
    fn drop(&mut self) {
        // Both fail only when it is gone already.
        drop(self.0.kill());
        drop(self.0.wait());
    }
}

/// The lines that a process writes. They end when it does.
struct Lines<T>(BufReader<T>);

impl<T: std::io::Read> Lines<T> {
    #[track_caller]
    fn next(&mut self) -> String {
        let mut line = String::new();
        let read = self.0.read_line(&mut line).expect("text");
        assert!(read > 0, "it ended");
        line
    }
}

/// A server, and what commands ask it with.
struct Server {
    directory: TempDir,
    admin: String,
    _process: Running,
}

fn spawn(
    directory: &TempDir,
    arguments: &[&str],
) -> (Running, Lines<ChildStdout>, Lines<ChildStderr>) {
    let mut process = Command::new(assert_cmd::cargo::cargo_bin!("longwire"))
        .current_dir(directory.path())
        .env_clear()
        .args(arguments)
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .expect("the binary starts");
    let out = process.stdout.take().expect("a pipe");
    let errors = process.stderr.take().expect("a pipe");
    (
        Running(process),
        Lines(BufReader::new(out)),
        Lines(BufReader::new(errors)),
    )
}

impl Server {
    fn start() -> Self {
        let directory = initialised();
        let config = "[server]\nlisten = \"127.0.0.1:0\"\nadmin_listen = \"127.0.0.1:0\"\n[webhooks]\nallow_networks = [\"loopback\"]\n";
        write(directory.path(), "longwire.toml", config);
        let (process, _, mut log) = spawn(&directory, &["serve", "--log", "json"]);
        let admin = loop {
            let line: Value = serde_json::from_str(&log.next()).unwrap_or_default();
            if let Some(admin) = line["admin"].as_str() {
                break format!("http://{admin}");
            }
        };
        // Its log has to go on being read.
        std::thread::spawn(move || log.0.lines().map_while(Result::ok).count());
        Self {
            directory,
            admin,
            _process: process,
        }
    }

    #[track_caller]
    fn ask(&self, arguments: &[&str], code: i32) -> (String, String) {
        let mut command = longwire(self.directory.path());
        run(
            command.args(arguments).args(["--admin-url", &self.admin]),
            code,
        )
    }

    #[track_caller]
    fn json(&self, arguments: &[&str]) -> Value {
        let (text, _) = self.ask(arguments, 0);
        serde_json::from_str(&text).unwrap_or_else(|error| panic!("{error}: {text}"))
    }
}

#[test]
fn consumers_are_made_steered_and_removed() {
    let server = Server::start();
    // Nobody listens there, so it must not even be told that it was paused.
    let url = "--url=http://127.0.0.1:9/";
    let add = ["consumers", "add", "app", url, "--type=feishu.*"];
    let (secret, stderr) = server.ask(&add, 0);
    assert!(secret.starts_with("whsec_"), "{secret}");
    assert!(!stderr.contains(secret.trim()), "{stderr}");
    server.ask(&add, 1);
    // Each mistake is told with its place.
    for url in ["ftp://x/", "http://169.254.169.254/"] {
        let (_, stderr) = server.ask(&["consumers", "add", "other", "--url", url], 1);
        let reasons = stderr.matches("webhook is delivered").count();
        assert!(stderr.contains("/road/url – ") && reasons < 2, "{stderr}");
    }
    let filtered = ["--type", "wecom.*"];
    let pull = [&["consumers", "add", "pull"][..], &filtered].concat();
    server.ask(&pull, 0);
    let (list, _) = server.ask(&["consumers", "list", "-o", "ndjson"], 0);
    let rows: Vec<Value> = list
        .lines()
        .map(|line| serde_json::from_str(line).expect("one object a line"))
        .collect();
    assert_eq!(rows.len(), 2, "{list}");
    assert_eq!(rows[1]["filter"]["types"][0], "wecom.*");
    let state =
        || server.json(&["consumers", "show", "app", "-o", "json"])["status"]["state"].clone();
    assert_eq!(state(), "active");
    server.ask(&["consumers", "pause", "app"], 0);
    assert_eq!(state(), "paused");
    let (table, _) = server.ask(&["consumers", "list"], 0);
    assert!(table.contains("app") && table.contains("paused"), "{table}");
    server.ask(&["consumers", "resume", "app"], 0);
    assert_eq!(state(), "active");
    let (other, _) = server.ask(&["consumers", "rotate-secret", "app"], 0);
    assert!(other.starts_with("whsec_") && other != secret, "{other}");
    server.ask(&["consumers", "rotate-secret", "pull"], 1);
    let (_, stderr) = server.ask(&["consumers", "seek", "pull", "beginning"], 0);
    assert!(stderr.contains("behind the event 0"), "{stderr}");
    server.ask(&["consumers", "seek", "pull", "tomorrow"], 2);
    server.ask(&["consumers", "remove", "app"], 0);
    for verb in ["show", "pause", "remove"] {
        server.ask(&["consumers", verb, "app"], 6);
    }
}

#[test]
fn events_are_listened_to_shown_replayed_and_made_up() {
    let server = Server::start();
    for (name, road) in [("app", "--url=http://127.0.0.1:9/"), ("pull", "--from=now")] {
        server.ask(&["consumers", "add", name, road], 0);
    }
    let listen = ["listen", "--admin-url", &server.admin];
    let (_listening, mut events, mut said) = spawn(&server.directory, &listen);
    while !said.next().contains("listening") {}
    // Also an event of ours is an event of the log.
    server.ask(&["consumers", "pause", "pull"], 0);
    let event: Value = serde_json::from_str(&events.next()).expect("one object a line");
    assert_eq!(event["type"], "longwire.consumer.paused", "{event}");
    let id = event["id"].as_str().expect("an id");

    let journey = server.json(&["events", "show", id, "-o", "json"]);
    assert_eq!(journey["id"], id);
    let (timeline, _) = server.ask(&["events", "show", id], 0);
    assert!(timeline.contains("  received\n"), "{timeline}");
    server.ask(&["events", "show", "evt_none"], 6);
    let (_, stderr) = server.ask(&["events", "replay", id, "--to", "pull"], 0);
    assert!(stderr.contains("pull"), "{stderr}");
    server.ask(&["events", "replay", id, "--to", "nobody"], 6);

    let sample = server.json(&["events", "sample", "wecom.message.text"]);
    assert_eq!(sample["type"], "wecom.message.text");
    server.ask(&["events", "sample", "wecom.nothing"], 6);
    let simulate = ["events", "simulate", "wecom.message.text", "--to"];
    for (consumer, code, says) in [
        ("app", 1, "did not answer"),
        ("pull", 1, "only a webhook"),
        ("nobody", 6, "nobody"),
    ] {
        let (_, stderr) = server.ask(&[&simulate[..], &[consumer]].concat(), code);
        assert!(stderr.contains(says), "{consumer}: {stderr}");
    }
}

/// S224, S229: for each bot the types of callbacks that a click, a preview or an old card would find somebody for.
#[test]
fn check_tells_which_callbacks_consumers_claim() {
    let server = Server::start();
    write(server.directory.path(), "secret", "s3cr3t");
    let add = [
        "installations",
        "add",
        "support",
        "--app-id=cli_0123456789abcdef",
        "--secret-file=secret",
        "--base-url=http://127.0.0.1:9",
        "--no-probe",
    ];
    server.ask(&add, 0);
    let claimed = || {
        let mut command = longwire(server.directory.path());
        // Other findings, of the disk such as it is, are nothing here.
        let output = command.args(["check", "-o", "json"]).output();
        let told: Value = serde_json::from_slice(&output.expect("it runs").stdout).expect("JSON");
        let findings = told["findings"].as_array().expect("a list").clone();
        let mut findings = findings.into_iter();
        findings.find(|finding| finding["what"] == "callbacks of support")
    };
    assert_eq!(claimed(), None);
    let add = ["consumers", "add", "cards", "--claims-cards"];
    let clicks = ["--type", "feishu.card.action.trigger"];
    server.ask(&[&add[..], &clicks].concat(), 0);
    let finding = claimed().expect("a consumer claims clicks");
    assert_eq!(finding["finding"], "consumers claim card.action.trigger");
    assert_eq!(finding["ok"], true);
    server.ask(&["consumers", "pause", "cards"], 0);
    assert_eq!(claimed(), None);
}
