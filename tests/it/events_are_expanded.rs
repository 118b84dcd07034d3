//! What an event has ids of only is looked up after it was acknowledged, and a platform that does not tell holds nothing up.

use std::time::Duration;

use longwire_sim::{Behaviour, ChatMessage, Control, Push};
use longwire_tests::{
    Gateway, Setup, Webhook, WebhookAnswer, app_id, platform, until_answered, wait_until,
};
use serde_json::{Value, json};

const BOT: &str = "a";
const ANN: &str = "ou_000000000000000000000000000000aa";

/// A person's answer to a message.
fn answer(chat: &str, text: &str, parent: &str) -> Push {
    Push::message(ChatMessage {
        chat: chat.to_owned(),
        text: text.to_owned(),
        sender: longwire_sim::ChatSender::Human(ANN.to_owned()),
        parent_id: Some(parent.to_owned()),
        ..ChatMessage::default()
    })
}

/// A gateway with a webhook whose events are expanded.
fn expanding(sim: &longwire_sim::Sim, application: &Webhook) -> Gateway {
    let gateway = Setup::new(sim)
        .bot(BOT)
        .set("webhooks.allow_networks", vec!["loopback"])
        .start();
    gateway.wait_live(BOT);
    let definition = json!({
        "name": "app", "road": {"kind": "webhook", "url": application.url()},
        "filter": {"types": ["feishu.*"]}, "expand": ["quoted", "sender"],
        "policy": {"concurrency": 2},
    });
    let made = gateway.public().post("/v1/consumers", Some(&definition));
    let made = made.expect("it answers");
    assert_eq!(made.status, 201, "{}", made.body);
    gateway
}

fn wait_texts(application: &Webhook, count: usize) -> Vec<String> {
    wait_until("they are delivered", || {
        let texts = application.texts();
        match texts.len() >= count {
            true => Ok(texts),
            false => Err(format!("{texts:?}")),
        }
    })
}

/// `data.expanded` of each delivery.
fn expanded(application: &Webhook) -> Vec<Value> {
    let delivered = application.delivered().into_iter();
    let bodies = delivered.map(|one| one.envelope);
    bodies
        .map(|mut body| body["data"]["expanded"].take())
        .collect()
}

fn script(control: &Control, behaviour: Behaviour) {
    control.behaviour(Some(&app_id(BOT)), behaviour);
}

/// S31: a quoted message and a bundle of forwarded messages come with the event; without the scope, a placeholder does.
#[test]
fn an_event_comes_with_what_it_quotes_forwards_and_who_wrote_it() {
    let sim = platform(|_| ());
    let control = sim.control();
    let application = Webhook::new(|_| WebhookAnswer::OK);
    let gateway = expanding(&sim, &application);
    let asked = ChatMessage {
        message_id: Some("om_asked".to_owned()),
        text: "what was asked".to_owned(),
        ..ChatMessage::default()
    };
    control.push(&app_id(BOT), Push::message(asked));
    wait_texts(&application, 1);
    control.push(&app_id(BOT), answer("oc_1", "answered", "om_asked"));
    wait_texts(&application, 2);
    let bundle = ChatMessage {
        message_id: Some("om_bundle".to_owned()),
        forwarded: vec!["first".to_owned(), "second".to_owned()],
        ..ChatMessage::default()
    };
    control.push(&app_id(BOT), Push::message(bundle));
    wait_until("the bundle is delivered", || {
        match application.delivered().len() >= 3 {
            true => Ok(()),
            false => Err("not yet".to_owned()),
        }
    });
    let seen = expanded(&application);
    assert_eq!(seen[0]["quoted"], Value::Null);
    assert_eq!(seen[1]["quoted"]["text"], "what was asked");
    assert_eq!(seen[1]["sender"], json!({"name": "Person 00aa"}));
    assert_eq!(seen[2]["quoted"]["type"], "merge_forward");
    let forwarded = seen[2]["quoted"]["forwarded"].as_array().expect("a list");
    let texts: Vec<_> = forwarded.iter().map(|one| one["text"].as_str()).collect();
    assert_eq!(texts, [Some("first"), Some("second")]);

    // What an application reads is expanded too, and from what is known already.
    let lookups = control.ledger().lookups;
    let page = gateway.public().json("/v1/events?expand=quoted,sender");
    let data = page["data"].as_array().expect("a page");
    let answered = data
        .iter()
        .find(|one| one["data"]["message"]["text"] == "answered");
    let answered = answered.expect("it is in the log");
    assert_eq!(answered["data"]["expanded"], seen[1]);
    let id = answered["id"].as_str().expect("an id");
    let one = gateway
        .public()
        .json(&format!("/v1/events/{id}?expand=sender"));
    assert_eq!(
        one["data"]["expanded"],
        json!({"sender": {"name": "Person 00aa"}})
    );
    assert_eq!(
        gateway.public().json(&format!("/v1/events/{id}"))["data"]["expanded"],
        Value::Null
    );
    assert_eq!(control.ledger().lookups, lookups);
    gateway.stop();
}

/// S30: the lookups come after the acknowledgement, and end after two seconds.
#[test]
fn a_platform_that_tells_nothing_delays_no_acknowledgement_and_every_event_comes() {
    let sim = platform(|_| ());
    let control = sim.control();
    let application = Webhook::new(|_| WebhookAnswer::OK);
    let gateway = expanding(&sim, &application);
    script(&control, Behaviour::LookupHang);
    for chat in 0..8 {
        let chat = format!("oc_{chat}");
        for nth in 0..2 {
            let parent = format!("om_{chat}_{nth}");
            control.push(
                &app_id(BOT),
                answer(&chat, &format!("{chat} {nth}"), &parent),
            );
        }
    }
    let ledger = until_answered(&control);
    assert_eq!((ledger.acked, ledger.re_pushed, ledger.nacked), (16, 0, 0));
    let texts = wait_texts(&application, 16);
    for chat in 0..8 {
        let of_chat = texts
            .iter()
            .filter(|text| text.starts_with(&format!("oc_{chat}")));
        let of_chat: Vec<_> = of_chat.cloned().collect();
        assert_eq!(of_chat, [format!("oc_{chat} 0"), format!("oc_{chat} 1")]);
    }
    for one in expanded(&application) {
        let nothing = json!({"unavailable": "timeout"});
        assert_eq!((&one["quoted"], &one["sender"]), (&nothing, &nothing));
    }
    gateway.stop();
}

/// S30: without the permission, or for a message that is gone, the event says so.
#[test]
fn what_a_bot_may_not_know_is_said() {
    let sim = platform(|_| ());
    let control = sim.control();
    let application = Webhook::new(|_| WebhookAnswer::OK);
    let gateway = expanding(&sim, &application);
    control.push(&app_id(BOT), answer("oc_1", "one", "om_never_was"));
    wait_texts(&application, 1);
    script(&control, Behaviour::LookupNameless);
    let stranger = Push::message(ChatMessage {
        sender: longwire_sim::ChatSender::Human("ou_stranger".to_owned()),
        text: "two".to_owned(),
        ..ChatMessage::default()
    });
    control.push(&app_id(BOT), stranger);
    wait_texts(&application, 2);
    let seen = expanded(&application);
    assert_eq!(seen[0]["quoted"], json!({"unavailable": "not_found"}));
    assert_eq!(seen[1], json!({"sender": {"unavailable": "no_permission"}}));
    gateway.stop();
}

/// A message that is written while its lookup hangs is recorded at once: the log has it before any application does.
#[test]
fn the_log_has_an_event_while_its_lookups_are_under_way() {
    let sim = platform(|_| ());
    let control = sim.control();
    let gateway = Setup::new(&sim).bot(BOT).start();
    gateway.wait_live(BOT);
    script(
        &control,
        Behaviour::LookupSlow {
            delay_ms: u64::try_from(Duration::from_secs(60).as_millis()).expect("a minute"),
        },
    );
    control.push(&app_id(BOT), answer("oc_1", "one", "om_1"));
    until_answered(&control);
    let page = gateway.public().json("/v1/events");
    assert_eq!(page["data"][0]["data"]["message"]["text"], "one");
    let page = gateway.public().json("/v1/events?expand=quoted");
    let expected = json!({"quoted": {"unavailable": "timeout"}});
    assert_eq!(page["data"][0]["data"]["expanded"], expected);
    gateway.stop();
}
