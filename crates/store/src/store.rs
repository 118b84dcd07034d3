//! The store as the rest of the program holds it.
//!
//! One process at a time opens a database, and it has one writing connection. The writer thread uses that connection while
//! it runs; while it does not, a thread that is started for an administrative change uses it.

mod administer;
mod closing;
mod consumers;
mod forwarded;
mod installations;
mod keys;
mod retention;
mod slot;
mod tokens;
mod user_authorizations;

use std::any::Any;
use std::io;
use std::mem;
use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};
use std::path::{Path, PathBuf};
use std::sync::atomic::Ordering::SeqCst;
use std::sync::atomic::{AtomicI64, AtomicU64};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::thread::JoinHandle;
use std::time::Instant;

use crossbeam_channel::bounded;
use longwire_access::AuditEntry;
use longwire_wire::event::NewEvent;
use tokio::sync::broadcast;

pub use self::closing::ClosedStore;
use self::slot::{CommandChannel, Successor, WriterRun, WriterSlot};
use crate::disk_watch::DiskWatch;
use crate::engine::Opened;
use crate::event_index::RUN_EVENTS;
use crate::event_record::{EventPage, EventQuery};
use crate::figures::Figures;
use crate::forwarding::Forward;
use crate::head::{Head, HeadWatch};
use crate::health::{Health, HealthCell};
use crate::identity::StoreIdentity;
use crate::open::{OpenError, database_path};
use crate::read_error::ReadError;
use crate::reader::Reader;
use crate::scheduling::{SchedulingDelay, WriterThread};
use crate::seal::SealingKeys;
use crate::settings::StoreSettings;
use crate::sqlite;
use crate::token_directory::TokenDirectory;
use crate::write_queue::{WriteQueue, Writer};
use crate::writer::WriterState;

/// Administrative writes that may wait for the writer.
const JOBS: usize = 64;

/// A handle to an open store. Clones lead to the same store.
#[derive(Clone)]
pub struct Store {
    open: Arc<OpenStore>,
    /// What the audit says of a change that is made with this handle.
    audited: Option<Arc<AuditEntry>>,
}

struct OpenStore {
    queue: Arc<WriteQueue>,
    health: Arc<HealthCell>,
    head: Arc<Head>,
    /// Where the database lies.
    path: PathBuf,
    reader: Reader,
    identity: StoreIdentity,
    tokens: TokenDirectory,
    keys: SealingKeys,
    slot: Mutex<WriterSlot>,
    thread: WriterThread,
    /// Of all events up to here nothing but keys is left.
    gone_through: Arc<AtomicI64>,
    /// How often payloads of recorded events were replaced.
    rewrites: Arc<AtomicU64>,
}

impl Store {
    /// Opens the database for this process alone: takes its lock, brings its schema up to date, and
    /// reads its keys. Blocks.
    pub fn open(settings: &StoreSettings) -> Result<Self, OpenError> {
        Self::open_with_runs_of(settings, RUN_EVENTS)
    }

    /// [`open`](Self::open), with this many events in a run of the event index.
    fn open_with_runs_of(settings: &StoreSettings, run_events: usize) -> Result<Self, OpenError> {
        let path = database_path(&settings.url)?;
        let opened = sqlite::open(&path, settings.reader_connections, run_events)?;
        Self::with_engine(settings, opened)
    }

    /// Opens the database beside a process that has it, for a takeover. Until that process lets go of the database, what is
    /// recorded goes to it over `forward`, small writes wait, and administrative changes are refused. Blocks.
    ///
    /// # Errors
    /// As [`open`](Self::open). A database of an earlier schema is refused ([`OpenError::OlderSchema`]): it cannot be brought up
    /// to date while another process writes to it.
    pub fn open_beside(
        settings: &StoreSettings,
        forward: Box<dyn Forward>,
    ) -> Result<Self, OpenError> {
        let path = database_path(&settings.url)?;
        let connections = settings.reader_connections;
        let opened = sqlite::open_beside(&path, connections, RUN_EVENTS, forward)?;
        Self::with_engine(settings, opened)
    }

    /// A store on a database that its engine has opened.
    fn with_engine(settings: &StoreSettings, opened: Opened) -> Result<Self, OpenError> {
        let Opened {
            writer: engine,
            readers,
            sealed_with,
            tokens,
            identity,
            gone_through,
            path,
        } = opened;
        let key_file = settings.key_file_for(&path);
        let keys = SealingKeys::load(key_file, &sealed_with)?;
        let queue = Arc::new(WriteQueue::new(settings));
        queue.counters.set_disk(engine.disk());
        let writer = Writer {
            queue: Arc::clone(&queue),
        };
        let health = Arc::new(HealthCell::new());
        let head = Arc::new(Head::new(engine.newest()));
        let state = WriterState {
            queue: Arc::clone(&queue),
            health: Arc::clone(&health),
            head: Arc::clone(&head),
            engine,
            disk_watch: DiskWatch::default(),
            trouble: None,
            retry_at: Instant::now(),
        };
        let slot = Mutex::new(WriterSlot::Free(Box::new(state)));
        Ok(Self {
            audited: None,
            open: Arc::new(OpenStore {
                queue,
                health,
                head,
                path,
                reader: Reader(readers),
                identity,
                tokens: TokenDirectory::new(tokens, writer),
                keys,
                slot,
                thread: WriterThread::default(),
                gone_through: Arc::new(AtomicI64::new(gone_through)),
                rewrites: Arc::default(),
            }),
        })
    }

    /// A handle to the writer's queue. What is submitted before the writer runs waits for it.
    pub fn writer(&self) -> Writer {
        Writer {
            queue: Arc::clone(&self.open.queue),
        }
    }

    /// Starts the writer thread, which calls `ended` when it ends: after [`stop_writer`](Self::stop_writer) with `Ok`,
    /// or with a panic's payload, after which this is called again. A second thread beside a running one ends at once.
    ///
    /// # Errors
    /// When the operating system gives no thread. Nothing is lost, `ended` is not called, and this can be tried again.
    pub fn run_writer(
        &self,
        ended: impl FnOnce(Result<(), &(dyn Any + Send)>) + Send + 'static,
    ) -> io::Result<JoinHandle<()>> {
        let open = Arc::clone(&self.open);
        let (jobs, inbox) = bounded(JOBS);
        let (stop, stopped) = bounded(1);
        let commands = CommandChannel { jobs, stop };
        let mut run = WriterRun {
            open: Arc::clone(&open),
            state: None,
            handed_over: None,
        };
        {
            let mut slot = open.slot();
            match mem::replace(&mut *slot, WriterSlot::Changing) {
                WriterSlot::Free(state) => {
                    *slot = WriterSlot::Taken(commands);
                    run.state = Some(state);
                }
                WriterSlot::Lent { jobs, next: None } => {
                    let (state, handed_over) = bounded(1);
                    let next = Some(Successor { commands, state });
                    *slot = WriterSlot::Lent { jobs, next };
                    run.handed_over = Some(handed_over);
                }
                taken @ (WriterSlot::Taken(_)
                | WriterSlot::Lent { next: Some(_), .. }
                | WriterSlot::Changing) => *slot = taken,
            }
        }
        if run.state.is_some() || run.handed_over.is_some() {
            open.queue.accepting.store(true, SeqCst);
        }
        // Made here and not by the thread: without a thread, dropping it frees the state for the next one.
        std::thread::Builder::new()
            .name("longwire-writer".to_owned())
            .spawn(move || {
                let outcome = catch_unwind(AssertUnwindSafe(|| run.work(&inbox, &stopped)));
                match outcome {
                    Ok(()) => ended(Ok(())),
                    Err(payload) => {
                        ended(Err(payload.as_ref()));
                        resume_unwind(payload);
                    }
                }
            })
    }

    /// Takes nothing more, records what is queued, and ends the thread. Waits for nothing.
    pub fn stop_writer(&self) {
        WriterState::close(&self.open.queue);
        if let WriterSlot::Taken(commands)
        | WriterSlot::Lent {
            next: Some(Successor { commands, .. }),
            ..
        } = &*self.open.slot()
        {
            // If the channel is full or closed, the thread knows already or has ended.
            let _ = commands.stop.try_send(());
        }
    }

    /// All queries, as a handle that can be given to those who only read.
    pub fn reader(&self) -> &Reader {
        &self.open.reader
    }

    /// A signal after each commit that recorded something. While somebody watches, the newest events are kept in memory.
    pub fn watch_head(&self) -> HeadWatch {
        self.open.head.watch()
    }

    /// The operational events that are recorded from now on, whoever records them. For those who want nothing else: events
    /// of the platforms cost this nothing. A follower that is more than 64 behind misses the oldest.
    pub fn follow_operational(&self) -> broadcast::Receiver<NewEvent> {
        self.open.head.follow_operational()
    }

    /// The next stretch of the log for somebody who follows it: out of memory, or out of the database, which blocks.
    ///
    /// Events are in memory, and [watches](Self::watch_head) are told of them, a moment after their receipts have left. So
    /// whoever has just got a receipt may find an empty page; a change of the head tells when there is more.
    pub fn follow(&self, query: EventQuery) -> Result<EventPage, ReadError> {
        match self.open.head.page(&query) {
            Some(page) => Ok(page),
            None => self.reader().events(query),
        }
    }

    /// The same out of memory alone, so that it never blocks; `None` where [`follow`](Self::follow) would ask the database.
    pub fn recent(&self, query: &EventQuery) -> Option<EventPage> {
        self.open.head.page(query)
    }

    /// How long the writer's thread waited for a core since it began; `None` while there is none, and where the system does
    /// not tell. Some microseconds.
    pub fn scheduling_delay(&self) -> Option<SchedulingDelay> {
        self.open.thread.delay()
    }

    /// Whether events are being recorded. Cheap, at any time.
    pub fn health(&self) -> Health {
        self.open.health.read()
    }

    /// What tells this store from every other one.
    pub fn identity(&self) -> StoreIdentity {
        self.open.identity
    }

    /// The directory of the database. Temporary files that must be on the same disk belong here.
    pub fn directory(&self) -> &Path {
        match self.open.path.parent() {
            Some(directory) if !directory.as_os_str().is_empty() => directory,
            Some(_) | None => Path::new("."),
        }
    }

    /// What the writer has done. Cheap, at any time.
    pub fn figures(&self) -> Figures {
        let queue = &self.open.queue;
        queue
            .counters
            .read(queue.held_events(), queue.held_bytes(), &queue.lane)
    }
}

impl std::fmt::Debug for Store {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Store")
            .field("path", &self.open.path)
            .finish_non_exhaustive()
    }
}

impl OpenStore {
    fn slot(&self) -> MutexGuard<'_, WriterSlot> {
        // Every change of the slot is one assignment, so a poisoned slot is a whole one.
        self.slot.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Drop for OpenStore {
    fn drop(&mut self) {
        WriterState::close(&self.queue);
    }
}

#[cfg(test)]
pub(crate) mod tests;
