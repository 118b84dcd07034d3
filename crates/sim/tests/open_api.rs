//! The Open API refuses what the platform refuses, and says who gets which token.

mod support;

use std::io::{Read as _, Write as _};
use std::net::TcpStream;
use std::time::Duration;

use longwire_sim::{ChatMessage, ChatSender, ClickedCard, Push, Sim, Traffic};
use longwire_wire::frame::Frame;
use serde_json::{Value, json};
use support::{APP, Client, http, start, wait};

const MESSAGES: &str = "/open-apis/im/v1/messages";

/// One call with this token: status and body.
fn call(sim: &Sim, token: Option<&str>, path: &str, body: &Value) -> (u16, Value) {
    let body = body.to_string();
    let authorization = token.map_or_else(String::new, |token| {
        format!("Authorization: Bearer {token}\r\n")
    });
    let mut tcp = TcpStream::connect(sim.address()).expect("the simulator listens");
    tcp.set_read_timeout(Some(support::LIMIT))
        .expect("a timeout");
    write!(
        tcp,
        "POST {path} HTTP/1.1\r\nHost: sim\r\n{authorization}Content-Length: {}\r\nConnection: close\r\n\r\n{body}",
        body.len()
    )
    .expect("request sent");
    let mut answer = String::new();
    tcp.read_to_string(&mut answer).expect("answer");
    let (head, body) = answer.split_once("\r\n\r\n").expect("a head");
    assert!(head.to_lowercase().contains("x-tt-logid: "), "{head}");
    let status = head[9..12].parse().expect("a status");
    (status, serde_json::from_str(body).expect("json"))
}

fn token(sim: &Sim) -> Value {
    let asked = json!({ "app_id": APP, "app_secret": "secret" });
    let path = "/open-apis/auth/v3/tenant_access_token/internal";
    let (status, answer) = call(sim, None, path, &asked);
    assert_eq!((status, &answer["code"]), (200, &json!(0)), "{answer}");
    answer
}

fn text(text: &str) -> Value {
    json!({ "msg_type": "text", "content": json!({ "text": text }).to_string() })
}

#[test]
fn a_token_is_given_again_until_it_ends_soon() {
    let sim = start(|_| ());
    let (first, second) = (token(&sim), token(&sim));
    assert_eq!(first["tenant_access_token"], second["tenant_access_token"]);
    let short = start(|settings| settings.token_lifetime = Duration::ZERO);
    let (first, second) = (token(&short), token(&short));
    assert_ne!(first["tenant_access_token"], second["tenant_access_token"]);
}

#[test]
fn what_is_wrong_with_a_token_has_its_code() {
    let sim = start(|_| ());
    let good = token(&sim)["tenant_access_token"].clone();
    let reply = format!("{MESSAGES}/om_1/reply");
    let code = |token| call(&sim, token, &reply, &text("x"));
    for (token, expected) in [
        (None, 99_991_661),
        (Some("nonsense"), 99_991_671),
        (Some("t-unknown"), 99_991_663),
    ] {
        let (status, answer) = code(token);
        assert_eq!(
            (status, &answer["code"]),
            (400, &json!(expected)),
            "{answer}"
        );
        assert!(answer["error"]["log_id"].is_string());
    }
    assert_eq!(code(good.as_str()).1["code"], 0);
    assert_eq!(sim.control().expire_tokens(Some("another")), 0);
    assert_eq!(sim.control().expire_tokens(None), 1);
    assert_eq!(code(good.as_str()).1["code"], 99_991_663);
}

#[test]
fn what_is_wrong_with_a_message_has_its_code() {
    let sim = start(|_| ());
    let token = token(&sim);
    let token = token["tenant_access_token"].as_str();
    let reply = format!("{MESSAGES}/om_1/reply");
    let send = format!("{MESSAGES}?receive_id_type=chat_id");
    let long = text(&"x".repeat(160_000));
    for (path, body, expected) in [
        (&*reply, json!({}), 99_992_402),
        (
            &*reply,
            json!({ "msg_type": "text", "content": "plain" }),
            230_001,
        ),
        (&*reply, long, 230_025),
        (&*send, text("nobody gets it"), 99_992_402),
        ("/open-apis/im/v1/nothing", json!({}), 99_991_201),
    ] {
        let (_, answer) = call(&sim, token, path, &body);
        assert_eq!(answer["code"], expected, "{answer}");
    }
    for _ in 0..5 {
        assert_eq!(call(&sim, token, &reply, &text("x")).1["code"], 0);
    }
    // The sixth is one too many, unless this host is so slow that a second has passed.
    let (_, sixth) = call(&sim, token, &reply, &text("x"));
    let stands = sim.control().bot_messages(Some(APP));
    let is_later = stands.len() == 6 && stands[5].at_ms - stands[0].at_ms >= 1_000;
    assert!(sixth["code"] == 230_020 || is_later, "{sixth} {stands:?}");
}

/// The next event: its payload, and what the client answers it with.
fn event(client: &mut Client) -> (Value, Frame) {
    let (payload, frame) = client.event();
    (serde_json::from_slice(&payload).expect("json"), frame)
}

#[test]
fn people_bots_and_cards_speak() {
    let sim = start(|_| ());
    let mut client = Client::new(&sim);
    let control = sim.control();
    wait(&control, |ledger| ledger.connections_opened == 1);
    control.push(
        APP,
        Push::message(ChatMessage {
            group: true,
            sender: ChatSender::Bot("ou_b".to_owned()),
            ..ChatMessage::default()
        }),
    );
    let (message, frame) = event(&mut client);
    assert_eq!(message["event"]["sender"]["sender_type"], "bot");
    assert_eq!(message["event"]["message"]["chat_type"], "group");
    assert_eq!(message["header"]["app_id"], APP);
    client.ack(&frame);
    let click = control.push(APP, Push::card_click(ClickedCard::default()));
    let (clicked, frame) = event(&mut client);
    assert_eq!(clicked["header"]["event_type"], "card.action.trigger");
    client.ack(&frame);
    wait(&control, |ledger| ledger.acked == 2);
    assert!(control.record(click).is_some());
    control.push_at_rate(Traffic {
        per_second: 1_000.0,
        chats: 3,
        total: Some(6),
        ..Traffic::default()
    });
    let mut chats = std::collections::BTreeSet::new();
    for _ in 0..6 {
        let (message, frame) = event(&mut client);
        let chat = message["event"]["message"]["chat_id"].as_str();
        chats.insert(chat.expect("a chat").to_owned());
        client.ack(&frame);
    }
    assert_eq!(chats.len(), 3);
}

#[test]
fn what_bots_said_is_told() {
    let sim = start(|_| ());
    let token = token(&sim);
    let reply = format!("{MESSAGES}/om_1/reply");
    call(
        &sim,
        token["tenant_access_token"].as_str(),
        &reply,
        &text("hello"),
    );
    let (status, _, messages) = http(&sim, "GET", &format!("/sim/v1/messages?app={APP}"), "");
    assert_eq!(status, 200);
    let messages: Value = serde_json::from_str(&messages).expect("json");
    assert_eq!(
        (&messages[0]["text"], &messages[0]["in_reply_to"]),
        (&json!("hello"), &json!("om_1"))
    );
    sim.control().reset();
    assert!(sim.control().bot_messages(None).is_empty());
}
