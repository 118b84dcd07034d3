//! From the offer of a group to its receipts: queue, transaction, commit to the disk of the temporary directory.
//!
//! `cargo bench -p longwire-store`; `TMPDIR` says which disk. `beside` is a full writer with what else may use it: notes on
//! the lane of small writes, 10,000 a second, a follower of the log, and the lazy positions of five consumers.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering::Relaxed};
use std::sync::mpsc::{Sender, channel};
use std::time::{Duration, Instant};

use bytes::Bytes;
use bytestring::ByteString;
use divan::counter::ItemsCount;
use longwire_installation::{Desired, InstallationId, Origin, Platform};
use longwire_store::{
    Cause, ConsumerId, EventQuery, Group, GroupReply, NewConsumer, NewEvent, NewInstallation,
    Receipt, SavedPosition, Seq, Source, Store, StoreSettings, TimelineEntry, TimelineKind,
    Urgency,
};
use longwire_wire::identity::Identity;

/// An event's JSON; the writer does not look into it.
const PAYLOAD_BYTES: usize = 1_024;

fn main() {
    divan::main();
}

/// Tells of each group how many receipts it got.
struct Told(Sender<usize>);

impl GroupReply for Told {
    fn recorded(&self, receipts: Vec<Receipt>) {
        // Nobody listens after the last round.
        let _ = self.0.send(receipts.len());
    }

    fn not_recorded(&self, _: Vec<u32>, cause: Cause) {
        panic!("the store took nothing: {cause:?}");
    }
}

fn event(number: u64) -> NewEvent {
    let id = format!("{number:032x}");
    let mut payload = id.clone().into_bytes();
    payload.resize(PAYLOAD_BYTES, b'x');
    let payload = Bytes::from(payload);
    NewEvent {
        ticket: 0,
        identity: Identity::unparsed(Some(&id), &payload),
        event_id: Some(ByteString::from(id)),
        event_type: Some(ByteString::from_static("im.message.receive_v1")),
        chat: Some(ByteString::from_static(
            "oc_5ce6d572455d361153b7xx51da133945",
        )),
        source: Source::LongConnection,
        received_ms: 1_700_000_000_000,
        created_ms: None,
        trace_id: None,
        payload,
    }
}

fn open(home: &tempfile::TempDir) -> (Store, InstallationId) {
    let path = home.path().join("bench.db").display().to_string();
    let store = Store::open(&StoreSettings::at(path)).expect("a fresh store opens");
    let installation = store
        .add_installation(NewInstallation {
            name: "bench".parse().expect("a name"),
            platform: Platform::Feishu,
            app_id: "cli_bench".to_owned(),
            app_secret: "no-real-secret".into(),
            base_url: None,
            proxy: None,
            mode: Default::default(),
            verification_token: None,
            encrypt_key: None,
            take_back: None,
            desired: Desired::Stop,
            origin: Origin::Cli,
            space: Default::default(),
        })
        .expect("an installation is added")
        .id;
    (store, installation)
}

/// One group at a time, so every commit holds just these events.
#[divan::bench(args = [1, 64, 512], sample_size = 1)]
fn commit(bencher: divan::Bencher<'_, '_>, events: u64) {
    let home = tempfile::tempdir().expect("a temporary directory");
    let (store, installation) = open(&home);
    let (tell, told) = channel();
    let reply: Arc<dyn GroupReply> = Arc::new(Told(tell));
    let thread = store
        .run_writer(|_| {})
        .expect("the operating system gives a thread");
    let mut next = 0;
    bencher
        .counter(ItemsCount::new(events))
        .with_inputs(|| {
            next += events;
            Group {
                installation,
                platform: Some(Platform::Feishu),
                events: (next - events..next).map(event).collect(),
                reply: Arc::clone(&reply),
            }
        })
        .bench_local_values(|group| {
            assert!(store.writer().submit(group).is_ok(), "nothing else waits");
            told.recv().expect("every group is answered")
        });
    store.stop_writer();
    thread.join().expect("the writer ends in order");
}

/// What uses the store beside the events.
#[derive(Copy, Clone, Debug, Eq, PartialEq)]
enum Beside {
    Nothing,
    SmallWrites,
    Follower,
    Positions,
}

/// Groups that wait or are written at a time, of 64 events each: the writer is never without work.
const UNDER_WAY: u64 = 32;

/// Sixteen thousand events, as fast as the writer takes them.
#[divan::bench(args = [Beside::Nothing, Beside::SmallWrites, Beside::Follower, Beside::Positions], sample_size = 1)]
fn beside(bencher: divan::Bencher<'_, '_>, beside: Beside) {
    const GROUPS: u64 = 256;
    let home = tempfile::tempdir().expect("a temporary directory");
    let (store, installation) = open(&home);
    let (tell, told) = channel();
    let reply: Arc<dyn GroupReply> = Arc::new(Told(tell));
    let writer = store.run_writer(|_| {}).expect("a thread");
    let ends = Arc::new(AtomicBool::new(false));
    let companion = {
        let (store, ends) = (store.clone(), Arc::clone(&ends));
        std::thread::spawn(move || match beside {
            Beside::Nothing => {}
            Beside::SmallWrites => write_small(&store, installation, &ends),
            Beside::Follower => follow(&store, &ends),
            Beside::Positions => keep_positions(&store, &ends),
        })
    };
    let mut next = 0;
    bencher
        .counter(ItemsCount::new(GROUPS * 64))
        .with_inputs(|| {
            let groups = (0..GROUPS).map(|group| Group {
                installation,
                platform: Some(Platform::Feishu),
                events: (next + group * 64..next + group * 64 + 64)
                    .map(event)
                    .collect(),
                reply: Arc::clone(&reply),
            });
            let groups: Vec<Group> = groups.collect();
            next += GROUPS * 64;
            groups
        })
        .bench_local_values(|groups| {
            let mut under_way = 0;
            for group in groups {
                if under_way == UNDER_WAY {
                    told.recv().expect("every group is answered");
                    under_way -= 1;
                }
                store.writer().submit(group).expect("little waits");
                under_way += 1;
            }
            for _ in 0..under_way {
                told.recv().expect("every group is answered");
            }
        });
    ends.store(true, Relaxed);
    companion.join().expect("it ends in order");
    store.stop_writer();
    writer.join().expect("the writer ends in order");
}

/// Ten notes each millisecond.
fn write_small(store: &Store, installation: InstallationId, ends: &AtomicBool) {
    let writer = store.writer();
    let begun = Instant::now();
    let mut written = 0;
    while !ends.load(Relaxed) {
        while written < begun.elapsed().as_millis() * 10 {
            writer.note(TimelineEntry {
                installation,
                at_ms: 1_700_000_000_000,
                generation: 1,
                kind: TimelineKind::Opened,
                detail: String::new(),
            });
            written += 1;
        }
        std::thread::sleep(Duration::from_millis(1));
    }
}

/// The lazy positions of five consumers, each kept again as soon as it is durable: with each transaction.
fn keep_positions(store: &Store, ends: &AtomicBool) {
    let consumers: Vec<ConsumerId> = (0..5)
        .map(|number| {
            let new = NewConsumer {
                name: format!("bench-{number}").parse().expect("a name"),
                space: Default::default(),
                definition: "{}".to_owned(),
                webhook_secret: None,
                position: position(0),
            };
            store.add_consumer(new).expect("it is added").id
        })
        .collect();
    let (tell, told) = channel();
    let keep = |consumer: ConsumerId, floor: i64| {
        let tell = tell.clone();
        let kept = move || {
            let _ = tell.send((consumer, floor));
        };
        let writer = store.writer();
        writer.keep_position(consumer, position(floor), Urgency::Lazy, kept);
    };
    for &consumer in &consumers {
        keep(consumer, 1);
    }
    while !ends.load(Relaxed) {
        if let Ok((consumer, floor)) = told.recv_timeout(Duration::from_millis(10)) {
            keep(consumer, floor + 1);
        }
    }
}

/// With some events done out of order.
fn position(floor: i64) -> SavedPosition {
    SavedPosition {
        floor: Seq(floor),
        state: Bytes::from_static(&[7; 200]),
    }
}

/// Reads all that is recorded, as soon as it is.
fn follow(store: &Store, ends: &AtomicBool) {
    let watch = store.watch_head();
    let mut after = None;
    while !ends.load(Relaxed) {
        if watch.newest() == after {
            std::thread::sleep(Duration::from_micros(200));
            continue;
        }
        let page = store.follow(EventQuery {
            after,
            installations: None,
            limit: 1_000,
        });
        after = page.expect("readable").reached;
    }
}
