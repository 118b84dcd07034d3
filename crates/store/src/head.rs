//! The end of the log: a signal after each commit that recorded something, and the newest events in memory.
//!
//! Whoever follows the log watches the head and reads what is new from memory; whoever lags, or begins earlier, reads pages
//! of the database. Nothing is kept in memory while nobody watches: the last watch that is dropped takes the events along.

use std::sync::atomic::{AtomicBool, Ordering::Relaxed};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, Weak};

use tokio::sync::{broadcast, watch};

use crate::event_record::{EventPage, EventQuery};
use crate::group::EventOwner;
use crate::receipt::{Committed, EventOutcome, RecordOutcome};
use crate::recent::{RecentEvents, keep_only};
use longwire_wire::event::{NewEvent, Seq};

/// Tells of the newest event of the log, as often as it changes or less often: several commits may be one change.
///
/// A follower reads pages until one says that there is no [`more`](EventPage::more), then waits for a change. It does not
/// read until it has the newest event: a database that was put in place of this one may lack it until the store has opened
/// that database and tells of its newest event.
#[derive(Clone, Debug)]
pub struct HeadWatch {
    newest: watch::Receiver<Option<Seq>>,
    /// Declared after the receiver, so dropped when that is counted no more.
    _forgets: ForgetsUnwatched,
}

/// Has the newest events forgotten when it is dropped and nobody watches. It does not keep the head alive.
#[derive(Clone, Debug)]
struct ForgetsUnwatched(Weak<Head>);

impl Drop for ForgetsUnwatched {
    fn drop(&mut self) {
        if let Some(head) = self.0.upgrade() {
            let mut recent = head.recent();
            head.forget_unwatched(&mut recent);
        }
    }
}

impl HeadWatch {
    /// The newest event; `None` while there is none.
    #[must_use]
    pub fn newest(&self) -> Option<Seq> {
        *self.newest.borrow()
    }

    /// Waits until the newest event is another one than this watch has told of, and tells which. It is an earlier one when
    /// events were lost: a copy of the database with fewer events was put in its place. `None` when the store is gone.
    pub async fn changed(&mut self) -> Option<Seq> {
        loop {
            self.newest.changed().await.ok()?;
            let newest = *self.newest.borrow_and_update();
            // A log that lost all its events has none to tell of.
            if newest.is_some() {
                return newest;
            }
        }
    }
}

/// Operational events that a follower of these alone may be behind. They come a few a minute.
const OPERATIONAL_BEHIND: usize = 64;

/// The events of one group that was answered.
pub(crate) type GroupEvents = (EventOwner, Vec<NewEvent>);

/// The head as the writer moves it and followers read it.
#[derive(Debug)]
pub(crate) struct Head {
    newest: watch::Sender<Option<Seq>>,
    recent: Mutex<RecentEvents>,
    /// A writer that nobody follows does not lock the mutex.
    has_recent: AtomicBool,
    operational: broadcast::Sender<NewEvent>,
}

impl Head {
    pub(crate) fn new(newest: Option<Seq>) -> Self {
        Self {
            newest: watch::Sender::new(newest),
            recent: Mutex::default(),
            has_recent: AtomicBool::new(false),
            operational: broadcast::Sender::new(OPERATIONAL_BEHIND),
        }
    }

    /// The operational events from now on.
    pub(crate) fn follow_operational(&self) -> broadcast::Receiver<NewEvent> {
        self.operational.subscribe()
    }

    /// These operational events were recorded.
    pub(crate) fn tell_operational(&self, events: &[NewEvent]) {
        for event in events {
            // An error means that nobody follows.
            drop(self.operational.send(event.clone()));
        }
    }

    pub(crate) fn watch(self: &Arc<Self>) -> HeadWatch {
        HeadWatch {
            newest: self.newest.subscribe(),
            _forgets: ForgetsUnwatched(Arc::downgrade(self)),
        }
    }

    /// Whether anybody wants to know of commits.
    pub(crate) fn is_watched(&self) -> bool {
        self.newest.receiver_count() > 0
    }

    /// A batch was committed. Its events are given if somebody [watches](Self::is_watched). The receipts have been
    /// handed out before.
    pub(crate) fn publish(&self, committed: &Committed, events: Option<Vec<GroupEvents>>) {
        match events {
            Some(mut events) => {
                let mut outcomes = committed.outcomes();
                for (_, events) in &mut events {
                    let (of_group, of_others) = outcomes.split_at(events.len());
                    keep_only(events, of_group);
                    outcomes = of_others;
                }
                let events = events.into_iter().flat_map(|(owner, events)| {
                    events.into_iter().map(move |event| (owner, event))
                });
                let mut recent = self.recent();
                recent.extend(events.zip(committed.outcomes()));
                self.has_recent.store(true, Relaxed);
                // The last watch may have been dropped since the events were gathered.
                self.forget_unwatched(&mut recent);
            }
            None => self.forget(),
        }
        let last = committed
            .outcomes()
            .iter()
            .rev()
            .find_map(|outcome| match outcome {
                EventOutcome::Recorded(RecordOutcome::Recorded(seq)) => Some(*seq),
                EventOutcome::Recorded(RecordOutcome::Repeat { .. }) | EventOutcome::Poison(_) => {
                    None
                }
            });
        if last.is_some() {
            self.reaches(last);
        }
    }

    /// The log reaches to here. It reaches less far than before when it was opened again and lacks events; their numbers are
    /// not given again.
    pub(crate) fn reaches(&self, newest: Option<Seq>) {
        self.newest.send_if_modified(|head| {
            let before = std::mem::replace(head, newest);
            before != newest
        });
    }

    /// Nothing in memory counts any more: nobody watched a commit, or the database may not have what is in memory.
    pub(crate) fn forget(&self) {
        if self.has_recent.swap(false, Relaxed) {
            self.recent().clear();
        }
    }

    /// Called with the lock: a watch that is dropped and a commit that is published do this one after the other, so the
    /// second of them finds that nobody watches.
    fn forget_unwatched(&self, recent: &mut RecentEvents) {
        if !self.is_watched() {
            recent.clear();
            self.has_recent.store(false, Relaxed);
        }
    }

    /// The page from memory; `None` if it has to be read from the database.
    pub(crate) fn page(&self, query: &EventQuery) -> Option<EventPage> {
        self.recent().page(query).or_else(|| {
            // Who has read everything learns so without the database.
            (query.after >= *self.newest.borrow()).then(|| EventPage::empty(query))
        })
    }

    fn recent(&self) -> MutexGuard<'_, RecentEvents> {
        self.recent.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Keeps no more events in memory than this.
    #[cfg(test)]
    pub(crate) fn limit_recent(&self, events: usize, bytes: usize) {
        self.recent().limit(events, bytes);
    }
}
