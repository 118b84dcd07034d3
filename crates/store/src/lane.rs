//! The lane of small writes: rows that ride in the writer's next transaction and have no commit of their own.
//!
//! Each is one of [`SmallWrite`], which says its key. Of two with one key only the newer is written; it takes the place of
//! the older one that still waits. At most [`LANE_BATCH`] ride in one transaction, oldest first, so that no number of them
//! delays events; each wakes the writer. A callback tells when a write is durable.

use std::collections::{HashMap, VecDeque};
use std::fmt;
use std::mem;
use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};
use std::sync::{Mutex, MutexGuard, PoisonError};

use crossbeam_channel::{Receiver, Sender, bounded};

use crate::displacement::Displacement;
use crate::timeline::TimelineEntry;
use longwire_installation::InstallationId;

/// Small writes that ride in one transaction: some two milliseconds of the writer's time.
pub(crate) const LANE_BATCH: usize = 256;

/// Writes without a key that may wait. A fleet of thousands that reconnects at once writes a few notes for each bot.
const KEYLESS: usize = 16_384;

/// A row or two. How each kind is written is an engine's business.
#[derive(Clone, Debug, Eq, PartialEq)]
pub(crate) enum SmallWrite {
    /// A line of an installation's timeline.
    Note(TimelineEntry),
    /// Who has an installation's bot.
    Displacement(Displacement),
}

impl SmallWrite {
    /// Of the writes with one key, the newest replaces the others, and it waits until the database takes it. There are no
    /// more keys than rows they stand for. A write without a key that the database did not take is dropped, and counted.
    fn key(&self) -> Option<InstallationId> {
        match self {
            Self::Note(_) => None,
            Self::Displacement(displacement) => Some(displacement.installation),
        }
    }
}

/// Called once, on the writer's thread, when what it came with is durable.
pub(crate) type OnDurable = Box<dyn FnOnce() + Send>;

/// One that waits.
struct Entry {
    write: SmallWrite,
    on_durable: Option<OnDurable>,
}

/// Those that wait for the writer.
pub(crate) struct WriteLane {
    waiting: Mutex<Waiting>,
    dropped: AtomicU64,
    /// Holds something while the writer has to be woken for them.
    pub(crate) wake: (Sender<()>, Receiver<()>),
}

#[derive(Default)]
struct Waiting {
    /// Oldest first.
    entries: VecDeque<Entry>,
    /// The number of the first entry; the others follow it.
    first: i64,
    numbers: HashMap<InstallationId, i64>,
    keyless: usize,
}

impl Waiting {
    /// Behind all others, or in the place of an older one of its key, which is given back. Not, if too many wait.
    fn put(&mut self, entry: Entry) -> Result<Option<Entry>, Entry> {
        match entry.write.key() {
            None if self.keyless >= KEYLESS => return Err(entry),
            None => self.keyless += 1,
            Some(key) => {
                let next = self.first + self.entries.len() as i64;
                let number = *self.numbers.entry(key).or_insert(next);
                if let Some(older) = self.at(number) {
                    return Ok(Some(mem::replace(older, entry)));
                }
            }
        }
        self.entries.push_back(entry);
        Ok(None)
    }

    fn at(&mut self, number: i64) -> Option<&mut Entry> {
        let index = usize::try_from(number - self.first).ok()?;
        self.entries.get_mut(index)
    }

    fn pop(&mut self) -> Option<Entry> {
        let entry = self.entries.pop_front()?;
        self.first += 1;
        match entry.write.key() {
            None => self.keyless -= 1,
            Some(key) => {
                self.numbers.remove(&key);
            }
        }
        Some(entry)
    }

    /// Before all others. It comes back if a newer one of its key waits by now.
    fn give_back(&mut self, key: InstallationId, entry: Entry) -> Result<(), Entry> {
        if self.numbers.contains_key(&key) {
            return Err(entry);
        }
        self.first -= 1;
        self.numbers.insert(key, self.first);
        self.entries.push_front(entry);
        Ok(())
    }
}

impl WriteLane {
    pub(crate) fn new() -> Self {
        Self {
            waiting: Mutex::default(),
            dropped: AtomicU64::new(0),
            wake: bounded(1),
        }
    }

    /// Puts a write on the lane. Never blocks. One without a key that finds too many before it is dropped and counted.
    pub(crate) fn put(&self, write: SmallWrite, on_durable: Option<OnDurable>) {
        // The lock is free again before an entry is dropped: a callback may own anything, also a handle to this lane.
        let put = self.lock().put(Entry { write, on_durable });
        match put {
            Ok(_replaced) => {
                // When it is full, the writer is about to look.
                let _ = self.wake.0.try_send(());
            }
            Err(_refused) => {
                self.dropped.fetch_add(1, Relaxed);
            }
        }
    }

    /// Sees to it that the writer looks, if any wait.
    pub(crate) fn wake_writer(&self) {
        if !self.is_empty() {
            let _ = self.wake.0.try_send(());
        }
    }

    pub(crate) fn len(&self) -> usize {
        self.lock().entries.len()
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Writes that were not kept.
    pub(crate) fn dropped(&self) -> u64 {
        self.dropped.load(Relaxed)
    }

    /// The oldest of them, to be written in one transaction.
    pub(crate) fn take(&self) -> LaneBatch<'_> {
        let mut waiting = self.lock();
        let entries = (0..LANE_BATCH).map_while(|_| waiting.pop()).collect();
        LaneBatch {
            lane: self,
            entries,
        }
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
            match entry.write.key() {
                Some(key) => left_out.extend(waiting.give_back(key, entry).err()),
                None => {
                    self.lane.dropped.fetch_add(1, Relaxed);
                    left_out.push(entry);
                }
            }
        }
        drop(waiting);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::timeline::TimelineKind;
    use std::sync::Arc;
    use std::sync::atomic::AtomicUsize;

    fn displacement(installation: i64, at_ms: i64) -> SmallWrite {
        SmallWrite::Displacement(Displacement {
            installation: InstallationId(installation),
            claims: 0,
            displaced_ms: Some(at_ms),
            taken_back_ms: Vec::new(),
        })
    }

    fn note(at_ms: i64) -> SmallWrite {
        SmallWrite::Note(TimelineEntry {
            installation: InstallationId(1),
            at_ms,
            generation: 1,
            kind: TimelineKind::Lost,
            detail: String::new(),
        })
    }

    fn writes(batch: &LaneBatch<'_>) -> Vec<SmallWrite> {
        batch.writes().cloned().collect()
    }

    #[test]
    fn the_newest_of_a_key_takes_the_place_of_the_older() {
        let lane = WriteLane::new();
        for write in [
            displacement(1, 1),
            note(2),
            displacement(2, 3),
            displacement(1, 4),
        ] {
            lane.put(write, None);
        }
        let batch = lane.take();
        let expected = [displacement(1, 4), note(2), displacement(2, 3)];
        assert_eq!(writes(&batch), expected);
        batch.written();
        assert!(lane.is_empty());
    }

    #[test]
    fn what_was_not_written_waits_again_before_the_others_unless_it_is_old() {
        let lane = WriteLane::new();
        lane.put(displacement(1, 1), None);
        lane.put(displacement(2, 2), None);
        lane.put(note(3), None);
        lane.put(displacement(3, 4), None);
        let batch = lane.take();
        lane.put(displacement(4, 5), None);
        lane.put(displacement(2, 6), None);
        drop(batch);
        assert_eq!(lane.dropped(), 1, "a note is not worth a second attempt");
        lane.put(displacement(3, 7), None);
        let expected = [
            displacement(1, 1),
            displacement(3, 7),
            displacement(4, 5),
            displacement(2, 6),
        ];
        assert_eq!(writes(&lane.take()), expected);
    }

    #[test]
    fn only_so_many_ride_in_one_transaction_and_all_are_told() {
        let lane = WriteLane::new();
        let told = Arc::new(AtomicUsize::new(0));
        for installation in 0..600 {
            let told = Arc::clone(&told);
            let on_durable = move || {
                told.fetch_add(1, Relaxed);
            };
            lane.put(displacement(installation, 1), Some(Box::new(on_durable)));
        }
        for expected in [256, 512, 600, 600] {
            lane.take().written();
            assert_eq!(told.load(Relaxed), expected);
        }
    }

    #[test]
    fn a_callback_that_panics_keeps_no_other_from_being_called() {
        let lane = WriteLane::new();
        let told = Arc::new(AtomicUsize::new(0));
        for installation in 0..5 {
            let told = Arc::clone(&told);
            let on_durable = move || {
                assert_ne!(installation, 2, "as the test wants");
                told.fetch_add(1, Relaxed);
            };
            lane.put(displacement(installation, 1), Some(Box::new(on_durable)));
        }
        let outcome = catch_unwind(AssertUnwindSafe(|| lane.take().written()));
        assert!(outcome.is_err(), "the panic is not hidden");
        assert_eq!(told.load(Relaxed), 4);
        assert!(lane.is_empty(), "what is durable is not written again");
    }

    /// Looks, when it is dropped, whether the lane's lock is free.
    struct LooksAtTheLock(Arc<WriteLane>, Arc<AtomicUsize>);

    impl Drop for LooksAtTheLock {
        fn drop(&mut self) {
            if self.0.waiting.try_lock().is_ok() {
                self.1.fetch_add(1, Relaxed);
            }
        }
    }

    #[test]
    fn what_is_replaced_is_dropped_while_the_lock_is_free() {
        let lane = Arc::new(WriteLane::new());
        let found_free = Arc::new(AtomicUsize::new(0));
        let put = |at_ms| {
            let looks = LooksAtTheLock(Arc::clone(&lane), Arc::clone(&found_free));
            let on_durable: OnDurable = Box::new(move || drop(looks));
            lane.put(displacement(1, at_ms), Some(on_durable));
        };
        put(1);
        put(2);
        assert_eq!(found_free.load(Relaxed), 1, "the first was replaced");
        let batch = lane.take();
        put(3);
        drop(batch);
        assert_eq!(found_free.load(Relaxed), 2, "the second came back too late");
        (0..KEYLESS).for_each(|_| lane.put(note(1), None));
        let looks = LooksAtTheLock(Arc::clone(&lane), Arc::clone(&found_free));
        lane.put(note(2), Some(Box::new(move || drop(looks))));
        assert_eq!(found_free.load(Relaxed), 3, "too many wait");
        lane.take().written();
        assert_eq!(found_free.load(Relaxed), 4);
    }

    #[test]
    fn notes_that_are_too_many_are_dropped_and_counted() {
        let lane = WriteLane::new();
        for at_ms in 0..20_000 {
            lane.put(note(at_ms), None);
        }
        lane.put(displacement(1, 1), None);
        assert_eq!(lane.len(), KEYLESS + 1);
        assert_eq!(lane.dropped(), 20_000 - KEYLESS as u64);
    }
}
