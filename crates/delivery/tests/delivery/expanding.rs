//! What is looked up for events, on every road, and whom that holds up.

use std::time::Duration;

use longwire_consumer::{Detail, EventFilter, Expansions};
use longwire_delivery::{AcknowledgedEvents, DeliveryTiming, ReadAlong};
use longwire_store::Seq;
use serde_json::{Value, json};
use tokio::time::timeout;

use crate::endpoint::{Answer, Webhook};
use crate::world::{Quoting, SOON, World, space, until_true};

/// A world in which an event waits for its lookups so long.
async fn waiting(lookup: Duration) -> World {
    World::with(DeliveryTiming {
        lookup,
        ..DeliveryTiming::default()
    })
    .await
}

fn webhook(hook: &Webhook) -> Value {
    json!({
        "name": "app", "road": {"kind": "webhook", "url": hook.url()},
        "expand": ["quoted", "sender"], "policy": {"concurrency": 1},
    })
}

fn message<'a>(chat: &'a str, text: &'a str, sender: &'a str, parent: &'a str) -> Quoting<'a> {
    Quoting {
        chat,
        text,
        sender,
        parent,
    }
}

fn expanded(envelope: &[u8]) -> Value {
    let mut json: Value = serde_json::from_slice(envelope).expect("an envelope");
    json["data"]["expanded"].take()
}

#[actix_rt::test]
async fn an_event_has_what_it_quotes_and_who_sent_it() {
    let world = waiting(SOON).await;
    let hook = Webhook::new(|_, _| Answer::ok());
    world.create(webhook(&hook)).await;
    world.quote(&message("oc_1", "one", "ou_1", "om_a"));
    world.quote(&message("oc_1", "two", "ou_1", "om_gone"));
    let last = world.say("oc_1", &["three"])[0];
    until_true("they came", || world.view("app").progress.floor >= last).await;
    let seen: Vec<Value> = hook
        .seen()
        .iter()
        .map(|request| expanded(&request.body))
        .collect();
    let sender = json!({"name": "name of ou_1"});
    assert_eq!(
        seen,
        [
            json!({"quoted": {"id": "om_a", "text": "text of om_a"}, "sender": sender}),
            json!({"quoted": {"unavailable": "not_found"}, "sender": sender}),
            json!({"sender": sender}),
        ]
    );
    let mut asked = world.lookups.ids();
    asked.sort_unstable();
    assert_eq!(asked, ["om_a", "om_gone", "ou_1"], "each once");
    let asked = world.lookups.asked.lock().expect("no panic");
    assert!(asked.iter().all(|(bot, _)| *bot == world.bot.id));
}

/// One post at a time, and a platform that never answers: others pass by, and the chat keeps its order.
#[actix_rt::test]
async fn a_lookup_without_an_answer_holds_up_its_chat_alone() {
    let world = waiting(Duration::from_secs(3)).await;
    let hook = Webhook::new(|_, _| Answer::ok());
    world.create(webhook(&hook)).await;
    world.lookups.silence("om_slow");
    world.quote(&message("oc_slow", "first", "ou_1", "om_slow"));
    let last = world.say("oc_slow", &["second"])[0];
    until_true("it is asked", || {
        world.lookups.ids().contains(&"om_slow".to_owned())
    })
    .await;
    world.say("oc_2", &["other"]);
    until_true("they came", || world.view("app").progress.floor >= last).await;
    assert_eq!(hook.texts(), ["other", "first", "second"]);
    let waited = expanded(&hook.seen()[1].body);
    assert_eq!(waited["quoted"], json!({"unavailable": "timeout"}));
    assert_eq!(waited["sender"], json!({"name": "name of ou_1"}));
}

#[actix_rt::test]
async fn a_platform_that_does_not_answer_is_left_alone_for_a_while() {
    let world = waiting(Duration::from_millis(50)).await;
    let hook = Webhook::new(|_, _| Answer::ok());
    world.create(webhook(&hook)).await;
    let parents: Vec<String> = (0..6).map(|nth| format!("om_silent{nth}")).collect();
    let mut last = Seq(0);
    for parent in &parents {
        world.lookups.silence(parent);
        last = world.quote(&message("oc_1", "text", "ou_1", parent));
    }
    until_true("they came", || world.view("app").progress.floor >= last).await;
    let asked = world.lookups.ids();
    let silent = asked.iter().filter(|id| id.starts_with("om_silent"));
    assert_eq!(silent.count(), 3, "{asked:?}");
    for request in hook.seen() {
        let quoted = expanded(&request.body)["quoted"].take();
        assert_eq!(quoted, json!({"unavailable": "timeout"}));
    }
}

#[actix_rt::test]
async fn a_click_waits_for_no_lookup() {
    let world = waiting(SOON * 10).await;
    let hook = Webhook::new(|_, _| Answer::ok());
    world.create(webhook(&hook)).await;
    world.lookups.silence("ou_1");
    let click = world.click("a");
    until_true("it came", || world.view("app").progress.floor >= click).await;
    let expected = json!({"sender": {"unavailable": "timeout"}});
    assert_eq!(expanded(&hook.seen()[0].body), expected);
}

#[actix_rt::test]
async fn a_claim_says_what_is_looked_up() {
    let world = waiting(SOON).await;
    world
        .create(json!({"name": "app", "road": {"kind": "pull"}, "expand": ["sender"]}))
        .await;
    world
        .create(json!({"name": "thin", "road": {"kind": "pull"}, "thin": true}))
        .await;
    world.quote(&message("oc_1", "one", "ou_1", "om_a"));
    let quoted: Expansions = "quoted".parse().expect("a word");
    let claim = async |name, expand| {
        let claim = world.deliveries.claim(space(), name, None, 1, SOON, expand);
        let claimed = claim.await.expect("a claim");
        expanded(&claimed[0].envelope)
    };
    let both = json!({
        "quoted": {"id": "om_a", "text": "text of om_a"},
        "sender": {"name": "name of ou_1"},
    });
    assert_eq!(claim("app", quoted).await, both);
    assert_eq!(claim("thin", quoted).await, Value::Null);
}

/// A reader of a stream has acknowledged all up to the last event that it names: so nothing passes by what waits.
#[actix_rt::test]
async fn a_stream_keeps_its_order_while_it_waits() {
    let world = waiting(Duration::from_millis(300)).await;
    world
        .create(json!({
            "name": "app", "road": {"kind": "stream", "ack": "implicit"}, "expand": ["quoted"],
        }))
        .await;
    let open = world.deliveries.open_stream(space(), "app", None);
    let mut chunks = open.await.expect("a stream");
    world.lookups.silence("om_slow");
    world.quote(&message("oc_1", "first", "ou_1", "om_slow"));
    world.say("oc_2", &["second"]);
    let last = world.quote(&message("oc_3", "third", "ou_1", "om_a"));
    let mut texts = Vec::new();
    let mut last_id = None;
    while texts.len() < 3 {
        let chunk = timeout(SOON, chunks.recv()).await.expect("in time");
        let chunk = chunk.expect("the stream goes on");
        let chunk = String::from_utf8(chunk.to_vec()).expect("text");
        let Some(data) = chunk.lines().find_map(|line| line.strip_prefix("data: ")) else {
            continue;
        };
        let json: Value = serde_json::from_str(data).expect("an envelope");
        last_id = json["id"].as_str().map(str::to_owned);
        texts.push(json["data"]["message"]["text"].clone());
    }
    assert_eq!(texts, ["first", "second", "third"]);
    let last_id = last_id.expect("an id").parse().ok();
    let open = world.deliveries.open_stream(space(), "app", last_id);
    let _chunks = open.await.expect("a stream");
    until_true("all is done", || world.view("app").progress.floor >= last).await;
}

/// What waits for a stream reader that goes away is given to another one.
#[actix_rt::test]
async fn what_waits_for_a_reader_that_is_gone_goes_to_another_one() {
    let world = waiting(SOON * 10).await;
    world
        .create(json!({"name": "app", "road": {"kind": "stream"}, "expand": ["quoted"]}))
        .await;
    let open = world.deliveries.open_stream(space(), "app", None);
    let first = open.await.expect("a stream");
    world.lookups.silence("om_slow");
    world.quote(&message("oc_1", "one", "ou_1", "om_slow"));
    until_true("it is asked", || !world.lookups.ids().is_empty()).await;
    drop(first);
    let open = world.deliveries.open_stream(space(), "app", None);
    let mut second = open.await.expect("a stream");
    // A click behind it ends its wait.
    world.click("a");
    let mut seen = Vec::new();
    while seen.len() < 2 {
        let chunk = timeout(SOON, second.recv()).await.expect("in time");
        let chunk = chunk.expect("the stream goes on");
        let chunk = String::from_utf8(chunk.to_vec()).expect("text");
        if let Some(data) = chunk.lines().find_map(|line| line.strip_prefix("data: ")) {
            let json: Value = serde_json::from_str(data).expect("an envelope");
            seen.push(json["data"]["kind"].clone());
        }
    }
    seen.sort_unstable_by_key(Value::to_string);
    assert_eq!(seen, ["card_action", "message"]);
}

#[actix_rt::test]
async fn the_log_is_read_with_what_is_looked_up() {
    let world = waiting(SOON).await;
    let seq = world.quote(&message("oc_1", "one", "ou_1", "om_a"));
    let what = ReadAlong {
        space: space().clone(),
        filter: EventFilter::default(),
        after: Some(Seq(0)),
        detail: Detail::Whole,
        expand: "quoted,sender".parse().expect("words"),
    };
    let page = world
        .deliveries
        .read_along(what.clone(), 10, Duration::ZERO);
    let page = page.await.expect("a page");
    let both = json!({
        "quoted": {"id": "om_a", "text": "text of om_a"},
        "sender": {"name": "name of ou_1"},
    });
    assert_eq!(expanded(&page.events[0].envelope), both);
    let id = page.events[0].id;
    let one = world.deliveries.event(space(), id, what.expand).await;
    let one = one.expect("readable").expect("it is there");
    assert_eq!(expanded(&one.envelope), both);
    let plain = world.deliveries.event(space(), id, Expansions::NONE).await;
    let plain = plain.expect("readable").expect("it is there");
    assert_eq!(expanded(&plain.envelope), Value::Null);
    assert_eq!(world.lookups.ids().len(), 2);
    // Nothing of it takes the event from a consumer.
    world
        .create(json!({"name": "app", "road": {"kind": "pull"}, "from": "beginning"}))
        .await;
    let claim = world
        .deliveries
        .claim(space(), "app", None, 1, SOON, Expansions::NONE);
    let claimed = claim.await.expect("a claim");
    let acked = AcknowledgedEvents::Events(vec![claimed[0].id]);
    assert_eq!(world.deliveries.ack(space(), "app", acked).await, Ok(1));
    assert!(world.view("app").progress.floor >= seq);
}
