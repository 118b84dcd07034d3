//! The bootstrap call and the dial, with a scripted platform on loopback.

use std::time::Duration;

use longwire_egress::{
    Egress, EgressError, EgressSettings, HttpError, ProxyEnvironment, tls_config,
};
use longwire_platform::feishu::{self, AppCredentials, Endpoint, EndpointError};
use longwire_platform::{DialError, dial};
use longwire_wire::endpoint::ConnectionUrl;
use secrecy::SecretString;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::mpsc::{UnboundedReceiver, unbounded_channel};
use url::Url;

/// Long enough for a loaded machine; only a test that fails waits for it.
const PATIENCE: Duration = Duration::from_secs(30);

/// A platform that gives every caller the same answer, `None` being silence.
struct Platform {
    base: Url,
    requests: UnboundedReceiver<String>,
}

impl Platform {
    async fn start(answer: Option<String>) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
        let port = listener.local_addr().expect("its address").port();
        let (seen, requests) = unbounded_channel();
        actix_rt::spawn(async move {
            while let Ok((mut caller, _)) = listener.accept().await {
                seen.send(read_request(&mut caller).await).ok();
                match &answer {
                    Some(answer) => caller.write_all(answer.as_bytes()).await.expect("written"),
                    None => drop(caller.read(&mut [0]).await),
                }
            }
        });
        Self {
            base: Url::parse(&format!("http://127.0.0.1:{port}/open/")).expect("a url"),
            requests,
        }
    }

    /// One that answers with this status and body.
    async fn answering(status: u16, body: &str) -> Self {
        let length = body.len();
        Self::start(Some(format!(
            "HTTP/1.1 {status} Said\r\nContent-Length: {length}\r\nConnection: close\r\n\r\n{body}"
        )))
        .await
    }

    async fn ask(&self, secret: &str, deadline: Duration) -> Result<Endpoint, EndpointError> {
        let credentials = AppCredentials {
            app_id: "cli_0123456789abcdef",
            app_secret: &SecretString::from(secret),
        };
        feishu::endpoint(&egress(), &self.base, credentials, deadline).await
    }
}

/// Reads the head, and the body whose length it announces.
async fn read_request(caller: &mut TcpStream) -> String {
    let mut request = Vec::new();
    while !request.ends_with(b"\r\n\r\n") {
        request.push(caller.read_u8().await.expect("a request"));
    }
    let head = String::from_utf8_lossy(&request).to_lowercase();
    let length = head
        .lines()
        .find_map(|line| line.strip_prefix("content-length: "))
        .map_or(0, |length| length.parse().expect("a number"));
    let mut body = vec![0; length];
    caller.read_exact(&mut body).await.expect("a body");
    request.extend(body);
    String::from_utf8(request).expect("text")
}

fn egress() -> Egress {
    let (tls, _) = tls_config(None).expect("a configuration");
    Egress::new(&EgressSettings::new(tls, ProxyEnvironment::default()))
}

#[actix_rt::test]
async fn what_the_platform_is_asked() {
    let mut platform = Platform::answering(200, r#"{"code":0,"msg":"ok","data":{}}"#).await;
    platform
        .ask("s\"ecret", PATIENCE)
        .await
        .expect_err("no url");
    let request = platform.requests.recv().await.expect("a request");
    let (head, body) = request.split_once("\r\n\r\n").expect("head and body");
    assert_eq!(
        body,
        r#"{"AppID":"cli_0123456789abcdef","AppSecret":"s\"ecret"}"#
    );
    let head = format!("{}\r\n", head.to_lowercase());
    assert!(head.starts_with("post /open/callback/ws/endpoint http/1.1\r\n"));
    for line in [
        "content-type: application/json",
        "locale: zh",
        concat!("user-agent: longwire/", env!("CARGO_PKG_VERSION")),
    ] {
        assert!(
            head.contains(&format!("\r\n{line}\r\n")),
            "{line} in {head}"
        );
    }
}

#[actix_rt::test]
async fn a_granted_endpoint() {
    let body = r#"{"code":0,"msg":"ok","data":{
        "URL":"wss://host.invalid/ws/v2?fpid=493&device_id=7&access_key=canary&service_id=33554678",
        "ClientConfig":{"ReconnectCount":-1,"ReconnectInterval":90,"ReconnectNonce":25,"PingInterval":90}}}"#;
    let platform = Platform::answering(200, body).await;
    let endpoint = platform.ask("secret", PATIENCE).await.expect("an endpoint");
    assert_eq!(endpoint.url.service_id().0, 33_554_678);
    let query = endpoint.url.expose().query();
    assert_eq!(
        query,
        Some("fpid=493&device_id=7&access_key=canary&service_id=33554678")
    );
    let config = endpoint.config.expect("a configuration");
    assert_eq!(config.ping_interval, Some(90));
    assert!(!format!("{endpoint:?}").contains("canary"));

    let bare = r#"{"code":0,"data":{"URL":"wss://host.invalid/"}}"#;
    let platform = Platform::answering(200, bare).await;
    let endpoint = platform.ask("secret", PATIENCE).await.expect("an endpoint");
    assert_eq!(endpoint.config, None);
}

#[actix_rt::test]
async fn what_the_platform_may_say_instead() {
    type Expected = fn(&EndpointError) -> bool;
    let table: [(u16, &str, Expected); 14] = [
        (
            200,
            r#"{"code":1,"msg":"busy","data":{}}"#,
            |error| matches!(error, EndpointError::Code { code: 1, msg } if msg == "busy"),
        ),
        (200, r#"{"code":514,"msg":"auth failed"}"#, |error| {
            matches!(error, EndpointError::Code { code: 514, .. })
        }),
        (
            200,
            r#"{"code":1000040350,"data":null}"#,
            |error| matches!(error, EndpointError::Code { code: 1_000_040_350, msg } if msg.is_empty()),
        ),
        (200, r#"{"code":1000040351,"data":[]}"#, |error| {
            matches!(
                error,
                EndpointError::Code {
                    code: 1_000_040_351,
                    ..
                }
            )
        }),
        (200, r#"{"code":0,"data":null}"#, |error| {
            matches!(error, EndpointError::NoUrl)
        }),
        (200, r#"{"code":0,"data":{"URL":""}}"#, |error| {
            matches!(error, EndpointError::NoUrl)
        }),
        (200, r#"{"code":0}"#, |error| {
            matches!(error, EndpointError::NoUrl)
        }),
        (
            200,
            r#"{"code":0,"data":{"URL":"ftp://canary"}}"#,
            |error| matches!(error, EndpointError::BadUrl(_)),
        ),
        (
            200,
            r#"{"code":0,"data":{"URL":"wss://u:canary@h"}}"#,
            |error| matches!(error, EndpointError::BadUrl(_)),
        ),
        (200, "<html>Sign in to the Wi-Fi</html>", |error| {
            matches!(error, EndpointError::NotJson)
        }),
        (400, r#"{"code":9499,"msg":"Bad Request"}"#, |error| {
            let code = Some(9499);
            matches!(
                error,
                EndpointError::HttpStatus { status: 400, code: it, msg } if *it == code && msg == "Bad Request"
            )
        }),
        (429, "", |error| {
            matches!(
                error,
                EndpointError::HttpStatus {
                    status: 429,
                    code: None,
                    ..
                }
            )
        }),
        (502, "<html>", |error| {
            matches!(
                error,
                EndpointError::HttpStatus {
                    status: 502,
                    code: None,
                    ..
                }
            )
        }),
        (302, "", |error| {
            matches!(
                error,
                EndpointError::HttpStatus {
                    status: 302,
                    code: None,
                    ..
                }
            )
        }),
    ];
    for (status, body, expected) in table {
        let platform = Platform::answering(status, body).await;
        let error = platform
            .ask("secret", PATIENCE)
            .await
            .expect_err("no endpoint");
        assert!(expected(&error), "{status} {body}: {error:?}");
        let chain = format!("{error} {error:?}");
        assert!(
            !chain.contains("canary") && !chain.contains("secret"),
            "{chain}"
        );
    }
}

#[actix_rt::test]
async fn long_texts_are_cut() {
    let body = format!(r#"{{"code":5,"msg":"{}"}}"#, "错".repeat(5000));
    let platform = Platform::answering(200, &body).await;
    let Err(EndpointError::Code { msg, .. }) = platform.ask("secret", PATIENCE).await else {
        panic!("no code")
    };
    assert_eq!(msg, "错".repeat(300));
    let platform = Platform::answering(200, &" ".repeat(1024 * 1024 + 1)).await;
    let error = platform.ask("secret", PATIENCE).await;
    assert!(
        matches!(
            error,
            Err(EndpointError::Http(HttpError::BodyTooLarge { .. }))
        ),
        "{error:?}"
    );
}

#[actix_rt::test]
async fn a_silent_platform_costs_the_deadline() {
    let platform = Platform::start(None).await;
    let error = platform.ask("secret", Duration::from_millis(50)).await;
    assert!(
        matches!(
            error,
            Err(EndpointError::Http(HttpError::Egress(
                EgressError::TimedOut
            )))
        ),
        "{error:?}"
    );
}

#[actix_rt::test]
async fn without_a_secret_nobody_is_asked() {
    let mut platform = Platform::start(None).await;
    let error = platform.ask("", PATIENCE).await;
    assert!(matches!(error, Err(EndpointError::NoSecret)), "{error:?}");
    assert!(platform.requests.try_recv().is_err());
}

#[actix_rt::test]
async fn a_refused_handshake_says_why() {
    let answer = "HTTP/1.1 403 Forbidden\r\nHANDSHAKE-STATUS: 514\r\nHandshake-Msg: 连接数超限\r\n\
                  handshake-autherrcode: 1000040350\r\n\r\n";
    let mut platform = Platform::start(Some(answer.to_owned())).await;
    let port = platform.base.port().expect("a port");
    let url = format!("ws://127.0.0.1:{port}/ws/v2?fpid=1&access_key=a%2Bb&service_id=7");
    let url = ConnectionUrl::parse(&url).expect("a connection url");
    let refused = dial(&egress(), &url, PATIENCE).await;
    let Err(DialError::Refused(refusal)) = refused else {
        panic!("{refused:?}")
    };
    assert_eq!(refusal.http_status, 403);
    assert_eq!(refusal.status, Some(514));
    assert_eq!(refusal.message.as_deref(), Some("连接数超限"));
    assert_eq!(refusal.auth_error_code, Some(1_000_040_350));
    let request = platform.requests.recv().await.expect("a request");
    assert!(request.starts_with("GET /ws/v2?fpid=1&access_key=a%2Bb&service_id=7 HTTP/1.1\r\n"));
}

#[actix_rt::test]
async fn a_dial_that_fails_shows_no_ticket() {
    let url = ConnectionUrl::parse("ws://host.invalid/ws?ticket=canary").expect("a url");
    let error = dial(&egress(), &url, PATIENCE)
        .await
        .expect_err("plain text to a stranger");
    assert!(matches!(error, DialError::Upgrade(_)), "{error:?}");
    assert!(!format!("{error} {error:?}").contains("canary"));
}
