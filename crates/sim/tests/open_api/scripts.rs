//! Scripted outcomes of calls, and the budgets of apps.

use std::time::Instant;

use longwire_sim::{ApiCall, Behaviour, CallOutcome, Sim};
use serde_json::{Value, json};

use crate::caller::{Caller, MESSAGES, text};
use crate::support::{APP, LIMIT, http, start};

const BOT_INFO: &str = "/open-apis/bot/v3/info";

fn script(sim: &Sim, to: ApiCall, with: CallOutcome) {
    let script = Behaviour::Call { to: Some(to), with }.times(1);
    sim.control().behaviour(Some(APP), script);
}

#[test]
fn a_call_can_be_carried_out_and_its_answer_lost() {
    let sim = start(|settings| settings.chat_messages_per_second = 0);
    let (control, caller) = (sim.control(), Caller::with_token(&sim));
    let reply = format!("{MESSAGES}/om_q/reply");
    let body = text("x").to_string();
    for (with, sent) in [
        (CallOutcome::ResetAfter, 1),
        (CallOutcome::Reset, 1),
        (CallOutcome::CutShort, 2),
    ] {
        script(&sim, ApiCall::MessageReply, with);
        let answer = caller.try_send("POST", &reply, "application/json", body.as_bytes());
        assert!(answer.is_none(), "{answer:?}");
        assert_eq!(control.bot_messages(None).len(), sent);
    }
    script(
        &sim,
        ApiCall::MessageReply,
        CallOutcome::Http { status: 502 },
    );
    let answer = caller.send("POST", &reply, "application/json", body.as_bytes());
    assert_eq!(
        (answer.status, answer.header("content-type")),
        (502, Some("text/html"))
    );
    // Other calls are as they are.
    script(&sim, ApiCall::MessageSend, CallOutcome::Hang);
    assert_eq!(caller.code("POST", &reply, &text("x")), 0);
}

#[test]
fn an_answer_can_be_late_or_anything() {
    let sim = start(|_| ());
    let caller = Caller::with_token(&sim);
    script(&sim, ApiCall::BotInfo, CallOutcome::Slow { delay_ms: 30 });
    let began = Instant::now();
    assert_eq!(caller.code("GET", BOT_INFO, &Value::Null), 0);
    assert!(began.elapsed().as_millis() >= 30);
    let body = r#"{"app": "cli_a1b2c3d4e5f60718", "times": 1,
        "behaviour": {"call": {"to": "bot_info", "with": {"answer": {"http": 200, "body": {"code": 7}}}}}}"#;
    assert_eq!(http(&sim, "POST", "/sim/v1/behaviour", body).0, 200);
    assert_eq!(caller.code("GET", BOT_INFO, &Value::Null), 7);
    let text = CallOutcome::Text {
        http: 404,
        body: "404 page not found".to_owned(),
    };
    script(&sim, ApiCall::BotInfo, text);
    let answer = caller.send("GET", BOT_INFO, "text/plain", b"");
    assert_eq!(
        (answer.status, &*answer.body),
        (404, b"404 page not found".as_slice())
    );
}

#[test]
fn an_app_has_a_budget_for_each_call() {
    let sim = start(|settings| settings.call_budgets.app_per_minute = 3);
    let caller = Caller::with_token(&sim);
    for _ in 0..3 {
        assert_eq!(caller.code("GET", BOT_INFO, &Value::Null), 0);
    }
    let refused = caller.send("GET", BOT_INFO, "text/plain", b"");
    assert_eq!(
        (refused.status, &refused.json()["code"]),
        (429, &json!(99_991_400))
    );
    assert_eq!(refused.header("x-ogw-ratelimit-limit"), Some("3"));
    let reset = refused.header("x-ogw-ratelimit-reset").expect("a time");
    let reset: u64 = reset.parse().expect("seconds");
    assert!((1..=60).contains(&reset), "{reset}");
    let other = Caller::new(&sim).logged_in("cli_b1b2c3d4e5f60718", "secret");
    assert_eq!(other.code("GET", BOT_INFO, &Value::Null), 0);
    sim.control()
        .pass_time(std::time::Duration::from_secs(reset));
    assert_eq!(caller.code("GET", BOT_INFO, &Value::Null), 0);
}

#[test]
fn a_card_message_takes_five_changes_a_second() {
    let sim = start(|_| ());
    let caller = Caller::with_token(&sim);
    let card = json!({ "elements": [] }).to_string();
    let body = json!({ "msg_type": "interactive", "content": card });
    let sent = caller.data("POST", &format!("{MESSAGES}/om_q/reply"), &body);
    let path = format!("{MESSAGES}/{}", sent["message_id"].as_str().expect("an id"));
    let end = Instant::now() + LIMIT;
    // On a slow host a second passes before the sixth.
    while caller.code("PATCH", &path, &body) != 230_020 {
        assert!(Instant::now() < end, "the rate was never reached");
    }
}

#[test]
fn the_platform_says_who_the_bot_is() {
    let sim = start(|_| ());
    let (control, caller) = (sim.control(), Caller::with_token(&sim));
    let (_, info) = caller.json("GET", BOT_INFO, &Value::Null);
    let own = control.bot_open_id(APP);
    assert_eq!(info["bot"]["open_id"], *own);
    let ping = caller.data("POST", "/open-apis/bot/v1/openclaw_bot/ping", &json!({}));
    assert_eq!(ping["pingBotInfo"]["botID"], *own);
    let app = format!("/open-apis/application/v6/applications/{APP}?lang=en_us");
    assert_eq!(caller.data("GET", &app, &Value::Null)["app"]["app_id"], APP);
    let count = caller.data("GET", "/open-apis/event/v1/connection", &Value::Null);
    assert_eq!(count["online_instance_cnt"], 0);
    let unknown = caller.json("GET", "/open-apis/nothing", &Value::Null);
    assert_eq!((unknown.0, &unknown.1["code"]), (404, &json!(99_991_201)));
    let (_, _, told) = http(&sim, "GET", &format!("/sim/v1/bot?app={APP}"), "");
    let told: Value = serde_json::from_str(&told).expect("json");
    assert_eq!(told["open_id"], *own);
}
