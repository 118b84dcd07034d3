//! Events that are kept for a bounded time: what goes, what stays known, and what is left in the files.

use super::*;
use crate::kept::Kept;
use crate::retention::{
    InstallationRetention, KeepRule, PayloadPolicy, RetentionState, RetentionStep, StepDone,
};

const DAY_MS: i64 = 24 * 60 * 60 * 1_000;

fn state(bench: &Bench) -> RetentionState {
    bench.store.retention().expect("readable")
}

fn retain(bench: &Bench, step: RetentionStep) -> StepDone {
    bench.store.retain(step).expect("done")
}

/// An event with a payload of a kibibyte, in which these words stand.
fn saying(key: u8, words: &str) -> NewEvent {
    let mut event = event(u32::from(key), key);
    let filler = "x".repeat(1_024);
    event.payload = Bytes::from(format!("{{\"words\":\"{words}\",\"filler\":\"{filler}\"}}"));
    event
}

fn record(bench: &Bench, keys: std::ops::RangeInclusive<u8>) {
    for key in keys {
        let mut event = saying(key, "hello");
        event.identity.message = Some(EventKey([key; 16]));
        assert!(is_recorded(&bench.ask(event)));
    }
}

/// As if the store had been open for so long, from the next time on that it is opened.
fn open_for(bench: &mut Bench, run_events: usize, open_ms: i64) {
    bench.sqlite(move |engine| {
        let log = engine.log.as_mut().expect("open");
        log.pragma(&format!("UPDATE store SET open_ms = {open_ms}"));
    });
    bench.restart_with_runs_of(run_events);
}

fn kept_of(bench: &Bench, seq: i64) -> Option<Kept> {
    let event = bench.store.reader().event(Seq(seq)).expect("readable");
    event.map(|event| event.kept)
}

/// Whether this text is in any file of the store.
fn is_in_files(bench: &Bench, text: &str) -> bool {
    let files = fs::read_dir(bench.directory.path()).expect("a directory");
    files
        .map(|file| fs::read(file.expect("a file").path()).expect("readable"))
        .any(|bytes| {
            bytes
                .windows(text.len())
                .any(|window| window == text.as_bytes())
        })
}

#[test]
fn events_go_and_their_repeats_are_recognized() {
    let mut bench = Bench::running();
    record(&bench, 1..=20);
    retain(&bench, RetentionStep::Mark);
    let done = retain(&bench, RetentionStep::Expire { through: Seq(10) });
    assert_eq!(done.changed, 10);
    assert!(done.bytes > 10 * 1_024, "{done:?}");
    assert_eq!(bench.store.gone_through(), Seq(10));
    let after = state(&bench);
    assert_eq!(after.oldest, Some((11, 1_000)));
    assert_eq!(
        (after.deleted_through, after.events, after.bytes),
        (0, 10, done.bytes)
    );
    assert_eq!(kept_of(&bench, 10), Some(Kept::Expired));
    assert_eq!(kept_of(&bench, 11), Some(Kept::Whole));
    // By the platform's id, and by the message under another id; also after a restart, which reads the keys again.
    for restarts in [false, true] {
        if restarts {
            bench.restart_with_runs_of(RUN_EVENTS);
        }
        assert_eq!(bench.ask(event(1, 3)), repeat(1, 3, Tier::EventId));
        let other_id = with_message(event(1, 200), 4);
        assert_eq!(bench.ask(other_id), repeat(1, 4, Tier::Message));
        assert_eq!(bench.store.gone_through(), Seq(10));
    }
    // Their keys go when no repeat is expected any more: the store was open for a week since then.
    assert_eq!(
        retain(&bench, RetentionStep::DeleteKeys { through: Seq(10) }).changed,
        0
    );
    open_for(&mut bench, RUN_EVENTS, 8 * DAY_MS);
    assert_eq!(state(&bench).repeats_through, 20);
    assert_eq!(
        retain(&bench, RetentionStep::DeleteKeys { through: Seq(10) }).changed,
        10
    );
    assert_eq!(kept_of(&bench, 10), None);
    // What is old enough is deleted at once, and the newest event leaves its number.
    let done = retain(&bench, RetentionStep::Expire { through: Seq(20) });
    assert_eq!(done.changed, 10);
    assert_eq!(kept_of(&bench, 19), None);
    assert_eq!(kept_of(&bench, 20), Some(Kept::Expired));
    assert_eq!(bench.ask(event(1, 50)), recorded(1, 21));
    assert_eq!(state(&bench).deleted_through, 19);
    assert_eq!(bench.integrity(), "ok");
}

/// A run of the event index has the keys of its events, whatever becomes of their rows.
#[test]
fn keys_in_the_event_index_outlive_the_rows() {
    let mut bench = Bench::with_runs_of(8);
    bench.run();
    for key in 1..=40 {
        assert!(is_recorded(&bench.ask(event(1, key))));
    }
    retain(&bench, RetentionStep::Mark);
    open_for(&mut bench, 8, 8 * DAY_MS);
    // Loading forgot the runs that are out of the window; those behind them know their events still.
    retain(&bench, RetentionStep::Expire { through: Seq(40) });
    assert_eq!(bench.ask(event(1, 100)), recorded(1, 41));
    bench.restart_with_runs_of(8);
    assert_eq!(bench.ask(event(1, 100)), repeat(1, 41, Tier::EventId));
    assert_eq!(bench.integrity(), "ok");
}

#[test]
fn space_is_given_back_and_the_shorter_file_is_not_taken_for_a_cut_one() {
    let bench = Bench::running();
    for key in 1..=20 {
        let mut large = event(1, key);
        large.payload = Bytes::from(vec![b'x'; 1 << 20]);
        assert!(is_recorded(&bench.ask(large)));
    }
    let length = || fs::metadata(bench.database()).expect("there").len();
    retain(&bench, RetentionStep::EmptyWal);
    let before = length();
    assert!(before > 20 << 20, "{before}");
    retain(&bench, RetentionStep::Expire { through: Seq(15) });
    let found = state(&bench);
    assert!(found.gives_back);
    assert!(found.free_bytes > 14 << 20, "{found:?}");
    let mut free = found.free_bytes;
    while free > 0 {
        retain(&bench, RetentionStep::GiveBack { pages: 64 });
        // Events are recorded in between.
        assert!(!matches!(bench.ask(event(1, 99)), Heard::NotRecorded(..)));
        free = state(&bench).free_bytes;
    }
    retain(&bench, RetentionStep::EmptyWal);
    assert!(length() < 7 << 20, "{} of {before}", length());
    assert!(is_recorded(&bench.ask(event(1, 100))));
    assert_eq!(bench.store.health(), Health::Ok);
    assert_eq!(bench.integrity(), "ok");
}

#[test]
fn a_bot_with_rules_of_its_own_is_listed_and_its_events_go_alone() {
    let bench = Bench::running();
    let other = bench.store.add_installation(installation("other"));
    let other = other.expect("added").id;
    for key in 1..=20 {
        let mut group = bench.group(vec![saying(key, "hello")]);
        if key % 2 == 0 {
            group.installation = other;
        }
        bench.store.writer().submit(group).expect("room");
        assert!(is_recorded(&bench.hear()));
    }
    let rules = InstallationRetention {
        keep: KeepRule {
            events: Some(3),
            ..KeepRule::default()
        },
        payload: PayloadPolicy::Hash,
    };
    bench.store.set_retention(other, rules).expect("kept");
    let reader = bench.store.reader();
    let found = reader.unlisted_events(&[other], Seq(0), Seq(20));
    let found = found.expect("readable");
    assert_eq!(found.len(), 10);
    retain(
        &bench,
        RetentionStep::List {
            installations: vec![other],
            through: Seq(20),
            found,
        },
    );
    let listed = state(&bench).listed[0];
    assert_eq!((listed.events, listed.rules), (10, rules));
    assert_eq!(listed.oldest, Some((Seq(2), 1_000)));
    let hash = |through| RetentionStep::Hash {
        installation: other,
        through: Seq(through),
        events: 100,
    };
    assert_eq!(retain(&bench, hash(12)).changed, 6);
    assert_eq!(retain(&bench, hash(12)).changed, 0, "once");
    let hashed = bench.store.reader().event(Seq(12)).expect("readable");
    let hashed = hashed.expect("there");
    let payload = saying(12, "hello").payload;
    let digest = {
        use sha2::{Digest as _, Sha256};
        Sha256::digest(&payload).into()
    };
    let size_bytes = payload.len() as u64;
    let wanted = Kept::Hashed {
        sha256: digest,
        size_bytes,
    };
    assert_eq!(hashed.kept, wanted);
    assert!(hashed.payload.is_empty());
    assert_eq!(hashed.event_id.as_deref(), Some("event-12"));
    let done = retain(
        &bench,
        RetentionStep::ExpireOf {
            installation: other,
            through: Seq(14),
            read_through: Seq(20),
            events: 100,
        },
    );
    assert_eq!(done.changed, 7);
    assert_eq!(state(&bench).listed[0].events, 3);
    assert_eq!(kept_of(&bench, 14), Some(Kept::Expired));
    assert_eq!(kept_of(&bench, 13), Some(Kept::Whole));
    let mut again = bench.group(vec![event(1, 14)]);
    again.installation = other;
    bench.store.writer().submit(again).expect("room");
    assert_eq!(bench.hear(), repeat(1, 14, Tier::EventId));
    bench
        .store
        .set_retention(other, InstallationRetention::default())
        .expect("taken away");
    assert_eq!(state(&bench).listed, []);
}

/// What a person had erased is in no file of the store any more: not in its row, a free page, or the write-ahead log.
#[test]
fn what_was_erased_is_in_no_file() {
    const MARK: &str = "ou_the-person-who-asked-0123456789";
    let bench = Bench::running();
    for key in 1..=30 {
        let words = if key % 3 == 0 { MARK } else { "somebody else" };
        assert!(is_recorded(&bench.ask(saying(key, words))));
    }
    // A large one lies in pages of its own, and one that went earlier in free pages.
    let mut large = event(31, 31);
    large.payload = Bytes::from(MARK.repeat(4_000));
    assert!(is_recorded(&bench.ask(large)));
    assert!(is_in_files(&bench, MARK));
    retain(&bench, RetentionStep::Expire { through: Seq(3) });
    let names = |payload: &[u8], _: Option<&str>| {
        payload
            .windows(MARK.len())
            .any(|window| window == MARK.as_bytes())
    };
    let (found, through) = (bench.store.reader())
        .events_of_person(Seq(0), 1_000, None, &names)
        .expect("readable");
    assert_eq!(found.len(), 10);
    assert!(through >= Seq(31));
    let erased = retain(
        &bench,
        RetentionStep::Erase {
            events: found,
            at_ms: 77,
        },
    );
    assert_eq!(erased.changed, 10);
    assert_eq!(kept_of(&bench, 6), Some(Kept::Erased { at_ms: 77 }));
    assert_eq!(kept_of(&bench, 7), Some(Kept::Whole));
    while state(&bench).free_bytes > 0 {
        retain(&bench, RetentionStep::GiveBack { pages: 64 });
    }
    retain(&bench, RetentionStep::EmptyWal);
    assert!(!is_in_files(&bench, MARK));
    assert!(is_in_files(&bench, "somebody else"));
    assert_eq!(bench.ask(event(1, 6)), repeat(1, 6, Tier::EventId));
}

#[test]
fn a_removed_installation_is_forgotten_with_its_last_event() {
    let mut bench = Bench::running();
    record(&bench, 1..=3);
    let bot = bench.bot;
    bench.store.remove_installation(bot).expect("removed");
    retain(&bench, RetentionStep::Mark);
    let forget = RetentionStep::Forget { installation: bot };
    assert_eq!(retain(&bench, forget.clone()).changed, 0, "it has events");
    let other = bench.store.add_installation(installation("other"));
    bench.bot = other.expect("added").id;
    assert!(is_recorded(&bench.ask(event(1, 40))));
    open_for(&mut bench, RUN_EVENTS, 8 * DAY_MS);
    retain(&bench, RetentionStep::Expire { through: Seq(3) });
    assert_eq!(state(&bench).forgettable, [bot]);
    retain(&bench, forget);
    let left = bench.store.reader().every_installation().expect("readable");
    assert!(left.iter().all(|one| one.id != bot));
    assert_eq!(state(&bench).forgettable, []);
    // Foreign keys hold again.
    bench.bot = bot;
    assert!(matches!(
        bench.ask(event(1, 41)),
        Heard::NotRecorded(_, Cause::Poison)
    ));
}

#[test]
fn an_earlier_version_takes_no_rest_for_a_payload() {
    let mut bench = Bench::running();
    record(&bench, 1..=5);
    retain(&bench, RetentionStep::Expire { through: Seq(3) });
    bench.stop();
    let path = bench.database().display().to_string();
    let mut connection = SqliteConnection::establish(&path).expect("connects");
    migrations::back_to(&mut connection, 12);
    let left: i64 = diesel::select(diesel::dsl::sql::<diesel::sql_types::BigInt>(
        "(SELECT count(*) FROM event WHERE length(payload) < 3)",
    ))
    .get_result(&mut connection)
    .expect("counted");
    assert_eq!(left, 0);
    migrations::run(&mut connection).expect("up again");
}
