//! The host's time of day jumps by years, forward and back, before, during and after events and their repeats. An
//! acknowledged event is recorded, and recorded once.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::mpsc::{Sender, channel};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use longwire_sim::{ConnectionFault, Control, Target, Traffic};
use longwire_store::{Cause, Group, GroupReply, NewEvent, Receipt, Source, Store, StoreSettings};
use longwire_tests::{Clock, Gateway, Setup, app_id, platform, until_answered, wait_more_acked};
use longwire_wire::envelope::Envelope;
use longwire_wire::identity::Identity;
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

/// What is acknowledged against what is recorded: each once.
#[track_caller]
fn compare(gateway: &Gateway, control: &Control) {
    let mut rows: BTreeMap<String, u32> = BTreeMap::new();
    for event in gateway.events() {
        let id = event.event_id.expect("it has one");
        *rows.entry(id.into()).or_default() += 1;
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
        control.fault(Target::App(app_id(BOT)), ConnectionFault::StopReading);
        for event in &new {
            control.push(&app_id(BOT), event.clone());
        }
        gateway.wait_overview("all of it is recorded", |now| {
            now["store"]["state"] == "ok" && gateway.events().len() as u32 == first + NEW
        });
        clock.shift_by(-off_by_s);
        control.fault(Target::App(app_id(BOT)), ConnectionFault::Recover);
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
        clock.shift_by(off_by_s);
        wait_more_acked(&control, 100);
        if round == 2 {
            gateway.kill();
            gateway.restart();
        }
    }
    control.stop_traffic();
    until_answered(&control);
    compare(&gateway, &control);
}

/// Events whose keys fill a run of the event index, and a few more.
const RUN_AND_MORE: u32 = 132_000;
const GROUP: u32 = 1_000;

struct Told(Sender<usize>);

impl GroupReply for Told {
    fn recorded(&self, receipts: Vec<Receipt>) {
        // Nobody listens when the story has failed.
        let _ = self.0.send(receipts.len());
    }

    fn not_recorded(&self, _: Vec<u32>, cause: Cause) {
        panic!("the store took nothing: {cause}");
    }
}

/// Records that many events as the gateway does, by a clock that is off by so much.
fn record(gateway: &Gateway, off_by_s: i64) {
    let settings = StoreSettings::at(gateway.database().display().to_string());
    let store = Store::open(&settings).expect("the gateway has ended");
    let bot = store
        .reader()
        .installation(BOT)
        .expect("readable")
        .expect("kept");
    let thread = store.run_writer(|_| ()).expect("a thread");
    let (tell, told) = channel();
    let reply: Arc<dyn GroupReply> = Arc::new(Told(tell));
    for first in (0..RUN_AND_MORE).step_by(GROUP as usize) {
        let events = (first..first + GROUP).map(|number| {
            let payload = event(number).into_bytes().into();
            let envelope = Envelope::parse(&payload).expect("an event");
            let claimed_ms = envelope.created_ms.expect("it says when it happened");
            NewEvent {
                ticket: number,
                identity: Identity::of(&envelope),
                event_id: Some(envelope.event_id),
                event_type: Some(envelope.event_type),
                chat: None,
                source: Source::LongConnection,
                received_ms: claimed_ms + off_by_s * 1_000,
                created_ms: Some(claimed_ms),
                trace_id: None,
                payload,
            }
        });
        let group = Group {
            installation: bot.id,
            platform: Some(bot.platform),
            events: events.collect(),
            reply: Arc::clone(&reply),
        };
        store.writer().submit(group).expect("nothing else waits");
        assert_eq!(told.recv().expect("an answer"), GROUP as usize);
    }
    store.stop_writer();
    thread.join().expect("it ends in order");
}

/// The keys of so many events lie on disk, and are looked for there only where they can be.
#[test]
fn what_was_recorded_under_a_wrong_clock_is_known_when_the_clock_is_right() {
    let sim = platform(|_| ());
    let control = sim.control();
    let clock = Clock::new();
    clock.shift_by(-DECADE_S);
    let mut gateway = Setup::new(&sim).bot(BOT).clock(&clock).start();
    gateway.wait_live(BOT);
    gateway.kill();
    record(&gateway, -DECADE_S);
    clock.shift_by(0);
    gateway.restart();
    gateway.wait_live(BOT);
    for (round, off_by_s) in (1..).zip([0, DECADE_S, -DECADE_S]) {
        clock.shift_by(off_by_s);
        // From the beginning, the middle and the end, which a run has, and from the newest, which are in memory.
        for number in (0..RUN_AND_MORE).step_by(GROUP as usize) {
            control.push(&app_id(BOT), event(number));
        }
        let repeats = round * (RUN_AND_MORE / GROUP);
        gateway.wait_overview("all of them are recognised", |now| {
            assert_eq!(now["events"]["recorded"], 0, "{now}");
            now["events"]["repeats_by_event_id"] == repeats
        });
        until_answered(&control);
    }
}
