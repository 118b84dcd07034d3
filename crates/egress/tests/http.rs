//! HTTP requests: what is sent, what is read, and every error.

mod support;

use std::time::Duration;

use bytes::Bytes;
use longwire_egress::{
    Egress, EgressError, HttpAnswer, HttpError, HttpLimits, NoRoute, TlsProblem,
};
use support::server::{Identity, Stream, egress, say, serve, settings};
use support::{PATIENCE, url};
use tokio::io::AsyncReadExt as _;

const LIMITS: HttpLimits = HttpLimits {
    deadline: PATIENCE,
    max_body: 1000,
};

async fn post(egress: &Egress, target: &str, limits: HttpLimits) -> Result<HttpAnswer, HttpError> {
    let headers = [("locale", "zh"), ("User-Agent", "test/1")];
    egress
        .post_json(&url(target), Bytes::from_static(b"{}"), &headers, limits)
        .await
}

/// The result of a request to a server that answers `answer` and closes.
async fn answered(answer: impl Into<Vec<u8>>) -> Result<HttpAnswer, HttpError> {
    let answer = answer.into();
    let script = move |mut stream: Stream, _| {
        let answer = answer.clone();
        async move {
            // Hanging up on unread bytes would reset the connection and may cost it our answer.
            stream.read_exact(&mut [0; 2]).await.expect("the body");
            say(&mut stream, answer).await;
        }
    };
    let port = serve(None, script).await;
    post(&egress(None), &format!("http://127.0.0.1:{port}/"), LIMITS).await
}

#[actix_rt::test]
async fn a_request_and_its_answer() {
    let script = |mut stream: Stream, head: String| async move {
        let mut body = [0; 2];
        stream.read_exact(&mut body).await.expect("the body");
        let seen = format!("{head}{}", String::from_utf8_lossy(&body));
        let length = seen.len();
        say(
            &mut stream,
            format!(
                "HTTP/1.1 201 Created\r\nX-Seen: yes\r\nContent-Length: {length}\r\n\r\n{seen}"
            ),
        )
        .await;
    };
    let port = serve(None, script).await;
    let target = format!("http://127.0.0.1:{port}/base/path?q=1");
    let answer = post(&egress(None), &target, LIMITS)
        .await
        .expect("an answer");
    assert_eq!(answer.status, 201);
    assert!(
        answer
            .headers
            .contains(&("x-seen".to_owned(), "yes".to_owned()))
    );
    let seen = String::from_utf8(answer.body.to_vec())
        .expect("text")
        .to_lowercase();
    assert!(
        seen.starts_with("post /base/path?q=1 http/1.1\r\n"),
        "{seen}"
    );
    for line in [
        "content-type: application/json",
        "locale: zh",
        "user-agent: test/1",
        "content-length: 2",
        &format!("host: 127.0.0.1:{port}"),
    ] {
        assert!(
            seen.contains(&format!("\r\n{line}\r\n")),
            "{line} in {seen}"
        );
    }
    assert!(seen.ends_with("\r\n\r\n{}"), "{seen}");
}

#[actix_rt::test]
async fn answers_are_read_whole() {
    let answer = answered("HTTP/1.1 302 Found\r\nLocation: http://127.0.0.1:1/\r\n\r\n").await;
    assert_eq!(answer.expect("a redirect is not followed").status, 302);
    let chunked = "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n0\r\n\r\n";
    assert_eq!(
        &answered(chunked).await.expect("an answer").body[..],
        b"abc"
    );
    let until_close = "HTTP/1.0 200 OK\r\n\r\nabc";
    assert_eq!(
        &answered(until_close).await.expect("an answer").body[..],
        b"abc"
    );
}

#[actix_rt::test]
async fn bodies_are_bounded() {
    let declared = answered("HTTP/1.1 200 OK\r\nContent-Length: 1001\r\n\r\n").await;
    assert!(
        matches!(declared, Err(HttpError::BodyTooLarge { limit_bytes: 1000 })),
        "{declared:?}"
    );
    let mut sent = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n".to_vec();
    sent.extend(
        b"64\r\n"
            .iter()
            .chain(&[b'x'; 100])
            .chain(b"\r\n")
            .cycle()
            .take(106 * 11),
    );
    let streamed = answered(sent).await;
    assert!(
        matches!(streamed, Err(HttpError::BodyTooLarge { .. })),
        "{streamed:?}"
    );
}

#[actix_rt::test]
async fn answers_that_are_none() {
    let cut = answered("HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nabc").await;
    assert!(
        matches!(
            cut,
            Err(HttpError::Egress(EgressError::Unreachable {
                source: NoRoute::Dropped,
                ..
            }))
        ),
        "{cut:?}"
    );
    let silent = answered("").await;
    assert!(
        matches!(
            silent,
            Err(HttpError::Egress(EgressError::Unreachable { .. }))
        ),
        "{silent:?}"
    );
    let garbage = answered("SSH-2.0-OpenSSH_9.9\r\n\r\n").await;
    assert!(
        matches!(
            garbage,
            Err(HttpError::Egress(EgressError::Protocol { .. }))
        ),
        "{garbage:?}"
    );
    let head = format!("HTTP/1.1 200 OK\r\nX-Long: {}\r\n\r\n", "x".repeat(200_000));
    let oversize = answered(head).await;
    assert!(
        matches!(
            oversize,
            Err(HttpError::Egress(EgressError::Protocol { .. }))
        ),
        "{oversize:?}"
    );
}

#[actix_rt::test]
async fn a_server_that_hangs_costs_the_deadline_and_no_more() {
    let deadline = Duration::from_millis(50);
    for answer in ["", "HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nabc"] {
        let script = move |mut stream: Stream, _| async move {
            say(&mut stream, answer).await;
            std::future::pending().await
        };
        let port = serve(None, script).await;
        let target = format!("http://127.0.0.1:{port}/");
        let hung = post(&egress(None), &target, HttpLimits { deadline, ..LIMITS }).await;
        assert!(
            matches!(hung, Err(HttpError::Egress(EgressError::TimedOut))),
            "{hung:?}"
        );
    }
}

#[actix_rt::test]
async fn nobody_there() {
    let listener = std::net::TcpListener::bind("127.0.0.1:0").expect("a free port");
    let port = listener.local_addr().expect("its address").port();
    drop(listener);
    let refused = post(&egress(None), &format!("http://127.0.0.1:{port}/"), LIMITS).await;
    let Err(HttpError::Egress(EgressError::Unreachable {
        peer,
        source: NoRoute::Refused,
    })) = refused
    else {
        panic!("{refused:?}")
    };
    assert_eq!(peer, format!("127.0.0.1:{port}"));
    let unknown = post(&egress(None), "https://nobody.invalid/", LIMITS).await;
    let unknown = unknown.expect_err("no such name");
    assert!(
        matches!(
            &unknown,
            HttpError::Egress(EgressError::Unreachable {
                source: NoRoute::Name(_),
                ..
            })
        ),
        "{unknown:?}"
    );
}

#[actix_rt::test]
async fn plain_text_goes_where_it_may() {
    let mut settings = settings(None);
    let target = "http://plain.invalid/?canary";
    let refused = post(&Egress::new(&settings), target, LIMITS)
        .await
        .expect_err("refused");
    assert!(
        matches!(refused, HttpError::Egress(EgressError::PlainRefused { .. })),
        "{refused:?}"
    );
    settings.plain_hosts = vec!["PLAIN.invalid".to_owned()];
    let allowed = post(&Egress::new(&settings), target, LIMITS)
        .await
        .expect_err("unknown");
    assert!(
        matches!(allowed, HttpError::Egress(EgressError::Unreachable { .. })),
        "{allowed:?}"
    );
    assert!(!format!("{refused:?} {allowed:?} {allowed}").contains("canary"));
}

#[actix_rt::test]
async fn urls_that_cannot_be_requested() {
    for target in [
        "ftp://127.0.0.1/",
        "ws://127.0.0.1/",
        "http://user:canary@127.0.0.1/",
    ] {
        let refused = post(&egress(None), target, LIMITS)
            .await
            .expect_err("refused");
        assert!(
            matches!(refused, HttpError::Egress(EgressError::BadUrl { .. })),
            "{refused:?}"
        );
        assert!(!format!("{refused:?} {refused}").contains("canary"));
    }
}

#[actix_rt::test]
async fn tls_is_verified() {
    let identity = Identity::new(&["localhost"]);
    let script = |mut stream: Stream, _| async move {
        say(
            &mut stream,
            "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok",
        )
        .await;
    };
    let port = serve(Some(&identity), script).await;
    let target = format!("https://localhost:{port}/");
    let trusting = egress(Some(&identity));
    assert_eq!(
        &post(&trusting, &target, LIMITS)
            .await
            .expect("trusted")
            .body[..],
        b"ok"
    );
    let unknown = post(&egress(None), &target, LIMITS).await;
    assert!(
        matches!(unknown, Err(HttpError::Egress(EgressError::Tls { .. }))),
        "{unknown:?}"
    );
    let wrong_name = post(&trusting, &format!("https://127.0.0.1:{port}/"), LIMITS).await;
    assert!(
        matches!(wrong_name, Err(HttpError::Egress(EgressError::Tls { .. }))),
        "{wrong_name:?}"
    );
}

/// Each problem of a certificate has a remedy of its own, so the error names the problem.
#[actix_rt::test]
async fn a_certificate_that_is_refused_says_why() {
    let plain = Identity::new(&["localhost"]);
    let authority = Identity::of_an_authority();
    let past = Identity::of_the_past();
    for (identity, trusted, host, expected) in [
        (&plain, None, "localhost", TlsProblem::Untrusted),
        (&plain, Some(&plain), "127.0.0.1", TlsProblem::WrongName),
        (
            &authority,
            Some(&authority),
            "localhost",
            TlsProblem::AuthorityAsServer,
        ),
        (&past, Some(&past), "localhost", TlsProblem::OutOfTime),
    ] {
        let port = serve(Some(identity), |_, _| async {}).await;
        let target = format!("https://{host}:{port}/");
        let refused = post(&egress(trusted), &target, LIMITS).await;
        let Err(HttpError::Egress(EgressError::Tls { source, .. })) = &refused else {
            panic!("{refused:?}");
        };
        assert_eq!(TlsProblem::of(source), expected, "{source}");
    }
}

#[actix_rt::test]
async fn a_handshake_cut_off_is_the_networks_fault() {
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0")
        .await
        .expect("a free port");
    let cutting = listener.local_addr().expect("its address").port();
    actix_rt::spawn(async move {
        while let Ok((mut stream, _)) = listener.accept().await {
            stream.read_u8().await.ok();
        }
    });
    let cut = post(
        &egress(None),
        &format!("https://127.0.0.1:{cutting}/"),
        LIMITS,
    )
    .await;
    assert!(
        matches!(cut, Err(HttpError::Egress(EgressError::Unreachable { .. }))),
        "{cut:?}"
    );
}
