//! One gateway has its store, and no other store. The stories replace the store's file, start a second gateway on it,
//! and change its files while events arrive. Events that cannot be saved are counted.

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::time::Duration;

use longwire_sim::{Control, Traffic};
use longwire_store::{EventQuery, Reader, Store, StoreSettings};
use longwire_tests::{
    Gateway, Setup, longwire, platform, until_answered, wait_more_acked, wait_until,
};

const BOT: &str = "a";

/// Every file of a store, by what is behind the database's name.
const FILES: [&str; 5] = ["", "-wal", "-shm", ".lock", ".key"];

/// A platform that repeats what was refused soon and for long, so that nothing is lost while a story has its trouble.
fn patient_platform() -> longwire_sim::Sim {
    platform(|settings| settings.ladder = vec![Duration::from_millis(500); 600])
}

fn pour(gateway: &Gateway, control: &Control) {
    gateway.wait_live(BOT);
    control.push_at_rate(Traffic {
        per_second: 100.0,
        ..Traffic::default()
    });
    wait_more_acked(control, 50);
}

/// Until the store is in trouble for this reason.
#[track_caller]
fn until_degraded(gateway: &Gateway, cause: &str) {
    gateway.wait_overview(cause, |now| now["store"]["cause"] == cause);
}

/// Until it is well again and everything that was pushed is acknowledged.
#[track_caller]
fn settle(gateway: &Gateway, control: &Control) {
    gateway.wait_overview("the store is well", |now| now["store"]["state"] == "ok");
    wait_more_acked(control, 20);
    control.stop_traffic();
    let ledger = until_answered(control);
    assert_eq!(ledger.lost, 0, "{ledger:?}");
}

/// No event is there twice; returns those that were acknowledged and are not there.
#[track_caller]
fn missing(gateway: &Gateway, control: &Control) -> Vec<String> {
    let events = gateway.events().into_iter();
    let mut ids: Vec<String> = events
        .filter_map(|event| event.event_id)
        .map(String::from)
        .collect();
    let rows = ids.len();
    ids.sort();
    ids.dedup();
    assert_eq!(rows, ids.len(), "some are there twice");
    let mut acked = control.acked_event_ids();
    acked.retain(|id| ids.binary_search(id).is_err());
    acked
}

fn beside(database: &Path, suffix: &str) -> PathBuf {
    PathBuf::from(format!("{}{suffix}", database.display()))
}

fn move_store(from: &Path, to: &Path) {
    for suffix in FILES {
        let (from, to) = (beside(from, suffix), beside(to, suffix));
        // An ordered end takes some of them away.
        if from.exists() {
            fs::rename(&from, &to).unwrap_or_else(|error| panic!("{}: {error}", from.display()));
        }
    }
}

fn events_in(database: &Path) -> usize {
    let settings = StoreSettings::at(database.display().to_string());
    let query = EventQuery {
        after: None,
        installations: None,
        limit: 1_000,
    };
    let reader = Reader::open(&settings).expect("it is a store");
    reader.events(query).expect("readable").events.len()
}

/// A gateway whose store is at `database`, with one bot that nobody lets connect: whatever is recorded there is not its.
fn another_gateway_at(database: &Path) -> Setup {
    Setup::without_platform()
        .bot_at("theirs", "http://127.0.0.1:9")
        .set("store.url", format!("sqlite:{}", database.display()))
}

#[test]
fn a_store_that_another_gateway_put_in_its_place_gets_none_of_our_events() {
    let sim = patient_platform();
    let control = sim.control();
    let gateway = Setup::new(&sim).bot(BOT).start();
    gateway.expect_error("events are not recorded");
    pour(&gateway, &control);
    let (place, away) = (gateway.database(), gateway.directory().join("away.db"));
    move_store(&place, &away);
    let other = another_gateway_at(&place).start();
    until_degraded(&gateway, "gone");
    let before = control.ledger();
    wait_until("the platform is refused", || {
        let ledger = control.ledger();
        if ledger.nacked >= before.nacked + 20 {
            Ok(())
        } else {
            Err(format!("{ledger:?}"))
        }
    });
    assert_eq!(
        control.ledger().acked,
        before.acked,
        "nothing is acknowledged"
    );
    assert_eq!(events_in(&place), 0);
    let names: Vec<String> = other.installations().iter().map(name).collect();
    assert_eq!(names, ["theirs"]);
    other.stop();
    move_store(&place, &gateway.directory().join("theirs.db"));
    move_store(&away, &place);
    settle(&gateway, &control);
    assert_eq!(missing(&gateway, &control), Vec::<String>::new());
}

fn name(view: &serde_json::Value) -> String {
    view["name"].as_str().unwrap_or_default().to_owned()
}

#[test]
fn of_two_gateways_on_one_store_one_records() {
    let sim = patient_platform();
    let control = sim.control();
    let gateway = Setup::new(&sim).bot(BOT).start();
    gateway.expect_error("events are not recorded");
    pour(&gateway, &control);
    fs::remove_file(beside(&gateway.database(), ".lock")).expect("it is there");
    // The lock is taken anew within seconds, so it may take a few attempts to be the one who takes it.
    let second = StoreSettings::at(gateway.database().display().to_string());
    let second = wait_until("another process takes the store", || {
        drop(fs::remove_file(beside(&gateway.database(), ".lock")));
        Store::open(&second).map_err(|error| error.to_string())
    });
    until_degraded(&gateway, "held");
    drop(second);
    settle(&gateway, &control);
    assert_eq!(missing(&gateway, &control), Vec::<String>::new());
}

#[test]
fn what_a_cut_write_ahead_log_took_with_it_is_counted() {
    let sim = patient_platform();
    let control = sim.control();
    let gateway = Setup::new(&sim).bot(BOT).start();
    gateway.expect_error("events are not recorded");
    gateway.expect_error("acknowledged events are not in the database");
    pour(&gateway, &control);
    // What was made at the start is in the database from here on.
    let settings = StoreSettings::at(gateway.database().display().to_string());
    checkpoint(&settings);
    wait_more_acked(&control, 50);
    let wal = fs::File::options()
        .write(true)
        .open(beside(&gateway.database(), "-wal"));
    wal.expect("it is there").set_len(0).expect("cut");
    wait_until("it is noticed", || {
        match gateway.log().entry("the write-ahead log was cut short") {
            Some(_) => Ok(()),
            None => Err(gateway.overview()["store"].to_string()),
        }
    });
    settle(&gateway, &control);
    let missing = missing(&gateway, &control);
    let told = gateway
        .log()
        .entry("acknowledged events are not in the database");
    let told = told.expect("some were only in what was cut off");
    assert_eq!(
        told["events"].as_u64(),
        Some(missing.len() as u64),
        "{told}"
    );
    for event_id in &missing {
        gateway.expect_no_row_for(event_id);
    }
}

/// The index of the write-ahead log is mapped memory, so this ends the process, as a crash would.
#[test]
fn nothing_is_missing_after_the_index_of_the_write_ahead_log_was_cut() {
    let sim = patient_platform();
    let control = sim.control();
    let mut gateway = Setup::new(&sim).bot(BOT).start();
    pour(&gateway, &control);
    let shm = fs::File::options()
        .write(true)
        .open(beside(&gateway.database(), "-shm"));
    shm.expect("it is there").set_len(0).expect("cut");
    let status = gateway.wait_end();
    assert!(!status.success(), "{status}");
    gateway.restart();
    settle(&gateway, &control);
    assert_eq!(missing(&gateway, &control), Vec::<String>::new());
}

/// Has what the write-ahead log holds moved into the database.
fn checkpoint(settings: &StoreSettings) {
    use diesel::connection::SimpleConnection as _;
    use diesel::{Connection as _, SqliteConnection};
    let mut other =
        SqliteConnection::establish(&settings.url.to_string()).expect("this process connects");
    other
        .batch_execute("PRAGMA busy_timeout = 20000; PRAGMA wal_checkpoint(FULL)")
        .expect("moved");
}

#[test]
fn a_database_that_others_may_read_is_said_by_serve_and_check() {
    let sim = platform(|_| ());
    let mut gateway = Setup::new(&sim).bot(BOT).start();
    gateway.wait_live(BOT);
    let words = "others may read or change what belongs to the store";
    assert!(gateway.log().entry(words).is_none());
    let check = |gateway: &Gateway| {
        let arguments = ["check", "--config", "longwire.toml", "-o", "json"];
        let secret = ("STORY_SECRET", "unused");
        longwire(gateway.directory(), &arguments, &[secret], "").output
    };
    assert!(!check(&gateway).contains("may be used by others"));
    gateway.kill();
    let shared = fs::Permissions::from_mode(0o644);
    fs::set_permissions(gateway.database(), shared).expect("chmod");
    gateway.restart();
    let said = gateway.log().entry(words).expect("serve says it");
    assert_eq!(
        (&said["level"], &said["mode"]),
        (&"WARN".into(), &"0644".into())
    );
    let checked = check(&gateway);
    assert!(
        checked.contains("longwire.db may be used by others (mode 0644)"),
        "{checked}"
    );
}

/// A key that is another store's is found before the next start needs it.
#[test]
fn a_foreign_key_is_said_by_check_whether_a_server_runs_or_not() {
    let sim = platform(|_| ());
    let mut gateway = Setup::new(&sim).bot(BOT).start();
    gateway.wait_live(BOT);
    let check = |gateway: &Gateway| {
        let arguments = ["check", "--config", "longwire.toml", "-v"];
        let secret = ("STORY_SECRET", "unused");
        longwire(gateway.directory(), &arguments, &[secret], "").output
    };
    let checked = check(&gateway);
    assert!(checked.contains("opens all 1 sealed secrets"), "{checked}");
    let key = gateway.database().with_extension("db.key");
    fs::write(&key, "ab".repeat(32)).expect("it is ours");
    let words = format!("does not open a secret of the installation `{BOT}`");
    let checked = check(&gateway);
    assert!(checked.contains(&words), "{checked}");
    gateway.kill();
    let checked = check(&gateway);
    assert!(checked.contains(&words), "{checked}");
    fs::remove_file(&key).expect("it is there");
    let checked = check(&gateway);
    assert!(
        checked.contains("is missing") && checked.contains("key file"),
        "{checked}"
    );
}
