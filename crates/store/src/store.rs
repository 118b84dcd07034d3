//! The store as the rest of the program holds it.
//!
//! One process opens a database at a time. Writes go through the writer thread while it runs, and
//! through a thread made for them, to the same connection, while it does not: there is one writing
//! connection, ever.

mod administer;
mod slot;

use std::any::Any;
use std::io;
use std::mem;
use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};
use std::path::{Path, PathBuf};
use std::sync::atomic::Ordering::SeqCst;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use crossbeam_channel::{Receiver, bounded};
use secrecy::SecretString;

use self::slot::{CommandChannel, Successor, WriterRun, WriterSlot};
use crate::engine::Opened;
use crate::event_index::RUN_EVENTS;
use crate::failure::Failure;
use crate::head::Head;
use crate::health::HealthCell;
use crate::installation;
use crate::open::database_path;
use crate::seal::KeyRing;
use crate::sqlite;
use crate::write_queue::WriteQueue;
use crate::writer::{Job, WriterState};
use crate::{
    Cause, EventPage, EventQuery, Figures, HeadWatch, Health, InstallationRecord, KeyRingError,
    NewInstallation, OpenError, ReadError, Reader, SealError, Seq, StoreSettings, TimelineRecord,
    Writer,
};
use longwire_installation::{Desired, InstallationId, Revision};

/// Administrative writes that may wait for the writer.
const JOBS: usize = 64;

/// An administrative write was not made.
#[derive(Debug, thiserror::Error)]
pub enum WriteError {
    /// There is one of this name already.
    #[error("the name `{name}` is taken")]
    NameTaken {
        /// The name.
        name: String,
    },
    /// Another installation that is wanted is the same bot, and a bot cannot be held twice.
    #[error("`{name}` is the same bot as `{other}`, which is wanted already")]
    SameBot {
        /// The one that is to be wanted too.
        name: String,
        /// The one that is.
        other: String,
    },
    /// There is no such installation.
    #[error("there is no installation {id}")]
    UnknownInstallation {
        /// Its row.
        id: InstallationId,
    },
    /// A secret could not be sealed or opened.
    #[error(transparent)]
    Seal(#[from] SealError),
    /// The key that would seal a secret is no longer in its file.
    #[error(transparent)]
    Keys(#[from] KeyRingError),
    /// The database refused.
    #[error("the database does not take the change")]
    Refused(#[from] Failure),
    /// The change was not begun in time, and will not be.
    #[error("the writer did not get to the change within {} s, and it was not made", after.as_secs())]
    NotBegun {
        /// How long it was waited for.
        after: Duration,
    },
    /// The change was begun, and nobody knows yet what becomes of it.
    #[error("the disk has not taken the change within {} s; it may still be made", after.as_secs())]
    Overdue {
        /// How long it was waited for.
        after: Duration,
    },
    /// Too many changes wait already.
    #[error("too many changes wait for the writer")]
    Busy,
    /// The writer ended before it made the change.
    #[error("the writer ended before it made the change")]
    WriterGone,
}

impl WriteError {
    /// What to do about it, where the error's words do not say it.
    #[must_use]
    pub fn advice(&self) -> Option<&'static str> {
        match self {
            Self::NameTaken { .. } => Some("choose another name"),
            Self::Keys(error) => Some(error.advice()),
            Self::Refused(failure) => Some(failure.cause.advice()),
            Self::NotBegun { .. } | Self::Busy => {
                Some("look at the state of the store, and try again when it is well")
            }
            Self::Overdue { .. } => Some(
                "look at the disk, and then whether the change was made, before it is tried again",
            ),
            Self::SameBot { .. }
            | Self::UnknownInstallation { .. }
            | Self::Seal(_)
            | Self::WriterGone => None,
        }
    }
}

/// The open store; clones are handles to the same one.
#[derive(Clone)]
pub struct Store {
    open: Arc<OpenStore>,
}

struct OpenStore {
    queue: Arc<WriteQueue>,
    health: Arc<HealthCell>,
    head: Arc<Head>,
    /// Of the database.
    path: PathBuf,
    reader: Reader,
    keys: Arc<KeyRing>,
    key_file: PathBuf,
    slot: Mutex<WriterSlot>,
}

impl Store {
    /// Opens the database for this process alone: takes its lock, brings its schema up to date, and
    /// reads its keys. Blocks.
    pub fn open(settings: &StoreSettings) -> Result<Self, OpenError> {
        Self::open_with_runs_of(settings, RUN_EVENTS)
    }

    /// The same, with runs of the event index that are full after so many events.
    fn open_with_runs_of(settings: &StoreSettings, run_events: usize) -> Result<Self, OpenError> {
        let path = database_path(&settings.url)?;
        let opened = sqlite::open(&path, settings.reader_connections, run_events)?;
        Self::with_engine(settings, opened)
    }

    /// A store on a database that its engine has opened.
    fn with_engine(settings: &StoreSettings, opened: Opened) -> Result<Self, OpenError> {
        let Opened {
            writer: engine,
            readers,
            path,
        } = opened;
        let reader = Reader::new(readers);
        let sealed_with = reader.sealed_with().map_err(|error| OpenError::Database {
            path: path.clone(),
            source: Failure::new(Cause::Other, error.to_string()),
        })?;
        let key_file = settings.key_file_for(&path);
        let keys = Arc::new(KeyRing::load(&key_file, &sealed_with)?);
        let queue = Arc::new(WriteQueue::new(settings));
        queue.counters.set_disk(engine.disk());
        let health = Arc::new(HealthCell::new());
        let head = Arc::new(Head::new(engine.newest()));
        let state = WriterState {
            queue: Arc::clone(&queue),
            health: Arc::clone(&health),
            head: Arc::clone(&head),
            engine,
            trouble: None,
            retry_at: Instant::now(),
        };
        let slot = Mutex::new(WriterSlot::Free(Box::new(state)));
        Ok(Self {
            open: Arc::new(OpenStore {
                queue,
                health,
                head,
                path,
                reader,
                keys,
                key_file,
                slot,
            }),
        })
    }

    /// Opens the database for reading only, beside the process that holds it.
    pub fn open_reader(settings: &StoreSettings) -> Result<Reader, OpenError> {
        Reader::open(settings)
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
                taken => *slot = taken,
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
            // Told already, or gone already: either way it need not be told.
            let _ = commands.stop.try_send(());
        }
    }

    /// Whether events are being recorded. Cheap, at any time.
    pub fn health(&self) -> Health {
        self.open.health.read()
    }

    /// Where the database lies: what must be on its disk for a while, and must not be lost for its sake, belongs here.
    pub fn directory(&self) -> &Path {
        match self.open.path.parent() {
            Some(directory) if !directory.as_os_str().is_empty() => directory,
            _ => Path::new("."),
        }
    }

    /// What the writer has done. Cheap, at any time.
    pub fn figures(&self) -> Figures {
        let queue = &self.open.queue;
        queue.counters.read(
            queue.held_events(),
            queue.held_bytes(),
            queue.lane.dropped(),
        )
    }

    /// All queries, as a handle that can be given to those who only read.
    pub fn reader(&self) -> &Reader {
        &self.open.reader
    }

    /// [`Reader::installations`].
    pub fn installations(&self) -> Result<Vec<InstallationRecord>, ReadError> {
        self.open.reader.installations()
    }

    /// [`Reader::installations_after`].
    pub fn installations_after(
        &self,
        revision: Revision,
    ) -> Result<Vec<InstallationRecord>, ReadError> {
        self.open.reader.installations_after(revision)
    }

    /// [`Reader::installation`].
    pub fn installation(&self, id_or_name: &str) -> Result<Option<InstallationRecord>, ReadError> {
        self.open.reader.installation(id_or_name)
    }

    /// [`Reader::count_wanted`].
    pub fn count_wanted(&self) -> Result<u64, ReadError> {
        self.open.reader.count_wanted()
    }

    /// [`Reader::timeline`].
    pub fn timeline(
        &self,
        installation: InstallationId,
        limit: usize,
    ) -> Result<Vec<TimelineRecord>, ReadError> {
        self.open.reader.timeline(installation, limit)
    }

    /// [`Reader::events`].
    pub fn events(&self, query: EventQuery) -> Result<EventPage, ReadError> {
        self.open.reader.events(query)
    }

    /// A signal after each commit that recorded something. While somebody watches, the newest events are kept in memory.
    pub fn watch_head(&self) -> HeadWatch {
        self.open.head.watch()
    }

    /// What [`events`](Self::events) would answer, if the newest events that are in memory are enough for it. Never blocks
    /// on the disk.
    pub fn recent(&self, query: &EventQuery) -> Option<EventPage> {
        self.open.head.page(query)
    }

    /// The next stretch of the log for somebody who follows it: out of memory, or out of the database, which blocks.
    pub fn follow(&self, query: EventQuery) -> Result<EventPage, ReadError> {
        match self.recent(&query) {
            Some(page) => Ok(page),
            None => self.events(query),
        }
    }

    /// [`Reader::last_seq`].
    pub fn last_seq(&self) -> Result<Option<Seq>, ReadError> {
        self.open.reader.last_seq()
    }

    /// [`Reader::count_events`].
    pub fn count_events(&self) -> Result<u64, ReadError> {
        self.open.reader.count_events()
    }

    /// Adds an installation under a free name. If it is wanted, no other may be the same bot. Blocks until it is durable, for
    /// some seconds at most.
    pub fn add_installation(&self, new: NewInstallation) -> Result<InstallationRecord, WriteError> {
        let open = Arc::clone(&self.open);
        self.administer(administer::patience_for(1), move |table| {
            open.keys.is_kept_in(&open.key_file)?;
            installation::add(table, &open.keys, &new)
        })
    }

    /// Makes the installations of the configuration file what the file says: by name, those it no
    /// longer names are stopped. Returns the declared ones, in their order. One of them may be the same bot as another
    /// that is wanted: that is for whoever runs them to see. Blocks until it is durable, for some seconds at most and a
    /// hundredth of one for each installation.
    pub fn put_from_file(
        &self,
        declared: Vec<NewInstallation>,
    ) -> Result<Vec<InstallationRecord>, WriteError> {
        let open = Arc::clone(&self.open);
        let patience = administer::patience_for(declared.len());
        self.administer(patience, move |table| {
            if !declared.is_empty() {
                open.keys.is_kept_in(&open.key_file)?;
            }
            installation::put_from_file(table, &open.keys, &declared)
        })
    }

    /// Sets whether an installation is to be connected; only one of those that are the same bot may be. Blocks until it
    /// is durable, for some seconds at most.
    pub fn set_desired(&self, id: InstallationId, desired: Desired) -> Result<(), WriteError> {
        self.administer(administer::patience_for(1), move |table| {
            installation::set_desired(table, id, desired)
        })
    }

    /// The app secret in clear.
    pub fn open_secret(&self, record: &InstallationRecord) -> Result<SecretString, SealError> {
        installation::open_secret(&self.open.keys, record)
    }

    /// The installation's own proxy in clear, if it has one.
    pub fn open_proxy(
        &self,
        record: &InstallationRecord,
    ) -> Result<Option<SecretString>, SealError> {
        installation::open_proxy(&self.open.keys, record)
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
        // Every change of hands is one assignment.
        self.slot.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Drop for OpenStore {
    fn drop(&mut self) {
        WriterState::close(&self.queue);
    }
}

#[cfg(test)]
mod tests;
