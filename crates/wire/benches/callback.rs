//! One request of the platform, from its bytes to what is recorded. Sizes are those of the event in clear.

use std::hint::black_box;

use bytes::Bytes;
use longwire_wire::callback::sender::{encrypted_body, sign};
use longwire_wire::callback::{CallbackHeaders, CallbackKeys, ReplayWindow, read};
use longwire_wire::catalogue::{self, SampleFacts};
use longwire_wire::envelope::Envelope;
use longwire_wire::identity::Identity;

fn main() {
    divan::main();
}

const TOKEN: &str = "vt0SyntheticVerificationToken001";
const KEY: &str = "ek-synthetic-encrypt-key-0001";
const SIZES: [usize; 3] = [1_024, 8_192, 61_440];

/// A text message of that size, with the token in its header.
fn message(size_bytes: usize) -> Bytes {
    let known = catalogue::find("feishu.im.message.receive_v1").expect("a type of the catalogue");
    let facts = SampleFacts::numbered(7, 1_767_225_601_000);
    let payload = String::from_utf8(known.sample(&facts)).expect("JSON");
    let payload = payload.replace("\"token\":\"\"", &format!("\"token\":\"{TOKEN}\""));
    let longer = "x".repeat(size_bytes.saturating_sub(payload.len()));
    payload
        .replace("what is", &format!("what is{longer}"))
        .into()
}

/// Signature and decryption on.
#[divan::bench(args = SIZES)]
fn encrypted(bencher: divan::Bencher<'_, '_>, size_bytes: usize) {
    let body = encrypted_body(KEY, [7; 16], &message(size_bytes));
    bench(bencher, &body.into(), Some(KEY));
}

/// The token alone.
#[divan::bench(args = SIZES)]
fn plain(bencher: divan::Bencher<'_, '_>, size_bytes: usize) {
    bench(bencher, &message(size_bytes), None);
}

/// The same event as a long connection reads it.
#[divan::bench(args = SIZES)]
fn over_a_long_connection(bencher: divan::Bencher<'_, '_>, size_bytes: usize) {
    let payload = message(size_bytes);
    bencher.bench_local(|| {
        let envelope = Envelope::parse(black_box(&payload)).expect("an event");
        (Identity::of(&envelope), envelope)
    });
}

fn bench(bencher: divan::Bencher<'_, '_>, body: &Bytes, encrypt_key: Option<&str>) {
    let keys = CallbackKeys {
        verification_token: Some(TOKEN),
        encrypt_key,
    };
    let signature = sign(
        "1767225600",
        "314159265",
        encrypt_key.unwrap_or_default(),
        body,
    );
    let headers = CallbackHeaders {
        timestamp: Some(b"1767225600"),
        nonce: Some(b"314159265"),
        signature: Some(signature.as_bytes()),
    };
    bencher.bench_local(|| {
        let now_ms = 1_767_225_601_000;
        read(&keys, &headers, black_box(body), now_ms, ReplayWindow::WIDE).expect("an event")
    });
}
