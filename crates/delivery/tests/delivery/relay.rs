//! Applications that hold connections of the platform's own protocol.

use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use longwire_access::{Grant, Scopes, Space, TokenId};
use longwire_actor::Card;
use longwire_consumer::{ConsumerDefinition, Road};
use longwire_delivery::{
    AttachError, DeliveryTiming, RELAY_WINDOW, RelayConsumerError, RelayEvent, RelayHello,
    RelayOwner, RelayProof, RelayReader,
};
use longwire_installation::Platform;
use longwire_store::{ConsumerId, DeliveryOutcome, Happening, Seq};
use serde_json::{Value, json};
use tokio::time::timeout;

use crate::cards::{ask, defaulted};
use crate::world::{SOON, World, space, until, until_true};

const HANDLER_LIMIT: Duration = Duration::from_secs(600);

fn owner(world: &World, token: u8, name: &str) -> RelayOwner {
    RelayOwner {
        grant: Grant {
            token: TokenId::from_bytes([token; 10]),
            name: name.parse().expect("a name"),
            space: Space::default(),
            scopes: Scopes::from_iter([]),
            installations: Some([world.bot.public_id].into()),
            expires_ms: None,
        },
        installation: world.bot.public_id,
        installation_name: world.bot.name.clone(),
        platform: Platform::Feishu,
        handler_limit: HANDLER_LIMIT,
    }
}

/// The definition of the consumer of that token.
fn definition(world: &World, token: u8, name: &str) -> Value {
    json!({
        "name": name,
        "road": {
            "kind": "relay",
            "token": TokenId::from_bytes([token; 10]).to_string(),
            "installation": world.bot.public_id.to_string(),
        },
    })
}

fn hello(window: usize) -> RelayHello {
    RelayHello {
        window,
        agent: Some("oapi-node-sdk/1.74".to_owned()),
        peer: "192.0.2.1:4711".parse().ok(),
        proof: RelayProof::HandlerAck,
        card: Arc::new(Card::new()),
    }
}

async fn consumer(world: &World, token: u8, name: &str) -> ConsumerId {
    let consumer = world.deliveries.relay_consumer(owner(world, token, name));
    let consumer = consumer.await.expect("a consumer");
    until_true("it runs", || {
        // One that was found may have another name.
        let view = world.deliveries.consumer(&Space::default(), name);
        view.is_none_or(|view| view.progress.not_running.is_none())
    })
    .await;
    consumer
}

async fn attach(world: &World, consumer: ConsumerId, window: usize) -> RelayReader {
    let reader = world.deliveries.attach_relay(consumer, hello(window));
    reader.await.expect("it is attached")
}

async fn next(reader: &mut RelayReader) -> Box<RelayEvent> {
    let next = timeout(SOON, reader.events.recv()).await;
    next.expect("in time").expect("it is attached still")
}

/// The text of the message, from the platform's bytes.
fn text(event: &RelayEvent) -> String {
    let payload: Value = serde_json::from_slice(&event.payload).expect("JSON");
    let content = payload["event"]["message"]["content"].as_str();
    let content: Value = serde_json::from_str(content.expect("a message")).expect("JSON");
    content["text"].as_str().expect("a text").to_owned()
}

/// How the attempts of an event ended, once there are so many.
async fn outcomes(world: &World, seq: Seq, count: usize) -> Vec<DeliveryOutcome> {
    until("the journey has the attempts", || {
        let steps = world.store.reader().journey_of(seq).expect("readable");
        let outcomes = steps.into_iter().filter_map(|one| match one.step.what {
            Happening::Attempt(attempt) => Some(attempt.outcome),
            _ => None,
        });
        let outcomes: Vec<_> = outcomes.collect();
        (outcomes.len() >= count).then_some(outcomes)
    })
    .await
}

async fn done_through(world: &World, name: &str, seq: Seq) {
    let is_done = || world.view(name).progress.floor >= seq;
    until_true("it is done", is_done).await;
}

#[actix_rt::test]
async fn one_event_of_each_chat_is_under_way() {
    let world = World::new().await;
    let id = consumer(&world, 1, "app").await;
    let mut reader = attach(&world, id, RELAY_WINDOW).await;
    let recorded = world.say("oc_1", &["one", "two"]);
    let other = world.say("oc_2", &["three"])[0];
    let first = next(&mut reader).await;
    assert_eq!((text(&first).as_str(), first.seq), ("one", recorded[0]));
    assert_eq!(first.chat.as_deref(), Some("oc_1"));
    assert_eq!(first.event_type.as_deref(), Some("im.message.receive_v1"));
    assert!(!first.redelivered && first.attempt == 1 && !first.is_old_card);
    let passing = next(&mut reader).await;
    assert_eq!(text(&passing), "three");
    assert!(reader.events.try_recv().is_err(), "its chat waits for one");
    let [view] = &*world.deliveries.relay_connections() else {
        panic!("one connection");
    };
    let chats: Vec<_> = view
        .in_flight
        .iter()
        .map(|one| one.chat.as_deref())
        .collect();
    assert_eq!(chats, [Some("oc_1"), Some("oc_2")]);
    assert!(reader.done(first.delivery, None));
    assert!(!reader.done(first.delivery, None), "an event is done once");
    assert!(!reader.failed(first.delivery, String::new()));
    let second = next(&mut reader).await;
    assert_eq!(text(&second), "two");
    assert!(reader.done(passing.delivery, None) && reader.done(second.delivery, None));
    done_through(&world, "app", other).await;
    let view = world.view("app");
    assert_eq!((view.figures.taken, view.progress.connections), (3, 1));
    let outcome = outcomes(&world, recorded[0], 1).await;
    let reader = "oapi-node-sdk/1.74 at 192.0.2.1:4711".to_owned();
    assert_eq!(outcome, [DeliveryOutcome::Acked { reader }]);
}

#[actix_rt::test]
async fn what_fails_comes_again_labelled_until_it_is_given_up() {
    let world = World::new().await;
    let mut definition = definition(&world, 1, "mine");
    definition["policy"] = json!({"give_up": {"attempts": 2}});
    let id = world.create(definition).await.view.id;
    assert_eq!(consumer(&world, 1, "app").await, id, "found by its road");
    let second = ConsumerDefinition::parse(&json!({
        "name": "second",
        "road": world.view("mine").definition.to_json()["road"],
    }));
    let second = second.expect("a definition");
    let second = world
        .deliveries
        .create(Space::default(), second, None)
        .await;
    let taken = second.expect_err("it would never receive anything");
    assert!(taken.to_string().ends_with("the consumer mine"), "{taken}");
    let mut reader = attach(&world, id, RELAY_WINDOW).await;
    let said = world.say("oc_1", &["bad", "good"]);
    let first = next(&mut reader).await;
    assert!(reader.failed(first.delivery, "500: no handler".to_owned()));
    let again = next(&mut reader).await;
    assert_eq!(
        (again.seq, again.attempt, again.redelivered),
        (said[0], 2, true)
    );
    assert_ne!(again.delivery, first.delivery);
    assert_eq!(again.traceparent, first.traceparent);
    assert!(reader.failed(again.delivery, "500: no handler".to_owned()));
    let good = next(&mut reader).await;
    assert_eq!((good.seq, good.redelivered), (said[1], false));
    assert!(reader.done(good.delivery, None));
    done_through(&world, "mine", said[1]).await;
    let steps = until("the journey says so", || {
        let steps = world.store.reader().journey_of(said[0]).expect("readable");
        (steps.len() == 3).then_some(steps)
    });
    let last = steps.await.pop().expect("three steps");
    assert_eq!(last.step.what, Happening::GaveUp { attempts: 2 });
    let figures = world.view("mine").figures;
    assert_eq!(
        (figures.nacked, figures.given_up, figures.redelivered),
        (2, 1, 1)
    );
}

/// Of a type that it has no handler for: one try each, once that is known.
#[actix_rt::test]
async fn what_an_application_has_no_handler_for_holds_up_little() {
    let world = World::new().await;
    let id = consumer(&world, 1, "app").await;
    let mut reader = attach(&world, id, RELAY_WINDOW).await;
    world.say("oc_1", &["one"]);
    let message = next(&mut reader).await;
    assert!(reader.done(message.delivery, None));
    // In chats of their own, so that they are tried side by side.
    let clicks: Vec<_> = (0..14)
        .map(|nth| world.message_in(&format!("oc_{nth}"), "im.chat.member.bot.added_v1"))
        .collect();
    let said = world.record(clicks);
    for _ in &said {
        let event = next(&mut reader).await;
        assert!(reader.failed(event.delivery, "500".to_owned()));
    }
    let given_up = || world.view("app").figures.given_up;
    until_true("the last two are given up", || given_up() >= 2).await;
    let [nacked, gave_up] = &*until("the journey says so", || {
        let steps = world.store.reader().journey_of(said[13]).expect("readable");
        (steps.len() == 2).then_some(steps)
    })
    .await
    else {
        panic!("two steps");
    };
    assert!(matches!(nacked.step.what, Happening::Attempt(_)));
    assert_eq!(gave_up.step.what, Happening::GaveUp { attempts: 1 });
}

#[actix_rt::test]
async fn a_chat_stays_with_its_connection_and_moves_when_that_is_gone() {
    let world = World::new().await;
    let id = consumer(&world, 1, "app").await;
    let mut first = attach(&world, id, RELAY_WINDOW).await;
    world.say("oc_1", &["one"]);
    let one = next(&mut first).await;
    let mut second = attach(&world, id, RELAY_WINDOW).await;
    world.say("oc_2", &["other"]);
    // The one with less to do gets the new chat.
    let other = next(&mut second).await;
    assert!(first.done(one.delivery, None) && second.done(other.delivery, None));
    world.say("oc_1", &["two", "three"]);
    let two = next(&mut first).await;
    assert_eq!(text(&two), "two");
    let click = world.click("a");
    assert_eq!(next(&mut first).await.seq, click, "a click is its chat's");
    assert!(second.events.try_recv().is_err());
    drop(first);
    let mut moved = Vec::new();
    while moved.len() < 3 {
        let event = next(&mut second).await;
        moved.push((event.seq, event.redelivered));
        assert!(second.done(event.delivery, None));
    }
    // The click has a lane of its own.
    let messages: Vec<_> = moved.iter().filter(|(seq, _)| *seq != click).collect();
    assert_eq!(messages, [&(two.seq, true), &(Seq(two.seq.0 + 1), false)]);
    assert!(moved.contains(&(click, true)));
    let [gone, done] = &*outcomes(&world, two.seq, 2).await else {
        panic!("two attempts");
    };
    assert!(matches!(gone, DeliveryOutcome::Lapsed { .. }), "{gone:?}");
    assert!(matches!(done, DeliveryOutcome::Acked { .. }), "{done:?}");
}

#[actix_rt::test]
async fn a_handler_has_its_time_and_a_late_answer_counts() {
    let world = World::new().await;
    let mut definition = definition(&world, 1, "app");
    definition["road"]["handler_limit"] = json!("1s");
    definition["policy"] = json!({"give_up": {"attempts": 9}});
    let id = world.create(definition).await.view.id;
    let mut reader = attach(&world, id, RELAY_WINDOW).await;
    assert_eq!(reader.handler_limit, Duration::from_secs(1));
    let seq = world.say("oc_1", &["slow"])[0];
    let first = next(&mut reader).await;
    let again = next(&mut reader).await;
    assert_eq!((again.seq, again.redelivered), (seq, true));
    assert_eq!(world.view("app").figures.timed_out, 1);
    // The first call of the handler has ended meanwhile.
    assert!(reader.done(first.delivery, None));
    done_through(&world, "app", seq).await;
    assert!(reader.done(again.delivery, None), "it had that one, too");
    let next_one = world.say("oc_1", &["quick"])[0];
    assert_eq!(next(&mut reader).await.seq, next_one);
}

#[actix_rt::test]
async fn a_click_is_answered_over_the_connection_that_has_it() {
    let world = World::new().await;
    let absent = consumer(&world, 1, "absent").await;
    let seq = world.click("a");
    assert!(ask(&world, seq, SOON).await.is_err(), "nobody is there");
    assert_eq!(defaulted(&world, seq).await, "no application is connected");
    let there = consumer(&world, 2, "there").await;
    assert_ne!(absent, there);
    let mut reader = attach(&world, there, RELAY_WINDOW).await;
    let seq = world.click("b");
    let answer = ask(&world, seq, SOON);
    let click = next(&mut reader).await;
    assert_eq!(click.seq, seq);
    let toast = Bytes::from_static(br#"{"toast":{"type":"info","content":"done"}}"#);
    assert!(reader.done(click.delivery, Some(toast.clone())));
    let answer = timeout(SOON, answer).await.expect("in time");
    let answer = answer.expect("an answer");
    assert!(answer == longwire_delivery::AskedAnswer::Result(toast));
    // Another consumer on another road claims the clicks first.
    let old = world.old_click();
    let event = next(&mut reader).await;
    assert!(event.seq == old && event.is_old_card);
    assert!(reader.failed(event.delivery, "500".to_owned()));
}

#[actix_rt::test]
async fn the_consumer_of_a_token_is_made_once() {
    let world = World::new().await;
    world
        .create(json!({"name": "app", "road": {"kind": "pull"}, "claims_cards": true}))
        .await;
    let both = tokio::join!(
        world.deliveries.relay_consumer(owner(&world, 1, "app")),
        world.deliveries.relay_consumer(owner(&world, 1, "app")),
    );
    let (first, second) = (both.0.expect("made"), both.1.expect("found"));
    assert_eq!(first, second);
    let view = world.view("app-2");
    assert_eq!(view.id, first);
    let Road::Relay(road) = &view.definition.road else {
        panic!("{view:?}");
    };
    assert_eq!(road.handler_limit, HANDLER_LIMIT);
    assert!(!view.definition.claims_cards, "another road claims them");
    let mut wide = owner(&world, 2, "wide");
    wide.grant.installations = None;
    wide.platform = Platform::Wecom;
    let wide = world.deliveries.relay_consumer(wide).await.expect("made");
    let view = world.view("wide-bot");
    assert_eq!(view.id, wide);
    assert!(!view.definition.claims_cards, "WeCom has its own way");
    let audit = until("the audit has both", || {
        let page = world.store.reader().audit(None, 10).expect("readable");
        (page.len() >= 2).then_some(page)
    })
    .await;
    let subjects: Vec<_> = audit.iter().map(|one| &*one.entry.subject).collect();
    assert!(
        subjects.contains(&"app-2") && subjects.len() == 2,
        "{subjects:?}"
    );
    let names = ["a", "a-2", "a-3", "a-4", "a-5", "a-6", "a-7", "a-8", "a-9"];
    for name in names {
        world
            .create(json!({"name": name, "road": {"kind": "pull"}}))
            .await;
    }
    let refused = world.deliveries.relay_consumer(owner(&world, 3, "a")).await;
    assert!(
        matches!(refused, Err(RelayConsumerError::NameTaken { .. })),
        "{refused:?}"
    );
}

#[actix_rt::test]
async fn one_bot_and_the_platform_alone_reach_a_connection() {
    let world = World::new().await;
    let id = consumer(&world, 1, "app").await;
    let mut reader = attach(&world, id, RELAY_WINDOW).await;
    // An event of longwire's own.
    let other = world
        .create(json!({"name": "b", "road": {"kind": "pull"}}))
        .await;
    let reason = "for a test".to_owned();
    let paused = world
        .deliveries
        .pause(space(), other.view.name.as_str(), reason);
    paused.await.expect("it is paused");
    world.say("oc_1", &["one"]);
    let event = next(&mut reader).await;
    assert_eq!(text(&event), "one");
    assert!(reader.events.try_recv().is_err());
}

#[actix_rt::test]
async fn a_pause_keeps_connections_and_their_events() {
    let world = World::new().await;
    let id = consumer(&world, 1, "app").await;
    let mut reader = attach(&world, id, RELAY_WINDOW).await;
    let paused = world.deliveries.pause(space(), "app", "by hand".to_owned());
    paused.await.expect("it is paused");
    let mut second = attach(&world, id, RELAY_WINDOW).await;
    world.say("oc_1", &["one"]);
    until_true("it was read", || {
        world.view("app").progress.held_events == 1
    })
    .await;
    assert!(reader.events.try_recv().is_err() && second.events.try_recv().is_err());
    world
        .deliveries
        .resume(space(), "app")
        .await
        .expect("it goes on");
    let event = tokio::select! {
        event = next(&mut reader) => event,
        event = next(&mut second) => event,
    };
    assert_eq!(text(&event), "one");
}

#[actix_rt::test]
async fn a_drain_waits_for_handlers_and_lets_connections_go() {
    let world = World::new().await;
    let id = consumer(&world, 1, "app").await;
    let mut reader = attach(&world, id, RELAY_WINDOW).await;
    let mut idle = attach(&world, id, RELAY_WINDOW).await;
    let said = world.say("oc_1", &["one", "two"]);
    let (mut busy, event) = tokio::select! {
        event = next(&mut reader) => (reader, event),
        event = next(&mut idle) => {
            std::mem::swap(&mut reader, &mut idle);
            (reader, event)
        }
    };
    let (deliveries, newcomer) = (world.deliveries.clone(), owner(&world, 2, "new"));
    let ended = actix_rt::spawn(async move {
        while deliveries.attach_relay(id, hello(1)).await.err() != Some(AttachError::Draining) {
            tokio::task::yield_now().await;
        }
        let refused = deliveries.relay_consumer(newcomer).await;
        assert!(
            matches!(refused, Err(RelayConsumerError::Draining)),
            "{refused:?}"
        );
        assert!(busy.done(event.delivery, None));
        drop(deliveries);
        (
            busy.events.recv().await.is_none(),
            idle.events.recv().await.is_none(),
        )
    });
    let world = world.restart(DeliveryTiming::default()).await;
    assert_eq!(ended.await.expect("no panic"), (true, true));
    assert_eq!(world.view("app").progress.connections, 0);
    let mut reader = attach(&world, id, RELAY_WINDOW).await;
    let event = next(&mut reader).await;
    assert_eq!(event.seq, said[1], "the first was done in time");
}

#[actix_rt::test]
async fn a_removed_consumer_lets_its_connections_go() {
    let world = World::new().await;
    let id = consumer(&world, 1, "app").await;
    let mut reader = attach(&world, id, RELAY_WINDOW).await;
    world
        .deliveries
        .remove(space(), "app")
        .await
        .expect("removed");
    let ended = timeout(SOON, reader.events.recv()).await;
    assert!(ended.expect("in time").is_none());
    assert!(world.deliveries.relay_connections().is_empty());
    let attached = world.deliveries.attach_relay(id, hello(1)).await;
    assert_eq!(attached.err(), Some(AttachError::Unknown));
    assert_ne!(consumer(&world, 1, "app").await, id, "made anew");
    let pull = world
        .create(json!({"name": "b", "road": {"kind": "pull"}}))
        .await;
    let attached = world.deliveries.attach_relay(pull.view.id, hello(1)).await;
    assert_eq!(attached.err(), Some(AttachError::OtherRoad));
}

/// WeCom's SDKs acknowledge nothing.
#[actix_rt::test]
async fn what_was_handed_over_is_said_to_be_no_more() {
    let world = World::new().await;
    let id = consumer(&world, 1, "app").await;
    let hello = RelayHello {
        proof: RelayProof::HandedOver,
        peer: None,
        agent: None,
        ..hello(RELAY_WINDOW)
    };
    let mut reader = world
        .deliveries
        .attach_relay(id, hello)
        .await
        .expect("it is attached");
    let seq = world.say("oc_1", &["one"])[0];
    let event = next(&mut reader).await;
    assert!(reader.done(event.delivery, None));
    done_through(&world, "app", seq).await;
    let kept = until("the journey has it", || {
        let steps = world.store.reader().journey_of(seq).expect("readable");
        steps.into_iter().find_map(|one| match one.step.what {
            Happening::Attempt(attempt) => Some(attempt),
            _ => None,
        })
    });
    let kept = kept.await;
    let reader = "an application".to_owned();
    assert_eq!(kept.outcome, DeliveryOutcome::Acked { reader });
    assert_eq!(
        &*kept.answer.bytes,
        b"handed over: a ping behind it was answered"
    );
    assert_eq!(
        world.deliveries.relay_connections()[0].proof,
        RelayProof::HandedOver
    );
}

/// A filter that changes gives up what is under way; its answer counts all the same.
#[actix_rt::test]
async fn an_answer_counts_after_a_change_of_the_filter() {
    let world = World::new().await;
    let id = consumer(&world, 1, "app").await;
    let mut reader = attach(&world, id, 1).await;
    let seq = world.say("oc_1", &["one"])[0];
    let event = next(&mut reader).await;
    let mut changed = world.view("app").definition.to_json();
    changed["filter"]["types"] = json!(["feishu.im.*"]);
    let changed = ConsumerDefinition::parse(&changed).expect("a definition");
    let changed = world.deliveries.change(space(), "app", changed, None).await;
    changed.expect("it is changed");
    let again = next(&mut reader).await;
    assert_eq!((again.seq, again.redelivered), (seq, true));
    assert!(reader.done(event.delivery, None));
    done_through(&world, "app", seq).await;
}

/// An actor that ends takes its connections along, and the next one begins without them.
#[actix_rt::test]
async fn a_consumer_that_is_built_anew_has_no_connections() {
    let world = World::new().await;
    let id = consumer(&world, 1, "app").await;
    let mut reader = attach(&world, id, RELAY_WINDOW).await;
    let seq = world.say("oc_1", &["one"])[0];
    assert_eq!(next(&mut reader).await.seq, seq);
    let fault = longwire_actor::Fault::Panic;
    assert!(world.deliveries.inject("/delivery/consumers/app", fault));
    let ended = timeout(SOON, reader.events.recv()).await;
    assert!(ended.expect("in time").is_none());
    assert!(!reader.done(longwire_consumer::DeliveryId(77), None));
    drop(reader);
    let mut reader = loop {
        // As an SDK does, until the next one runs.
        match world.deliveries.attach_relay(id, hello(RELAY_WINDOW)).await {
            Ok(reader) => break reader,
            Err(error) => assert!(matches!(error, AttachError::NotRunning { .. }), "{error}"),
        }
    };
    let again = next(&mut reader).await;
    assert_eq!((again.seq, again.redelivered), (seq, true));
    assert_eq!(world.deliveries.relay_connections().len(), 1);
}
