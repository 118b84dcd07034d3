//! What a person sees in a chat of all that bots do.

use std::time::Duration;

use longwire_sim::{
    ChatAuthor, ChatMessage, ClickedCard, Push, PushedFile, PushedFileKind, Transcript,
};
use serde_json::{Value, json};

use crate::caller::{Caller, MESSAGES, text};
use crate::support::{APP, Client, http, start, wait};

const CHAT: &str = "oc_00000000000000000000000000000c01";
const PNG: &[u8] = b"\x89PNG\r\n\x1a\nand more";

fn question(id: &str) -> Push {
    Push::message(ChatMessage {
        message_id: Some(id.to_owned()),
        ..ChatMessage::default()
    })
}

fn id_of(data: &Value) -> String {
    data["message_id"].as_str().expect("an id").to_owned()
}

#[test]
fn texts_replies_edits_recalls_and_reactions_are_seen() {
    let sim = start(|settings| settings.chat_messages_per_second = 0);
    let (control, caller) = (sim.control(), Caller::with_token(&sim));
    control.push(APP, question("om_q"));
    let reactions = format!("{MESSAGES}/om_q/reactions");
    let typing = json!({ "reaction_type": { "emoji_type": "Typing" } });
    let typing = caller.data("POST", &reactions, &typing);
    let reply = caller.data("POST", &format!("{MESSAGES}/om_q/reply"), &text("draft"));
    let own = format!(
        "{reactions}/{}",
        typing["reaction_id"].as_str().expect("id")
    );
    caller.data("DELETE", &own, &Value::Null);
    assert_eq!(caller.code("DELETE", &own, &Value::Null), 231_010);
    let reply = format!("{MESSAGES}/{}", id_of(&reply));
    caller.data("PUT", &reply, &text("final"));
    let send = format!("{MESSAGES}?receive_id_type=open_id");
    let mut mistake = text("a mistake");
    mistake["receive_id"] = json!("ou_00000000000000000000000000000a17");
    let mistake = caller.data("POST", &send, &mistake);
    assert_eq!(mistake["chat_id"], CHAT);
    caller.data(
        "DELETE",
        &format!("{MESSAGES}/{}", id_of(&mistake)),
        &Value::Null,
    );

    let seen = control.transcript(CHAT);
    assert_eq!(seen.lines(), ["person: hello", "bot: final"]);
    let bots: Vec<_> = seen.of_bots().collect();
    assert_eq!(bots[0].states(), ["draft", "final"]);
    assert_eq!(bots[0].in_reply_to.as_deref(), Some("om_q"));
    assert!(bots[1].recalled_at_ms.is_some());
    let reactions = &seen.message("om_q").expect("the question").reactions;
    assert_eq!(reactions[0].emoji, "Typing");
    assert_eq!(reactions[0].author, ChatAuthor::Bot(APP.to_owned()));
    assert!(reactions[0].removed_at_ms.is_some());
    let path = format!("/sim/v1/chats/{CHAT}/transcript");
    let (status, _, told) = http(&sim, "GET", &path, "");
    assert_eq!(status, 200);
    let told: Transcript = serde_json::from_str(&told).expect("a transcript");
    assert_eq!(told, seen);
}

#[test]
fn only_own_messages_are_changed() {
    let sim = start(|settings| settings.chat_messages_per_second = 0);
    let caller = Caller::with_token(&sim);
    let other = Caller::new(&sim).logged_in("cli_b1b2c3d4e5f60718", "secret");
    sim.control().push(APP, question("om_q"));
    let sent = caller.data("POST", &format!("{MESSAGES}/om_q/reply"), &text("mine"));
    let path = format!("{MESSAGES}/{}", id_of(&sent));
    let card = json!({ "content": "{\"elements\":[]}" });
    assert_eq!(other.code("PUT", &path, &text("x")), 230_071);
    assert_eq!(other.code("DELETE", &path, &Value::Null), 230_026);
    assert_eq!(caller.code("PATCH", &path, &card), 230_001);
    let question = format!("{MESSAGES}/om_q");
    assert_eq!(caller.code("PUT", &question, &text("x")), 230_071);
    assert_eq!(
        caller.code("PUT", &format!("{MESSAGES}/om_none"), &text("x")),
        230_110
    );
}

#[test]
fn files_come_back_byte_for_byte() {
    let sim = start(|settings| settings.chat_messages_per_second = 0);
    let (control, caller) = (sim.control(), Caller::with_token(&sim));
    let bytes: Vec<u8> = (0..300_000u32).map(|n| (n % 251) as u8).collect();
    control.push(
        APP,
        Push::message(ChatMessage {
            message_id: Some("om_f".to_owned()),
            attachment: Some(PushedFile {
                kind: PushedFileKind::File,
                name: "报告 1.pdf".to_owned(),
                bytes: bytes.clone().into(),
            }),
            ..ChatMessage::default()
        }),
    );
    let seen = control.transcript(CHAT);
    let file = seen.messages[0].file.clone().expect("a file");
    assert_eq!((&*file.name, file.size_bytes), ("报告 1.pdf", 300_000));
    let resource = format!("{MESSAGES}/om_f/resources/{}", file.key);
    let down = |path: &str| caller.send("GET", path, "text/plain", b"");
    let found = down(&format!("{resource}?type=file"));
    assert_eq!((found.status, &found.body), (200, &bytes));
    let name = found.header("content-disposition").expect("a name");
    assert!(
        name.contains("filename*=UTF-8''%E6%8A%A5%E5%91%8A%201.pdf"),
        "{name}"
    );
    assert_eq!(
        down(&format!("{resource}?type=image")).json()["code"],
        234_003
    );

    let up = caller.form(
        "/open-apis/im/v1/files",
        &[
            ("file_type", None, b"opus"),
            ("file_name", None, b"a.opus"),
            ("file", Some("a.opus"), &bytes),
        ],
    );
    let key = up.json()["data"]["file_key"]
        .as_str()
        .expect("a key")
        .to_owned();
    assert_eq!(down(&format!("/open-apis/im/v1/files/{key}")).body, bytes);
    let say = |msg_type: &str| {
        let content = json!({ "file_key": key }).to_string();
        let body = json!({ "msg_type": msg_type, "content": content });
        caller.code("POST", &format!("{MESSAGES}/om_f/reply"), &body)
    };
    assert_eq!((say("media"), say("audio")), (json!(230_055), json!(0)));
    assert_eq!(control.transcript(CHAT).lines()[1], "bot: [audio a.opus]");

    let image = |bytes: &[u8]| {
        let parts = [
            ("image_type", None, b"message".as_slice()),
            ("image", Some("a"), bytes),
        ];
        caller.form("/open-apis/im/v1/images", &parts).json()["code"].clone()
    };
    assert_eq!(image(PNG), 0);
    assert_eq!(
        (image(b""), image(b"text")),
        (json!(234_010), json!(234_011))
    );
}

#[test]
fn a_streamed_card_is_seen_in_each_state() {
    let sim = start(|settings| settings.chat_messages_per_second = 0);
    let (control, caller) = (sim.control(), Caller::with_token(&sim));
    control.push(APP, question("om_q"));
    let card = json!({ "schema": "2.0", "config": { "streaming_mode": true }, "body": { "elements": [
        { "tag": "markdown", "element_id": "answer", "content": "…" } ] } });
    let cards = "/open-apis/cardkit/v1/cards";
    let made = json!({ "type": "card_json", "data": card.to_string() });
    let made = caller.data("POST", cards, &made);
    let card_id = made["card_id"].as_str().expect("an id");
    let content = json!({ "type": "card", "data": { "card_id": card_id } }).to_string();
    let send = json!({ "msg_type": "interactive", "content": content });
    let reply = format!("{MESSAGES}/om_q/reply");
    let sent = id_of(&caller.data("POST", &reply, &send));
    assert_eq!(caller.code("POST", &reply, &send), 230_099);
    let stream = format!("{cards}/{card_id}/elements/answer/content");
    for (sequence, content) in [(1, "The"), (2, "The answer"), (3, "The answer is 42")] {
        let body =
            json!({ "content": content, "sequence": sequence, "uuid": format!("s{sequence}") });
        caller.data("PUT", &stream, &body);
        // A repeat whose answer was lost changes nothing.
        caller.data("PUT", &stream, &body);
    }
    assert!(
        control
            .transcript(CHAT)
            .message(&sent)
            .expect("there")
            .is_streaming
    );
    let settings = json!({ "config": { "streaming_mode": false } }).to_string();
    let body = json!({ "settings": settings, "sequence": 4 });
    caller.data("PATCH", &format!("{cards}/{card_id}/settings"), &body);
    let seen = control.transcript(CHAT);
    let answer = seen.message(&sent).expect("there");
    assert_eq!(
        answer.states(),
        ["…", "The", "The answer", "The answer is 42"]
    );
    assert!(!answer.is_streaming);
    // The source of the card is not what the platform gives back.
    let (_, read) = caller.json("GET", &format!("{MESSAGES}/{sent}"), &Value::Null);
    assert_eq!(read["data"]["items"][0]["msg_type"], "interactive");
}

#[test]
fn a_click_and_its_answer_are_seen() {
    let sim = start(|settings| settings.chat_messages_per_second = 0);
    let (control, caller) = (sim.control(), Caller::with_token(&sim));
    let card = |text: &str| json!({ "elements": [{ "tag": "markdown", "content": text }] });
    let body = json!({ "receive_id": CHAT, "msg_type": "interactive", "content": card("Approve?").to_string() });
    let sent = caller.data(
        "POST",
        &format!("{MESSAGES}?receive_id_type=chat_id"),
        &body,
    );
    let card_message = id_of(&sent);
    let mut client = Client::new(&sim);
    wait(&control, |ledger| ledger.connections_opened == 1);
    let click = Push::card_click(ClickedCard {
        message_id: Some(card_message.clone()),
        value: json!({ "action": "approve" }),
        ..ClickedCard::default()
    });
    control.push(APP, click);
    let (payload, frame) = client.event();
    let event: Value = serde_json::from_slice(&payload).expect("json");
    let later = json!({ "token": event["event"]["token"], "card": card("Later") });
    let update = "/open-apis/interactive/v1/card/update";
    assert_eq!(
        caller.code("POST", update, &later),
        300_020,
        "before the answer"
    );
    // The data is the JSON below in base64.
    let answer = json!({ "toast": { "type": "success", "content": "Done" },
        "card": { "type": "raw", "data": card("Approved") } });
    let data = base64(answer.to_string().as_bytes());
    client.answer(&frame, &json!({ "code": 200, "data": data }).to_string());
    wait(&control, |ledger| ledger.acked == 1);
    assert_eq!(caller.code("POST", update, &later), 0);
    let seen = control.transcript(CHAT);
    let line = seen.message(&card_message).expect("the card");
    assert_eq!(line.states(), ["Approve?", "Approved", "Later"]);
    assert_eq!(line.clicks[0].toast.as_deref(), Some("Done"));
    assert_eq!(line.clicks[0].value["action"], "approve");
}

#[test]
fn a_page_of_a_chat_and_of_a_thread_is_read() {
    let sim = start(|settings| settings.chat_messages_per_second = 0);
    let (control, caller) = (sim.control(), Caller::with_token(&sim));
    for id in ["om_1", "om_2", "om_3"] {
        control.push(APP, question(id));
    }
    let mut in_thread = text("in the thread");
    in_thread["reply_in_thread"] = json!(true);
    let first = caller.data("POST", &format!("{MESSAGES}/om_2/reply"), &in_thread);
    let thread = first["thread_id"].as_str().expect("a thread");
    // A reply to a message of a thread is in it without being asked to.
    let second = caller.data(
        "POST",
        &format!("{MESSAGES}/{}/reply", id_of(&first)),
        &text("more"),
    );
    assert_eq!(
        (&second["thread_id"], &second["root_id"]),
        (&json!(thread), &json!("om_2"))
    );
    let list = |query: String| {
        let data = caller.data("GET", &format!("{MESSAGES}?{query}"), &Value::Null);
        let items = data["items"].as_array().expect("a list").iter();
        let ids: Vec<_> = items.map(|item| item["message_id"].clone()).collect();
        (
            ids,
            data["page_token"].as_str().expect("a token").to_owned(),
        )
    };
    let chat = format!("container_id_type=chat&container_id={CHAT}&page_size=2");
    let (ids, token) = list(chat.clone());
    assert_eq!(ids, ["om_1", "om_2"]);
    let (ids, _) = list(format!("{chat}&page_token={token}"));
    assert_eq!(ids[0], "om_3");
    let (ids, _) = list(format!("container_id_type=thread&container_id={thread}"));
    assert_eq!(ids.len(), 3);
}

#[test]
fn a_uuid_sends_once_within_an_hour() {
    let sim = start(|settings| settings.chat_messages_per_second = 0);
    let (control, caller) = (sim.control(), Caller::with_token(&sim));
    let mut body = text("once");
    body["uuid"] = json!("u1");
    let reply = format!("{MESSAGES}/om_q/reply");
    let first = caller.data("POST", &reply, &body);
    assert_eq!(caller.data("POST", &reply, &body), first);
    control.pass_time(Duration::from_secs(3_601));
    assert_ne!(caller.data("POST", &reply, &body), first);
    assert_eq!(control.bot_messages(None).len(), 2);
}

fn base64(bytes: &[u8]) -> String {
    use base64::Engine as _;
    base64::engine::general_purpose::STANDARD.encode(bytes)
}
