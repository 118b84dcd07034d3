//! The files of the store deleted, replaced and linked while it is in use.

use super::shortened::emptied_by_another;
use super::*;

/// Another gateway's store, made where it can be put in place of the first.
fn another_store(directory: &Path) -> Store {
    let store = Store::open(&settings(directory)).expect("opens");
    store
        .add_installation(installation("theirs"))
        .expect("added");
    store
}

fn events_of(store: &Store) -> usize {
    store
        .reader()
        .events(everything())
        .expect("readable")
        .events
        .len()
}

/// The folder is moved away, and another gateway is started where it was.
#[test]
fn another_store_in_its_place_is_left_alone() {
    let bench = Bench::running();
    assert_eq!(bench.ask(event(1, 1)), recorded(1, 1));
    let home = bench.directory.path();
    let away = tempfile::tempdir().expect("a directory");
    fs::rename(home, away.path().join("store")).expect("moved");
    fs::create_dir(home).expect("a new folder");
    let theirs = another_store(home);
    assert_eq!(
        bench.ask(event(2, 2)),
        Heard::NotRecorded(vec![2], Cause::Gone)
    );
    // Several attempts later, and also when the other gateway has ended.
    bench.ask_until_retried(Cause::Gone);
    assert!(
        bench.store.reader().installations().is_err(),
        "theirs are not ours"
    );
    assert_eq!(events_of(&theirs), 0);
    drop(theirs);
    bench.ask_until_retried(Cause::Gone);
    let theirs = Store::open(&settings(home)).expect("the other gateway starts again");
    assert_eq!(events_of(&theirs), 0);
    drop(theirs);

    fs::rename(home, away.path().join("theirs")).expect("moved");
    fs::rename(away.path().join("store"), home).expect("moved back");
    bench.until_health(|health| *health == Health::Ok);
    assert_eq!(bench.ask(event(3, 1)), repeat(3, 1, Tier::EventId));
    assert_eq!(bench.ask(event(4, 2)), repeat(4, 2, Tier::EventId));
}

/// Somebody deletes the lock, and another gateway starts on the same database.
#[test]
fn a_store_that_another_process_took_is_left_to_it() {
    let bench = Bench::running();
    assert_eq!(bench.ask(event(1, 1)), recorded(1, 1));
    fs::remove_file(bench.directory.path().join("longwire.db.lock")).expect("removed");
    let second = Store::open(&settings(bench.directory.path())).expect("nothing keeps it out");
    assert_eq!(
        bench.ask(event(2, 2)),
        Heard::NotRecorded(vec![2], Cause::Held)
    );
    bench.ask_until_retried(Cause::Held);
    assert_eq!(events_of(&bench.store), 2, "reads go on");
    drop(second);
    bench.until_health(|health| *health == Health::Ok);
    assert!(Store::open(&settings(bench.directory.path())).is_err());
    assert_eq!(bench.store.reader().count_events().expect("readable"), 2);
}

/// A deleted lock alone is no reason to stop for long.
#[test]
fn a_deleted_lock_is_taken_anew() {
    let bench = Bench::running();
    assert_eq!(bench.ask(event(1, 1)), recorded(1, 1));
    fs::remove_file(bench.directory.path().join("longwire.db.lock")).expect("removed");
    bench.ask_until(2, is_recorded);
    assert!(matches!(
        Store::open(&settings(bench.directory.path())),
        Err(OpenError::Held { .. })
    ));
}

/// What another process wrote is not written a second time, whoever has the lock.
#[test]
fn rows_of_another_writer_are_known() {
    let bench = Bench::running();
    assert_eq!(bench.ask(event(1, 1)), recorded(1, 1));
    let mut other =
        SqliteConnection::establish(&bench.database().display().to_string()).expect("connects");
    other
        .batch_execute(
            "INSERT INTO event (seq, installation_id, event_key, source, received_ms, payload) \
             SELECT 2, installation_id, x'02020202020202020202020202020202', source, 1, x'7b7d' FROM event",
        )
        .expect("written");
    bench.ask_until(2, is_recorded);
    assert_eq!(bench.store.reader().count_events().expect("readable"), 2);
    assert_eq!(bench.ask(event(3, 3)), recorded(3, 3));
}

/// Nothing has to come for it.
#[test]
fn what_is_done_to_the_files_is_noticed_in_a_lull() {
    let bench = Bench::running();
    assert_eq!(bench.ask(event(1, 1)), recorded(1, 1));
    // With an empty write-ahead log as well, which a lull soon has.
    drop(emptied_by_another(&bench));
    let aside = bench.directory.path().join("aside.db");
    fs::rename(bench.database(), &aside).expect("moved");
    bench.until_health(|health| {
        matches!(
            health,
            Health::Degraded {
                cause: Cause::Gone,
                ..
            }
        )
    });
    fs::rename(&aside, bench.database()).expect("back");
    bench.until_health(|health| *health == Health::Ok);
}

#[test]
fn a_vanished_index_of_the_write_ahead_log_is_noticed() {
    let bench = Bench::running();
    assert_eq!(bench.ask(event(1, 1)), recorded(1, 1));
    fs::remove_file(bench.directory.path().join("longwire.db-shm")).expect("removed");
    assert_eq!(
        bench.ask(event(2, 2)),
        Heard::NotRecorded(vec![2], Cause::Gone)
    );
    bench.until_health(|health| *health == Health::Ok);
    assert_eq!(bench.ask(event(3, 1)), repeat(3, 1, Tier::EventId));
    assert!(bench.directory.path().join("longwire.db-shm").exists());
}

/// A backup of the same store is put in place: what it holds is known, what it does not hold is news.
#[test]
fn a_backup_is_taken_over() {
    let bench = Bench::running();
    assert_eq!(bench.ask(event(1, 1)), recorded(1, 1));
    let path = |name: &str| bench.directory.path().join(name);
    let mut other =
        SqliteConnection::establish(&bench.database().display().to_string()).expect("connects");
    let backup = path("backup.db");
    other
        .batch_execute(&format!("VACUUM INTO '{}'", backup.display()))
        .expect("a backup");
    drop(other);
    assert_eq!(bench.ask(event(2, 2)), recorded(2, 2));
    fs::rename(bench.database(), path("before.db")).expect("moved");
    fs::rename(&backup, bench.database()).expect("in its place");
    bench.ask_until(3, is_refused_as(Cause::Gone));
    // The log beside it belongs to the other file, and would make a ruin of this one.
    bench.ask_until_retried(Cause::Gone);
    fs::remove_file(path("longwire.db-wal")).expect("removed");
    bench.until_health(|health| *health == Health::Ok);
    assert_eq!(bench.ask(event(4, 1)), repeat(4, 1, Tier::EventId));
    // Under a number of its own: a follower may have read the one that is gone.
    assert_eq!(bench.ask(event(5, 2)), recorded(5, 3));
    assert_eq!(bench.integrity(), "ok");
}

#[test]
fn a_database_behind_a_link_is_one_store() {
    let bench = Bench::running();
    let elsewhere = tempfile::tempdir().expect("a directory");
    let link = elsewhere.path().join("link.db");
    std::os::unix::fs::symlink(bench.database(), &link).expect("a link");
    let through_the_link = StoreSettings {
        key_file: Some(bench.directory.path().join("longwire.db.key")),
        ..StoreSettings::at(link.display().to_string())
    };
    assert!(matches!(
        Store::open(&through_the_link),
        Err(OpenError::Held { .. })
    ));
    let mut bench = bench;
    bench.close();
    let store = Store::open(&through_the_link).expect("opens");
    bench.open(store);
    bench.run();
    assert_eq!(bench.ask(event(1, 1)), recorded(1, 1));
}

#[test]
fn a_database_with_two_names_is_not_opened() {
    let mut bench = Bench::running();
    bench.close();
    let second = bench.directory.path().join("second.db");
    fs::hard_link(bench.database(), &second).expect("a second name");
    for path in [bench.database(), second.clone()] {
        assert!(matches!(
            Store::open(&StoreSettings::at(path.display().to_string())),
            Err(OpenError::Linked { .. })
        ));
    }
    fs::remove_file(second).expect("removed");
    let store = Store::open(&settings(bench.directory.path())).expect("opens");
    bench.open(store);
}

/// Nothing is sealed with a key that nobody could read again.
#[test]
fn no_secret_is_sealed_while_the_key_file_is_away() {
    let bench = Bench::running();
    let key = bench.directory.path().join("longwire.db.key");
    let aside = bench.directory.path().join("aside");
    fs::rename(&key, &aside).expect("moved");
    assert!(matches!(
        bench.store.add_installation(installation("second")),
        Err(WriteError::Keys(_))
    ));
    fs::rename(&aside, &key).expect("back");
    bench
        .store
        .add_installation(installation("second"))
        .expect("added");
}
