//! The feed of the overview, as a WebSocket client has it.

use awc::ws::Frame;
use futures_util::StreamExt as _;

use super::*;

#[test]
fn the_feed_pushes_the_overview_and_ends_with_the_gateway() {
    with_admin(|served| async move {
        let url = format!("{}/admin/v1/feed", served.base);
        let (_, mut feed) = client(&served.token)
            .ws(url)
            .connect()
            .await
            .expect("the feed opens");
        let first = next_frame(&mut feed).await;
        let Some(Frame::Text(text)) = first else {
            panic!("no text: {first:?}")
        };
        let overview: Value = serde_json::from_slice(&text).expect("the text is json");
        assert_eq!(overview["draining"], false);
        served.draining.begin();
        loop {
            match next_frame(&mut feed).await {
                Some(Frame::Close(Some(reason))) => {
                    return assert_eq!(reason.code, awc::ws::CloseCode::Away);
                }
                Some(_) => {}
                None => panic!("the feed ended without a close frame"),
            }
        }
    });
}

/// What stays open ends with its token.
#[test]
fn a_feed_ends_when_its_token_is_revoked() {
    with_admin(|served| async move {
        let token = served.make(whole());
        let url = format!("{}/admin/v1/feed", served.base);
        let (_, mut feed) = client(&token)
            .ws(url)
            .connect()
            .await
            .expect("the feed opens");
        served.store.revoke_token(token.id()).expect("revoked");
        loop {
            match next_frame(&mut feed).await {
                Some(Frame::Close(Some(reason))) => {
                    return assert_eq!(reason.code, awc::ws::CloseCode::Policy);
                }
                Some(_) => {}
                None => panic!("the feed ended without a close frame"),
            }
        }
    });
}

async fn next_frame<S, E: std::fmt::Debug>(feed: &mut S) -> Option<Frame>
where
    S: futures_util::Stream<Item = Result<Frame, E>> + Unpin,
{
    let frame = tokio::time::timeout(Duration::from_secs(10), feed.next())
        .await
        .expect("a frame comes in time");
    frame.map(|frame| frame.expect("the feed speaks websocket"))
}

#[test]
fn so_many_feeds_are_open_and_no_more() {
    let timeouts = Timeouts {
        request: Duration::from_millis(1_500),
        response: Duration::from_millis(300),
        body: Duration::from_millis(300),
        body_bytes: 1_000,
        stream_bytes: 1_000,
    };
    let setup = Setup {
        timeouts,
        ..Setup::default()
    };
    with_admin_of(setup, |served| async move {
        let open = || {
            let url = format!("{}/admin/v1/feed", served.base);
            let client = client(&served.token);
            async move { client.ws(url).connect().await }
        };
        let mut feeds = Vec::new();
        for _ in 0..FEEDS {
            feeds.push(open().await.expect("there is a place"));
        }
        let refused = open().await.err();
        assert!(
            matches!(
                refused,
                Some(awc::error::WsClientError::InvalidResponseStatus(status)) if status == 429
            ),
            "{refused:?}"
        );
        // They outlast a client's timeouts: what follows an upgrade is no body and no request.
        let (_, feed) = feeds.last_mut().expect("there are some");
        let began = std::time::Instant::now();
        while began.elapsed() < timeouts.request * 2 {
            let frame = tokio::time::timeout(LIMIT, feed.next())
                .await
                .expect("a second passes");
            let frame = frame.expect("it is open").expect("it is sound");
            if matches!(frame, Frame::Ping(_)) {
                use futures_util::SinkExt as _;
                let pong = awc::ws::Message::Pong(bytes::Bytes::new());
                feed.send(pong).await.expect("it is open");
            }
        }
        drop(feeds);
        let began = std::time::Instant::now();
        while open().await.is_err() {
            assert!(began.elapsed() < LIMIT, "the places are not free again");
        }
    });
}
