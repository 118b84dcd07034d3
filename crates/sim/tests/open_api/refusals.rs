//! The Open API refuses what the platform refuses, and says who gets which token.

use std::time::Duration;

use longwire_sim::{ChatMessage, ChatSender, ClickedCard, Push, Traffic};
use longwire_wire::frame::Frame;
use serde_json::{Value, json};

use crate::caller::{Caller, MESSAGES, text};
use crate::support::{APP, Client, http, start, wait};

#[test]
fn a_token_is_given_again_until_it_ends_soon() {
    let sim = start(|_| ());
    let token = |sim| Caller::with_token(sim).token;
    assert_eq!(token(&sim), token(&sim));
    let short = start(|settings| settings.token_lifetime = Duration::ZERO);
    assert_ne!(token(&short), token(&short));
}

#[test]
fn what_is_wrong_with_a_token_has_its_code() {
    let sim = start(|_| ());
    let good = Caller::with_token(&sim).token;
    let reply = format!("{MESSAGES}/om_1/reply");
    let code = |token: Option<&str>| {
        let caller = Caller {
            token: token.map(str::to_owned),
            ..Caller::new(&sim)
        };
        caller.json("POST", &reply, &text("x"))
    };
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
    assert_eq!(code(good.as_deref()).1["code"], 0);
    assert_eq!(sim.control().expire_tokens(Some("another")), 0);
    assert_eq!(sim.control().expire_tokens(None), 1);
    assert_eq!(code(good.as_deref()).1["code"], 99_991_663);
}

#[test]
fn what_is_wrong_with_a_message_has_its_code() {
    let sim = start(|_| ());
    let caller = Caller::with_token(&sim);
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
        let (_, answer) = caller.json("POST", path, &body);
        assert_eq!(answer["code"], expected, "{answer}");
    }
    for _ in 0..5 {
        assert_eq!(caller.json("POST", &reply, &text("x")).1["code"], 0);
    }
    // The sixth is one too many, unless this host is so slow that a second has passed.
    let (_, sixth) = caller.json("POST", &reply, &text("x"));
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
    let reply = format!("{MESSAGES}/om_1/reply");
    Caller::with_token(&sim).json("POST", &reply, &text("hello"));
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
