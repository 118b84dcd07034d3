//! `longwire check-endpoint` tells a webhook that is ready for events from one that is not, and says what to change.

use std::collections::HashSet;
use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::sync::{Arc, Mutex};
use std::time::{SystemTime, UNIX_EPOCH};

use longwire_tests::{Ended, longwire};
use longwire_wire::webhook::{SignedHeaders, WebhookSecret};
use serde_json::Value;

/// What the application does.
#[derive(Clone, Copy)]
struct Application {
    /// The answer to what it takes: the end of the head and the body are added.
    taken: &'static str,
    body: &'static str,
    /// Whether a signature that is there has to be right.
    verifies: bool,
    /// Whether a signature has to be there.
    wants_a_signature: bool,
    /// Whether the time of a signature matters.
    looks_at_the_time: bool,
    takes_repeats: bool,
    keeps_connections: bool,
}

const RIGHT: Application = Application {
    taken: "200 OK",
    body: r#"{"reply": {"text": "hello"}}"#,
    verifies: true,
    wants_a_signature: true,
    looks_at_the_time: true,
    takes_repeats: true,
    keeps_connections: true,
};

fn secret() -> WebhookSecret {
    WebhookSecret::generate([7; 32])
}

/// A post as it was received.
struct Post {
    headers: Vec<(String, String)>,
    body: Vec<u8>,
}

impl Post {
    /// The next one of a connection; `None` at its end.
    fn read(connection: &mut BufReader<TcpStream>) -> Option<Self> {
        let mut lines = Vec::new();
        loop {
            let mut line = String::new();
            connection.read_line(&mut line).ok()?;
            match line.trim_end() {
                "" if lines.is_empty() => return None,
                "" => break,
                line => lines.push(line.to_owned()),
            }
        }
        let headers = lines.iter().filter_map(|line| line.split_once(": "));
        let headers = headers.map(|(name, value)| (name.to_lowercase(), value.to_owned()));
        let mut post = Self {
            headers: headers.collect(),
            body: Vec::new(),
        };
        post.body = vec![0; post.header("content-length").parse().ok()?];
        connection.read_exact(&mut post.body).ok()?;
        Some(post)
    }

    fn header(&self, name: &str) -> &str {
        let mut headers = self.headers.iter();
        headers
            .find(|(known, _)| known == name)
            .map_or("", |(_, value)| value)
    }
}

impl Application {
    /// Serves until the process ends.
    fn start(self) -> SocketAddr {
        let listener = TcpListener::bind("127.0.0.1:0").expect("a free port");
        let address = listener.local_addr().expect("its address");
        let known = Arc::new(Mutex::new(HashSet::new()));
        std::thread::spawn(move || {
            for connection in listener.incoming().flatten() {
                let known = Arc::clone(&known);
                std::thread::spawn(move || self.serve(connection, &known));
            }
        });
        address
    }

    fn serve(self, connection: TcpStream, known: &Mutex<HashSet<String>>) {
        let mut connection = BufReader::new(connection);
        while let Some(post) = Post::read(&mut connection) {
            let is_new = known
                .lock()
                .expect("nobody panicked")
                .insert(post.header("webhook-id").to_owned());
            let status = if !self.accepts(&post) {
                "401 Unauthorized"
            } else if is_new || self.takes_repeats {
                self.taken
            } else {
                "409 Conflict"
            };
            let body = self.body;
            let close = if self.keeps_connections {
                ""
            } else {
                "Connection: close\r\n"
            };
            let length = body.len();
            let answer =
                format!("HTTP/1.1 {status}\r\n{close}Content-Length: {length}\r\n\r\n{body}");
            let written = connection.get_mut().write_all(answer.as_bytes());
            if written.is_err() || !self.keeps_connections {
                return;
            }
        }
    }

    fn accepts(self, post: &Post) -> bool {
        let signature = post.header("webhook-signature");
        if !self.verifies || (signature.is_empty() && !self.wants_a_signature) {
            return true;
        }
        let timestamp = post.header("webhook-timestamp");
        let now = SystemTime::now().duration_since(UNIX_EPOCH);
        let now_s = now.expect("it is after 1970").as_secs();
        let now_s = match self.looks_at_the_time {
            true => i64::try_from(now_s).expect("it is before the end of time"),
            false => timestamp.parse().unwrap_or_default(),
        };
        let headers = SignedHeaders {
            id: post.header("webhook-id"),
            timestamp,
            signature,
        };
        headers.verify(&[&post.body], &[&secret()], now_s).is_ok()
    }
}

fn check(url: &str, more: &[&str]) -> Ended {
    let directory = tempfile::tempdir().expect("a directory");
    let arguments = [&["check-endpoint", url, "--secret-stdin"], more].concat();
    longwire(directory.path(), &arguments, &[], &secret().expose())
}

/// The findings of a check that ended with `code`, as `aspect verdict`.
#[track_caller]
fn findings(ended: &Ended, code: i32) -> Vec<String> {
    assert_eq!(ended.code, Some(code), "{ended:?}");
    let report: Value = serde_json::from_str(&ended.output).expect("a document");
    assert_eq!(report["ok"], code == 0);
    let rows = report["findings"].as_array().expect("rows");
    let word = |row: &Value, key: &str| row[key].as_str().expect("a word").to_owned();
    rows.iter()
        .map(|row| format!("{} {}", word(row, "aspect"), word(row, "verdict")))
        .collect()
}

/// Checks an application, and wants these findings in place of the ones of an application that is right.
#[track_caller]
fn check_differs(application: Application, code: i32, differing: &[&str]) {
    let url = format!("http://{}/hook", application.start());
    let found = findings(&check(&url, &["-o", "json"]), code);
    let expected = [
        "tls advice",
        "answer good",
        "wrong_signature good",
        "no_signature good",
        "old_timestamp good",
        "repeat good",
        "time good",
        "keep_alive good",
        "reply good",
    ];
    let expected = expected.map(|row| {
        let (aspect, _) = row.split_once(' ').expect("two words");
        let mut differing = differing.iter();
        *differing
            .find(|other| other.starts_with(&format!("{aspect} ")))
            .unwrap_or(&row)
    });
    assert_eq!(found, expected);
}

#[test]
fn what_an_application_does_right_and_wrong() {
    check_differs(RIGHT, 0, &[]);
    let verifies = false;
    let unverified = [
        "wrong_signature bad",
        "no_signature bad",
        "old_timestamp bad",
    ];
    check_differs(Application { verifies, ..RIGHT }, 1, &unverified);
    let wants_a_signature = false;
    check_differs(
        Application {
            wants_a_signature,
            ..RIGHT
        },
        1,
        &["no_signature bad"],
    );
    let looks_at_the_time = false;
    check_differs(
        Application {
            looks_at_the_time,
            ..RIGHT
        },
        1,
        &["old_timestamp bad"],
    );
    let takes_repeats = false;
    check_differs(
        Application {
            takes_repeats,
            ..RIGHT
        },
        1,
        &["repeat bad"],
    );
    let keeps_connections = false;
    check_differs(
        Application {
            keeps_connections,
            ..RIGHT
        },
        0,
        &["keep_alive advice"],
    );
    for (body, verdict, code) in [
        ("", "reply good", 0),
        ("thanks", "reply good", 0),
        (r#"{"reply": "hello"}"#, "reply bad", 1),
    ] {
        check_differs(Application { body, ..RIGHT }, code, &[verdict]);
    }
}

#[test]
fn an_answer_that_is_none_ends_the_check() {
    for (taken, words) in [
        (
            "302 Found\r\nLocation: https://elsewhere.example/",
            "to https://elsewhere.example/",
        ),
        ("500 Internal Server Error", "answered with 500"),
        ("404 Not Found", "take POST"),
        ("410 Gone", "410 ends all deliveries"),
    ] {
        let url = format!("http://{}/", Application { taken, ..RIGHT }.start());
        let ended = check(&url, &[]);
        ended.assert(1, &["answer:", words, "1 problem"]);
        assert!(!ended.output.contains("repeat"), "{ended:?}");
    }
    let taken = "410 Gone";
    let gone = format!("http://{}/", Application { taken, ..RIGHT }.start());
    let ended = check(&gone, &["--expect-gone", "-o", "json"]);
    assert_eq!(findings(&ended, 0), ["tls advice", "answer good"]);
    let still_there = format!("http://{}/", RIGHT.start());
    check(&still_there, &["--expect-gone"]).assert(1, &["410 was expected"]);
}

#[test]
fn what_cannot_be_reached_says_why() {
    let nobody = {
        let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
        listener.local_addr().expect("its address")
    };
    check(&format!("http://{nobody}/"), &[])
        .assert(1, &["refused the connection", "start the application"]);
    check("http://169.254.169.254/latest", &[]).assert(1, &["a cloud's metadata service"]);
    // TLS with somebody who speaks plain HTTP.
    let plain = RIGHT.start();
    check(&format!("https://{plain}/"), &[]).assert(1, &["while connecting", "offer TLS"]);
    for (url, words) in [
        ("ftp://a.example/", "begins with https://"),
        ("https://user:pass@a.example/", "Authorization"),
        ("a.example", "not a url"),
    ] {
        let refused = check(url, &[]);
        refused.assert(2, &[words]);
        assert!(!refused.errors.contains("pass@"), "{refused:?}");
    }
    let url = format!("http://{plain}/");
    check(&url, &["--header", "Webhook-Id: 1"]).assert(2, &["set by longwire"]);
    let directory = tempfile::tempdir().expect("a directory");
    let arguments = ["check-endpoint", &url, "--secret-stdin"];
    longwire(directory.path(), &arguments, &[], "whsec_short").assert(2, &["`whsec_`"]);
}

/// The check dials where a delivery would: the configuration decides.
#[test]
fn the_configuration_says_where_events_may_go() {
    let directory = tempfile::tempdir().expect("a directory");
    let url = format!("http://{}/", RIGHT.start());
    let arguments = ["check-endpoint", &url, "--secret-stdin"];
    let run = || longwire(directory.path(), &arguments, &[], &secret().expose());
    let file = directory.path().join("longwire.toml");
    std::fs::write(&file, "").expect("a configuration");
    run().assert(1, &["webhooks.allow_networks does not allow"]);
    std::fs::write(&file, "[webhooks]\nallow_networks = [\"loopback\"]").expect("another one");
    run().assert(0, &["events can be delivered there"]);
}
