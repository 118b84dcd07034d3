//! A backup is made beside a running gateway, and a gateway that lost its store goes on from it. A gateway that was stopped in
//! order leaves one file.

use std::fs;
use std::path::{Path, PathBuf};

use longwire_sim::Control;
use longwire_store::EventRecord;
use longwire_tests::{Gateway, Setup, Signal, app_id, longwire, message, platform, wait_acked};

const BOT: &str = "a";
/// Numbers that a restored store leaves out at least.
const LEFT_OUT: i64 = 1 << 32;

fn beside(database: &Path, suffix: &str) -> PathBuf {
    PathBuf::from(format!("{}{suffix}", database.display()))
}

/// Pushes a message, and waits for its ACK.
#[track_caller]
fn push(control: &Control, event: &str, message_id: &str) {
    wait_acked(
        control,
        control.push(&app_id(BOT), message(event, message_id)),
    );
}

fn event(gateway: &Gateway, id: &str) -> EventRecord {
    gateway
        .event(id)
        .unwrap_or_else(|| panic!("{id} is not recorded"))
}

#[test]
fn a_gateway_that_lost_its_store_goes_on_from_a_backup() {
    let sim = platform(|_| ());
    let control = sim.control();
    let mut gateway = Setup::new(&sim).bot(BOT).start();
    gateway.wait_live(BOT);
    push(&control, "evt-1", "om-1");
    let directory = gateway.directory().to_owned();
    let backup = ["backup", "x.lwb", "--with-key"];
    longwire(&directory, &backup, &[], "").assert(0, &["1 installations", "The key is inside"]);
    longwire(&directory, &backup, &[], "").assert(1, &["x.lwb exists", "--force"]);
    let before = event(&gateway, "evt-1");

    gateway.kill();
    let restore = ["restore", "x.lwb", "--to", "."];
    longwire(&directory, &restore, &[], "").assert(1, &["exists", "never replaced"]);
    let database = gateway.database();
    for suffix in ["", "-wal", "-shm", ".lock", ".key", ".token"] {
        fs::remove_file(beside(&database, suffix))
            .unwrap_or_else(|error| panic!("{suffix}: {error}"));
    }
    let restored = longwire(&directory, &restore, &[], "");
    restored.assert(
        0,
        &[
            "every page is whole",
            "connects: a.",
            "Stop the one that had them before",
        ],
    );
    gateway.restart();
    gateway.wait_live(BOT);
    // The platform says it again, under the same id; and something new.
    push(&control, "evt-1", "om-1");
    push(&control, "evt-2", "om-2");
    let again = event(&gateway, "evt-1");
    assert_eq!((again.seq, again.repeats), (before.seq, before.repeats + 1));
    let new = event(&gateway, "evt-2");
    assert!(new.seq.0 > before.seq.0 + LEFT_OUT, "{:?}", new.seq);
    // It is not told the bot's secret here, so it finds that besides.
    let checked = longwire(&directory, &["check", "--store", "-v"], &[], "");
    checked.assert(7, &["every page is sound", "opens all 1 sealed secrets"]);
}

#[test]
fn a_backup_that_cannot_be_used_is_refused_by_its_reason() {
    let sim = platform(|_| ());
    let gateway = Setup::new(&sim).bot(BOT).start();
    gateway.wait_live(BOT);
    let directory = gateway.directory();
    longwire(directory, &["backup", "x.lwb"], &[], "").assert(0, &["The key is not inside"]);
    let whole = fs::read(directory.join("x.lwb")).expect("a backup");
    let mut altered = whole.clone();
    altered[9_999] ^= 1;
    for (name, bytes, words) in [
        ("empty", &[][..], "is empty"),
        ("cut", &whole[..whole.len() / 2], "was cut"),
        ("altered", &altered, "its digest does not fit"),
        ("text", b"no backup at all", "is no backup of longwire"),
        ("keyless", &whole, "has no key"),
    ] {
        fs::write(directory.join(name), bytes).expect("written");
        let refused = longwire(directory, &["restore", name, "--to", "new"], &[], "");
        refused.assert(1, &[words, "try:"]);
        assert!(!directory.join("new").exists(), "{name}");
    }
    longwire(directory, &["restore", "none", "--to", "new"], &[], "")
        .assert(1, &["cannot read none"]);
    longwire(directory, &["backup", "no/x.lwb"], &[], "").assert(1, &["cannot write no/x.lwb"]);
    let over = ["backup", "longwire.db", "--force"];
    longwire(directory, &over, &[], "").assert(1, &["belongs to the store"]);
}

#[test]
fn a_gateway_that_is_stopped_in_order_leaves_one_file() {
    let sim = platform(|_| ());
    let control = sim.control();
    let mut gateway = Setup::new(&sim).bot(BOT).start();
    gateway.wait_live(BOT);
    push(&control, "evt-1", "om-1");
    gateway.signal(Signal::Term);
    gateway.wait_end();
    let said = |words: &str| gateway.log().entry(words).is_some();
    assert!(said("is one file"), "{}", gateway.log().tail());
    let wal = beside(&gateway.database(), "-wal");
    assert!(!wal.exists() && !beside(&gateway.database(), "-shm").exists());

    gateway.restart();
    gateway.wait_live(BOT);
    let reader = gateway.reader();
    assert_eq!(reader.count_wanted().expect("it is connected"), 1);
    gateway.signal(Signal::Term);
    gateway.wait_end();
    let said = |words: &str| gateway.log().entry(words).is_some();
    assert!(
        said("another program has the store open"),
        "{}",
        gateway.log().tail()
    );
    assert!(wal.exists());
}
