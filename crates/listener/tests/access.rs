//! Who may ask, over real sockets.

use std::net::{Ipv4Addr, TcpListener};
use std::num::NonZeroU32;
use std::sync::Arc;
use std::time::Duration;

use actix_web::http::Method;
use actix_web::web::Json;
use awc::ClientRequest;
use longwire_access::{
    NewToken, RANDOM_BYTES, Scope, Scopes, Space, TokenRecord, TokenText, admit,
};
use longwire_installation::PublicId;
use longwire_listener::{
    AccessCheck, AccessSettings, Caller, FieldError, ListenerSettings, Problem, RequestId, Routes,
    StreamLimits, Timeouts, TokenRates, serve,
};
use serde_json::{Value, json};
use tokio::io::AsyncWriteExt as _;
use tokio::net::TcpStream;
use tokio::sync::Notify;
use tokio::time::timeout;

/// Far above what is needed; bounds how long a broken test hangs.
const LIMIT: Duration = Duration::from_secs(30);

/// A listener, and tokens that it knows.
struct Served {
    base: String,
    access: AccessCheck,
}

/// Tokens by their first random byte.
const READER: u8 = 1;
const NARROWED: u8 = 2;
const OF_SHOP: u8 = 3;
const EXPIRED: u8 = 4;
const REVOKED: u8 = 5;

fn text(byte: u8) -> TokenText {
    TokenText::new(&[byte; RANDOM_BYTES])
}

fn record(byte: u8) -> TokenRecord {
    let text = text(byte);
    let new = NewToken {
        name: "test".parse().expect("a name"),
        space: match byte {
            OF_SHOP => "shop".parse().expect("a space"),
            _ => Space::default(),
        },
        scopes: Scopes::from_iter([Scope::EventsRead, Scope::AdminRead]),
        installations: (byte == NARROWED).then(|| [PublicId::from_bytes([1; 16])].into()),
        expires_ms: (byte == EXPIRED).then_some(1),
    };
    TokenRecord {
        id: text.id(),
        digest: text.digest(),
        name: new.name,
        space: new.space,
        scopes: new.scopes,
        installations: new.installations,
        created_ms: 0,
        expires_ms: new.expires_ms,
        revoked_ms: (byte == REVOKED).then_some(1),
        last_used_ms: None,
    }
}

fn routes() -> Routes {
    Routes::new()
        .open("/livez", || async { "ok" })
        .get("/v1/whoami", Scope::EventsRead, |caller: Caller| async move {
            Json(json!({"name": caller.name, "space": caller.space}))
        })
        .post("/v1/things", Scope::ConsumersWrite, || async { "made" })
        .get("/admin/v1/all", Scope::AdminRead, || async { "all" })
        .get("/v1/wrong", Scope::EventsRead, |_: RequestId| async {
            Problem::invalid("two fields are wrong").with_error(FieldError {
                pointer: "/filter/types/0".to_owned(),
                code: "bad_glob",
                detail: "a glob has no `[`".to_owned(),
            })
        })
}

impl Served {
    fn start(rates: TokenRates) -> Self {
        Self::start_with(rates, 16, routes)
    }

    /// With these routes, for so many clients at once.
    fn start_with(
        rates: TokenRates,
        connections: usize,
        routes: impl Fn() -> Routes + Clone + Send + 'static,
    ) -> Self {
        let records: Vec<TokenRecord> = (READER..=REVOKED).map(record).collect();
        let access = AccessCheck::new(AccessSettings {
            tokens: Arc::new(move |presented: &TokenText, now_ms: i64| {
                let known = records.iter().find(|record| record.id == presented.id());
                admit(known, presented, now_ms)
            }),
            rates,
            streams: StreamLimits {
                per_space: 1,
                per_process: 1,
            },
        });
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).expect("loopback has ports");
        let base = format!("http://{}", listener.local_addr().expect("it is bound"));
        let settings = ListenerSettings {
            name: "test",
            connections,
            timeouts: Timeouts::default(),
            hosts: None,
            tls: None,
            upgrades: None,
        };
        let server = serve(settings, listener, access.clone(), routes);
        actix_rt::spawn(server.expect("the listener is taken over"));
        Self { base, access }
    }

    fn request(&self, method: Method, path: &str, authorization: Option<&str>) -> ClientRequest {
        let request = awc::Client::default().request(method, format!("{}{path}", self.base));
        match authorization {
            Some(authorization) => request.insert_header(("Authorization", authorization)),
            None => request,
        }
    }

    async fn ask(&self, method: Method, path: &str, authorization: Option<&str>) -> (u16, Value) {
        let request = self.request(method, path, authorization);
        let mut answer = request.send().await.expect("the listener answers");
        let body = answer.body().await.expect("the body comes");
        let body = serde_json::from_slice(&body).unwrap_or_default();
        (answer.status().as_u16(), body)
    }
}

fn bearer(byte: u8) -> String {
    format!("Bearer {}", text(byte).expose())
}

fn with_listener<F: Future<Output = ()>>(rates: TokenRates, test: impl FnOnce(Served) -> F) {
    actix_rt::System::new().block_on(async { test(Served::start(rates)).await });
}

#[test]
fn who_may_ask_for_what() {
    with_listener(TokenRates::default(), |served| async move {
        let mut mistyped = bearer(READER);
        let last = if mistyped.ends_with('0') { "1" } else { "0" };
        mistyped.replace_range(mistyped.len() - 1.., last);
        let unknown = bearer(99);
        let lower = bearer(READER).replace("Bearer", "bearer");
        let auth = |byte| Some(bearer(byte));
        let text = |text: &str| Some(text.to_owned());
        for (request, authorization, status, code) in [
            ("GET /livez", None, 200, ""),
            ("GET /livez", text("nonsense"), 200, ""),
            ("GET /v1/whoami", None, 401, "token_missing"),
            ("GET /v1/whoami", text("Basic YTpi"), 401, "token_missing"),
            ("GET /v1/whoami", text("Bearer lw_"), 401, "token_refused"),
            ("GET /v1/whoami", Some(mistyped), 401, "token_refused"),
            ("GET /v1/whoami", Some(unknown), 401, "token_refused"),
            ("GET /v1/whoami", auth(EXPIRED), 401, "token_refused"),
            ("GET /v1/whoami", auth(REVOKED), 401, "token_refused"),
            ("GET /v1/whoami", auth(READER), 200, ""),
            ("GET /v1/whoami", Some(lower), 200, ""),
            ("GET /v1/whoami", auth(OF_SHOP), 200, ""),
            // The same path in other letters.
            ("GET /v1/%77hoami", None, 401, "token_missing"),
            ("GET //v1/whoami", None, 401, "token_missing"),
            ("GET /V1/whoami", None, 401, "token_missing"),
            ("POST /v1/things", None, 401, "token_missing"),
            ("POST /v1/things", auth(READER), 403, "scope_missing"),
            ("GET /admin/v1/all", auth(READER), 200, ""),
            ("GET /admin/v1/all", auth(NARROWED), 403, "token_narrowed"),
            ("GET /admin/v1/all", auth(OF_SHOP), 403, "token_narrowed"),
            // What does not exist.
            ("GET /v1/nope", None, 401, "token_missing"),
            ("GET /v1/nope", auth(READER), 404, "not_found"),
            ("POST /v1/whoami", None, 401, "token_missing"),
            ("POST /v1/whoami", auth(READER), 405, "method_not_allowed"),
        ] {
            let (method, path) = request.split_once(' ').expect("a method and a path");
            let method = method.parse().expect("a method");
            let (told, body) = served.ask(method, path, authorization.as_deref()).await;
            let told_code = body["code"].as_str().unwrap_or_default();
            assert_eq!(
                (told, told_code),
                (status, code),
                "{request} {authorization:?} {body}"
            );
            if code == "scope_missing" {
                assert_eq!(body["scope"], "consumers:write");
            }
        }
        let (_, who) = served
            .ask(Method::GET, "/v1/whoami", Some(&bearer(OF_SHOP)))
            .await;
        assert_eq!(who, json!({"name": "test", "space": "shop"}));
        let refused = served.access.refused();
        for (label, count) in [
            ("malformed", 2),
            ("unknown", 1),
            ("expired", 1),
            ("revoked", 1),
        ] {
            assert!(refused.contains(&(label, count)), "{label}: {refused:?}");
        }
    });
}

/// Whoever presents a token that is not valid does not learn why.
#[test]
fn one_answer_to_all_that_is_not_valid() {
    with_listener(TokenRates::default(), |served| async move {
        let mut answers = Vec::new();
        for byte in [99, EXPIRED, REVOKED] {
            let authorization = bearer(byte);
            let request = served.request(Method::GET, "/v1/whoami", Some(&authorization));
            let request = request.insert_header(("X-Request-Id", "one"));
            let mut answer = request.send().await.expect("the listener answers");
            let challenge = answer.headers().get("WWW-Authenticate").cloned();
            assert_eq!(challenge.expect("it says what it wants"), "Bearer");
            answers.push(answer.body().await.expect("the body comes"));
        }
        assert!(
            answers.iter().all(|answer| *answer == answers[0]),
            "{answers:?}"
        );
    });
}

#[test]
fn a_token_that_asks_too_often_is_told_when_to_come_back() {
    let one = NonZeroU32::MIN;
    let rates = TokenRates {
        reads: one,
        writes: one,
        streams: one,
    };
    with_listener(rates, |served| async move {
        let authorization = bearer(READER);
        let mut limited = None;
        for _ in 0..1_000 {
            let request = served.request(Method::GET, "/v1/whoami", Some(&authorization));
            let mut answer = request.send().await.expect("the listener answers");
            if answer.status() == 429 {
                let wait = answer.headers().get("Retry-After").cloned();
                limited = Some((wait, answer.json::<Value>().await.expect("a problem")));
                break;
            }
        }
        let (wait, problem) = limited.expect("a thousand take less than a thousand seconds");
        assert_eq!(wait.expect("it says when"), "1");
        assert_eq!(problem["code"], "rate_limited");
        assert_eq!(problem["retry_after_s"], 1);
        // Another token has its own rate, and probes have none.
        let shop = bearer(OF_SHOP);
        assert_eq!(
            served.ask(Method::GET, "/v1/whoami", Some(&shop)).await.0,
            200
        );
        assert_eq!(served.ask(Method::GET, "/livez", None).await.0, 200);
    });
}

#[test]
fn a_request_has_one_id() {
    with_listener(TokenRates::default(), |served| async move {
        let authorization = bearer(READER);
        for (path, given, kept) in [
            ("/v1/wrong", Some("mine-1"), true),
            ("/v1/wrong", Some("not <mine>"), false),
            ("/v1/wrong", None, false),
            ("/v1/nope", Some("mine-2"), true),
            ("/livez", Some("mine-3"), true),
        ] {
            let mut request = served.request(Method::GET, path, Some(&authorization));
            if let Some(given) = given {
                request = request.insert_header(("X-Request-Id", given));
            }
            let mut answer = request.send().await.expect("the listener answers");
            let id = answer
                .headers()
                .get("X-Request-Id")
                .cloned()
                .expect("an id");
            let id = id.to_str().expect("a text").to_owned();
            assert_eq!(given == Some(id.as_str()), kept, "{path} {given:?} {id}");
            if path != "/livez" {
                let problem: Value = answer.json().await.expect("a problem");
                assert_eq!(problem["request_id"], id.as_str());
            }
        }
        let (_, problem) = served
            .ask(Method::GET, "/v1/wrong", Some(&authorization))
            .await;
        let error = json!({
            "pointer": "/filter/types/0", "code": "bad_glob", "detail": "a glob has no `[`",
        });
        assert_eq!(problem["errors"], json!([error]));
    });
}

/// Else a client could have its change made and no word of it in the audit.
#[test]
fn a_change_is_carried_out_although_its_client_hangs_up() {
    let step = || Arc::new(Notify::new());
    let (begun, client_gone, done) = (step(), step(), step());
    let steps = (begun.clone(), client_gone.clone(), done.clone());
    let routes = move || {
        let steps = steps.clone();
        let change = move || {
            let (begun, client_gone, done) = steps.clone();
            async move {
                begun.notify_one();
                client_gone.notified().await;
                done.notify_one();
                "made"
            }
        };
        routes().post("/v1/change", Scope::EventsRead, change)
    };
    actix_rt::System::new().block_on(async move {
        // Only one client is served, so the next one tells that this one's connection is gone.
        let served = Served::start_with(TokenRates::default(), 1, routes);
        let address = served.base.strip_prefix("http://").expect("it is plain");
        let mut client = TcpStream::connect(address).await.expect("it listens");
        // The body does not come, so that the listener goes on reading and learns of the reset.
        let request = format!(
            "POST /v1/change HTTP/1.1\r\nHost: a\r\nAuthorization: {}\r\nContent-Length: 10\r\n\r\n",
            bearer(READER)
        );
        client.write_all(request.as_bytes()).await.expect("sent");
        let waited = timeout(LIMIT, begun.notified()).await;
        waited.expect("the change begins");
        client.set_zero_linger().expect("it is a socket");
        drop(client);
        let next = timeout(LIMIT, served.ask(Method::GET, "/livez", None)).await;
        assert_eq!(next.expect("the next one is served").0, 200);
        client_gone.notify_one();
        let waited = timeout(LIMIT, done.notified()).await;
        waited.expect("the change is made to its end");
    });
}
