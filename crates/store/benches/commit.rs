//! From the offer of a group to its receipts: queue, transaction, commit to the disk of the temporary directory.
//!
//! `cargo bench -p longwire-store`; `TMPDIR` says which disk.

use std::sync::Arc;
use std::sync::mpsc::{Sender, channel};

use bytes::Bytes;
use bytestring::ByteString;
use divan::counter::ItemsCount;
use longwire_installation::{Desired, Origin, Platform};
use longwire_store::{
    Cause, Group, GroupReply, NewEvent, NewInstallation, Receipt, Source, Store, StoreSettings,
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

/// One group at a time, so every commit holds just these events.
#[divan::bench(args = [1, 64, 512], sample_size = 1)]
fn commit(bencher: divan::Bencher<'_, '_>, events: u64) {
    let home = tempfile::tempdir().expect("a temporary directory");
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
            take_back: None,
            desired: Desired::Stop,
            origin: Origin::Cli,
        })
        .expect("an installation is added")
        .id;
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
