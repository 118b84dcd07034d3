//! The control API: the commands of [`Control`] as JSON over HTTP, for scripts in any language. Nothing is decided here.

use serde::Deserialize;
use serde_json::{Value, json};

use crate::api::{ROOT, body};
use crate::http::HttpRequest;
use crate::push::PushId;
use crate::script::Script;
use crate::wecom::behaviour::Behaviour;
use crate::wecom::control::Control;
use crate::wecom::fault::{ConnectionFault, Target};
use crate::wecom::push::Push;

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct PushRequest {
    #[serde(alias = "app")]
    bot: String,
    #[serde(default)]
    push: Push,
    /// If not empty, these pushes are sent back to back and `push` is ignored.
    #[serde(default)]
    burst: Vec<Push>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct PushAgainRequest {
    push: PushId,
}

#[derive(Deserialize)]
#[serde(rename_all = "snake_case")]
enum TrafficRequest {
    Rate(crate::traffic::Traffic),
    Flood(crate::wecom::traffic::Flood),
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
    #[serde(default, alias = "app")]
    bot: Option<String>,
    #[serde(flatten)]
    script: Script<Behaviour>,
}

const VERBS: [&str; 13] = [
    "",
    "ledger",
    "traffic",
    "connections",
    "bots",
    "records",
    "delivered",
    "shown",
    "uploaded",
    "push",
    "push_again",
    "fault",
    "behaviour",
];

/// Status and JSON body of the answer to a request below [`ROOT`].
pub(crate) fn answer(control: &Control, request: &HttpRequest) -> (u16, Value) {
    let verb = request.path().strip_prefix(ROOT).unwrap_or_default();
    let verb = verb.trim_matches('/');
    let bot = request.query("bot").or_else(|| request.query("app"));
    let bot = bot.as_deref();
    let chat = verb.strip_prefix("chats/");
    let chat = chat.and_then(|rest| rest.strip_suffix("/transcript"));
    let result = match (request.method.as_str(), verb) {
        ("GET", _) if chat.is_some() => Ok(json!(control.transcript(chat.unwrap_or_default()))),
        ("GET", "") => Ok(verbs()),
        ("GET", "ledger") => Ok(json!(control.ledger())),
        ("GET", "traffic") => Ok(json!(control.traffic())),
        ("GET", "connections") => Ok(json!(control.connections(bot))),
        ("GET", "bots") => Ok(json!(control.bots())),
        ("GET", "records") => Ok(json!(control.records(bot))),
        ("GET", "delivered") => Ok(json!(control.delivered_msgids())),
        ("GET", "shown") => Ok(json!(control.shown(bot))),
        ("GET", "uploaded") => Ok(json!(control.uploaded())),
        ("POST", "push") => push(control, request),
        ("POST", "push_again") => push_again(control, request),
        ("POST", "traffic") => traffic(control, request),
        ("POST", "fault") => fault(control, request),
        ("POST", "behaviour") => behaviour(control, request),
        ("POST", "reset") => {
            control.reset();
            Ok(json!({"reset": true}))
        }
        (method, verb) if verb == "reset" || VERBS.contains(&verb) => {
            let path = request.path();
            return (
                405,
                json!({"error": format!("{path} does not take {method}; see GET {ROOT}")}),
            );
        }
        (_, verb) => {
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

fn push(control: &Control, request: &HttpRequest) -> Result<Value, String> {
    let asked: PushRequest = body(request)?;
    let pushes = if asked.burst.is_empty() {
        vec![control.push(&asked.bot, asked.push)]
    } else {
        control.push_burst(&asked.bot, asked.burst)
    };
    let pushed = pushes.into_iter().map(|push| {
        let msgid = control.record(push).map(|record| record.msgid);
        json!({"push": push, "msgid": msgid})
    });
    Ok(json!({"pushed": pushed.collect::<Vec<_>>()}))
}

fn push_again(control: &Control, request: &HttpRequest) -> Result<Value, String> {
    let asked: PushAgainRequest = body(request)?;
    Ok(json!({"pushed": control.push_again(asked.push)}))
}

fn traffic(control: &Control, request: &HttpRequest) -> Result<Value, String> {
    match body(request)? {
        TrafficRequest::Rate(traffic) => control.push_at_rate(traffic),
        TrafficRequest::Flood(flood) => control.push_flood(flood),
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
    control.behaviour(asked.bot.as_deref(), asked.script);
    Ok(json!({"scripted": true}))
}

fn verbs() -> Value {
    let group = json!({"user": "lisi", "group": "wrGROUPxyz"});
    json!({
        "GET /sim/v1/ledger": "counters: pushed + re_pushed = delivered + waiting + unwritten + lost",
        "GET /sim/v1/traffic": "how far made-up traffic has come",
        "GET /sim/v1/connections?bot=": "live connections",
        "GET /sim/v1/bots": "bots and who holds them",
        "GET /sim/v1/records?bot=": "every callback with its deliveries",
        "GET /sim/v1/delivered": "msgids of delivered callbacks",
        "GET /sim/v1/shown?bot=": "what users see",
        "GET /sim/v1/chats/{chat}/transcript": "what a person sees in a chat",
        "GET /sim/v1/uploaded": "files that bots uploaded",
        "POST /sim/v1/push": [
            {"bot": "aib_sim"},
            {"bot": "aib_sim", "push": {"content": {"text": "hello"}, "chat": group}},
            {"bot": "aib_sim", "push": {"content": {"event": {"eventtype": "enter_chat"}}}},
            {"bot": "aib_sim", "push": {"content": {"file": {"bytes": "aGVsbG8=", "file_name": "hello.txt"}}}},
            {"bot": "aib_sim", "push": {"content": {"raw": "not json"}}},
            {"bot": "aib_sim", "burst": [{"content": {"text": "one"}}, {"content": {"text": "two"}, "msgid": "m2", "req_id": "r2"}]},
        ],
        "POST /sim/v1/push_again": [{"push": 1}],
        "POST /sim/v1/traffic": [
            {"rate": {"per_second": 1000, "payload_bytes": 1024, "seconds": 10}},
            {"flood": {"total": 100_000}},
            "stop",
        ],
        "POST /sim/v1/fault": [
            {"target": "all", "fault": "half_open"},
            {"target": {"bot": "aib_sim"}, "fault": "displace"},
            {"target": {"connection": 1}, "fault": {"slow_pong": 5000}},
        ],
        "POST /sim/v1/behaviour": [
            {"bot": "aib_sim", "behaviour": {"answer": {"to": "subscribe", "with": {"code": 45009}}}, "times": 3},
            {"behaviour": {"answer": {"to": "send", "with": {"late": 6000}}}, "times": 1, "after": 2},
            {"behaviour": "upgrade_hang", "times": 1},
            {"behaviour": {"media_http": {"status": 404}}, "times": 1},
            {"behaviour": "nominal"},
        ],
        "POST /sim/v1/reset": "forget pushes, counters, scripts and traffic; connections stay",
    })
}
