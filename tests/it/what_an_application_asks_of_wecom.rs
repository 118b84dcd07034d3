//! Every request of an application to a WeCom bot's platform is answered: by the platform, or with the reason why there
//! is no answer and whether the request may have been carried out.

use std::time::Duration;

use longwire_sim::wecom::{
    Behaviour, CommandKind, ConnectionFault, Control, Push, ScriptedAnswer, Target, Via,
};
use longwire_tests::{Gateway, Setup, bot_id, holder, live_wecom_bot, wait_until, wecom_platform};
use serde_json::{Value, json};

fn bot() -> Target {
    Target::Bot(bot_id("a"))
}

/// Somebody writes to the bot, and what is recorded names the `req_id` that a reply needs.
fn spoken_to(control: &Control, gateway: &Gateway, push: Push) -> String {
    let push = control.push(&bot_id("a"), push);
    let msgid = control.record(push).expect("it is new").msgid;
    let event = wait_until("the message is recorded", || {
        gateway.event(&msgid).ok_or_else(|| "not yet".to_owned())
    });
    event.trace_id.expect("a callback has a req_id").into()
}

fn stream(content: &str, finish: bool) -> Value {
    json!({ "msgtype": "stream", "stream": { "id": "s1", "finish": finish, "content": content } })
}

fn markdown(to: &str, content: &str) -> Value {
    json!({ "chatid": to, "msgtype": "markdown", "markdown": { "content": content } })
}

/// S158, S161 and S162: a stream in parts, a welcome, a card's update and a message of its own, as the users see them.
#[test]
fn users_see_what_the_application_said() {
    let (sim, gateway) = live_wecom_bot(|setup| setup);
    let control = sim.control();
    let req_id = spoken_to(&control, &gateway, Push::text("a question"));
    for (content, finish) in [("one", false), ("one two", false), ("one two three", true)] {
        let body = stream(content, finish);
        let answer = gateway.ask("a", "aibot_respond_msg", Some(&req_id), body);
        assert_eq!(
            (answer.status, &answer.json()["code"]),
            (200, &json!(0)),
            "{}",
            answer.body
        );
    }
    let entered = spoken_to(&control, &gateway, Push::event("enter_chat"));
    let welcome = json!({ "msgtype": "text", "text": { "content": "welcome" } });
    gateway.ask("a", "aibot_respond_welcome_msg", Some(&entered), welcome);
    gateway.ask(
        "a",
        "aibot_send_msg",
        None,
        markdown("zhangsan", "by the way"),
    );
    let shown: Vec<_> = control
        .shown(None)
        .into_iter()
        .map(|shown| (shown.via.clone(), shown.text().to_owned(), shown.finished))
        .collect();
    assert_eq!(
        shown,
        [
            (Via::Reply(req_id), "one two three".to_owned(), true),
            (Via::Welcome(entered), "welcome".to_owned(), true),
            (Via::Send, "by the way".to_owned(), true),
        ]
    );
}

/// S177: the platform's refusal is its answer, with its code and its words.
#[test]
fn the_platforms_refusal_is_its_answer() {
    let (sim, gateway) = live_wecom_bot(|setup| setup);
    let control = sim.control();
    let answer = gateway.ask(
        "a",
        "aibot_respond_msg",
        Some("unheard-of"),
        stream("hello?", true),
    );
    let reply = answer.json();
    assert_eq!(
        (answer.status, &reply["code"]),
        (200, &json!(846_605)),
        "{reply}"
    );
    assert!(
        !reply["message"].as_str().unwrap_or_default().is_empty(),
        "{reply}"
    );
    assert!(control.shown(None).is_empty());
    // Under the same req_id others can be answered after it.
    let again = gateway.ask(
        "a",
        "aibot_respond_msg",
        Some("unheard-of"),
        stream("hello?", true),
    );
    assert_eq!(again.json()["code"], 846_605);
}

/// S188: what cannot be sent is told, and at once.
#[test]
fn what_cannot_be_sent_is_told_at_once() {
    let (sim, gateway) = live_wecom_bot(|setup| setup);
    let control = sim.control();
    let problem = |name: &str, cmd: &str, req_id: Option<&str>| {
        let answer = gateway.ask(name, cmd, req_id, markdown("zhangsan", "hello"));
        let code = answer.json()["code"]
            .as_str()
            .unwrap_or_default()
            .to_owned();
        (answer.status, code)
    };
    assert_eq!(
        problem("nobody", "aibot_send_msg", None),
        (404, "unknown_installation".to_owned())
    );
    assert_eq!(
        problem("a", "aibot_subscribe", None).0,
        400,
        "that is ours to say"
    );
    assert_eq!(
        problem("a", "aibot_respond_msg", None),
        (400, "no_req_id".to_owned())
    );
    let unknown = gateway
        .ask("nobody", "aibot_send_msg", None, markdown("x", "y"))
        .json();
    assert!(unknown["next_step"].is_string(), "{unknown}");
    gateway.tell("a", "stop");
    gateway.wait_installation("a", "stopped", |view| view["state"] == "stopped");
    assert_eq!(
        problem("a", "aibot_send_msg", None),
        (503, "not_connected".to_owned())
    );
    let ledger = control.ledger();
    let sent: Vec<&str> = ledger.commands.keys().map(String::as_str).collect();
    assert!(
        sent.iter()
            .all(|cmd| ["aibot_subscribe", "ping"].contains(cmd)),
        "{sent:?}"
    );
}

/// What the platform does not take is not sent: text above 20,480 bytes of UTF-8, whose answer nobody has documented, and
/// messages of a type that the command does not have.
#[test]
fn what_the_platform_would_not_take_is_refused_before_it_is_sent() {
    let (sim, gateway) = live_wecom_bot(|setup| setup);
    let control = sim.control();
    let req_id = spoken_to(&control, &gateway, Push::text("a question"));
    let full = "汉".repeat(6_826) + "ab";
    let text = json!({ "msgtype": "text", "text": { "content": "hello" } });
    for (cmd, body, code, told) in [
        (
            "aibot_respond_msg",
            stream(&format!("{full}c"), true),
            "body_too_long",
            "content has 20481 bytes in UTF-8, and the platform takes at most 20480",
        ),
        (
            "aibot_send_msg",
            markdown("zhangsan", &format!("{full}c")),
            "body_too_long",
            "20480",
        ),
        (
            "aibot_respond_msg",
            text,
            "body_refused",
            "one of stream, markdown",
        ),
        (
            "aibot_send_msg",
            json!({}),
            "body_refused",
            "chatid is missing",
        ),
        (
            "aibot_upload_media_finish",
            json!([]),
            "body_refused",
            "no JSON object",
        ),
    ] {
        let req_id = cmd.starts_with("aibot_respond").then_some(req_id.as_str());
        let answer = gateway.ask("a", cmd, req_id, body);
        let problem = answer.json();
        assert_eq!(
            (answer.status, &problem["code"]),
            (400, &json!(code)),
            "{problem}"
        );
        let detail = problem["detail"].as_str().unwrap_or_default();
        assert!(detail.contains(told), "{detail}");
    }
    let answer = gateway.ask("a", "aibot_respond_msg", Some(&req_id), stream(&full, true));
    assert_eq!(answer.json()["code"], 0, "{}", answer.body);
    let ledger = control.ledger();
    let asked: Vec<_> = ledger
        .commands
        .keys()
        .filter(|cmd| cmd.starts_with("aibot_"))
        .collect();
    assert_eq!(asked, ["aibot_respond_msg", "aibot_subscribe"]);
    assert_eq!(ledger.answered("aibot_respond_msg", 0), 1);
}

/// 846609 to any command: the platform has forgotten the subscription, heartbeats do not tell it. The asker hears so,
/// and the bot is live again.
#[test]
fn a_forgotten_subscription_is_noticed_and_made_anew() {
    let (sim, gateway) = live_wecom_bot(|setup| setup);
    let control = sim.control();
    for (generation, cmd) in (2_u64..).zip(["aibot_send_msg", "aibot_respond_msg"]) {
        let req_id = spoken_to(&control, &gateway, Push::text("a question"));
        assert_eq!(control.fault(bot(), ConnectionFault::Unsubscribe), 1);
        let (req_id, body) = match cmd {
            "aibot_send_msg" => (None, markdown("zhangsan", "hello")),
            _ => (Some(req_id.as_str()), stream("hello", true)),
        };
        let answer = gateway.ask("a", cmd, req_id, body);
        let problem = answer.json();
        assert_eq!(
            (answer.status, &problem["code"]),
            (503, &json!("not_subscribed")),
            "{problem}"
        );
        let view = gateway.wait_installation("a", "live again", |view| {
            view["state"] == "live" && view["generation"] == generation
        });
        assert_eq!(view["lights"]["reconnects"], generation - 1, "{view}");
    }
    let answer = gateway.ask("a", "aibot_send_msg", None, markdown("zhangsan", "hello"));
    assert_eq!(answer.json()["code"], 0, "{}", answer.body);
    assert_eq!(control.shown(None).len(), 1);
}

/// S176 and S178: no answer, or none before the connection ends, is told with what it means; none of it settles
/// another request.
#[test]
fn a_missing_answer_is_told() {
    let (sim, gateway) = live_wecom_bot(|setup| setup);
    let control = sim.control();
    let ask = |with: ScriptedAnswer, content: &str| {
        control.behaviour(None, Behaviour::answer(CommandKind::Send, with).times(1));
        let answer = gateway.ask("a", "aibot_send_msg", None, markdown("zhangsan", content));
        let code = answer.json()["code"].clone();
        (answer.status, code)
    };
    assert_eq!(ask(ScriptedAnswer::Silence, "1"), (504, json!("timed_out")));
    assert_eq!(ask(ScriptedAnswer::Foreign, "2"), (504, json!("timed_out")));
    assert_eq!(
        ask(ScriptedAnswer::DropBefore, "3"),
        (502, json!("connection_lost"))
    );
    gateway.wait_installation("a", "live again", |view| {
        view["state"] == "live" && view["generation"] == 2
    });
    assert_eq!(ask(ScriptedAnswer::Twice, "4"), (200, json!(0)));
    assert_eq!(ask(ScriptedAnswer::Code(45_009), "5"), (200, json!(45_009)));
    assert_eq!(
        ask(ScriptedAnswer::Late(Duration::from_millis(700)), "6"),
        (200, json!(0))
    );
    let shown: Vec<_> = control
        .shown(None)
        .iter()
        .map(|shown| shown.text().to_owned())
        .collect();
    assert_eq!(shown, ["1", "2", "3", "4", "6"]);
    // The second answers to "4" and the one nobody asked for are counted.
    let malformed = gateway.overview()["malformed"].take();
    assert_eq!(malformed["answer_to_nothing"], 2, "{malformed}");
}

/// A stop does not leave an asker without a word either, nor a stream under way without its ends.
#[test]
fn a_stop_answers_those_who_wait() {
    let (sim, gateway) = live_wecom_bot(|setup| setup);
    let control = sim.control();
    control.behaviour(
        None,
        Behaviour::answer(CommandKind::Send, ScriptedAnswer::Silence),
    );
    std::thread::scope(|scope| {
        let asker = scope
            .spawn(|| gateway.ask("a", "aibot_send_msg", None, markdown("zhangsan", "waiting")));
        wait_until("it is asked", || match control.shown(None).len() {
            1 => Ok(()),
            other => Err(other.to_string()),
        });
        gateway.tell("a", "stop");
        let answer = asker.join().expect("it is told");
        let problem = answer.json();
        assert!(
            ["connection_lost", "timed_out"]
                .contains(&problem["code"].as_str().unwrap_or_default()),
            "{problem}"
        );
    });
}

/// S179 and S196: a hundred ask at once over one connection, each hears its own answer, and frames of one reply keep
/// their order.
#[test]
fn a_hundred_ask_at_once_and_each_hears_its_own_answer() {
    let sim = wecom_platform(|settings| {
        settings.message_limit = longwire_sim::wecom::RateLimit {
            per_minute: 10_000,
            per_hour: 10_000,
        };
    });
    let gateway = Setup::without_platform().wecom_bot("a", &sim).start();
    gateway.wait_live("a");
    let control = sim.control();
    std::thread::scope(|scope| {
        for number in 0..100 {
            let (gateway, control) = (&gateway, &control);
            scope.spawn(move || {
                let text = format!("question {number}");
                let req_id = spoken_to(control, gateway, Push::text(&text));
                let foreign = number % 10 == 0;
                for part in 1..=5 {
                    let (under, wanted) = if foreign {
                        ("nobodys", 846_605)
                    } else {
                        (req_id.as_str(), 0)
                    };
                    let body = stream(&format!("{number}: {part}"), part == 5);
                    let answer = gateway.ask("a", "aibot_respond_msg", Some(under), body);
                    assert_eq!(answer.json()["code"], wanted, "{}", answer.body);
                }
            });
        }
    });
    let shown = control.shown(None);
    assert_eq!(shown.len(), 90);
    assert!(
        shown
            .iter()
            .all(|one| one.finished && one.frames == 5 && one.text().ends_with(": 5")),
        "{shown:?}"
    );
    assert_eq!(holder(&control, "a").id, control.connections(None)[0].id);
    assert_eq!(control.ledger().connections_opened, 1);
}
