//! The routes over real sockets, with a fleet that has no bot to connect.

mod access;
mod documents;
mod feed;
mod uploads;

use std::net::{Ipv4Addr, TcpListener};
use std::time::Duration;

use actix_web::http::Method;
use longwire_access::{NewToken, Scopes, Space, TokenText};
use longwire_egress::{EgressSettings, ProxyEnvironment, tls_config};
use longwire_fleet::FleetSettings;
use longwire_link::Timing;
use longwire_listener::{
    AccessCheck, AccessSettings, ListenerSettings, StreamLimits, Timeouts, TokenRates, serve,
};
use longwire_store::StoreSettings;
use serde_json::{Value, json};
use tempfile::TempDir;

use super::*;

/// Far above what is needed; bounds how long a broken test hangs.
const LIMIT: Duration = Duration::from_secs(30);

/// An admin listener and what is behind it.
struct Served {
    admin: Arc<Admin>,
    store: Store,
    draining: Draining,
    base: String,
    /// A token with all scopes that sees the whole gateway.
    token: TokenText,
    _directory: TempDir,
}

/// What tests set.
#[derive(Default)]
struct Setup {
    timing: Timing,
    timeouts: Timeouts,
    fault_injection: bool,
    rates: TokenRates,
}

/// A token of the space `default` with all scopes.
fn whole() -> NewToken {
    NewToken {
        name: "test".parse().expect("a name"),
        space: Space::default(),
        scopes: Scopes::all(),
        installations: None,
        expires_ms: None,
    }
}

/// A client that shows this token.
fn client(token: &TokenText) -> awc::Client {
    awc::Client::builder().bearer_auth(token.expose()).finish()
}

impl Served {
    async fn start(setup: Setup) -> Self {
        let directory = tempfile::tempdir().expect("a temporary directory");
        let url = format!("sqlite:{}", directory.path().join("test.db").display());
        let store = Store::open(&StoreSettings::at(url)).expect("a new store opens");
        let (tls, _roots) = tls_config(None).expect("the system's roots load");
        let fleet = Fleet::start(FleetSettings {
            timing: setup.timing,
            connect_per_second: 0,
            window_events: 64,
            window_bytes: 1 << 20,
            arbiters: 1,
            egress: EgressSettings::new(tls, ProxyEnvironment::default()),
            store: store.clone(),
            fault_injection: setup.fault_injection,
            config_faults: std::collections::BTreeMap::new(),
            cards: longwire_fleet::CardAnswering::default(),
            limits: longwire_fleet::FleetLimits::default(),
        })
        .await;
        let draining = Draining::default();
        let admin = Admin::new(AdminSettings {
            janitor: None,
            version: "0.0.0",
            consumers: Arc::new(Vec::new),
            other_actors: Arc::new(Vec::new),
            relay: None,
            reload: None,
            fleet,
            store: store.clone(),
            draining: draining.clone(),
            fault_injection: setup.fault_injection,
            installation_rules: InstallationRules::default(),
            parse_duration,
        });
        let routes = Arc::clone(&admin);
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).expect("loopback has ports");
        let base = format!("http://{}", listener.local_addr().expect("it is bound"));
        let settings = ListenerSettings {
            name: "admin",
            connections: 32,
            timeouts: setup.timeouts,
            hosts: Some(Vec::new()),
            tls: None,
            upgrades: None,
        };
        let tokens = store.tokens();
        let access = AccessCheck::new(AccessSettings {
            tokens: Arc::new(move |presented: &TokenText, now_ms: i64| {
                tokens.authenticate(presented, now_ms)
            }),
            rates: setup.rates,
            streams: StreamLimits {
                per_space: 1,
                per_process: 1,
            },
        });
        let token = new_token_text().expect("random bytes");
        let kept = store.create_token(whole(), &token);
        kept.expect("the store takes it");
        let server = serve(settings, listener, access, move || routes.routes());
        actix_rt::spawn(server.expect("the listener is taken over"));
        Self {
            admin,
            store,
            draining,
            base,
            token,
            _directory: directory,
        }
    }

    /// A new token of this kind, and its text.
    fn make(&self, new: NewToken) -> TokenText {
        let text = new_token_text().expect("random bytes");
        let kept = self.store.create_token(new, &text);
        kept.expect("the store takes it");
        text
    }

    async fn ask(&self, method: Method, path: &str, body: Option<Value>) -> (u16, Value) {
        let (status, text) = self.text(method, path, body).await;
        (status, serde_json::from_str(&text).unwrap_or_default())
    }

    /// The answer as it is written.
    async fn text(&self, method: Method, path: &str, body: Option<Value>) -> (u16, String) {
        self.text_as(&client(&self.token), method, path, body).await
    }

    /// The same, asked by this client.
    async fn text_as(
        &self,
        client: &awc::Client,
        method: Method,
        path: &str,
        body: Option<Value>,
    ) -> (u16, String) {
        let request = client.request(method, format!("{}{path}", self.base));
        let sent = match body {
            Some(body) => request.send_json(&body).await,
            None => request.send().await,
        };
        let mut answer = sent.expect("the listener answers");
        let body = answer.body().await.expect("the body comes");
        (
            answer.status().as_u16(),
            String::from_utf8_lossy(&body).into_owned(),
        )
    }

    async fn get(&self, path: &str) -> (u16, Value) {
        self.ask(Method::GET, path, None).await
    }

    async fn post(&self, path: &str, body: Value) -> (u16, Value) {
        self.ask(Method::POST, path, Some(body)).await
    }
}

/// Minutes alone, as in `10m`.
fn parse_duration(text: &str) -> Option<Duration> {
    let minutes = text.strip_suffix('m')?.parse::<u64>().ok()?;
    Some(Duration::from_secs(60 * minutes))
}

/// Runs a test in a system of its own.
fn with_admin<F: Future<Output = ()>>(test: impl FnOnce(Served) -> F) {
    with_admin_of(Setup::default(), test);
}

fn with_admin_of<F: Future<Output = ()>>(setup: Setup, test: impl FnOnce(Served) -> F) {
    actix_rt::System::new().block_on(async { test(Served::start(setup).await).await });
}

fn bot(name: &str) -> Value {
    json!({
        "name": name, "platform": "feishu", "app_id": "cli_1", "app_secret": "canary",
        "base_url": "http://127.0.0.1:1", "desired": "stop", "probe": false,
    })
}

fn wecom_bot(name: &str) -> Value {
    json!({
        "name": name, "platform": "wecom", "bot_id": "aib1", "secret": "canary", "base_url": "ws://127.0.0.1:1",
        "take_back_after": "10m", "take_back_per_day": 3, "desired": "stop", "probe": false,
    })
}

#[test]
fn a_wecom_bot_is_added_and_shown_with_what_is_promised() {
    with_admin(|served| async move {
        let (status, kept) = served.post("/admin/v1/installations", wecom_bot("w")).await;
        assert_eq!(status, 201, "{kept}");
        let app = served.post("/admin/v1/installations", bot("f")).await.1;
        for (name, mut told) in [("w", kept), ("f", app)] {
            let probe = told.as_object_mut().and_then(|told| told.remove("probe"));
            assert_eq!(probe.expect("it was asked for")["outcome"], "skipped");
            let (_, detail) = served.get(&format!("/admin/v1/installations/{name}")).await;
            let mut shown = detail.clone();
            shown.as_object_mut().expect("an object").remove("timeline");
            let without_times = |mut one: Value| {
                one["state_since"] = Value::Null;
                one["lights"] = Value::Null;
                one
            };
            assert_eq!(without_times(shown), without_times(told.clone()));
            assert!(!detail.to_string().contains("canary"), "{detail}");
            let wanted = match name {
                "w" => json!(["wecom", "aib1", "10m", 3, "from_first_byte"]),
                _ => json!(["feishu", "cli_1", null, null, "at_least_once"]),
            };
            let shown = json!([
                told["platform"],
                told["app_id"],
                told["take_back_after"],
                told["take_back_per_day"],
                told["guarantee"],
            ]);
            assert_eq!(shown, wanted);
        }
    });
}

#[test]
fn nothing_is_changed_while_draining() {
    with_admin(|served| async move {
        served.draining.begin();
        let (status, problem) = served.post("/admin/v1/installations", bot("late")).await;
        assert_eq!((status, &problem["code"]), (409, &json!("draining")));
    });
}

#[test]
fn an_installation_is_added_shown_started_and_stopped() {
    with_admin(|served| async move {
        let (status, kept) = served.post("/admin/v1/installations", bot("客服")).await;
        assert_eq!(
            (status, &kept["desired"], &kept["origin"]),
            (201, &json!("stop"), &json!("api"))
        );
        let id = kept["id"].as_str().expect("it has an id").to_owned();
        let (status, started) = served
            .post(&format!("/admin/v1/installations/{id}/start"), Value::Null)
            .await;
        assert_eq!((status, &started["desired"]), (200, &json!("run")));
        let (status, stopped) = served
            .post(&format!("/admin/v1/installations/{id}/stop"), Value::Null)
            .await;
        assert_eq!((status, &stopped["desired"]), (200, &json!("stop")));
        let (status, detail) = served.get(&format!("/admin/v1/installations/{id}")).await;
        assert_eq!((status, &detail["name"]), (200, &json!("客服")));
        for answer in [kept, started, stopped, detail] {
            assert!(!answer.to_string().contains("canary"), "{answer}");
        }
    });
}

#[test]
fn what_is_wrong_with_a_request_has_a_code() {
    with_admin(|served| async move {
        served.post("/admin/v1/installations", bot("a")).await;
        let wanted = |name: &str| {
            let mut body = bot(name);
            body["app_id"] = json!("cli_2");
            body["desired"] = json!("run");
            body
        };
        served.post("/admin/v1/installations", wanted("w")).await;
        let without = |key: &str| {
            let mut body = bot("b");
            body.as_object_mut().expect("it is an object").remove(key);
            body
        };
        let with = |key: &str, value: &str| {
            let mut body = bot("b");
            body[key] = json!(value);
            body
        };
        let wecom = |key: &str, value: Value| {
            let mut body = wecom_bot("b");
            body[key] = value;
            body
        };
        for (body, status, code) in [
            (bot("a"), 409, "name_taken"),
            (wanted("again"), 409, "same_bot"),
            (bot(""), 400, "invalid_request"),
            (without("app_secret"), 400, "invalid_request"),
            (with("app_secret", " "), 400, "invalid_request"),
            (with("app_secret", "can\u{200b}ary"), 400, "invalid_request"),
            (with("app_id", "\"cli_1\""), 400, "invalid_request"),
            (with("colour", "red"), 400, "invalid_request"),
            (with("platform", "dingtalk"), 400, "invalid_request"),
            // The keys of an app.
            (with("platform", "wecom"), 400, "invalid_request"),
            (with("bot_id", "aib1"), 400, "invalid_request"),
            (with("take_back_after", "10m"), 400, "invalid_request"),
            (wecom("app_secret", json!("canary")), 400, "invalid_request"),
            (wecom("secret", json!(["canary"])), 400, "invalid_request"),
            (wecom("secret", json!(" ")), 400, "invalid_request"),
            (wecom("secret", Value::Null), 400, "invalid_request"),
            (wecom("bot_id", json!("")), 400, "invalid_request"),
            (
                wecom("base_url", json!("http://127.0.0.1:1")),
                400,
                "invalid_request",
            ),
            (
                wecom("base_url", json!("ws://example.com")),
                400,
                "invalid_request",
            ),
            (
                wecom("base_url", json!("wss://canary:canary@host")),
                400,
                "invalid_request",
            ),
            (
                wecom("take_back_after", json!("canary")),
                400,
                "invalid_request",
            ),
            (
                wecom("take_back_after", json!("4m")),
                400,
                "invalid_request",
            ),
            (
                wecom("take_back_per_day", json!(49)),
                400,
                "invalid_request",
            ),
            (
                wecom("take_back_per_day", Value::Null),
                400,
                "invalid_request",
            ),
            (
                with("base_url", "http://example.com"),
                400,
                "invalid_request",
            ),
            (
                with("proxy", "socks5://canary@host"),
                400,
                "invalid_request",
            ),
        ] {
            let (told, problem) = served.post("/admin/v1/installations", body.clone()).await;
            assert_eq!(
                (told, problem["code"].as_str()),
                (status, Some(code)),
                "{body} {problem}"
            );
            assert!(!problem.to_string().contains("canary"), "{problem}");
        }
        for (path, status) in [
            ("/nope", 404),
            ("/admin/v1/nope", 404),
            ("/admin/v1/installations/nobody", 404),
            ("/admin/v1/installations?limit=0", 400),
            ("/admin/v1/installations?state=nonsense", 400),
            ("/admin/v1/installations?after=nonsense", 400),
            ("/admin/v1/tokens?after=0000000000000000", 400),
            ("/admin/v1/tokens?limit=501", 400),
            ("/admin/v1/audit?after=nonsense", 400),
            ("/admin/v1/actors?kind=nonsense", 400),
            ("/admin/v1/actors?state=nonsense", 400),
            ("/admin/v1/actors?sort=colour", 400),
            ("/admin/v1/actors?colour=red", 400),
            ("/admin/v1/tree?unfold=/nope", 404),
        ] {
            let (told, problem) = served.get(path).await;
            assert_eq!(
                (told, problem["status"].as_u64()),
                (status, Some(u64::from(status))),
                "{path}: {problem}"
            );
        }
    });
}

#[test]
fn pages_of_other_origins_and_foreign_names_have_no_access() {
    with_admin(|served| async move {
        for (header, value, status) in [
            ("Origin", "http://evil.example", 403),
            ("Origin", "null", 403),
            ("Host", "evil.example", 421),
            ("Origin", served.base.as_str(), 200),
            ("Host", "localhost:7701", 200),
        ] {
            let client = client(&served.token);
            let request = client.get(format!("{}/admin/v1/overview", served.base));
            let answer = request
                .insert_header((header, value))
                .send()
                .await
                .expect("the listener answers");
            assert_eq!(answer.status().as_u16(), status, "{header}: {value}");
        }
    });
}

#[test]
fn faults_are_absent_unless_allowed() {
    let fault = json!({"actor": "socket", "fault": "panic"});
    with_admin(|served| async move {
        served.post("/admin/v1/installations", bot("a")).await;
        assert_eq!(
            served
                .post("/admin/v1/installations/a/fault", fault)
                .await
                .0,
            404
        );
    });
    let setup = Setup {
        fault_injection: true,
        ..Setup::default()
    };
    with_admin_of(setup, |served| async move {
        let fault = json!({"actor": "colour", "fault": "panic"});
        assert_eq!(
            served
                .post("/admin/v1/installations/a/fault", fault)
                .await
                .0,
            400
        );
    });
}

#[test]
fn actors_are_folded_listed_and_asked() {
    with_admin(|served| async move {
        let (_, tree) = served.get("/admin/v1/tree").await;
        assert_eq!(tree["groups"][0]["path"], "/fleet", "{tree}");
        let (_, children) = served.get("/admin/v1/tree?unfold=/fleet").await;
        assert_eq!(
            children["children"][0]["path"], "/fleet/dispatch",
            "{children}"
        );
        let (_, page) = served
            .get("/admin/v1/actors?under=/fleet/dispatch&sort=-mailbox.depth&limit=5")
            .await;
        assert_eq!(
            (&page["matched"], &page["data"][0]["kind"]),
            (&json!(1), &json!("dispatch"))
        );
        let (status, words) = served
            .post("/admin/v1/actors/inspect?path=/fleet", Value::Null)
            .await;
        assert_eq!((status, &words["outcome"]), (200, &json!("answered")));
        assert_eq!(
            served
                .post("/admin/v1/actors/inspect?path=/nope", Value::Null)
                .await
                .0,
            404
        );
    });
}
