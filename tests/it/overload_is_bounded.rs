//! Events beyond what can be recorded or finished are refused and counted, memory stays bounded, and nothing of the
//! overload remains after it.

use std::collections::HashSet;
use std::time::Duration;

use longwire_sim::{
    ConnectionFault, Control, FragmentPlan, Ledger, Push, RecordState, Target, Traffic,
};
use longwire_tests::{
    Gateway, Setup, app_id, message, platform, wait_acked, wait_more_acked, wait_until,
};

/// What the gateway's memory may grow by, whatever is done to it.
const GROWTH_KIB: u64 = 64 * 1024;

/// Starts a gateway with so many bots, `bot-0` and so on, and waits until all are live.
fn fleet(setup: Setup, bots: usize) -> Gateway {
    let gateway = (0..bots).fold(setup, |setup, number| setup.bot(&bot(number)));
    let gateway = gateway.start();
    gateway.wait_overview("all are live", |now| now["by_state"]["live"] == bots);
    gateway
}

fn bot(number: usize) -> String {
    format!("bot-{number}")
}

/// Nobody lost the first connection.
fn nobody_reconnected(gateway: &Gateway) {
    for view in gateway.installations() {
        assert_eq!(
            (&view["state"], &view["generation"]),
            (&"live".into(), &1.into()),
            "{view}"
        );
    }
    assert_eq!(gateway.overview()["connections"]["panics"], 0);
}

/// Pushes one event to a bot and waits until it is ACKed.
fn an_event_flows(control: &Control, bot: &str, id: &str) {
    let push = control.push(&app_id(bot), message(id, &format!("om-{id}")));
    wait_acked(control, push);
}

/// Waits until everything pushed has its verdict. Each wait is for one verdict more, so that a slow host has the time it
/// needs.
fn settle(control: &Control) -> Ledger {
    loop {
        let before = control.ledger();
        if before.pending == 0 {
            return before;
        }
        wait_until("what was refused comes again", || {
            let now = control.ledger();
            if now.pending < before.pending {
                Ok(())
            } else {
                Err(format!("{now:?}"))
            }
        });
    }
}

/// The platform's waiting times: each is twice the last one, up to eight seconds. A host that is too slow for what
/// piled up in a stall would be kept too slow by repeats every second.
fn doubling() -> Vec<Duration> {
    (0..100)
        .map(|attempt| Duration::from_secs(1 << attempt.min(3)))
        .collect()
}

#[test]
fn a_store_that_stalls_has_events_refused_early_and_loses_none() {
    const BOTS: usize = 10;
    /// More than the queues hold within the seconds of a stall, and no more than a slow host records.
    const PER_SECOND: f64 = if cfg!(debug_assertions) {
        600.0
    } else {
        1_500.0
    };
    let sim = platform(|settings| settings.ladder = doubling());
    let control = sim.control();
    let gateway = fleet(Setup::new(&sim), BOTS);
    control.push_at_rate(Traffic {
        per_second: PER_SECOND,
        payload_bytes: 1_024,
        ..Traffic::default()
    });
    wait_more_acked(&control, 1);
    let peak = gateway.memory_kib("VmHWM");

    let lock = gateway.lock_store();
    let stalled = gateway.wait_overview("what finds no room is refused unseen", |now| {
        now["answers"]["shed"].as_u64() > Some(500) && now["overloaded"] == BOTS
    });
    assert!(control.ledger().nacked > 0, "{stalled}");
    let one = gateway.installation(&bot(0));
    assert_eq!(one["lights"]["overloaded"], true, "{one}");
    assert!(one["lights"]["shed"].as_u64() > Some(0), "{one}");
    let ready = gateway.public().get("/readyz").expect("it answers");
    assert_eq!(ready.json()["overloaded"], BOTS, "{}", ready.body);
    let metrics = gateway.public().get("/metrics").expect("it answers").body;
    assert!(
        metrics.contains("answers_total{outcome=\"shed\"}"),
        "{metrics}"
    );

    drop(lock);
    wait_more_acked(&control, 1);
    control.stop_traffic();
    let ledger = settle(&control);
    assert_eq!((ledger.lost, ledger.bad_acks.total()), (0, 0), "{ledger:?}");
    let ids: Vec<_> = gateway
        .events()
        .into_iter()
        .filter_map(|event| event.event_id)
        .collect();
    let distinct: HashSet<_> = ids.iter().collect();
    assert_eq!(
        (ids.len() as u64, distinct.len() as u64),
        (ledger.pushed, ledger.pushed),
        "each is there, and once"
    );
    let grown = gateway.memory_kib("VmHWM").saturating_sub(peak);
    assert!(grown < GROWTH_KIB, "{grown} KiB more at the peak");
    nobody_reconnected(&gateway);
}

/// Each connection keeps to limits of its own; together they would take some hundred MiB.
#[test]
fn unfinished_pushes_of_many_bots_share_one_bound() {
    const HOSTILE: usize = 20;
    const PUSHES: usize = 250;
    const PART_BYTES: usize = 30_000;
    let sim = platform(|settings| settings.ladder = Vec::new());
    let control = sim.control();
    let gateway = fleet(Setup::new(&sim), HOSTILE + 1);
    let bystander = bot(HOSTILE);
    an_event_flows(&control, &bystander, "before");
    let peak = gateway.memory_kib("VmHWM");
    for number in 0..HOSTILE {
        let incomplete = Push::made_up(2 * PART_BYTES).in_fragments(FragmentPlan {
            drop: vec![1],
            every_attempt: true,
            ..FragmentPlan::of_size(PART_BYTES)
        });
        control.push_interleaved(&app_id(&bot(number)), vec![incomplete; PUSHES]);
    }
    let refused = gateway.wait_overview("what has no room is counted", |now| {
        let count = |kind: &str| now["malformed"][kind].as_u64().unwrap_or(0);
        // 150 MB came, of which 24 MiB are kept.
        (count("no_room") + count("too_many_open")) as usize > HOSTILE * PUSHES / 2
    });
    // While the parts wait, others' split pushes are put together.
    let split = Push::of(message("split", "om-split")).in_fragments(FragmentPlan::of_size(100));
    let split = control.push(&app_id(&bystander), split);
    wait_until("a split push of somebody else", || {
        match control.record(split) {
            Some(record) if record.state == RecordState::Acked => Ok(()),
            record => Err(format!("{record:?}; {refused}")),
        }
    });
    let grown = gateway.memory_kib("VmHWM").saturating_sub(peak);
    assert!(grown < GROWTH_KIB, "{grown} KiB more at the peak");
    an_event_flows(&control, &bot(0), "after");
    nobody_reconnected(&gateway);
}

#[test]
fn unfinished_frames_of_many_bots_share_one_bound() {
    const HOSTILE: usize = 20;
    const SENT_BYTES: usize = 3 << 20;
    let sim = platform(|_| ());
    let control = sim.control();
    let gateway = fleet(Setup::new(&sim), HOSTILE + 1);
    let bystander = bot(HOSTILE);
    let peak = gateway.memory_kib("VmHWM");
    // A binary message as long as is allowed, of which a quarter never comes.
    let mut frame = vec![0x82, 127];
    frame.extend_from_slice(&(4_u64 << 20).to_be_bytes());
    frame.resize(SENT_BYTES, 0);
    for number in 0..HOSTILE {
        let fault = ConnectionFault::Raw(frame.clone().into());
        control.fault(Target::App(app_id(&bot(number))), fault);
    }
    gateway.wait_overview("connections without room for theirs end", |now| {
        // 60 MiB came, of which 24 are kept.
        now["malformed"]["no_room"].as_u64() >= Some(HOSTILE as u64 / 4)
    });
    // The lack is ours, and is called so: no advice to look for a proxy that breaks the protocol.
    let told = wait_until("the log says why", || {
        let entry = gateway
            .log()
            .entry("trying again, though it may take somebody's help");
        entry.ok_or_else(|| gateway.log().tail())
    });
    let step = told["next_step"].as_str().unwrap_or_default();
    assert!(step.contains("unfinished messages"), "{told}");
    let grown = gateway.memory_kib("VmHWM").saturating_sub(peak);
    assert!(grown < GROWTH_KIB, "{grown} KiB more at the peak");
    let view = gateway.installation(&bystander);
    assert_eq!(view["generation"], 1, "{view}");
    an_event_flows(&control, &bystander, "beside");
    // Those that still wait for the rest of their frame are answered by nobody; a new connection ends that.
    control.fault(Target::All, ConnectionFault::Drop);
    for number in 0..HOSTILE {
        an_event_flows(&control, &bot(number), &format!("after-{number}"));
    }
}
