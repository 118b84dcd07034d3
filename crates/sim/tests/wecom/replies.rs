//! Replies, welcomes, card updates and proactive messages: their rules, and what users see.

use std::time::Duration;

use longwire_sim::wecom::{
    Behaviour, Chat, CommandKind, Content, Push, RateLimit, ScriptedAnswer, Shown, Sim, Via,
};
use serde_json::{Value, json};

use crate::client::{BOT, Client, http, start, until, wait};

/// Pushes, reads the callback, and gives its `req_id`.
fn pushed(sim: &Sim, client: &mut Client, push: Push) -> String {
    sim.control().push(BOT, push);
    let frame = client.frame();
    frame["headers"]["req_id"]
        .as_str()
        .expect("an id")
        .to_owned()
}

impl Client {
    fn reply(&mut self, cmd: &str, req_id: &str, body: Value) -> i64 {
        self.command_as(req_id, cmd, body);
        let ack = self.frame();
        assert_eq!(ack["headers"]["req_id"], req_id);
        ack["errcode"].as_i64().expect("a code")
    }

    fn respond(&mut self, req_id: &str, body: Value) -> i64 {
        self.reply("aibot_respond_msg", req_id, body)
    }
}

fn stream(id: &str, content: &str, finish: bool) -> Value {
    json!({"msgtype": "stream", "stream": {"id": id, "finish": finish, "content": content}})
}

fn markdown(content: &str) -> Value {
    json!({"msgtype": "markdown", "markdown": {"content": content}})
}

#[test]
fn a_stream_is_one_message_that_each_frame_replaces() {
    let sim = start(|_| ());
    let mut client = Client::subscribed(&sim);
    let req_id = pushed(&sim, &mut client, Push::text("weather?"));
    assert_eq!(
        client.respond(&req_id, stream("st-1", "正在查询…", false)),
        0
    );
    let shown = sim.control().shown(Some(BOT));
    assert_eq!((shown[0].text(), shown[0].finished), ("正在查询…", false));
    for _ in 0..40 {
        assert_eq!(
            client.respond(&req_id, stream("st-1", "29", false)),
            0,
            "refreshes are free"
        );
    }
    assert_eq!(client.respond(&req_id, stream("st-1", "29 度", true)), 0);
    assert_eq!(client.respond(&req_id, markdown("**done**")), 0);
    let shown = sim.control().shown(Some(BOT));
    let texts: Vec<&str> = shown.iter().map(Shown::text).collect();
    assert_eq!(texts, ["29 度", "**done**"]);
    assert_eq!((shown[0].frames, shown[0].finished), (42, true));
    assert_eq!(shown[0].via, Via::Reply(req_id));
    assert_eq!(shown[0].chat, "zhangsan");
    assert_eq!(sim.control().ledger().shown, 2);
}

#[test]
fn an_old_stream_takes_no_more_frames() {
    let sim = start(|settings| settings.stream_limit = Duration::from_millis(50));
    let mut client = Client::subscribed(&sim);
    let req_id = pushed(&sim, &mut client, Push::text("?"));
    assert_eq!(client.respond(&req_id, stream("st-old", "1", false)), 0);
    until(|| client.respond(&req_id, stream("st-old", "late", true)) == 846608);
    assert_eq!(
        client.respond(&req_id, stream("st-new", "in time", true)),
        0
    );

    let strict = start(|settings| settings.finished_stream_code = Some(846608));
    let mut client = Client::subscribed(&strict);
    let req_id = pushed(&strict, &mut client, Push::text("?"));
    assert_eq!(client.respond(&req_id, stream("s", "1", true)), 0);
    assert_eq!(client.respond(&req_id, stream("s", "2", true)), 846608);
}

#[test]
fn a_reply_needs_an_id_of_its_kind_bot_and_connection() {
    let sim = start(|_| ());
    let mut client = Client::subscribed(&sim);
    assert_eq!(client.respond("neverIssued", markdown("x")), 846605);
    let message = pushed(&sim, &mut client, Push::text("hi").with_req_id("cbGiven"));
    assert_eq!(message, "cbGiven");
    assert_eq!(client.respond(&message, markdown("x")), 0);
    let welcome = json!({"msgtype": "text", "text": {"content": "hello"}});
    assert_eq!(
        client.reply("aibot_respond_welcome_msg", &message, welcome.clone()),
        846605
    );
    let enter = pushed(&sim, &mut client, Push::event("enter_chat"));
    assert_eq!(client.respond(&enter, stream("s", "hi", true)), 846605);
    assert_eq!(
        client.reply("aibot_respond_welcome_msg", &enter, markdown("x")),
        40008
    );
    assert_eq!(
        client.reply("aibot_respond_welcome_msg", &enter, welcome),
        0
    );
    let card = pushed(
        &sim,
        &mut client,
        Push::of(Content::card_event("task-1", "k")),
    );
    let mut update = json!({"template_card": {"card_type": "text_notice", "task_id": "task-1"}});
    assert_eq!(
        client.reply("aibot_respond_update_msg", &card, update.clone()),
        40058
    );
    update["response_type"] = json!("update_template_card");
    assert_eq!(client.reply("aibot_respond_update_msg", &card, update), 0);
    let rating = pushed(&sim, &mut client, Push::of(Content::feedback("fb", 1)));
    assert_eq!(client.respond(&rating, markdown("thanks")), 846605);

    let mut next = Client::subscribed(&sim);
    assert_eq!(
        next.respond(&message, markdown("x")),
        846605,
        "of an older connection"
    );
    let lenient = start(|settings| settings.req_ids_end_with_connection = false);
    let mut client = Client::subscribed(&lenient);
    let req_id = pushed(&lenient, &mut client, Push::made_up(500));
    let mut next = Client::subscribed(&lenient);
    assert_eq!(next.respond(&req_id, markdown("x")), 0);
}

#[test]
fn a_welcome_has_five_seconds() {
    let sim = start(|settings| settings.time_factor = 1_000.0);
    let mut client = Client::subscribed(&sim);
    let enter = pushed(&sim, &mut client, Push::event("enter_chat"));
    let welcome = json!({"msgtype": "text", "text": {"content": "hello"}});
    until(|| client.reply("aibot_respond_welcome_msg", &enter, welcome.clone()) == 846605);
}

#[test]
fn content_is_checked() {
    let sim = start(|_| ());
    let mut client = Client::subscribed(&sim);
    let req_id = pushed(&sim, &mut client, Push::text("?"));
    let fits = format!("{}ab", "汉".repeat(6_826));
    assert_eq!(client.respond(&req_id, markdown(&fits)), 0);
    assert_eq!(
        client.respond(&req_id, markdown(&"汉".repeat(6_827))),
        40058
    );
    let feedback = |len: usize| {
        let id = "f".repeat(len);
        json!({"msgtype": "markdown", "markdown": {"content": "x", "feedback": {"id": id}}})
    };
    assert_eq!(client.respond(&req_id, feedback(256)), 0);
    assert_eq!(client.respond(&req_id, feedback(257)), 40058);
    let plain = json!({"msgtype": "text", "text": {"content": "plain"}});
    assert_eq!(client.respond(&req_id, plain.clone()), 40008);
    assert_eq!(
        client.respond(&req_id, json!({"msgtype": "markdown"})),
        40058
    );
    let file = json!({"msgtype": "file", "file": {"media_id": "MEDIA_0001"}});
    assert_eq!(client.respond(&req_id, file), 40007);
    let mut proactive = plain;
    proactive["chatid"] = json!("zhangsan");
    assert_eq!(client.ask("aibot_send_msg", proactive)["errcode"], 40008);
}

#[test]
fn proactive_messages_need_a_bare_chatid_and_cards_a_single_chat() {
    let sim = start(|settings| settings.require_known_chat = true);
    let mut client = Client::subscribed(&sim);
    assert_eq!(
        client.send_markdown("zhangsan")["errcode"],
        93006,
        "nobody wrote there"
    );
    let group = Chat::group("wrGROUPxyz", "lisi");
    pushed(&sim, &mut client, Push::text("hi").in_chat(group));
    pushed(&sim, &mut client, Push::made_up(500));
    assert_eq!(client.send_markdown("wrGROUPxyz")["errcode"], 0);
    assert_eq!(client.send_markdown("group:wrGROUPxyz")["errcode"], 93006);
    assert_eq!(
        client.send_markdown("WRgroupXYZ")["errcode"],
        93006,
        "case counts"
    );
    let made_up = sim.control().records(None)[1].chat.clone();
    let mut card = json!({"chatid": made_up, "msgtype": "template_card", "template_card": {}});
    assert_eq!(client.ask("aibot_send_msg", card.clone())["errcode"], 0);
    card["chatid"] = json!("wrGROUPxyz");
    assert_eq!(client.ask("aibot_send_msg", card.clone())["errcode"], 40008);
    card["chat_type"] = json!(7);
    assert_eq!(client.ask("aibot_send_msg", card)["errcode"], 40058);
    let chats: Vec<_> = sim
        .control()
        .shown(None)
        .into_iter()
        .map(|shown| shown.chat)
        .collect();
    assert_eq!(chats, ["wrGROUPxyz", made_up.as_str()]);
}

#[test]
fn a_conversation_has_its_rate_replies_included() {
    let sim = start(|settings| {
        settings.message_limit = RateLimit {
            per_minute: 3,
            per_hour: 100,
        };
    });
    let mut client = Client::subscribed(&sim);
    let req_id = pushed(&sim, &mut client, Push::text("?"));
    assert_eq!(client.respond(&req_id, stream("s", "1", false)), 0);
    assert_eq!(client.respond(&req_id, stream("s", "2", true)), 0);
    assert_eq!(client.send_markdown("zhangsan")["errcode"], 0);
    assert_eq!(client.respond(&req_id, markdown("3")), 0);
    assert_eq!(client.send_markdown("zhangsan")["errcode"], 45009);
    assert_eq!(client.respond(&req_id, markdown("4")), 45009);
    assert_eq!(
        client.send_markdown("lisi")["errcode"],
        0,
        "another conversation"
    );
}

#[test]
fn a_lost_or_late_answer_does_not_mean_that_nothing_was_shown() {
    let sim = start(|_| ());
    let control = sim.control();
    let mut client = Client::subscribed(&sim);
    let script = |with| {
        control.behaviour(
            Some(BOT),
            Behaviour::answer(CommandKind::Send, with).times(1),
        );
    };
    let body = json!({"chatid": "u", "msgtype": "markdown", "markdown": {"content": "x"}});
    script(ScriptedAnswer::Silence);
    client.command("aibot_send_msg", body.clone());
    wait(&control, |ledger| ledger.shown == 1);
    script(ScriptedAnswer::Ignore);
    client.command("aibot_send_msg", body.clone());
    wait(&control, |ledger| {
        ledger.answered("aibot_send_msg", -1) == 1
    });
    assert_eq!(control.ledger().shown, 1);
    script(ScriptedAnswer::Foreign);
    let asked = client.command("aibot_send_msg", body.clone());
    let foreign = client.frame();
    assert_ne!(foreign["headers"]["req_id"], asked);
    script(ScriptedAnswer::Late(Duration::from_millis(200)));
    let frame = |req_id: &str| {
        json!({"cmd": "aibot_send_msg", "headers": {"req_id": req_id}, "body": body}).to_string()
    };
    client.send_together(&[frame("late"), frame("prompt")]);
    assert_eq!(client.frame()["headers"]["req_id"], "prompt");
    assert_eq!(client.frame()["headers"]["req_id"], "late");
    script(ScriptedAnswer::DropAfter);
    assert_eq!(client.ask("aibot_send_msg", body.clone())["errcode"], 0);
    client.ends();
    assert_eq!(control.ledger().shown, 5);
}

#[test]
fn a_response_url_is_good_for_one_use() {
    let sim = start(|_| ());
    let mut client = Client::subscribed(&sim);
    sim.control().push(BOT, Push::made_up(600));
    let url = client.frame()["body"]["response_url"].take();
    let url = url.as_str().expect("a url");
    let target = url.strip_prefix(&sim.control_url()).expect("here");
    let post = |body: Value| {
        let (status, _, answer) = http(&sim, "POST", target, &body.to_string());
        assert_eq!(status, 200);
        let answer: Value = serde_json::from_slice(&answer).expect("json");
        answer["errcode"].as_i64().expect("a code")
    };
    assert_eq!(post(markdown("by url")), 0);
    assert_eq!(post(markdown("again")), 40058);
    let shown = sim.control().shown(None);
    assert_eq!((shown.len(), &shown[0].via), (1, &Via::ResponseUrl));
}

#[test]
fn a_transcript_is_what_a_person_sees() {
    let sim = start(|_| ());
    let mut client = Client::subscribed(&sim);
    let group = Chat::group("wrGROUPxyz", "lisi");
    let question = Push::text("weather?").in_chat(group).with_msgid("m1");
    let req_id = pushed(&sim, &mut client, question);
    pushed(&sim, &mut client, Push::event("feedback_event"));
    for (content, finish) in [("…", false), ("29", false), ("29", false), ("29 °C", true)] {
        assert_eq!(client.respond(&req_id, stream("st-1", content, finish)), 0);
    }
    let seen = sim.control().transcript("wrGROUPxyz");
    assert_eq!(seen.lines(), ["person: weather?", "bot: 29 °C"]);
    let answer = &seen.messages[1];
    assert_eq!(answer.states(), ["…", "29", "29 °C"]);
    assert_eq!(answer.in_reply_to.as_deref(), Some("m1"));
    assert!(!answer.is_streaming);
    let (status, _, told) = http(&sim, "GET", "/sim/v1/chats/wrGROUPxyz/transcript", "");
    assert_eq!(status, 200);
    let told: longwire_sim::Transcript = serde_json::from_slice(&told).expect("a transcript");
    assert_eq!(told, seen);
}
