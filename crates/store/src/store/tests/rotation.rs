//! The sealing key is renewed, also by a process that is killed meanwhile.

use std::process::Command;
use std::sync::atomic::AtomicUsize;
use std::sync::atomic::Ordering::SeqCst;

use super::consumers::consumer;
use super::*;
use crate::installation::{InstallationChange, NewAppSecret};
use longwire_installation::PresentSecret;

/// Names the directory of the process that is killed.
const DIRECTORY: &str = "LONGWIRE_TEST_ROTATION";
/// How many points the process passes before it is killed.
const POINTS: &str = "LONGWIRE_TEST_KILL_AFTER";

/// Ends the process that is to be killed here, as `kill -9` does.
pub(crate) fn kill_point() {
    static PASSED: AtomicUsize = AtomicUsize::new(0);
    if std::env::var_os(DIRECTORY).is_none() {
        return;
    }
    let after = std::env::var(POINTS)
        .ok()
        .and_then(|text| text.parse().ok());
    if after == Some(PASSED.fetch_add(1, SeqCst)) {
        rustix::process::kill_process(rustix::process::getpid(), rustix::process::Signal::KILL)
            .expect("it is our own process");
    }
}

/// A store in which everything is sealed that can be.
fn fill(store: &Store) {
    let new = NewInstallation {
        verification_token: Some("canary-token".into()),
        encrypt_key: Some("canary-key".into()),
        ..installation("rotated")
    };
    let record = store.add_installation(new).expect("added");
    let change = InstallationChange {
        app_secret: Some(NewAppSecret {
            secret: "canary-candidate".into(),
            present: PresentSecret::InUse,
        }),
        ..Default::default()
    };
    store
        .change_installation(record.id, change)
        .expect("changed");
    let removed = store
        .add_installation(installation("removed"))
        .expect("added");
    store.remove_installation(removed.id).expect("removed");
    let added = store.add_consumer(consumer("webhook")).expect("added");
    let change = crate::consumer::ConsumerChange {
        webhook_secret: Some(crate::consumer::NewWebhookSecret {
            secret: "canary-second".into(),
            former_until_ms: Some(i64::MAX),
        }),
        ..Default::default()
    };
    store.change_consumer(added.id, change).expect("changed");
}

/// Every secret in clear.
fn clear(store: &Store) -> Vec<String> {
    let text = |secret: &secrecy::SecretString| secret.expose_secret().to_owned();
    let mut all = Vec::new();
    for record in store.reader().every_installation().expect("readable") {
        let callbacks = store.open_callback_secrets(&record).expect("opens");
        all.push(text(&store.open_secret(&record).expect("opens")));
        all.extend(store.open_proxy(&record).expect("opens").as_ref().map(text));
        all.extend(
            store
                .open_candidate(&record)
                .expect("opens")
                .as_ref()
                .map(text),
        );
        all.extend(callbacks.verification_token.as_ref().map(text));
        all.extend(callbacks.encrypt_key.as_ref().map(text));
    }
    for record in store.reader().consumers().expect("readable") {
        let secrets = store.open_webhook_secrets(&record).expect("opens");
        let secrets = secrets.expect("it has some");
        all.push(text(&secrets.current));
        all.extend(secrets.former.as_ref().map(|(secret, _)| text(secret)));
    }
    all
}

fn key_lines(directory: &Path) -> Vec<String> {
    let files = fs::read_dir(directory).expect("listed");
    let mut files = files.map(|file| file.expect("an entry").path());
    let file = files.find(|path| path.extension().is_some_and(|extension| extension == "key"));
    let text = fs::read_to_string(file.expect("it was made")).expect("readable");
    let keys = text.lines().filter(|line| !line.starts_with('#'));
    keys.map(str::to_owned).collect()
}

#[test]
fn a_new_key_seals_everything_and_the_former_one_is_forgotten() {
    let mut bench = Bench::running();
    fill(&bench.store);
    let before = clear(&bench.store);
    let records = bench.store.reader().every_installation().expect("readable");
    let former = key_lines(bench.directory.path());
    let rotated = bench.store.rotate_keys().expect("rotated");
    // Of the bot: secret and proxy. Then five, an empty one, and two of the consumer.
    assert_eq!((rotated.secrets, rotated.former_keys), (2 + 5 + 1 + 2, 0));
    assert_eq!(clear(&bench.store), before);
    let after = bench.store.reader().every_installation().expect("readable");
    for (before, after) in records.iter().zip(&after) {
        assert!(before.has_same_access(after));
        assert_eq!(
            (before.revision, before.updated_ms),
            (after.revision, after.updated_ms)
        );
        for (before, after) in before.sealed().zip(after.sealed()) {
            assert_ne!(before, after);
            assert!(after.contains(&rotated.key_id));
        }
        // An actor has the row that it read before.
        assert!(bench.store.open_secret(before).is_ok());
    }
    let lines = key_lines(bench.directory.path());
    assert_eq!(lines.len(), 1);
    assert_ne!(lines, former);
    bench
        .store
        .add_installation(installation("later"))
        .expect("sealed with it");
    bench.close();
    // The former key is needed by nothing.
    bench.open(Store::open(&settings(bench.directory.path())).expect("opens"));
    assert_eq!(
        clear(&bench.store)[..before.len() - 2],
        before[..before.len() - 2]
    );
    let again = bench.store.rotate_keys().expect("rotated again");
    assert_ne!(again.key_id, rotated.key_id);
}

#[test]
fn a_key_file_that_is_away_or_cannot_be_written_changes_nothing() {
    let mut bench = Bench::running();
    fill(&bench.store);
    let before = clear(&bench.store);
    let path = bench.directory.path().join("longwire.db.key");
    let aside = bench.directory.path().join("aside");
    fs::rename(&path, &aside).expect("renamed");
    let refused = bench.store.rotate_keys();
    assert!(matches!(refused, Err(WriteError::Keys(_))), "{refused:?}");
    fs::rename(&aside, &path).expect("renamed");
    // A directory has the place of the draft.
    let draft = bench.directory.path().join("longwire.db.key.new");
    fs::create_dir(&draft).expect("made");
    let refused = bench.store.rotate_keys();
    assert!(matches!(refused, Err(WriteError::Keys(_))), "{refused:?}");
    fs::remove_dir(&draft).expect("removed");
    assert_eq!(clear(&bench.store), before);
    bench.close();
    bench.open(Store::open(&settings(bench.directory.path())).expect("opens"));
    assert_eq!(clear(&bench.store), before);
}

/// A transaction of which nobody learns whether it was committed, and one that was not.
#[test]
fn a_database_that_refuses_leaves_everything_open_to_both_keys() {
    for commits in [false, true] {
        let database = MemoryDatabase::default();
        let bench = Bench::in_memory(&database);
        fill(&bench.store);
        let before = clear(&bench.store);
        database.fail([Cause::Other]);
        if commits {
            database.commit_and_fail();
        }
        let refused = bench.store.rotate_keys();
        assert!(
            matches!(refused, Err(WriteError::Refused(_))),
            "{refused:?}"
        );
        assert_eq!(key_lines(bench.directory.path()).len(), 2);
        assert_eq!(clear(&bench.store), before);
        let until = Instant::now() + DEADLINE;
        while bench.store.rotate_keys().is_err() {
            assert!(Instant::now() < until, "{:?}", bench.store.health());
            std::thread::yield_now();
        }
        assert_eq!(key_lines(bench.directory.path()).len(), 1);
        assert_eq!(clear(&bench.store), before);
    }
}

/// At each point the key file that is there opens everything, and the next start goes on.
#[test]
fn a_kill_at_any_point_leaves_a_key_file_that_opens_everything() {
    let mut killed = 0;
    loop {
        let directory = tempfile::tempdir().expect("a directory");
        let store = Store::open(&settings(directory.path())).expect("opens");
        fill(&store);
        let before = clear(&store);
        drop(take_state(&store));
        drop(store);
        let ended = Command::new(std::env::current_exe().expect("this test"))
            .args([
                "--ignored",
                "--exact",
                "store::tests::rotation::the_killed_process",
            ])
            .env(DIRECTORY, directory.path())
            .env(POINTS, killed.to_string())
            .output()
            .expect("it runs");
        let keys = key_lines(directory.path()).len();
        let store = Store::open(&settings(directory.path())).expect("opens");
        assert_eq!(
            clear(&store),
            before,
            "killed at point {killed}, {keys} keys"
        );
        assert!(keys <= 2, "{keys} keys");
        store.rotate_keys().expect("rotated");
        assert_eq!(key_lines(directory.path()).len(), 1);
        assert_eq!(clear(&store), before);
        if ended.status.success() {
            break;
        }
        let signal = std::os::unix::process::ExitStatusExt::signal(&ended.status);
        assert_eq!(signal, Some(9), "{ended:?}");
        killed += 1;
    }
    assert_eq!(killed, 4, "two drafts, before the commit, after it");
}

/// Run by the test above in a process of its own.
#[test]
#[ignore = "it is the process that is killed"]
fn the_killed_process() {
    let Some(directory) = std::env::var_os(DIRECTORY).map(PathBuf::from) else {
        return;
    };
    let store = Store::open(&settings(&directory)).expect("opens");
    store.rotate_keys().expect("rotated");
}
