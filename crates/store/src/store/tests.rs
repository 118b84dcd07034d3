//! Stories of the store on a real database, each in a directory of its own.

mod access;
mod backups;
mod border;
mod changes;
mod clocks;
mod consumers;
mod declared;
mod displacements;
mod earlier_versions;
mod following;
mod journeys;
mod keeping;
mod lookups;
mod memory;
mod people;
mod power_cut;
mod recording;
mod removals;
mod replaced;
mod retention;
pub(crate) mod rotation;
mod shortened;
mod trouble;

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::sync::mpsc;
use std::time::Duration;

use bytes::Bytes;
use bytestring::ByteString;
use diesel::connection::SimpleConnection;
use diesel::{Connection, RunQueryDsl, SqliteConnection};
use longwire_wire::event::{NewEvent, Seq, Source};
use longwire_wire::identity::{EventKey, Identity, Tier};
use secrecy::ExposeSecret;
use tempfile::TempDir;

use self::memory::MemoryDatabase;
use super::*;
use crate::cause::{Cause, Failure};
use crate::displacement::Displacement;
use crate::group::{Group, GroupReply};
use crate::installation::{InstallationRecord, NewInstallation};
use crate::receipt::{Receipt, RecordOutcome};
use crate::sqlite::engine::SqliteEngine;
use crate::sqlite::migrations;
use crate::timeline::{TimelineEntry, TimelineKind};
use crate::write_error::WriteError;
use crate::write_queue::{Refusal, Rejected};
use crate::writer::Job;
use longwire_installation::{Desired, InstallationId, Mode, Origin, Platform, Revision, TakeBack};

/// Longer than any wait that succeeds.
const DEADLINE: Duration = Duration::from_secs(20);

/// An answer as a test compares it.
#[derive(Debug, PartialEq)]
enum Heard {
    Recorded(Vec<(u32, RecordOutcome)>),
    NotRecorded(Vec<u32>, Cause),
}

/// Passes answers on to the test.
struct Recorder(mpsc::Sender<Heard>);

impl GroupReply for Recorder {
    fn recorded(&self, receipts: Vec<Receipt>) {
        let receipts = receipts
            .iter()
            .map(|receipt| (receipt.ticket(), receipt.outcome()))
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
    recorder: Arc<Recorder>,
}

impl Bench {
    /// Opened, with the writer not yet running.
    fn still() -> Self {
        Self::with_runs_of(RUN_EVENTS)
    }

    /// The same, with runs of the event index that are full after so many events.
    fn with_runs_of(run_events: usize) -> Self {
        let directory = tempfile::tempdir().expect("a directory");
        let store = Store::open_with_runs_of(&settings(directory.path()), run_events);
        Self::with(directory, store.expect("opens"))
    }

    /// On an engine that fails when the test wants it.
    fn in_memory(database: &MemoryDatabase) -> Self {
        let directory = tempfile::tempdir().expect("a directory");
        let opened = database.open(directory.path());
        let store = Store::with_engine(&settings(directory.path()), opened);
        Self::with(directory, store.expect("opens"))
    }

    fn with(directory: TempDir, store: Store) -> Self {
        let bot = store
            .add_installation(installation("bot"))
            .expect("added")
            .id;
        let (recorder, heard) = mpsc::channel();
        Self {
            directory,
            store,
            bot,
            thread: None,
            heard,
            recorder: Arc::new(Recorder(recorder)),
        }
    }

    fn running() -> Self {
        let mut bench = Self::still();
        bench.run();
        bench
    }

    fn run(&mut self) {
        self.thread = Some(self.store.run_writer(|_| ()).expect("a thread"));
    }

    fn database(&self) -> PathBuf {
        self.directory.path().join("longwire.db")
    }

    fn group(&self, events: Vec<NewEvent>) -> Group {
        Group {
            installation: self.bot,
            platform: Some(Platform::Feishu),
            events,
            reply: self.recorder.clone(),
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
            assert!(
                Instant::now() < until,
                "the last answer was {heard:?}: {:?}",
                self.store.health()
            );
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

    /// Does something to the engine, on the thread that has it.
    fn sqlite(&self, work: impl FnOnce(&mut SqliteEngine) + Send + 'static) {
        let (done, heard) = bounded(1);
        let job: Job = Box::new(move |engine| {
            let engine = engine.expect("an open database");
            work(engine.as_any().downcast_mut().expect("it is SQLite"));
            let _ = done.send(());
            crate::writer::DatabaseState::Works
        });
        self.store.hand_in(job).expect("there is room");
        heard.recv().expect("done");
    }

    /// Sets something on the writing connection alone.
    fn pragma(&self, pragma: String) {
        self.sqlite(move |engine| engine.log.as_mut().expect("it is open").pragma(&pragma));
    }

    fn retries(&self) -> u64 {
        self.store.figures().retries
    }

    /// Waits until the writer has tried once more to write, and was refused for this reason.
    fn ask_until_retried(&self, cause: Cause) {
        let before = self.retries();
        self.ask_until(97, |heard| {
            assert!(is_refused_as(cause)(heard), "{heard:?}");
            self.retries() >= before + 2
        });
    }

    fn stop(&mut self) {
        self.store.stop_writer();
        self.thread
            .take()
            .expect("it runs")
            .join()
            .expect("no panic");
    }

    /// Stops the writer and lets go of the store; another one, of no interest, stands in.
    fn close(&mut self) {
        self.stop();
        let aside = tempfile::tempdir().expect("a directory");
        self.store = Store::open(&settings(aside.path())).expect("opens");
    }

    /// Goes on with this store.
    fn open(&mut self, store: Store) {
        self.store = store;
    }

    fn restart_with_runs_of(&mut self, run_events: usize) {
        self.close();
        let store = Store::open_with_runs_of(&settings(self.directory.path()), run_events);
        self.open(store.expect("opens again"));
        self.run();
    }

    /// What SQLite finds when it looks at every page.
    fn integrity(&self) -> String {
        let path = self.database().display().to_string();
        let mut other = SqliteConnection::establish(&path).expect("connects");
        let checked = diesel::dsl::sql::<diesel::sql_types::Text>(
            "(SELECT group_concat(integrity_check) FROM pragma_integrity_check)",
        );
        diesel::select(checked)
            .get_result(&mut other)
            .expect("checked")
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

pub(crate) fn installation(name: &str) -> NewInstallation {
    NewInstallation {
        name: name.parse().expect("a name"),
        platform: Platform::Feishu,
        app_id: format!("cli_{name}"),
        app_secret: "canary-secret-0123456789".into(),
        base_url: None,
        proxy: Some("http://user:canary-proxy@proxy:3128".into()),
        mode: Mode::LongConnection,
        verification_token: None,
        encrypt_key: None,
        take_back: None,
        desired: Desired::Run,
        origin: Origin::Cli,
        space: Default::default(),
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
    Heard::Recorded(vec![(ticket, RecordOutcome::Recorded(Seq(seq)))])
}

fn repeat(ticket: u32, of: i64, tier: Tier) -> Heard {
    Heard::Recorded(vec![(ticket, RecordOutcome::Repeat { of: Seq(of), tier })])
}

fn everything() -> EventQuery {
    EventQuery {
        after: None,
        installations: None,
        limit: 1_000,
    }
}

fn is_refused_as(cause: Cause) -> impl Fn(&Heard) -> bool {
    move |heard| matches!(heard, Heard::NotRecorded(_, given) if *given == cause)
}

fn is_recorded(heard: &Heard) -> bool {
    matches!(heard, Heard::Recorded(_))
}

/// Takes the writer's place, once the thread of the last change has given the connection back.
fn take_state(store: &Store) -> Box<WriterState> {
    loop {
        let mut slot = store.open.slot();
        if matches!(&*slot, WriterSlot::Free(_))
            && let WriterSlot::Free(state) = mem::replace(&mut *slot, WriterSlot::Changing)
        {
            return state;
        }
        drop(slot);
        std::thread::yield_now();
    }
}

fn bot(bench: &Bench) -> InstallationRecord {
    let bot = bench.store.reader().installation("bot").expect("readable");
    bot.expect("there")
}
