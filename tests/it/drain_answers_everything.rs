//! At an orderly stop every event that was read is recorded and answered before the process ends.

use std::time::Duration;

use longwire_sim::{ClosedLoop, ConnectionFault, Push, RecordState, Sim, Target};
use longwire_tests::{
    Gateway, Setup, Signal, app_id, message, platform, wait_more_acked, wait_until,
};

const BOTS: [&str; 4] = ["a", "b", "c", "d"];

#[test]
fn sigterm_under_load_leaves_no_event_without_an_answer() {
    let sim = platform(|_| ());
    let control = sim.control();
    let setup = BOTS
        .iter()
        .fold(Setup::new(&sim), |setup, bot| setup.bot(bot));
    let mut gateway = setup.start();
    for bot in BOTS {
        gateway.wait_live(bot);
    }
    // More than fits the window, so that there is always something read, in the writer's hands, and unread.
    control.push_closed_loop(ClosedLoop {
        window: 100,
        payload_bytes: 2_048,
        ..ClosedLoop::default()
    });
    wait_more_acked(&control, 500);
    gateway.signal(Signal::Term);
    let status = gateway.wait_end();
    assert_eq!(status.code(), Some(0), "{status}");
    control.stop_traffic();
    // The platform has read to the end of every connection once it knows that they ended.
    wait_until("the platform knows", || {
        let left = control.connections(None).len();
        if left == 0 {
            Ok(())
        } else {
            Err(format!("{left} connections"))
        }
    });
    let records = control.records(None);
    let unanswered: Vec<_> = gateway
        .events()
        .into_iter()
        .filter_map(|event| event.event_id)
        .filter(|id| {
            let record = records.iter().find(|record| **id == record.event_id);
            record.is_none_or(|record| record.state != RecordState::Acked)
        })
        .collect();
    assert!(
        unanswered.is_empty(),
        "{} events were read and recorded, and the platform has no answer: {unanswered:?}",
        unanswered.len()
    );
    let ledger = control.ledger();
    assert_eq!(
        ledger.closed_by_client,
        BOTS.len() as u64,
        "with a goodbye: {ledger:?}"
    );
    assert_eq!(
        (ledger.bad_acks.total(), ledger.protocol_errors),
        (0, 0),
        "{ledger:?}"
    );
}

#[test]
fn a_bot_that_is_stopped_answers_what_it_read() {
    let sim = platform(|_| ());
    let control = sim.control();
    let gateway = Setup::new(&sim).bot("a").bot("b").start();
    gateway.wait_live("a");
    gateway.wait_live("b");
    control.push_closed_loop(ClosedLoop {
        window: 30,
        apps: vec![app_id("a")],
        ..ClosedLoop::default()
    });
    wait_more_acked(&control, 100);
    gateway.tell("a", "stop");
    let stopped = gateway.wait_installation("a", "stopped", |view| view["state"] == "stopped");
    assert_eq!(stopped["desired"], "stop", "{stopped}");
    wait_until("its connection is gone", || {
        let left = control.connections(Some(&app_id("a"))).len();
        if left == 0 {
            Ok(())
        } else {
            Err(format!("{left} connections"))
        }
    });
    control.stop_traffic();
    let other = gateway.wait_live("b");
    assert_eq!(
        other["generation"], 1,
        "the other one did not notice: {other}"
    );
    // What the platform still holds arrives when the bot is started again.
    gateway.tell("a", "start");
    wait_until("nothing is left without an answer", || {
        let ledger = control.ledger();
        if ledger.waiting_for_connection == 0 && gateway.installation("a")["state"] == "live" {
            Ok(())
        } else {
            Err(format!("{ledger:?}"))
        }
    });
}

/// A gateway whose one bot has answers that its platform does not take, so that a drain has to wait.
fn clogged(sim: &Sim) -> Gateway {
    clogged_with(sim, "10m")
}

/// The same, where a drain lasts so long at most.
fn clogged_with(sim: &Sim, drain: &str) -> Gateway {
    let control = sim.control();
    let gateway = Setup::new(sim)
        .bot("a")
        .set("server.drain", drain)
        .set("timing.write", "10m")
        .set("timing.pong_grace", "10m")
        .start();
    let view = gateway.wait_live("a");
    control.fault(Target::App(app_id("a")), ConnectionFault::StopReading);
    // Each answer echoes this header: soon the kernels of both sides hold all they can.
    let long = "t".repeat(64 * 1024);
    for number in 0..400 {
        let event = message(&format!("evt-{number}"), &format!("om-{number}"));
        let push = Push::of(event).with_header("trace_id", Some(&long));
        control.push(&app_id("a"), push);
    }
    let actor = format!(
        "/fleet/bots/{}/socket",
        view["id"].as_str().expect("an installation has an id")
    );
    wait_until("answers pile up in the gateway", || {
        let words = gateway.inspect(&actor);
        if words["unsent_bytes"].as_u64() > Some(0) && words["reading"] == false {
            Ok(())
        } else {
            Err(words.to_string())
        }
    });
    gateway
}

/// Asks it to stop, and waits until it is about to.
#[track_caller]
fn begin_to_drain(gateway: &mut Gateway) {
    gateway.signal(Signal::Term);
    wait_until("it drains", || {
        gateway
            .log()
            .entry("drain")
            .ok_or_else(|| gateway.log().tail())
    });
}

/// An operator need not wait for the platform.
#[test]
fn a_second_signal_leaves_at_once() {
    let sim = platform(|_| ());
    let mut gateway = clogged(&sim);
    begin_to_drain(&mut gateway);
    gateway.signal(Signal::Interrupt);
    let status = gateway.wait_end();
    assert_eq!(status.code(), Some(130), "{status}");
}

/// A pause in reading that begins before the drain and outlasts it must not stand in the answers' way.
#[test]
fn a_drain_waits_for_a_platform_that_takes_its_time() {
    let sim = platform(|settings| settings.ack_deadline = Duration::from_secs(2));
    let control = sim.control();
    let mut gateway = clogged(&sim);
    gateway.signal(Signal::Term);
    // The story's clock: by now the pause is an old one.
    wait_until("the platform's patience is over", || {
        let ledger = control.ledger();
        if ledger.timed_out > 0 {
            Ok(())
        } else {
            Err(format!("{ledger:?}"))
        }
    });
    control.fault(Target::All, ConnectionFault::Recover);
    let status = gateway.wait_end();
    assert_eq!(status.code(), Some(0), "{status}");
    let ledger = control.ledger();
    assert_eq!(ledger.closed_by_client, 1, "{ledger:?}");
    // In time or late, the platform has heard of every event that is on disk.
    assert_eq!(
        ledger.acked + ledger.late_acks,
        gateway.events().len() as u64,
        "{ledger:?}"
    );
}

/// A connection that was let go of before the drain still owes its answers.
#[test]
fn a_drain_waits_for_connections_that_were_stopped_before() {
    let sim = platform(|settings| settings.ack_deadline = Duration::from_secs(60));
    let control = sim.control();
    let mut gateway = clogged(&sim);
    gateway.tell("a", "stop");
    begin_to_drain(&mut gateway);
    control.fault(Target::All, ConnectionFault::Recover);
    let status = gateway.wait_end();
    assert_eq!(status.code(), Some(0), "{status}");
    let ledger = control.ledger();
    assert_eq!(ledger.closed_by_client, 1, "with a goodbye: {ledger:?}");
    assert_eq!(ledger.acked, gateway.events().len() as u64, "{ledger:?}");
}

/// Waits for the end, and asserts that the bot's connection had ended before.
#[track_caller]
fn ends_with_its_bot_closed(gateway: &mut Gateway) {
    let status = gateway.wait_end();
    assert_eq!(status.code(), Some(0), "{status}");
    let end = gateway.log().entry("stopped").expect("its last words");
    assert_eq!(
        (&end["closed"], &end["abandoned"]),
        (&1.into(), &0.into()),
        "{end}"
    );
}

/// Nobody is left who could be answered, and a drain waits for nobody.
#[test]
fn a_drain_is_over_when_the_platform_resets() {
    let sim = platform(|settings| settings.ack_deadline = Duration::from_secs(60));
    let control = sim.control();
    let mut gateway = clogged(&sim);
    begin_to_drain(&mut gateway);
    assert_eq!(
        control.fault(Target::App(app_id("a")), ConnectionFault::Drop),
        1
    );
    ends_with_its_bot_closed(&mut gateway);
}

/// A connection whose time is up ends, whatever it owes.
#[test]
fn a_drain_at_its_limit_ends_a_connection_whose_platform_takes_nothing() {
    let sim = platform(|settings| settings.ack_deadline = Duration::from_secs(60));
    let mut gateway = clogged_with(&sim, "1s");
    gateway.signal(Signal::Term);
    ends_with_its_bot_closed(&mut gateway);
}
