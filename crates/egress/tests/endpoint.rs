//! Posts to a webhook: what is sent, connections that are kept, every answer and every error.

mod support;

use std::cell::{Cell, RefCell};
use std::rc::Rc;
use std::sync::Arc;
use std::time::Duration;

use longwire_egress::endpoint::{
    ConnectionUse, EndpointCa, EndpointClient, EndpointHeaders, EndpointSettings, EndpointUrl,
    HeaderLines, MalformedAnswer, PostAnswer, PostError, PostLimits, PostProblem, RequestStep,
};
use longwire_egress::{
    AddressFilter, AddressKind, Egress, EgressSettings, ProxyPolicy, SocketBudget, TlsProblem,
};
use longwire_sim::proxy::{Proxy, ProxyAnswer};
use support::PATIENCE;
use support::server::{Identity, Stream, egress, read_head, say, serve, settings};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpListener;
use tokio_rustls::rustls::HandshakeKind;

const LIMITS: PostLimits = PostLimits {
    deadline: PATIENCE,
    keep_bytes: 16 * 1024,
};

const OK: &str = "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n{}";

fn endpoint(url: &str, allowed: &[&str]) -> EndpointSettings {
    let filter = AddressFilter::from_entries(allowed).expect("entries that can be used");
    EndpointSettings::new(url.parse().expect("an address"), Arc::new(filter))
}

fn client(port: u16) -> EndpointClient {
    let url = format!("http://127.0.0.1:{port}/hook?key=1");
    egress(None).endpoint(&endpoint(&url, &["loopback"]))
}

async fn post(client: &EndpointClient) -> Result<PostAnswer, PostError> {
    let mut headers = HeaderLines::default();
    headers.push("webhook-id", "evt_1").expect("a header");
    client
        .post(&headers, &[b"{\"a\":", b"", b"1}"], LIMITS)
        .await
}

/// The body of the request with this head.
async fn read_body(stream: &mut Stream, head: &str) -> String {
    let length = head
        .lines()
        .find_map(|line| line.strip_prefix("Content-Length: "));
    let length = length.and_then(|it| it.parse().ok()).expect("a length");
    let mut body = vec![0; length];
    stream.read_exact(&mut body).await.expect("the body");
    String::from_utf8(body).expect("text")
}

/// A server that gives the answers in turn, each to one request, and an empty one closes the connection without answer.
/// After the last one it closes every connection. Counts connections.
async fn answering(
    identity: Option<&Identity>,
    answers: &[&str],
) -> (u16, Rc<Cell<usize>>, Rc<RefCell<Vec<String>>>) {
    let answers: Vec<String> = answers.iter().rev().map(|it| (*it).to_owned()).collect();
    let answers = Rc::new(RefCell::new(answers));
    let (connections, seen) = (Rc::new(Cell::new(0)), Rc::new(RefCell::new(Vec::new())));
    let (count, heads) = (Rc::clone(&connections), Rc::clone(&seen));
    let port = serve(identity, move |mut stream: Stream, head| {
        count.set(count.get() + 1);
        let (answers, heads) = (Rc::clone(&answers), Rc::clone(&heads));
        async move {
            let mut next = Some(head);
            while let Some(head) = next {
                let body = read_body(&mut stream, &head).await;
                heads.borrow_mut().push(format!("{head}{body}"));
                let Some(answer) = answers.borrow_mut().pop() else {
                    return;
                };
                if answer.is_empty() {
                    return;
                }
                say(&mut stream, &answer).await;
                if answer.contains("close") {
                    return;
                }
                next = read_head(&mut stream).await;
            }
        }
    })
    .await;
    (port, connections, seen)
}

/// The outcome of one post that is answered with these bytes, after which the server closes.
async fn answered(answer: &str) -> Result<PostAnswer, PostError> {
    let (port, ..) = answering(None, &[answer, ""]).await;
    post(&client(port)).await
}

#[actix_rt::test]
async fn a_request_and_its_answer() {
    let (port, _, seen) = answering(
        None,
        &["HTTP/1.1 201 Created\r\nRetry-After: 3\r\nContent-Length: 2\r\n\r\n{}"],
    )
    .await;
    let mut settings = endpoint(&format!("http://127.0.0.1:{port}/a b?key=1"), &["loopback"]);
    settings.headers =
        EndpointHeaders::new([("Authorization", "Bearer canary")]).expect("it may be set");
    let client = egress(None).endpoint(&settings);
    let answer = post(&client).await.expect("an answer");
    assert_eq!((answer.status, answer.body()), (201, &b"{}"[..]));
    assert!(answer.is_success() && answer.body_is_whole);
    assert_eq!(answer.header("retry-after"), Some("3"));
    assert_eq!(answer.connection, ConnectionUse::Opened);
    let version = env!("CARGO_PKG_VERSION");
    let expected = format!(
        "POST /a%20b?key=1 HTTP/1.1\r\nHost: 127.0.0.1:{port}\r\nContent-Type: application/json\r\n\
         User-Agent: longwire/{version}\r\nAuthorization: Bearer canary\r\nwebhook-id: evt_1\r\n\
         Content-Length: 7\r\n\r\n{{\"a\":1}}"
    );
    assert_eq!(*seen.borrow(), [expected]);
    let printed = format!("{client:?} {settings:?} {answer:?}");
    assert!(
        !printed.contains("canary") && !printed.contains("key"),
        "{printed}"
    );
}

#[actix_rt::test]
async fn a_body_of_many_parts_arrives_whole() {
    let (port, _, seen) = answering(None, &[OK, OK]).await;
    let client = client(port);
    let parts: Vec<Vec<u8>> = (0..100_u8).map(|n| vec![b'a' + n % 26; 7000]).collect();
    let slices: Vec<&[u8]> = parts.iter().map(Vec::as_slice).collect();
    for _ in 0..2 {
        let answer = client.post(&HeaderLines::default(), &slices, LIMITS).await;
        assert_eq!(answer.expect("an answer").status, 200);
    }
    let body = String::from_utf8(parts.concat()).expect("letters");
    for request in seen.borrow().iter() {
        assert!(request.ends_with(&format!("\r\n\r\n{body}")));
    }
}

#[actix_rt::test]
async fn a_connection_is_kept_until_the_answer_ends_it() {
    let chunked = "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n1\r\nx\r\n0\r\n\r\n";
    let answers = [
        OK,
        "HTTP/1.1 204 No Content\r\n\r\n",
        chunked,
        "HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 302 x\r\nLocation: /other\r\nContent-Length: 0\r\n\r\n",
        "HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: 0\r\n\r\n",
        OK,
    ];
    let (port, connections, _) = answering(None, &answers).await;
    let client = client(port);
    let mut uses = Vec::new();
    for (status, idle) in [(200, 1), (204, 1), (200, 1), (302, 1), (200, 0), (200, 1)] {
        let answer = post(&client).await.expect("an answer");
        assert_eq!((answer.status, client.idle_connections()), (status, idle));
        uses.push(answer.connection);
    }
    use ConnectionUse::{Kept, Opened};
    assert_eq!(uses, [Opened, Kept, Kept, Kept, Kept, Opened]);
    assert_eq!(connections.get(), 2);
    client.close_idle();
    assert_eq!(client.idle_connections(), 0);
}

#[actix_rt::test]
async fn a_kept_connection_that_was_closed_is_replaced_once() {
    // The second request is read and not answered, the third gets its answer.
    let (port, connections, seen) = answering(None, &[OK, "", OK]).await;
    let client = client(port);
    post(&client).await.expect("an answer");
    let answer = post(&client).await.expect("an answer");
    assert_eq!(answer.connection, ConnectionUse::Resent);
    assert_eq!((connections.get(), seen.borrow().len()), (2, 3));
    // On a new connection nothing is sent twice.
    let (port, connections, _) = answering(None, &[""]).await;
    let dropped = post(&self::client(port)).await.expect_err("no answer");
    let step = RequestStep::AwaitingAnswer;
    assert!(
        matches!(&dropped.problem, PostProblem::Dropped { step: at, .. } if *at == step),
        "{dropped:?}"
    );
    assert!(dropped.may_have_arrived && !dropped.resent);
    assert_eq!(connections.get(), 1);
    // Nor after a part of an answer.
    let (port, connections, _) = answering(None, &[OK, "HTTP/1.1 200 close\r\n"]).await;
    let client = self::client(port);
    post(&client).await.expect("an answer");
    let cut = post(&client).await.expect_err("no whole answer");
    let step = RequestStep::ReadingAnswer;
    assert!(
        matches!(&cut.problem, PostProblem::Dropped { step: at, .. } if *at == step),
        "{cut:?}"
    );
    assert_eq!(connections.get(), 1);
}

#[actix_rt::test]
async fn a_second_failure_says_that_the_first_may_have_arrived() {
    let (port, ..) = answering(None, &[OK, "", ""]).await;
    let client = client(port);
    post(&client).await.expect("an answer");
    let failed = post(&client).await.expect_err("closed twice");
    assert!(failed.resent && failed.may_have_arrived, "{failed:?}");
}

/// The close may be seen before the next request or only after it. In both cases the application has it once, because
/// nobody reads what comes over a closed connection.
#[actix_rt::test]
async fn a_connection_closed_meanwhile_is_not_used() {
    let closes = "HTTP/1.1 200 OK\r\nX-Then: close\r\nContent-Length: 0\r\n\r\n";
    let (port, connections, seen) = answering(None, &[closes, OK]).await;
    let client = client(port);
    post(&client).await.expect("an answer");
    assert_eq!(client.idle_connections(), 1, "nothing told of the close");
    let answer = post(&client).await.expect("an answer");
    assert_ne!(answer.connection, ConnectionUse::Kept);
    assert_eq!((connections.get(), seen.borrow().len()), (2, 2));
}

/// Whether a later post comes or not.
#[actix_rt::test]
async fn a_connection_that_is_not_used_is_closed() {
    let (port, ..) = answering(None, &[OK, OK, OK]).await;
    let mut settings = endpoint(&format!("http://127.0.0.1:{port}/"), &["loopback"]);
    settings.idle = Duration::from_millis(50);
    let client = egress(None).endpoint(&settings);
    for posts in [2, 1] {
        // Two at once, so that one is older than that which is used again.
        let answers = futures_util::future::join_all((0..posts).map(|_| post(&client))).await;
        assert!(answers.iter().all(Result::is_ok), "{answers:?}");
        assert!(client.idle_connections() > 0);
        let closed = async {
            while client.idle_connections() > 0 {
                tokio::task::yield_now().await;
            }
        };
        let closed = tokio::time::timeout(PATIENCE, closed).await;
        closed.expect("nobody uses it, and it is closed");
    }
}

#[actix_rt::test]
async fn an_endpoint_says_how_long_it_keeps_connections() {
    let short = "HTTP/1.1 200 OK\r\nKeep-Alive: timeout=1\r\nContent-Length: 0\r\n\r\n";
    let (port, connections, _) = answering(None, &[short, OK]).await;
    let client = client(port);
    for _ in 0..2 {
        let answer = post(&client).await.expect("an answer");
        assert_eq!(answer.connection, ConnectionUse::Opened);
    }
    assert_eq!(connections.get(), 2);
}

#[actix_rt::test]
async fn a_long_answer_is_kept_in_part() {
    let body = "x".repeat(100_000);
    let long = format!("HTTP/1.1 200 OK\r\nContent-Length: 100000\r\n\r\n{body}");
    let (port, connections, _) = answering(None, &[&long, OK]).await;
    let client = client(port);
    let answer = post(&client).await.expect("an answer");
    assert_eq!(answer.body().len(), LIMITS.keep_bytes);
    assert!(!answer.body_is_whole);
    // It was read to its end, so its connection serves the next one.
    let next = post(&client).await.expect("an answer");
    assert_eq!(next.connection, ConnectionUse::Kept);
    assert_eq!(connections.get(), 1);
    let endless = format!("HTTP/1.1 200 OK\r\nContent-Length: 9000000000\r\n\r\n{body}");
    let (port, ..) = answering(None, &[&endless]).await;
    let client = self::client(port);
    assert_eq!(post(&client).await.expect("an answer").status, 200);
    assert_eq!(client.idle_connections(), 0);
}

#[actix_rt::test]
async fn answers_without_a_length() {
    let answer = answered("HTTP/1.0 200 close\r\n\r\nuntil the end").await;
    let answer = answer.expect("an answer");
    assert_eq!(answer.body(), b"until the end");
    assert!(answer.body_is_whole);
    let cut = answered("HTTP/1.1 200 close\r\nContent-Length: 5\r\n\r\nabc").await;
    assert!(
        matches!(
            cut.as_ref().map_err(|error| &error.problem),
            Err(PostProblem::Dropped { .. })
        ),
        "{cut:?}"
    );
    for (answer, expected) in [
        ("SSH-2.0-close\r\n", MalformedAnswer::Head),
        (
            "HTTP/1.1 101 close\r\nUpgrade: x\r\n\r\n",
            MalformedAnswer::Upgrade,
        ),
    ] {
        let malformed = answered(answer).await.expect_err("no answer");
        assert!(
            matches!(&malformed.problem, PostProblem::Malformed { reason, .. } if *reason == expected),
            "{malformed:?}"
        );
        assert!(malformed.may_have_arrived);
    }
}

/// A port that nobody listens at.
fn nobody() -> u16 {
    let listener = std::net::TcpListener::bind("127.0.0.1:0").expect("a port");
    listener.local_addr().expect("its address").port()
}

#[actix_rt::test]
async fn nobody_there() {
    let port = nobody();
    let refused = post(&client(port)).await.expect_err("nobody listens");
    assert!(
        matches!(&refused.problem, PostProblem::Refused { peer } if *peer == format!("127.0.0.1:{port}")),
        "{refused:?}"
    );
    assert!(!refused.may_have_arrived);
    let unknown = endpoint("https://no-such-host.invalid/", &[]);
    let unknown = post(&egress(None).endpoint(&unknown)).await;
    assert!(
        matches!(
            unknown.as_ref().map_err(|error| &error.problem),
            Err(PostProblem::Name { .. })
        ),
        "{unknown:?}"
    );
}

#[actix_rt::test]
async fn the_deadline_says_what_was_under_way() {
    let short = PostLimits {
        deadline: Duration::from_millis(50),
        ..LIMITS
    };
    let silent = |mut stream: Stream, _| async move {
        let mut unread = [0; 64];
        while stream.read(&mut unread).await.is_ok_and(|count| count > 0) {}
    };
    let port = serve(None, silent).await;
    let headers = HeaderLines::default();
    let late = client(port).post(&headers, &[b"{}"], short).await;
    let late = late.expect_err("it never answers");
    let step = RequestStep::AwaitingAnswer;
    assert!(
        matches!(late.problem, PostProblem::TimedOut { step: at } if at == step),
        "{late:?}"
    );
    assert!(late.may_have_arrived);
    // One that reads nothing after the head.
    let deaf = |stream: Stream, _| async move {
        std::future::pending::<()>().await;
        drop(stream);
    };
    let port = serve(None, deaf).await;
    let large = vec![0; 64 << 20];
    let stuck = client(port).post(&headers, &[&large], short).await;
    let stuck = stuck.expect_err("it never reads");
    let step = RequestStep::Sending;
    assert!(
        matches!(stuck.problem, PostProblem::TimedOut { step: at } if at == step),
        "{stuck:?}"
    );
    assert!(!stuck.may_have_arrived);
}

#[actix_rt::test]
async fn blocked_addresses_are_not_dialled() {
    let (port, connections, _) = answering(None, &[OK]).await;
    for (url, kind) in [
        (format!("http://127.0.0.1:{port}/"), AddressKind::Loopback),
        (format!("https://localhost:{port}/"), AddressKind::Loopback),
        (
            format!("http://[::ffff:127.0.0.1]:{port}/"),
            AddressKind::Embedded,
        ),
        (
            "http://169.254.169.254/latest".to_owned(),
            AddressKind::Metadata,
        ),
        (format!("http://0.0.0.0:{port}/"), AddressKind::Unspecified),
    ] {
        let client = egress(None).endpoint(&endpoint(&url, &["private"]));
        let blocked = post(&client).await.expect_err("not to be dialled");
        assert!(
            matches!(&blocked.problem, PostProblem::Blocked(blocked) if blocked.kind == kind),
            "{blocked:?}"
        );
        assert!(!blocked.may_have_arrived);
    }
    assert_eq!(connections.get(), 0);
    let plain = egress(None).endpoint(&endpoint("http://1.1.1.1:9/", &["loopback"]));
    let plain = post(&plain).await.expect_err("plain text to the internet");
    assert!(
        matches!(plain.problem, PostProblem::PlainRefused),
        "{plain:?}"
    );
}

#[actix_rt::test]
async fn tls_and_an_authority_of_its_own() {
    let identity = Identity::new(&["localhost"]);
    let (port, connections, _) = answering(Some(&identity), &[OK, OK, OK]).await;
    let pem = std::fs::read(&identity.ca_file).expect("its certificate");
    let mut settings = endpoint(&format!("https://localhost:{port}/"), &["loopback"]);
    settings.ca = Some(EndpointCa::from_pem(&pem).expect("an authority"));
    let client = egress(None).endpoint(&settings);
    for connection in [ConnectionUse::Opened, ConnectionUse::Kept] {
        let answer = post(&client).await.expect("an answer");
        assert_eq!(answer.connection, connection);
    }
    // The gateway's roots do not know it, and its authority vouches for no other.
    settings.ca = None;
    let untrusted = post(&egress(None).endpoint(&settings)).await;
    let untrusted = untrusted.expect_err("nobody vouches for it");
    assert!(
        matches!(
            untrusted.problem,
            PostProblem::Tls {
                problem: TlsProblem::Untrusted,
                ..
            }
        ),
        "{untrusted:?}"
    );
    let trusting = egress(Some(&identity)).endpoint(&settings);
    assert_eq!(post(&trusting).await.expect("an answer").status, 200);
    let other = Identity::new(&["localhost"]);
    let pem = std::fs::read(&other.ca_file).expect("its certificate");
    settings.ca = Some(EndpointCa::from_pem(&pem).expect("an authority"));
    let foreign = post(&egress(Some(&identity)).endpoint(&settings)).await;
    assert!(
        matches!(
            foreign.as_ref().map_err(|error| &error.problem),
            Err(PostProblem::Tls { .. })
        ),
        "{foreign:?}"
    );
    assert!(foreign.is_err_and(|error| !error.may_have_arrived));
    assert_eq!(connections.get(), 2, "no request without trust");
}

#[actix_rt::test]
async fn tls_that_fails_after_the_request_leaves_open_whether_it_arrived() {
    let identity = Identity::new(&["localhost"]);
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
    let port = listener.local_addr().expect("its address").port();
    let acceptor = identity.acceptor.clone();
    let application = actix_rt::spawn(async move {
        let (tcp, _) = listener.accept().await.expect("a client");
        let mut tls = acceptor.accept(tcp).await.expect("its handshake");
        let mut request = [0; 64];
        tls.read_exact(&mut request).await.expect("a request");
        let (mut tcp, _) = tls.into_inner();
        tcp.write_all(b"this is no record of tls").await
    });
    let settings = endpoint(&format!("https://localhost:{port}/"), &["loopback"]);
    let failed = post(&egress(Some(&identity)).endpoint(&settings)).await;
    let failed = failed.expect_err("no answer");
    assert!(
        matches!(failed.problem, PostProblem::Tls { .. }),
        "{failed:?}"
    );
    assert!(failed.may_have_arrived);
    application
        .await
        .expect("no panic")
        .expect("it was written");
}

#[actix_rt::test]
async fn a_second_connection_resumes_the_tls_session() {
    let identity = Identity::new(&["localhost"]);
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
    let port = listener.local_addr().expect("its address").port();
    let acceptor = identity.acceptor.clone();
    let seen = Rc::new(RefCell::new(Vec::new()));
    let handshakes = Rc::clone(&seen);
    actix_rt::spawn(async move {
        while let Ok((tcp, _)) = listener.accept().await {
            let tls = acceptor.accept(tcp).await.expect("a client");
            let session = tls.get_ref().1;
            let name = session.server_name().map(str::to_owned);
            handshakes
                .borrow_mut()
                .push((session.handshake_kind(), name));
            let mut stream: Stream = Box::new(tls);
            let head = read_head(&mut stream).await.expect("a request");
            read_body(&mut stream, &head).await;
            let closes = "HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: 0\r\n\r\n";
            say(&mut stream, closes).await;
        }
    });
    let pem = std::fs::read(&identity.ca_file).expect("its certificate");
    let mut settings = endpoint(&format!("https://localhost:{port}/"), &["loopback"]);
    settings.ca = Some(EndpointCa::from_pem(&pem).expect("an authority"));
    // Two clients, as two arbiters have them.
    for _ in 0..2 {
        let client = egress(None).endpoint(&settings);
        assert_eq!(post(&client).await.expect("an answer").status, 200);
    }
    let name = Some("localhost".to_owned());
    let expected = [
        (Some(HandshakeKind::Full), name.clone()),
        (Some(HandshakeKind::Resumed), name),
    ];
    assert_eq!(*seen.borrow(), expected);
}

#[actix_rt::test]
async fn sockets_are_counted_and_scarce_ones_not_kept() {
    let (port, ..) = answering(None, &[OK, OK, OK]).await;
    let url = format!("http://127.0.0.1:{port}/");
    let with_sockets = |sockets| {
        let egress = Egress::new(&EgressSettings {
            sockets: SocketBudget::new(sockets),
            ..settings(None)
        });
        move || egress.endpoint(&endpoint(&url, &["loopback"]))
    };
    // Two of these are for webhooks. One may stay open, and the other serves every other endpoint.
    let client = with_sockets(32);
    let (first, second) = (client(), client());
    for _ in 0..2 {
        post(&first).await.expect("an answer");
    }
    post(&second).await.expect("an answer");
    assert_eq!(
        (first.idle_connections(), second.idle_connections()),
        (1, 0)
    );
}

/// An endpoint that hangs has a part of the sockets only, however much is posted to it.
#[actix_rt::test]
async fn an_endpoint_that_hangs_leaves_sockets_to_others() {
    let hangs = TcpListener::bind("127.0.0.1:0").await.expect("a port");
    let (port, ..) = answering(None, &[OK]).await;
    let egress = Egress::new(&EgressSettings {
        sockets: SocketBudget::new(32),
        ..settings(None)
    });
    let client = |port: u16| {
        let url = format!("http://127.0.0.1:{port}/");
        Rc::new(egress.endpoint(&endpoint(&url, &["loopback"])))
    };
    let stuck = client(hangs.local_addr().expect("its address").port());
    let held = Rc::clone(&stuck);
    let first = actix_rt::spawn(async move { post(&held).await.map(drop) });
    let (_socket, _) = hangs.accept().await.expect("the post of it");
    for _ in 0..8 {
        let more = post(&stuck).await.expect_err("it has its share");
        assert!(
            matches!(more.problem, PostProblem::TooManyOpenFiles),
            "{more:?}"
        );
    }
    let answer = post(&client(port)).await.expect("an answer");
    assert_eq!(answer.status, 200);
    assert!(!first.is_finished());
    first.abort();
}

#[actix_rt::test]
async fn without_a_socket_nothing_is_dialled() {
    let egress = Egress::new(&EgressSettings {
        sockets: SocketBudget::new(0),
        ..settings(None)
    });
    let none = egress.endpoint(&endpoint("http://127.0.0.1:9/", &["loopback"]));
    let none = post(&none).await.expect_err("there is no socket");
    assert!(
        matches!(none.problem, PostProblem::TooManyOpenFiles),
        "{none:?}"
    );
}

/// The proxy looks names up, so an address is checked only where the host is one, or a name of loopback.
#[actix_rt::test]
async fn through_a_proxy_the_host_is_checked_as_it_is_written() {
    let identity = Identity::new(&["app.test"]);
    let (port, ..) = answering(Some(&identity), &[OK]).await;
    let proxy = Proxy::start(ProxyAnswer::Open);
    let policy: ProxyPolicy = format!("http://{}", proxy.address())
        .parse()
        .expect("a proxy");
    let proxied = EgressSettings {
        proxy: policy.clone(),
        ..settings(None)
    };
    let host: EndpointUrl = "https://app.test/".parse().expect("an address");
    assert!(host.is_proxied(&proxied) && !host.is_proxied(&settings(None)));
    let egress = egress(Some(&identity)).with_proxy(policy);
    let named = format!("https://app.test:{port}/");
    let answer = post(&egress.endpoint(&endpoint(&named, &[]))).await;
    assert_eq!(answer.expect("an answer").status, 200);
    for url in [
        "https://127.0.0.1/",
        "https://LOCALHOST./",
        "https://metadata.google.internal/",
        "https://[fd00::1]/",
    ] {
        let blocked = post(&egress.endpoint(&endpoint(url, &[]))).await;
        let blocked = blocked.expect_err("not to be asked for");
        assert!(
            matches!(blocked.problem, PostProblem::Blocked(_)),
            "{blocked:?}"
        );
    }
    let plain = post(&egress.endpoint(&endpoint("http://app.test/", &["private"]))).await;
    assert!(
        matches!(
            plain.as_ref().map_err(|error| &error.problem),
            Err(PostProblem::PlainRefused)
        ),
        "{plain:?}"
    );
    assert_eq!(proxy.tunnels().len(), 1);
}
