//! The writes that wait for the writer, in their order and within their bounds.

use std::collections::{HashMap, VecDeque};
use std::mem;
use std::time::{Duration, Instant};

use super::OnDurable;
use super::small_write::{Kept, LaneKey, SmallWrite, Urgency};

/// Notes that may wait. A fleet of thousands that reconnects at once writes a few notes for each bot.
pub(super) const NOTES: usize = 16_384;

/// Bytes of journeys that may wait: some tenths of a second of all that a process delivers.
pub(super) const JOURNEY_BYTES: usize = 8 << 20;

/// Audit entries that may wait. An operator's change is refused rather than made without a trace.
pub(super) const AUDITS: usize = 4_096;

/// How long a lazy write waits for a transaction to ride in. Longer than a commit takes, and shorter than a person notices.
const LAZY_WAIT: Duration = Duration::from_millis(25);

/// One that waits.
pub(super) struct Entry {
    pub(super) write: SmallWrite,
    pub(super) urgency: Urgency,
    pub(super) on_durable: Option<OnDurable>,
}

/// What became of a write that was put on the lane.
pub(super) enum Placed {
    /// It waits; this one, which it replaces, does not any more.
    Waits(Option<Entry>),
    /// Too many of its kind wait.
    Refused(Entry),
}

#[derive(Default)]
pub(super) struct Waiting {
    /// Oldest first.
    pub(super) entries: VecDeque<Entry>,
    /// The number of the first entry; the others follow it.
    first: i64,
    numbers: HashMap<LaneKey, i64>,
    notes: usize,
    journey_bytes: usize,
    audits: usize,
    prompt: usize,
    /// When the lazy ones wait no longer for a transaction; `None` while none waits.
    lazy_due: Option<Instant>,
}

impl Waiting {
    /// Behind all others, or in the place of an older one of its key. Not, if too many wait.
    pub(super) fn put(&mut self, entry: Entry) -> Placed {
        match entry.write.kept() {
            Kept::IfNotes if self.notes >= NOTES => return Placed::Refused(entry),
            Kept::IfBytes(_) if self.journey_bytes >= JOURNEY_BYTES => {
                return Placed::Refused(entry);
            }
            Kept::Always if self.audits >= AUDITS => return Placed::Refused(entry),
            Kept::IfNotes | Kept::IfBytes(_) | Kept::Always => {}
            Kept::Newest(key) => {
                let next = self.first + self.entries.len() as i64;
                let number = *self.numbers.entry(key).or_insert(next);
                if number != next {
                    return Placed::Waits(self.replace(number, entry));
                }
            }
        }
        self.count(&entry);
        self.entries.push_back(entry);
        Placed::Waits(None)
    }

    /// Puts a newer write of a key in the place of the older one, which is given back. It is wanted as soon as the more urgent
    /// of the two.
    fn replace(&mut self, number: i64, mut entry: Entry) -> Option<Entry> {
        let index = usize::try_from(number - self.first).ok()?;
        let older = self.entries.get(index)?;
        let before = older.urgency;
        entry.urgency = entry.urgency.max(before);
        if entry.urgency > before {
            self.prompt += 1;
        }
        Some(mem::replace(&mut self.entries[index], entry))
    }

    fn count(&mut self, entry: &Entry) {
        match entry.write.kept() {
            Kept::Newest(_) => {}
            Kept::IfNotes => self.notes += 1,
            Kept::IfBytes(bytes) => self.journey_bytes += bytes,
            Kept::Always => self.audits += 1,
        }
        match entry.urgency {
            Urgency::Prompt => self.prompt += 1,
            Urgency::Lazy if self.lazy_due.is_none() => {
                self.lazy_due = Some(Instant::now() + LAZY_WAIT);
            }
            Urgency::Lazy => {}
        }
    }

    /// The oldest one.
    pub(super) fn pop(&mut self) -> Option<Entry> {
        let entry = self.entries.pop_front()?;
        self.first += 1;
        match entry.write.kept() {
            Kept::Newest(key) => {
                self.numbers.remove(&key);
            }
            Kept::IfNotes => self.notes -= 1,
            Kept::IfBytes(bytes) => self.journey_bytes -= bytes,
            Kept::Always => self.audits -= 1,
        }
        match entry.urgency {
            Urgency::Prompt => self.prompt -= 1,
            Urgency::Lazy => {}
        }
        if self.entries.is_empty() {
            self.lazy_due = None;
        }
        Some(entry)
    }

    /// Before all others. It comes back if its kind does not wait a second time, or a newer one of its key waits by now.
    pub(super) fn give_back(&mut self, entry: Entry) -> Result<(), Entry> {
        match entry.write.kept() {
            Kept::IfNotes | Kept::IfBytes(_) => return Err(entry),
            Kept::Newest(key) if self.numbers.contains_key(&key) => return Err(entry),
            Kept::Newest(key) => {
                self.numbers.insert(key, self.first - 1);
            }
            Kept::Always => {}
        }
        self.first -= 1;
        self.count(&entry);
        self.entries.push_front(entry);
        Ok(())
    }

    /// Whether the writer is to write them now.
    pub(super) fn is_due(&self, now: Instant) -> bool {
        self.prompt > 0 || self.lazy_due.is_some_and(|due| due <= now)
    }

    /// When the writer is to write the lazy ones.
    pub(super) fn lazy_due(&self) -> Option<Instant> {
        self.lazy_due
    }

    /// Whether another audit entry finds room.
    pub(super) fn has_room_for_audit(&self) -> bool {
        // Half of it is for changes that are under way while somebody asks.
        self.audits < AUDITS / 2
    }
}
