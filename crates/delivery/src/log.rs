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
    /// The newest event that consumers may know of.
    head: watch::Sender<Seq>,
    /// The newest event that the store has told of.
    told: Cell<Seq>,
    /// How often payloads had been replaced when the newest events were looked at last.
    rewrites: Cell<u64>,
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
            told: Cell::new(Seq(0)),
            rewrites: Cell::new(0),
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

    /// Of all events up to here nothing is left.
    pub(crate) fn gone_through(&self) -> Seq {
        self.store.gone_through()
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

    /// Takes in what is new up to `head`, or further: events are in the store's memory before it tells of them. What the store
    /// does not have in memory is left to the database.
    pub(crate) fn advance(&self, mut head: Seq) {
        let mut newest = self.newest.borrow_mut();
        let known = self.head();
        if head < self.told.replace(head) || newest.begins_after.0 > known {
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
            head = head.max(after);
        }
        drop(newest);
        self.head.send_replace(head);
    }

    /// Payloads were hashed or erased, perhaps of events that are here. Where nothing is here, because nobody watches, the head is
    /// not known either.
    fn forget_replaced(&self) {
        let (mut newest, head) = (self.newest.borrow_mut(), self.head());
        if newest.begins_after.0 <= head {
            newest.clear(head);
        }
    }

    /// Nothing is watched any more.
    pub(crate) fn forget(&self) {
        *self.newest.borrow_mut() = Newest::default();
    }

    /// A page out of memory; `None` if it begins before what is there.
    pub(crate) fn page(&self, after: Seq, until: Option<Seq>, limit: usize) -> Option<LogPage> {
        let rewrites = self.store.rewrites();
        if rewrites != self.rewrites.replace(rewrites) {
            self.forget_replaced();
        }
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

#[cfg(test)]
mod tests {
    use std::sync::mpsc;
    use std::time::Duration;

    use longwire_installation::InstallationId;
    use longwire_store::{Cause, Group, GroupReply, NewEvent, Receipt, Source, StoreSettings};
    use longwire_wire::identity::Identity;

    use super::*;
    use crate::settings::InstallationFacts;

    struct Nobody;

    impl InstallationNames for Nobody {
        fn facts(&self, _: InstallationId) -> Option<Arc<InstallationFacts>> {
            None
        }
    }

    struct Told(mpsc::Sender<()>);

    impl GroupReply for Told {
        fn recorded(&self, _: Vec<Receipt>) {
            self.0.send(()).expect("the test waits");
        }

        fn not_recorded(&self, _: Vec<u32>, cause: Cause) {
            panic!("not recorded: {cause}");
        }
    }

    fn record(store: &Store, number: u32) {
        let (tell, told) = mpsc::channel();
        let event = NewEvent {
            ticket: number,
            identity: Identity::unparsed(Some(&number.to_string()), b"{}"),
            event_id: None,
            event_type: None,
            chat: None,
            source: Source::Operational,
            received_ms: 1,
            created_ms: None,
            trace_id: None,
            payload: "{}".into(),
        };
        let group = Group {
            installation: InstallationId::NONE,
            platform: None,
            events: vec![event],
            reply: Arc::new(Told(tell)),
        };
        store.writer().submit(group).expect("there is room");
        told.recv_timeout(Duration::from_secs(30))
            .expect("it is recorded");
    }

    #[test]
    fn replaced_payloads_are_forgotten_and_nothing_else_is_thought_to_be_here() {
        let home = tempfile::tempdir().expect("a directory");
        let url = format!("sqlite:{}", home.path().join("log.db").display());
        let store = Store::open(&StoreSettings::at(url)).expect("a store");
        store.run_writer(|_| ()).expect("a thread");
        let watch = store.watch_head();
        (1..=3).for_each(|number| record(&store, number));
        let replace = |seq: i64| {
            let erase = longwire_store::RetentionStep::Erase {
                events: vec![Seq(seq)],
                at_ms: 1,
            };
            assert_eq!(store.retain(erase).expect("done").changed, 1);
        };
        let log = Rc::new(Log::new(store.clone(), Arc::new(Nobody)));
        replace(1);
        // Nobody watches: what is there is for the database to say.
        assert!(log.page(Seq(0), None, 10).is_none());
        let _reader = log.reader();
        log.newest.borrow_mut().clear(Seq(0));
        record(&store, 4);
        while watch.newest() < Some(Seq(4)) {
            std::thread::yield_now();
        }
        log.advance(Seq(4));
        replace(2);
        assert!(log.page(Seq(0), None, 10).is_none(), "they are not whole");
        let behind = log.page(Seq(4), None, 10).expect("nothing is behind");
        assert_eq!((behind.events.len(), behind.reached), (0, Seq(4)));
        store.stop_writer();
    }

    /// The store has events in memory before it tells of them, so more may be read than was told.
    #[test]
    fn no_event_is_taken_in_twice() {
        let home = tempfile::tempdir().expect("a directory");
        let url = format!("sqlite:{}", home.path().join("log.db").display());
        let store = Store::open(&StoreSettings::at(url)).expect("a store");
        store.run_writer(|_| ()).expect("a thread");
        let watch = store.watch_head();
        (1..=3).for_each(|number| record(&store, number));
        let log = Rc::new(Log::new(store.clone(), Arc::new(Nobody)));
        let _reader = log.reader();
        log.newest.borrow_mut().clear(Seq(0));
        while watch.newest() < Some(Seq(3)) {
            std::thread::yield_now();
        }
        for told in [1, 2, 3] {
            log.advance(Seq(told));
            assert_eq!(log.head(), Seq(3), "told of {told}");
            let page = log.page(Seq(0), None, 10).expect("it is in memory");
            let seqs: Vec<i64> = page.events.iter().map(|event| event.record.seq.0).collect();
            assert_eq!(seqs, [1, 2, 3], "told of {told}");
        }
        log.advance(Seq(2));
        assert_eq!(log.head(), Seq(2), "the log lost an event");
        store.stop_writer();
    }
}
