//! Platforms and clients that misbehave.

use std::time::Duration;

use crate::support::client;
use crate::support::platform::{self, Does, Platform, ok};
use crate::support::{APP, TENANT_TOKEN, World};
use longwire_listener::Timeouts;
use longwire_relay::proxy::RelayedOutcome;
use tokio::io::{AsyncWriteExt as _, BufReader};
use tokio::net::TcpStream;

const SOON: Duration = Duration::from_millis(300);

fn impatient(change: &mut crate::support::Change) {
    change.limits.answer = SOON;
    change.limits.idle = SOON;
}

#[actix_rt::test]
async fn a_silent_platform_is_said_to_be_so_and_what_may_have_been_done() {
    let platform = Platform::start(|_, _| Does::Nothing).await;
    let world = World::with(platform.port, impatient);
    let token = world.token("shop", "relay");
    let authorization = world.authorization(&token).await;
    let body = br#"{"receive_id":"oc_1"}"#;
    let path = "/open-apis/im/v1/messages?receive_id_type=chat_id";
    let answered = world.call("POST", path, &authorization, body).await;
    assert_eq!((answered.status, answered.code()), (504, 700_000_504));
    let json = answered.json();
    assert_eq!(json["error"]["problem"], "platform_timeout");
    assert!(
        json["msg"]
            .as_str()
            .expect("text")
            .contains("may have been done"),
        "{json}"
    );
    assert_eq!(platform.calls().len(), 1);
    world.stop().await;
}

#[actix_rt::test]
async fn a_platform_that_is_not_there() {
    let nowhere = std::net::TcpListener::bind("127.0.0.1:0").expect("a free port");
    let port = nowhere.local_addr().expect("an address").port();
    drop(nowhere);
    let world = World::new(port);
    let token = world.token("shop", "relay");
    let authorization = world.authorization(&token).await;
    let answered = world
        .call("GET", "/open-apis/im/v1/chats", &authorization, b"")
        .await;
    assert_eq!((answered.status, answered.code()), (502, 700_000_502));
    assert!(
        answered.json()["msg"]
            .as_str()
            .expect("text")
            .contains("nothing was sent")
    );
    world.stop().await;
}

#[actix_rt::test]
async fn answers_that_are_none() {
    for (raw, status) in [
        ("", 502),
        ("HTTP/1.1 garbage\r\n\r\n", 502),
        ("SSH-2.0-x\r\n", 502),
        (
            "HTTP/1.1 200 X\r\nContent-Type: application/json\r\nContent-Length: 100\r\n\r\n{\"code\":0",
            502,
        ),
    ] {
        let platform = Platform::start(move |_, _| Does::Raw(raw.as_bytes().to_vec())).await;
        let world = World::with(platform.port, impatient);
        let token = world.token("shop", "relay");
        let authorization = world.authorization(&token).await;
        let answered = world
            .call("GET", "/open-apis/im/v1/chats", &authorization, b"")
            .await;
        assert_eq!(answered.status, status, "{raw}: {answered:?}");
        assert_eq!(answered.code(), 700_000_502, "{raw}");
        world.stop().await;
    }
    // An error page passes as it is: what it is, its reader sees.
    let platform = Platform::start(|_, _| {
        Does::Raw(
            b"HTTP/1.1 502 X\r\nContent-Type: text/html\r\nContent-Length: 6\r\n\r\n<html>"
                .to_vec(),
        )
    })
    .await;
    let world = World::new(platform.port);
    let token = world.token("shop", "relay");
    let authorization = world.authorization(&token).await;
    let answered = world
        .call("GET", "/open-apis/im/v1/chats", &authorization, b"")
        .await;
    assert_eq!((answered.status, &answered.body[..]), (502, &b"<html>"[..]));
    world.stop().await;
}

#[actix_rt::test]
async fn a_download_that_is_cut_short_is_cut_short_for_its_reader() {
    for ends in ["hangs up", "is silent"] {
        let platform = Platform::start(move |_, _| {
            let mut bytes = b"HTTP/1.1 200 X\r\nContent-Type: application/octet-stream\r\nContent-Length: 100000\r\n\r\n".to_vec();
            bytes.resize(bytes.len() + 50_000, 7);
            Does::Raw(bytes)
        })
        .await;
        let world = World::with(platform.port, impatient);
        let token = world.token("shop", "relay:all");
        let authorization = world.authorization(&token).await;
        let path = "/open-apis/im/v1/messages/om_1/resources/file_1?type=file";
        let answered = world.call("GET", path, &authorization, b"").await;
        assert_eq!(answered.status, 200, "{ends}");
        assert_eq!(answered.header("content-length"), Some("100000"));
        assert!(answered.body.len() <= 50_000, "{}", answered.body.len());
        world.stop().await;
    }
}

#[actix_rt::test]
async fn a_body_that_never_ends_is_ended() {
    let platform = Platform::start(|_, _| ok("")).await;
    let world = World::with(platform.port, |change| {
        change.timeouts = Timeouts {
            body: SOON,
            ..Timeouts::default()
        };
    });
    let token = world.token("shop", "relay");
    let authorization = world.authorization(&token).await;
    // A short one that is announced, one that is not, and one that passes.
    for (head, first) in [
        ("Content-Length: 100", "{".to_owned()),
        ("Transfer-Encoding: chunked", "5\r\n{\"a\":\r\n".to_owned()),
        ("Content-Length: 900000", "x".repeat(300_000)),
    ] {
        let mut socket = TcpStream::connect(world.address).await.expect("it listens");
        let head = format!(
            "POST /open-apis/im/v1/files HTTP/1.1\r\nHost: x\r\nConnection: close\r\nAuthorization: {authorization}\r\n{head}\r\n\r\n{first}"
        );
        socket
            .write_all(head.as_bytes())
            .await
            .expect("the beginning");
        let answered = client::answer(socket).await;
        assert_eq!(answered.status, 408, "{answered:?}");
        assert_eq!(answered.json()["error"]["problem"], "body_stalled");
    }
    // One that is too long to begin with.
    let mut socket = TcpStream::connect(world.address).await.expect("it listens");
    let head = format!(
        "POST /open-apis/im/v1/files HTTP/1.1\r\nHost: x\r\nConnection: close\r\nAuthorization: {authorization}\r\nContent-Length: 9999999999999\r\n\r\n"
    );
    socket.write_all(head.as_bytes()).await.expect("the head");
    assert_eq!(client::answer(socket).await.status, 413);
    // The call for a token, too.
    let mut socket = TcpStream::connect(world.address).await.expect("it listens");
    let head = format!(
        "POST /open-apis/auth/v3/tenant_access_token/internal HTTP/1.1\r\nHost: x\r\nConnection: close\r\nContent-Length: 500\r\n\r\n{{\"app_id\":\"{APP}\""
    );
    socket
        .write_all(head.as_bytes())
        .await
        .expect("the beginning");
    assert_eq!(client::answer(socket).await.code(), 10_003);
    assert_eq!(platform.calls().len(), 0);
    world.stop().await;
}

#[actix_rt::test]
async fn a_platform_that_takes_no_more_of_a_body_is_given_up() {
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0")
        .await
        .expect("a free port");
    let port = listener.local_addr().expect("an address").port();
    // The first connection asks for a token. The next one sends a file that nobody reads.
    let waiting = actix_rt::spawn(async move {
        let (socket, _) = listener.accept().await.expect("a connection");
        let mut socket = BufReader::new(socket);
        platform::read(&mut socket).await.expect("a call");
        let body = format!(r#"{{"code":0,"tenant_access_token":"{TENANT_TOKEN}","expire":7200}}"#);
        let head = format!(
            "HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: {}\r\n\r\n",
            body.len()
        );
        let answer = (head + &body).into_bytes();
        socket.write_all(&answer).await.expect("the answer");
        socket.shutdown().await.expect("the end");
        listener
    });
    let world = World::with(port, impatient);
    let token = world.token("shop", "relay");
    let authorization = world.authorization(&token).await;
    let mut socket = TcpStream::connect(world.address).await.expect("it listens");
    let head = format!(
        "POST /open-apis/im/v1/files HTTP/1.1\r\nHost: x\r\nConnection: close\r\nAuthorization: {authorization}\r\nContent-Length: 500000000\r\n\r\n"
    );
    socket.write_all(head.as_bytes()).await.expect("the head");
    let part = vec![7; 64 * 1024];
    let writing = async { while socket.write_all(&part).await.is_ok() {} };
    // It is refused while it is being sent.
    let ended = tokio::time::timeout(crate::support::PATIENCE, writing).await;
    assert!(ended.is_ok());
    let figures = world.proxy.figures();
    let uploads = &figures[&("POST", "im/v1/files".into())];
    let outcomes: Vec<_> = uploads.outcomes.keys().copied().collect();
    assert_eq!(outcomes, [Some(RelayedOutcome::Code(700_000_504))]);
    drop(waiting);
    world.stop().await;
}
