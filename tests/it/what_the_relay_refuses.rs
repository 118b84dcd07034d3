//! What a mistaken program, a stranger or an attacker sends to the relay reaches no bot that is not theirs, and no host but
//! the bot's own platform.

use std::io::{ErrorKind, Read as _, Write as _};
use std::net::{Ipv4Addr, TcpListener, TcpStream};
use std::time::Duration;

use longwire_sim::{Apps, Sim};
use longwire_tests::{Answer, Gateway, SECRET, Setup, Tap, app_id, platform, wait_until};
use serde_json::json;

const ENDPOINT: &str = "/callback/ws/endpoint";
const TENANT_TOKEN: &str = "/open-apis/auth/v3/tenant_access_token/internal";
/// Of the raw client, for one answer.
const PATIENCE: Duration = Duration::from_secs(10);

/// Asks for a connection or a token as an SDK does.
#[track_caller]
fn ask(gateway: &Gateway, path: &str, [app, secret]: [&str; 2]) -> Answer {
    let body = match path {
        ENDPOINT => json!({ "AppID": app, "AppSecret": secret }),
        _ => json!({ "app_id": app, "app_secret": secret }),
    };
    let asked = gateway
        .public()
        .post_callback(path, &[], body.to_string().as_bytes());
    asked.expect("it answers")
}

fn two_bots() -> Sim {
    platform(|settings| {
        let known = ["ours", "theirs"].map(|name| (app_id(name), SECRET.to_owned()));
        settings.apps = Apps::Known(known.to_vec());
    })
}

/// What is said to a wrong secret is said to a real one, to a token for another bot, and about a bot that does not exist: the
/// answer does not say which bots there are.
#[test]
fn who_has_no_token_for_the_bot_learns_nothing() {
    let sim = two_bots();
    let gateway = Setup::new(&sim).bot("ours").bot("theirs").start();
    gateway.wait_live("ours");
    let (ours, theirs) = (app_id("ours"), app_id("theirs"));
    let token = gateway.relay_token("program", "ours");
    let reads_events = gateway.token_with("reader", "events:read", "ours");
    for path in [ENDPOINT, TENANT_TOKEN] {
        let wrong = ask(&gateway, path, [&ours, "wrong"]);
        assert_ne!(wrong.json()["code"], 0, "{}", wrong.body);
        for (app, secret) in [
            (ours.as_str(), SECRET),
            (&theirs, &token),
            (&app_id("nobody's"), &token),
            (&app_id("nobody's"), SECRET),
            (&token, &token),
            (&token, SECRET),
            // A token of the bot that may do something else.
            (&ours, &reads_events),
            ("", ""),
        ] {
            let answer = ask(&gateway, path, [app, secret]);
            assert_eq!(
                (answer.status, &answer.body),
                (wrong.status, &wrong.body),
                "{path} {app}"
            );
        }
        let right = ask(&gateway, path, [&ours, &token]);
        assert_eq!(
            (right.status, right.json()["code"].as_i64()),
            (200, Some(0)),
            "{}",
            right.body
        );
        assert!(!right.body.contains(SECRET), "{}", right.body);
    }
}

/// Every path that is to lead elsewhere is refused, or reaches the bot's own platform below `/open-apis/`.
#[test]
fn no_call_leaves_for_anywhere_but_the_bots_own_platform() {
    let sim = two_bots();
    let tap = Tap::before(sim.address());
    let gateway = Setup::new(&sim).bot_at("ours", &tap.base_url()).start();
    gateway.wait_live("ours");
    let elsewhere = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).expect("a free port");
    elsewhere.set_nonblocking(true).expect("a socket");
    let host = elsewhere.local_addr().expect("it is bound").to_string();
    let token = gateway.relay_token("program", "ours");
    let given = ask(&gateway, TENANT_TOKEN, [&app_id("ours"), &token]).json();
    let token = given["tenant_access_token"]
        .as_str()
        .expect("a token")
        .to_owned();

    let targets = [
        "/open-apis/../admin".to_owned(),
        "/open-apis/im/v1/../../../sim/v1/ledger".to_owned(),
        "/open-apis/im/v1/%2e%2e/%2e%2e/%2e%2e/sim/v1/ledger".to_owned(),
        "/open-apis/im/v1/%2E%2e%2f..%2fsim/v1/ledger".to_owned(),
        "/open-apis/im/v1/..%5c..%5csim".to_owned(),
        "/open-apis/im\\..\\..\\sim".to_owned(),
        format!("/open-apis//{host}/im/v1/messages"),
        format!("/open-apis/@{host}/im/v1/messages"),
        format!("/open-apis/im/v1/messages?next=http://{host}/"),
        format!("/open-apis/http://{host}/"),
        format!("//{host}/open-apis/im/v1/messages"),
        format!("http://{host}/open-apis/im/v1/messages"),
        format!("http://ours@{host}/open-apis/im/v1/messages"),
        format!("{host}/open-apis/im/v1/messages"),
        "/open-apis/im/v1/messages%00".to_owned(),
        "/open-apis/im/v1/messages%0d%0aHost:%20elsewhere".to_owned(),
        "*".to_owned(),
    ];
    for target in &targets {
        for host_header in [&gateway.public().address().to_string(), &host] {
            raw(&gateway, target, host_header, &token);
        }
    }
    let said = String::from_utf8_lossy(&tap.said_by_clients()).into_owned();
    let lines = said.lines().filter(|line| line.ends_with(" HTTP/1.1"));
    let paths: Vec<&str> = lines.filter_map(|line| line.split(' ').nth(1)).collect();
    for path in &paths {
        let is_the_bots = path.starts_with("/ws/") || *path == ENDPOINT;
        let is_below = path.starts_with("/open-apis/")
            && !path.contains("/../")
            && !path.to_lowercase().contains("%2e%2e");
        assert!(is_the_bots || is_below, "{path} of {paths:?}");
    }
    assert!(!said.contains("elsewhere"), "{said}");
    let accepted = elsewhere.accept().map_err(|error| error.kind());
    assert!(
        matches!(accepted, Err(ErrorKind::WouldBlock)),
        "{accepted:?}"
    );
}

/// One request with this target; the connection is read to its end, whatever comes.
fn raw(gateway: &Gateway, target: &str, host: &str, token: &str) -> Vec<u8> {
    let mut stream = TcpStream::connect(gateway.public().address()).expect("it listens");
    stream.set_read_timeout(Some(PATIENCE)).expect("a socket");
    let request = format!(
        "GET {target} HTTP/1.1\r\nHost: {host}\r\nAuthorization: Bearer {token}\r\nConnection: close\r\n\r\n"
    );
    stream.write_all(request.as_bytes()).expect("it reads");
    let mut answer = Vec::new();
    // A reset is an answer too.
    let _ = stream.read_to_end(&mut answer);
    assert!(
        !answer.starts_with(b"HTTP/1.1 2"),
        "{target}: {}",
        String::from_utf8_lossy(&answer)
    );
    answer
}

/// A body that is announced and never ends holds up neither the connection nor the others for ever.
#[test]
fn a_body_that_never_ends_is_not_waited_for() {
    let sim = two_bots();
    let gateway = Setup::new(&sim).bot("ours").start();
    gateway.wait_live("ours");
    let program = gateway.relay_token("program", "ours");
    let given = ask(&gateway, TENANT_TOKEN, [&app_id("ours"), &program]).json();
    let token = given["tenant_access_token"]
        .as_str()
        .expect("a token")
        .to_owned();
    for path in [
        ENDPOINT,
        TENANT_TOKEN,
        "/open-apis/im/v1/messages?receive_id_type=chat_id",
    ] {
        let mut stream = TcpStream::connect(gateway.public().address()).expect("it listens");
        stream.set_nonblocking(true).expect("a socket");
        let head = format!(
            "POST {path} HTTP/1.1\r\nHost: a\r\nAuthorization: Bearer {token}\r\nContent-Length: 1000000\r\n\r\n{{"
        );
        stream.write_all(head.as_bytes()).expect("it reads");
        let meanwhile = ask(&gateway, ENDPOINT, [&app_id("ours"), &program]);
        assert_eq!(meanwhile.status, 200, "{}", meanwhile.body);
        wait_until("its connection ends", || {
            match stream.read(&mut [0; 4096]) {
                Ok(0) => Ok(()),
                Ok(_) => Err("it is answered".to_owned()),
                Err(error) if error.kind() == ErrorKind::WouldBlock => Err("it is open".to_owned()),
                Err(_) => Ok(()),
            }
        });
    }
}
