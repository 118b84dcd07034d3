//! What the writer does with any engine, told with one that fails on command.

use std::sync::atomic::AtomicUsize;

use crossbeam_channel::never;

use super::*;
use crate::lane::LANE_BATCH;
use crate::pace::BATCH_EVENTS;

/// An event with a key of its own.
fn numbered(number: usize) -> NewEvent {
    let mut event = event(u32::try_from(number).expect("few"), 0);
    event.identity.event.0[..8].copy_from_slice(&number.to_le_bytes());
    event
}

#[test]
fn whatever_fails_is_told_and_passes() {
    for cause in [Cause::Io, Cause::Locked, Cause::DiskFull, Cause::Gone] {
        let database = MemoryDatabase::default();
        let mut bench = Bench::in_memory(&database);
        bench.run();
        assert_eq!(bench.ask(event(1, 1)), recorded(1, 1));
        database.fail([cause]);
        assert_eq!(bench.ask(event(2, 2)), Heard::NotRecorded(vec![2], cause));
        let health = bench.store.health();
        assert!(
            matches!(health, Health::Degraded { cause: known, .. } if known == cause),
            "{health:?}"
        );
        if matches!(cause, Cause::Locked | Cause::DiskFull) {
            // The connection is as good as before.
            assert_eq!(bench.ask(event(3, 3)), recorded(3, 2));
            assert_eq!(bench.store.health(), Health::Ok);
            continue;
        }
        // At once, and without the engine.
        let batches = database.batches().len();
        assert_eq!(bench.ask(event(3, 3)), Heard::NotRecorded(vec![3], cause));
        assert_eq!(database.batches().len(), batches);
        bench.until_health(|health| *health == Health::Ok);
        assert_eq!(bench.retries(), 1);
        assert_eq!(bench.ask(event(4, 1)), repeat(4, 1, Tier::EventId));
        assert_eq!(bench.ask(event(5, 2)), recorded(5, 2));
    }
}

#[test]
fn the_writer_tries_again_until_the_engine_recovers() {
    let database = MemoryDatabase::default();
    let mut bench = Bench::in_memory(&database);
    bench.run();
    database.fail([Cause::Io, Cause::Io, Cause::ReadOnly]);
    assert_eq!(
        bench.ask(event(1, 1)),
        Heard::NotRecorded(vec![1], Cause::Io)
    );
    bench.until_health(
        |health| matches!(health, Health::Degraded { cause, .. } if *cause == Cause::ReadOnly),
    );
    bench.until_health(|health| *health == Health::Ok);
    assert_eq!(bench.retries(), 3);
    assert_eq!(bench.ask(event(1, 1)), recorded(1, 1));
}

#[test]
fn one_bad_event_is_refused_alone_by_any_engine() {
    let database = MemoryDatabase::default();
    let mut bench = Bench::in_memory(&database);
    let mut stranger = bench.group(vec![event(1, 1)]);
    stranger.installation = InstallationId(77);
    bench.store.writer().submit(stranger).expect("room");
    bench.submit(vec![event(2, 2), with_message(event(3, 3), 9)]);
    bench.submit(vec![event(4, 2), with_message(event(5, 5), 9)]);
    bench.run();
    assert_eq!(bench.hear(), Heard::NotRecorded(vec![1], Cause::Poison));
    let first = |ticket, seq| (ticket, RecordOutcome::Recorded(Seq(seq)));
    let again = |ticket, of, tier| (ticket, RecordOutcome::Repeat { of: Seq(of), tier });
    assert_eq!(
        bench.hear(),
        Heard::Recorded(vec![first(2, 1), first(3, 2)])
    );
    let repeats = vec![again(4, 1, Tier::EventId), again(5, 2, Tier::Message)];
    assert_eq!(bench.hear(), Heard::Recorded(repeats));
    assert_eq!(bench.store.figures().poisoned, 1);
    assert_eq!(bench.store.reader().count_events().expect("readable"), 2);
}

#[test]
fn what_comes_during_a_commit_is_the_next_batch() {
    let database = MemoryDatabase::default();
    let (bench, release) = held(&database);
    let more = BATCH_EVENTS + 10;
    for number in 1..=more {
        bench.submit(vec![numbered(number)]);
    }
    drop(release);
    for _ in 0..=more {
        assert!(is_recorded(&bench.hear()));
    }
    assert_eq!(database.batches(), [(1, 0), (BATCH_EVENTS, 0), (10, 0)]);
}

/// A store whose first batch, of one event, is held until the sender is dropped.
fn held(database: &MemoryDatabase) -> (Bench, crossbeam_channel::Sender<()>) {
    let (release, gate) = bounded(1);
    database.hold(gate);
    let mut bench = Bench::in_memory(database);
    bench.run();
    bench.submit(vec![numbered(0)]);
    while database.batches().is_empty() {
        std::thread::yield_now();
    }
    (bench, release)
}

#[test]
fn a_small_write_waits_for_one_commit_and_many_delay_no_event() {
    let database = MemoryDatabase::default();
    let (bench, release) = held(&database);
    let (kept, is_kept) = mpsc::channel();
    for number in 0..10 * LANE_BATCH {
        let kept = kept.clone();
        let displacement = Displacement {
            installation: InstallationId(i64::try_from(number).expect("few")),
            claims: 0,
            displaced_ms: Some(1),
            taken_back_ms: Vec::new(),
        };
        bench
            .store
            .writer()
            .keep_displacement(displacement, move || {
                let _ = kept.send(number);
            });
    }
    bench.submit(vec![numbered(1), numbered(2)]);
    drop(release);
    assert!(is_recorded(&bench.hear()));
    assert!(is_recorded(&bench.hear()));
    for number in 0..10 * LANE_BATCH {
        assert_eq!(is_kept.recv_timeout(DEADLINE), Ok(number));
    }
    let batches = database.batches();
    assert_eq!(batches[..2], [(1, 0), (2, LANE_BATCH)]);
    assert_eq!(batches[2..], [(0, LANE_BATCH); 9]);
}

/// Who has a bot, of which the test wants to know nothing but that it is written.
fn displaced(installation: usize) -> Displacement {
    Displacement {
        installation: InstallationId(i64::try_from(installation).expect("few")),
        claims: 0,
        displaced_ms: Some(1),
        taken_back_ms: Vec::new(),
    }
}

/// Puts a displacement on the lane, and another one as soon as it is durable.
fn keep_again_and_again(writer: Writer) {
    let again = writer.clone();
    writer.keep_displacement(displaced(0), move || keep_again_and_again(again));
}

/// A closing writer whose database is in order leaves no small write that waited when it began to close, and few of those
/// that come meanwhile.
#[test]
fn a_closing_writer_empties_the_lane_while_others_put() {
    let database = MemoryDatabase::default();
    let bench = Bench::in_memory(&database);
    let mut state = take_state(&bench.store);
    let written = Arc::new(AtomicUsize::new(0));
    let count = |written: &Arc<AtomicUsize>| {
        let written = Arc::clone(written);
        move || {
            written.fetch_add(1, SeqCst);
        }
    };
    let writer = bench.store.writer();
    let (putter, counter) = (writer.clone(), count(&written));
    writer.keep_displacement(displaced(0), move || {
        // More than a transaction takes, so the lane grows.
        for number in 1_000..1_000 + LANE_BATCH + 50 {
            putter.keep_displacement(displaced(number), counter.clone());
        }
    });
    for number in 1..2 * LANE_BATCH {
        writer.keep_displacement(displaced(number), count(&written));
    }
    state.drain(&never());
    assert!(bench.store.open.queue.lane.is_empty());
    assert_eq!(written.load(SeqCst), 3 * LANE_BATCH + 49);

    // Somebody who never ceases does not hold it.
    let batches = database.batches().len();
    keep_again_and_again(writer.clone());
    state.drain(&never());
    assert!((2..100).contains(&(database.batches().len() - batches)));

    // A database in trouble is not asked again and again.
    let batches = database.batches().len();
    database.fail([Cause::Locked]);
    state.drain(&never());
    assert_eq!(database.batches().len(), batches + 1);
    assert!(!bench.store.open.queue.lane.is_empty());
    *bench.store.open.slot() = WriterSlot::Free(state);
}

#[test]
fn a_change_that_fails_degrades_the_store_and_is_made_later() {
    let database = MemoryDatabase::default();
    let bench = Bench::in_memory(&database);
    // More than the writer's own attempts in any pause of this thread.
    database.fail([Cause::ReadOnly; 1_000]);
    let refused = bench.store.set_desired(bench.bot, Desired::Stop);
    assert!(
        matches!(&refused, Err(WriteError::Refused(failure)) if failure.cause == Cause::ReadOnly),
        "{refused:?}"
    );
    assert_ne!(bench.store.health(), Health::Ok);
    database.fail_no_more();
    let until = Instant::now() + DEADLINE;
    while bench.store.set_desired(bench.bot, Desired::Stop).is_err() {
        assert!(Instant::now() < until, "{:?}", bench.store.health());
        std::thread::yield_now();
    }
    assert_eq!(bench.store.health(), Health::Ok);
}

#[test]
fn the_rules_of_installations_hold_on_any_engine() {
    let bench = Bench::in_memory(&MemoryDatabase::default());
    let store = &bench.store;
    let taken = store.add_installation(installation("bot"));
    assert!(
        matches!(taken, Err(WriteError::NameTaken { .. })),
        "{taken:?}"
    );
    let again = NewInstallation {
        app_id: "cli_bot".to_owned(),
        ..installation("again")
    };
    let same = store.add_installation(again);
    assert!(matches!(same, Err(WriteError::SameBot { .. })), "{same:?}");
    let declare = |name: &str| NewInstallation {
        origin: Origin::File,
        ..installation(name)
    };
    let first = store.put_from_file(vec![declare("a"), declare("b")]);
    let first = first.expect("put");
    let second = store.put_from_file(vec![declare("a")]).expect("put");
    assert_eq!(second[0].revision, first[0].revision, "nothing changed");
    let stopped = store
        .reader()
        .installation("b")
        .expect("readable")
        .expect("there");
    assert_eq!(stopped.desired, Desired::Stop);
    assert!(stopped.revision > first[1].revision);
    let secret = store.open_secret(&second[0]).expect("opens");
    assert_eq!(secret.expose_secret(), "canary-secret-0123456789");
}
