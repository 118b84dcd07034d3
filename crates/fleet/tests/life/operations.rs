//! What happens to bots and to the store is in the log as operational events.

use crate::world::*;
use longwire_installation::{InstallationId, Platform};
use longwire_link::Timing;
use longwire_sim::Behaviour;
use longwire_store::{EventQuery, EventRecord, Health, Source};
use longwire_wire::view::{EventAction, EventView, Family, Operation};
use std::time::Duration;

/// What was recorded of our own, oldest first.
fn told(world: &World) -> Vec<(EventRecord, EventAction, Operation)> {
    let query = EventQuery {
        after: None,
        installations: None,
        limit: 1_000,
    };
    let page = world.store.follow(query).expect("readable");
    let ours = page.events.into_iter();
    let ours = ours.filter(|event| event.source == Source::Operational);
    ours.map(|event| {
        let event_type = event.event_type.as_deref();
        let view = EventView::of(Family::Longwire, event_type, &event.payload);
        let operation = view.operation.expect("an operation");
        let action = view.action.expect("a known type");
        (event, action, *operation)
    })
    .collect()
}

/// The same, once there are so many.
async fn told_of(world: &World, count: usize) -> Vec<(EventRecord, EventAction, Operation)> {
    until("operational events are recorded", || {
        let told = told(world);
        (told.len() >= count).then_some(told)
    })
    .await
}

/// When dispatch looked at everything last, in milliseconds since 1970.
fn looked_ms(world: &World) -> Option<i64> {
    let actors = world.fleet.actors();
    let dispatch = actors.iter().find(|actor| actor.kind == "dispatch")?;
    let last = dispatch.last.as_ref()?;
    (last.message == "Looking").then_some(last.at_ms)
}

/// Waits until dispatch has looked at everything, from now on.
async fn looked(world: &World) {
    // The look that ended last may have begun before.
    for _ in 0..2 {
        let before = looked_ms(world);
        until("dispatch looks", || {
            looked_ms(world).filter(|now| Some(*now) > before)
        })
        .await;
    }
}

#[actix_rt::test]
async fn a_refusal_is_told_and_that_it_is_over() {
    let world = World::with_timing(Timing {
        refused_base: Duration::from_millis(200),
        refused_probe: Duration::from_millis(200),
        ..quick()
    })
    .await;
    world.all_live().await;
    looked(&world).await;
    assert!(told(&world).is_empty(), "a bot that connects is no news");
    let control = world.sim.control();
    control.behaviour(None, Behaviour::auth_failed());
    world.add(Platform::Feishu, "refused", &world.sim.base_url());
    world.fleet.reload();
    until("it is refused", || is(&world, "refused", "refused")).await;
    let before = told_of(&world, 1).await;
    control.behaviour(None, Behaviour::Nominal);
    until("it is live", || is(&world, "refused", "live")).await;
    let told = told_of(&world, 2).await;
    assert_eq!(before.len(), 1);
    let id = world.store.reader().installation("refused");
    let id = id.expect("readable").expect("it was added").id;
    let public_id = world.fleet.installation("refused").expect("it runs").id;
    for (event, _, operation) in &told {
        assert_eq!(event.installation, id);
        assert_eq!(event.platform, Some(Platform::Feishu));
        assert_eq!(operation.installation.as_deref(), Some(&*public_id));
    }
    let [(refusal, refused, why), (_, live, _)] = &told[..] else {
        panic!("{told:?}")
    };
    assert_eq!([refused, live], [&EventAction::Refused, &EventAction::Live]);
    let event_type = refusal.event_type.as_deref();
    assert_eq!(event_type, Some("longwire.installation.refused"));
    assert_eq!(why.reason.as_deref(), Some("auth_failed"));
    let detail = why.detail.as_deref().expect("words");
    assert!(
        detail.starts_with("Refused: the platform does not accept"),
        "{detail}"
    );
    assert!(detail.contains("Next step: Compare app id"), "{detail}");
    world.fleet.drain(SOON).await;
}

#[actix_rt::test]
async fn trouble_of_the_store_is_told_in_order_once_it_records_again() {
    let world = World::new(1).await;
    world.all_live().await;
    let (database, elsewhere) = (
        world.home.path().join("log.db"),
        world.home.path().join("away"),
    );
    std::fs::rename(&database, &elsewhere).expect("it is moved");
    let since = until("the store notices", || match world.store.health() {
        Health::Ok => None,
        Health::Degraded { since_ms, .. } => Some(since_ms),
    })
    .await;
    looked(&world).await;
    std::fs::rename(&elsewhere, &database).expect("it is moved back");
    until("it records", || {
        (world.store.health() == Health::Ok).then_some(())
    })
    .await;
    let told = told_of(&world, 2).await;
    let [(degraded, first, why), (recovered, second, of)] = &told[..] else {
        panic!("{told:?}")
    };
    let actions = [first, second];
    assert_eq!(actions, [&EventAction::Degraded, &EventAction::Recovered]);
    assert_eq!(degraded.created_ms, Some(since));
    assert!(degraded.created_ms < recovered.created_ms);
    assert_eq!(degraded.installation, InstallationId::NONE);
    let reasons = [why, of].map(|operation| operation.reason.as_deref());
    assert_eq!(reasons, [Some("gone"), Some("gone")]);
    world.fleet.drain(SOON).await;
}
