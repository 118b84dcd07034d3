//! The way of an event.

use crate::world::*;
use longwire_installation::Platform;
use longwire_sim::Push;
use std::time::Duration;

#[actix_rt::test]
async fn an_event_is_recorded_and_then_acknowledged() {
    let world = World::new(1).await;
    world.all_live().await;
    let control = world.sim.control();
    for _ in 0..10 {
        control.push(&app(0), Push::made_up(500));
    }
    control.push(&app(0), Push::made_up(200_000));
    until("eleven events are acknowledged", || {
        (control.ledger().acked == 11).then_some(())
    })
    .await;
    let overview = world.fleet.overview();
    assert_eq!(
        (
            overview.events.received,
            overview.events.recorded,
            overview.events.assembled
        ),
        (11, 11, 1)
    );
    assert_eq!(world.store.reader().count_events().expect("readable"), 11);
    assert_eq!(world.bot(0).lights.acked, 11);
    assert!(!world.bot(0).lights.never_heard_an_event);
    let drained = world.fleet.drain(Duration::from_secs(5)).await;
    assert_eq!(
        (drained.closed, drained.abandoned, drained.unanswered),
        (1, 0, 0)
    );
}

/// Small questions with larger answers: a socket stops decoding while its answers pile up. Once they are written it has
/// to go on by itself; here no ping comes to wake it.
#[actix_rt::test]
async fn a_socket_that_answered_a_flood_reads_on() {
    let world = World::pinging_every(600, 1).await;
    world.all_live().await;
    let control = world.sim.control();
    let empty_ping = [0x89, 0x00];
    control.fault(
        longwire_sim::Target::App(app(0)),
        longwire_sim::ConnectionFault::Raw(empty_ping.repeat(150_000).into()),
    );
    control.push(&app(0), Push::made_up(500));
    until("the event behind the flood is acknowledged", || {
        (control.ledger().acked == 1).then_some(())
    })
    .await;
    world.fleet.drain(Duration::from_secs(5)).await;
}

/// What a connection has brought when its time is up, and what nobody can read any more, is told of its own bot, however
/// many of them there are.
#[actix_rt::test]
async fn what_is_left_unread_at_an_end_is_counted_for_its_bot() {
    // Much more than the windows, the kernels' buffers and a last turn of reads.
    const EACH: usize = 16_000;
    let world = World::new(0).await;
    let wecom = longwire_sim::wecom::Sim::start(longwire_sim::wecom::SimSettings::default())
        .expect("the simulator starts on loopback");
    let bots = ["one", "two", "idle"];
    for bot in bots {
        world.add(Platform::Wecom, bot, &wecom.base_url());
    }
    world.fleet.reload();
    until("all are live", || {
        bots.iter()
            .all(|bot| is(&world, bot, "live").is_some())
            .then_some(())
    })
    .await;
    std::fs::remove_file(world.home.path().join("log.db")).expect("the database is there");
    let lights = |bot| world.fleet.installation(bot).expect("it was added").lights;
    for bot in &bots[..2] {
        let push = longwire_sim::wecom::Push::text(&"x".repeat(1_024));
        wecom.control().push_burst(bot, vec![push; EACH]);
        until("it reads no more", || {
            (lights(bot).unanswered >= 128).then_some(())
        })
        .await;
        // It hears no goodbye, so it goes on writing.
        let target = longwire_sim::wecom::Target::Bot((*bot).to_owned());
        let fault = longwire_sim::wecom::ConnectionFault::StopReading;
        assert_eq!(wecom.control().fault(target, fault), 1);
    }
    world.fleet.drain(Duration::from_millis(100)).await;
    until("both have said what they leave", || {
        (world.fleet.overview().connections.left_unread == 2).then_some(())
    })
    .await;
    let left = bots.map(|bot| lights(bot).left_unread);
    assert_eq!(left, [1, 1, 0]);
    let overview = world.fleet.overview();
    assert_eq!(
        overview.malformed.get("message_cut_off"),
        None,
        "{overview:?}"
    );
    // Of what was read, nothing is missing in the count.
    until("all that was read is told", || {
        let told = |bot| lights(bot).unrecorded == lights(bot).events && lights(bot).events > 128;
        (told("one") && told("two")).then_some(())
    })
    .await;
}
