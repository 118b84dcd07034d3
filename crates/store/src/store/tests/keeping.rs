//! Opening, secrets, installations and the timeline.

use super::displacements::{displaced, keep};
use super::*;

#[test]
fn one_process_at_a_time() {
    let bench = Bench::still();
    let refused = Store::open(&settings(bench.directory.path())).expect_err("held");
    assert!(matches!(refused, OpenError::Held { pid: Some(pid), .. } if pid == std::process::id()));
    assert!(
        refused
            .to_string()
            .contains(&std::process::id().to_string())
    );
}

#[test]
fn what_does_not_open_says_why() {
    let directory = tempfile::tempdir().expect("a directory");
    let at = |name: &str| StoreSettings::at(directory.path().join(name).display().to_string());
    fs::write(
        directory.path().join("text"),
        "not a database, but long enough to have a header".repeat(40),
    )
    .expect("file");
    assert!(matches!(
        Store::open(&at("text")),
        Err(OpenError::NotADatabase { .. })
    ));
    assert!(matches!(
        Store::open(&at("text/below.db")),
        Err(OpenError::NotADirectory { .. })
    ));
    fs::create_dir(directory.path().join("folder")).expect("a folder");
    assert!(matches!(
        Store::open(&at("folder")),
        Err(OpenError::IsADirectory { .. })
    ));
    assert!(matches!(
        Reader::open(&at("absent")),
        Err(OpenError::Missing { .. })
    ));

    let path = directory.path().join("foreign").display().to_string();
    let mut foreign = SqliteConnection::establish(&path).expect("a database");
    foreign
        .batch_execute("CREATE TABLE theirs (x)")
        .expect("a table");
    assert!(matches!(
        Store::open(&at("foreign")),
        Err(OpenError::Foreign { .. })
    ));

    drop(Store::open(&at("newer")).expect("opens"));
    let path = directory.path().join("newer").display().to_string();
    let mut newer = SqliteConnection::establish(&path).expect("a database");
    newer
        .batch_execute("INSERT INTO __diesel_schema_migrations (version) VALUES ('99999999999999')")
        .expect("a row");
    assert!(
        matches!(Store::open(&at("newer")), Err(OpenError::NewerSchema { version, .. }) if version == "99999999999999")
    );
}

#[test]
fn secrets_are_sealed_on_disk_and_opened_for_use() {
    let mut bench = Bench::running();
    let record = bench
        .store
        .reader()
        .installation("bot")
        .expect("readable")
        .expect("there");
    assert_eq!(
        bench
            .store
            .open_secret(&record)
            .expect("opens")
            .expose_secret(),
        "canary-secret-0123456789"
    );
    let proxy = bench
        .store
        .open_proxy(&record)
        .expect("opens")
        .expect("there");
    assert!(proxy.expose_secret().contains("canary-proxy"));
    assert!(!format!("{record:?}").contains("canary"));
    let by_id = bench
        .store
        .reader()
        .installation(&record.public_id.to_string())
        .expect("readable")
        .expect("there");
    assert_eq!(by_id.id, record.id);
    let mut looked_at = 0;
    for file in fs::read_dir(bench.directory.path()).expect("listed") {
        let bytes = fs::read(file.expect("an entry").path()).expect("readable");
        looked_at += bytes.len();
        assert!(!bytes.windows(6).any(|window| window == b"canary"));
    }
    assert!(looked_at > 8192, "the database and its log were looked at");
    let mode = fs::metadata(bench.database())
        .expect("there")
        .permissions()
        .mode();
    assert_eq!(mode & 0o777, 0o600);

    bench.stop();
    let directory = std::mem::replace(
        &mut bench.directory,
        tempfile::tempdir().expect("a directory"),
    );
    drop(bench);
    fs::remove_file(directory.path().join("longwire.db.key")).expect("removed");
    assert!(matches!(
        Store::open(&settings(directory.path())),
        Err(OpenError::Keys(_))
    ));
}

#[test]
fn the_configuration_file_owns_what_it_declares() {
    let bench = Bench::running();
    let declare = |name: &str| NewInstallation {
        origin: Origin::File,
        ..installation(name)
    };
    let first = bench
        .store
        .put_from_file(vec![declare("a"), declare("b")])
        .expect("put");
    let again = bench
        .store
        .put_from_file(vec![declare("a"), declare("b")])
        .expect("put");
    assert_eq!(
        (first[0].updated_ms, first[0].revision),
        (again[0].updated_ms, again[0].revision)
    );
    assert_eq!(first[0].sealed.secret, again[0].sealed.secret);
    let mut changed = declare("a");
    changed.app_secret = "another".into();
    let third = bench.store.put_from_file(vec![changed]).expect("put");
    assert_eq!(third[0].public_id, first[0].public_id);
    assert!(third[0].revision > first[1].revision, "changed last");
    assert_eq!(
        bench
            .store
            .open_secret(&third[0])
            .expect("opens")
            .expose_secret(),
        "another"
    );
    let desired = |name| {
        bench
            .store
            .reader()
            .installation(name)
            .expect("readable")
            .expect("there")
            .desired
    };
    assert_eq!(
        (desired("a"), desired("b"), desired("bot")),
        (Desired::Run, Desired::Stop, Desired::Run)
    );
    let twice = bench.store.put_from_file(vec![declare("c"), declare("c")]);
    assert!(matches!(twice, Err(WriteError::NameTaken { .. })));
    assert!(matches!(
        bench.store.add_installation(installation("a")),
        Err(WriteError::NameTaken { .. })
    ));
    let nobody = bench.store.set_desired(InstallationId(404), Desired::Run);
    assert!(matches!(
        nobody,
        Err(WriteError::UnknownInstallation { .. })
    ));
}

/// A secret's file that is not mounted yet is no new secret. Otherwise a bot that another program holds would be claimed.
#[test]
fn what_cannot_be_read_at_the_moment_stays_as_it_was() {
    let bench = Bench::running();
    let declared = || NewInstallation {
        origin: Origin::File,
        ..installation("declared")
    };
    let put = |new| {
        let mut records = bench.store.put_from_file(vec![new]).expect("put");
        records.pop().expect("one")
    };
    let first = put(declared());
    let without = put(NewInstallation {
        app_secret: "".into(),
        proxy: Some("".into()),
        ..declared()
    });
    let again = put(declared());
    for record in [without, again] {
        assert_eq!(record.sealed.secret, first.sealed.secret);
        assert_eq!(record.sealed.proxy, first.sealed.proxy);
        assert_eq!(record.claims, first.claims);
    }
}

#[test]
fn one_name_at_a_time_is_wanted_for_a_bot() {
    let bench = Bench::running();
    let same = |name: &str, desired| NewInstallation {
        app_id: "cli_same".to_owned(),
        desired,
        ..installation(name)
    };
    let add = |new| bench.store.add_installation(new);
    let is_same_bot = |error: WriteError, one: &str, another: &str| {
        assert!(
            matches!(&error, WriteError::SameBot { name, other } if name == one && other == another),
            "{error:?}"
        );
    };
    let first = add(same("first", Desired::Run)).expect("added").id;
    let refused = add(same("second", Desired::Run)).expect_err("first is it");
    is_same_bot(refused, "second", "first");
    let second = add(same("second", Desired::Stop)).expect("added").id;
    let lark = NewInstallation {
        platform: Platform::Lark,
        ..same("lark", Desired::Run)
    };
    add(lark).expect("another cloud");
    let wish = |id, desired| bench.store.set_desired(id, desired);
    let refused = wish(second, Desired::Run).expect_err("first is it");
    is_same_bot(refused, "second", "first");
    wish(first, Desired::Run).expect("it is itself");
    wish(first, Desired::Stop).expect("changed");
    wish(second, Desired::Run).expect("changed");
    // Somebody starts a server with such a file; who of the two runs is for that server to say.
    let declared = NewInstallation {
        origin: Origin::File,
        ..same("third", Desired::Run)
    };
    let put = bench.store.put_from_file(vec![declared]).expect("put");
    assert_eq!(put[0].desired, Desired::Run);
}

#[test]
fn a_take_back_is_kept_and_changed_by_the_file() {
    let bench = Bench::running();
    let declare = |take_back| NewInstallation {
        platform: Platform::Wecom,
        origin: Origin::File,
        take_back,
        ..installation("wecom")
    };
    let take_back = |minutes: u64, per_day| {
        TakeBack::new(Duration::from_secs(60 * minutes), per_day).expect("within the bounds")
    };
    for wanted in [
        Some(take_back(10, 3)),
        Some(take_back(10, 48)),
        Some(take_back(5, 48)),
        None,
    ] {
        let put = bench.store.put_from_file(vec![declare(wanted)]);
        assert_eq!(put.expect("put")[0].take_back, wanted);
        let kept = bench
            .store
            .reader()
            .installation("wecom")
            .expect("readable");
        let kept = kept.expect("there");
        assert_eq!((kept.platform, kept.take_back), (Platform::Wecom, wanted));
    }
}

#[test]
fn the_timeline_keeps_the_newest_thousand() {
    let mut bench = Bench::still();
    let note = |at_ms| TimelineEntry {
        installation: bench.bot,
        at_ms,
        generation: 1,
        kind: TimelineKind::Lost,
        detail: "reset".to_owned(),
    };
    for at_ms in 0..1_300 {
        bench.store.writer().note(note(at_ms));
    }
    let newest = note(1_299);
    bench.run();
    bench.stop();
    let kept = bench
        .store
        .reader()
        .timeline(bench.bot, 10_000)
        .expect("readable");
    assert!(
        (1_000..=1_064).contains(&kept.len()),
        "{} notes",
        kept.len()
    );
    assert_eq!(kept[0].entry, newest);
}

/// What changed after a revision is what an operator changed since, in whatever order the rows are.
#[test]
fn changes_are_numbered_in_their_order() {
    let bench = Bench::running();
    let add = |name| {
        let added = bench.store.add_installation(installation(name));
        added.expect("added")
    };
    let (first, second) = (add("first"), add("second"));
    assert!(bot(&bench).revision < first.revision && first.revision < second.revision);
    let changed_after = |revision| -> Vec<String> {
        let changed = bench.store.reader().installations_after(revision);
        let changed = changed.expect("readable").into_iter();
        changed.map(|record| record.name.to_string()).collect()
    };
    assert_eq!(changed_after(Revision::NONE), ["bot", "first", "second"]);
    assert_eq!(changed_after(second.revision), [""; 0]);

    // A wish that is repeated is a change: it claims the bot.
    for desired in [Desired::Stop, Desired::Run, Desired::Run] {
        let latest = bench.store.reader().installations().expect("readable");
        let latest = latest.iter().map(|record| record.revision).max();
        let latest = latest.expect("there are some");
        let set = bench.store.set_desired(first.id, desired);
        set.expect("it is there");
        assert_eq!(changed_after(latest), ["first"]);
    }
    // Who has a bot is seen, not decided.
    let before = bot(&bench).revision;
    keep(&bench, displaced(&bench, 0, Some(3_000)));
    assert_eq!(bot(&bench).revision, before);
    // What is refused has no number.
    let nobody = bench.store.set_desired(InstallationId(404), Desired::Stop);
    assert!(matches!(
        nobody,
        Err(WriteError::UnknownInstallation { .. })
    ));
    let next = add("third").revision;
    let latest = bench.store.reader().installations_after(second.revision);
    let latest = latest.expect("readable");
    assert_eq!(next, Revision(latest[0].revision.0 + 1));
}
