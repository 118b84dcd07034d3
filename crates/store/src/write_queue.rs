//! The queue of the writer: bounded in events, bytes and time. To submit never blocks.
//!
//! A group makes a reservation first and ends it when it has been answered, so the bound covers the groups that wait and
//! those that are being written; one group at most exceeds it. The queue outlives the writer thread.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering::Relaxed, Ordering::SeqCst};

use crossbeam_channel::{Receiver, Sender, bounded};

use crate::consumer::SavedPosition;
use crate::displacement::Displacement;
use crate::figures::Counters;
use crate::group::Group;
use crate::ids::ConsumerId;
use crate::journey::JourneyBatch;
use crate::lane::{LaneFull, OnDurable, SmallWrite, Urgency, WriteLane};
use crate::pace::Pace;
use crate::settings::StoreSettings;
use crate::timeline::TimelineEntry;
use crate::token::TokenUse;
use longwire_access::{AuditEntry, TokenId};

/// Why a group was not taken.
#[derive(Copy, Clone, Debug, Eq, PartialEq)]
pub enum Refusal {
    /// As many events or bytes wait as may; there is space again after the next commit.
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

/// An entry of the audit was not taken, because too many wait for the database.
#[derive(Copy, Clone, Debug, Eq, PartialEq, thiserror::Error)]
#[error("too many entries of the audit wait for the database; look at the state of the store")]
pub struct AuditFull;

/// A handle to the writer's queue.
#[derive(Clone, Debug)]
pub struct Writer {
    pub(crate) queue: Arc<WriteQueue>,
}

impl Writer {
    /// Queues a group of an installation that has nothing here yet. Never blocks; a group that finds no room comes
    /// back in the error.
    pub fn submit(&self, group: Group) -> Result<(), Rejected> {
        self.queue(group, self.queue.max_events())
    }

    /// The same for an installation whose events already wait here or are being written. It leaves the last eighth of
    /// the queue to the others, so that a bot with few events finds room beside a bot with many.
    pub fn submit_more(&self, group: Group) -> Result<(), Rejected> {
        let max_events = self.queue.max_events();
        self.queue(group, max_events - max_events / 8)
    }

    /// Whether a group of an installation that has nothing here yet would find room now.
    pub fn has_room(&self) -> bool {
        let queue = &self.queue;
        queue.held_events() < queue.max_events() && queue.held_bytes() < queue.max_bytes()
    }

    fn queue(&self, group: Group, max_events: usize) -> Result<(), Rejected> {
        if group.events.is_empty() {
            group.reply.recorded(Vec::new());
            return Ok(());
        }
        let (events, bytes) = (group.events.len(), group.held_bytes());
        let Some(reservation) = Reservation::reserve(&self.queue, events, bytes, max_events) else {
            self.queue.counters.rejected_groups.fetch_add(1, Relaxed);
            let why = Refusal::Full;
            return Err(Rejected { group, why });
        };
        // Asked after the reservation: a closing writer waits for every reservation it can see, and
        // whoever reserves later sees it closing.
        if !self.queue.accepting.load(SeqCst) {
            let why = Refusal::Stopped;
            return Err(Rejected { group, why });
        }
        let sent = self.queue.groups.0.try_send(Queued { group, reservation });
        sent.map_err(|unsent| Rejected {
            group: unsent.into_inner().group,
            // The receiver lives as long as the sender.
            why: Refusal::Full,
        })
    }

    /// Puts a note for the timeline on the lane of small writes: best effort, never blocks, counted when it is dropped.
    pub fn note(&self, entry: TimelineEntry) {
        // What is not taken is counted there.
        let _ = (self.queue.lane).put(SmallWrite::Note(entry), Urgency::Prompt, None);
    }

    /// Records who has a bot. Never blocks. The displacement waits until the database takes it, unless a newer one of the
    /// same installation replaces it. `kept` is called on the writer thread when it is durable, and not at all when it was
    /// replaced.
    pub fn keep_displacement(
        &self,
        displacement: Displacement,
        kept: impl FnOnce() + Send + 'static,
    ) {
        let write = SmallWrite::Displacement(displacement);
        self.keep(write, Urgency::Prompt, Some(Box::new(kept)));
    }

    /// Keeps how far a consumer has come. Never blocks. The position waits until the database takes it, unless a newer one of
    /// the same consumer replaces it; that of a consumer that is removed meanwhile is left out. `kept` is called on the writer
    /// thread when it is durable, and not at all when it was replaced.
    pub fn keep_position(
        &self,
        consumer: ConsumerId,
        position: SavedPosition,
        urgency: Urgency,
        kept: impl FnOnce() + Send + 'static,
    ) {
        let write = SmallWrite::Position(consumer, position);
        self.keep(write, urgency, Some(Box::new(kept)));
    }

    /// Keeps steps of the journeys of events: best effort, lazy, never blocks. What is too much is dropped, and its steps are
    /// counted. An empty batch is none.
    pub fn keep_journey(&self, batch: JourneyBatch) {
        if !batch.is_empty() {
            // What is not taken is counted there.
            let _ = (self.queue.lane).put(SmallWrite::Journey(batch), Urgency::Lazy, None);
        }
    }

    /// Keeps when a token was last used, to the minute, lazily. [`TokenDirectory::authenticate`](crate::TokenDirectory) does
    /// so by itself, once a minute for each token.
    pub fn token_used(&self, token: TokenId, now_ms: i64) {
        let used = TokenUse::at(token, now_ms);
        self.keep(SmallWrite::TokenUsed(used), Urgency::Lazy, None);
    }

    /// Keeps who changed what. Never blocks, wakes the writer, and waits until the database takes it.
    ///
    /// # Errors
    /// So many wait that this one is not taken. Who asks [`has_room_for_audit`](Self::has_room_for_audit) before a change
    /// does not meet that, unless thousands of changes are under way.
    pub fn audit(&self, entry: AuditEntry) -> Result<(), AuditFull> {
        let put = (self.queue.lane).put(SmallWrite::Audit(entry), Urgency::Prompt, None);
        put.map_err(|LaneFull| AuditFull)
    }

    /// Whether what somebody changes now can be audited. If not, the change is to be refused: the database has taken nothing
    /// for long.
    #[must_use]
    pub fn has_room_for_audit(&self) -> bool {
        self.queue.lane.has_room_for_audit()
    }

    /// Puts a write on the lane that waits there as long as need be.
    fn keep(&self, write: SmallWrite, urgency: Urgency, on_durable: Option<OnDurable>) {
        let put = self.queue.lane.put(write, urgency, on_durable);
        debug_assert!(put.is_ok(), "there are no more of them than rows");
    }
}

/// The queues and their bound.
#[derive(Debug)]
pub(crate) struct WriteQueue {
    pub(crate) groups: (Sender<Queued>, Receiver<Queued>),
    pub(crate) lane: WriteLane,
    pub(crate) accepting: AtomicBool,
    pub(crate) counters: Counters,
    pub(crate) pace: Pace,
    max_events: usize,
    max_bytes: usize,
    events: AtomicUsize,
    bytes: AtomicUsize,
}

impl WriteQueue {
    pub(crate) fn new(settings: &StoreSettings) -> Self {
        Self {
            // A group has one event at least, so the channel is never full before the bound is.
            groups: bounded(settings.channel_events.max(1)),
            lane: WriteLane::new(),
            accepting: AtomicBool::new(true),
            counters: Counters::default(),
            pace: Pace::default(),
            max_events: settings.channel_events,
            max_bytes: settings.channel_bytes,
            events: AtomicUsize::new(0),
            bytes: AtomicUsize::new(0),
        }
    }

    /// Events that may wait now: as many as the settings allow and the writer records in time.
    fn max_events(&self) -> usize {
        self.max_events.min(self.pace.in_time())
    }

    fn max_bytes(&self) -> usize {
        self.max_bytes.min(self.pace.bytes_in_time())
    }

    pub(crate) fn held_events(&self) -> usize {
        self.events.load(SeqCst)
    }

    pub(crate) fn held_bytes(&self) -> usize {
        self.bytes.load(SeqCst)
    }
}

/// A group that waits or is being written.
#[derive(Debug)]
pub(crate) struct Queued {
    pub(crate) group: Group,
    /// Declared after the group, so dropped after the group has been answered.
    pub(crate) reservation: Reservation,
}

impl Queued {
    /// The memory that its events hold.
    pub(crate) fn held_bytes(&self) -> usize {
        self.reservation.bytes
    }
}

/// A share of the bound.
#[derive(Debug)]
pub(crate) struct Reservation {
    queue: Arc<WriteQueue>,
    events: usize,
    bytes: usize,
}

impl Reservation {
    /// A group passes while the bound is not reached yet, and may exceed it by itself. A rule that wants all of it
    /// below would keep the largest out for as long as small ones keep coming.
    fn reserve(
        queue: &Arc<WriteQueue>,
        events: usize,
        bytes: usize,
        max_events: usize,
    ) -> Option<Self> {
        let mut reservation = Self {
            queue: Arc::clone(queue),
            events: 0,
            bytes: 0,
        };
        let before = add_below(&queue.events, max_events, events)?;
        reservation.events = events;
        add_below(&queue.bytes, queue.max_bytes(), bytes)?;
        reservation.bytes = bytes;
        queue
            .counters
            .queue_events_max
            .fetch_max((before + events) as u64, Relaxed);
        Some(reservation)
    }
}

/// Adds, unless the bound is reached already; returns what there was before.
fn add_below(held: &AtomicUsize, bound: usize, more: usize) -> Option<usize> {
    held.fetch_update(SeqCst, SeqCst, |held| (held < bound).then(|| held + more))
        .ok()
}

impl Drop for Reservation {
    fn drop(&mut self) {
        self.queue.events.fetch_sub(self.events, SeqCst);
        self.queue.bytes.fetch_sub(self.bytes, SeqCst);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cause::Cause;
    use crate::group::GroupReply;
    use crate::receipt::Receipt;
    use bytes::Bytes;
    use longwire_installation::{InstallationId, Platform};
    use longwire_wire::event::{NewEvent, Source};
    use longwire_wire::identity::Identity;

    struct Nobody;

    impl GroupReply for Nobody {
        fn recorded(&self, _: Vec<Receipt>) {}
        fn not_recorded(&self, _: Vec<u32>, _: Cause) {}
    }

    fn writer(channel_events: usize, channel_bytes: usize) -> Writer {
        Writer {
            queue: Arc::new(WriteQueue::new(&StoreSettings {
                channel_events,
                channel_bytes,
                ..StoreSettings::default()
            })),
        }
    }

    fn group(events: usize, payload_bytes: usize) -> Group {
        let payload = Bytes::from(vec![b' '; payload_bytes]);
        let event = NewEvent {
            ticket: 1,
            identity: Identity::unparsed(None, &payload),
            event_id: None,
            event_type: None,
            chat: None,
            source: Source::LongConnection,
            received_ms: 0,
            created_ms: None,
            trace_id: None,
            payload,
        };
        Group {
            installation: InstallationId(1),
            platform: Some(Platform::Feishu),
            events: vec![event; events],
            reply: Arc::new(Nobody),
        }
    }

    fn finish_one(writer: &Writer) -> usize {
        let queued = writer.queue.groups.1.try_recv().expect("one waits");
        queued.group.events.len()
    }

    #[test]
    fn a_large_group_finds_room_while_small_ones_keep_coming() {
        let writer = writer(16, 1 << 20);
        for _ in 0..15 {
            writer.submit(group(1, 1)).expect("room");
        }
        writer
            .submit(group(64, 1))
            .expect("one more than the bound may be reached by one group");
        assert!(!writer.has_room());
        let refused = writer
            .submit(group(1, 1))
            .expect_err("the bound is reached");
        assert_eq!(refused.why, Refusal::Full);
        assert_eq!(
            writer.queue.held_events(),
            15 + 64,
            "the refused left no trace"
        );
    }

    #[test]
    fn a_group_of_many_bytes_finds_room_too_and_then_nothing_does() {
        let writer = writer(1_000, 10_000);
        writer.submit(group(1, 1)).expect("room");
        writer
            .submit(group(1, 1 << 20))
            .expect("room for a large one");
        let before = (writer.queue.held_events(), writer.queue.held_bytes());
        writer.submit(group(1, 1)).expect_err("bytes count as well");
        let after = (writer.queue.held_events(), writer.queue.held_bytes());
        assert_eq!(after, before);
        while writer.queue.held_events() > 0 {
            finish_one(&writer);
        }
        assert_eq!(writer.queue.held_bytes(), 0);
        assert!(writer.has_room());
    }

    #[test]
    fn whoever_fills_the_queue_leaves_room_for_the_others() {
        let writer = writer(80, 1 << 20);
        let flood = || writer.submit_more(group(1, 1));
        let taken = (0..1_000).filter(|_| flood().is_ok()).count();
        assert_eq!(taken, 70);
        for _ in 0..10 {
            writer.submit(group(1, 1)).expect("the last eighth");
        }
        writer.submit(group(1, 1)).expect_err("that was all");
        finish_one(&writer);
        flood().expect_err("what becomes free is not the flood's");
    }
}
