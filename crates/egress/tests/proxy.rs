//! Requests and upgrades through a proxy.

mod support;

use std::time::Duration;

use bytes::Bytes;
use longwire_egress::{
    Egress, EgressError, EgressSettings, HttpError, HttpLimits, ProxyEnvironment, ProxyPolicy,
    UpgradeError,
};
use longwire_sim::proxy::{Proxy, ProxyAnswer, Tunnel};
use support::server::{Identity, Stream, echo, say, serve, settings};
use support::{PATIENCE, url};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};

const LIMITS: HttpLimits = HttpLimits {
    deadline: PATIENCE,
    max_body: 1000,
};

fn through(proxy: &Proxy, credentials: &str) -> ProxyPolicy {
    let address = format!("http://{credentials}{}", proxy.address());
    ProxyPolicy::Url(address.parse().expect("a proxy address"))
}

fn egress(settings: EgressSettings, proxy: &Proxy) -> Egress {
    Egress::new(&EgressSettings {
        proxy: through(proxy, ""),
        ..settings
    })
}

fn tunnel(authority: impl Into<String>) -> Tunnel {
    Tunnel {
        authority: authority.into(),
        authorization: None,
    }
}

async fn exchange(egress: &Egress, target: &str) {
    let mut socket = egress
        .websocket(&url(target), PATIENCE)
        .await
        .expect("a socket");
    socket.io.write_all(b"through").await.expect("written");
    socket.io.flush().await.expect("flushed");
    let mut back = [0; 7];
    socket.io.read_exact(&mut back).await.expect("echoed");
    assert_eq!(&back, b"through");
}

async fn ok(mut stream: Stream, _head: String) {
    say(
        &mut stream,
        "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok",
    )
    .await;
}

#[actix_rt::test]
async fn upgrades_go_through() {
    let identity = Identity::new(&["localhost"]);
    let (plain, secure) = (serve(None, echo).await, serve(Some(&identity), echo).await);
    let proxy = Proxy::start(ProxyAnswer::Open);
    let egress = egress(settings(Some(&identity)), &proxy);
    exchange(&egress, &format!("ws://127.0.0.1:{plain}/ws")).await;
    exchange(&egress, &format!("wss://localhost:{secure}/ws")).await;
    let expected = [
        tunnel(format!("127.0.0.1:{plain}")),
        tunnel(format!("localhost:{secure}")),
    ];
    assert_eq!(proxy.tunnels(), expected);
}

#[actix_rt::test]
async fn requests_go_through() {
    let identity = Identity::new(&["localhost"]);
    let (plain, secure) = (serve(None, ok).await, serve(Some(&identity), ok).await);
    let proxy = Proxy::start(ProxyAnswer::Open);
    let egress = egress(settings(Some(&identity)), &proxy);
    for target in [
        format!("http://127.0.0.1:{plain}/"),
        format!("https://localhost:{secure}/"),
    ] {
        let answer = egress
            .post_json(&url(target), Bytes::new(), &[], LIMITS)
            .await;
        assert_eq!(&answer.expect("an answer").body[..], b"ok");
    }
    assert_eq!(proxy.tunnels().len(), 2);
}

#[actix_rt::test]
async fn the_password_is_decoded() {
    let port = serve(None, echo).await;
    // "us er:p@ss:wörd"
    let proxy = Proxy::start(ProxyAnswer::Authorized(
        "Basic dXMgZXI6cEBzczp3w7ZyZA==".to_owned(),
    ));
    let direct = Egress::new(&settings(None));
    let target = format!("ws://127.0.0.1:{port}/");
    let egress = direct.with_proxy(through(&proxy, "us%20er:p%40ss%3Aw%C3%B6rd@"));
    exchange(&egress, &target).await;

    for wrong in ["", "user:canary@"] {
        let egress = direct.with_proxy(through(&proxy, wrong));
        let refused = egress
            .websocket(&url(&target), PATIENCE)
            .await
            .expect_err("refused");
        assert!(
            matches!(
                refused,
                UpgradeError::Egress(EgressError::ProxyUnauthorized)
            ),
            "{refused:?}"
        );
        let refused = egress
            .post_json(&url("http://127.0.0.1:1/"), Bytes::new(), &[], LIMITS)
            .await;
        assert!(
            matches!(
                refused,
                Err(HttpError::Egress(EgressError::ProxyUnauthorized))
            ),
            "{refused:?}"
        );
    }
}

#[actix_rt::test]
async fn what_a_proxy_may_say_instead() {
    let attempt = async |answer: ProxyAnswer, deadline: Duration| {
        let proxy = Proxy::start(answer);
        let egress = egress(settings(None), &proxy);
        let opened = egress
            .websocket(&url("wss://host.invalid/"), deadline)
            .await;
        assert_eq!(
            proxy.tunnels(),
            [tunnel("host.invalid:443")],
            "the name is the proxy's to resolve"
        );
        opened.expect_err("no tunnel")
    };
    let refused = attempt(ProxyAnswer::Answer("HTTP/1.1 503 No".to_owned()), PATIENCE).await;
    assert!(
        matches!(
            refused,
            UpgradeError::Egress(EgressError::ProxyRefused { status: 503 })
        ),
        "{refused:?}"
    );
    let nobody = attempt(ProxyAnswer::Open, PATIENCE).await;
    assert!(
        matches!(
            nobody,
            UpgradeError::Egress(EgressError::ProxyRefused { status: 502 })
        ),
        "{nobody:?}"
    );
    let garbage = attempt(ProxyAnswer::Answer("SSH-2.0".to_owned()), PATIENCE).await;
    assert!(
        matches!(garbage, UpgradeError::Egress(EgressError::Protocol { .. })),
        "{garbage:?}"
    );
    let endless = ProxyAnswer::Answer(format!("HTTP/1.1 200 OK\r\nX: {}", "x".repeat(9000)));
    let endless = attempt(endless, PATIENCE).await;
    assert!(
        matches!(endless, UpgradeError::Egress(EgressError::Protocol { .. })),
        "{endless:?}"
    );
    let hung = attempt(ProxyAnswer::Hang, Duration::from_millis(200)).await;
    assert!(
        matches!(hung, UpgradeError::Egress(EgressError::TimedOut)),
        "{hung:?}"
    );
}

#[actix_rt::test]
async fn a_bypassed_target_is_reached_straight() {
    let port = serve(None, echo).await;
    let proxy = Proxy::start(ProxyAnswer::Answer("HTTP/1.1 500 Not for you".to_owned()));
    let mut settings = settings(None);
    settings.no_proxy = "127.0.0.0/8".parse().expect("a list");
    exchange(
        &egress(settings, &proxy),
        &format!("ws://127.0.0.1:{port}/"),
    )
    .await;
    assert_eq!(proxy.tunnels(), []);
}

#[actix_rt::test]
async fn the_environment_is_followed_unless_overruled() {
    let proxy = Proxy::start(ProxyAnswer::Answer("HTTP/1.1 500 Seen".to_owned()));
    let mut settings = settings(None);
    let variable = ("HTTPS_PROXY", proxy.address().to_string());
    settings.environment = ProxyEnvironment::from_vars([variable]);
    let egress = Egress::new(&settings);
    let target = url("wss://host.invalid/");
    let seen = egress.websocket(&target, PATIENCE).await;
    assert!(
        matches!(
            seen,
            Err(UpgradeError::Egress(EgressError::ProxyRefused {
                status: 500
            }))
        ),
        "{seen:?}"
    );
    let route = settings.route(&ProxyPolicy::Environment, &target);
    assert_eq!(
        route.to_string(),
        format!("through http://{}", proxy.address())
    );

    let direct = egress
        .with_proxy(ProxyPolicy::Direct)
        .websocket(&target, PATIENCE)
        .await;
    assert!(
        matches!(
            direct,
            Err(UpgradeError::Egress(EgressError::Unreachable { .. }))
        ),
        "{direct:?}"
    );
    assert_eq!(
        settings.route(&ProxyPolicy::Direct, &target).to_string(),
        "direct"
    );
    assert_eq!(proxy.tunnels().len(), 1);
}

#[actix_rt::test]
async fn a_proxy_that_is_not_there() {
    let listener = std::net::TcpListener::bind("127.0.0.1:0").expect("a free port");
    let address = listener.local_addr().expect("its address").to_string();
    drop(listener);
    let policy = ProxyPolicy::Url(
        format!("http://user:canary@{address}")
            .parse()
            .expect("a proxy"),
    );
    let egress = Egress::new(&settings(None)).with_proxy(policy);
    let error = egress
        .websocket(&url("wss://host.invalid/"), PATIENCE)
        .await
        .expect_err("nobody");
    let UpgradeError::Egress(EgressError::Unreachable { peer, .. }) = &error else {
        panic!("{error:?}")
    };
    assert_eq!(*peer, address);
    assert!(!format!("{error:?} {error}").contains("canary"));
}
