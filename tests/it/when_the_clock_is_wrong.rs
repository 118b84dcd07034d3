//! The host's time of day jumps by years, either way, before, while and after events and their repeats: what is
//! acknowledged is recorded, and recorded once.

use std::collections::BTreeMap;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use longwire_sim::{Control, Fault, Target, Traffic};
use longwire_tests::{Clock, Gateway, Setup, app_id, platform, wait_until};
use serde_json::json;

const BOT: &str = "a";
const DECADE_S: i64 = 10 * 365 * 24 * 60 * 60;
/// New events after each jump.
const NEW: u32 = 10;

/// An event that is known by its id alone, and happens now by the platform's clock, which is right.
fn event(number: u32) -> String {
    let now = SystemTime::now().duration_since(UNIX_EPOCH);
    let now_ms = now.expect("the platform's clock is right").as_millis();
    json!({
        "schema": "2.0",
        "header": {
            "event_id": format!("evt-{number}"),
            "event_type": "im.chat.updated_v1",
            "create_time": now_ms.to_string(),
            "token": "",
            "app_id": "cli_0000000000000000",
            "tenant_key": "2ed263bf32cf1651",
        },
        "event": { "chat_id": "oc_5ce6d572455d361153b7cb51da133945" },
    })
    .to_string()
}

/// Waits until the platform has an answer to everything it sent.
#[track_caller]
fn until_answered(control: &Control) {
    wait_until("everything is acknowledged", || {
        let ledger = control.ledger();
        if ledger.pending == 0 {
            Ok(())
        } else {
            Err(format!("{ledger:?}"))
        }
    });
}

/// What is acknowledged against what is recorded: each once.
#[track_caller]
fn compare(gateway: &Gateway, control: &Control) {
    let mut rows: BTreeMap<String, u32> = BTreeMap::new();
    for event in gateway.events() {
        *rows.entry(event.event_id.expect("it has one")).or_default() += 1;
    }
    let acked: BTreeMap<String, u32> = control
        .acked_event_ids()
        .into_iter()
        .map(|id| (id, 1))
        .collect();
    assert_eq!(rows, acked);
    let ledger = control.ledger();
    assert_eq!((ledger.lost, ledger.bad_acks.total()), (0, 0), "{ledger:?}");
}

#[test]
fn a_clock_that_jumps_by_years_loses_nothing_and_doubles_nothing() {
    let sim = platform(|settings| {
        settings.ack_deadline = Duration::from_secs(2);
        settings.ladder = vec![Duration::from_millis(50); 100];
    });
    let control = sim.control();
    let clock = Clock::new();
    let mut gateway = Setup::new(&sim).bot(BOT).clock(&clock).start();
    let mut all: Vec<String> = Vec::new();
    let jumps = [0, DECADE_S, 0, -DECADE_S, DECADE_S, -DECADE_S, 0];
    for (round, &off_by_s) in jumps.iter().enumerate() {
        clock.shift_by(off_by_s);
        gateway.wait_live(BOT);
        // The platform sends again what it sent under every clock before, and something new.
        for event in &all {
            control.push(&app_id(BOT), event.clone());
        }
        let first = NEW * u32::try_from(round).expect("a few rounds");
        let new: Vec<String> = (first..first + NEW).map(event).collect();
        // Of some of it, it sees no answer before the clock jumps once more.
        control.fault(Target::App(app_id(BOT)), Fault::StopReading);
        for event in &new {
            control.push(&app_id(BOT), event.clone());
        }
        gateway.wait_overview("all of it is recorded", |now| {
            now["store"]["state"] == "ok" && gateway.events().len() as u32 == first + NEW
        });
        clock.shift_by(-off_by_s);
        control.fault(Target::App(app_id(BOT)), Fault::Recover);
        until_answered(&control);
        all.extend(new);
        compare(&gateway, &control);
        if round % 2 == 1 {
            gateway.kill();
            gateway.restart();
        }
    }
    let years_off = |event: &longwire_store::EventRecord| {
        let claimed_ms = event.created_ms.expect("the platform says when");
        (event.received_ms - claimed_ms) as f64 / (DECADE_S as f64 * 100.0)
    };
    let off: Vec<i64> = gateway
        .events()
        .iter()
        .map(|event| years_off(event).round() as i64)
        .collect();
    assert!(
        off.contains(&10) && off.contains(&-10),
        "the clock was wrong: {off:?}"
    );
}

#[test]
fn a_clock_that_jumps_while_events_pour_in_loses_nothing_and_doubles_nothing() {
    let sim = platform(|settings| {
        settings.ack_deadline = Duration::from_secs(2);
        settings.ladder = vec![Duration::from_millis(50); 100];
    });
    let control = sim.control();
    let clock = Clock::new();
    clock.shift_by(-DECADE_S);
    let mut gateway = Setup::new(&sim).bot(BOT).clock(&clock).start();
    gateway.wait_live(BOT);
    control.push_at_rate(Traffic {
        per_second: 200.0,
        ..Traffic::default()
    });
    for (round, off_by_s) in [DECADE_S, 0, -DECADE_S, 0, DECADE_S, 0]
        .into_iter()
        .enumerate()
    {
        let wanted = control.ledger().acked + 100;
        clock.shift_by(off_by_s);
        wait_until("events are acknowledged", || {
            let ledger = control.ledger();
            if ledger.acked >= wanted {
                Ok(())
            } else {
                Err(format!("{ledger:?}"))
            }
        });
        if round == 2 {
            gateway.kill();
            gateway.restart();
        }
    }
    control.stop_traffic();
    until_answered(&control);
    compare(&gateway, &control);
}
