//! Measures one callback of WeCom from the text of its frame to its key, and the other frames.
//!
//! `cargo bench -p longwire-wire --bench wecom`

use std::hint::black_box;

use bytes::Bytes;
use longwire_wire::wecom::{Incoming, Prefix, ReqId, ping};

/// Sizes of a frame: a short message, a usual one, and a long one with quotes.
const FRAME_BYTES: [usize; 3] = [512, 1_024, 61_440];

fn main() {
    divan::main();
}

fn frame(size_bytes: usize, end: &str) -> Bytes {
    let mut text = String::from(
        r#"{"cmd":"aibot_msg_callback","headers":{"req_id":"Zq3vT8nXk1LwR5pYb7HdZq3vT8nXk1Lw"},"body":{"msgid":"CAIQ16HMjQYY\/NGagIOAgAMgq4KM0AI=","aibotid":"aibFAKEbot000000000000000000001","chatid":"wrGROUPxyz0000000000000000000001","chattype":"group","from":{"userid":"zhangsan"},"create_time":1760000001,"msgtype":"text","text":{"content":""#,
    );
    let room = size_bytes.saturating_sub(text.len() + end.len());
    text.extend(std::iter::repeat_n('x', room));
    text += end;
    Bytes::from(text)
}

fn parsed_with_key(bencher: divan::Bencher<'_, '_>, frame: &Bytes) {
    bencher.bench_local(|| {
        let Ok(Incoming::Callback(callback)) = Incoming::parse(black_box(frame.clone())) else {
            panic!("a callback made just above");
        };
        (callback.identity(), callback)
    });
}

/// As a socket does it.
#[divan::bench(name = "wecom callback -> event", args = FRAME_BYTES)]
fn callback_to_event(bencher: divan::Bencher<'_, '_>, size_bytes: usize) {
    parsed_with_key(bencher, &frame(size_bytes, r#""}}}"#));
}

/// A callback with a raw newline in its text, which costs a second parse and a copy.
#[divan::bench(name = "wecom callback -> event, repaired", args = FRAME_BYTES)]
fn repaired_to_event(bencher: divan::Bencher<'_, '_>, size_bytes: usize) {
    parsed_with_key(bencher, &frame(size_bytes, "\n\"}}}"));
}

/// The answer to a ping or a reply.
#[divan::bench]
fn ack(bencher: divan::Bencher<'_, '_>) {
    let frame = Bytes::from_static(
        br#"{"headers":{"req_id":"ping_0123456789abcdef"},"errcode":0,"errmsg":"ok"}"#,
    );
    bencher.bench_local(|| Incoming::parse(black_box(frame.clone())));
}

#[divan::bench(name = "ping")]
fn ping_frame(bencher: divan::Bencher<'_, '_>) {
    bencher.bench_local(|| ping(&ReqId::new(Prefix::Ping, black_box(7))));
}
