//! Databases that an earlier version made.

use super::*;

/// What the second schema kept is kept on, under the same id, and can be opened.
#[test]
fn a_database_of_the_second_schema_is_taken_over() {
    let directory = tempfile::tempdir().expect("a directory");
    let settings = settings(directory.path());
    let before = {
        let store = Store::open(&settings).expect("opens");
        store.add_installation(installation("old")).expect("added")
    };
    let path = directory.path().join("longwire.db").display().to_string();
    let mut old = SqliteConnection::establish(&path).expect("a database");
    migrations::back_to(&mut old, 2);
    drop(old);
    // A reader changes nothing, so it cannot bring it up to date.
    assert!(matches!(
        Reader::open(&settings),
        Err(OpenError::OlderSchema { .. })
    ));

    let store = Store::open(&settings).expect("brought up to date");
    let after = store
        .reader()
        .installation("old")
        .expect("readable")
        .expect("there");
    assert_eq!(
        (after.public_id, after.updated_ms, after.take_back),
        (before.public_id, before.updated_ms, None)
    );
    assert_eq!(
        store.open_secret(&after).expect("opens").expose_secret(),
        "canary-secret-0123456789"
    );
    Reader::open(&settings).expect("it is up to date");
}

/// What the seventh schema kept is kept on; its bots belong to the space that is there from the beginning.
#[test]
fn a_database_of_the_seventh_schema_is_taken_over() {
    let mut bench = Bench::running();
    let before = bot(&bench);
    assert_eq!(bench.ask(event(1, 1)), recorded(1, 1));
    bench.close();
    let path = bench.database().display().to_string();
    let mut old = SqliteConnection::establish(&path).expect("a database");
    migrations::back_to(&mut old, 7);
    drop(old);
    bench.open(Store::open(&settings(bench.directory.path())).expect("brought up to date"));
    let after = bot(&bench);
    assert_eq!(
        (
            after.id,
            after.public_id,
            after.revision,
            after.space.as_str()
        ),
        (before.id, before.public_id, before.revision, "default")
    );
    let reader = bench.store.reader();
    assert_eq!(reader.installations().expect("readable").len(), 1);
    assert!(reader.consumers().expect("readable").is_empty());
    assert!(bench.store.tokens().is_empty());
    bench.run();
    assert_eq!(bench.ask(event(2, 1)), repeat(2, 1, Tier::EventId));
    assert_eq!(bench.ask(event(3, 2)), recorded(3, 2));
    assert_eq!(bench.integrity(), "ok");
}

/// The schema before it was kept who has a bot.
#[test]
fn a_database_that_knows_no_displacement_is_taken_over() {
    let directory = tempfile::tempdir().expect("a directory");
    let settings = settings(directory.path());
    let wecom = NewInstallation {
        platform: Platform::Wecom,
        take_back: TakeBack::new(Duration::from_secs(600), 3).ok(),
        ..installation("old")
    };
    let store = Store::open(&settings).expect("opens");
    let before = store.add_installation(wecom).expect("added");
    // A writer that has ended leaves nobody who holds the store.
    let writer = store.run_writer(|_| ()).expect("a thread");
    store.stop_writer();
    writer.join().expect("no panic");
    drop(store);
    let path = directory.path().join("longwire.db").display().to_string();
    let mut old = SqliteConnection::establish(&path).expect("a database");
    migrations::back_to(&mut old, 3);
    drop(old);
    let store = Store::open(&settings).expect("brought up to date");
    let after = store
        .reader()
        .installation("old")
        .expect("readable")
        .expect("there");
    assert_eq!(
        (after.public_id, after.take_back, after.updated_ms),
        (before.public_id, before.take_back, before.updated_ms)
    );
    assert_eq!(
        (after.displaced_ms, after.claims, after.taken_back_ms.len()),
        (None, 0, 0)
    );
}

/// The schema before changes were numbered. A name and a base URL that are not legal any more stay.
#[test]
fn a_database_without_revisions_is_taken_over() {
    let directory = tempfile::tempdir().expect("a directory");
    let settings = settings(directory.path());
    let before = {
        let store = Store::open(&settings).expect("opens");
        let add = |name| store.add_installation(installation(name)).expect("added");
        let both = [add("older"), add("newer")];
        store
            .set_desired(both[0].id, Desired::Stop)
            .expect("changed");
        both
    };
    let path = directory.path().join("longwire.db").display().to_string();
    let mut old = SqliteConnection::establish(&path).expect("a database");
    migrations::back_to(&mut old, 6);
    old.batch_execute(
        "UPDATE installation SET name = 'ins_older ', base_url = 'nowhere' WHERE name = 'older'",
    )
    .expect("a row");
    drop(old);
    let store = Store::open(&settings).expect("brought up to date");
    let after = store.reader().installations().expect("readable");
    assert_eq!(after.len(), 2);
    for (after, before) in after.iter().zip(&before) {
        assert_eq!(
            (after.public_id, after.created_ms, after.claims),
            (before.public_id, before.created_ms, before.claims)
        );
        let secret = store.open_secret(after).expect("opens");
        assert_eq!(secret.expose_secret(), "canary-secret-0123456789");
    }
    assert_eq!(after[0].name.as_str(), "ins_older ");
    assert_eq!(after[0].desired, Desired::Stop);
    assert!(after[0].resolved_base_url().is_err());
    assert!(after[0].revision < after[1].revision);
    let newest = store.add_installation(installation("newest"));
    assert!(newest.expect("added").revision > after[1].revision);
}

/// S63: a bot of the schema that knew no callbacks stays on its long connection. What a later version removed is a stopped bot
/// without a secret for an earlier one.
#[test]
fn a_database_that_knows_no_modes_is_taken_over() {
    let directory = tempfile::tempdir().expect("a directory");
    let settings = settings(directory.path());
    let before = {
        let store = Store::open(&settings).expect("opens");
        let removed = store.add_installation(installation("removed"));
        let removed = removed.expect("added").id;
        store.remove_installation(removed).expect("removed");
        store.add_installation(installation("old")).expect("added")
    };
    let path = directory.path().join("longwire.db").display().to_string();
    let mut old = SqliteConnection::establish(&path).expect("a database");
    migrations::back_to(&mut old, 10);
    drop(old);
    let store = Store::open(&settings).expect("brought up to date");
    let all = store.reader().installations().expect("readable");
    let [removed, after] = &all[..] else {
        panic!("{all:?}");
    };
    assert_eq!(removed.name.as_str(), removed.public_id.to_string());
    assert_eq!(removed.desired, Desired::Stop);
    let nothing = store.open_secret(removed).expect("opens");
    assert_eq!(nothing.expose_secret(), "");
    assert_eq!(
        (after.public_id, after.revision, after.mode),
        (before.public_id, before.revision, Mode::LongConnection)
    );
    assert!(!after.has_verification_token() && !after.has_encrypt_key());
    assert!(after.candidate.is_none());
}
