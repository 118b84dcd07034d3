//! The way into the writer: bounded in events and bytes, and never blocking.
//!
//! A group reserves its room first and frees it when it has been answered, so the bound covers what
//! waits and what is being written. The queue outlives the writer thread.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering::Relaxed, Ordering::SeqCst};

use crossbeam_channel::{Receiver, Sender, TrySendError, bounded};

use crate::figures::Counters;
use crate::{Group, StoreSettings, TimelineEntry};

/// Notes that may wait: a fleet of thousands reconnecting at once writes a few each.
const NOTES: usize = 16_384;

/// Why a group was not taken.
#[derive(Copy, Clone, Debug, Eq, PartialEq)]
pub enum Refusal {
    /// As many events or bytes wait as may; there is room again after the next commit.
    Full,
    /// The store is closing.
    Stopped,
}

/// A group that was not taken, given back untouched.
#[derive(Debug, thiserror::Error)]
#[error("the writer does not take the group: {why:?}")]
pub struct Rejected {
    /// The group; dropping it answers it.
    pub group: Group,
    /// Why it was not taken.
    pub why: Refusal,
}

/// A handle to the writer's queue.
#[derive(Clone, Debug)]
pub struct Writer {
    pub(crate) intake: Arc<Intake>,
}

impl Writer {
    /// Queues a group. Never blocks; a group that finds no room comes back in the error.
    pub fn submit(&self, group: Group) -> Result<(), Rejected> {
        if group.events.is_empty() {
            group.reply.recorded(Vec::new());
            return Ok(());
        }
        let Some(room) = Room::reserve(&self.intake, group.events.len(), group.held_bytes()) else {
            self.intake.counters.rejected_groups.fetch_add(1, Relaxed);
            return Err(Rejected {
                group,
                why: Refusal::Full,
            });
        };
        // Asked after the reservation: a closing writer waits for every reservation it can see, and
        // whoever reserves later sees it closing.
        if !self.intake.accepting.load(SeqCst) {
            return Err(Rejected {
                group,
                why: Refusal::Stopped,
            });
        }
        self.intake
            .groups
            .0
            .try_send(Queued { group, _room: room })
            .map_err(|unsent| {
                let (queued, why) = match unsent {
                    TrySendError::Full(queued) => (queued, Refusal::Full),
                    TrySendError::Disconnected(queued) => (queued, Refusal::Stopped),
                };
                Rejected {
                    group: queued.group,
                    why,
                }
            })
    }

    /// Queues a note for the timeline: best effort, never blocks, counted when it is dropped.
    pub fn note(&self, entry: TimelineEntry) {
        if self.intake.notes.0.try_send(entry).is_err() {
            self.intake.counters.notes_dropped.fetch_add(1, Relaxed);
        }
    }
}

/// The queues and their bound.
#[derive(Debug)]
pub(crate) struct Intake {
    pub(crate) groups: (Sender<Queued>, Receiver<Queued>),
    pub(crate) notes: (Sender<TimelineEntry>, Receiver<TimelineEntry>),
    pub(crate) accepting: AtomicBool,
    pub(crate) counters: Counters,
    max_events: usize,
    max_bytes: usize,
    events: AtomicUsize,
    bytes: AtomicUsize,
}

impl Intake {
    pub(crate) fn new(settings: &StoreSettings) -> Self {
        Self {
            // A group has one event at least, so the channel is never full before the bound is.
            groups: bounded(settings.channel_events.max(1)),
            notes: bounded(NOTES),
            accepting: AtomicBool::new(true),
            counters: Counters::default(),
            max_events: settings.channel_events,
            max_bytes: settings.channel_bytes,
            events: AtomicUsize::new(0),
            bytes: AtomicUsize::new(0),
        }
    }

    pub(crate) fn held_events(&self) -> usize {
        self.events.load(SeqCst)
    }

    pub(crate) fn held_bytes(&self) -> usize {
        self.bytes.load(SeqCst)
    }
}

/// A group in the queue or in the writer's hands.
#[derive(Debug)]
pub(crate) struct Queued {
    pub(crate) group: Group,
    /// Declared after the group, so freed after the group has been answered.
    pub(crate) _room: Room,
}

/// A share of the bound.
#[derive(Debug)]
pub(crate) struct Room {
    intake: Arc<Intake>,
    events: usize,
    bytes: usize,
}

impl Room {
    fn reserve(intake: &Arc<Intake>, events: usize, bytes: usize) -> Option<Self> {
        let before = intake.events.fetch_add(events, SeqCst);
        let bytes_before = intake.bytes.fetch_add(bytes, SeqCst);
        let room = Self {
            intake: Arc::clone(intake),
            events,
            bytes,
        };
        // A group larger than the whole bound passes when nothing else waits: else it never would.
        let fits = before + events <= intake.max_events && bytes_before + bytes <= intake.max_bytes;
        if !fits && before > 0 {
            return None;
        }
        intake
            .counters
            .queue_events_max
            .fetch_max((before + events) as u64, Relaxed);
        Some(room)
    }
}

impl Drop for Room {
    fn drop(&mut self) {
        self.intake.events.fetch_sub(self.events, SeqCst);
        self.intake.bytes.fetch_sub(self.bytes, SeqCst);
    }
}
