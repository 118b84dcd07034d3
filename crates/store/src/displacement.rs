//! Who has a bot of which only one client at a time can be connected, as it is kept with the installation.
//!
//! A process that starts reads it and leaves a bot to whoever displaced it, as the process before it did. The fleet
//! decides; this is the way of its decisions to the disk: each rides in the writer's next transaction, the newest of an
//! installation replaces an older one that still waits, and what the database does not take waits until it does. So at
//! most one waits for each installation, and none is dropped while the process lives.

use std::collections::BTreeMap;
use std::fmt;
use std::sync::{Mutex, MutexGuard, PoisonError};

use crossbeam_channel::{Receiver, Sender, bounded};

use longwire_installation::InstallationId;

/// What is to be kept of who has a bot. It replaces what was kept before.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Displacement {
    /// Whose.
    pub installation: InstallationId,
    /// The [`InstallationRecord::claims`](crate::InstallationRecord::claims) that whoever says this has heard of. After
    /// a later one `displaced_ms` is not kept, because an operator has decided otherwise meanwhile.
    pub claims: u64,
    /// Since when another client has it, in milliseconds since 1970; `None` when it is to be connected.
    pub displaced_ms: Option<i64>,
    /// When it was taken back from another client by itself, in milliseconds since 1970, oldest first.
    pub taken_back_ms: Vec<i64>,
}

/// Called once, on the writer's thread, when what it came with is durable.
pub(crate) type Kept = Box<dyn FnOnce() + Send>;

/// One that waits for the writer.
pub(crate) struct Waiting {
    pub(crate) displacement: Displacement,
    kept: Kept,
}

/// Those that wait for the writer, the newest of each installation.
pub(crate) struct Displacements {
    waiting: Mutex<BTreeMap<InstallationId, Waiting>>,
    /// Holds something while the writer has to be woken for them.
    pub(crate) wake: (Sender<()>, Receiver<()>),
}

impl Displacements {
    pub(crate) fn new() -> Self {
        Self {
            waiting: Mutex::default(),
            wake: bounded(1),
        }
    }

    /// The newest of its installation, and work for the writer.
    pub(crate) fn put(&self, displacement: Displacement, kept: Kept) {
        let installation = displacement.installation;
        let waiting = Waiting { displacement, kept };
        self.lock().insert(installation, waiting);
        self.wake_writer();
    }

    /// Sees to it that the writer looks, if any wait.
    pub(crate) fn wake_writer(&self) {
        if !self.is_empty() {
            // When it is full, the writer is about to look.
            let _ = self.wake.0.try_send(());
        }
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.lock().is_empty()
    }

    /// All of them, to be written in one transaction.
    pub(crate) fn take(&self) -> InHand<'_> {
        let waiting = std::mem::take(&mut *self.lock());
        InHand {
            home: self,
            waiting: waiting.into_values().collect(),
        }
    }

    fn lock(&self) -> MutexGuard<'_, BTreeMap<InstallationId, Waiting>> {
        // Every change is one call.
        self.waiting.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl fmt::Debug for Displacements {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Displacements")
            .field("waiting", &self.lock().len())
            .finish_non_exhaustive()
    }
}

/// Those that the writer writes now. Dropped without having been written, also by a panic, they wait again.
pub(crate) struct InHand<'a> {
    home: &'a Displacements,
    waiting: Vec<Waiting>,
}

impl InHand<'_> {
    pub(crate) fn is_empty(&self) -> bool {
        self.waiting.is_empty()
    }

    pub(crate) fn iter(&self) -> impl Iterator<Item = &Displacement> {
        self.waiting.iter().map(|waiting| &waiting.displacement)
    }

    /// The transaction is committed.
    pub(crate) fn written(mut self) {
        for waiting in std::mem::take(&mut self.waiting) {
            (waiting.kept)();
        }
    }
}

impl Drop for InHand<'_> {
    fn drop(&mut self) {
        let mut waiting = self.home.lock();
        for unwritten in self.waiting.drain(..) {
            let installation = unwritten.displacement.installation;
            // What came meanwhile is newer.
            waiting.entry(installation).or_insert(unwritten);
        }
    }
}
