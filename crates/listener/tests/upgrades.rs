//! How connections are handed over, over real sockets, in the clear and under TLS.

mod tls_server;

use std::net::{Ipv4Addr, SocketAddr, TcpListener};
use std::rc::Rc;
use std::sync::Arc;
use std::time::Duration;

use longwire_access::{TokenRefusal, TokenText};
use longwire_listener::{
    AccessCheck, AccessSettings, ListenerSettings, Routes, ServerTls, StreamLimits, Timeouts,
    TokenRates, UpgradeFactory, UpgradeHandler, UpgradeRequest, UpgradedSocket, serve,
};
use tokio::io::{AsyncRead, AsyncReadExt as _, AsyncWrite, AsyncWriteExt as _};
use tokio::net::TcpStream;
use tokio::time::timeout;

use tls_server::{TlsServer, made};

/// Far above what is needed; bounds how long a broken test hangs.
const LIMIT: Duration = Duration::from_secs(30);

/// Tells what it was asked, then sends back whatever comes.
struct Echo;

impl UpgradeHandler for Echo {
    fn upgrade(&self, request: UpgradeRequest, mut socket: UpgradedSocket) {
        let asked = format!(
            "{}?{} {} {} {}\n",
            request.path,
            request.query,
            request.host,
            if request.is_tls { "tls" } else { "plain" },
            request.headers.contains_key("sec-websocket-key"),
        );
        actix_rt::spawn(async move {
            socket.end_without_peer(Duration::from_secs(60))?;
            socket.write_all(asked.as_bytes()).await?;
            socket.flush().await?;
            let mut bytes = [0; 4];
            loop {
                socket.read_ready().await?;
                let count = socket.read(&mut bytes).await?;
                if count == 0 {
                    return socket.shutdown().await;
                }
                socket.write_all(&bytes[..count]).await?;
                socket.flush().await?;
            }
        });
    }
}

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

/// A listener for two connections at once that answers to `localhost` and addresses, and echoes what it is asked to take over.
fn with_listener<F: Future<Output = ()>>(
    tls: Option<ServerTls>,
    upgrades: Option<UpgradeFactory>,
    test: impl FnOnce(SocketAddr) -> F,
) {
    actix_rt::System::new().block_on(async {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).expect("loopback has ports");
        let address = listener.local_addr().expect("it is bound");
        let settings = ListenerSettings {
            name: "test",
            connections: 2,
            timeouts: Timeouts {
                request: Duration::from_millis(1_500),
                ..Timeouts::default()
            },
            hosts: Some(Vec::new()),
            tls,
            upgrades,
        };
        let routes = || Routes::new().open("/livez", || async { "ok\n" });
        let server = serve(settings, listener, access(), routes);
        actix_rt::spawn(server.expect("the listener is taken over"));
        test(address).await;
    });
}

fn echo() -> Option<UpgradeFactory> {
    Some(UpgradeFactory::new(|| Rc::new(Echo)))
}

fn request(method: &str, host: &str, behind: &str) -> String {
    format!(
        "{method} /relay/a%20b?x=1&y HTTP/1.1\r\nHost: {host}\r\nConnection: Upgrade\r\n\
         Upgrade: websocket\r\nSec-WebSocket-Key: AAAA\r\n\r\n{behind}"
    )
}

async fn connect(address: SocketAddr) -> TcpStream {
    TcpStream::connect(address).await.expect("it listens")
}

/// Sends this, and reads exactly so many bytes.
async fn ask(
    client: &mut (impl AsyncRead + AsyncWrite + Unpin),
    bytes: &str,
    count: usize,
) -> String {
    let mut answer = vec![0; count];
    let asked = async {
        client.write_all(bytes.as_bytes()).await?;
        client.flush().await?;
        client.read_exact(&mut answer).await
    };
    let asked = timeout(LIMIT, asked).await.expect("it answers");
    asked.expect("the answer is as long");
    String::from_utf8(answer).expect("it is text")
}

async fn until_the_end(client: &mut (impl AsyncRead + Unpin)) -> String {
    let mut answer = Vec::new();
    let read = timeout(LIMIT, client.read_to_end(&mut answer)).await;
    let _ = read.expect("the server hangs up");
    String::from_utf8_lossy(&answer).into_owned()
}

/// What came with the request comes first, then the rest; and a socket that was handed over takes no place of the listener's.
async fn is_handed_over(client: &mut (impl AsyncRead + AsyncWrite + Unpin), scheme: &str) {
    let told = format!("/relay/a%20b?x=1&y localhost:1 {scheme} true\n");
    let early = "early bytes";
    let answer = ask(
        client,
        &request("GET", "localhost:1", early),
        told.len() + early.len(),
    )
    .await;
    assert_eq!(answer, told + early);
    assert_eq!(ask(client, "later bytes", 11).await, "later bytes");
}

#[test]
fn a_connection_is_handed_over_with_what_came_behind_its_request() {
    with_listener(None, echo(), |address| async move {
        let mut clients = Vec::new();
        // More than the listener serves at once.
        for _ in 0..5 {
            let mut client = connect(address).await;
            is_handed_over(&mut client, "plain").await;
            clients.push(client);
        }
        let mut other = connect(address).await;
        let answer = ask(
            &mut other,
            "GET /livez HTTP/1.1\r\nHost: localhost\r\n\r\n",
            15,
        )
        .await;
        assert_eq!(answer, "HTTP/1.1 200 OK");
        for mut client in clients {
            assert_eq!(ask(&mut client, "on", 2).await, "on");
            client.shutdown().await.expect("it is open");
            assert_eq!(until_the_end(&mut client).await, "");
        }
    });
}

#[test]
fn it_is_handed_over_behind_an_answer() {
    with_listener(None, echo(), |address| async move {
        let mut client = connect(address).await;
        let both = format!(
            "GET /livez HTTP/1.1\r\nHost: localhost\r\n\r\n{}",
            request("GET", "localhost", "")
        );
        client
            .write_all(both.as_bytes())
            .await
            .expect("it is taken");
        client.shutdown().await.expect("it is open");
        let answer = until_the_end(&mut client).await;
        assert!(answer.starts_with("HTTP/1.1 200 OK"), "{answer}");
        let told = "ok\n/relay/a%20b?x=1&y localhost plain true\n";
        assert!(answer.ends_with(told), "{answer}");
    });
}

#[test]
fn what_is_not_to_be_handed_over_is_refused() {
    with_listener(None, echo(), |address| async move {
        for (method, host, status, code) in [
            ("POST", "localhost", "405", "method_not_allowed"),
            ("CONNECT", "localhost", "405", "method_not_allowed"),
            ("GET", "evil.example", "421", "foreign_host"),
        ] {
            let mut client = connect(address).await;
            let asked = match method {
                "CONNECT" => "CONNECT a:1 HTTP/1.1\r\nHost: localhost\r\n\r\n".to_owned(),
                _ => request(method, host, ""),
            };
            client
                .write_all(asked.as_bytes())
                .await
                .expect("it is taken");
            let answer = until_the_end(&mut client).await;
            let line = format!("HTTP/1.1 {status} ");
            assert!(answer.starts_with(&line), "{method} {host}: {answer}");
            assert!(answer.contains(code), "{method} {host}: {answer}");
            assert_eq!(answer.contains("\r\nAllow: GET\r\n"), status == "405");
        }
        // A request that never ends is waited for no longer than any other.
        let mut client = connect(address).await;
        let whole = request("GET", "localhost", "");
        let half = whole.trim_end().as_bytes();
        client.write_all(half).await.expect("it is taken");
        assert!(!until_the_end(&mut client).await.contains("/relay"));
    });
}

#[test]
fn without_a_handler_it_is_a_request_like_any_other() {
    with_listener(None, None, |address| async move {
        let mut client = connect(address).await;
        let asked = request("GET", "localhost", "");
        assert_eq!(ask(&mut client, &asked, 12).await, "HTTP/1.1 401");
    });
}

#[test]
fn under_tls() {
    let server = TlsServer::new();
    with_listener(Some(server.tls.clone()), echo(), |address| async move {
        let mut idle = Vec::new();
        for _ in 0..5 {
            let mut client = server.connect(connect(address).await).await;
            is_handed_over(&mut client, "tls").await;
            idle.push(client);
        }
        let mut client = server.connect(connect(address).await).await;
        let answer = ask(
            &mut client,
            "GET /livez HTTP/1.1\r\nHost: localhost\r\n\r\n",
            15,
        )
        .await;
        assert_eq!(answer, "HTTP/1.1 200 OK");
        drop(client);
        // A client without TLS is told what to change.
        let mut client = connect(address).await;
        let asked = request("GET", "localhost", "");
        client
            .write_all(asked.as_bytes())
            .await
            .expect("it is taken");
        let answer = until_the_end(&mut client).await;
        assert!(answer.starts_with("HTTP/1.1 400 "), "{answer}");
        assert!(answer.contains("use https://"), "{answer}");
        // A handshake that never ends holds its place for as long as a request would.
        for half in [&b""[..], b"\x16\x03\x01\x02\x00\x01"] {
            let mut client = connect(address).await;
            client.write_all(half).await.expect("it is taken");
            assert_eq!(until_the_end(&mut client).await, "");
        }
        // Another certificate is for new connections; those that are open stay.
        server.shown.replace(made().0);
        let refused = server.try_connect(connect(address).await).await;
        refused.expect_err("nobody vouches for the new one");
        for client in &mut idle {
            assert_eq!(ask(client, "on", 2).await, "on");
        }
        // One that ends without a goodbye of TLS has ended, no more and no less.
        for client in idle {
            let mut tcp = client.into_inner().0;
            tcp.shutdown().await.expect("it is open");
            let mut rest = Vec::new();
            let read = timeout(LIMIT, tcp.read_to_end(&mut rest)).await;
            read.expect("the server hangs up").expect("in order");
        }
    });
}
