//! Followers of the log: whatever they read in memory and whatever in the database, each event comes once, in its order, as
//! it was recorded.

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
    /// A commit fails, and the connection is closed and opened again.
    Trouble,
    /// Of a commit nobody knows whether it was made, and it was.
    Unconfirmed(u8),
    /// A follower reads a page of so many events.
    Read(usize, usize),
    /// A follower begins or ceases to watch the head.
    Watch(usize, bool),
}

fn steps() -> impl Strategy<Value = Vec<Step>> {
    let event = (0..BOTS, 0..60_u8, 0..2_000_usize);
    let step = prop_oneof![
        4 => prop::collection::vec(event, 1..6).prop_map(Step::Commit),
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
            installation: self.only,
            limit,
        };
        let is_recent = store.open.head.page(&query).is_some();
        let page = store.follow(query).expect("readable");
        self.after = page.reached;
        self.read.extend(page.events);
        (page.more, is_recent)
    }
}

/// What of an event does not change after it was recorded.
fn essence(event: &EventRecord) -> (Seq, InstallationId, EventKey, Bytes, Option<ByteString>) {
    (
        event.seq,
        event.installation,
        event.event_key,
        event.payload.clone(),
        event.event_id.clone(),
    )
}

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
    for step in steps {
        match step {
            Step::Commit(events) => {
                for &(bot, key, length) in events {
                    let mut event = event(1, key);
                    event.payload = Bytes::from(vec![key; length]);
                    let mut group = bench.group(vec![event]);
                    group.installation = bots[bot];
                    store.writer().submit(group).expect("room");
                }
                writer.write(None);
            }
            Step::Trouble | Step::Unconfirmed(_) => {
                database.fail([Cause::Io]);
                if let Step::Unconfirmed(key) = step {
                    database.commit_and_fail();
                    bench.submit(vec![event(1, 100 + key % 100)]);
                } else {
                    bench.submit(vec![event(1, 99)]);
                }
                writer.write(None);
                writer.retry_at = Instant::now();
                writer.retry();
                assert_eq!(store.health(), Health::Ok);
            }
            Step::Read(who, limit) => {
                let (_, is_recent) = followers[*who].read(store, *limit);
                from_memory += usize::from(is_recent);
            }
            Step::Watch(who, begins) => {
                followers[*who].watch = begins.then(|| store.watch_head());
            }
        }
        if let Some(watch) = followers.iter().find_map(|one| one.watch.as_ref()) {
            assert_eq!(watch.newest(), store.reader().last_seq().expect("readable"));
        }
    }
    for follower in &mut followers {
        while follower.read(store, 3).0 {}
        let query = EventQuery {
            installation: follower.only,
            ..everything()
        };
        let all = store.reader().events(query).expect("readable").events;
        let expected: Vec<_> = all.iter().map(essence).collect();
        let read: Vec<_> = follower.read.iter().map(essence).collect();
        assert_eq!(read, expected);
    }
    from_memory
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

    drop(watch);
    assert_eq!(bench.ask(event(4, 22)), recorded(4, 22));
    let until = Instant::now() + DEADLINE;
    while bench.store.open.head.page(&query).is_some() {
        assert!(
            Instant::now() < until,
            "nobody watches, and it is still in memory"
        );
    }
    assert_eq!(bench.store.follow(query).expect("readable").events.len(), 4);
}
