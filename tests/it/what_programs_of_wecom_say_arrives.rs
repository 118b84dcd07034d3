//! What programs of WeCom say through the gateway arrives as if they were connected to the platform: answers, streams, cards,
//! files, and commands that the gateway does not know.

use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use longwire_sim::wecom::{Behaviour, ConnectionFault, Content, Control, Push, Target, Via};
use longwire_tests::{WecomClient, bot_id, live_wecom_bot, req_id_of, wecom_programs};
use serde_json::{Value, json};

/// The `req_id` under which this reaches the client.
fn pushed(control: &Control, client: &WecomClient, push: Push) -> String {
    let push = control.push(&bot_id("a"), push);
    let msgid = control.record(push).expect("it is new").msgid;
    req_id_of(&client.wait_callback(&msgid))
}

fn to_somebody(text: &str) -> Value {
    json!({ "chatid": "zhangsan", "msgtype": "markdown", "markdown": { "content": text } })
}

/// Of several programs, each kind of answer is one program's.
#[test]
fn streams_welcomes_and_cards_reach_people() {
    let (sim, gateway) = live_wecom_bot(|setup| setup);
    let control = sim.control();
    let programs = wecom_programs(&gateway, &["one", "two"]);
    let [one, two] = &programs[..] else {
        panic!("two programs");
    };
    let asked = pushed(&control, one, Push::text("a question"));
    for (content, finish) in [("one", false), ("one two", false), ("one two three", true)] {
        let stream = json!({ "id": "s1", "finish": finish, "content": content });
        let body = json!({ "msgtype": "stream", "stream": stream });
        assert_eq!(one.ask_as("aibot_respond_msg", &asked, body), 0);
        assert_eq!(two.reply(&asked, "in between"), 846_605);
    }
    let entered = pushed(&control, two, Push::event("enter_chat"));
    let welcome = json!({ "msgtype": "text", "text": { "content": "welcome" } });
    let command = "aibot_respond_welcome_msg";
    assert_eq!(two.ask_as(command, &entered, welcome.clone()), 0);
    assert_eq!(one.ask_as(command, &entered, welcome), 846_605);
    let click = Push::of(Content::card_event("task-1", "yes"));
    let clicked = pushed(&control, one, click);
    let card = json!({ "card_type": "text_notice", "task_id": "task-1" });
    let update = json!({ "response_type": "update_template_card", "template_card": card });
    let updated = one.ask_as("aibot_respond_update_msg", &clicked, update);
    assert_eq!(updated, 0);
    let shown = control.shown(None);
    let shown: Vec<_> = shown
        .iter()
        .map(|shown| (&shown.via, shown.text()))
        .collect();
    let expected = [
        (&Via::Reply(asked), "one two three"),
        (&Via::Welcome(entered), "welcome"),
        (&Via::Update(clicked), ""),
    ];
    assert_eq!(shown, expected);
}

/// The chunks of an upload are the largest frames that programs send, and the official SDK sends several at once.
#[test]
fn a_file_goes_up_in_chunks() {
    const CHUNK: usize = 512 * 1024;
    let (sim, gateway) = live_wecom_bot(|setup| setup);
    let client = wecom_programs(&gateway, &["one"]).remove(0);
    let file: Vec<u8> = (0..4 * CHUNK + 1_000).map(|at| (at % 251) as u8).collect();
    let init = json!({
        "type": "file", "filename": "report.pdf", "total_size": file.len(), "total_chunks": 5,
    });
    let begun = client.answer_to("aibot_upload_media_init", "i", init);
    let upload_id = begun["body"]["upload_id"].as_str().expect("an upload");
    for (index, chunk) in file.chunks(CHUNK).enumerate() {
        let data = BASE64_STANDARD.encode(chunk);
        let body = json!({ "upload_id": upload_id, "chunk_index": index, "base64_data": data });
        let headers = json!({ "req_id": format!("chunk{index}") });
        let command = "aibot_upload_media_chunk";
        client.say(&json!({ "cmd": command, "headers": headers, "body": body }).to_string());
    }
    // Heartbeats are answered beside them.
    assert_eq!(client.ask("ping", Value::Null), 0);
    for index in 0..5 {
        let answer = client.wait_answer(&format!("chunk{index}"));
        assert_eq!(answer["errcode"], 0, "{answer}");
    }
    let finish = json!({ "upload_id": upload_id });
    let finished = client.answer_to("aibot_upload_media_finish", "f", finish);
    let media_id = finished["body"]["media_id"].as_str().expect("a file");
    let uploaded = sim.control().uploaded();
    assert_eq!(uploaded.len(), 1);
    assert_eq!(&*uploaded[0].media_id, media_id);
    assert!(uploaded[0].bytes == file, "byte by byte");
}

#[test]
fn what_is_sent_while_the_bot_reconnects_arrives() {
    let (sim, gateway) = live_wecom_bot(|setup| setup);
    let control = sim.control();
    let clients = wecom_programs(&gateway, &["one", "two"]);
    pushed(&control, &clients[0], Push::text("hello"));
    control.behaviour(None, Behaviour::UpgradeRefuse { http: 503 }.times(2));
    control.fault(Target::Bot(bot_id("a")), ConnectionFault::Drop);
    gateway.wait_installation("a", "not connected", |view| view["state"] != "live");
    for (which, client) in clients.iter().enumerate() {
        let sent = client.ask("aibot_send_msg", to_somebody(&format!("by {which}")));
        assert_eq!(sent, 0, "it waited for the bot's next connection");
    }
    let shown = control.shown(None);
    let shown: Vec<_> = shown.iter().map(|shown| shown.text()).collect();
    assert_eq!(shown, ["by 0", "by 1"]);
    for client in &clients {
        // Heartbeats are answered whatever becomes of the bot.
        assert_eq!(client.ask("ping", Value::Null), 0);
    }
}

#[test]
fn what_the_gateway_does_not_know_goes_through() {
    let (sim, gateway) = live_wecom_bot(|setup| setup);
    let clients = wecom_programs(&gateway, &["one"]);
    let asked = clients[0].ask("aibot_get_mcp_config", json!({ "biz_type": "doc" }));
    assert_eq!(
        asked, 40_058,
        "the platform's word, which knows it no better"
    );
    assert_eq!(sim.control().ledger().malformed, 1, "it was asked");
    let nothing_known = clients[0].reply("never-sent", "hello?");
    assert_eq!(nothing_known, 846_605, "the platform's word, too");
}
