//! Who has a bot: kept until an operator decides, and over trouble.

use super::*;

/// Keeps it, and waits until it is durable.
pub(super) fn keep(bench: &Bench, displacement: Displacement) {
    let (tell, told) = mpsc::channel();
    let kept = move || tell.send(()).expect("somebody waits");
    bench.store.writer().keep_displacement(displacement, kept);
    told.recv_timeout(DEADLINE).expect("it is kept");
}

pub(super) fn displaced(bench: &Bench, claims: u64, displaced_ms: Option<i64>) -> Displacement {
    Displacement {
        installation: bench.bot,
        claims,
        displaced_ms,
        taken_back_ms: vec![1_000, 2_000],
    }
}

#[test]
fn who_has_a_bot_is_kept_until_an_operator_starts_it() {
    let mut bench = Bench::running();
    assert_eq!((bot(&bench).displaced_ms, bot(&bench).claims), (None, 0));
    keep(&bench, displaced(&bench, 0, Some(3_000)));
    let before = bot(&bench);
    assert_eq!(before.displaced_ms, Some(3_000));
    assert_eq!(*before.taken_back_ms, [1_000, 2_000]);
    let all = bench.store.reader().installations().expect("readable");
    assert_eq!(
        (all[0].displaced_ms, &all[0].taken_back_ms),
        (Some(3_000), &before.taken_back_ms)
    );

    // To stop it says nothing of who is to have it.
    let set = |bench: &Bench, desired| {
        let set = bench.store.set_desired(bench.bot, desired);
        set.expect("it is there");
    };
    set(&bench, Desired::Stop);
    assert_eq!(bot(&bench).displaced_ms, Some(3_000));
    set(&bench, Desired::Run);
    assert_eq!((bot(&bench).displaced_ms, bot(&bench).claims), (None, 1));
    assert_eq!(*bot(&bench).taken_back_ms, [1_000, 2_000], "they count on");

    // What was seen before the operator decided comes too late.
    keep(&bench, displaced(&bench, 0, Some(4_000)));
    assert_eq!(bot(&bench).displaced_ms, None);
    keep(&bench, displaced(&bench, 1, Some(5_000)));
    assert_eq!(bot(&bench).displaced_ms, Some(5_000));
    // Already wanted, and wanted again: that is how a displaced one is taken back.
    set(&bench, Desired::Run);
    assert_eq!((bot(&bench).displaced_ms, bot(&bench).claims), (None, 2));
    let nobodys = Displacement {
        installation: InstallationId(404),
        ..displaced(&bench, 0, Some(1))
    };
    keep(&bench, nobodys);
    bench.stop();
}

/// A row that another program added or repaired has no revision of ours.
#[test]
fn an_installation_without_a_revision_is_one_of_all() {
    let bench = Bench::running();
    keep(&bench, displaced(&bench, 0, None));
    let second = bench.store.add_installation(installation("b"));
    let second = second.expect("added");
    let path = bench.database().display().to_string();
    let mut other = SqliteConnection::establish(&path).expect("connects");
    other
        .batch_execute("UPDATE installation SET revision = 0 WHERE name = 'bot'")
        .expect("written");
    let all = bench.store.reader().installations().expect("readable");
    let names: Vec<&str> = all.iter().map(|bot| bot.name.as_str()).collect();
    assert_eq!(names, ["bot", "b"]);
    assert_eq!(*all[0].taken_back_ms, [1_000, 2_000]);
    let before = Revision(second.revision.0 - 1);
    let changed = bench.store.reader().installations_after(before);
    let changed = changed.expect("readable");
    assert_eq!(changed.len(), 1, "it is no change");
    assert_eq!(changed[0].id, second.id);
    assert!(changed[0].taken_back_ms.is_empty());
}

#[test]
fn new_access_is_a_new_beginning_and_a_new_wish_is_none() {
    let bench = Bench::running();
    let declare = |secret: &str, desired| NewInstallation {
        app_secret: secret.into(),
        desired,
        origin: Origin::File,
        ..installation("bot")
    };
    let put = |new| {
        bench.store.put_from_file(vec![new]).expect("put");
    };
    put(declare("canary-secret-0123456789", Desired::Run));
    keep(&bench, displaced(&bench, 0, Some(3_000)));
    // Started again from its file, with and without a stop between.
    for desired in [Desired::Run, Desired::Stop, Desired::Run] {
        put(declare("canary-secret-0123456789", desired));
        assert_eq!(bot(&bench).displaced_ms, Some(3_000));
    }
    put(declare("another", Desired::Run));
    assert_eq!((bot(&bench).displaced_ms, bot(&bench).claims), (None, 1));
}

/// The disk that is full when a bot is displaced has room again before the next start.
#[test]
fn who_has_a_bot_waits_for_a_database_that_takes_it() {
    let mut bench = Bench::running();
    let path = bench.database().display().to_string();
    let mut other = SqliteConnection::establish(&path).expect("a database");
    other
        .batch_execute("BEGIN IMMEDIATE")
        .expect("nobody else writes");
    let (tell, told) = mpsc::channel();
    for (number, displaced_ms) in [(1, Some(1)), (2, None), (3, Some(3))] {
        let tell = tell.clone();
        let kept = move || tell.send(number).expect("somebody waits");
        let displacement = displaced(&bench, 0, displaced_ms);
        bench.store.writer().keep_displacement(displacement, kept);
    }
    let deadline = Instant::now() + DEADLINE;
    while bench.store.health() == Health::Ok {
        assert!(Instant::now() < deadline, "the database is locked");
        std::thread::yield_now();
    }
    other.batch_execute("ROLLBACK").expect("it is ours");
    while told.recv_timeout(DEADLINE).expect("the newest is kept") != 3 {}
    assert_eq!(bot(&bench).displaced_ms, Some(3));
    bench.stop();
}

/// Whatever the writer has not come to yet is written when it is told to end.
#[test]
fn who_has_a_bot_is_kept_before_the_writer_ends() {
    let mut bench = Bench::still();
    let displacement = displaced(&bench, 0, Some(7));
    bench.store.writer().keep_displacement(displacement, || ());
    bench.run();
    bench.stop();
    assert_eq!(bot(&bench).displaced_ms, Some(7));
}
