//! The event log as consumers read it: the newest events shared in memory, all others in pages of the database.
//!
//! ```text
//! Store ──head moved──▶ Feed ──▶ Log: newest events ──▶ caught-up consumers
//!   └──page, on the blocking pool, two at a time──────▶ consumers that lag
//! ```
//!
//! The newest events are bounded by count and bytes. Reads of the database wait for each other in the order in which they were
//! asked for, so a consumer that reads a year of events delays another one by a page.

use std::cell::{Cell, RefCell};
use std::collections::VecDeque;
use std::rc::Rc;
use std::sync::Arc;

use longwire_consumer::{EventId, RecentClicks, StoreTag};
use longwire_store::{EventPage, EventQuery, EventRecord, ReadError, Store};
use longwire_wire::event::Seq;
use tokio::sync::{Notify, Semaphore, watch};

use crate::logged_event::LoggedEvent;
use crate::settings::InstallationNames;

/// As many as the store keeps in memory: some tenths of a second at the writer's full speed.
const EVENTS: usize = 4_096;
/// What they may hold.
const BYTES: usize = 16 << 20;
/// Reads of the database at a time.
const READS: usize = 2;
/// Events of one page of the database at most.
const PAGE: usize = 256;

/// A stretch of the log.
pub(crate) struct LogPage {
    pub(crate) events: Vec<Rc<LoggedEvent>>,
    /// Everything up to here was looked at.
    pub(crate) reached: Seq,
}

/// The log, on the thread of delivery.
pub(crate) struct Log {
    store: Store,
    tag: StoreTag,
    names: Arc<dyn InstallationNames>,
    newest: RefCell<Newest>,
    head: watch::Sender<Seq>,
    reads: Semaphore,
    /// How many want to know of new events.
    readers: Cell<usize>,
    readers_changed: Notify,
}

#[derive(Default)]
struct Newest {
    events: VecDeque<Rc<LoggedEvent>>,
    /// All events behind this one, up to the head, are here.
    begins_after: BeginsAfter,
    held_bytes: usize,
    clicks: RecentClicks,
}

/// A number that begins at the end of all logs: nothing is in memory.
struct BeginsAfter(Seq);

impl Default for BeginsAfter {
    fn default() -> Self {
        Self(Seq(i64::MAX))
    }
}

impl Log {
    pub(crate) fn new(store: Store, names: Arc<dyn InstallationNames>) -> Self {
        let tag = StoreTag(store.identity().prefix());
        Self {
            store,
            tag,
            names,
            newest: RefCell::default(),
            head: watch::Sender::new(Seq(0)),
            reads: Semaphore::new(READS),
            readers: Cell::new(0),
            readers_changed: Notify::new(),
        }
    }

    pub(crate) fn store(&self) -> &Store {
        &self.store
    }

    /// The newest event that is known of.
    pub(crate) fn head(&self) -> Seq {
        *self.head.borrow()
    }

    /// Tells of a newer head.
    pub(crate) fn watch_head(&self) -> watch::Receiver<Seq> {
        self.head.subscribe()
    }

    /// From now on until it is dropped, new events are watched for.
    pub(crate) fn reader(self: &Rc<Self>) -> LogReader {
        self.readers.set(self.readers.get() + 1);
        self.readers_changed.notify_one();
        LogReader(Rc::clone(self))
    }

    pub(crate) fn is_read(&self) -> bool {
        self.readers.get() > 0
    }

    /// Waits until there are readers, or none any more.
    pub(crate) async fn readers_changed(&self) {
        self.readers_changed.notified().await;
    }

    /// Takes in what is new up to `head`. What the store does not have in memory is left to the database.
    pub(crate) fn advance(&self, head: Seq) {
        let mut newest = self.newest.borrow_mut();
        let known = self.head();
        if head < known || newest.begins_after.0 > known {
            newest.clear(head);
        } else {
            let mut after = known;
            while after < head {
                let query = EventQuery {
                    after: Some(after),
                    installations: None,
                    limit: EVENTS,
                };
                let page = self.store.recent(&query);
                let Some(EventPage {
                    events,
                    reached: Some(reached),
                    ..
                }) = page
                else {
                    newest.clear(head);
                    break;
                };
                if reached <= after {
                    newest.clear(head);
                    break;
                }
                for record in events {
                    let event = self.logged(record, &mut newest.clicks);
                    newest.push(event);
                }
                after = reached;
            }
        }
        drop(newest);
        self.head.send_replace(head);
    }

    /// Nothing is watched any more.
    pub(crate) fn forget(&self) {
        *self.newest.borrow_mut() = Newest::default();
    }

    /// A page out of memory; `None` if it begins before what is there.
    pub(crate) fn page(&self, after: Seq, until: Option<Seq>, limit: usize) -> Option<LogPage> {
        let newest = self.newest.borrow();
        if after < newest.begins_after.0 {
            return None;
        }
        let until = until.unwrap_or(Seq(i64::MAX));
        let first = newest
            .events
            .partition_point(|event| event.record.seq <= after);
        let behind = newest.events.range(first..);
        let behind = behind.take_while(|event| event.record.seq <= until);
        let events: Vec<_> = behind.take(limit).cloned().collect();
        let reached = if events.len() < limit {
            self.head().min(until).max(after)
        } else {
            events.last().map_or(after, |last| last.record.seq)
        };
        Some(LogPage { events, reached })
    }

    /// A page of the database. It waits until it is its turn.
    pub(crate) async fn read(
        &self,
        after: Seq,
        until: Option<Seq>,
        limit: usize,
    ) -> Result<LogPage, ReadError> {
        let _turn = self.reads.acquire().await;
        let store = self.store.clone();
        let query = EventQuery {
            after: Some(after),
            installations: None,
            limit: limit.clamp(1, PAGE),
        };
        let page = tokio::task::spawn_blocking(move || store.follow(query)).await;
        let page = page.unwrap_or_else(|panic| std::panic::resume_unwind(panic.into_panic()))?;
        let until = until.unwrap_or(Seq(i64::MAX));
        let mut clicks = RecentClicks::default();
        let events = page.events.into_iter();
        let events = events.filter(|event| event.seq <= until);
        let events = events.map(|record| self.logged(record, &mut clicks));
        Ok(LogPage {
            events: events.collect(),
            reached: page.reached.unwrap_or(after).min(until).max(after),
        })
    }

    /// One event; none if this log has no event of that id.
    pub(crate) async fn read_one(&self, id: EventId) -> Result<Option<Rc<LoggedEvent>>, ReadError> {
        let Some(seq) = id.seq_in(self.tag) else {
            return Ok(None);
        };
        let page = self.read(Seq(seq.0 - 1), Some(seq), 1).await?;
        Ok(page.events.into_iter().next())
    }

    fn logged(&self, record: EventRecord, clicks: &mut RecentClicks) -> Rc<LoggedEvent> {
        let owner = self.names.facts(record.installation);
        Rc::new(LoggedEvent::new(record, self.tag, owner, clicks))
    }
}

impl Newest {
    fn push(&mut self, event: Rc<LoggedEvent>) {
        self.held_bytes += event.held_bytes();
        self.events.push_back(event);
        while self.events.len() > EVENTS || self.held_bytes > BYTES {
            let Some(oldest) = self.events.pop_front() else {
                break;
            };
            self.held_bytes -= oldest.held_bytes();
            self.begins_after = BeginsAfter(oldest.record.seq);
        }
    }

    /// Nothing up to `head` is here.
    fn clear(&mut self, head: Seq) {
        self.events.clear();
        self.held_bytes = 0;
        self.begins_after = BeginsAfter(head);
    }
}

/// Wants to know of new events.
pub(crate) struct LogReader(Rc<Log>);

impl Drop for LogReader {
    fn drop(&mut self) {
        self.0.readers.set(self.0.readers.get() - 1);
        self.0.readers_changed.notify_one();
    }
}
