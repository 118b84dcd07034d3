//! What is recorded reaches every application: in the order of each chat, whatever befalls the others or the gateway.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering::SeqCst};
use std::time::Duration;

use longwire_sim::{Control, SimSettings};
use longwire_store::ConsumerState;
use longwire_tests::{
    Gateway, Setup, Signal, Webhook, WebhookAnswer, app_id, message_of, platform, until_answered,
    wait_until,
};
use serde_json::{Value, json};

const BOT: &str = "a";

fn soon_again(settings: &mut SimSettings) {
    settings.ladder = vec![Duration::from_millis(100); 200];
}

/// A gateway that delivers to consumers of these definitions.
fn delivering(sim: &longwire_sim::Sim, consumers: &[Value]) -> Gateway {
    let setup = Setup::new(sim)
        .bot(BOT)
        .set("webhooks.allow_networks", vec!["loopback"]);
    let mut gateway = setup.start();
    gateway.signal(Signal::Term);
    assert!(gateway.wait_end().success());
    gateway.add_consumers(consumers);
    gateway.restart();
    gateway.wait_live(BOT);
    gateway
}

fn webhook(name: &str, application: &Webhook) -> Value {
    json!({"name": name, "road": {"kind": "webhook", "url": application.url()},
        "filter": {"types": ["feishu.*"]}})
}

/// Pushes messages to three chats. The text of each is its chat and its number.
fn say(control: &Control, numbers: std::ops::Range<usize>) -> Vec<String> {
    let mut said = Vec::new();
    for number in numbers {
        let chat = ["x", "y", "z"][number % 3];
        let text = format!("{chat}{number:05}");
        let event = message_of(&format!("evt-{number}"), &format!("om-{number}"), &text);
        let event = event.replace("oc_5ce6d572455d361153b7cb51da133945", &format!("oc_{chat}"));
        control.push(&app_id(BOT), event);
        said.push(text);
    }
    said
}

/// The texts of each chat, in their order.
fn by_chat(texts: &[String]) -> BTreeMap<char, Vec<String>> {
    let mut chats: BTreeMap<char, Vec<String>> = BTreeMap::new();
    for text in texts {
        let chat = text.chars().next().expect("a chat");
        chats.entry(chat).or_default().push(text.clone());
    }
    chats
}

/// The first delivery of each event.
fn firsts(texts: Vec<String>) -> Vec<String> {
    let mut seen = BTreeSet::new();
    let mut texts = texts;
    texts.retain(|text| seen.insert(text.clone()));
    texts
}

/// What was recorded, chat by chat in the order of the log.
fn recorded(gateway: &Gateway) -> BTreeMap<char, Vec<String>> {
    let texts = gateway.events().into_iter().filter_map(|event| {
        let payload: Value = serde_json::from_slice(&event.payload).ok()?;
        let content = payload["event"]["message"]["content"].as_str()?;
        let content: Value = serde_json::from_str(content).ok()?;
        content["text"].as_str().map(str::to_owned)
    });
    by_chat(&texts.collect::<Vec<_>>())
}

fn wait_for(application: &Webhook, events: usize) {
    wait_until("all events have arrived", || {
        let arrived = firsts(application.texts()).len();
        match arrived {
            all if all == events => Ok(()),
            some => Err(format!("{some} of {events}")),
        }
    });
}

#[test]
fn one_that_is_away_and_one_that_is_slow_hold_up_nobody_else() {
    let sim = platform(|_| ());
    let control = sim.control();
    let well: Vec<Webhook> = (0..3)
        .map(|_| Webhook::new(|_| WebhookAnswer::OK))
        .collect();
    let slow = Webhook::new(|_| WebhookAnswer {
        after: Duration::from_millis(300),
        ..WebhookAnswer::OK
    });
    let away = Webhook::new(|_| WebhookAnswer::OK);
    let mut consumers: Vec<Value> = well
        .iter()
        .enumerate()
        .map(|(number, application)| webhook(&format!("well{number}"), application))
        .collect();
    consumers.push(webhook("slow", &slow));
    consumers.push(webhook("away", &away));
    let gateway = delivering(&sim, &consumers);
    let port = away.port();
    let before = say(&control, 0..3);
    wait_for(&away, before.len());
    drop(away);
    let missed = say(&control, 3..60);
    until_answered(&control);
    for application in &well {
        wait_for(application, 60);
    }
    assert!(
        firsts(slow.texts()).len() < 60,
        "the others did not wait for it"
    );
    let back = Webhook::at(port, |_| WebhookAnswer::OK);
    wait_for(&back, missed.len());
    wait_for(&slow, 60);
    let log = recorded(&gateway);
    for application in well.iter().chain([&slow]) {
        assert_eq!(by_chat(&application.texts()), log);
    }
    // Exactly what it missed, each chat in its order.
    let mut missed = missed;
    missed.sort();
    let mut came = firsts(back.texts());
    assert_eq!(
        by_chat(&came),
        by_chat(&missed),
        "a chat is in the order of its numbers"
    );
    came.sort();
    assert_eq!(came, missed);
}

#[test]
fn a_killed_gateway_repeats_with_a_label_and_loses_nothing() {
    let sim = platform(soon_again);
    let control = sim.control();
    let application = Webhook::new(|_| WebhookAnswer {
        after: Duration::from_millis(2),
        ..WebhookAnswer::OK
    });
    let mut gateway = delivering(&sim, &[webhook("app", &application)]);
    for round in 0..4 {
        let before = application.texts().len();
        say(&control, 60 * round..60 * (round + 1));
        wait_until("some have arrived", || match application.texts().len() {
            enough if enough >= before + 20 => Ok(()),
            few => Err(few.to_string()),
        });
        gateway.kill();
        gateway.restart();
        gateway.wait_live(BOT);
    }
    until_answered(&control);
    wait_for(&application, 240);
    let log = recorded(&gateway);
    assert_eq!(by_chat(&firsts(application.texts())), log);
    let mut seen = BTreeSet::new();
    for delivered in application.delivered() {
        let is_repeat = !seen.insert(delivered.id().to_owned());
        assert!(
            !is_repeat || delivered.is_redelivered(),
            "a repeat says so: {delivered:?}"
        );
    }
}

#[test]
fn an_application_that_is_gone_is_left_alone_and_a_drain_waits_for_another() {
    let sim = platform(|_| ());
    let control = sim.control();
    let gone = Webhook::new(|_| WebhookAnswer {
        status: 410,
        ..WebhookAnswer::OK
    });
    let asked = Arc::new(AtomicBool::new(false));
    let is_asked = Arc::clone(&asked);
    let thinking = Webhook::new(move |_| {
        is_asked.store(true, SeqCst);
        WebhookAnswer {
            after: Duration::from_millis(500),
            ..WebhookAnswer::OK
        }
    });
    let consumers = [webhook("gone", &gone), webhook("thinking", &thinking)];
    let mut gateway = delivering(&sim, &consumers);
    say(&control, 0..1);
    wait_until("both are asked", || {
        match (asked.load(SeqCst), gateway.consumer("gone").0.state) {
            (true, ConsumerState::Stopped { .. }) => Ok(()),
            other => Err(format!("{other:?}")),
        }
    });
    gateway.signal(Signal::Term);
    assert!(gateway.wait_end().success());
    let said = gateway.events()[0].seq;
    let (_, floor) = gateway.consumer("thinking");
    assert!(
        floor >= said,
        "the drain waited for the answer to {said}: {floor}"
    );
    gateway.restart();
    gateway.wait_live(BOT);
    say(&control, 1..2);
    wait_for(&thinking, 2);
    assert_eq!(
        thinking.texts(),
        ["x00000", "y00001"],
        "nothing is repeated"
    );
    assert_eq!(gone.texts(), ["x00000"], "it was not asked again");
}
