//! The store as the rest of the program holds it.
//!
//! One process opens a database at a time. Writes go through the writer thread while it runs, and
//! through a thread made for them, to the same connection, while it does not: there is one writing
//! connection, ever.

mod administer;
mod seat;

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
use diesel::SqliteConnection;
use secrecy::SecretString;

use self::seat::{Mail, Seat, Sitting, Successor};
use crate::event_index::RUN_EVENTS;
use crate::failure::Failure;
use crate::health::HealthCell;
use crate::intake::Intake;
use crate::lock::{LockError, LockFile};
use crate::open::{beside, database_path};
use crate::seal::KeyRing;
use crate::sqlite::file::{DatabaseFile, free_bytes};
use crate::sqlite::installations;
use crate::sqlite::log::Log;
use crate::sqlite::timeline::Notebook;
use crate::writer::{Desk, Job};
use crate::{
    Cause, EventPage, EventQuery, Figures, Health, InstallationRecord, KeyRingError,
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

impl From<diesel::result::Error> for WriteError {
    fn from(error: diesel::result::Error) -> Self {
        Self::Refused(error.into())
    }
}

/// The open store; clones are handles to the same one.
#[derive(Clone)]
pub struct Store {
    shared: Arc<Shared>,
}

struct Shared {
    intake: Arc<Intake>,
    health: Arc<HealthCell>,
    file: Arc<DatabaseFile>,
    reader: Reader,
    keys: Arc<KeyRing>,
    key_file: PathBuf,
    seat: Mutex<Seat>,
}

impl Store {
    /// Opens the database for this process alone: takes its lock, brings its schema up to date, and
    /// reads its keys. Blocks.
    pub fn open(settings: &StoreSettings) -> Result<Self, OpenError> {
        Self::open_with_runs_of(settings, RUN_EVENTS)
    }

    /// The same, with runs of the event index that are full after so many events.
    fn open_with_runs_of(settings: &StoreSettings, run_events: usize) -> Result<Self, OpenError> {
        let path = database_path(settings)?;
        if let Some(directory) = path.parent() {
            crate::directory::make(directory)
                .map_err(|error| OpenError::of_io(directory, error))?;
        }
        let file = Arc::new(DatabaseFile::new(path.clone()));
        let lock = LockFile::take(file.lock()).map_err(|error| match error {
            LockError::Held(pid) => OpenError::Held {
                pid,
                path: path.clone(),
            },
            LockError::NotPlain => OpenError::Linked {
                path: file.lock().to_owned(),
            },
            LockError::Io(error) => OpenError::of_io(file.lock(), error),
        })?;
        let log = Log::create(Arc::clone(&file), &lock, run_events)?;
        let reader = Reader::new(Arc::clone(&file), settings.reader_connections);
        let sealed_with = reader.sealed_with().map_err(|error| {
            OpenError::of_failure(&path, Failure::new(Cause::Other, error.to_string()))
        })?;
        let key_file = settings
            .key_file
            .clone()
            .unwrap_or_else(|| beside(&path, ".key"));
        let keys = Arc::new(KeyRing::load(&key_file, &sealed_with)?);
        let intake = Arc::new(Intake::new(settings));
        intake.counters.set_disk(log.wal_bytes(), free_bytes(&path));
        let health = Arc::new(HealthCell::new());
        let desk = Desk {
            intake: Arc::clone(&intake),
            file: Arc::clone(&file),
            health: Arc::clone(&health),
            reader: reader.clone(),
            log: Some(log),
            left: None,
            lock,
            run_events,
            notebook: Notebook::default(),
            trouble: None,
            retry_at: Instant::now(),
        };
        let seat = Mutex::new(Seat::Free(Box::new(desk)));
        Ok(Self {
            shared: Arc::new(Shared {
                intake,
                health,
                file,
                reader,
                keys,
                key_file,
                seat,
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
            intake: Arc::clone(&self.shared.intake),
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
        let shared = Arc::clone(&self.shared);
        let (jobs, inbox) = bounded(JOBS);
        let (stop, stopped) = bounded(1);
        let mail = Mail { jobs, stop };
        let mut sitting = Sitting {
            shared: Arc::clone(&shared),
            desk: None,
            coming: None,
        };
        {
            let mut seat = shared.seat();
            match mem::replace(&mut *seat, Seat::Changing) {
                Seat::Free(desk) => {
                    *seat = Seat::Taken(mail);
                    sitting.desk = Some(desk);
                }
                Seat::Lent { jobs, next: None } => {
                    let (desk, coming) = bounded(1);
                    let next = Some(Successor { mail, desk });
                    *seat = Seat::Lent { jobs, next };
                    sitting.coming = Some(coming);
                }
                taken => *seat = taken,
            }
        }
        if sitting.desk.is_some() || sitting.coming.is_some() {
            shared.intake.accepting.store(true, SeqCst);
        }
        // Made here and not by the thread: without a thread, dropping it frees the desk for the next one.
        std::thread::Builder::new()
            .name("longwire-writer".to_owned())
            .spawn(move || {
                let outcome = catch_unwind(AssertUnwindSafe(|| sitting.work(&inbox, &stopped)));
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
        Desk::close(&self.shared.intake);
        if let Seat::Taken(mail)
        | Seat::Lent {
            next: Some(Successor { mail, .. }),
            ..
        } = &*self.shared.seat()
        {
            // Told already, or gone already: either way it need not be told.
            let _ = mail.stop.try_send(());
        }
    }

    /// Whether events are being recorded. Cheap, at any time.
    pub fn health(&self) -> Health {
        self.shared.health.read()
    }

    /// Where the database lies: what must be on its disk for a while, and must not be lost for its sake, belongs here.
    pub fn directory(&self) -> &Path {
        match self.shared.file.path().parent() {
            Some(directory) if !directory.as_os_str().is_empty() => directory,
            _ => Path::new("."),
        }
    }

    /// What the writer has done. Cheap, at any time.
    pub fn figures(&self) -> Figures {
        let intake = &self.shared.intake;
        intake
            .counters
            .read(intake.held_events(), intake.held_bytes())
    }

    /// All queries, as a handle that can be given to those who only read.
    pub fn reader(&self) -> &Reader {
        &self.shared.reader
    }

    /// [`Reader::installations`].
    pub fn installations(&self) -> Result<Vec<InstallationRecord>, ReadError> {
        self.shared.reader.installations()
    }

    /// [`Reader::installations_after`].
    pub fn installations_after(
        &self,
        revision: Revision,
    ) -> Result<Vec<InstallationRecord>, ReadError> {
        self.shared.reader.installations_after(revision)
    }

    /// [`Reader::installation`].
    pub fn installation(&self, id_or_name: &str) -> Result<Option<InstallationRecord>, ReadError> {
        self.shared.reader.installation(id_or_name)
    }

    /// [`Reader::count_wanted`].
    pub fn count_wanted(&self) -> Result<u64, ReadError> {
        self.shared.reader.count_wanted()
    }

    /// [`Reader::timeline`].
    pub fn timeline(
        &self,
        installation: InstallationId,
        limit: usize,
    ) -> Result<Vec<TimelineRecord>, ReadError> {
        self.shared.reader.timeline(installation, limit)
    }

    /// [`Reader::events`].
    pub fn events(&self, query: EventQuery) -> Result<EventPage, ReadError> {
        self.shared.reader.events(query)
    }

    /// [`Reader::last_seq`].
    pub fn last_seq(&self) -> Result<Option<Seq>, ReadError> {
        self.shared.reader.last_seq()
    }

    /// [`Reader::count_events`].
    pub fn count_events(&self) -> Result<u64, ReadError> {
        self.shared.reader.count_events()
    }

    /// Adds an installation under a free name. If it is wanted, no other may be the same bot. Blocks until it is durable, for
    /// some seconds at most.
    pub fn add_installation(&self, new: NewInstallation) -> Result<InstallationRecord, WriteError> {
        let shared = Arc::clone(&self.shared);
        self.administer(administer::patience_for(1), move |connection| {
            shared.keys.is_kept_in(&shared.key_file)?;
            installations::add(connection, &shared.keys, &new)
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
        let shared = Arc::clone(&self.shared);
        let patience = administer::patience_for(declared.len());
        self.administer(patience, move |connection| {
            if !declared.is_empty() {
                shared.keys.is_kept_in(&shared.key_file)?;
            }
            installations::put_from_file(connection, &shared.keys, &declared)
        })
    }

    /// Sets whether an installation is to be connected; only one of those that are the same bot may be. Blocks until it
    /// is durable, for some seconds at most.
    pub fn set_desired(&self, id: InstallationId, desired: Desired) -> Result<(), WriteError> {
        self.administer(administer::patience_for(1), move |connection| {
            installations::set_desired(connection, id, desired)
        })
    }

    /// The app secret in clear.
    pub fn open_secret(&self, record: &InstallationRecord) -> Result<SecretString, SealError> {
        installations::open_secret(&self.shared.keys, record)
    }

    /// The installation's own proxy in clear, if it has one.
    pub fn open_proxy(
        &self,
        record: &InstallationRecord,
    ) -> Result<Option<SecretString>, SealError> {
        installations::open_proxy(&self.shared.keys, record)
    }

    /// Sets something on the writing connection alone.
    #[cfg(test)]
    fn pragma(&self, pragma: String) {
        let (done, heard) = bounded(1);
        let job: Job = Box::new(move |log| {
            log.expect("an open database").pragma(&pragma);
            let _ = done.send(());
            crate::writer::DatabaseState::Works
        });
        self.hand_in(job).expect("there is room");
        heard.recv().expect("done");
    }
}

impl std::fmt::Debug for Store {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Store")
            .field("path", &self.shared.file.path())
            .finish_non_exhaustive()
    }
}

impl Shared {
    fn seat(&self) -> MutexGuard<'_, Seat> {
        // Every change of hands is one assignment.
        self.seat.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Drop for Shared {
    fn drop(&mut self) {
        Desk::close(&self.intake);
    }
}

#[cfg(test)]
mod tests;
