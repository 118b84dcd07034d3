//! Events arrive at webhooks: in order, signed, again after failures, and not after 410.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering::Relaxed};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use bytes::Bytes;
use longwire_consumer::{EventId, QueueState, StoreTag};
use longwire_delivery::{DeliveryTiming, SimulateError};
use longwire_store::{ConsumerState, DeliveryOutcome, Happening};
use longwire_wire::webhook::{
    ID_HEADER, SIGNATURE_HEADER, SignedHeaders, TIMESTAMP_HEADER, WebhookSecret,
};
use secrecy::ExposeSecret as _;
use serde_json::{Value, json};

use crate::endpoint::{Answer, Webhook};
use crate::world::{World, space, until, until_true};

pub(crate) fn webhook(name: &str, url: &str) -> Value {
    json!({"name": name, "road": {"kind": "webhook", "url": url}})
}

/// An application that does not answer holds a part of the sockets, and others get their events over the rest.
#[actix_rt::test]
async fn an_endpoint_that_hangs_leaves_sockets_to_others() {
    // Two of them are for webhooks.
    let world = World::with_sockets(32).await;
    let hangs = Webhook::new(|_, _| Answer {
        after: Duration::from_secs(3_600),
        ..Answer::ok()
    });
    let works = Webhook::new(|_, _| Answer::ok());
    let mut stuck = webhook("stuck", &hangs.url());
    stuck["policy"] = json!({"concurrency": 16});
    world.create(stuck).await;
    world.create(webhook("app", &works.url())).await;
    let chats: Vec<String> = (0..16).map(|number| format!("oc_{number}")).collect();
    for chat in &chats {
        world.say(chat, &["one"]);
    }
    until_true("it hangs", || !hangs.seen().is_empty()).await;
    let last = world.say("oc_1", &["two"])[0];
    until_true("all is delivered", || {
        world.view("app").progress.floor >= last
    })
    .await;
    let stuck = world.view("stuck").progress;
    assert!(stuck.floor < last, "it has answered nothing: {stuck:?}");
}

#[actix_rt::test]
async fn an_event_arrives_whole_and_signed() {
    let world = World::new().await;
    let hook = Webhook::new(|_, _| Answer::ok());
    let created = world.create(webhook("app", &hook.url())).await;
    let secret = created.secret.expect("a webhook is signed");
    let seq = world.say("oc_1", &["hello"])[0];
    let request = until("a request", || hook.seen().first().cloned()).await;
    let json = request.json();
    let id = EventId::new(StoreTag(world.store.identity().prefix()), seq).to_string();
    assert_eq!(json["id"], id);
    assert_eq!(json["type"], "feishu.im.message.receive_v1");
    assert_eq!(json["subject"], "oc_1");
    assert_eq!(json["installationid"], world.bot.public_id.to_string());
    assert_eq!(json["data"]["raw"]["event"]["message"]["chat_id"], "oc_1");
    assert_eq!(json["redelivered"], Value::Null);
    assert_eq!(request.text(), "hello");
    let header = |name: &str| request.headers.get(name).map(String::as_str);
    assert_eq!(header(ID_HEADER), Some(&*id));
    assert_eq!(header("traceparent"), json["traceparent"].as_str());
    let secret = WebhookSecret::parse(secret.expose_secret()).expect("a secret");
    let signed = SignedHeaders {
        id: header(ID_HEADER).expect("an id"),
        timestamp: header(TIMESTAMP_HEADER).expect("a time"),
        signature: header(SIGNATURE_HEADER).expect("a signature"),
    };
    let now = SystemTime::now()
        .duration_since(UNIX_EPOCH)
        .expect("after 1970");
    let now_s = i64::try_from(now.as_secs()).expect("a time");
    signed
        .verify(&[&request.body], &[&secret], now_s)
        .expect("the signature is right");
    until_true("the position", || world.view("app").progress.floor == seq).await;
    let event = EventId::new(StoreTag(world.store.identity().prefix()), seq);
    let attempt = || {
        let steps = world.store.reader().journey_of(seq).expect("readable");
        steps.into_iter().next()
    };
    let step = until("the attempt", attempt).await;
    let Happening::Attempt(attempt) = step.step.what else {
        panic!("an attempt, not {step:?}");
    };
    assert_eq!(
        (attempt.number, attempt.outcome),
        (1, DeliveryOutcome::Status(200))
    );
    let journey = world.deliveries.journey(space(), event).await;
    assert_eq!(journey.expect("a journey").len(), 1);
}

#[actix_rt::test]
async fn what_is_filtered_out_is_passed_by() {
    let world = World::new().await;
    let hook = Webhook::new(|_, _| Answer::ok());
    let mut definition = webhook("app", &hook.url());
    definition["filter"] = json!({"chats": ["oc_2"]});
    world.create(definition).await;
    world.say("oc_1", &["no"; 300]);
    let last = world.say("oc_2", &["yes"])[0];
    until_true("the position", || world.view("app").progress.floor >= last).await;
    assert_eq!(hook.texts(), ["yes"]);
}

#[actix_rt::test]
async fn a_chat_keeps_its_order_while_an_event_fails_and_others_pass_by() {
    let world = World::new().await;
    let hook = Webhook::new(|number, request| match (number, &*request.text()) {
        (0, "a1") => Answer::status(500),
        _ => Answer::ok(),
    });
    world.create(webhook("app", &hook.url())).await;
    world.say("oc_a", &["a1", "a2", "a3"]);
    let last = world.say("oc_b", &["b1", "b2"])[1];
    until_true("the position", || world.view("app").progress.floor >= last).await;
    let texts = hook.texts();
    let of_a: Vec<_> = texts.iter().filter(|text| text.starts_with('a')).collect();
    assert_eq!(of_a, ["a1", "a1", "a2", "a3"]);
    let again = hook
        .seen()
        .into_iter()
        .filter(|one| one.text() == "a1")
        .nth(1);
    assert!(again.is_some_and(|one| one.redelivered()));
    let figures = world.view("app").figures;
    assert_eq!((figures.done, figures.other_status), (5, 1));
}

#[actix_rt::test]
async fn an_application_that_was_away_gets_what_it_missed_in_order() {
    let world = World::new().await;
    let away = Webhook::new(|_, _| Answer::ok());
    let (port, url) = (away.port, away.url());
    drop(away);
    world.create(webhook("app", &url)).await;
    let other = Webhook::new(|_, _| Answer::ok());
    world.create(webhook("other", &other.url())).await;
    let texts: Vec<String> = (0..50).map(|number| format!("{number}")).collect();
    let said: Vec<&str> = texts.iter().map(String::as_str).collect();
    let last = *world.say("oc_1", &said).last().expect("events");
    until_true("the other one has all", || {
        world.view("other").progress.floor >= last
    })
    .await;
    until_true("the first one is probed", || {
        matches!(world.view("app").progress.state, QueueState::Failing { .. })
    })
    .await;
    let back = Webhook::at(port, |_, _| Answer::ok());
    until_true("it has all", || world.view("app").progress.floor >= last).await;
    let mut arrived = back.texts();
    // Events about consumers have none.
    arrived.retain(|text| !text.is_empty());
    assert_eq!(arrived, texts);
    let view = world.view("app");
    assert_eq!(view.progress.state, QueueState::Active);
    assert!(view.figures.refused > 0);
    // The events about it are recorded and reach whoever wants them.
    until_true("paused and resumed", || {
        let seen = other.seen();
        let types: Vec<Value> = seen.iter().map(|one| one.json()["type"].clone()).collect();
        ["longwire.consumer.paused", "longwire.consumer.resumed"]
            .iter()
            .all(|wanted| types.contains(&json!(wanted)))
    })
    .await;
}

#[actix_rt::test]
async fn an_endpoint_that_is_gone_gets_nothing_until_it_is_resumed() {
    let world = World::new().await;
    let gone = Arc::new(AtomicBool::new(true));
    let is_gone = Arc::clone(&gone);
    let hook = Webhook::new(move |_, _| match is_gone.load(Relaxed) {
        true => Answer::status(410),
        false => Answer::ok(),
    });
    world.create(webhook("app", &hook.url())).await;
    world.say("oc_1", &["one"]);
    let stopped = || {
        let view = world.view("app");
        matches!(view.state, ConsumerState::Stopped { .. }).then_some(view)
    };
    let view = until("it stops", stopped).await;
    assert_eq!(view.progress.state, QueueState::Stopped);
    let last = world.say("oc_2", &["two"])[0];
    gone.store(false, Relaxed);
    assert_eq!(hook.texts(), ["one"]);
    let resumed = world.deliveries.resume(space(), "app").await;
    assert_eq!(resumed.expect("resumed").state, ConsumerState::Active);
    until_true("it has all", || world.view("app").progress.floor >= last).await;
    let mut texts = hook.texts();
    texts.retain(|text| !text.is_empty());
    // They are of two chats, and those wait for no other.
    texts.sort_unstable();
    assert_eq!(texts, ["one", "one", "two"]);
}

#[actix_rt::test]
async fn a_reply_in_the_answer_goes_to_the_chat() {
    let world = World::new().await;
    let hook = Webhook::new(|_, request| {
        Answer::body(&json!({"reply": {"text": format!("{}!", request.text())}}).to_string())
    });
    world.create(webhook("app", &hook.url())).await;
    let seq = world.say("oc_1", &["hello"])[0];
    let reply = until("a reply", || {
        let replies = world.replies.0.lock().expect("no panic");
        replies.first().cloned()
    })
    .await;
    assert_eq!((reply.seq, &*reply.text), (seq, "hello!"));
    assert_eq!(reply.message_id.as_deref(), Some("om_0"));
    assert_eq!(reply.chat.as_deref(), Some("oc_1"));
    until_true("the journey tells", || {
        let steps = world.store.reader().journey_of(seq).expect("readable");
        steps
            .iter()
            .any(|one| one.step.what == Happening::ReplySent)
    })
    .await;
}

#[actix_rt::test]
async fn a_slow_application_is_timed_out_and_asked_again() {
    let timing = DeliveryTiming {
        post_timeout: Duration::from_millis(200),
        ..DeliveryTiming::default()
    };
    let world = World::with(timing).await;
    let hook = Webhook::new(|number, _| Answer {
        after: Duration::from_secs(if number == 0 { 5 } else { 0 }),
        ..Answer::ok()
    });
    world.create(webhook("app", &hook.url())).await;
    let seq = world.say("oc_1", &["one"])[0];
    until_true("it is done", || world.view("app").progress.floor >= seq).await;
    let seen = hook.seen();
    assert_eq!(
        seen.iter().map(|one| one.redelivered()).collect::<Vec<_>>(),
        [false, true]
    );
    assert_eq!(world.view("app").figures.timed_out, 1);
}

#[actix_rt::test]
async fn rapid_messages_of_a_chat_arrive_as_one_batch() {
    let world = World::new().await;
    let hook = Webhook::new(|_, _| Answer::ok());
    let mut definition = webhook("app", &hook.url());
    definition["policy"] = json!({"gather": {"quiet_ms": 200, "max_ms": 2000}});
    world.create(definition).await;
    let last = world.say("oc_1", &["one", "two", "three"])[2];
    until_true("it is done", || world.view("app").progress.floor >= last).await;
    let seen = hook.seen();
    assert_eq!(seen.len(), 1);
    assert_eq!(
        seen[0].headers.get("content-type").map(String::as_str),
        Some("application/cloudevents-batch+json")
    );
    let batch = seen[0].json();
    let texts = batch.as_array().expect("a batch").iter();
    let texts: Vec<_> = texts.map(|one| &one["data"]["message"]["text"]).collect();
    assert_eq!(texts, ["one", "two", "three"]);
}

#[actix_rt::test]
async fn a_made_up_event_is_posted_once_and_signed() {
    let world = World::new().await;
    let hook = Webhook::new(|_, _| Answer {
        body: "no".to_owned(),
        ..Answer::status(500)
    });
    world.create(webhook("app", &hook.url())).await;
    world
        .create(json!({"name": "pull", "road": {"kind": "pull"}}))
        .await;
    let id = EventId::new(StoreTag([0; 8]), longwire_store::Seq(1));
    let envelope = Bytes::from_static(br#"{"id": "x"}"#);
    let posted = world
        .deliveries
        .simulate(space(), "app", id, envelope.clone());
    let posted = posted.await.expect("an answer");
    assert_eq!((posted.status, posted.body()), (500, &b"no"[..]));
    let pull = world
        .deliveries
        .simulate(space(), "pull", id, envelope)
        .await;
    assert!(matches!(pull, Err(SimulateError::OtherRoad)));
    let seen = hook.seen();
    assert_eq!(seen.len(), 1);
    assert_eq!(seen[0].headers[ID_HEADER], id.to_string());
    assert!(seen[0].headers.contains_key(SIGNATURE_HEADER));
    assert_eq!(world.view("app").figures.other_status, 0);
}
