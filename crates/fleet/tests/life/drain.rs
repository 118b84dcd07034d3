//! What a drain waits for.

use crate::world::*;
use longwire_fleet::{ConnectionActor, Fault, FleetActor};
use longwire_installation::{Desired, Platform};
use longwire_sim::Behaviour;
use std::time::Duration;

/// A bot that is not connected has nothing in hand and keeps no drain waiting, whatever it does instead; and the report
/// names every installation once.
#[actix_rt::test]
async fn a_drain_waits_for_no_bot_that_has_nothing_in_hand() {
    let world = World::new(7).await;
    world.all_live().await;
    let control = world.sim.control();
    for (bot, behaviour) in [
        (2, Behaviour::BootstrapHang),
        (3, Behaviour::UpgradeHang),
        (4, Behaviour::BootstrapReset),
    ] {
        control.behaviour(Some(&app(bot)), behaviour.times(1_000));
        let target = longwire_sim::Target::App(app(bot));
        assert_eq!(
            control.fault(target, longwire_sim::ConnectionFault::Drop),
            1
        );
    }
    let wecom = longwire_sim::wecom::Sim::start(longwire_sim::wecom::SimSettings::default())
        .expect("the simulator starts on loopback");
    let silent = longwire_sim::wecom::Behaviour::answer(
        longwire_sim::wecom::CommandKind::Subscribe,
        longwire_sim::wecom::ScriptedAnswer::Ignore,
    );
    wecom
        .control()
        .behaviour(Some("subscribing"), silent.times(1_000));
    for bot in ["subscribing", "displaced"] {
        world.add(Platform::Wecom, bot, &wecom.base_url());
    }
    world.add(Platform::Wecom, "refused", "ftp://no-such-scheme.invalid");
    world.fleet.reload();
    until("WeCom's bot is live", || is(&world, "displaced", "live")).await;
    let displaced = longwire_sim::wecom::Target::Bot("displaced".to_owned());
    wecom
        .control()
        .fault(displaced, longwire_sim::wecom::ConnectionFault::Displace);

    // Its sockets fail until their budget is spent.
    until("bot-1 is left alone", || {
        if is(&world, "bot-1", "live").is_some() {
            let inject = world.fleet.inject(
                "bot-1",
                FleetActor::Connection(ConnectionActor::Socket),
                Fault::Panic,
            );
            inject.expect("fault injection is on");
        }
        is(&world, "bot-1", "restarting")
    })
    .await;
    let left_alone = world.bot(1);
    assert_eq!(left_alone.reason.as_deref(), Some("rebuild_budget_spent"));
    let text = left_alone.reason_text.unwrap_or_default();
    assert!(
        text.ends_with("the last time: injected into a socket"),
        "{text}"
    );
    assert!(left_alone.until_ms.is_some(), "it is tried again");
    let stopped = world
        .store
        .reader()
        .installation("bot-5")
        .expect("readable");
    let stopped = stopped.expect("it was added").id;
    world
        .store
        .set_desired(stopped, Desired::Stop)
        .expect("it is there");
    world.fleet.reload();
    for (bot, state) in [
        ("bot-0", "live"),
        ("bot-2", "bootstrapping"),
        ("bot-3", "dialing"),
        ("bot-4", "backing_off"),
        ("bot-5", "stopped"),
        ("refused", "refused"),
        ("displaced", "displaced"),
        ("subscribing", "dialing"),
    ] {
        until(&format!("{bot} is {state}"), || is(&world, bot, state)).await;
    }
    // Last, because it is built anew after a quarter of a second.
    let inject = world
        .fleet
        .inject("bot-6", FleetActor::Installation, Fault::Panic);
    inject.expect("fault injection is on");
    until("it failed", || {
        (world.bot(6).reason.as_deref() == Some("panicked")).then_some(())
    })
    .await;

    let drained = world.fleet.drain(Duration::from_secs(30)).await;
    assert_eq!(
        (drained.closed, drained.abandoned, drained.unanswered),
        (10, 0, 0),
        "{drained:?}"
    );
}

/// Who waits for a permit has nothing in hand either.
#[actix_rt::test]
async fn a_drain_waits_for_nobody_who_waits_for_a_turn() {
    let world = World::connecting(20, 1).await;
    until("all of them wait or connect", || {
        (world.fleet.overview().installations == 20).then_some(())
    })
    .await;
    let drained = world.fleet.drain(Duration::from_secs(30)).await;
    assert_eq!((drained.closed, drained.abandoned), (20, 0), "{drained:?}");
}

/// What a drain could not wait for is told, and told apart from what closed in order: here a message that WeCom does not
/// repeat and that the store does not take.
#[actix_rt::test]
async fn a_drain_that_ends_at_its_limit_counts_every_installation_once() {
    let world = World::new(2).await;
    let wecom = longwire_sim::wecom::Sim::start(longwire_sim::wecom::SimSettings::default())
        .expect("the simulator starts on loopback");
    world.add(Platform::Wecom, "keeping", &wecom.base_url());
    world.fleet.reload();
    world.all_live().await;
    until("WeCom's bot is live", || is(&world, "keeping", "live")).await;
    std::fs::remove_file(world.home.path().join("log.db")).expect("the database is there");
    let message = longwire_sim::wecom::Push::text("nobody else has it");
    wecom.control().push("keeping", message);
    let unanswered = || {
        let bot = world.fleet.installation("keeping")?;
        (bot.lights.unanswered > 0).then_some(())
    };
    until("the store refuses it", || {
        unanswered().filter(|()| world.fleet.overview().store.state == "degraded")
    })
    .await;
    let target = longwire_sim::wecom::Target::Bot("keeping".to_owned());
    let dropped = wecom
        .control()
        .fault(target, longwire_sim::wecom::ConnectionFault::Drop);
    assert_eq!(dropped, 1);
    until("its next connection is live", || {
        let bot = world.fleet.installation("keeping")?;
        (bot.generation > 1 && bot.state == "live").then_some(())
    })
    .await;
    let drained = world.fleet.drain(Duration::from_millis(100)).await;
    assert_eq!(
        (drained.closed, drained.abandoned, drained.unanswered),
        (2, 1, 1),
        "{drained:?}"
    );
    // What goes with the process is told once, though the connection offers it again before that.
    until("the connection has given it up", || {
        let bot = world.fleet.installation("keeping")?;
        (bot.lights.unanswered == 0).then_some(())
    })
    .await;
    let bot = world.fleet.installation("keeping").expect("it was added");
    assert_eq!(
        (
            bot.lights.unrecorded,
            world.fleet.overview().answers.unrecorded
        ),
        (1, 1)
    );
}
