//! Events are delivered again without moving the position.

use longwire_consumer::{EventId, StartFrom, StoreTag};
use longwire_delivery::{DeliveryTiming, ReplayError, ReplayOrder};
use longwire_store::Seq;

use crate::endpoint::{Answer, Webhook};
use crate::webhooks::webhook;
use crate::world::{World, space, until_true};

#[actix_rt::test]
async fn a_stretch_and_an_event_are_delivered_again() {
    let world = World::new().await;
    let hook = Webhook::new(|_, _| Answer::ok());
    world.create(webhook("app", &hook.url())).await;
    let seqs = world.say("oc_1", &["one", "two", "three"]);
    until_true("it is done", || world.view("app").progress.floor == seqs[2]).await;
    let space = space();
    let stretch = ReplayOrder::Stretch {
        from: StartFrom::Seq(seqs[0]),
        until: Some(StartFrom::Seq(seqs[2])),
        filter: None,
    };
    let replayed = world.deliveries.replay(space, "app", stretch).await;
    assert_eq!(replayed.expect("a replay"), 2);
    until_true("both come again", || hook.seen().len() == 5).await;
    assert_eq!(hook.texts()[3..], ["one", "two"]);
    assert!(hook.seen()[3..].iter().all(|one| one.redelivered()));
    let id = EventId::new(StoreTag(world.store.identity().prefix()), seqs[1]);
    let order = ReplayOrder::Event(id);
    let replayed = world.deliveries.replay(space, "app", order).await;
    assert_eq!(replayed.expect("a replay"), 1);
    until_true("it comes again", || hook.seen().len() == 6).await;
    assert_eq!(hook.texts()[5], "two");
    until_true("the rows are removed", || {
        world.store.reader().consumers().expect("readable").len() == 1
    })
    .await;
    assert_eq!(world.view("app").progress.replays, 0);
    let nothing = ReplayOrder::Stretch {
        from: StartFrom::Now,
        until: None,
        filter: None,
    };
    let nothing = world.deliveries.replay(space, "app", nothing).await;
    assert!(matches!(nothing, Err(ReplayError::Nothing)));
}

#[actix_rt::test]
async fn a_replay_goes_on_after_a_restart() {
    let world = World::new().await;
    let hook = Webhook::new(|_, _| Answer::ok());
    world.create(webhook("app", &hook.url())).await;
    let seqs = world.say("oc_1", &["one", "two"]);
    until_true("it is done", || world.view("app").progress.floor == seqs[1]).await;
    let space = space();
    let pause = world.deliveries.pause(space, "app", "why".to_owned());
    pause.await.expect("paused");
    let stretch = ReplayOrder::Stretch {
        from: StartFrom::Seq(seqs[0]),
        until: Some(StartFrom::Seq(Seq(seqs[1].0 + 1))),
        filter: None,
    };
    let replayed = world.deliveries.replay(space, "app", stretch).await;
    assert_eq!(replayed.expect("a replay"), 2);
    let world = world.restart(DeliveryTiming::default()).await;
    world
        .deliveries
        .resume(space, "app")
        .await
        .expect("resumed");
    until_true("both come again", || {
        let mut texts = hook.texts();
        texts.retain(|text| !text.is_empty());
        texts == ["one", "two", "one", "two"]
    })
    .await;
}
