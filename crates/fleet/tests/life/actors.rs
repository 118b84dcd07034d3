//! What a failing actor costs, and what actors say of themselves.

use crate::world::*;
use longwire_fleet::{ConnectionActor, Fault, FleetActor, FleetFailure};
use longwire_sim::{Push, Traffic};
use std::time::Duration;

#[actix_rt::test]
async fn any_actor_that_fails_is_built_anew_and_its_neighbours_do_not_notice() {
    let world = World::new(4).await;
    world.all_live().await;
    let control = world.sim.control();
    control.push_at_rate(Traffic {
        per_second: 400.0,
        payload_bytes: 300,
        ..Traffic::default()
    });
    let before: Vec<u64> = (0..4).map(|number| world.bot(number).generation).collect();
    for (round, kind) in [
        FleetActor::Connection(ConnectionActor::Socket),
        FleetActor::Connection(ConnectionActor::Pinger),
        FleetActor::Connection(ConnectionActor::Assembler),
        FleetActor::Installation,
    ]
    .into_iter()
    .enumerate()
    {
        world.all_live().await;
        world
            .fleet
            .inject("bot-0", kind, Fault::Panic)
            .expect("fault injection is on");
        let text = until("the panic shows on the card", || {
            let actors = world.fleet.actors();
            let card = actors.iter().find(|actor| {
                actor.kind == kind.label() && actor.path.contains(&world.bot(0).id)
            })?;
            (card.supervision.restarts == 1).then(|| {
                card.supervision
                    .last_exit
                    .clone()
                    .expect("kept with the count")
            })
        })
        .await;
        assert_eq!(text.reason, "panic");
        assert!(text.detail.contains("injected"), "{text:?}");
        until("the panic is counted", || {
            (world.fleet.overview().connections.panics == round as u64 + 1).then_some(())
        })
        .await;
        until("it is built anew", || {
            let actors = world.fleet.actors();
            let card = actors.iter().find(|actor| {
                actor.kind == kind.label() && actor.path.contains(&world.bot(0).id)
            })?;
            (card.state != "rebuilding" && card.state != "absent").then_some(())
        })
        .await;
    }
    world.all_live().await;
    control.stop_traffic();
    until("nothing is pending", || {
        let ledger = control.ledger();
        (ledger.pending == 0 && ledger.pushed > 0).then_some(())
    })
    .await;
    let after: Vec<u64> = (0..4).map(|number| world.bot(number).generation).collect();
    assert_eq!(before[1..], after[1..], "neighbours keep their connections");
    for number in 1..4 {
        assert_eq!(world.bot(number).lights.refused, 0);
    }
    let ledger = control.ledger();
    assert_eq!(ledger.lost, 0);
    assert_eq!(
        world.store.reader().count_events().expect("readable"),
        ledger.acked
    );
    world.fleet.drain(Duration::from_secs(5)).await;
}

#[actix_rt::test]
async fn a_failing_dispatch_loses_no_receipt() {
    let world = World::new(1).await;
    world.all_live().await;
    let control = world.sim.control();
    world
        .fleet
        .inject("bot-0", FleetActor::Dispatch, Fault::Panic)
        .expect("fault injection is on");
    until("dispatch is built anew", || {
        let actors = world.fleet.actors();
        let card = actors.iter().find(|actor| actor.kind == "dispatch")?;
        (card.supervision.restarts == 1 && card.state == "ready").then_some(())
    })
    .await;
    control.push(&app(0), Push::made_up(500));
    until("the event is acknowledged", || {
        (control.ledger().acked == 1).then_some(())
    })
    .await;
    world.fleet.drain(Duration::from_secs(5)).await;
}

#[actix_rt::test]
async fn without_a_supervisor_all_is_finished_and_a_new_process_is_asked_for() {
    for fault in [Fault::Panic, Fault::Stop] {
        let world = World::new(4).await;
        world.all_live().await;
        assert_eq!(world.fleet.failure(), None);
        let control = world.sim.control();
        control.push_at_rate(Traffic {
            per_second: 400.0,
            payload_bytes: 300,
            ..Traffic::default()
        });
        until("traffic flows", || {
            (control.ledger().acked > 50).then_some(())
        })
        .await;
        world
            .fleet
            .inject("bot-0", FleetActor::Supervisor, fault)
            .expect("fault injection is on");
        let failed = tokio::time::timeout(SOON, world.fleet.failed()).await;
        let how = match fault {
            Fault::Panic => "injected into the supervisor",
            Fault::Stop => "it stopped without being told to",
        };
        assert_eq!(
            failed,
            Ok(FleetFailure::Supervisor {
                how: how.to_owned()
            })
        );
        let bot = world.bot(0);
        assert_eq!(bot.state, "restarting");
        assert_eq!(bot.reason.as_deref(), Some("supervisor_ended"));
        let text = format!("the supervisor ended, and its installations with it: {how}");
        assert_eq!(bot.reason_text, Some(text));
        assert_eq!(bot.until_ms, None, "nothing is tried again");
        let next_step = bot.next_step.unwrap_or_default();
        assert!(next_step.contains("started again"), "{next_step}");
        // Each connection ends in order by itself; who drains then need not wait for long.
        let drained = tokio::time::timeout(SOON, world.fleet.drain(LATE)).await;
        let drained = drained.expect("nothing holds it up");
        assert_eq!((drained.abandoned, drained.unanswered), (0, 0));
        until("every connection ended", || {
            control.connections(None).is_empty().then_some(())
        })
        .await;
        control.stop_traffic();
        let ledger = control.ledger();
        let recorded = world.store.reader().count_events().expect("readable");
        assert!(
            ledger.acked >= 50 && recorded >= ledger.acked,
            "{recorded} recorded: {ledger:?}"
        );
    }
}

#[actix_rt::test]
async fn a_thread_that_ends_is_told_and_holds_up_no_drain() {
    let world = World::new(4).await;
    world.all_live().await;
    world
        .fleet
        .end_arbiter("bot-0")
        .expect("fault injection is on");
    let failed = tokio::time::timeout(SOON, world.fleet.failed()).await;
    assert_eq!(failed, Ok(FleetFailure::Arbiter { number: 1 }));
    until("those who lived there are shown as gone", || {
        let by_state = world.fleet.overview().by_state;
        (by_state.get("restarting") == Some(&2) && by_state.get("live") == Some(&2)).then_some(())
    })
    .await;
    let drained = tokio::time::timeout(SOON, world.fleet.drain(LATE)).await;
    let drained = drained.expect("nobody waits for the dead");
    let gone = world.bot(0);
    assert_eq!(gone.reason.as_deref(), Some("arbiter_ended"));
    let text = gone.reason_text.unwrap_or_default();
    assert_eq!(text, "the thread that carried it ended");
    assert_eq!(gone.until_ms, None, "nothing is tried again");
    let next_step = gone.next_step.unwrap_or_default();
    assert!(next_step.contains("started again"), "{next_step}");
    assert_eq!((drained.closed, drained.abandoned), (4, 0));
}

#[actix_rt::test]
async fn every_actor_speaks_for_itself() {
    let world = World::new(1).await;
    world.all_live().await;
    for actor in world.fleet.actors() {
        let inspection = world.fleet.inspect(&actor.path).await;
        let as_shown = match actor.state {
            "absent" => matches!(inspection, longwire_fleet::Inspection::Absent),
            _ => matches!(inspection, longwire_fleet::Inspection::Answered { .. }),
        };
        assert!(as_shown, "{}: {inspection:?}", actor.path);
    }
    assert!(matches!(
        world.fleet.inspect("/fleet/bots/nobody").await,
        longwire_fleet::Inspection::Absent
    ));
    world.fleet.drain(Duration::from_secs(5)).await;
}
