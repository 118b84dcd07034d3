//! The lane of small writes: rows that ride in the writer's next transaction and have no commit of their own.
//!
//! Each is one of [`SmallWrite`], which says how it is kept. Of two with one key only the newer is written; it takes the place
//! of the older one that still waits. At most [`LANE_BATCH`] of [`LANE_BYTES`] ride in one transaction, oldest first, so that no number
//! of them delays events. A [prompt](Urgency::Prompt) one wakes the writer; a [lazy](Urgency::Lazy) one has the writer wait for a
//! transaction a little while. A callback tells when a write is durable.

mod small_write;
mod waiting;

use std::fmt;
use std::mem;
use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Instant;

use crossbeam_channel::{Receiver, Sender, bounded};

pub(crate) use self::small_write::SmallWrite;
pub use self::small_write::Urgency;
use self::waiting::{Entry, Placed, Waiting};

/// Small writes that ride in one transaction: some two milliseconds of the writer's time.
pub(crate) const LANE_BATCH: usize = 256;
/// Bytes of them: journeys of endpoints that fail have answers of many kilobytes. One more may exceed it by itself.
pub(crate) const LANE_BYTES: usize = 512 << 10;

/// Called once, on the writer's thread, when what it came with is durable.
pub(crate) type OnDurable = Box<dyn FnOnce() + Send>;

/// Too many writes of this kind wait; it was not taken.
#[derive(Debug)]
pub(crate) struct LaneFull;

/// Those that wait for the writer.
pub(crate) struct WriteLane {
    waiting: Mutex<Waiting>,
    dropped: Dropped,
    /// Holds something while the writer has to look whether any are due, or until when it may wait.
    pub(crate) wake: (Sender<()>, Receiver<()>),
}

/// What was not kept.
#[derive(Debug, Default)]
struct Dropped {
    notes: AtomicU64,
    journey_steps: AtomicU64,
}

impl Dropped {
    fn count(&self, write: &SmallWrite) {
        match write {
            SmallWrite::Note(_) => {
                self.notes.fetch_add(1, Relaxed);
            }
            SmallWrite::Journey(batch) => {
                self.journey_steps.fetch_add(batch.len() as u64, Relaxed);
            }
            // A newer one is kept in its place, or whoever brought it knows that it is not.
            SmallWrite::Displacement(_)
            | SmallWrite::Position(..)
            | SmallWrite::TokenUsed(_)
            | SmallWrite::Audit(_) => {}
        }
    }
}

impl WriteLane {
    pub(crate) fn new() -> Self {
        Self {
            waiting: Mutex::default(),
            dropped: Dropped::default(),
            wake: bounded(1),
        }
    }

    /// Puts a write on the lane. Never blocks. One that finds too many of its kind is not taken, and counted.
    pub(crate) fn put(
        &self,
        write: SmallWrite,
        urgency: Urgency,
        on_durable: Option<OnDurable>,
    ) -> Result<(), LaneFull> {
        let entry = Entry {
            write,
            urgency,
            on_durable,
        };
        // The lock is free again before an entry is dropped: a callback may own anything, also a handle to this lane.
        let (placed, wakes) = {
            let mut waiting = self.lock();
            let was_waiting = waiting.lazy_due().is_some();
            let placed = waiting.put(entry);
            let begins_to_wait = !was_waiting && waiting.lazy_due().is_some();
            (placed, urgency == Urgency::Prompt || begins_to_wait)
        };
        match placed {
            Placed::Waits(_replaced) => {
                if wakes {
                    self.wake();
                }
                Ok(())
            }
            Placed::Refused(entry) => {
                self.dropped.count(&entry.write);
                Err(LaneFull)
            }
        }
    }

    fn wake(&self) {
        // When it is full, the writer is about to look.
        let _ = self.wake.0.try_send(());
    }

    /// Sees to it that the writer looks, if any are due.
    pub(crate) fn wake_writer(&self) {
        if self.is_due() {
            self.wake();
        }
    }

    /// Whether any are to be written now.
    pub(crate) fn is_due(&self) -> bool {
        self.lock().is_due(Instant::now())
    }

    /// Until when the writer may wait for a transaction that they ride in.
    pub(crate) fn lazy_due(&self) -> Option<Instant> {
        self.lock().lazy_due()
    }

    /// Whether another audit entry finds room, and those of changes that are under way.
    pub(crate) fn has_room_for_audit(&self) -> bool {
        self.lock().has_room_for_audit()
    }

    pub(crate) fn len(&self) -> usize {
        self.lock().entries.len()
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Notes that were not kept.
    pub(crate) fn notes_dropped(&self) -> u64 {
        self.dropped.notes.load(Relaxed)
    }

    /// Steps of journeys that were not kept.
    pub(crate) fn journey_steps_dropped(&self) -> u64 {
        self.dropped.journey_steps.load(Relaxed)
    }

    /// The oldest of them, to be written in one transaction.
    pub(crate) fn take(&self) -> LaneBatch<'_> {
        let mut waiting = self.lock();
        let (mut entries, mut bytes) = (Vec::new(), 0);
        while entries.len() < LANE_BATCH
            && bytes < LANE_BYTES
            && let Some(entry) = waiting.pop()
        {
            bytes += entry.write.held_bytes();
            entries.push(entry);
        }
        LaneBatch {
            lane: self,
            entries,
        }
    }

    /// None of them: what waits goes on waiting.
    pub(crate) fn take_none(&self) -> LaneBatch<'_> {
        LaneBatch {
            lane: self,
            entries: Vec::new(),
        }
    }

    /// In how many transactions those that wait now are written at most.
    pub(crate) fn batches(&self) -> usize {
        let waiting = self.lock();
        let bytes = waiting.entries.iter().map(|entry| entry.write.held_bytes());
        waiting.entries.len().div_ceil(LANE_BATCH) + bytes.sum::<usize>() / LANE_BYTES
    }

    fn lock(&self) -> MutexGuard<'_, Waiting> {
        // Nothing in between two assignments of a change can panic.
        self.waiting.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl fmt::Debug for WriteLane {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("WriteLane")
            .field("waiting", &self.len())
            .finish_non_exhaustive()
    }
}

/// Those that the writer writes now. What is dropped without having been written, also by a panic, waits again if its kind
/// does.
pub(crate) struct LaneBatch<'a> {
    lane: &'a WriteLane,
    entries: Vec<Entry>,
}

impl LaneBatch<'_> {
    pub(crate) fn is_empty(&self) -> bool {
        self.entries.is_empty()
    }

    /// In the order in which they are written.
    pub(crate) fn writes(&self) -> impl Iterator<Item = &SmallWrite> {
        self.entries.iter().map(|entry| &entry.write)
    }

    /// The transaction is committed. Every callback runs, also behind one that panics; the first panic goes on after the
    /// last of them.
    pub(crate) fn written(mut self) {
        let mut panicked = None;
        for entry in mem::take(&mut self.entries) {
            if let Some(on_durable) = entry.on_durable
                && let Err(payload) = catch_unwind(AssertUnwindSafe(on_durable))
            {
                panicked.get_or_insert(payload);
            }
        }
        if let Some(payload) = panicked {
            resume_unwind(payload);
        }
    }
}

impl Drop for LaneBatch<'_> {
    fn drop(&mut self) {
        if self.entries.is_empty() {
            return;
        }
        // Dropped when the lock is free again, as in [`WriteLane::put`].
        let mut left_out = Vec::new();
        let mut waiting = self.lane.lock();
        // From the last, so that they stand in their order again.
        for entry in self.entries.drain(..).rev() {
            left_out.extend(waiting.give_back(entry).err());
        }
        drop(waiting);
        for entry in &left_out {
            self.lane.dropped.count(&entry.write);
        }
    }
}

#[cfg(test)]
mod tests;
