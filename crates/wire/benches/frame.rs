//! Measures one event from the bytes of its frame to its keys, and its ACK.
//!
//! `cargo bench -p longwire-wire`

use std::hint::black_box;
use std::time::Duration;

use bytes::Bytes;
use longwire_wire::answer::{Echo, RECORDED};
use longwire_wire::envelope::Envelope;
use longwire_wire::frame::{Frame, FrameView, Header, METHOD_DATA, key};
use longwire_wire::identity::Identity;

/// Sizes of an event's JSON: a short message, and the least and the most that is not split.
const PAYLOAD_BYTES: [usize; 3] = [512, 1_024, 61_440];

fn main() {
    divan::main();
}

fn payload(size_bytes: usize) -> Bytes {
    let mut text = String::from(
        r#"{"schema":"2.0","header":{"event_id":"5e3702a84e847582be8db7fb73283c02","event_type":"im.message.receive_v1","create_time":"1700000000000","token":"","app_id":"cli_a1b2c3d4e5f6a7b8","tenant_key":"2ca1d211f64f6438"},"event":{"message":{"message_id":"om_5ce6d572455d361153b7cb51da133945","create_time":"1700000000000","update_time":"1700000000000","chat_id":"oc_5ce6d572455d361153b7xx51da133945","chat_type":"group","message_type":"text","content":"{\"text\":\""#,
    );
    const END: &str = r#"\"}"}}}"#;
    let room = size_bytes.saturating_sub(text.len() + END.len());
    text.extend(std::iter::repeat_n('x', room));
    text += END;
    Bytes::from(text)
}

fn frame(size_bytes: usize) -> Bytes {
    let headers = [
        (key::TYPE, "event"),
        (key::MESSAGE_ID, "0b5d9f2e-6c1a-4f7e-9d3c-8a2b1c0d4e5f"),
        (key::SUM, "1"),
        (key::SEQ, "0"),
        (key::TRACE_ID, "4bf92f3577b34da6a3ce929d0e0e4736"),
    ];
    Frame {
        seq_id: 1_234_567,
        log_id: 7_654_321_012_345_678_901,
        service: 33_554_678,
        method: METHOD_DATA,
        headers: headers.map(|(key, value)| Header::new(key, value)).into(),
        payload: Some(payload(size_bytes)),
        ..Frame::default()
    }
    .to_bytes()
}

fn view(size_bytes: usize) -> FrameView {
    FrameView::parse(frame(size_bytes)).expect("a frame made just above")
}

/// The frame's fields, without a copy.
#[divan::bench(args = PAYLOAD_BYTES)]
fn scan(bencher: divan::Bencher<'_, '_>, size_bytes: usize) {
    let frame = frame(size_bytes);
    bencher.bench_local(|| FrameView::parse(black_box(frame.clone())));
}

/// The event's facts.
#[divan::bench(args = PAYLOAD_BYTES)]
fn envelope(bencher: divan::Bencher<'_, '_>, size_bytes: usize) {
    let payload = payload(size_bytes);
    bencher.bench_local(|| Envelope::parse(black_box(&payload)));
}

/// The keys that recognise a repeat.
#[divan::bench]
fn identity(bencher: divan::Bencher<'_, '_>) {
    let envelope = Envelope::parse(&payload(1_024)).expect("an event made just above");
    bencher.bench_local(|| Identity::of(black_box(&envelope)));
}

/// All three in a row, as a socket does it.
#[divan::bench(args = PAYLOAD_BYTES)]
fn frame_to_event(bencher: divan::Bencher<'_, '_>, size_bytes: usize) {
    let frame = frame(size_bytes);
    bencher.bench_local(|| {
        let view = FrameView::parse(black_box(frame.clone())).expect("a frame");
        let envelope = Envelope::parse(&view.payload().unwrap_or_default()).expect("an event");
        (Identity::of(&envelope), envelope)
    });
}

/// The answer to it, into a buffer that is kept.
#[divan::bench(args = PAYLOAD_BYTES)]
fn ack(bencher: divan::Bencher<'_, '_>, size_bytes: usize) {
    let echo = Echo::of(&view(size_bytes));
    let mut out = Vec::new();
    bencher.bench_local(|| {
        out.clear();
        black_box(&echo).encode(RECORDED, Some(Duration::from_millis(3)), &mut out);
        out.len()
    });
}
