//! The view of an event, which is made once for all consumers. Sizes are those of the whole payload.

use std::hint::black_box;

use bytes::Bytes;
use longwire_wire::catalogue::{self, SampleFacts};
use longwire_wire::view::EventView;

fn main() {
    divan::main();
}

/// The sample of that type, and its view's arguments.
fn sample(name: &str) -> (&'static catalogue::EventType, Bytes) {
    let known = catalogue::find(name).expect("a type of the catalogue");
    let facts = SampleFacts::numbered(7, 1_767_225_601_000);
    (known, Bytes::from(known.sample(&facts)))
}

const TYPES: [&str; 5] = [
    "feishu.im.message.receive_v1",
    "feishu.card.action.trigger",
    "feishu.im.message.reaction.created_v1",
    "wecom.message.text",
    "wecom.event.template_card_event",
];

#[divan::bench(args = TYPES)]
fn of(bencher: divan::Bencher<'_, '_>, name: &str) {
    let (known, payload) = sample(name);
    bencher.bench_local(|| EventView::of(known.family, known.record_type(), black_box(&payload)));
}

/// A text message of 1 KiB and of 60 KiB.
#[divan::bench(args = [1_024, 61_440])]
fn text(bencher: divan::Bencher<'_, '_>, size_bytes: usize) {
    let (known, payload) = sample("feishu.im.message.receive_v1");
    let payload = String::from_utf8(payload.to_vec()).expect("JSON");
    let longer = "x".repeat(size_bytes.saturating_sub(payload.len()));
    let payload = Bytes::from(payload.replace("what is", &format!("what is{longer}")));
    bencher.bench_local(|| EventView::of(known.family, known.record_type(), black_box(&payload)));
}

/// The view as the `data` of an envelope.
#[divan::bench(args = TYPES)]
fn to_json(bencher: divan::Bencher<'_, '_>, name: &str) {
    let (known, payload) = sample(name);
    let view = EventView::of(known.family, known.record_type(), &payload);
    let mut out = Vec::new();
    bencher.bench_local(|| {
        out.clear();
        serde_json::to_writer(&mut out, black_box(&view)).expect("a view is JSON");
        out.len()
    });
}
