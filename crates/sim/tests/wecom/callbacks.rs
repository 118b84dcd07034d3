//! Callbacks of every kind, their delivery to the holder, and generated traffic.

use std::collections::BTreeSet;

use longwire_sim::Traffic;
use longwire_sim::wecom::{Chat, ConnectionFault, Content, DeliveryState, Flood, Push, Target};
use serde_json::{Value, json};

use crate::client::{BOT, Client, SECRET, start, wait};

#[test]
fn messages_and_events_have_the_platforms_shape() {
    let sim = start(|_| ());
    let control = sim.control();
    let mut client = Client::subscribed(&sim);
    let mut next = |push: Push| {
        control.push(BOT, push);
        client.frame()
    };
    let text = next(Push::text("你好"));
    assert_eq!(text["cmd"], "aibot_msg_callback");
    let body = &text["body"];
    assert_eq!(
        (&body["msgtype"], &body["chattype"]),
        (&json!("text"), &json!("single"))
    );
    assert_eq!(
        (&body["text"]["content"], &body["aibotid"]),
        (&json!("你好"), &json!(BOT))
    );
    assert_eq!(
        (&body["from"]["userid"], body.get("chatid")),
        (&json!("zhangsan"), None)
    );
    assert!(
        body["response_url"]
            .as_str()
            .expect("a url")
            .contains("/response?response_code=")
    );

    let group = Chat::group("wrGROUPxyz", "lisi");
    let push = Push::of(Content::Voice("turn on the light".into())).in_chat(group);
    let voice = next(push.quoting(Content::Text("q1".into())))["body"].take();
    assert_eq!(
        (&voice["chatid"], &voice["chattype"]),
        (&json!("wrGROUPxyz"), &json!("group"))
    );
    assert_eq!(voice["voice"]["content"], "turn on the light");
    assert_eq!(
        voice["quote"],
        json!({"msgtype": "text", "text": {"content": "q1"}})
    );

    let enter = next(Push::event("enter_chat"));
    assert_eq!(enter["cmd"], "aibot_event_callback");
    assert_eq!(enter["body"]["event"], json!({"eventtype": "enter_chat"}));
    let card = next(Push::of(Content::card_event("task-1", "submit")))["body"].take();
    assert_eq!(card["event"]["template_card_event"]["task_id"], "task-1");
    let rating = next(Push::of(Content::feedback("fb-1", 2)))["body"].take();
    assert_eq!(
        rating["event"]["feedback_event"],
        json!({"id": "fb-1", "type": 2})
    );

    let odd = Content::Other {
        msgtype: "appmsg".into(),
        value: json!({"title": "a.pdf"}),
    };
    let odd = Push::of(odd)
        .with_body("future_field", 7)
        .with_body("from", Value::Null);
    let odd = next(odd)["body"].take();
    assert_eq!(
        (&odd["appmsg"]["title"], &odd["future_field"]),
        (&json!("a.pdf"), &json!(7))
    );
    assert_eq!(odd.get("from"), None);
}

#[test]
fn raw_frames_arrive_as_they_are_and_count() {
    let sim = start(|_| ());
    let mut client = Client::subscribed(&sim);
    for raw in ["not json", "", "null", "{\"cmd\":7}", "{\"a\":\"\u{b}\"}"] {
        sim.control().push(BOT, Content::Raw(raw.into()));
        assert_eq!(client.text(), raw);
    }
    wait(&sim.control(), |ledger| ledger.delivered == 5);
}

#[test]
fn callbacks_wait_for_a_holder_in_their_order() {
    let sim = start(|_| ());
    let control = sim.control();
    let pushes: Vec<_> = (0..3).map(|n| Push::text(&n.to_string())).collect();
    let ids = control.push_burst(BOT, pushes);
    let ledger = control.ledger();
    assert_eq!((ledger.pushed, ledger.waiting, ledger.delivered), (3, 3, 0));
    assert_eq!(control.bots()[0].waiting, 3);
    let mut client = Client::subscribed(&sim);
    for (n, id) in ids.into_iter().enumerate() {
        let frame = client.frame();
        assert_eq!(frame["body"]["text"]["content"], n.to_string());
        let record = control.record(id).expect("a record");
        assert_eq!(frame["body"]["msgid"], record.msgid);
        assert_eq!(frame["headers"]["req_id"], record.deliveries[0].req_id);
    }
    wait(&control, |ledger| {
        (ledger.waiting, ledger.delivered) == (0, 3)
    });
    assert_eq!(control.delivered_msgids().len(), 3);

    let gap = start(|settings| settings.keep_while_offline = false);
    let lost = gap.control().push(BOT, Push::text("into the void"));
    assert_eq!(gap.control().ledger().lost, 1);
    let record = gap.control().record(lost).expect("a record");
    assert_eq!(record.deliveries[0].state, DeliveryState::Lost);
}

#[test]
fn a_repeat_has_the_same_msgid_and_another_req_id() {
    let sim = start(|_| ());
    let control = sim.control();
    let mut client = Client::subscribed(&sim);
    let push = control.push(BOT, Push::made_up(600).with_req_id("upload_chunk_0013"));
    assert!(control.push_again(push));
    let (first, second) = (client.frame(), client.frame());
    assert_eq!(first["body"], second["body"]);
    assert_eq!(first["headers"]["req_id"], "upload_chunk_0013");
    assert_ne!(first["headers"], second["headers"]);
    let ledger = wait(&control, |ledger| ledger.delivered == 2);
    assert_eq!((ledger.pushed, ledger.re_pushed), (1, 1));
    assert_eq!(control.record(push).expect("a record").deliveries.len(), 2);
}

#[test]
fn what_was_written_is_known_of_each_connection_in_its_order() {
    let sim = start(|_| ());
    let control = sim.control();
    let push = |text: &str| control.push(BOT, Push::text(text));
    let mut first = Client::subscribed(&sim);
    let pushes = [push("one"), push("two")];
    control.push_again(pushes[0]);
    for _ in 0..3 {
        first.frame();
    }
    let mut second = Client::subscribed(&sim);
    let pushes = [pushes[0], pushes[1], push("three")];
    second.frame();
    wait(&control, |ledger| ledger.delivered == 4);
    let msgid = |at: usize| control.record(pushes[at]).expect("a record").msgid;
    let written: Vec<_> = control
        .written(Some(BOT))
        .into_iter()
        .map(|written| (written.connection.0, written.msgids))
        .collect();
    let expected = [(1, vec![msgid(0), msgid(1), msgid(0)]), (2, vec![msgid(2)])];
    assert_eq!(written, expected);
    assert!(control.written(Some("another")).is_empty());
}

#[test]
fn what_was_not_written_when_the_connection_ends_is_lost() {
    let sim = start(|settings| settings.unsent_bytes = 64 * 1024 * 1024);
    let control = sim.control();
    let client = Client::subscribed(&sim);
    assert_eq!(
        control.fault(Target::Bot(BOT.into()), ConnectionFault::HalfOpen),
        1
    );
    let id = control.push(BOT, Push::text("never"));
    assert_eq!(control.ledger().unwritten, 1);
    assert_eq!(control.fault(Target::All, ConnectionFault::Drop), 1);
    let ledger = wait(&control, |ledger| ledger.connections_ended == 1);
    assert_eq!((ledger.lost, ledger.unwritten, ledger.delivered), (1, 0, 0));
    let record = control.record(id).expect("a record");
    assert_eq!(record.deliveries[0].state, DeliveryState::Lost);
    drop(client);
}

#[test]
fn paced_traffic_keeps_its_total_over_all_bots_and_every_message_is_its_own() {
    let sim = start(|_| ());
    let control = sim.control();
    let mut clients = ["b1", "b2"].map(|bot| {
        let mut client = Client::dial(&sim).expect("101");
        assert_eq!(client.subscribe(bot, SECRET)["errcode"], 0);
        client
    });
    control.push_at_rate(Traffic {
        per_second: 10_000.0,
        payload_bytes: 700,
        total: Some(400),
        ..Traffic::default()
    });
    let mut seen = BTreeSet::new();
    for client in &mut clients {
        for _ in 0..200 {
            let text = client.text();
            assert_eq!(text.len(), 700);
            let frame: Value = serde_json::from_str(&text).expect("json");
            seen.insert(frame["body"]["msgid"].to_string());
        }
    }
    assert_eq!(seen.len(), 400);
    let ledger = wait(&control, |ledger| ledger.delivered == 400);
    assert_eq!((ledger.pushed, ledger.lost), (400, 0));
    assert!(!control.traffic().running);
}

#[test]
fn a_flood_comes_as_fast_as_it_is_read_and_no_further() {
    let sim = start(|settings| settings.keep_records = 0);
    let control = sim.control();
    let mut client = Client::subscribed(&sim);
    control.push_flood(Flood {
        total: Some(30_000),
        payload_bytes: 1024,
        ..Flood::default()
    });
    // Nobody reads: TCP holds it back.
    wait(&control, |ledger| {
        ledger.delivered > 0 && ledger.unwritten > 0
    });
    assert!(control.ledger().pushed < 30_000);
    for _ in 0..30_000 {
        assert_eq!(client.message().expect("a message").payload.len(), 1024);
    }
    let ledger = wait(&control, |ledger| ledger.delivered == 30_000);
    assert_eq!((ledger.pushed, ledger.unwritten), (30_000, 0));
    assert_eq!(client.ping()["errcode"], 0);
}
