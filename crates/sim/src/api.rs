//! The control API: the commands of [`Control`] as JSON over HTTP, for scripts in any language. Nothing is decided here.

mod open_api;

use serde::Deserialize;
use serde::de::DeserializeOwned;
use serde_json::{Value, json};

use crate::behaviour::Behaviour;
use crate::control::Control;
use crate::fault::{ConnectionFault, Target};
use crate::http::HttpRequest;
use crate::http_push::{HttpLoad, HttpPush, RequestUrls, UrlCheck};
use crate::push::Push;
use crate::script::Script;

/// The path below which the API is served.
pub(crate) const ROOT: &str = "/sim/v1";

/// Whether a request path belongs to the API.
pub(crate) fn is_below_root(path: &str) -> bool {
    path.strip_prefix(ROOT)
        .is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct PushRequest {
    app: String,
    #[serde(default)]
    push: Push,
    /// If not empty, these pushes are sent interleaved and `push` is ignored.
    #[serde(default)]
    interleaved: Vec<Push>,
}

#[derive(Deserialize)]
#[serde(rename_all = "snake_case")]
enum TrafficRequest {
    Rate(crate::traffic::Traffic),
    ClosedLoop(crate::traffic::ClosedLoop),
    Stop,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct FaultRequest {
    target: Target,
    fault: ConnectionFault,
}

#[derive(Deserialize)]
struct BehaviourRequest {
    #[serde(default)]
    app: Option<String>,
    #[serde(flatten)]
    script: Script<Behaviour>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct ExpireRequest {
    #[serde(default)]
    app: Option<String>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct RecallRequest {
    message_id: String,
}

#[derive(Deserialize)]
struct RequestUrlsRequest {
    app: String,
    #[serde(default)]
    check: UrlCheck,
    #[serde(flatten)]
    urls: RequestUrls,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct HttpPushRequest {
    app: String,
    #[serde(default)]
    push: HttpPush,
}

#[derive(Deserialize)]
#[serde(rename_all = "snake_case")]
enum HttpLoadRequest {
    Load(HttpLoad),
    Stop,
}

/// Status and JSON body of the answer to a request below [`ROOT`].
pub(crate) async fn answer(control: &Control, request: &HttpRequest) -> (u16, Value) {
    let verb = request.path().strip_prefix(ROOT).unwrap_or_default();
    let verb = verb.trim_matches('/');
    if let Some(result) = open_api::answer(control, verb, request) {
        return match result {
            Ok(value) => (200, value),
            Err(error) => (400, json!({"error": error})),
        };
    }
    let result = match (request.method.as_str(), verb) {
        ("GET", "") => Ok(verbs()),
        ("GET", "ledger") => Ok(json!(control.ledger())),
        ("GET", "traffic") => Ok(json!(control.traffic())),
        ("GET", "connections") => Ok(json!(control.connections(request.query("app").as_deref()))),
        ("GET", "records") => Ok(json!(control.records(request.query("app").as_deref()))),
        ("GET", "messages") => Ok(json!(control.bot_messages(request.query("app").as_deref()))),
        ("POST", "expire_tokens") => expire_tokens(control, request),
        ("POST", "recall") => recall(control, request),
        ("GET", "acked") => Ok(json!(control.acked_event_ids())),
        ("POST", "push") => push(control, request),
        ("POST", "traffic") => traffic(control, request),
        ("POST", "fault") => fault(control, request),
        ("POST", "behaviour") => behaviour(control, request),
        ("GET", "http/load") => Ok(json!(control.http_load())),
        ("GET", "http/records") => Ok(json!(control.http_records(request.query("app").as_deref()))),
        ("GET", "http/delivered") => Ok(json!(control.http_delivered_ids())),
        ("POST", "request_urls") => request_urls(control, request).await,
        ("POST", "http/push") => http_push(control, request),
        ("POST", "http/load") => http_load(control, request),
        ("POST", "reset") => {
            control.reset();
            Ok(json!({"reset": true}))
        }
        (
            _,
            "" | "ledger" | "traffic" | "connections" | "records" | "acked" | "messages" | "push"
            | "fault" | "behaviour" | "expire_tokens" | "recall" | "reset" | "request_urls"
            | "describe" | "pass_time" | "bot" | "http/push" | "http/load" | "http/records"
            | "http/delivered",
        ) => {
            return (
                405,
                json!({"error": format!("{} does not take {}; see GET {ROOT}", request.path(), request.method)}),
            );
        }
        _ => {
            return (
                404,
                json!({"error": format!("no verb \"{verb}\"; GET {ROOT} lists them")}),
            );
        }
    };
    match result {
        Ok(value) => (200, value),
        Err(error) => (400, json!({"error": error})),
    }
}

pub(crate) fn body<T: DeserializeOwned>(request: &HttpRequest) -> Result<T, String> {
    serde_json::from_slice(&request.body)
        .map_err(|error| format!("{error}; GET {ROOT} shows an example of the body"))
}

fn push(control: &Control, request: &HttpRequest) -> Result<Value, String> {
    let asked: PushRequest = body(request)?;
    let pushes = if asked.interleaved.is_empty() {
        vec![control.push(&asked.app, asked.push)]
    } else {
        control.push_interleaved(&asked.app, asked.interleaved)
    };
    let pushed: Vec<Value> = pushes
        .into_iter()
        .map(|push| {
            let event_id = control.record(push).map(|record| record.event_id);
            json!({"push": push, "event_id": event_id})
        })
        .collect();
    Ok(json!({"pushed": pushed}))
}

fn traffic(control: &Control, request: &HttpRequest) -> Result<Value, String> {
    match body(request)? {
        TrafficRequest::Rate(traffic) => control.push_at_rate(traffic),
        TrafficRequest::ClosedLoop(closed) => control.push_closed_loop(closed),
        TrafficRequest::Stop => control.stop_traffic(),
    }
    Ok(json!(control.traffic()))
}

fn fault(control: &Control, request: &HttpRequest) -> Result<Value, String> {
    let asked: FaultRequest = body(request)?;
    let connections = control.fault(asked.target, asked.fault);
    Ok(json!({"connections": connections}))
}

fn behaviour(control: &Control, request: &HttpRequest) -> Result<Value, String> {
    let asked: BehaviourRequest = body(request)?;
    control.behaviour(asked.app.as_deref(), asked.script);
    Ok(json!({"scripted": true}))
}

fn expire_tokens(control: &Control, request: &HttpRequest) -> Result<Value, String> {
    let asked: ExpireRequest = body(request)?;
    Ok(json!({"expired": control.expire_tokens(asked.app.as_deref())}))
}

fn recall(control: &Control, request: &HttpRequest) -> Result<Value, String> {
    let asked: RecallRequest = body(request)?;
    control.recall(&asked.message_id);
    Ok(json!({"recalled": true}))
}

async fn request_urls(control: &Control, request: &HttpRequest) -> Result<Value, String> {
    let asked: RequestUrlsRequest = body(request)?;
    let saved = control.save_request_urls(&asked.app, &asked.urls, asked.check);
    saved.await.map_err(|error| error.to_string())?;
    Ok(json!({"saved": true}))
}

fn http_push(control: &Control, request: &HttpRequest) -> Result<Value, String> {
    let asked: HttpPushRequest = body(request)?;
    let pushed = control.push_http(&asked.app, asked.push);
    let push = pushed.map_err(|error| error.to_string())?;
    let event_id = control.http_record(push).map(|record| record.event_id);
    Ok(json!({"push": push, "event_id": event_id}))
}

fn http_load(control: &Control, request: &HttpRequest) -> Result<Value, String> {
    match body(request)? {
        HttpLoadRequest::Load(load) => {
            let started = control.load_http(load);
            started.map_err(|error| error.to_string())?;
        }
        HttpLoadRequest::Stop => control.stop_http_load(),
    }
    Ok(json!(control.http_load()))
}

fn verbs() -> Value {
    json!({
        "GET /sim/v1/ledger": "counters: pushed = acked + lost + pending",
        "GET /sim/v1/traffic": "how far made-up traffic has come",
        "GET /sim/v1/connections?app=": "live connections",
        "GET /sim/v1/records?app=": "every event with its attempts",
        "GET /sim/v1/acked": "ids of acked events",
        "GET /sim/v1/messages?app=": "messages that bots sent",
        "POST /sim/v1/push": [
            {"app": "cli_a1b2c3d4e5f60718"},
            {"app": "cli_a1b2c3d4e5f60718", "push": {
                "payload": {"given": {"schema": "2.0", "header": {"event_id": "e1", "event_type": "im.message.receive_v1"}, "event": {}}},
                "fragments": {"size_bytes": 40, "order": "shuffled", "duplicate": [0], "drop": [], "repeat_last": true}}},
            {"app": "cli_a1b2c3d4e5f60718", "push": {"payload": {"message": {"chat": "oc_1", "text": "hello"}}}},
            {"app": "cli_a1b2c3d4e5f60718", "push": {"payload": {"card_click": {"value": {"action": "approve"}}}}},
        ],
        "POST /sim/v1/traffic": [
            {"rate": {"per_second": 1000, "payload_bytes": 1024, "chats": 50, "seconds": 10}},
            {"closed_loop": {"window": 64, "total": 100000}},
            "stop",
        ],
        "POST /sim/v1/fault": [
            {"target": "all", "fault": "half_open"},
            {"target": {"app": "cli_a1b2c3d4e5f60718"}, "fault": {"close": 1001}},
            {"target": {"connection": 1}, "fault": {"slow_pong": 5000}},
        ],
        "POST /sim/v1/behaviour": [
            {"app": "cli_a1b2c3d4e5f60718", "behaviour": {"bootstrap_http": {"status": 503}}, "times": 3},
            {"behaviour": "upgrade_hang", "times": 1, "after": 2},
            {"behaviour": {"call": {"to": "message_reply", "with": "unanswered"}}, "times": 1},
            {"behaviour": {"call": {"with": {"slow": {"delay_ms": 500}}}}},
            {"behaviour": {"message_refuse": {"http": 429, "code": 99991400, "msg": "slower", "reset_s": 1}}, "times": 1},
            {"behaviour": "nominal"},
        ],
        "POST /sim/v1/request_urls": [
            {"app": "cli_a1b2c3d4e5f60718", "check": "skip", "events": "http://127.0.0.1:9/events",
                "callbacks": "http://127.0.0.1:9/cards",
                "verification_token": "any-text", "encrypt_key": "any-text"},
        ],
        "POST /sim/v1/http/push": [
            {"app": "cli_a1b2c3d4e5f60718"},
            {"app": "cli_a1b2c3d4e5f60718", "push": {"payload": {"message": {"text": "hello"}}, "duplicates": 1,
                "roads": "both", "delay": 10}},
            {"app": "cli_a1b2c3d4e5f60718", "push": {"payload": {"card_click": {"value": {"action": "approve"}}}}},
            {"app": "cli_a1b2c3d4e5f60718", "push": {"payload": {"card_click": {}}, "scheme": "old_card"}},
            {"app": "cli_a1b2c3d4e5f60718", "push": {"flaw": "wrong_signature"}},
            {"app": "cli_a1b2c3d4e5f60718", "push": {"flaw": {"stale_timestamp": {"seconds": 3600}}}},
        ],
        "POST /sim/v1/http/load": [
            {"load": {"connections": 100, "payload_bytes": 1024, "total": 1000}},
            {"load": {"connections": 10, "per_second": 500, "seconds": 10}},
            "stop",
        ],
        "GET /sim/v1/http/load": "how far generated HTTP traffic has come",
        "GET /sim/v1/http/records?app=": "every HTTP push with its tries",
        "GET /sim/v1/http/delivered": "ids of delivered HTTP pushes",
        "POST /sim/v1/expire_tokens": [{"app": "cli_a1b2c3d4e5f60718"}, {}],
        "POST /sim/v1/recall": [{"message_id": "om_1"}],
        "GET /sim/v1/chats/{chat}/transcript": "what a person sees in a chat",
        "GET /sim/v1/bot?app=": "the open id of the app's bot",
        "POST /sim/v1/describe": [
            {"bot": {"app": "cli_a1b2c3d4e5f60718", "profile": {"name": "Helper", "activate_status": 2}}},
            {"person": {"open_id": "ou_00000000000000000000000000000a17", "profile": {"name": "Ann", "reach": "outside"}}},
            {"chat": {"chat": "oc_1", "profile": {"name": "Team", "mode": "group", "people": 3, "apps": []}}},
        ],
        "POST /sim/v1/pass_time": [{"seconds": 3600}],
        "POST /sim/v1/reset": "forget pushes, counters, scripts and traffic; connections and request URLs stay",
    })
}
