//! Displacements on their way to the disk. A displaced bot is one whose only connection another client took.
//!
//! A process that starts reads the displacements and leaves each bot to whoever displaced it. The fleet decides; this
//! file holds its decisions until the writer's next transaction writes them. A newer decision on an installation
//! replaces one that still waits, and one that the database does not take waits until it does. So at most one waits for
//! each installation, and none is dropped while the process lives.

use std::collections::BTreeMap;
use std::fmt;
use std::sync::{Mutex, MutexGuard, PoisonError};

use crossbeam_channel::{Receiver, Sender, bounded};

use longwire_installation::InstallationId;

/// Who has a bot, and when it was taken back. It replaces what the row held before.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Displacement {
    /// The installation whose bot it is.
    pub installation: InstallationId,
    /// The [`InstallationRecord::claims`](crate::InstallationRecord::claims) that the sender knows. If the row has a
    /// later one, `displaced_ms` is not written: an operator has decided otherwise meanwhile.
    pub claims: u64,
    /// Since when another client has the bot, in milliseconds since 1970; `None` when it is to be connected.
    pub displaced_ms: Option<i64>,
    /// When the bot was taken back automatically, in milliseconds since 1970, oldest first.
    pub taken_back_ms: Vec<i64>,
}

/// Called once, on the writer thread, when the displacement it came with is durable.
pub(crate) type OnDurable = Box<dyn FnOnce() + Send>;

/// A displacement that waits for the writer.
pub(crate) struct Waiting {
    pub(crate) displacement: Displacement,
    kept: OnDurable,
}

/// The displacements that wait for the writer, the newest of each installation.
pub(crate) struct Displacements {
    waiting: Mutex<BTreeMap<InstallationId, Waiting>>,
    /// Holds a token while the writer has to be woken.
    pub(crate) wake: (Sender<()>, Receiver<()>),
}

impl Displacements {
    pub(crate) fn new() -> Self {
        Self {
            waiting: Mutex::default(),
            wake: bounded(1),
        }
    }

    /// Replaces the installation's waiting displacement and wakes the writer.
    pub(crate) fn put(&self, displacement: Displacement, kept: OnDurable) {
        let installation = displacement.installation;
        let waiting = Waiting { displacement, kept };
        self.lock().insert(installation, waiting);
        self.wake_writer();
    }

    /// Wakes the writer if any displacement waits.
    pub(crate) fn wake_writer(&self) {
        if !self.is_empty() {
            // If the channel is full, the writer is about to look.
            let _ = self.wake.0.try_send(());
        }
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.lock().is_empty()
    }

    /// Takes all waiting displacements, to be written in one transaction.
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

/// The displacements that the writer writes now. Unless they are [`written`](Self::written), they wait again when this is
/// dropped, also by a panic.
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
            // A displacement that came meanwhile is newer.
            waiting.entry(installation).or_insert(unwritten);
        }
    }
}
