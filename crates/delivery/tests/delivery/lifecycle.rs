//! Consumers are changed, moved, removed, and go on after an end, a fault and a restart.

use std::time::Duration;

use longwire_actor::Fault;
use longwire_consumer::{ConsumerDefinition, StartFrom};
use longwire_delivery::{ChangeError, CreateError, DeliveryTiming, EndpointRefused};
use longwire_store::{ConsumerState, WriteError};
use serde_json::json;

use crate::endpoint::{Answer, Webhook};
use crate::webhooks::webhook;
use crate::world::{SOON, World, space, until_true};

#[actix_rt::test]
async fn a_restart_repeats_nothing_that_is_done_and_loses_nothing_that_is_not() {
    let world = World::new().await;
    let hook = Webhook::new(|_, _| Answer::ok());
    world.create(webhook("app", &hook.url())).await;
    let last = world.say("oc_1", &["one", "two"])[1];
    until_true("it is done", || world.view("app").progress.floor >= last).await;
    let world = world.restart(DeliveryTiming::default()).await;
    let last = world.say("oc_1", &["three"])[0];
    until_true("it is done", || world.view("app").progress.floor >= last).await;
    assert_eq!(hook.texts(), ["one", "two", "three"]);
    assert!(hook.seen().iter().all(|one| !one.redelivered()));
}

/// Its owner hears at once what each delivery would meet.
#[actix_rt::test]
async fn a_webhook_at_a_forbidden_address_is_not_made() {
    let world = World::new().await;
    for url in [
        "http://169.254.169.254/latest/meta-data/",
        "https://[fe80::1]/",
        "https://10.0.0.1/",
        "http://metadata.google.internal/",
    ] {
        let definition = webhook("app", url);
        let definition = ConsumerDefinition::parse(&definition).expect("a definition");
        let refused = world
            .deliveries
            .create(space().clone(), definition, None)
            .await;
        let Err(CreateError::Endpoint(refused)) = refused else {
            panic!("{url}: {refused:?}");
        };
        assert!(
            matches!(refused, EndpointRefused::Blocked(_)),
            "{url}: {refused:?}"
        );
        assert_eq!(refused.pointer(), "/road/url");
    }
}

#[actix_rt::test]
async fn a_drain_waits_for_what_is_under_way() {
    let world = World::new().await;
    let hook = Webhook::new(|_, _| Answer {
        after: Duration::from_millis(300),
        ..Answer::ok()
    });
    world.create(webhook("app", &hook.url())).await;
    let id = world.view("app").id;
    let seq = world.say("oc_1", &["one"])[0];
    until_true("it is under way", || !hook.seen().is_empty()).await;
    assert_eq!(world.deliveries.drain(SOON).await, 0);
    let kept = world.store.reader().position(id).expect("readable");
    assert_eq!(kept.expect("a position").floor, seq);
}

#[actix_rt::test]
async fn faults_of_a_consumer_and_its_endpoint_are_survived() {
    let world = World::new().await;
    let hook = Webhook::new(|_, _| Answer::ok());
    world.create(webhook("app", &hook.url())).await;
    let path = "/delivery/consumers/app";
    let actor = || {
        let actors = world.deliveries.actors();
        actors.into_iter().find(|actor| actor.path == path)
    };
    let restarts = || actor().map_or(0, |actor| actor.supervision.restarts);
    for (round, fault) in [Fault::Panic, Fault::Stop].into_iter().enumerate() {
        until_true("it runs", || {
            let is_ready = actor().is_some_and(|actor| actor.state == "ready");
            is_ready && world.view("app").progress.not_running.is_none()
        })
        .await;
        assert!(world.deliveries.inject(path, fault));
        until_true("it ended", || restarts() > round as u64).await;
    }
    let last = world.say("oc_1", &["one"])[0];
    until_true("it is done", || world.view("app").progress.floor >= last).await;
    let endpoint = format!("{path}/endpoint");
    assert!(world.deliveries.inject(&endpoint, Fault::Panic));
    let last = world.say("oc_1", &["two"])[0];
    until_true("it is done", || world.view("app").progress.floor >= last).await;
    assert_eq!(hook.texts(), ["one", "two"]);
}

#[actix_rt::test]
async fn a_consumer_is_changed_where_it_is() {
    let world = World::new().await;
    let (hook, other) = (
        Webhook::new(|_, _| Answer::ok()),
        Webhook::new(|_, _| Answer::ok()),
    );
    let created = world.create(webhook("app", &hook.url())).await;
    let last = world.say("oc_1", &["one"])[0];
    until_true("it is done", || world.view("app").progress.floor >= last).await;
    let definition = |json| ConsumerDefinition::parse(&json).expect("a definition");
    let changed = definition(webhook("app", &other.url()));
    let revision = Some(created.view.revision);
    let change = world
        .deliveries
        .change(space(), "app", changed.clone(), revision);
    change.await.expect("changed");
    let outdated = world
        .deliveries
        .change(space(), "app", changed, revision)
        .await;
    assert!(matches!(outdated, Err(ChangeError::Outdated { .. })));
    let renamed = definition(webhook("app2", &other.url()));
    let renamed = world.deliveries.change(space(), "app", renamed, None).await;
    assert!(matches!(renamed, Err(ChangeError::OtherName)));
    let pull = definition(json!({"name": "app", "road": {"kind": "pull"}}));
    let pull = world.deliveries.change(space(), "app", pull, None).await;
    assert!(matches!(pull, Err(ChangeError::OtherRoad)));
    let last = world.say("oc_1", &["two"])[0];
    until_true("it is done", || world.view("app").progress.floor >= last).await;
    assert_eq!(
        (hook.texts(), other.texts()),
        (vec!["one".to_owned()], vec!["two".to_owned()])
    );
}

#[actix_rt::test]
async fn a_paused_consumer_goes_on_where_it_was() {
    let world = World::new().await;
    let hook = Webhook::new(|_, _| Answer::ok());
    world.create(webhook("app", &hook.url())).await;
    let paused = world.deliveries.pause(space(), "app", "why".to_owned());
    let paused = paused.await.expect("paused").state;
    assert_eq!(
        paused,
        ConsumerState::Paused {
            reason: "why".to_owned()
        }
    );
    let first = world.say("oc_1", &["one"])[0];
    until_true("it was read", || {
        world.view("app").progress.reached >= first
    })
    .await;
    assert_eq!(hook.texts(), [""; 0]);
    let world = world.restart(DeliveryTiming::default()).await;
    let last = world.say("oc_1", &["two"])[0];
    world
        .deliveries
        .resume(space(), "app")
        .await
        .expect("resumed");
    until_true("it is done", || world.view("app").progress.floor >= last).await;
    let mut texts = hook.texts();
    texts.retain(|text| !text.is_empty());
    assert_eq!(texts, ["one", "two"]);
}

#[actix_rt::test]
async fn a_seek_goes_back_and_labels_what_was_sent() {
    let world = World::new().await;
    let hook = Webhook::new(|_, _| Answer::ok());
    world.create(webhook("app", &hook.url())).await;
    let seqs = world.say("oc_1", &["one", "two"]);
    until_true("it is done", || world.view("app").progress.floor == seqs[1]).await;
    let moved = world
        .deliveries
        .seek(space(), "app", StartFrom::Seq(seqs[1]));
    assert_eq!(moved.await.expect("moved"), seqs[0]);
    until_true("it comes again", || hook.seen().len() == 3).await;
    let again = &hook.seen()[2];
    assert_eq!(
        (again.text(), again.redelivered()),
        ("two".to_owned(), true)
    );
}

#[actix_rt::test]
async fn a_removed_consumer_is_gone_and_its_name_free() {
    let world = World::new().await;
    let hook = Webhook::new(|_, _| Answer::ok());
    world.create(webhook("app", &hook.url())).await;
    let definition = ConsumerDefinition::parse(&webhook("app", &hook.url())).expect("one");
    let taken = world
        .deliveries
        .create(space().clone(), definition, None)
        .await;
    assert!(matches!(
        taken,
        Err(CreateError::Store(WriteError::NameTaken { .. }))
    ));
    world
        .deliveries
        .remove(space(), "app")
        .await
        .expect("removed");
    assert!(world.deliveries.consumer(space(), "app").is_none());
    world.say("oc_1", &["one"]);
    world.create(webhook("app", &hook.url())).await;
    let last = world.say("oc_1", &["two"])[0];
    until_true("it is done", || world.view("app").progress.floor >= last).await;
    assert_eq!(hook.texts(), ["two"]);
}

#[actix_rt::test]
async fn both_secrets_sign_during_a_rotation() {
    let world = World::new().await;
    let hook = Webhook::new(|_, _| Answer::ok());
    world.create(webhook("app", &hook.url())).await;
    world
        .deliveries
        .rotate_secret(space(), "app", None)
        .await
        .expect("rotated");
    world.say("oc_1", &["one"]);
    until_true("it arrives", || !hook.seen().is_empty()).await;
    let signature = hook.seen()[0].headers["webhook-signature"].clone();
    assert_eq!(signature.split(' ').count(), 2, "{signature}");
}
