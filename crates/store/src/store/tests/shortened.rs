//! The files of the store cut short, or made shorter in order, while it is in use.

use super::*;
use crate::disk_concern::DiskConcern;
use crate::engine::WriteEngine;

#[test]
fn a_write_ahead_log_that_was_cut_is_noticed_before_the_next_receipt() {
    for keeps_bytes in [0, 40_000] {
        let bench = Bench::running();
        bench.pragma("PRAGMA wal_checkpoint(PASSIVE)".to_owned());
        for key in 1..=20 {
            assert!(is_recorded(&bench.ask(event(1, key))));
        }
        let wal = bench.directory.path().join("longwire.db-wal");
        let file = fs::File::options().write(true).open(&wal).expect("there");
        assert!(file.metadata().expect("there").len() > keeps_bytes);
        file.set_len(keeps_bytes).expect("cut");
        assert_eq!(
            bench.ask(event(2, 99)),
            Heard::NotRecorded(vec![2], Cause::Truncated)
        );
        // What is left is whole, and whatever was lost is news when it comes again.
        bench.ask_until(98, is_recorded);
        for key in 1..=20 {
            assert!(is_recorded(&bench.ask(event(1, key))));
        }
        assert_eq!(bench.store.reader().count_events().expect("readable"), 21);
        assert_eq!(bench.integrity(), "ok");
    }
}

/// Another program empties the write-ahead log in order. It stays connected until what is returned is dropped.
pub(super) fn emptied_by_another(bench: &Bench) -> SqliteConnection {
    let mut other =
        SqliteConnection::establish(&bench.database().display().to_string()).expect("connects");
    other
        .batch_execute("PRAGMA wal_checkpoint(TRUNCATE)")
        .expect("emptied");
    let wal = bench.directory.path().join("longwire.db-wal");
    assert_eq!(fs::metadata(&wal).expect("there").len(), 0);
    other
}

/// A reader keeps the write-ahead log from being emptied; it is cut when that reader is gone, traffic or none.
#[test]
fn the_write_ahead_log_is_cut_when_nobody_holds_it_up() {
    const KEPT_BYTES: u64 = 16 << 20;
    let bench = Bench::running();
    assert_eq!(bench.ask(event(1, 1)), recorded(1, 1));
    let mut reader =
        SqliteConnection::establish(&bench.database().display().to_string()).expect("connects");
    reader
        .batch_execute("BEGIN; SELECT count(*) FROM event;")
        .expect("it reads");
    // Long enough that an operator is told of the program that holds it.
    for key in 2..=36 {
        let mut large = event(1, key);
        large.payload = Bytes::from(vec![b'x'; 2 << 20]);
        assert!(is_recorded(&bench.ask(large)));
    }
    let wal = bench.directory.path().join("longwire.db-wal");
    let length = || fs::metadata(&wal).expect("there").len();
    assert!(length() > KEPT_BYTES, "{}", length());
    let until = |what: &str, holds: &dyn Fn() -> bool| {
        let until = Instant::now() + DEADLINE;
        while !holds() {
            assert!(Instant::now() < until, "{what}: {}", length());
            std::thread::yield_now();
        }
    };
    until("it is told", &|| {
        bench.store.figures().wal_bytes > KEPT_BYTES
    });
    let is_a_concern = || {
        bench
            .store
            .figures()
            .concerns
            .contains(&DiskConcern::WalHeld)
    };
    until("it is a concern", &is_a_concern);
    reader.batch_execute("COMMIT").expect("it has read");
    until("it is cut", &|| length() <= KEPT_BYTES);
    until("it is told", &|| {
        bench.store.figures().wal_bytes <= KEPT_BYTES
    });
    until("it is no concern any more", &|| !is_a_concern());
    assert!(
        bench
            .store
            .figures()
            .free_bytes
            .is_some_and(|free| free > 0)
    );
    assert_eq!(bench.store.health(), Health::Ok);
}

/// Nothing brings the pages back, and nothing more is written to what is left of them.
#[test]
fn a_database_that_was_cut_is_noticed_and_left_alone() {
    let bench = Bench::running();
    for key in 1..=20 {
        assert!(is_recorded(&bench.ask(event(1, key))));
    }
    let backup = bench.directory.path().join("backup.db");
    bench.pragma(format!("VACUUM INTO '{}'", backup.display()));
    bench.pragma("PRAGMA wal_checkpoint(PASSIVE)".to_owned());
    assert!(is_recorded(&bench.ask(event(1, 21))));
    let file = fs::File::options().write(true).open(bench.database());
    let file = file.expect("there");
    assert!(file.metadata().expect("there").len() > 40_000);
    file.set_len(40_000).expect("cut");
    assert_eq!(
        bench.ask(event(2, 99)),
        Heard::NotRecorded(vec![2], Cause::Corrupt)
    );
    bench.ask_until_retried(Cause::Corrupt);
    assert_eq!(file.metadata().expect("there").len(), 40_000);

    fs::remove_file(bench.directory.path().join("longwire.db-wal")).expect("there");
    fs::rename(&backup, bench.database()).expect("in its place");
    bench.until_health(|health| *health == Health::Ok);
    assert_eq!(bench.ask(event(3, 20)), repeat(3, 20, Tier::EventId));
    assert_eq!(bench.ask(event(4, 21)), recorded(4, 22));
    assert_eq!(bench.integrity(), "ok");
}

#[test]
fn a_database_that_was_vacuumed_is_no_trouble() {
    let bench = Bench::running();
    let mut large = event(1, 1);
    large.payload = Bytes::from(vec![b'x'; 2 << 20]);
    assert!(is_recorded(&bench.ask(large)));
    assert!(is_recorded(&bench.ask(event(1, 2))));
    let mut other =
        SqliteConnection::establish(&bench.database().display().to_string()).expect("connects");
    other
        .batch_execute("PRAGMA wal_checkpoint(FULL)")
        .expect("moved");
    assert!(is_recorded(&bench.ask(event(1, 3))));
    let length = || fs::metadata(bench.database()).expect("there").len();
    let before = length();
    other
        .batch_execute("DELETE FROM event WHERE seq = 1; VACUUM; PRAGMA wal_checkpoint(TRUNCATE)")
        .expect("vacuumed");
    assert!(length() < before);
    assert_eq!(bench.ask(event(2, 4)), recorded(2, 4));
    assert_eq!(bench.ask(event(3, 2)), repeat(3, 2, Tier::EventId));
}

/// A checkpoint of somebody else empties the log in order.
#[test]
fn a_write_ahead_log_that_was_emptied_in_order_is_no_trouble() {
    let bench = Bench::running();
    assert_eq!(bench.ask(event(1, 1)), recorded(1, 1));
    let _other = emptied_by_another(&bench);
    assert_eq!(bench.ask(event(2, 2)), recorded(2, 2));
    assert_eq!(bench.ask(event(3, 1)), repeat(3, 1, Tier::EventId));
}

/// The connection is closed for another reason, and readers keep the index of pages that are no longer there.
#[test]
fn a_write_ahead_log_that_is_cut_during_other_trouble_is_given_up_by_readers() {
    let bench = Bench::running();
    bench.pragma("PRAGMA wal_checkpoint(PASSIVE)".to_owned());
    for key in 1..=20 {
        assert!(is_recorded(&bench.ask(event(1, key))));
    }
    assert_eq!(bench.store.reader().count_events().expect("readable"), 20);
    let wal = bench.directory.path().join("longwire.db-wal");
    bench.sqlite(move |engine| {
        engine.close(&Failure::new(Cause::Io, "as the test wants"));
        let file = fs::File::options().write(true).open(&wal).expect("there");
        assert!(file.metadata().expect("there").len() > 40_000);
        file.set_len(40_000).expect("cut");
    });
    bench.ask_until(98, is_recorded);
    for key in 1..=20 {
        assert!(is_recorded(&bench.ask(event(1, key))));
    }
    assert_eq!(bench.store.reader().count_events().expect("readable"), 21);
    assert_eq!(bench.integrity(), "ok");
}
