//! Stories of the store on a real database, each in a directory of its own.

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::sync::mpsc;
use std::time::Duration;

use bytes::Bytes;
use bytestring::ByteString;
use diesel::connection::SimpleConnection;
use diesel::{Connection, SqliteConnection};
use longwire_wire::identity::{EventKey, Identity, Tier};
use secrecy::ExposeSecret;
use tempfile::TempDir;

use super::*;
use crate::{
    Group, NewEvent, Origin, Platform, Receipt, Refusal, Rejected, Reply, Source, TimelineEntry,
    TimelineKind, Verdict,
};

/// Longer than any wait that succeeds.
const DEADLINE: Duration = Duration::from_secs(20);

/// An answer as a test compares it.
#[derive(Debug, PartialEq)]
enum Heard {
    Recorded(Vec<(u32, Verdict)>),
    NotRecorded(Vec<u32>, Cause),
}

/// Passes answers on to the test.
struct Ear(mpsc::Sender<Heard>);

impl Reply for Ear {
    fn recorded(&self, receipts: Vec<Receipt>) {
        let receipts = receipts
            .iter()
            .map(|receipt| (receipt.ticket(), receipt.verdict()))
            .collect();
        let _ = self.0.send(Heard::Recorded(receipts));
    }

    fn not_recorded(&self, tickets: Vec<u32>, cause: Cause) {
        let _ = self.0.send(Heard::NotRecorded(tickets, cause));
    }
}

/// A store with one installation, and the writer's thread when it runs.
struct Bench {
    directory: TempDir,
    store: Store,
    bot: InstallationId,
    thread: Option<JoinHandle<()>>,
    heard: mpsc::Receiver<Heard>,
    ear: Arc<Ear>,
}

impl Bench {
    /// Opened, with the writer not yet running.
    fn still() -> Self {
        let directory = tempfile::tempdir().expect("a directory");
        let store = Store::open(&settings(directory.path())).expect("opens");
        let bot = store
            .add_installation(installation("bot"))
            .expect("added")
            .id;
        let (ear, heard) = mpsc::channel();
        Self {
            directory,
            store,
            bot,
            thread: None,
            heard,
            ear: Arc::new(Ear(ear)),
        }
    }

    fn running() -> Self {
        let mut bench = Self::still();
        bench.run();
        bench
    }

    fn run(&mut self) {
        self.thread = Some(self.store.run_writer());
    }

    fn database(&self) -> PathBuf {
        self.directory.path().join("longwire.db")
    }

    fn group(&self, events: Vec<NewEvent>) -> Group {
        Group {
            installation: self.bot,
            events,
            reply: self.ear.clone(),
        }
    }

    fn submit(&self, events: Vec<NewEvent>) {
        self.store
            .writer()
            .submit(self.group(events))
            .expect("room");
    }

    fn hear(&self) -> Heard {
        self.heard.recv_timeout(DEADLINE).expect("an answer")
    }

    fn ask(&self, event: NewEvent) -> Heard {
        self.submit(vec![event]);
        self.hear()
    }

    /// Pushes like the platform, again and again, until an answer satisfies.
    fn ask_until(&self, key: u8, satisfied: impl Fn(&Heard) -> bool) {
        let until = Instant::now() + DEADLINE;
        loop {
            let heard = self.ask(event(1, key));
            if satisfied(&heard) {
                return;
            }
            assert!(Instant::now() < until, "the last answer was {heard:?}");
        }
    }

    /// Waits, without any traffic, for what the writer does by itself.
    fn until_health(&self, satisfied: impl Fn(&Health) -> bool) {
        let until = Instant::now() + DEADLINE;
        while !satisfied(&self.store.health()) {
            assert!(Instant::now() < until, "{:?}", self.store.health());
            std::thread::yield_now();
        }
    }

    fn stop(&mut self) {
        self.store.stop_writer();
        self.thread
            .take()
            .expect("it runs")
            .join()
            .expect("no panic");
    }
}

impl Drop for Bench {
    fn drop(&mut self) {
        self.store.stop_writer();
        if let Some(thread) = self.thread.take() {
            let ended = thread.join();
            assert!(
                ended.is_ok() || std::thread::panicking(),
                "the writer panicked"
            );
        }
    }
}

fn settings(directory: &Path) -> StoreSettings {
    StoreSettings::at(format!(
        "sqlite:{}",
        directory.join("longwire.db").display()
    ))
}

fn installation(name: &str) -> NewInstallation {
    NewInstallation {
        name: name.to_owned(),
        platform: Platform::Feishu,
        app_id: "cli_1".to_owned(),
        app_secret: "canary-secret-0123456789".into(),
        base_url: None,
        proxy: Some("http://user:canary-proxy@proxy:3128".into()),
        desired: Desired::Run,
        origin: Origin::Cli,
    }
}

fn event(ticket: u32, key: u8) -> NewEvent {
    NewEvent {
        ticket,
        identity: Identity {
            event: EventKey([key; 16]),
            message: None,
        },
        event_id: Some(ByteString::from(format!("event-{key}"))),
        event_type: Some(ByteString::from_static("im.message.receive_v1")),
        chat: None,
        source: Source::LongConnection,
        received_ms: 1_000,
        created_ms: None,
        trace_id: None,
        payload: Bytes::from_static(b"{}"),
    }
}

fn with_message(mut event: NewEvent, key: u8) -> NewEvent {
    event.identity.message = Some(EventKey([key; 16]));
    event
}

fn recorded(ticket: u32, seq: i64) -> Heard {
    Heard::Recorded(vec![(ticket, Verdict::Recorded(Seq(seq)))])
}

fn repeat(ticket: u32, of: i64, tier: Tier) -> Heard {
    Heard::Recorded(vec![(ticket, Verdict::Repeat { of: Seq(of), tier })])
}

fn everything() -> EventQuery {
    EventQuery {
        after: None,
        installation: None,
        limit: 1_000,
    }
}

fn is_refused_as(cause: Cause) -> impl Fn(&Heard) -> bool {
    move |heard| matches!(heard, Heard::NotRecorded(_, given) if *given == cause)
}

fn is_recorded(heard: &Heard) -> bool {
    matches!(heard, Heard::Recorded(_))
}

#[test]
fn repeats_are_told_by_key_within_an_installation() {
    let bench = Bench::running();
    assert_eq!(bench.ask(with_message(event(1, 1), 9)), recorded(1, 1));
    assert_eq!(
        bench.ask(with_message(event(2, 1), 9)),
        repeat(2, 1, Tier::EventId)
    );
    // The same message under another event id.
    assert_eq!(
        bench.ask(with_message(event(3, 2), 9)),
        repeat(3, 1, Tier::Message)
    );
    // A reaction to it has no message key, and is news.
    assert_eq!(bench.ask(event(4, 3)), recorded(4, 2));

    let other = bench
        .store
        .add_installation(installation("other"))
        .expect("added")
        .id;
    let mut group = bench.group(vec![with_message(event(5, 1), 9)]);
    group.installation = other;
    bench.store.writer().submit(group).expect("room");
    assert_eq!(bench.hear(), recorded(5, 3));

    let first = &bench.store.events(everything()).expect("readable")[0];
    assert_eq!((first.repeats, first.last_repeat_ms), (2, Some(1_000)));
    let figures = bench.store.figures();
    assert_eq!(
        (
            figures.rows,
            figures.repeats_event_id,
            figures.repeats_message
        ),
        (3, 1, 1)
    );
}

#[test]
fn a_repeat_within_one_group_is_told_too() {
    let bench = Bench::running();
    bench.submit(vec![event(1, 1), event(2, 1)]);
    let of = Seq(1);
    let expected = vec![
        (1, Verdict::Recorded(of)),
        (
            2,
            Verdict::Repeat {
                of,
                tier: Tier::EventId,
            },
        ),
    ];
    assert_eq!(bench.hear(), Heard::Recorded(expected));
}

#[test]
fn a_restart_keeps_what_was_recorded() {
    let mut bench = Bench::running();
    let mut unparsed = event(1, 1);
    unparsed.event_type = None;
    unparsed.payload = Bytes::from_static(b"\xff\x00 no json");
    assert_eq!(bench.ask(unparsed), recorded(1, 1));
    bench.stop();
    let directory = std::mem::replace(
        &mut bench.directory,
        tempfile::tempdir().expect("a directory"),
    );
    drop(bench);

    let store = Store::open(&settings(directory.path())).expect("opens again");
    let thread = store.run_writer();
    let (ear, heard) = mpsc::channel();
    let bot = store
        .installation("bot")
        .expect("readable")
        .expect("kept")
        .id;
    let group = Group {
        installation: bot,
        events: vec![event(7, 1), event(8, 2)],
        reply: Arc::new(Ear(ear)),
    };
    store.writer().submit(group).expect("room");
    let expected = vec![
        (
            7,
            Verdict::Repeat {
                of: Seq(1),
                tier: Tier::EventId,
            },
        ),
        (8, Verdict::Recorded(Seq(2))),
    ];
    assert_eq!(heard.recv_timeout(DEADLINE), Ok(Heard::Recorded(expected)));
    let kept = store.events(everything()).expect("readable");
    assert_eq!(
        (kept[0].event_type.as_deref(), &kept[0].payload[..]),
        (None, &b"\xff\x00 no json"[..])
    );
    store.stop_writer();
    thread.join().expect("no panic");
}

#[test]
fn a_receipt_leaves_after_the_commit() {
    /// Looks for the row with a connection of its own while it holds the receipt.
    struct Witness(Reader, mpsc::Sender<Option<Seq>>);
    impl Reply for Witness {
        fn recorded(&self, _: Vec<Receipt>) {
            let _ = self.1.send(self.0.last_seq().expect("readable"));
        }
        fn not_recorded(&self, _: Vec<u32>, cause: Cause) {
            panic!("{cause}");
        }
    }
    let bench = Bench::running();
    let reader = Store::open_reader(&settings(bench.directory.path())).expect("opens beside");
    let (send, seen) = mpsc::channel();
    let mut group = bench.group(vec![event(1, 1)]);
    group.reply = Arc::new(Witness(reader, send));
    bench.store.writer().submit(group).expect("room");
    assert_eq!(seen.recv_timeout(DEADLINE), Ok(Some(Seq(1))));
}

#[test]
fn a_full_queue_gives_the_group_back() {
    let directory = tempfile::tempdir().expect("a directory");
    let store = Store::open(&StoreSettings {
        channel_events: 2,
        ..settings(directory.path())
    })
    .expect("opens");
    let bot = store
        .add_installation(installation("bot"))
        .expect("added")
        .id;
    let (ear, heard) = mpsc::channel();
    let reply = Arc::new(Ear(ear));
    let group = |events| Group {
        installation: bot,
        events,
        reply: reply.clone(),
    };
    store
        .writer()
        .submit(group(vec![event(1, 1), event(2, 2)]))
        .expect("room");
    let Err(Rejected { group: back, why }) = store.writer().submit(group(vec![event(3, 3)])) else {
        panic!("taken beyond the bound")
    };
    assert_eq!((back.events.len(), why), (1, Refusal::Full));
    assert_eq!(store.figures().queue_events, 2);

    let thread = store.run_writer();
    assert!(
        matches!(heard.recv_timeout(DEADLINE), Ok(Heard::Recorded(receipts)) if receipts.len() == 2)
    );
    // The room is freed after the answer, so a moment may pass.
    let until = Instant::now() + DEADLINE;
    let mut again = back;
    while let Err(rejected) = store.writer().submit(again) {
        assert!(Instant::now() < until, "no room came back");
        again = rejected.group;
    }
    assert!(matches!(
        heard.recv_timeout(DEADLINE),
        Ok(Heard::Recorded(_))
    ));
    store.stop_writer();
    thread.join().expect("no panic");
    let Err(rejected) = store.writer().submit(group(vec![event(4, 4)])) else {
        panic!("taken after the end")
    };
    assert_eq!(rejected.why, Refusal::Stopped);
    drop(rejected);
    assert_eq!(
        heard.recv_timeout(DEADLINE),
        Ok(Heard::NotRecorded(vec![4], Cause::WriterGone))
    );
}

#[test]
fn one_bad_event_takes_no_other_with_it() {
    let mut bench = Bench::still();
    let mut stranger = bench.group(vec![event(1, 1), event(2, 2)]);
    stranger.installation = InstallationId(404);
    bench.store.writer().submit(stranger).expect("room");
    bench.submit(vec![event(3, 3)]);
    bench.run();
    assert_eq!(bench.hear(), Heard::NotRecorded(vec![1, 2], Cause::Poison));
    assert_eq!(bench.hear(), recorded(3, 1));
    assert_eq!(bench.store.health(), Health::Ok);
    assert_eq!(bench.store.figures().poisoned, 2);
}

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
    assert_eq!(bench.store.count_events().expect("reads go on"), 0);
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
    bench.store.pragma("PRAGMA query_only = ON".to_owned());
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
    bench.store.shared.file.page_limit.store(pages, SeqCst);
    bench
        .store
        .pragma(format!("PRAGMA max_page_count = {pages}"));
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
    bench.store.shared.file.page_limit.store(0, SeqCst);
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
    impl Reply for Bomb {
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
    assert!(bench.store.run_writer().join().is_err());
    assert_eq!(bench.hear(), Heard::NotRecorded(vec![2], Cause::WriterGone));
    bench.submit(vec![event(3, 2), event(4, 3)]);
    bench.run();
    let expected = vec![
        (
            3,
            Verdict::Repeat {
                of: Seq(2),
                tier: Tier::EventId,
            },
        ),
        (4, Verdict::Recorded(Seq(3))),
    ];
    assert_eq!(bench.hear(), Heard::Recorded(expected));
    assert_eq!(bench.store.figures().queue_events_max, 2);
}

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
        Store::open_reader(&at("absent")),
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
        (first[0].updated_ms, &first[0].sealed_secret),
        (again[0].updated_ms, &again[0].sealed_secret)
    );
    let mut changed = declare("a");
    changed.app_secret = "another".into();
    let third = bench.store.put_from_file(vec![changed]).expect("put");
    assert_eq!(third[0].public_id, first[0].public_id);
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
    let kept = bench.store.timeline(bench.bot, 10_000).expect("readable");
    assert!(
        (1_000..=1_064).contains(&kept.len()),
        "{} notes",
        kept.len()
    );
    assert_eq!(kept[0].entry, newest);
}

#[test]
fn the_newest_event_cannot_be_deleted() {
    let bench = Bench::running();
    bench.submit(vec![event(1, 1), event(2, 2)]);
    assert!(is_recorded(&bench.hear()));
    let mut other =
        SqliteConnection::establish(&bench.database().display().to_string()).expect("connects");
    other
        .batch_execute("DELETE FROM event WHERE seq < 2")
        .expect("the older goes");
    assert!(other.batch_execute("DELETE FROM event").is_err());
    assert_eq!(bench.ask(event(3, 3)), recorded(3, 3));
}
