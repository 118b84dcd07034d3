//! The disk of a store in use fails: it is full, locked, stalled, without its file, or without write permission.
//! Meanwhile nothing is acknowledged and the gateway reports the cause. Afterwards it continues by itself, and the
//! ledger is right.

use std::fs;
use std::time::Duration;

use longwire_sim::{Control, Ledger, Sim, Traffic};
use longwire_tests::{
    Gateway, Setup, Signal, platform, until_answered, wait_more_acked, wait_until,
};

const BOTS: [&str; 2] = ["a", "b"];
/// Room for what the slowest of stories records. What is not written takes none on the host, and the ballast takes what
/// is free in one go.
const VOLUME_BYTES: u64 = 512 << 20;
/// Answers of 500 that show that the trouble lasts.
const REFUSALS: u64 = 20;

fn patient_platform() -> Sim {
    platform(|settings| {
        // What is refused comes again soon, and as often as it takes.
        settings.ladder = vec![Duration::from_millis(500); 600];
    })
}

fn setup(sim: &Sim) -> Setup {
    BOTS.iter()
        .fold(Setup::new(sim), |setup, bot| setup.bot(bot))
}

/// Events that pour in from now on.
fn pour(gateway: &Gateway, control: &Control) {
    gateway.expect_error("events are not recorded");
    for bot in BOTS {
        gateway.wait_live(bot);
    }
    control.push_at_rate(Traffic {
        per_second: 100.0,
        payload_bytes: 16 * 1_024,
        ..Traffic::default()
    });
    wait_more_acked(control, 50);
}

/// The gateway says it is not ready and why, to the load balancer and to the operator.
fn is_degraded(gateway: &Gateway, cause: &str) -> Result<(), String> {
    let answer = gateway.public().get("/readyz");
    let answer = answer.map_err(|error| error.to_string())?;
    let readiness = answer.json();
    let store = gateway.overview()["store"].take();
    let failing = &readiness["failing"][0];
    let names =
        |text: &serde_json::Value| text.as_str().is_some_and(|text| text.starts_with(cause));
    let advises = |text: &serde_json::Value| text.as_str().is_some_and(|text| !text.is_empty());
    if answer.status == 503
        && failing["part"] == "store"
        && names(&failing["detail"])
        && advises(&failing["next_step"])
        && store["state"] == "degraded"
        && store["cause"] == cause
        && advises(&store["advice"])
    {
        Ok(())
    } else {
        Err(format!("{} {readiness}, {store}", answer.status))
    }
}

/// Waits until the trouble shows, and nothing but refusals leaves.
#[track_caller]
fn suffer(gateway: &Gateway, control: &Control, cause: &str) {
    let mut begin = control.ledger();
    wait_until(&format!("nothing is acknowledged ({cause})"), || {
        let now = control.ledger();
        let degraded = is_degraded(gateway, cause);
        if now.acked != begin.acked || degraded.is_err() {
            begin = now;
            return Err(format!("{degraded:?}, {begin:?}"));
        }
        if now.nacked >= begin.nacked + REFUSALS {
            Ok(())
        } else {
            Err(format!("{now:?}"))
        }
    });
}

#[track_caller]
fn until_ready(gateway: &Gateway) {
    wait_until("it is ready again", || {
        match gateway.public().get("/readyz") {
            Ok(answer) if answer.status == 200 => Ok(()),
            Ok(answer) => Err(answer.body),
            Err(error) => Err(error.to_string()),
        }
    });
}

/// Waits until all is well again, and compares.
#[track_caller]
fn recover(gateway: &Gateway, control: &Control) -> Ledger {
    until_ready(gateway);
    wait_more_acked(control, 50);
    control.stop_traffic();
    let ledger = until_answered(control);
    assert_eq!((ledger.lost, ledger.bad_acks.total()), (0, 0), "{ledger:?}");
    ledger
}

/// Everything acknowledged is there, and there once. Whether something is missing, the harness asks at the end.
#[track_caller]
fn each_once(gateway: &Gateway, ledger: &Ledger) {
    let events = gateway.events().into_iter();
    let mut ids: Vec<String> = events
        .filter_map(|event| event.event_id)
        .map(String::from)
        .collect();
    ids.sort();
    let rows = ids.len() as u64;
    ids.dedup();
    assert_eq!((rows, ids.len() as u64), (ledger.acked, ledger.acked));
}

/// A start in trouble is a gateway that is up, or one that has ended and said why.
#[track_caller]
fn restart_in_trouble(gateway: &mut Gateway, words: &str, trouble_ends: impl FnOnce(&Gateway)) {
    gateway.kill();
    gateway.expect_error("error: ");
    gateway.expect_error("  try: ");
    let ended = gateway.try_restart();
    if let Some(status) = ended {
        assert_eq!(status.code(), Some(1), "{status}");
        let tail = gateway.log().tail();
        assert!(tail.contains(words), "nothing about {words:?} in:\n{tail}");
    }
    trouble_ends(gateway);
    if ended.is_some() {
        gateway.restart();
    }
}

#[test]
fn a_full_disk_refuses_and_recovers_when_there_is_room() {
    let sim = patient_platform();
    let control = sim.control();
    let Some(mut gateway) = setup(&sim).start_on_volume(VOLUME_BYTES) else {
        return;
    };
    pour(&gateway, &control);
    gateway.volume().fill().expect("the disk takes the ballast");
    suffer(&gateway, &control, "disk_full");
    gateway.volume().empty().expect("the ballast goes");
    wait_more_acked(&control, 1);
    // Once more, and this time it is killed in the middle of it.
    gateway.volume().fill().expect("the disk takes the ballast");
    suffer(&gateway, &control, "disk_full");
    restart_in_trouble(&mut gateway, "no space", |gateway| {
        gateway.volume().empty().expect("the ballast goes");
    });
    let ledger = recover(&gateway, &control);
    each_once(&gateway, &ledger);
}

#[test]
fn a_database_locked_by_another_process_refuses_and_recovers_when_it_lets_go() {
    let sim = patient_platform();
    let control = sim.control();
    let mut gateway = setup(&sim).start();
    pour(&gateway, &control);
    let lock = gateway.lock_store();
    suffer(&gateway, &control, "locked");
    drop(lock);
    until_ready(&gateway);
    let lock = gateway.lock_store();
    suffer(&gateway, &control, "locked");
    restart_in_trouble(&mut gateway, "locked", |_| drop(lock));
    let ledger = recover(&gateway, &control);
    each_once(&gateway, &ledger);
}

#[test]
fn a_database_that_is_moved_away_and_back_goes_on_where_it_was() {
    let sim = patient_platform();
    let control = sim.control();
    let gateway = setup(&sim).start();
    pour(&gateway, &control);
    let elsewhere = gateway.directory().join("elsewhere.db");
    fs::rename(gateway.database(), &elsewhere).expect("it is there");
    suffer(&gateway, &control, "gone");
    assert!(!gateway.database().exists(), "no empty log takes its place");
    fs::rename(&elsewhere, gateway.database()).expect("back");
    let ledger = recover(&gateway, &control);
    each_once(&gateway, &ledger);
}

#[test]
fn a_database_that_is_deleted_refuses_until_a_restart_begins_a_new_one() {
    let sim = patient_platform();
    let control = sim.control();
    let mut gateway = setup(&sim).start();
    pour(&gateway, &control);
    for suffix in ["", "-wal", "-shm"] {
        let path = format!("{}{suffix}", gateway.database().display());
        fs::remove_file(&path).unwrap_or_else(|error| panic!("{path}: {error}"));
    }
    suffer(&gateway, &control, "gone");
    let advice = gateway.overview()["store"]["advice"].take();
    assert!(
        advice.to_string().contains("restart, and a new log begins"),
        "{advice}"
    );
    assert!(!gateway.database().exists(), "no empty log takes its place");
    let lost = control.acked_event_ids();
    gateway.kill();
    gateway.restart();
    let ledger = recover(&gateway, &control);
    // What was in the file is gone with it, and nothing else is.
    assert_eq!(
        gateway.events().len() as u64 + lost.len() as u64,
        ledger.acked
    );
    for event_id in &lost {
        gateway.expect_no_row_for(event_id);
    }
}

#[test]
fn a_directory_without_leave_to_write_refuses_and_recovers_when_it_is_given() {
    let sim = patient_platform();
    let control = sim.control();
    let Some(mut gateway) = setup(&sim).start_on_volume(VOLUME_BYTES) else {
        return;
    };
    pour(&gateway, &control);
    gateway.volume().forbid_writes().expect("chattr");
    suffer(&gateway, &control, "read_only");
    gateway.volume().allow_writes().expect("chattr");
    wait_more_acked(&control, 1);
    gateway.volume().forbid_writes().expect("chattr");
    suffer(&gateway, &control, "read_only");
    restart_in_trouble(&mut gateway, "permi", |gateway| {
        gateway.volume().allow_writes().expect("chattr");
    });
    let ledger = recover(&gateway, &control);
    each_once(&gateway, &ledger);
}

#[test]
fn a_stalled_disk_is_told_refused_and_survived() {
    let sim = patient_platform();
    let control = sim.control();
    let Some(gateway) = setup(&sim).start_on_volume(VOLUME_BYTES) else {
        return;
    };
    pour(&gateway, &control);
    let lost_before = gateway.overview()["connections"]["lost"].take();
    let memory_before = gateway.memory_kib("VmRSS");
    let frozen = gateway.volume().freeze().expect("fsfreeze");
    suffer(&gateway, &control, "stalled");
    let grown = gateway.memory_kib("VmRSS").saturating_sub(memory_before);
    assert!(grown < 64 << 10, "{grown} KiB more while the disk stalls");
    drop(frozen);
    let ledger = recover(&gateway, &control);
    assert_eq!(gateway.overview()["connections"]["lost"], lost_before);
    each_once(&gateway, &ledger);
    assert!(gateway.log().entry("the disk answers again").is_some());
}

/// Whether the change is made nobody can say before the disk answers, so that is what is said.
#[test]
fn a_change_asked_for_while_the_disk_stalls_is_answered() {
    let sim = patient_platform();
    let control = sim.control();
    let Some(gateway) = setup(&sim).start_on_volume(VOLUME_BYTES) else {
        return;
    };
    pour(&gateway, &control);
    let frozen = gateway.volume().freeze().expect("fsfreeze");
    suffer(&gateway, &control, "stalled");
    let path = "/admin/v1/installations/a/stop";
    let answer = gateway.admin().post(path, None).expect("an answer comes");
    let problem = answer.json();
    let said = (answer.status, problem["code"].as_str());
    assert!(
        matches!(
            said,
            (504, Some("store_unsettled")) | (503, Some("store_unavailable" | "disk_stalled"))
        ),
        "{said:?} {problem}"
    );
    drop(frozen);
    until_ready(&gateway);
    let answer = gateway.tell("a", "stop").json();
    assert_eq!(answer["desired"], "stop");
    let answer = gateway.tell("a", "start").json();
    assert_eq!(answer["desired"], "run");
    let ledger = recover(&gateway, &control);
    each_once(&gateway, &ledger);
}

/// Nothing but the kernel can end a thread that waits for the disk; everything else of the process is gone.
#[test]
fn sigterm_ends_a_gateway_whose_disk_stalls() {
    let sim = patient_platform();
    let control = sim.control();
    let setup = setup(&sim).set("server.drain", "1s");
    let Some(mut gateway) = setup.start_on_volume(VOLUME_BYTES) else {
        return;
    };
    pour(&gateway, &control);
    let frozen = gateway.volume().freeze().expect("fsfreeze");
    suffer(&gateway, &control, "stalled");
    gateway.signal(Signal::Term);
    let tasks = format!("/proc/{}/task", gateway.id());
    wait_until("only what the disk holds is left", || {
        let tasks = fs::read_dir(&tasks).map_err(|error| error.to_string())?;
        let stats = tasks
            .flatten()
            .map(|task| fs::read_to_string(task.path().join("stat")));
        let states: Vec<String> = stats
            .flatten()
            .filter_map(|stat| Some(stat.rsplit_once(") ")?.1.get(..1)?.to_owned()))
            .collect();
        if states
            .iter()
            .all(|state| state == "Z" || state == "X" || state == "D")
        {
            Ok(())
        } else {
            Err(format!("{states:?}"))
        }
    });
    assert!(gateway.log().entry("stopped").is_some(), "it drained first");
    drop(frozen);
    let status = gateway.wait_end();
    assert_eq!(status.code(), Some(0), "{status}");
    gateway.restart();
    let ledger = recover(&gateway, &control);
    each_once(&gateway, &ledger);
}
