//! A log that cannot be written, because its reader stalls or leaves or its device is full, loses log lines and nothing
//! else. Events are acknowledged in time, the probes are right, SIGTERM drains, and the lost lines are counted.

use std::fs::OpenOptions;
use std::io::{BufRead as _, BufReader, PipeReader, pipe};
use std::process::Stdio;

use longwire_sim::{Control, Sim, Traffic};
use longwire_tests::{Gateway, Setup, Signal, platform, until_answered, wait_until};
use rustix::io::ioctl_fionread;
use serde_json::Value;

/// Bytes in a pipe that nobody reads any more: its 64 KiB, less what a line more did not fit into.
const FULL: u64 = 56 * 1024;
/// Events that have to be acknowledged while the log is in trouble.
const EVENTS: u64 = 500;

/// A platform with steady traffic, and a gateway that logs all there is to say to `errors`: five bots, all live.
fn under_load(errors: impl Into<Stdio>) -> (Sim, Gateway) {
    let sim = platform(|_| ());
    let setup = Setup::new(&sim).set("log.filter", "trace");
    let setup = (0..5).fold(setup, |setup, number| setup.bot(&format!("bot-{number}")));
    let gateway = setup.start_logging_to(errors);
    gateway.wait_overview("all are live", |now| now["by_state"]["live"] == 5);
    sim.control().push_at_rate(Traffic {
        per_second: 200.0,
        payload_bytes: 512,
        ..Traffic::default()
    });
    (sim, gateway)
}

/// The gateway works as if nothing was wrong with its log.
fn serves_well(gateway: &Gateway, control: &Control) {
    let before = control.ledger().acked;
    wait_until("events are acknowledged", || {
        let ledger = control.ledger();
        if ledger.acked >= before + EVENTS {
            Ok(())
        } else {
            Err(format!("{ledger:?}"))
        }
    });
    let ready = gateway.public().get("/readyz").expect("an answer");
    assert_eq!(ready.status, 200, "{}", ready.body);
    assert_eq!(
        gateway.public().get("/livez").expect("an answer").status,
        200
    );
}

/// Ends the traffic, and the gateway while its log is in trouble still.
fn is_served_sigterm(mut gateway: Gateway, control: &Control) {
    control.stop_traffic();
    let ledger = until_answered(control);
    assert_eq!(
        (
            ledger.acked,
            ledger.re_pushed,
            ledger.lost,
            ledger.bad_acks.total()
        ),
        (ledger.pushed, 0, 0, 0),
        "each was acknowledged, and at the first time: {ledger:?}"
    );
    gateway.signal(Signal::Term);
    assert_eq!(gateway.wait_end().code(), Some(0));
    assert_eq!(gateway.events().len() as u64, ledger.acked);
}

/// Waits until lines are missing, and says how many.
fn lines_are_missed(gateway: &Gateway) -> u64 {
    wait_until("lines are missing and counted", || {
        let metrics = gateway.public().get("/metrics").expect("an answer").body;
        let sample = metrics
            .lines()
            .find_map(|line| line.strip_prefix("longwire_log_lines_dropped_total "));
        match sample.and_then(|count| count.parse::<f64>().ok()) {
            Some(count) if count > 0.0 => Ok(count as u64),
            other => Err(format!("{other:?}")),
        }
    })
}

/// A reader of the log that reads nothing for now.
fn stalled(gateway: &Gateway, pipe: &PipeReader) {
    wait_until("the pipe is full", || {
        // Something to tell, whatever the traffic has to.
        drop(gateway.admin().get("/admin/v1/overview"));
        match ioctl_fionread(pipe) {
            Ok(bytes) if bytes >= FULL => Ok(()),
            other => Err(format!("{other:?}")),
        }
    });
}

#[test]
fn whoever_reads_the_log_stalls_and_goes_on() {
    let (reader, writer) = pipe().expect("a pipe");
    let (sim, gateway) = under_load(writer);
    let control = sim.control();
    stalled(&gateway, &reader);
    serves_well(&gateway, &control);
    let missed = lines_are_missed(&gateway);
    serves_well(&gateway, &control);

    // The reader goes on, and is told how much it missed.
    let mut lines = BufReader::new(reader).lines();
    let told = lines.by_ref().find_map(|line| {
        let entry: Value = serde_json::from_str(&line.expect("a line")).expect("a whole entry");
        (entry["level"] == "WARN" && entry["message"].as_str()?.contains("log lines were lost"))
            .then(|| entry["lines"].as_u64().expect("a count"))
    });
    assert!(told >= Some(missed), "{told:?} of at least {missed}");
    let reading = std::thread::spawn(move || {
        // Behind our last line the runtime may say something of its own end.
        let mut lines = lines.map_while(Result::ok);
        lines.any(|line| line.contains("\"stopped\"")) && lines.count() < 100
    });
    is_served_sigterm(gateway, &control);
    let is_told = reading.join().expect("the reader reads");
    assert!(is_told, "the last line comes too");
}

#[test]
fn whoever_reads_the_log_stalls_for_good() {
    let (reader, writer) = pipe().expect("a pipe");
    let (sim, gateway) = under_load(writer);
    let control = sim.control();
    stalled(&gateway, &reader);
    serves_well(&gateway, &control);
    is_served_sigterm(gateway, &control);
    drop(reader);
}

#[test]
fn whoever_reads_the_log_leaves() {
    let (reader, writer) = pipe().expect("a pipe");
    let (sim, gateway) = under_load(writer);
    let control = sim.control();
    drop(reader);
    lines_are_missed(&gateway);
    serves_well(&gateway, &control);
    is_served_sigterm(gateway, &control);
}

#[test]
fn the_device_of_the_log_is_full() {
    let full = OpenOptions::new().write(true).open("/dev/full");
    let (sim, gateway) = under_load(full.expect("this is Linux"));
    let control = sim.control();
    lines_are_missed(&gateway);
    serves_well(&gateway, &control);
    is_served_sigterm(gateway, &control);
}
