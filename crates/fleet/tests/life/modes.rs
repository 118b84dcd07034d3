//! By which road a bot's events come, switched while it runs, and how many bots of a space are connected.

use crate::world::*;
use longwire_fleet::{FleetLimits, FleetSettings};
use longwire_installation::{Desired, Mode, Platform};
use longwire_sim::Traffic;
use longwire_store::{InstallationChange, NewInstallation};
use std::num::NonZeroU32;
use std::time::Duration;

/// S62, S64, S99, S240: the mode is switched at any time and kept, without a restart. The long connection ends in order, and
/// what was under way is acknowledged.
#[actix_rt::test]
async fn the_mode_is_switched_under_traffic_and_nothing_is_lost() {
    let world = World::new(1).await;
    world.all_live().await;
    let control = world.sim.control();
    let id = world.id(0);
    let switch = |mode: Mode| {
        let change = InstallationChange {
            mode: Some(mode),
            ..InstallationChange::default()
        };
        world
            .store
            .change_installation(id, change)
            .expect("changed");
        world.fleet.reload();
    };
    control.push_at_rate(Traffic {
        apps: vec![app(0)],
        per_second: 100.0,
        ..Traffic::default()
    });
    for (round, back) in [Mode::Both, Mode::LongConnection, Mode::Both]
        .into_iter()
        .enumerate()
    {
        let acked = control.ledger().acked;
        until("events flow", || {
            (control.ledger().acked > acked + 20).then_some(())
        })
        .await;
        switch(Mode::Webhook);
        until("no connection is wanted", || is(&world, "bot-0", "webhook")).await;
        let view = world.bot(0);
        assert_eq!((view.legacy_state, view.reason), ("disconnected", None));
        until("it is closed in order", || {
            let closed = control.ledger().closed_by_client;
            (closed == round as u64 + 1 && control.connections(None).is_empty()).then_some(())
        })
        .await;
        switch(back);
        until("it is live again", || is(&world, "bot-0", "live")).await;
        let record = world
            .store
            .reader()
            .installation("bot-0")
            .expect("readable");
        assert_eq!(record.expect("it was added").mode, back);
    }
    control.stop_traffic();
    let ledger = until("every event is acknowledged", || {
        let ledger = control.ledger();
        (ledger.pending == 0).then_some(ledger)
    })
    .await;
    assert_eq!((ledger.lost, ledger.late_acks), (0, 0), "{ledger:?}");
    let events = world.fleet.overview().events;
    assert_eq!(events.recorded, ledger.pushed, "{events:?}");
    world.fleet.drain(Duration::from_secs(5)).await;
}

/// A bot that starts in webhook mode asks nobody for anything, and says so.
#[actix_rt::test]
async fn a_bot_in_webhook_mode_is_no_trouble() {
    let world = World::new(1).await;
    world.all_live().await;
    world
        .store
        .add_installation(NewInstallation {
            mode: Mode::Webhook,
            ..bot(Platform::Feishu, "hooked", &world.sim.base_url())
        })
        .expect("an installation is added");
    world.fleet.reload();
    until("it is there", || is(&world, "hooked", "webhook")).await;
    let overview = world.fleet.overview();
    assert_eq!(overview.by_state.get("webhook"), Some(&1));
    assert_eq!((overview.alarms, overview.connections.attempts), (0, 1));
    let view = world.fleet.installation("hooked").expect("it was added");
    assert_eq!((view.next_step, view.until_ms), (None, None));
    world.fleet.drain(Duration::from_secs(5)).await;
}

/// S95: so many bots of a space are connected. The next one waits, says why, and takes the place of one that is stopped; one
/// that is started takes nobody's.
#[actix_rt::test]
async fn a_space_has_so_many_connections_and_the_next_bot_waits_for_one() {
    let limited = |store: &longwire_store::Store| FleetSettings {
        limits: FleetLimits {
            connections_per_space: NonZeroU32::new(2),
            ..FleetLimits::default()
        },
        ..settings_of(store, quick())
    };
    let world = World::of(1, 3, limited).await;
    let live = |number: usize| is(&world, &format!("bot-{number}"), "live");
    until("two are live", || live(0).and(live(1))).await;
    until("the third waits", || is(&world, "bot-2", "refused")).await;
    let waiting = world.bot(2);
    assert_eq!(waiting.reason.as_deref(), Some("space_limit"));
    assert!(
        waiting
            .next_step
            .expect("it says what to do")
            .contains("connections_per_space")
    );
    let full = world.fleet.has_room(&waiting.space, None);
    assert_eq!(full.expect_err("two of two").limit, 2);
    assert_eq!(
        world.fleet.has_room(&waiting.space, Some(world.id(0))),
        Ok(())
    );
    let want = |number: usize, desired: Desired| {
        world
            .store
            .set_desired(world.id(number), desired)
            .expect("changed");
        world.fleet.reload();
    };
    want(0, Desired::Stop);
    until("it takes the place", || live(2)).await;
    want(0, Desired::Run);
    until("the first one waits", || is(&world, "bot-0", "refused")).await;
    assert!(live(1).and(live(2)).is_some(), "it took nobody's place");
    assert_eq!(world.sim.control().ledger().connections_opened, 3);
    world.fleet.drain(Duration::from_secs(5)).await;
}
