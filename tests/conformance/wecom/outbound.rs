//! What each client says, users see.

use longwire_sim::wecom::{Chat, Content, Push, Shown, Via};
use serde_json::{Value, json};

use super::order::Order;
use super::stage::{BOT, Stage};
use crate::scene::Scene;

const USER: &str = "zhangsan";
const GROUP: &str = "wrGROUPxyz";

/// A stream shows each part in place of the one before, until it is finished.
pub(crate) fn in_streams(scene: Scene) {
    let Some(stage) = Stage::set(scene) else {
        return;
    };
    let req_id = stage.heard_as(Push::text("why?"), "text");
    let parts = ["想", "想一想", "想一想: **because** 🛰"];
    for (frames, part) in (1..).zip(parts) {
        let finish = frames == parts.len() as u64;
        let answer = stage.ask(&Order::ReplyStream {
            req_id: &req_id,
            id: "stream-1",
            content: part,
            finish,
        });
        is_ack(&answer, &req_id);
        let shown = stage.newly_shown(0);
        assert_eq!(shown.text(), part);
        assert_eq!((shown.frames, shown.finished), (frames, finish));
        is_in(&shown, USER, "stream", &Via::Reply(req_id.clone()));
    }
    // Another stream under the same callback is another message.
    let answer = stage.ask(&Order::ReplyStream {
        req_id: &req_id,
        id: "stream-2",
        content: "and",
        finish: true,
    });
    is_ack(&answer, &req_id);
    assert_eq!(stage.newly_shown(1).text(), "and");
    assert_eq!(stage.shown()[0].text(), parts[2]);
    assert_eq!(stage.sim.ledger().answered("aibot_respond_msg", 0), 4);
    stage.is_spotless();
}

/// A message that answers nothing, to a user and to a group.
pub(crate) fn unasked(scene: Scene) {
    let Some(stage) = Stage::set(scene) else {
        return;
    };
    stage.heard_as(Push::text("hi").in_chat(Chat::group(GROUP, "lisi")), "text");
    for (before, chat) in [USER, GROUP].into_iter().enumerate() {
        let markdown = json!({ "content": format!("**news** for {chat}") });
        let answer = stage.ask(&Order::SendMessage {
            chat,
            body: json!({ "msgtype": "markdown", "markdown": markdown }),
        });
        assert_eq!(answer["errcode"], 0);
        let shown = stage.newly_shown(before);
        is_in(&shown, chat, "markdown", &Via::Send);
        assert_eq!(shown.content, markdown);
    }
    stage.is_spotless();
}

/// A welcome in words and as a card, a card as a reply and unasked, and what it becomes when it is pressed.
pub(crate) fn in_cards(scene: Scene) {
    let Some(stage) = Stage::set(scene) else {
        return;
    };
    let card = card("审批?");

    let entered = stage.heard_as(Push::event("enter_chat"), "enter_chat");
    let words = json!({ "content": "欢迎" });
    for (before, (kind, content)) in [("text", &words), ("template_card", &card)]
        .into_iter()
        .enumerate()
    {
        let answer = stage.ask(&Order::ReplyWelcome {
            req_id: &entered,
            body: json!({ "msgtype": kind, kind: content }),
        });
        is_ack(&answer, &entered);
        let shown = stage.newly_shown(before);
        is_in(&shown, USER, kind, &Via::Welcome(entered.clone()));
        assert_eq!(shown.content, *content);
    }

    let asked = stage.heard_as(Push::text("a card, please"), "text");
    let answer = stage.ask(&Order::ReplyTemplateCard {
        req_id: &asked,
        card: &card,
    });
    is_ack(&answer, &asked);
    let shown = stage.newly_shown(2);
    is_in(&shown, USER, "template_card", &Via::Reply(asked));
    assert_eq!(shown.content, card);

    let answer = stage.ask(&Order::SendMessage {
        chat: USER,
        body: json!({ "msgtype": "template_card", "template_card": card }),
    });
    assert_eq!(answer["errcode"], 0);
    is_in(&stage.newly_shown(3), USER, "template_card", &Via::Send);

    let pressed = Content::card_event("task-1", "approve");
    let pressed = stage.heard_as(pressed, "template_card_event");
    let becomes = self::card("已批准");
    let answer = stage.ask(&Order::UpdateTemplateCard {
        req_id: &pressed,
        card: &becomes,
    });
    is_ack(&answer, &pressed);
    let shown = stage.newly_shown(4);
    is_in(&shown, USER, "template_card", &Via::Update(pressed));
    assert_eq!(shown.content, becomes);
    stage.is_spotless();
}

/// What the platform refuses fails in the client with the platform's code, and no user sees it. What comes
/// after is carried out.
pub(crate) fn and_is_refused(scene: Scene) {
    let Some(stage) = Stage::set(scene) else {
        return;
    };
    let asked = stage.heard_as(Push::text("why?"), "text");
    let entered = stage.heard_as(Push::event("enter_chat"), "enter_chat");
    let said = |kind: &str| json!({ "msgtype": kind, kind: { "content": "because" } });
    let reply = |req_id, kind| Order::Reply {
        req_id,
        body: said(kind),
    };
    let to_nobody = Order::SendMessage {
        chat: "group:1",
        body: said("markdown"),
    };
    for (order, code) in [
        (reply(&asked, "text"), "40008"),
        (reply(&entered, "markdown"), "846605"),
        (reply("of nobody", "markdown"), "846605"),
        (to_nobody, "93006"),
    ] {
        let error = stage.refusal(&order);
        assert!(error.contains(code), "{error}");
    }
    assert_eq!(stage.shown(), []);
    let answer = stage.ask(&reply(&asked, "markdown"));
    is_ack(&answer, &asked);
    assert_eq!(stage.newly_shown(0).text(), "because");
    stage.is_well_spoken();
}

/// The client returns the platform's answer, whole.
fn is_ack(answer: &Value, req_id: &str) {
    let ack = json!({ "headers": { "req_id": req_id }, "errcode": 0, "errmsg": "ok" });
    assert_eq!(*answer, ack);
}

fn is_in(shown: &Shown, chat: &str, kind: &str, via: &Via) {
    assert_eq!((shown.bot.as_str(), shown.chat.as_str()), (BOT, chat));
    assert_eq!((shown.msgtype.as_str(), &shown.via), (kind, via));
}

fn card(title: &str) -> Value {
    json!({
        "card_type": "button_interaction",
        "main_title": { "title": title, "desc": "#7" },
        "button_list": [{ "text": "批准", "style": 1, "key": "approve" }],
        "task_id": "task-1",
    })
}
