//! Upgrades: granted, refused, hanging, and many at once.

mod support;

use std::time::Duration;

use bytes::Bytes;
use futures_util::future::join_all;
use longwire_egress::{Egress, EgressError, UpgradeError, WebSocketIo};
use longwire_wire::websocket::{FrameLimits, FrameReader, MaskKeys, ReceivedMessage, write_binary};
use support::server::{Identity, Stream, echo, egress, say, serve, switching};
use support::{PATIENCE, url};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};

async fn open(egress: &Egress, port: u16) -> Result<WebSocketIo, UpgradeError> {
    egress
        .websocket(
            &url(format!("ws://127.0.0.1:{port}/ws?ticket=canary")),
            PATIENCE,
        )
        .await
}

/// The result of an upgrade at a server that answers `answer`.
async fn answered(answer: impl Into<Vec<u8>>) -> Result<WebSocketIo, UpgradeError> {
    let answer = answer.into();
    let script = move |mut stream: Stream, _| {
        let answer = answer.clone();
        async move { say(&mut stream, answer).await }
    };
    let port = serve(None, script).await;
    open(&egress(None), port).await
}

/// One message there and, unmasked by the server, back.
async fn round_trip(socket: &mut WebSocketIo, payload: &[u8]) {
    let (mut out, mut keys) = (Vec::new(), MaskKeys::new(1));
    write_binary(&mut out, keys.next_key(), payload);
    socket.io.write_all(&out).await.expect("written");
    socket.io.flush().await.expect("flushed");
    let mut back = vec![0; out.len()];
    socket.io.read_exact(&mut back).await.expect("echoed");
    assert_eq!(back, out);
}

#[actix_rt::test]
async fn bytes_go_both_ways() {
    let port = serve(None, echo).await;
    let mut socket = open(&egress(None), port).await.expect("a socket");
    assert!(socket.early.is_empty());
    round_trip(&mut socket, b"hello").await;
}

#[actix_rt::test]
async fn bytes_go_both_ways_over_tls() {
    let identity = Identity::new(&["localhost"]);
    let port = serve(Some(&identity), echo).await;
    let target = url(format!("wss://localhost:{port}/ws"));
    let mut socket = egress(Some(&identity))
        .websocket(&target, PATIENCE)
        .await
        .expect("a socket");
    round_trip(&mut socket, &[7; 100_000][..1000]).await;
    let untrusted = egress(None).websocket(&target, PATIENCE).await;
    assert!(
        matches!(
            untrusted,
            Err(UpgradeError::Egress(EgressError::Tls { .. }))
        ),
        "{untrusted:?}"
    );
}

#[actix_rt::test]
async fn an_event_in_the_packet_of_the_101_is_kept() {
    let script = |mut stream: Stream, head: String| async move {
        let mut packet = switching(&head).into_bytes();
        packet.extend(b"\x82\x05early\x82\x04la");
        say(&mut stream, packet).await;
        say(&mut stream, b"te").await;
        stream.read_u8().await.ok();
    };
    let port = serve(None, script).await;
    let mut socket = open(&egress(None), port).await.expect("a socket");
    let mut reader = FrameReader::new(FrameLimits::default());
    reader.feed(socket.early.clone());
    let mut messages = Vec::new();
    while messages.len() < 2 {
        while let Some(message) = reader.next().expect("a correct stream") {
            messages.push(message);
        }
        if messages.len() < 2 {
            let mut chunk = [0; 64];
            let count = socket.io.read(&mut chunk).await.expect("more");
            assert!(count > 0, "closed early");
            reader.feed(Bytes::copy_from_slice(&chunk[..count]));
        }
    }
    let expected =
        ["early", "late"].map(|text| ReceivedMessage::Binary(Bytes::from_static(text.as_bytes())));
    assert_eq!(messages, expected);
}

#[actix_rt::test]
async fn a_refusal_keeps_its_headers() {
    let refused = answered(
        "HTTP/1.1 403 Forbidden\r\nHandshake-Status: 514\r\nHANDSHAKE-MSG: 认证失败\r\n\
         Handshake-Autherrcode: 1000040350\r\nContent-Length: 3\r\n\r\nno!",
    )
    .await;
    let Err(UpgradeError::Refused(refused)) = refused else {
        panic!("{refused:?}")
    };
    assert_eq!(refused.http_status, 403);
    assert_eq!(refused.header("handshake-status"), Some("514"));
    assert_eq!(refused.header("Handshake-Msg"), Some("认证失败"));
    assert_eq!(refused.header("handshake-autherrcode"), Some("1000040350"));
    assert_eq!(refused.header("missing"), None);
}

#[actix_rt::test]
async fn refusals_at_the_same_time_are_not_mixed_up() {
    let script = |mut stream: Stream, head: String| async move {
        let number = head.split(['/', ' ']).nth(2).unwrap_or_default().to_owned();
        let answer = format!("HTTP/1.1 400 No\r\nHandshake-Msg: {number}\r\n\r\n");
        say(&mut stream, answer).await;
    };
    let port = serve(None, script).await;
    let egress = egress(None);
    let dials = (0..50).map(|number| {
        let target = url(format!("ws://127.0.0.1:{port}/{number}"));
        let egress = &egress;
        async move { (number, egress.websocket(&target, PATIENCE).await) }
    });
    for (number, refused) in join_all(dials).await {
        let Err(UpgradeError::Refused(refused)) = refused else {
            panic!("{refused:?}")
        };
        assert_eq!(refused.header("handshake-msg"), Some(&*number.to_string()));
    }
}

#[actix_rt::test]
async fn answers_that_are_no_upgrade() {
    let ok = answered("HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n").await;
    assert!(
        matches!(ok, Err(UpgradeError::Refused(ref it)) if it.http_status == 200),
        "{ok:?}"
    );
    let wrong_key = answered(
        "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\
         Sec-WebSocket-Accept: AAAA\r\n\r\n",
    )
    .await;
    assert!(
        matches!(
            wrong_key,
            Err(UpgradeError::Egress(EgressError::Protocol { .. }))
        ),
        "{wrong_key:?}"
    );
    let garbage = answered("what?\r\n\r\n").await;
    assert!(
        matches!(
            garbage,
            Err(UpgradeError::Egress(EgressError::Protocol { .. }))
        ),
        "{garbage:?}"
    );
    let oversize = answered(format!(
        "HTTP/1.1 101 X\r\nA: {}\r\n\r\n",
        "x".repeat(200_000)
    ))
    .await;
    assert!(
        matches!(
            oversize,
            Err(UpgradeError::Egress(EgressError::Protocol { .. }))
        ),
        "{oversize:?}"
    );
    let closed = answered("").await;
    assert!(
        matches!(
            closed,
            Err(UpgradeError::Egress(EgressError::Unreachable { .. }))
        ),
        "{closed:?}"
    );
    for error in [ok, wrong_key, garbage, oversize, closed] {
        let error = error.expect_err("no socket");
        assert!(!format!("{error:?} {error}").contains("canary"));
    }
}

#[actix_rt::test]
async fn an_extension_nobody_offered_is_refused() {
    let script = |mut stream: Stream, head: String| async move {
        let answer = switching(&head).replace(
            "Upgrade: w",
            "Sec-WebSocket-Extensions: permessage-deflate\r\nUpgrade: w",
        );
        say(&mut stream, answer).await;
    };
    let port = serve(None, script).await;
    let refused = open(&egress(None), port).await;
    assert!(
        matches!(
            refused,
            Err(UpgradeError::Egress(EgressError::Protocol { .. }))
        ),
        "{refused:?}"
    );
}

#[actix_rt::test]
async fn a_handshake_that_hangs_costs_the_deadline_and_no_more() {
    let script = |stream: Stream, _| async move {
        let _open = stream;
        std::future::pending().await
    };
    let port = serve(None, script).await;
    let target = url(format!("ws://127.0.0.1:{port}/"));
    let hung = egress(None)
        .websocket(&target, Duration::from_millis(50))
        .await;
    assert!(
        matches!(hung, Err(UpgradeError::Egress(EgressError::TimedOut))),
        "{hung:?}"
    );
}

#[actix_rt::test]
async fn plain_text_goes_where_it_may() {
    let refused = egress(None)
        .websocket(&url("ws://plain.invalid/"), PATIENCE)
        .await;
    assert!(
        matches!(
            refused,
            Err(UpgradeError::Egress(EgressError::PlainRefused { .. }))
        ),
        "{refused:?}"
    );
    let wrong = egress(None)
        .websocket(&url("https://host.invalid/"), PATIENCE)
        .await;
    assert!(
        matches!(wrong, Err(UpgradeError::Egress(EgressError::BadUrl { .. }))),
        "{wrong:?}"
    );
}

#[actix_rt::test]
async fn more_sockets_than_awc_would_allow() {
    let port = serve(None, echo).await;
    let egress = egress(None);
    let sockets = join_all((0..150).map(|_| open(&egress, port))).await;
    let mut sockets: Vec<_> = sockets
        .into_iter()
        .collect::<Result<_, _>>()
        .expect("all of them open");
    for socket in &mut sockets {
        round_trip(socket, b"alive").await;
    }
}
