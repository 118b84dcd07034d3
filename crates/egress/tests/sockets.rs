//! A socket is counted before it is opened, and until it is closed.

mod support;

use bytes::Bytes;
use longwire_egress::{
    Egress, EgressError, EgressSettings, HttpError, HttpLimits, SocketBudget, UpgradeError,
};
use support::server::{Stream, echo, say, serve, settings};
use support::{PATIENCE, url};
use tokio::io::AsyncReadExt as _;

/// An egress with this many sockets.
fn egress_with(sockets: usize) -> (Egress, SocketBudget) {
    let budget = SocketBudget::new(sockets);
    let egress = Egress::new(&EgressSettings {
        sockets: budget.clone(),
        ..settings(None)
    });
    (egress, budget)
}

#[actix_rt::test]
async fn a_connection_counts_from_before_it_is_opened_until_it_is_closed() {
    let port = serve(None, echo).await;
    let target = url(format!("ws://127.0.0.1:{port}/"));
    // One of the three is for calls.
    let (egress, budget) = egress_with(3);
    let open = || egress.websocket(&target, PATIENCE);
    let first = open().await.expect("a socket");
    let second = open().await.expect("a second one");
    assert_eq!(budget.connections(), 2);
    let third = open().await;
    assert!(
        matches!(
            third,
            Err(UpgradeError::Egress(EgressError::TooManyOpenFiles))
        ),
        "{third:?}"
    );
    drop(first);
    assert_eq!(budget.connections(), 1);
    open().await.expect("its place is free");
    drop(second);
    assert_eq!(budget.connections(), 0);
}

#[actix_rt::test]
async fn a_dial_that_fails_gives_its_permit_back() {
    let (egress, budget) = egress_with(2);
    let nobody = {
        let listener = std::net::TcpListener::bind("127.0.0.1:0").expect("a port");
        listener.local_addr().expect("its address").port()
    };
    let target = url(format!("ws://127.0.0.1:{nobody}/"));
    for _ in 0..3 {
        let refused = egress.websocket(&target, PATIENCE).await;
        assert!(
            matches!(
                refused,
                Err(UpgradeError::Egress(EgressError::Unreachable { .. }))
            ),
            "{refused:?}"
        );
    }
    assert_eq!(budget.connections(), 0);
}

#[actix_rt::test]
async fn a_permit_had_before_is_the_one_that_is_used() {
    let port = serve(None, echo).await;
    let target = url(format!("ws://127.0.0.1:{port}/"));
    let (egress, budget) = egress_with(2);
    let permit = budget.connection().expect("the only one");
    for _ in 0..2 {
        let egress = egress.with_permit(permit.clone());
        let socket = egress.websocket(&target, PATIENCE).await;
        drop(socket.expect("opened with it"));
        assert_eq!(budget.connections(), 1, "it is kept");
    }
}

#[actix_rt::test]
async fn calls_have_sockets_when_connections_have_none_and_keep_none_that_are_scarce() {
    let answer = |mut stream: Stream, _| async move {
        stream.read_exact(&mut [0; 2]).await.expect("the body");
        say(
            &mut stream,
            "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n{}",
        )
        .await;
        // Stays open, as far as the server is concerned.
        let _ = stream.read(&mut [0; 1]).await;
    };
    // One of the two is for calls.
    let (egress, budget) = egress_with(2);
    let _taken = budget.connection().expect("the only one");
    let limits = HttpLimits {
        deadline: PATIENCE,
        max_body: 1000,
    };
    for _ in 0..3 {
        // Each time another host, whose connection would be another one.
        let target = url(format!("http://127.0.0.1:{}/", serve(None, answer).await));
        let body = Bytes::from_static(b"{}");
        let answer = egress.post_json(&target, body, &[], limits).await;
        assert_eq!(answer.expect("an answer").status, 200);
    }
    // A bot's permit serves its call where there is no other, and is free again after it.
    let (none_left, budget) = egress_with(2);
    let permit = budget.connection().expect("the only one");
    let kept: Vec<_> = std::iter::repeat_with(|| serve(None, answer))
        .take(3)
        .collect();
    for port in kept {
        let target = url(format!("http://127.0.0.1:{}/", port.await));
        let bot = none_left.with_permit(permit.clone());
        let answer = bot.post_json(&target, Bytes::from_static(b"{}"), &[], limits);
        assert_eq!(answer.await.expect("an answer").status, 200);
    }
    drop(permit);
    let began = std::time::Instant::now();
    while budget.connections() > 0 {
        assert!(began.elapsed() < PATIENCE, "a kept socket holds it");
        actix_rt::task::yield_now().await;
    }
    let (without, _) = egress_with(0);
    let target = url("http://127.0.0.1:1/");
    let refused = without
        .post_json(&target, Bytes::new(), &[], limits)
        .await
        .expect_err("there is no socket");
    assert!(
        matches!(refused, HttpError::Egress(EgressError::TooManyOpenFiles)),
        "{refused:?}"
    );
}
