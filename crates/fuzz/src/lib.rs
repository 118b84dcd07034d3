//! What every decoder of outside bytes holds, whatever the bytes: one function each, which panics when it does not.
//!
//! The functions run over the seeds and over the files beneath `corpus/` as a plain test. With cargo-fuzz and a nightly
//! toolchain they run over what libFuzzer makes of those:
//!
//! ```sh
//! cd crates/fuzz
//! cargo run --quiet -- /tmp/seeds                         # writes the seeds, a folder for each decoder
//! cargo +nightly fuzz run frame corpus/frame /tmp/seeds/frame -- -max_total_time=60
//! ```
//!
//! `fuzz/` is a workspace of its own, so that nothing else needs libFuzzer. What a run finds becomes a file of `corpus/`.

mod callback;
mod client_messages;
mod consumer;
mod feishu;
mod identifiers;
mod seeds;
mod view;
mod websocket;
mod wecom;

pub use callback::callback;
pub use client_messages::client_messages;
pub use consumer::{consumer_definition, event_id, position};
pub use feishu::{answer, client_config, connection_url, endpoint, envelope, frame};
pub use identifiers::{base_url, handshake_refusal, public_id};
pub use view::{card_answer, view};
pub use websocket::websocket;
pub use wecom::{wecom_body, wecom_decrypt, wecom_incoming, wecom_media};

pub use seeds::seeds;

/// A decoder: its name, which is that of its fuzz target and of its folder, and what it holds.
pub type Decoder = (&'static str, fn(&[u8]));

/// All of them.
pub const TARGETS: &[Decoder] = &[
    ("answer", answer),
    ("base_url", base_url),
    ("callback", callback),
    ("card_answer", card_answer),
    ("client_config", client_config),
    ("client_messages", client_messages),
    ("connection_url", connection_url),
    ("consumer_definition", consumer_definition),
    ("endpoint", endpoint),
    ("envelope", envelope),
    ("event_id", event_id),
    ("frame", frame),
    ("handshake_refusal", handshake_refusal),
    ("position", position),
    ("public_id", public_id),
    ("view", view),
    ("websocket", websocket),
    ("wecom_body", wecom_body),
    ("wecom_decrypt", wecom_decrypt),
    ("wecom_incoming", wecom_incoming),
    ("wecom_media", wecom_media),
];

/// Whether `part` is a slice of `whole`, not a copy.
fn lies_in(part: &[u8], whole: &[u8]) -> bool {
    let (part, whole) = (part.as_ptr_range(), whole.as_ptr_range());
    part.is_empty() || (whole.start <= part.start && part.end <= whole.end)
}
