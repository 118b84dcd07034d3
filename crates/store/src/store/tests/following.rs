//! Followers of the log: whatever they read in memory and whatever in the database, each event comes once, in its order, as
//! it was recorded. What is in the log at the end has come to each of them, also when other events were lost meanwhile.

use proptest::prelude::*;

use super::memory::MemoryDatabase;
use super::*;
use crate::event_record::EventRecord;
use crate::head::HeadWatch;

const BOTS: usize = 3;
const FOLLOWERS: usize = 4;

/// One thing that happens.
#[derive(Clone, Debug)]
enum Step {
    /// These events are committed in one batch: the bot, the event's key and its length.
    Commit(Vec<(usize, u8, usize)>),
    /// The same with one group of one bot, as one read brings it.
    Group(usize, Vec<(u8, usize)>),
    /// A commit fails, and the connection is closed and opened again.
    Trouble,
    /// Of a commit nobody knows whether it was made, and it was.
    Unconfirmed(u8),
    /// A commit fails for a reason that leaves the connection open.
    Refused(Cause),
    /// After trouble, a log that lacks the newest events lies in the place of this one.
    Shorter(usize),
    /// The writer panics between a commit and the telling of it.
    Panic(u8),
    /// A follower reads a page of so many events.
    Read(usize, usize),
    /// A follower begins or ceases to watch the head.
    Watch(usize, bool),
}

fn steps() -> impl Strategy<Value = Vec<Step>> {
    let event = (0..BOTS, 0..60_u8, 0..2_000_usize);
    // News and repeats, small ones and those that fill a read.
    let of_a_read = (
        0..60_u8,
        prop_oneof![3 => 0..2_000_usize, 1 => Just(60 << 10)],
    );
    let of_a_read = prop::collection::vec(of_a_read, 1..6);
    let step = prop_oneof![
        4 => prop::collection::vec(event, 1..6).prop_map(Step::Commit),
        2 => (0..BOTS, of_a_read).prop_map(|(bot, events)| Step::Group(bot, events)),
        1 => prop_oneof![Just(Cause::Locked), Just(Cause::DiskFull)].prop_map(Step::Refused),
        1 => (0..8_usize).prop_map(Step::Shorter),
        1 => any::<u8>().prop_map(Step::Panic),
        1 => Just(Step::Trouble),
        1 => any::<u8>().prop_map(Step::Unconfirmed),
        6 => (0..FOLLOWERS, 1..5_usize).prop_map(|(who, limit)| Step::Read(who, limit)),
        2 => (0..FOLLOWERS, any::<bool>()).prop_map(|(who, begins)| Step::Watch(who, begins)),
    ];
    prop::collection::vec(step, 1..80)
}

/// Reads all events, or those of one bot.
#[derive(Default)]
struct Follower {
    only: Option<InstallationId>,
    after: Option<Seq>,
    read: Vec<EventRecord>,
    watch: Option<HeadWatch>,
}

impl Follower {
    /// Reads a page; returns whether there was more, and whether it came out of memory.
    fn read(&mut self, store: &Store, limit: usize) -> (bool, bool) {
        let query = EventQuery {
            after: self.after,
            installations: self.only.map(|only| vec![only]),
            limit,
        };
        let is_recent = store.open.head.page(&query).is_some();
        let page = store.follow(query).expect("readable");
        self.after = page.reached;
        self.read.extend(page.events);
        (page.more, is_recent)
    }

    /// Reads what is left, and holds all that was read against the log.
    fn read_to_the_end(&mut self, store: &Store, ever: &[Essence]) {
        while self.read(store, 3).0 {}
        let query = EventQuery {
            installations: self.only.map(|only| vec![only]),
            ..everything()
        };
        let all = store.reader().events(query).expect("readable").events;
        let expected: Vec<_> = all.iter().map(essence).collect();
        let mut read: Vec<_> = self.read.iter().map(essence).collect();
        assert!(read.is_sorted_by(|(one, ..), (next, ..)| one < next));
        assert!(read.iter().all(|event| ever.contains(event)));
        // It may have read what was lost afterwards.
        read.retain(|event| expected.contains(event));
        assert_eq!(read, expected);
    }
}

/// What of an event does not change after it was recorded.
type Essence = (Seq, InstallationId, EventKey, Bytes, Option<ByteString>);

fn essence(event: &EventRecord) -> Essence {
    (
        event.seq,
        event.installation,
        event.event_key,
        event.payload.clone(),
        event.event_id.clone(),
    )
}

/// Panics on the writer's thread.
struct PanicsWhenTold;

impl GroupReply for PanicsWhenTold {
    fn recorded(&self, _: Vec<Receipt>) {
        panic!("as the test wants");
    }

    fn not_recorded(&self, _: Vec<u32>, _: Cause) {}
}

fn with_payload(key: u8, length: usize) -> NewEvent {
    let mut event = event(1, key);
    event.payload = Bytes::from(vec![key; length]);
    event
}

fn retry(store: &Store, writer: &mut WriterState) {
    writer.retry_at = Instant::now();
    writer.retry();
    assert_eq!(store.health(), Health::Ok);
}

/// Plays the steps; returns how many pages came out of memory.
fn run(steps: &[Step]) -> usize {
    let database = MemoryDatabase::default();
    let bench = Bench::in_memory(&database);
    let store = &bench.store;
    let mut bots = vec![bench.bot];
    bots.extend(["b", "c"].map(|name| {
        store
            .add_installation(installation(name))
            .expect("added")
            .id
    }));
    store.open.head.limit_recent(7, 12_000);
    let mut writer = take_state(store);
    let mut followers: [Follower; FOLLOWERS] = Default::default();
    followers[1].only = Some(bots[1]);
    followers[2].only = Some(bots[2]);
    let mut from_memory = 0;
    // Whatever was in the log at any time.
    let mut ever: Vec<Essence> = Vec::new();
    for step in steps {
        match step {
            Step::Read(who, limit) => {
                let (_, is_recent) = followers[*who].read(store, *limit);
                from_memory += usize::from(is_recent);
            }
            Step::Watch(who, begins) => {
                followers[*who].watch = begins.then(|| store.watch_head());
            }
            Step::Panic(key) => writer = panic_after_commit(&bench, *key, writer),
            Step::Commit(_)
            | Step::Group(..)
            | Step::Refused(_)
            | Step::Shorter(_)
            | Step::Trouble
            | Step::Unconfirmed(_) => write(step, &database, &bench, &bots, &mut writer),
        }
        if let Some(watch) = followers.iter().find_map(|one| one.watch.as_ref()) {
            assert_eq!(watch.newest(), store.reader().last_seq().expect("readable"));
        }
        let news = store.reader().events(EventQuery {
            after: ever.last().map(|(seq, ..)| *seq),
            ..everything()
        });
        ever.extend(news.expect("readable").events.iter().map(essence));
    }
    for follower in &mut followers {
        follower.read_to_the_end(store, &ever);
    }
    from_memory
}

/// What the writer does in one step.
fn write(
    step: &Step,
    database: &MemoryDatabase,
    bench: &Bench,
    bots: &[InstallationId],
    writer: &mut WriterState,
) {
    let store = &bench.store;
    match step {
        Step::Commit(events) => {
            for &(bot, key, length) in events {
                let mut group = bench.group(vec![with_payload(key, length)]);
                group.installation = bots[bot];
                store.writer().submit(group).expect("room");
            }
            writer.write(None);
        }
        Step::Group(bot, events) => {
            let events = events.iter();
            let events = events.map(|&(key, length)| with_payload(key, length));
            let mut group = bench.group(events.collect());
            group.installation = bots[*bot];
            store.writer().submit(group).expect("room");
            writer.write(None);
        }
        Step::Refused(cause) => {
            database.fail([*cause]);
            bench.submit(vec![event(1, 99)]);
            writer.write(None);
            assert!(writer.engine.is_ready(), "the next batch is recorded");
        }
        Step::Shorter(lost) => {
            database.fail([Cause::Gone]);
            bench.submit(vec![event(1, 99)]);
            writer.write(None);
            database.lose(*lost);
            retry(store, writer);
        }
        Step::Trouble => {
            database.fail([Cause::Io]);
            bench.submit(vec![event(1, 99)]);
            writer.write(None);
            retry(store, writer);
        }
        Step::Unconfirmed(key) => {
            database.fail([Cause::Io]);
            database.commit_and_fail();
            bench.submit(vec![event(1, 100 + key % 100)]);
            writer.write(None);
            retry(store, writer);
        }
        Step::Panic(_) | Step::Read(..) | Step::Watch(..) => {
            unreachable!("the writer has no part in it")
        }
    }
}

/// The writer panics between a commit and telling the followers of it.
fn panic_after_commit(bench: &Bench, key: u8, writer: Box<WriterState>) -> Box<WriterState> {
    let store = &bench.store;
    let mut group = bench.group(vec![event(1, 200 + key % 50)]);
    group.reply = Arc::new(PanicsWhenTold);
    store.writer().submit(group).expect("room");
    let mut run = WriterRun {
        open: Arc::clone(&store.open),
        state: Some(writer),
        handed_over: None,
    };
    let outcome = catch_unwind(AssertUnwindSafe(|| {
        if let Some(state) = &mut run.state {
            state.write(None);
        }
    }));
    assert!(outcome.is_err());
    drop(run);
    let mut writer = take_state(store);
    retry(store, &mut writer);
    writer
}

proptest! {
    #[test]
    fn a_follower_reads_each_event_once_in_order_and_as_it_is(steps in steps()) {
        run(&steps);
    }
}

#[test]
fn who_watches_reads_out_of_memory() {
    let mut steps = vec![Step::Watch(0, true)];
    for key in 0..20 {
        steps.push(Step::Commit(vec![(0, key, 10), (1, key, 10)]));
        steps.push(Step::Read(0, 5));
    }
    assert_eq!(run(&steps), 20);
}

/// A follower that reads until it has the newest event comes to an end, although the newest ones were lost.
#[test]
fn a_log_that_comes_back_shorter_has_a_head_that_can_be_reached() {
    let commit = |key| Step::Commit(vec![(0, key, 10)]);
    for lost in 1..=3 {
        let steps = [
            Step::Watch(0, true),
            commit(1),
            commit(2),
            commit(3),
            Step::Read(0, 1),
            Step::Shorter(lost),
            Step::Read(0, 5),
            commit(4),
            Step::Read(0, 5),
        ];
        run(&steps);
    }
}

/// A watch that waits is told of an earlier event, and not of the end when a log comes back empty.
#[test]
fn a_watch_waits_on_when_all_events_were_lost() {
    let head = Head::new(Some(Seq(2)));
    let head = Arc::new(head);
    let mut watch = head.watch();
    let runtime = tokio::runtime::Builder::new_current_thread()
        .build()
        .expect("a runtime");
    head.reaches(Some(Seq(1)));
    assert_eq!(runtime.block_on(watch.changed()), Some(Seq(1)));
    head.reaches(None);
    assert_eq!(watch.newest(), None);
    let teller = std::thread::spawn(move || {
        std::thread::sleep(Duration::from_millis(20));
        head.reaches(Some(Seq(3)));
    });
    assert_eq!(runtime.block_on(watch.changed()), Some(Seq(3)));
    teller.join().expect("it tells");
    assert_eq!(runtime.block_on(watch.changed()), None, "the store is gone");
}

/// The same on SQLite, with the writer's thread.
#[test]
fn who_watches_is_told_of_each_commit_and_reads_what_the_database_has() {
    let bench = Bench::running();
    let mut watch = bench.store.watch_head();
    assert_eq!(watch.newest(), None);
    let runtime = tokio::runtime::Builder::new_current_thread()
        .build()
        .expect("a runtime");
    let mut after = None;
    for key in 1..=20 {
        assert_eq!(bench.ask(event(1, key)), recorded(1, i64::from(key)));
        assert_eq!(runtime.block_on(watch.changed()), Some(Seq(i64::from(key))));
        let query = EventQuery {
            after,
            ..everything()
        };
        let recent = bench.store.open.head.page(&query).expect("it is in memory");
        let kept = bench.store.reader().events(query).expect("readable");
        assert_eq!(format!("{recent:?}"), format!("{kept:?}"));
        after = recent.reached;
    }
    // A repeat moves no head, and counts in memory as it does in the database.
    assert_eq!(bench.ask(event(2, 20)), repeat(2, 20, Tier::EventId));
    assert_eq!(bench.ask(event(3, 21)), recorded(3, 21));
    assert_eq!(runtime.block_on(watch.changed()), Some(Seq(21)));
    let query = EventQuery {
        after: Some(Seq(18)),
        ..everything()
    };
    let recent = bench.store.open.head.page(&query).expect("it is in memory");
    let kept = bench
        .store
        .reader()
        .events(query.clone())
        .expect("readable");
    assert_eq!(format!("{recent:?}"), format!("{kept:?}"));
    assert_eq!(recent.events[1].repeats, 1);

    let second = watch.clone();
    drop(watch);
    assert!(
        bench.store.open.head.page(&query).is_some(),
        "one watches yet"
    );
    drop(second);
    assert!(
        bench.store.open.head.page(&query).is_none(),
        "nobody watches, and it is still in memory"
    );
    assert_eq!(bench.ask(event(4, 22)), recorded(4, 22));
    assert!(bench.store.open.head.page(&query).is_none());
    assert_eq!(bench.store.follow(query).expect("readable").events.len(), 4);
}
