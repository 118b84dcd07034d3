//! A backup is made while events are recorded, and a store is restored from it that goes on as the one that was lost would have.

use std::fs::File;
use std::sync::atomic::{AtomicBool, AtomicU32};

use super::*;
use crate::backup::{BackupSettings, BackupSource, RestoreSettings, Restored, back_up, restore};
use crate::backup_error::{BackupError, RestoreError};
use crate::backup_manifest::{KeyPlace, Manifest};
use crate::backup_progress::BackupProgress;
use crate::draft::Replace;
use crate::retention::RetentionStep;
use crate::store_check::{KeyProof, PagesChecked, check_key, check_store};

/// Small, so that some are completed while a backup is made.
const RUN: usize = 64;

fn numbered(number: u32) -> NewEvent {
    let mut key = [0; 16];
    key[..4].copy_from_slice(&number.to_be_bytes());
    NewEvent {
        identity: Identity {
            event: EventKey(key),
            message: None,
        },
        event_id: Some(ByteString::from(number.to_string())),
        ..event(number, 0)
    }
}

fn make(bench: &Bench, path: &Path, key: KeyPlace) -> Result<Manifest, BackupError> {
    make_or_replace(bench, path, key, Replace::Never)
}

fn make_or_replace(
    bench: &Bench,
    path: &Path,
    key: KeyPlace,
    replace: Replace,
) -> Result<Manifest, BackupError> {
    let settings = settings(bench.directory.path());
    let backup = BackupSettings {
        store: &settings,
        key,
        version: "1.2.3",
    };
    back_up(&backup, Some(path), replace, &mut |_| ())?.publish(path, replace)
}

fn bring_back(path: &Path, directory: &Path) -> Result<Restored, RestoreError> {
    bring_back_with(path, directory, None, false)
}

fn bring_back_with(
    path: &Path,
    directory: &Path,
    key_file: Option<&Path>,
    stopped: bool,
) -> Result<Restored, RestoreError> {
    let settings = RestoreSettings {
        what: "the backup",
        directory,
        key_file,
        stopped,
    };
    let mut source = BackupSource::File(File::open(path).expect("a file"));
    restore(&settings, &mut source, &mut |_| ())
}

fn names_in(directory: &Path) -> Vec<String> {
    let entries = fs::read_dir(directory).expect("readable");
    let name = |entry: io::Result<fs::DirEntry>| entry.expect("an entry").file_name();
    let mut names: Vec<String> = entries
        .map(|entry| name(entry).to_string_lossy().into_owned())
        .collect();
    names.sort();
    names
}

#[test]
fn what_is_restored_has_all_that_was_recorded_by_then_and_knows_it() {
    let mut bench = Bench::with_runs_of(RUN);
    bench.run();
    for number in 1..=200 {
        bench.ask(numbered(number));
    }
    let stop = Arc::new(AtomicBool::new(false));
    let newest = Arc::new(AtomicU32::new(200));
    let traffic = {
        let (stop, newest) = (Arc::clone(&stop), Arc::clone(&newest));
        let (store, bot) = (bench.store.clone(), bench.bot);
        std::thread::spawn(move || {
            let (sender, heard) = mpsc::channel();
            let recorder = Arc::new(Recorder(sender));
            while !stop.load(SeqCst) {
                let number = newest.load(SeqCst) + 1;
                let group = Group {
                    installation: bot,
                    platform: Some(Platform::Feishu),
                    events: vec![numbered(number)],
                    reply: recorder.clone(),
                };
                store.writer().submit(group).expect("room");
                heard.recv_timeout(DEADLINE).expect("an answer");
                newest.store(number, SeqCst);
            }
        })
    };
    let aside = tempfile::tempdir().expect("a directory");
    for round in 0..5 {
        let path = aside.path().join(format!("{round}.lwb"));
        let before = newest.load(SeqCst);
        let manifest = make(&bench, &path, KeyPlace::Inside).expect("a backup");
        let after = newest.load(SeqCst) + 1;
        let through = u32::try_from(manifest.through.expect("events").0).expect("few");
        assert!(
            (before..=after).contains(&through),
            "{before} {through} {after}"
        );
        assert_eq!(manifest.events, u64::from(through), "no number is missing");
        let directory = aside.path().join(round.to_string());
        let restored = bring_back(&path, &directory).expect("restored");
        assert_eq!(restored.secrets, 2, "app secret and proxy");
        assert_eq!(names_in(&directory), ["longwire.db", "longwire.db.key"]);
        goes_on(&directory, through);
    }
    stop.store(true, SeqCst);
    traffic.join().expect("no panic");
}

/// Every event up to `through` is a repeat, and a new one gets a number that the lost store gave to nobody.
fn goes_on(directory: &Path, through: u32) {
    let store = Store::open_with_runs_of(&settings(directory), RUN).expect("opens");
    let bot = store.reader().installations().expect("readable")[0].id;
    let (sender, heard) = mpsc::channel();
    let thread = store.run_writer(|_| ()).expect("a thread");
    let ask = |events: Vec<NewEvent>| {
        let group = Group {
            installation: bot,
            platform: Some(Platform::Feishu),
            events,
            reply: Arc::new(Recorder(sender.clone())),
        };
        store.writer().submit(group).expect("room");
        heard.recv_timeout(DEADLINE).expect("an answer")
    };
    let repeats = |number| {
        let of = Seq(i64::from(number));
        let tier = Tier::EventId;
        (number, RecordOutcome::Repeat { of, tier })
    };
    let again = ask((1..=through).map(numbered).collect());
    assert_eq!(again, Heard::Recorded((1..=through).map(repeats).collect()));
    let Heard::Recorded(news) = ask(vec![numbered(u32::MAX)]) else {
        panic!("not recorded")
    };
    let RecordOutcome::Recorded(seq) = news[0].1 else {
        panic!("it is no repeat")
    };
    assert!(seq.0 > i64::from(through) + i64::from(u32::MAX), "{seq:?}");
    store.stop_writer();
    thread.join().expect("no panic");
}

#[test]
fn a_store_that_was_restored_twice_knows_the_events_of_each_life() {
    let mut bench = Bench::running();
    let aside = tempfile::tempdir().expect("a directory");
    let mut recorded_as = Vec::new();
    for life in 0..3_u32 {
        for number in [10 * life, 10 * life + 1] {
            let Heard::Recorded(outcome) = bench.ask(numbered(number)) else {
                panic!("not recorded")
            };
            recorded_as.push((number, outcome[0].1));
        }
        let path = aside.path().join(format!("{life}.lwb"));
        make(&bench, &path, KeyPlace::Inside).expect("a backup");
        bench.close();
        bench.directory = tempfile::tempdir().expect("a directory");
        bring_back(&path, bench.directory.path()).expect("restored");
        // Twice, because the second start finds what the first one left of the index.
        for _ in 0..2 {
            let store = Store::open(&settings(bench.directory.path())).expect("opens");
            bench.open(store);
            bench.run();
            for (number, outcome) in &recorded_as {
                let RecordOutcome::Recorded(of) = *outcome else {
                    panic!("{number} is new")
                };
                let repeat = RecordOutcome::Repeat {
                    of,
                    tier: Tier::EventId,
                };
                let heard = bench.ask(numbered(*number));
                assert_eq!(heard, Heard::Recorded(vec![(*number, repeat)]));
            }
            bench.close();
        }
        let store = Store::open(&settings(bench.directory.path())).expect("opens");
        bench.open(store);
        bench.run();
    }
}

#[test]
fn what_retention_takes_while_a_backup_is_made_it_takes_again_from_the_restored_store() {
    let bench = Bench::running();
    for number in 1..=20 {
        bench.ask(numbered(number));
    }
    bench
        .store
        .retain(RetentionStep::Expire { through: Seq(5) })
        .expect("done");
    let aside = tempfile::tempdir().expect("a directory");
    let path = aside.path().join("x.lwb");
    let store_settings = settings(bench.directory.path());
    let backup = BackupSettings {
        store: &store_settings,
        key: KeyPlace::Inside,
        version: "1.2.3",
    };
    // The first rows have been copied when it is told how far the copy is.
    let mut step = Some(RetentionStep::Expire { through: Seq(10) });
    let mut events_are_copied = |progress| {
        if progress == BackupProgress::Finishing {
            assert_eq!(step, None, "retention worked while the copy was made");
        } else if let Some(step) = step.take() {
            bench.store.retain(step).expect("done");
        }
    };
    back_up(&backup, Some(&path), Replace::Never, &mut events_are_copied)
        .expect("a backup")
        .publish(&path, Replace::Never)
        .expect("its name");
    let directory = aside.path().join("restored");
    bring_back(&path, &directory).expect("restored");
    let store = Store::open(&settings(&directory)).expect("opens");
    assert_eq!(store.gone_through(), Seq(5));
    store
        .retain(RetentionStep::Expire { through: Seq(10) })
        .expect("done");
    for number in 1..=20_i64 {
        let event = store.reader().event(Seq(number)).expect("readable");
        let event = event.expect("its keys are kept");
        assert_eq!(event.payload.is_empty(), number <= 10, "{number}");
    }
}

#[test]
fn the_key_is_beside_a_backup_unless_it_is_wanted_inside() {
    let bench = Bench::running();
    let aside = tempfile::tempdir().expect("a directory");
    let path = aside.path().join("x.lwb");
    let manifest = make(&bench, &path, KeyPlace::Beside).expect("a backup");
    let mode = fs::metadata(&path).expect("there").permissions().mode();
    assert_eq!(mode & 0o777, 0o600);
    let key = bench.directory.path().join("longwire.db.key");
    let text = fs::read_to_string(&key).expect("a key");
    let line = text.lines().find(|line| !line.starts_with('#'));
    let bytes = fs::read(&path).expect("readable");
    let needle = line.expect("a key").as_bytes();
    assert!(!bytes.windows(needle.len()).any(|window| window == needle));

    let directory = aside.path().join("restored");
    let refused = bring_back(&path, &directory).expect_err("there is no key");
    assert!(
        matches!(&refused, RestoreError::NoKey { key_ids, .. } if *key_ids == manifest.key_ids[0])
    );
    assert!(!directory.exists());
    let stranger = aside.path().join("stranger.key");
    fs::write(&stranger, "ab".repeat(32)).expect("written");
    let refused = bring_back_with(&path, &directory, Some(&stranger), false);
    assert!(
        matches!(refused, Err(RestoreError::WrongKey { .. })),
        "{refused:?}"
    );
    assert!(!directory.exists());
    let restored = bring_back_with(&path, &directory, Some(&key), false).expect("restored");
    assert_eq!(restored.secrets, 2);
    let store = Store::open(&settings(&directory)).expect("opens");
    let record = store.reader().installations().expect("readable").remove(0);
    let secret = store.open_secret(&record).expect("opens");
    assert_eq!(secret.expose_secret(), "canary-secret-0123456789");
}

#[test]
fn a_backup_that_is_no_whole_one_is_refused_and_nothing_is_touched() {
    let bench = Bench::running();
    let aside = tempfile::tempdir().expect("a directory");
    let path = aside.path().join("x.lwb");
    make(&bench, &path, KeyPlace::Inside).expect("a backup");
    let whole = fs::read(&path).expect("readable");
    let directory = aside.path().join("restored");
    let refused = |bytes: &[u8]| {
        let other = aside.path().join("other.lwb");
        fs::write(&other, bytes).expect("written");
        let error = bring_back(&other, &directory).expect_err("refused");
        assert!(!directory.exists(), "{error}");
        error
    };
    assert!(matches!(refused(b""), RestoreError::Empty { .. }));
    assert!(matches!(
        refused(b"something else"),
        RestoreError::Foreign { .. }
    ));
    for cut in [whole.len() - 1, whole.len() / 2] {
        assert!(matches!(refused(&whole[..cut]), RestoreError::NoEnd { .. }));
    }
    let mut altered = whole.clone();
    altered[5_000] ^= 4;
    assert!(matches!(refused(&altered), RestoreError::Damaged { .. }));
    let text = |from: &str, to: &str| {
        let mut altered = whole.clone();
        let at = altered
            .windows(from.len())
            .rposition(|window| window == from.as_bytes())
            .expect("it is there");
        altered[at..at + to.len()].copy_from_slice(to.as_bytes());
        altered
    };
    let format = refused(&text("longwire-backup 0001", "longwire-backup 0009"));
    assert!(matches!(format, RestoreError::Format { format: 9, .. }));
    let schema = crate::sqlite::migrations::newest().expect("known");
    let newer = refused(&text(&schema, "99999999999999"));
    assert!(matches!(newer, RestoreError::Newer { .. }), "{newer}");
}

#[test]
fn nothing_that_is_there_is_overwritten() {
    let bench = Bench::running();
    let aside = tempfile::tempdir().expect("a directory");
    let path = aside.path().join("x.lwb");
    make(&bench, &path, KeyPlace::Inside).expect("a backup");
    let exists = make(&bench, &path, KeyPlace::Inside);
    assert!(
        matches!(exists, Err(BackupError::Exists { .. })),
        "{exists:?}"
    );
    make_or_replace(&bench, &path, KeyPlace::Inside, Replace::Former).expect("replaced");
    for own in ["longwire.db", "longwire.db.key", "longwire.db-wal"] {
        let own = bench.directory.path().join(own);
        let refused = make_or_replace(&bench, &own, KeyPlace::Inside, Replace::Former);
        assert!(
            matches!(refused, Err(BackupError::OfTheStore { .. })),
            "{refused:?}"
        );
    }
    let directory = make(&bench, aside.path(), KeyPlace::Inside);
    assert!(matches!(directory, Err(BackupError::IsADirectory { .. })));
    let missing = make(&bench, &aside.path().join("no/x.lwb"), KeyPlace::Inside);
    assert!(
        matches!(missing, Err(BackupError::Io { .. })),
        "{missing:?}"
    );
    for taken in ["longwire.db", "longwire.db-wal", "longwire.db.key"] {
        let directory = tempfile::tempdir().expect("a directory");
        fs::write(directory.path().join(taken), "precious").expect("written");
        let refused = bring_back(&path, directory.path());
        assert!(
            matches!(refused, Err(RestoreError::Occupied { .. })),
            "{refused:?}"
        );
        assert_eq!(names_in(directory.path()), [taken]);
    }
    assert_eq!(names_in(aside.path()), ["x.lwb"], "no draft is left");
}

#[test]
fn every_installation_is_stopped_if_that_is_asked_for() {
    let bench = Bench::running();
    let aside = tempfile::tempdir().expect("a directory");
    let path = aside.path().join("x.lwb");
    make(&bench, &path, KeyPlace::Inside).expect("a backup");
    for (stopped, names) in [(false, vec!["bot"]), (true, vec![])] {
        let directory = aside.path().join(stopped.to_string());
        let restored = bring_back_with(&path, &directory, None, stopped).expect("restored");
        let wanted: Vec<&str> = restored
            .wanted
            .iter()
            .map(|record| record.name.as_str())
            .collect();
        assert_eq!(wanted, names);
        let reader = Store::open(&settings(&directory)).expect("opens");
        let wanted = reader.reader().count_wanted().expect("readable");
        assert_eq!(wanted, names.len() as u64);
    }
}

#[test]
fn a_check_beside_a_writer_tells_pages_and_events() {
    let bench = Bench::running();
    let settings = settings(bench.directory.path());
    let check = || check_store(&settings).expect("readable");
    let empty = check();
    assert_eq!((empty.events, empty.ends), (0, None));
    bench.ask(numbered(1));
    bench.ask(numbered(2));
    let found = check();
    assert_eq!(found.pages, PagesChecked::EveryPage);
    assert_eq!(found.events, 2);
    assert_eq!(found.ends, Some([(Seq(1), 1_000), (Seq(2), 1_000)]));
}

#[test]
fn a_key_is_proven_beside_a_writer() {
    let bench = Bench::running();
    let settings = settings(bench.directory.path());
    let prove = || check_key(&settings).expect("readable");
    assert!(matches!(prove(), KeyProof::Opens(2)), "{:?}", prove());
    let key = bench.directory.path().join("longwire.db.key");
    let right = fs::read_to_string(&key).expect("readable");
    fs::write(&key, "ab".repeat(32)).expect("written");
    let KeyProof::Fails { name, .. } = prove() else {
        panic!("another key opens nothing")
    };
    assert_eq!(name, "a secret of the installation `bot`");
    fs::remove_file(&key).expect("removed");
    assert!(matches!(prove(), KeyProof::NoKey(_)));
    assert!(!key.exists(), "none is made");
    fs::write(&key, right).expect("written");
}

#[test]
fn a_store_that_is_closed_in_order_is_one_file() {
    let mut bench = Bench::running();
    bench.ask(numbered(1));
    assert_eq!(bench.store.close(), ClosedStore::InDoubt, "the writer runs");
    bench.ask(numbered(2));
    let seen = bench.store.reader().last_seq().expect("readable");
    assert_eq!(seen, Some(Seq(2)), "a reader of ours is connected");
    bench.stop();
    assert_eq!(bench.store.close(), ClosedStore::OneFile);
    let names = ["longwire.db", "longwire.db.key", "longwire.db.lock"];
    assert_eq!(names_in(bench.directory.path()), names);
    // A copy of the one file has everything.
    let copy = tempfile::tempdir().expect("a directory");
    for name in &names[..2] {
        fs::copy(bench.directory.path().join(name), copy.path().join(name)).expect("copied");
    }
    let store = Store::open(&settings(copy.path())).expect("opens");
    assert_eq!(store.reader().last_seq().expect("readable"), Some(Seq(2)));
}

#[test]
fn a_store_that_another_program_reads_says_that_it_is_two_files() {
    let mut bench = Bench::running();
    bench.ask(numbered(1));
    let path = bench.database().display().to_string();
    let mut other = SqliteConnection::establish(&path).expect("connects");
    other
        .batch_execute("BEGIN; SELECT count(*) FROM event;")
        .expect("reads");
    bench.ask(numbered(2));
    bench.stop();
    let wal = bench.directory.path().join("longwire.db-wal");
    assert_eq!(bench.store.close(), ClosedStore::WithWal(wal.clone()));
    assert!(wal.exists());
    drop(other);
    assert_eq!(bench.integrity(), "ok");
}

#[test]
fn sqlites_own_tools_read_a_backup() {
    let bench = Bench::running();
    bench.ask(numbered(1));
    let aside = tempfile::tempdir().expect("a directory");
    let path = aside.path().join("x.lwb");
    make(&bench, &path, KeyPlace::Inside).expect("a backup");
    let uri = format!("file:{}?mode=ro", path.display());
    let mut other = SqliteConnection::establish(&uri).expect("connects");
    let checked = crate::sqlite::restored::quick_check(&mut other).expect("readable");
    assert_eq!(checked, None);
}
