//! Requests whose bodies pass through: what is sent and read, and the deadline of each step.

mod support;

use std::time::Duration;

use bytes::Bytes;
use futures_util::stream::LocalBoxStream;
use futures_util::{StreamExt as _, stream};
use longwire_egress::{
    BodyError, Egress, EgressError, HeaderMap, HeaderName, HeaderValue, Method, Progress,
    SocketBudget, StreamedAnswer, StreamedBody, StreamedRequest, StreamingError, StreamingLimits,
};
use support::server::{Stream, egress, say, serve, settings};
use support::{PATIENCE, url};
use tokio::io::AsyncReadExt as _;

const LIMITS: StreamingLimits = StreamingLimits {
    connect: PATIENCE,
    answer: PATIENCE,
    idle: PATIENCE,
};

const SOON: Duration = Duration::from_millis(200);

async fn send(
    egress: &Egress,
    port: u16,
    body: StreamedBody,
    limits: StreamingLimits,
) -> Result<StreamedAnswer, StreamingError> {
    let mut headers = HeaderMap::new();
    headers.insert(
        HeaderName::from_static("x-seen"),
        HeaderValue::from_static("1"),
    );
    let request = StreamedRequest {
        method: Method::PATCH,
        base: &url(format!("http://127.0.0.1:{port}/ignored?x")),
        target: "/a%2Fb?c='d'&e=//f",
        headers,
        body,
    };
    egress.stream(request, limits).await
}

fn parts(parts: &'static [&'static str]) -> LocalBoxStream<'static, Result<Bytes, BodyError>> {
    stream::iter(
        parts
            .iter()
            .map(|part| Ok(Bytes::from_static(part.as_bytes()))),
    )
    .boxed_local()
}

async fn whole(mut answer: StreamedAnswer) -> Result<Vec<u8>, EgressError> {
    let mut whole = Vec::new();
    while let Some(part) = answer.body.next().await {
        whole.extend_from_slice(&part?);
    }
    Ok(whole)
}

/// A server that reads so many bytes of a body and answers with all that it has seen.
async fn echo(body_bytes: usize) -> u16 {
    serve(None, move |mut stream: Stream, head: String| async move {
        let mut body = vec![0; body_bytes];
        stream.read_exact(&mut body).await.expect("the body");
        let seen = format!("{head}{}", String::from_utf8_lossy(&body));
        let answer = format!(
            "HTTP/1.1 418 X\r\nX-Own: yes\r\nContent-Length: {}\r\n\r\n{seen}",
            seen.len()
        );
        say(&mut stream, answer).await;
    })
    .await
}

/// A server that takes connections, and neither reads nor says anything.
async fn silent() -> u16 {
    serve(None, |stream: Stream, _| async move {
        let _open = stream;
        std::future::pending::<()>().await;
    })
    .await
}

#[actix_rt::test]
async fn each_kind_of_body_is_sent_as_it_is() {
    for (body, bytes, line, end) in [
        (StreamedBody::Empty, 0, "", "\r\n\r\n"),
        (
            StreamedBody::Whole(Bytes::from_static(b"hello")),
            5,
            "content-length: 5",
            "hello",
        ),
        (
            StreamedBody::Sized(5, parts(&["he", "llo"])),
            5,
            "content-length: 5",
            "hello",
        ),
        (
            StreamedBody::Chunked(parts(&["he", "llo"])),
            20,
            "transfer-encoding: chunked",
            "2\r\nhe\r\n3\r\nllo\r\n0\r\n\r\n",
        ),
    ] {
        let port = echo(bytes).await;
        let answer = send(&egress(None), port, body, LIMITS)
            .await
            .expect("an answer");
        assert_eq!(answer.status.as_u16(), 418);
        assert!(answer.headers.contains_key("x-own"));
        let seen = String::from_utf8(whole(answer).await.expect("all of it")).expect("text");
        assert!(
            seen.starts_with("PATCH /a%2Fb?c='d'&e=//f HTTP/1.1\r\n"),
            "{seen}"
        );
        let lower = seen.to_lowercase();
        assert!(
            lower.contains("x-seen: 1\r\n") && lower.contains(line),
            "{seen}"
        );
        assert!(
            lower.contains(&format!("host: 127.0.0.1:{port}\r\n")),
            "{seen}"
        );
        assert!(seen.ends_with(end), "{seen}");
    }
}

#[actix_rt::test]
async fn each_step_has_a_deadline() {
    let silent = silent().await;
    let limits = StreamingLimits {
        answer: SOON,
        idle: SOON,
        ..LIMITS
    };
    let body = StreamedBody::Whole(Bytes::from_static(b"x"));
    let error = send(&egress(None), silent, body, limits)
        .await
        .expect_err("no answer");
    let StreamingError::Egress { source, progress } = error else {
        panic!("{error:?}")
    };
    assert!(matches!(source, EgressError::TimedOut));
    assert_eq!(progress, Progress::MaybeSent);
    // A body that nobody takes: it has the deadline of that step, and not that of the connection before it.
    let endless = stream::repeat_with(|| Ok(Bytes::from_static(&[7; 65_536]))).boxed_local();
    let body = StreamedBody::Sized(1 << 40, endless);
    let egress_of_body = egress(None);
    let sent = send(&egress_of_body, silent, body, limits);
    let sent = tokio::time::timeout(PATIENCE / 2, sent).await;
    let error = sent.expect("it is given up").expect_err("no answer");
    assert!(matches!(
        error,
        StreamingError::Egress {
            source: EgressError::TimedOut,
            ..
        }
    ));
    // An answer that stops.
    let port = serve(None, |mut stream: Stream, _| async move {
        say(
            &mut stream,
            "HTTP/1.1 200 X\r\nContent-Length: 100\r\n\r\nabc",
        )
        .await;
        std::future::pending::<()>().await;
    })
    .await;
    let answer = send(&egress(None), port, StreamedBody::Empty, limits).await;
    let error = whole(answer.expect("a head")).await.expect_err("it stops");
    assert!(matches!(error, EgressError::TimedOut));
}

#[actix_rt::test]
async fn a_body_or_an_answer_that_ends_early_is_an_error() {
    let silent = silent().await;
    let broken = stream::iter([Ok(Bytes::from_static(b"x")), Err(BodyError::from("broken"))]);
    let body = StreamedBody::Sized(9, broken.boxed_local());
    let error = send(&egress(None), silent, body, LIMITS)
        .await
        .expect_err("no answer");
    assert!(matches!(error, StreamingError::Body(error) if error.to_string() == "broken"));
    let port = serve(None, |mut stream: Stream, _| async move {
        say(
            &mut stream,
            "HTTP/1.1 200 X\r\nContent-Length: 100\r\n\r\nabc",
        )
        .await;
    })
    .await;
    let answer = send(&egress(None), port, StreamedBody::Empty, LIMITS).await;
    let error = whole(answer.expect("a head"))
        .await
        .expect_err("it ends early");
    assert!(
        matches!(error, EgressError::Unreachable { .. }),
        "{error:?}"
    );
}

#[actix_rt::test]
async fn such_calls_wait_for_a_place_and_leave_half_to_others() {
    let port = serve(None, |mut stream: Stream, _| async move {
        say(
            &mut stream,
            "HTTP/1.1 200 X\r\nContent-Length: 100\r\n\r\nabc",
        )
        .await;
        std::future::pending::<()>().await;
    })
    .await;
    let mut settings = settings(None);
    // Of 32 sockets two are for calls, and one of these for bodies that pass.
    settings.sockets = SocketBudget::new(32);
    let egress = Egress::new(&settings);
    let first = send(&egress, port, StreamedBody::Empty, LIMITS)
        .await
        .expect("a head");
    let limits = StreamingLimits {
        connect: SOON,
        ..LIMITS
    };
    let error = send(&egress, port, StreamedBody::Empty, limits)
        .await
        .expect_err("no place");
    let StreamingError::Egress { source, progress } = error else {
        panic!("{error:?}")
    };
    assert!(matches!(source, EgressError::TooManyOpenFiles));
    assert_eq!(progress, Progress::NotSent);
    drop(first);
    assert!(
        send(&egress, port, StreamedBody::Empty, limits)
            .await
            .is_ok()
    );
}
