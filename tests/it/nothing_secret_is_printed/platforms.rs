//! What the platforms send: events, answers with secrets in their texts, and invalid bytes.

use longwire_sim::{Behaviour, ConnectionFault, Control, FragmentPlan, Push, Sim, Target, wecom};
use longwire_tests::{Admin, Gateway, app_id, bot_id, message_of, wait_acked};
use serde_json::json;

use super::marks::{BODY, CONTENT, SECRET, TICKET};
use super::seen::Seen;

/// Makes the platform answer with the same URL every time, and refuse it with its ticket in the text. Returns the ticket.
pub(super) fn repeats_its_ticket(other: &Sim) -> String {
    let app = app_id("forbidden");
    let request = json!({ "AppID": app, "AppSecret": SECRET });
    let answer = Admin::at(other.address())
        .post("/callback/ws/endpoint", Some(&request))
        .expect("the platform answers")
        .json();
    let url = answer["data"]["URL"]
        .as_str()
        .expect("an address")
        .to_owned();
    let mut pairs = url.split(['?', '&']);
    let ticket = pairs.find_map(|pair| pair.strip_prefix("ticket="));
    let ticket = ticket.expect("an address has a ticket").to_owned();
    let control = other.control();
    control.behaviour(Some(&app), Behaviour::BootstrapUrl { url });
    control.behaviour(
        Some(&app),
        Behaviour::UpgradeRefuse {
            http: 403,
            status: Some(403),
            msg: Some(format!("ticket {ticket} is not welcome")),
            auth: Some(1),
        },
    );
    ticket
}

/// Pushes events: whole, split, and invalid.
pub(super) fn people_write(control: &Control, gateway: &Gateway) {
    let event = |id: &str| {
        let event = message_of(id, &format!("om-{id}"), CONTENT);
        event.replacen("{", &format!("{{\"extra\":\"{BODY}\","), 1)
    };
    let app = app_id("by-file");
    let pushes = [
        Push::of(event("evt-whole")),
        Push::of(event("evt-split")).in_fragments(FragmentPlan::of_size(64)),
        Push::of(event("evt-traced")).with_header("trace_id", Some("trace-1")),
        Push {
            event_id: Some("evt-broken".to_owned()),
            ..Push::of(format!("{{\"header\": {BODY} {CONTENT}"))
        },
    ];
    gateway.expect_no_row_for("evt-broken");
    for push in pushes {
        let id = control.push(&app, push);
        wait_acked(control, id);
    }
    let stored = gateway.event("evt-whole").expect("it was acknowledged");
    assert!(
        stored
            .payload
            .windows(CONTENT.len())
            .any(|bytes| bytes == CONTENT.as_bytes())
    );
}

/// Pushes messages and nonsense, and asks as an application does. Only the application reads the answers.
pub(super) fn people_write_on_wecom(control: &wecom::Control, gateway: &Gateway, seen: &mut Seen) {
    let bot = bot_id("wecom");
    let said = wecom::Push::text(CONTENT).with_body("extra", BODY);
    control.push(&bot, said);
    for text in [
        format!("{{\"cmd\": {BODY} {CONTENT}"),
        json!({ "cmd": CONTENT, "headers": { "req_id": BODY } }).to_string(),
        json!({ "headers": { "req_id": CONTENT }, "errcode": 1, "errmsg": BODY }).to_string(),
        json!({ "cmd": "aibot_msg_callback", "headers": {}, "body": { "text": CONTENT } })
            .to_string(),
    ] {
        control.fault(
            wecom::Target::Bot(bot.clone()),
            wecom::ConnectionFault::Text(text),
        );
    }
    gateway.wait_installation("wecom", "all of it is counted", |view| {
        view["lights"]["malformed"] == 4
    });
    let markdown =
        json!({ "chatid": "zhangsan", "msgtype": "markdown", "markdown": { "content": CONTENT } });
    for (cmd, req_id, body) in [
        ("aibot_send_msg", None, markdown.clone()),
        ("aibot_respond_msg", Some(CONTENT), markdown.clone()),
        ("aibot_respond_msg", None, markdown.clone()),
        (
            "aibot_send_msg",
            None,
            json!({ "msgtype": CONTENT, "x": BODY }),
        ),
        (CONTENT, None, markdown),
    ] {
        let answer = gateway.ask("wecom", cmd, req_id, body);
        seen.text("POST /admin/v1/installations/wecom/requests", &answer.body);
    }
}

/// Sends unknown frames, unexpected pongs, and bytes that end the connection.
pub(super) fn the_platform_misbehaves(control: &Control, gateway: &Gateway) {
    let target = || Target::App(app_id("by-variable"));
    for fault in [
        ConnectionFault::Text(format!("{CONTENT} {TICKET}")),
        ConnectionFault::Garbage(format!("{CONTENT} {TICKET}").into_bytes().into()),
        ConnectionFault::PongConfig(format!("{{\"PingInterval\": \"{CONTENT}\"}}")),
        ConnectionFault::CardFrame,
        ConnectionFault::Method2,
    ] {
        control.fault(target(), fault);
    }
    gateway.wait_overview("the nonsense is counted", |overview| {
        overview["malformed"]
            .as_object()
            .is_some_and(|kinds| kinds.len() >= 5)
    });
    // An RFC 6455 close with a reason, and bytes that are no frame at all.
    let mut close = vec![0x88, (2 + CONTENT.len()) as u8, 0x03, 0xe9];
    close.extend_from_slice(CONTENT.as_bytes());
    for bytes in [close, [&[0xff, 0x7f][..], CONTENT.as_bytes()].concat()] {
        let generation = gateway.wait_live("by-variable")["generation"].as_u64();
        control.fault(target(), ConnectionFault::Raw(bytes.into()));
        gateway.wait_installation("by-variable", "connected anew", |view| {
            view["state"] == "live" && view["generation"].as_u64() > generation
        });
    }
}
