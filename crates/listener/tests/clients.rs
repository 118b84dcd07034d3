//! What a client may hold, over real sockets, with short timeouts.

use std::net::{Ipv4Addr, TcpListener};
use std::sync::Arc;
use std::time::{Duration, Instant};

use actix_web::http::Method;
use actix_web::web::{Bytes, Json};
use actix_web::{Error, HttpResponse};
use futures_util::stream;
use longwire_access::{TokenRefusal, TokenText};
use longwire_listener::{
    AccessCheck, AccessSettings, ListenerSettings, RouteAccess, Routes, StreamLimits, Timeouts,
    TokenRates, serve,
};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;
use tokio::sync::Semaphore;
use tokio::time::timeout;

/// Far above what is needed; bounds how long a broken test hangs.
const LIMIT: Duration = Duration::from_secs(30);

/// So short that waiting for it is no wait, and no answer of ours takes as long.
const TIMEOUTS: Timeouts = Timeouts {
    request: Duration::from_millis(1_500),
    response: Duration::from_millis(300),
    body: Duration::from_millis(300),
    body_bytes: 1_000,
    stream_bytes: 10_000,
};

/// Streams that the server let go of.
static STREAMS_ENDED: Semaphore = Semaphore::const_new(0);

struct StreamEnd;

impl Drop for StreamEnd {
    fn drop(&mut self) {
        STREAMS_ENDED.add_permits(1);
    }
}

fn routes() -> Routes {
    let json = |_: Json<serde_json::Value>| async { "taken" };
    Routes::new()
        .open("/livez", || async { "ok\n" })
        .open("/large", || async { "x".repeat(16 << 10) })
        .open("/stream", || async {
            let chunk = Bytes::from_static(&[b'x'; 16 << 10]);
            let end = StreamEnd;
            let endless = stream::repeat_with(move || {
                let _end = &end;
                Ok::<_, Error>(chunk.clone())
            });
            HttpResponse::Ok().streaming(endless)
        })
        .route(Method::POST, "/json", RouteAccess::Open, json)
}

/// No token is valid, and all routes are open.
fn access() -> AccessCheck {
    AccessCheck::new(AccessSettings {
        tokens: Arc::new(|_: &TokenText, _: i64| Err(TokenRefusal::Unknown)),
        rates: TokenRates::default(),
        streams: StreamLimits {
            per_space: 1,
            per_process: 1,
        },
    })
}

/// Runs a test against a listener with these timeouts, in a system of its own.
fn with_listener<F: Future<Output = ()>>(test: impl FnOnce(String) -> F) {
    actix_rt::System::new().block_on(async {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).expect("loopback has ports");
        let base = format!("http://{}", listener.local_addr().expect("it is bound"));
        let settings = ListenerSettings {
            name: "test",
            connections: 16,
            timeouts: TIMEOUTS,
            hosts: None,
            tls: None,
            upgrades: None,
        };
        let server =
            serve(settings, listener, access(), routes).expect("the listener is taken over");
        actix_rt::spawn(server);
        test(base).await;
    });
}

async fn connect(base: &str) -> TcpStream {
    let address = base.strip_prefix("http://").expect("a plain address");
    TcpStream::connect(address).await.expect("it listens")
}

/// Sends `bytes` and reads until the server hangs up.
async fn exchange(base: &str, bytes: &[u8]) -> String {
    let mut client = connect(base).await;
    client.write_all(bytes).await.expect("they are taken");
    until_the_end(&mut client).await
}

async fn until_the_end(client: &mut TcpStream) -> String {
    let mut answer = Vec::new();
    let read = timeout(LIMIT, client.read_to_end(&mut answer)).await;
    // What was still on its way to the server may make a reset of its goodbye.
    let _ = read.expect("the server hangs up");
    String::from_utf8_lossy(&answer).into_owned()
}

#[test]
fn a_body_that_does_not_come_is_told_so() {
    with_listener(|base| async move {
        for (head, body) in [
            ("Content-Length: 100", "{\"name\":"),
            ("Content-Length: 100", ""),
            ("Content-Length: 100\r\nConnection: Upgrade", ""),
            (
                "Content-Length: 100\r\nConnection: Upgrade\r\nUpgrade: websocket",
                "{\"name\":",
            ),
            ("Transfer-Encoding: chunked", "3\r\n{\"n\r\n"),
        ] {
            let request = format!(
                "POST /json HTTP/1.1\r\nHost: localhost\r\n\
                 Content-Type: application/json\r\n{head}\r\n\r\n{body}"
            );
            let answer = exchange(&base, request.as_bytes()).await;
            assert!(answer.starts_with("HTTP/1.1 408 "), "{head}: {answer}");
            assert!(answer.contains("body_stalled"), "{head}: {answer}");
        }
    });
}

/// A body that comes in small pieces, each in time, has to come to something all the same.
#[test]
fn a_body_that_trickles_is_no_progress() {
    with_listener(|base| async move {
        let mut client = connect(&base).await;
        let head = b"POST /json HTTP/1.1\r\nHost: localhost\r\n\
            Content-Type: application/json\r\nContent-Length: 60000\r\n\r\n";
        client.write_all(head).await.expect("it is taken");
        let began = Instant::now();
        let mut answer = [0; 64];
        let count = loop {
            // A byte every few milliseconds, for as long as the server listens.
            let _ = client.write_all(b" ").await;
            let read = timeout(Duration::from_millis(5), client.read(&mut answer));
            if let Ok(read) = read.await {
                break read.expect("it answers first");
            }
            assert!(began.elapsed() < LIMIT, "it listens for ever");
        };
        assert!(answer[..count].starts_with(b"HTTP/1.1 408"));
    });
}

#[test]
fn half_a_request_is_not_waited_for() {
    with_listener(|base| async move {
        let whole = "GET /livez HTTP/1.1\r\nHost: localhost\r\n";
        for (request, answers) in [
            (String::new(), 0),
            (whole.to_owned(), 0),
            (format!("{whole}\r\n{whole}"), 1),
            // It is answered, and its body is waited for by nobody.
            (format!("{whole}Transfer-Encoding: chunked\r\n\r\n"), 1),
            (
                format!("{whole}Content-Length: 9\r\nConnection: Upgrade\r\n\r\n"),
                1,
            ),
            (format!("{whole}Connection: Upgrade\r\n\r\n"), 1),
        ] {
            let answer = exchange(&base, request.as_bytes()).await;
            let count = answer.matches("HTTP/1.1 200").count();
            assert_eq!(count, answers, "{request}: {answer}");
        }
    });
}

#[test]
fn who_does_not_read_is_let_go() {
    with_listener(|base| async move {
        let mut client = connect(&base).await;
        let requests = b"GET /large HTTP/1.1\r\nHost: a\r\n\r\n".repeat(100);
        let asked = async {
            // Ends when the server has hung up; before that it takes what the kernel has room for.
            while client.write_all(&requests).await.is_ok() {}
        };
        timeout(LIMIT, asked).await.expect("the server hangs up");
        let answer = awc::Client::default().get(format!("{base}/livez")).send();
        assert_eq!(answer.await.expect("it answers").status().as_u16(), 200);
    });
}

/// Each answer begins the timeout anew, so a client that asks now and then keeps its connection.
#[test]
fn who_asks_and_reads_stays() {
    with_listener(|base| async move {
        let mut client = connect(&base).await;
        let began = Instant::now();
        while began.elapsed() < TIMEOUTS.request * 2 {
            let request = b"GET /livez HTTP/1.1\r\nHost: a\r\n\r\n";
            client.write_all(request).await.expect("it is taken");
            let mut answer = Vec::new();
            while !answer.ends_with(b"ok\n") {
                let read = timeout(LIMIT, client.read_buf(&mut answer)).await;
                let count = read.expect("it answers").expect("it is there");
                assert!(count > 0, "it hung up");
            }
        }
    });
}

/// All of them, in their order, although the server reads on only when one is answered.
#[test]
fn requests_sent_ahead_are_answered() {
    with_listener(|base| async move {
        let mut requests = String::new();
        for number in 0..200 {
            requests += &format!("GET /nothing-{number} HTTP/1.1\r\nHost: a\r\n\r\n");
        }
        requests += "GET /livez HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n";
        let answer = exchange(&base, requests.as_bytes()).await;
        assert_eq!(answer.matches("HTTP/1.1 401").count(), 200, "{answer}");
        assert!(answer.ends_with("ok\n"), "{answer}");
    });
}

/// A stream has no end, and its server always has more to write.
#[test]
fn a_stream_goes_on_while_it_is_read_and_ends_when_it_is_not() {
    with_listener(|base| async move {
        let mut client = connect(&base).await;
        let request = b"GET /stream HTTP/1.1\r\nHost: localhost\r\n\r\n";
        client.write_all(request).await.expect("it is taken");
        let began = Instant::now();
        let mut bytes = vec![0; 64 << 10];
        // Far longer than an answer may take.
        while began.elapsed() < TIMEOUTS.response * 5 {
            let read = timeout(LIMIT, client.read(&mut bytes)).await;
            assert_ne!(read.expect("it comes").expect("it goes on"), 0);
            tokio::time::sleep(Duration::from_millis(1)).await;
        }
        // From now on nobody reads.
        let ended = timeout(LIMIT, STREAMS_ENDED.acquire()).await;
        ended
            .expect("the server hangs up")
            .expect("it is open")
            .forget();
    });
}
