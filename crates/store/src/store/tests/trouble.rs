//! Everything that may go wrong under the writer, and how it ends.

use super::*;
use crate::engine::WriteEngine as _;
use crate::sqlite::log::Log;
use crate::writer::DatabaseState;

#[test]
fn a_locked_database_is_refused_and_recovers() {
    let bench = Bench::running();
    let mut other =
        SqliteConnection::establish(&bench.database().display().to_string()).expect("connects");
    other.batch_execute("BEGIN IMMEDIATE").expect("the lock");
    assert_eq!(
        bench.ask(event(1, 1)),
        Heard::NotRecorded(vec![1], Cause::Locked)
    );
    assert!(matches!(
        bench.store.health(),
        Health::Degraded {
            cause: Cause::Locked,
            ..
        }
    ));
    assert_eq!(bench.store.reader().count_events().expect("reads go on"), 0);
    other.batch_execute("COMMIT").expect("released");
    bench.until_health(|health| *health == Health::Ok);
    assert_eq!(bench.ask(event(1, 1)), recorded(1, 1));
}

#[test]
fn a_vanished_file_is_no_record_and_is_not_made_anew() {
    let bench = Bench::running();
    assert_eq!(bench.ask(event(1, 1)), recorded(1, 1));
    let aside = bench.directory.path().join("aside.db");
    fs::rename(bench.database(), &aside).expect("moved");
    assert_eq!(
        bench.ask(event(2, 2)),
        Heard::NotRecorded(vec![2], Cause::Gone)
    );
    // It keeps answering, and keeps its hands off the empty place.
    assert_eq!(
        bench.ask(event(3, 3)),
        Heard::NotRecorded(vec![3], Cause::Gone)
    );
    assert!(!bench.database().exists());
    fs::write(bench.database(), b"").expect("an empty file in its place");
    bench.ask_until(3, is_refused_as(Cause::Gone));
    fs::rename(&aside, bench.database()).expect("back");
    bench.until_health(|health| *health == Health::Ok);
    assert_eq!(bench.ask(event(4, 1)), repeat(4, 1, Tier::EventId));
}

#[test]
fn a_vanished_write_ahead_log_is_noticed() {
    let bench = Bench::running();
    assert_eq!(bench.ask(event(1, 1)), recorded(1, 1));
    fs::remove_file(bench.directory.path().join("longwire.db-wal")).expect("removed");
    assert_eq!(
        bench.ask(event(2, 2)),
        Heard::NotRecorded(vec![2], Cause::Gone)
    );
    bench.until_health(|health| *health == Health::Ok);
    assert_eq!(bench.ask(event(3, 1)), repeat(3, 1, Tier::EventId));
}

#[test]
fn a_read_only_database_is_refused_and_recovers() {
    let bench = Bench::running();
    // Root may write anywhere, so the mode of the file would show nothing.
    bench.pragma("PRAGMA query_only = ON".to_owned());
    assert_eq!(
        bench.ask(event(1, 1)),
        Heard::NotRecorded(vec![1], Cause::ReadOnly)
    );
    bench.until_health(|health| *health == Health::Ok);
    assert_eq!(bench.ask(event(1, 1)), recorded(1, 1));
}

#[test]
fn a_full_disk_is_refused_and_recovers() {
    let mut bench = Bench::still();
    let pages = 40;
    bench.sqlite(move |engine| engine.file.page_limit.store(pages, SeqCst));
    bench.pragma(format!("PRAGMA max_page_count = {pages}"));
    bench.run();
    let mut large = event(1, 1);
    large.payload = Bytes::from(vec![b'x'; 1024 * 1024]);
    assert_eq!(
        bench.ask(large.clone()),
        Heard::NotRecorded(vec![1], Cause::DiskFull)
    );
    assert!(matches!(
        bench.store.health(),
        Health::Degraded {
            cause: Cause::DiskFull,
            ..
        }
    ));
    bench.sqlite(|engine| engine.file.page_limit.store(0, SeqCst));
    // A full disk is met with the same connection, which has a limit of its own.
    bench.pragma("PRAGMA max_page_count = 1073741823".to_owned());
    bench.until_health(|health| *health == Health::Ok);
    let until = Instant::now() + DEADLINE;
    while !is_recorded(&bench.ask(large.clone())) {
        assert!(Instant::now() < until, "no room came back");
    }
}

#[test]
fn a_panic_answers_what_was_in_hand_and_the_queue_survives() {
    /// Panics on the writer's thread.
    struct Bomb;
    impl GroupReply for Bomb {
        fn recorded(&self, _: Vec<Receipt>) {
            panic!("as the test wants");
        }
        fn not_recorded(&self, _: Vec<u32>, _: Cause) {}
    }
    let mut bench = Bench::still();
    let mut bomb = bench.group(vec![event(1, 1)]);
    bomb.reply = Arc::new(Bomb);
    bench.store.writer().submit(bomb).expect("room");
    bench.submit(vec![event(2, 2)]);
    // Both are one batch; the second loses its receipt, and nothing else.
    let (told, ended) = mpsc::channel();
    let thread = bench
        .store
        .run_writer(move |outcome| {
            let text = outcome
                .err()
                .and_then(|payload| payload.downcast_ref::<&str>());
            let _ = told.send(text.copied().map(str::to_owned));
        })
        .expect("a thread");
    assert!(thread.join().is_err());
    assert!(
        matches!(ended.recv(), Ok(Some(_))),
        "whoever watches has the panic's text"
    );
    assert_eq!(bench.hear(), Heard::NotRecorded(vec![2], Cause::WriterGone));
    assert!(matches!(
        bench.store.health(),
        Health::Degraded {
            cause: Cause::WriterGone,
            ..
        }
    ));
    bench.submit(vec![event(3, 2), event(4, 3)]);
    bench.run();
    let expected = vec![
        (
            3,
            RecordOutcome::Repeat {
                of: Seq(2),
                tier: Tier::EventId,
            },
        ),
        (4, RecordOutcome::Recorded(Seq(3))),
    ];
    assert_eq!(bench.hear(), Heard::Recorded(expected));
    bench.until_health(|health| *health == Health::Ok);
    assert_eq!(bench.store.figures().queue_events_max, 2);
}

/// A disk that hangs, for whoever has the connection: it is let go by dropping the sender.
fn hang(store: &Store) -> crossbeam_channel::Sender<()> {
    let (let_go, held) = bounded::<()>(0);
    let (inside, is_inside) = bounded::<()>(1);
    let stuck: Job = Box::new(move |_| {
        let _ = inside.send(());
        let _ = held.recv();
        DatabaseState::Works
    });
    store.hand_in(stuck).expect("there is room");
    is_inside.recv_timeout(DEADLINE).expect("it is in there");
    let_go
}

#[test]
fn to_stop_a_writer_that_the_disk_holds_waits_for_nothing() {
    let mut bench = Bench::running();
    let let_go = hang(&bench.store);
    while bench
        .store
        .hand_in(Box::new(|_| DatabaseState::Untried))
        .is_ok()
    {}
    let (told, is_told) = bounded(1);
    let store = bench.store.clone();
    std::thread::spawn(move || {
        store.stop_writer();
        store.stop_writer();
        let _ = told.send(());
    });
    is_told
        .recv_timeout(DEADLINE)
        .expect("whoever ends the process is not held");
    drop(let_go);
    bench.stop();
}

/// Whether there is a writer thread or not, who asks for a change is told in time what may have become of it.
#[test]
fn a_change_that_the_disk_holds_is_waited_for_no_longer_than_is_said() {
    const PATIENCE: Duration = Duration::from_millis(50);
    for writer_runs in [true, false] {
        let mut bench = Bench::still();
        if writer_runs {
            bench.run();
        }
        let let_go = hang(&bench.store);
        let (bot, store) = (bench.bot, bench.store.clone());
        let not_begun = store.administer(PATIENCE, move |tables| {
            crate::installation::set_desired(tables.installations(), bot, Desired::Stop)
        });
        assert!(
            matches!(not_begun, Err(WriteError::NotBegun { after: PATIENCE })),
            "{not_begun:?}"
        );
        drop(let_go);

        // And one that is in the database already.
        let (let_go, held) = bounded::<()>(0);
        let overdue = loop {
            let held = held.clone();
            let outcome = store.administer(PATIENCE, move |_| {
                let _ = held.recv();
                Ok(())
            });
            // On a busy machine the thread may come too late.
            if !matches!(outcome, Err(WriteError::NotBegun { .. })) {
                break outcome;
            }
        };
        assert!(
            matches!(overdue, Err(WriteError::Overdue { after: PATIENCE })),
            "{overdue:?}"
        );
        drop(let_go);
        store
            .set_desired(bench.bot, Desired::Run)
            .expect("it goes on");
        let kept = store
            .reader()
            .installation("bot")
            .expect("readable")
            .expect("there");
        assert_eq!(kept.desired, Desired::Run);
        if !writer_runs {
            bench.run();
        }
        assert_eq!(bench.ask(event(1, 1)), recorded(1, 1));
    }
}

/// The fleet starts the writer on an actor's thread, which has other things to do than to wait for a disk.
#[test]
fn a_writer_is_started_and_stopped_while_a_change_hangs() {
    let mut bench = Bench::still();
    let let_go = hang(&bench.store);
    bench.run();
    bench.submit(vec![event(1, 1)]);
    // A second one has nothing to do.
    let second = bench.store.run_writer(|_| ()).expect("a thread");
    second.join().expect("it ends at once");
    bench.store.stop_writer();
    drop(let_go);
    bench.stop();
    assert_eq!(bench.hear(), recorded(1, 1));
    bench.run();
    assert_eq!(bench.ask(event(2, 1)), repeat(2, 1, Tier::EventId));
}

fn sqlite_of(state: &mut WriterState) -> &mut SqliteEngine {
    state.engine.as_any().downcast_mut().expect("it is SQLite")
}

/// A store with one event, whose log failed and was opened again. A lock refused the first write to it, so it has not been
/// compared with the log before it.
fn reopened_and_locked() -> (Bench, Box<WriterState>) {
    let mut bench = Bench::running();
    assert_eq!(bench.ask(event(1, 1)), recorded(1, 1));
    bench.stop();
    let WriterSlot::Free(mut state) =
        mem::replace(&mut *bench.store.open.slot(), WriterSlot::Changing)
    else {
        panic!("the writer has ended");
    };
    let engine = sqlite_of(&mut state);
    engine.close(&Failure::new(Cause::Other, "as the test wants"));
    let file = Arc::clone(&engine.file);
    let previous = engine.previous.as_mut();
    let log = Log::reopen(file, &mut engine.lock, previous, engine.run_events);
    engine.log = Some(log.expect("opens again"));
    let locked = Failure::new(Cause::Locked, "as the test wants");
    state.health.degrade(&locked);
    state.trouble = Some(locked);
    state.retry_at = Instant::now();
    (bench, state)
}

#[test]
fn a_change_that_succeeds_does_not_end_trouble_that_events_still_have() {
    let (mut bench, state) = reopened_and_locked();
    *bench.store.open.slot() = WriterSlot::Free(state);
    let changed = bench.store.set_desired(bench.bot, Desired::Stop);
    changed.expect("the lock is gone");
    let health = bench.store.health();
    assert!(
        matches!(
            health,
            Health::Degraded {
                cause: Cause::Locked,
                ..
            }
        ),
        "{health:?}"
    );
    // The writer's next attempt compares the logs.
    bench.run();
    bench.until_health(|health| *health == Health::Ok);
    assert_eq!(bench.ask(event(2, 2)), recorded(2, 2));
}

#[test]
fn a_panic_forgets_no_log_that_was_never_compared() {
    let (bench, state) = reopened_and_locked();
    drop(WriterRun {
        open: Arc::clone(&bench.store.open),
        state: Some(state),
        handed_over: None,
    });
    let mut slot = bench.store.open.slot();
    let WriterSlot::Free(state) = &mut *slot else {
        panic!("nobody has it");
    };
    let engine = sqlite_of(state);
    let previous = engine.previous.as_ref().expect("it was closed");
    assert_eq!(
        (previous.through, previous.given),
        (Some(Seq(1)), Some(Seq(1)))
    );
}
