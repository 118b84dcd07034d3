//! Readers of pull consumers and of streams.

use std::time::Duration;

use bytes::Bytes;
use longwire_access::Space;
use longwire_consumer::{ConsumerDefinition, Detail, EventFilter, EventId, Expansions};
use longwire_delivery::{AckError, AcknowledgedEvents, ClaimError, DeliveryTiming, ReadAlong};
use longwire_store::Seq;
use serde_json::{Value, json};
use tokio::sync::mpsc::Receiver;
use tokio::time::timeout;

use crate::world::{SOON, World, space, until_true};

const WAIT: Duration = Duration::from_secs(20);

fn text(envelope: &[u8]) -> String {
    let json: Value = serde_json::from_slice(envelope).expect("an envelope");
    let text = json["data"]["message"]["text"].as_str();
    text.expect("a text").to_owned()
}

#[actix_rt::test]
async fn a_reader_claims_acknowledges_and_goes_on() {
    let world = World::new().await;
    world
        .create(json!({"name": "app", "road": {"kind": "pull"}}))
        .await;
    let deliveries = world.deliveries.clone();
    let waits = actix_rt::spawn(async move {
        deliveries
            .claim(space(), "app", None, 10, WAIT, Expansions::NONE)
            .await
    });
    world.say("oc_1", &["one", "two"]);
    let last = world.say("oc_2", &["three"])[0];
    let first = waits.await.expect("no panic").expect("a claim");
    assert_eq!(text(&first[0].envelope), "one");
    // One of a chat at a time; the other chat passes by.
    let rest = world
        .deliveries
        .claim(space(), "app", None, 10, Duration::ZERO, Expansions::NONE);
    let rest = rest.await.expect("a claim");
    let mut ids: Vec<EventId> = first.iter().chain(&rest).map(|one| one.id).collect();
    let acked = world
        .deliveries
        .ack(space(), "app", AcknowledgedEvents::Events(ids.clone()));
    assert_eq!(acked.await, Ok(ids.len()));
    while world.view("app").progress.floor < last {
        let next = world
            .deliveries
            .claim(space(), "app", None, 10, WAIT, Expansions::NONE);
        let next: Vec<EventId> = next
            .await
            .expect("a claim")
            .iter()
            .map(|one| one.id)
            .collect();
        ids.extend(&next);
        if let Some(newest) = next.last() {
            let acked = world
                .deliveries
                .ack(space(), "app", AcknowledgedEvents::Through(*newest));
            assert_eq!(acked.await, Ok(next.len()));
        }
    }
    assert_eq!(ids.len(), 3);
    // An acknowledgement was answered when it was on disk.
    let id = world.view("app").id;
    let kept = world
        .store
        .reader()
        .position(id)
        .expect("readable")
        .expect("a position");
    assert_eq!(kept.floor, last);
    let again = world
        .deliveries
        .ack(space(), "app", AcknowledgedEvents::Events(ids));
    assert_eq!(again.await, Ok(0));
}

#[actix_rt::test]
async fn what_is_given_back_or_forgotten_comes_again_labelled() {
    let timing = DeliveryTiming {
        claim: Duration::from_millis(200),
        ..DeliveryTiming::default()
    };
    let world = World::with(timing).await;
    world
        .create(json!({"name": "app", "road": {"kind": "pull"}}))
        .await;
    world.say("oc_1", &["one"]);
    let claim = async || {
        let claim = world
            .deliveries
            .claim(space(), "app", None, 10, WAIT, Expansions::NONE);
        claim.await.expect("a claim")
    };
    let first = claim().await;
    // Its time passes.
    let second = claim().await;
    assert_eq!(second[0].id, first[0].id);
    assert_eq!(second[0].attempt, 2);
    let json: Value = serde_json::from_slice(&second[0].envelope).expect("an envelope");
    assert_eq!(json["redelivered"], true);
    let delay = Some(Duration::ZERO);
    let ids = [second[0].id];
    let given_back = world.deliveries.nack(space(), "app", &ids, delay);
    assert_eq!(given_back.await, Ok(1));
    assert_eq!(claim().await[0].attempt, 3);
    let figures = world.view("app").figures;
    assert_eq!((figures.expired, figures.nacked), (1, 1));
}

#[actix_rt::test]
async fn what_cannot_be_asked_is_said() {
    let world = World::new().await;
    world
        .create(json!({"name": "app", "road": {"kind": "stream"}}))
        .await;
    let claim =
        world
            .deliveries
            .claim(space(), "nobody", None, 1, Duration::ZERO, Expansions::NONE);
    assert_eq!(claim.await, Err(ClaimError::Unknown));
    let claim = world
        .deliveries
        .claim(space(), "app", None, 1, Duration::ZERO, Expansions::NONE);
    assert_eq!(claim.await, Err(ClaimError::OtherRoad));
    let foreign: EventId = "evt_01081g81860w4000000000001a".parse().expect("an id");
    let ack = world
        .deliveries
        .ack(space(), "app", AcknowledgedEvents::Through(foreign));
    assert_eq!(ack.await, Err(AckError::ForeignEvent { id: foreign }));
    let other: Space = "other".parse().expect("a space");
    let claim = world
        .deliveries
        .claim(&other, "app", None, 1, Duration::ZERO, Expansions::NONE);
    assert_eq!(
        claim.await,
        Err(ClaimError::Unknown),
        "it is another space's"
    );
}

/// The next event of a stream; its id and its text.
async fn next(chunks: &mut Receiver<Bytes>) -> Option<(EventId, String)> {
    loop {
        let chunk = timeout(SOON, chunks.recv()).await.expect("in time")?;
        let chunk = std::str::from_utf8(&chunk).expect("text").to_owned();
        let Some(event) = chunk.strip_prefix("id: ") else {
            continue;
        };
        let (id, data) = event.split_once("\ndata: ").expect("data");
        let data = data.strip_suffix("\n\n").expect("an end");
        return Some((id.parse().expect("an id"), text(data.as_bytes())));
    }
}

#[actix_rt::test]
async fn a_stream_gives_what_comes_and_takes_acknowledgements() {
    let world = World::new().await;
    world
        .create(json!({"name": "app", "road": {"kind": "stream"}}))
        .await;
    let open = world.deliveries.open_stream(space(), "app", None);
    let mut chunks = open.await.expect("a stream");
    let last = world.say("oc_1", &["one", "two"])[1];
    let (one, first) = next(&mut chunks).await.expect("an event");
    assert_eq!(first, "one");
    let acked = world
        .deliveries
        .ack(space(), "app", AcknowledgedEvents::Events(vec![one]));
    assert_eq!(acked.await, Ok(1));
    assert_eq!(next(&mut chunks).await.expect("an event").1, "two");
    // Its connection ends without an acknowledgement: another one gets it.
    drop(chunks);
    let open = world.deliveries.open_stream(space(), "app", None);
    let mut chunks = open.await.expect("a stream");
    let (two, second) = next(&mut chunks).await.expect("an event");
    assert_eq!(second, "two");
    let acked = world
        .deliveries
        .ack(space(), "app", AcknowledgedEvents::Through(two));
    assert_eq!(acked.await, Ok(1));
    assert_eq!(world.view("app").progress.floor, last);
}

/// One chat with more events than a minute's streams: each connection has many of them.
#[actix_rt::test]
async fn an_implicit_reader_has_many_events_of_one_chat() {
    let world = World::new().await;
    world
        .create(json!({"name": "app", "road": {"kind": "stream", "ack": "implicit"}}))
        .await;
    let open = world.deliveries.open_stream(space(), "app", None);
    let mut chunks = open.await.expect("a stream");
    let texts = ["one", "two", "three", "four"];
    let last = world.say("oc_1", &texts)[3];
    let mut ids = Vec::new();
    for expected in texts {
        let (id, text) = next(&mut chunks).await.expect("an event");
        assert_eq!(text, expected);
        ids.push(id);
    }
    let open = world
        .deliveries
        .open_stream(space(), "app", ids.last().copied());
    let _chunks = open.await.expect("a stream");
    until_true("all is done", || world.view("app").progress.floor >= last).await;
}

/// A reader that stays connected and never acknowledges.
#[actix_rt::test]
async fn what_a_reader_never_acknowledges_goes_to_another_one() {
    let timing = DeliveryTiming {
        stream_ack: Duration::from_millis(300),
        ..DeliveryTiming::default()
    };
    let world = World::with(timing).await;
    world
        .create(json!({"name": "app", "road": {"kind": "stream"}, "policy": {"give_up": {"attempts": 2}}}))
        .await;
    let open = world.deliveries.open_stream(space(), "app", None);
    let mut silent = open.await.expect("a stream");
    let last = world.say("oc_1", &["one", "two"])[1];
    assert_eq!(next(&mut silent).await.expect("an event").1, "one");
    let open = world.deliveries.open_stream(space(), "app", None);
    let mut other = open.await.expect("a stream");
    assert_eq!(next(&mut silent).await.expect("an event").1, "two");
    assert_eq!(next(&mut silent).await, None, "its stream ends");
    for expected in ["one", "two"] {
        let (id, text) = next(&mut other).await.expect("an event");
        assert_eq!(text, expected);
        let acked = world
            .deliveries
            .ack(space(), "app", AcknowledgedEvents::Events(vec![id]));
        assert_eq!(acked.await, Ok(1));
    }
    let view = world.view("app");
    assert_eq!(view.progress.floor, last);
    assert_eq!(view.figures.expired, 1, "the oldest one is to blame");
}

#[actix_rt::test]
async fn who_connects_again_has_acknowledged_what_it_names() {
    let timing = DeliveryTiming {
        keep_alive: Duration::from_millis(50),
        stream_renewal: Duration::from_millis(100),
        ..DeliveryTiming::default()
    };
    let world = World::with(timing).await;
    world
        .create(json!({"name": "app", "road": {"kind": "stream", "ack": "implicit"}, "policy": {"order": "none"}}))
        .await;
    let open = world.deliveries.open_stream(space(), "app", None);
    let mut chunks = open.await.expect("a stream");
    let last = world.say("oc_1", &["one", "two", "three"])[2];
    let mut ids = Vec::new();
    // It is made to connect again.
    while let Some((id, _)) = next(&mut chunks).await {
        ids.push(id);
    }
    assert_eq!(ids.len(), 3);
    assert!(world.view("app").progress.floor < last);
    let open = world
        .deliveries
        .open_stream(space(), "app", ids.get(1).copied());
    let mut chunks = open.await.expect("a stream");
    // Of what it had, it names the second: the third comes again.
    assert_eq!(
        next(&mut chunks).await.map(|(_, text)| text).as_deref(),
        Some("three")
    );
    let open = world
        .deliveries
        .open_stream(space(), "app", ids.last().copied());
    let _chunks = open.await.expect("a stream");
    until_true("all is done", || world.view("app").progress.floor >= last).await;
}

#[actix_rt::test]
async fn whoever_reads_along_takes_nothing_away() {
    let world = World::new().await;
    world
        .create(json!({"name": "app", "road": {"kind": "pull"}}))
        .await;
    let filter = json!({"name": "x", "road": {"kind": "pull"}, "filter": {"chats": ["oc_2"]}});
    let filter = ConsumerDefinition::parse(&filter)
        .expect("a definition")
        .filter;
    let what = |filter: EventFilter, after: Option<Seq>| ReadAlong {
        space: space().clone(),
        filter,
        after,
        detail: Detail::Whole,
        expand: Expansions::NONE,
    };
    world.say("oc_1", &["one"]);
    let last = world.say("oc_2", &["two"])[0];
    until_true("it was read", || world.view("app").progress.reached >= last).await;
    let page = world
        .deliveries
        .read_along(what(filter.clone(), Some(Seq(0))), 10, Duration::ZERO);
    let page = page.await.expect("a page");
    assert_eq!(page.events.len(), 1);
    assert_eq!((page.reached, page.more), (last, false));
    let follow = world.deliveries.follow(what(filter.clone(), Some(Seq(0))));
    let mut chunks = follow.await.expect("a stream");
    assert_eq!(next(&mut chunks).await.expect("an event").1, "two");
    let deliveries = world.deliveries.clone();
    let waits = what(filter, Some(last));
    let waits = actix_rt::spawn(async move { deliveries.read_along(waits, 10, WAIT).await });
    world.say("oc_2", &["three"]);
    assert_eq!(next(&mut chunks).await.expect("an event").1, "three");
    let page = waits.await.expect("no panic").expect("a page");
    assert_eq!(text(&page.events[0].envelope), "three");
    let claimed = world
        .deliveries
        .claim(space(), "app", None, 10, WAIT, Expansions::NONE);
    assert_eq!(claimed.await.expect("a claim").len(), 2, "one of each chat");
}
