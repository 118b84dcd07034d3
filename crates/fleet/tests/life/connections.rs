//! The life of a connection.

use crate::world::*;
use longwire_egress::SocketBudget;
use longwire_fleet::{Fleet, InstallationView};
use longwire_installation::Platform;
use longwire_link::Timing;
use longwire_sim::{FragmentPlan, Push};
use std::time::Duration;

#[actix_rt::test]
async fn an_assembler_lives_while_there_is_something_to_join() {
    // Long enough for ten fragments on a slow machine; on one that is slower still the push is repeated.
    let world = World::with(60, 1, Duration::from_secs(1)).await;
    world.all_live().await;
    let control = world.sim.control();
    let assembler = || {
        let actors = world.fleet.actors();
        let mut cards = actors.into_iter();
        cards
            .find(|actor| actor.kind == "assembler")
            .expect("a bot has a card for it")
    };
    assert_eq!(assembler().state, "absent", "no push came split");
    for pushes in 1..=2 {
        let split = FragmentPlan::of_size(100);
        control.push(&app(0), Push::made_up(1_000).in_fragments(split));
        until("the split event is acknowledged", || {
            (control.ledger().acked == pushes).then_some(())
        })
        .await;
        assert!(assembler().handled >= 10 * pushes, "one per fragment");
        until("it is gone again", || {
            (assembler().state == "absent").then_some(())
        })
        .await;
    }
    assert_eq!(assembler().supervision.restarts, 0);
    assert!(world.fleet.overview().events.assembled >= 2);
    world.fleet.drain(Duration::from_secs(5)).await;
}

#[actix_rt::test]
async fn a_half_open_link_is_found_and_replaced() {
    let world = World::new(1).await;
    world.all_live().await;
    let control = world.sim.control();
    let before = world.bot(0).generation;
    control.fault(
        longwire_sim::Target::App(app(0)),
        longwire_sim::ConnectionFault::HalfOpen,
    );
    until("a newer connection is live", || {
        let bot = world.bot(0);
        (bot.generation > before && bot.state == "live").then_some(())
    })
    .await;
    assert_eq!(world.fleet.overview().connections.silent, 1);
    control.push(&app(0), Push::made_up(500));
    until("events flow again", || {
        (control.ledger().acked == 1).then_some(())
    })
    .await;
    world.fleet.drain(Duration::from_secs(5)).await;
}

/// While a host sleeps its connections die without a word; here the next ping by itself would come in minutes.
#[actix_rt::test]
async fn after_a_sleep_of_the_host_every_connection_is_asked() {
    let world = World::pinging_every(600, 3).await;
    world.all_live().await;
    until("all first pings are answered", || {
        let answered = |number| world.bot(number).lights.pong_round_trip_us.is_some();
        (0..3).all(answered).then_some(())
    })
    .await;
    let control = world.sim.control();
    let heard = |number: usize| world.bot(number).lights.last_heard_ms;
    let before: Vec<_> = (0..3).map(heard).collect();
    for bot in [0, 1] {
        let target = longwire_sim::Target::App(app(bot));
        assert_eq!(
            control.fault(target, longwire_sim::ConnectionFault::HalfOpen),
            1
        );
    }
    world
        .fleet
        .inject_sleep(Duration::from_secs(3_600))
        .expect("fault injection is on");
    for bot in [0, 1] {
        until("a dead one is replaced", || {
            let view = world.bot(bot);
            (view.generation == 2 && view.state == "live").then_some(())
        })
        .await;
    }
    until("the living one answered", || {
        (heard(2) > before[2]).then_some(())
    })
    .await;
    assert_eq!(world.bot(2).generation, 1, "it was asked, no more");
    assert_eq!(world.fleet.overview().connections.silent, 2);
    world.fleet.drain(Duration::from_secs(5)).await;
}

/// A connection of WeCom that ended is read until it brings nothing more. Until then its file is open, and its successor's
/// is another one.
#[actix_rt::test]
async fn an_ending_connection_and_its_successor_have_a_place_each() {
    for places in [1, 2] {
        let wecom = longwire_sim::wecom::Sim::start(longwire_sim::wecom::SimSettings::default())
            .expect("the simulator starts on loopback");
        let (_home, store) = fresh_store();
        store
            .add_installation(bot(Platform::Wecom, "bot", &wecom.base_url()))
            .expect("an installation is added");
        let timing = Timing {
            ping_interval: Duration::from_secs(1),
            ..quick()
        };
        let mut settings = settings_of(&store, timing);
        // One socket more is for calls.
        let sockets = SocketBudget::new(places + 1);
        settings.egress.sockets = sockets.clone();
        let fleet = Fleet::start(settings).await;
        let view = || fleet.installation("bot");
        until("it is live", || view().filter(|bot| bot.state == "live")).await;
        // It answers no ping and does not hear the goodbye.
        let target = longwire_sim::wecom::Target::Bot("bot".to_owned());
        let silent = longwire_sim::wecom::ConnectionFault::StopReading;
        assert_eq!(wecom.control().fault(target, silent), 1);
        let is_connected_anew = || view().filter(|bot| bot.generation > 1 && bot.state == "live");
        if places == 1 {
            let waits =
                |bot: &InstallationView| bot.reason.as_deref() == Some("too_many_open_files");
            until("the next one waits", || view().filter(waits)).await;
        } else {
            let both = || is_connected_anew().filter(|_| sockets.connections() == 2);
            until("both are counted", both).await;
        }
        let alone = || is_connected_anew().filter(|_| sockets.connections() == 1);
        until("the former one is gone", alone).await;
        fleet.drain(SOON).await;
    }
}
