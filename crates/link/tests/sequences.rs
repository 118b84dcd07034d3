//! The golden sequences of split pushes, from frame bytes to whole events.
//!
//! Each names frames in the order of their arrival, how many events a correct client hands out, which event the
//! fragments make, and the frame the one answer belongs to: the fragment that arrived last.

use std::time::Instant;

use base64::Engine as _;
use bytes::Bytes;
use longwire_link::{Assembly, AssemblyLimits, Outcome};
use longwire_wire::frame::{FrameKind, FrameView, Part};
use serde_json::Value;

const FRAMES: &str = include_str!("../../wire/vectors/feishu-frames.json");
const EVENTS: &str = include_str!("../../wire/vectors/feishu-events.json");

fn parsed(text: &str) -> Value {
    serde_json::from_str(text).expect("vectors are json")
}

fn text<'v>(value: &'v Value, key: &str) -> &'v str {
    value[key].as_str().expect("a string")
}

fn list<'v>(value: &'v Value, key: &str) -> &'v [Value] {
    value[key].as_array().expect("a list")
}

fn named<'v>(all: &'v [Value], name: &str) -> &'v Value {
    let found = all.iter().find(|one| text(one, "name") == name);
    found.unwrap_or_else(|| panic!("no vector {name}"))
}

fn frame(case: &Value) -> FrameView {
    let hex = text(case, "hex").as_bytes();
    let bytes: Vec<u8> = hex
        .chunks(2)
        .map(|pair| {
            let pair = std::str::from_utf8(pair).expect("ascii");
            u8::from_str_radix(pair, 16).expect("hex")
        })
        .collect();
    FrameView::parse(Bytes::from(bytes)).expect("frames of sequences are sound")
}

/// The events handed out, each with the name of the frame it is answered on.
fn feed<'v>(cases: &'v [Value], names: &'v [Value]) -> (Vec<(&'v str, Bytes)>, Assembly) {
    let mut assembly = Assembly::new(AssemblyLimits::default());
    let mut events = Vec::new();
    let now = Instant::now();
    for name in names.iter().map(|name| name.as_str().expect("a name")) {
        let view = frame(named(cases, name));
        if view.kind() != FrameKind::Event {
            continue;
        }
        let payload = view.payload().unwrap_or_default();
        match view.part() {
            Ok(Part::Whole) => events.push((name, payload)),
            Ok(Part::Fragment { sum, seq }) => {
                let id = view.message_id().unwrap_or_default();
                let outcome = assembly.handle_fragment(usize::MAX, id, sum, seq, payload, now);
                if let Outcome::Complete(whole) = outcome {
                    events.push((name, whole));
                }
            }
            // Its numbers are impossible: counted and dropped, and nothing else suffers.
            Err(_) => {}
        }
    }
    (events, assembly)
}

#[test]
fn golden_sequences() {
    let (frames, events) = (parsed(FRAMES), parsed(EVENTS));
    let sequences = list(&frames, "sequences");
    assert_eq!(sequences.len(), 7);
    for sequence in sequences {
        let name = text(sequence, "name");
        let (handed_out, assembly) = feed(list(&frames, "cases"), list(sequence, "frames"));
        let dispatches = sequence["dispatches"].as_u64().expect("a count");
        assert_eq!(handed_out.len() as u64, dispatches, "{name}");
        let Some(event) = sequence["assembles_to"].as_str() else {
            assert_eq!(assembly.open(), 1, "{name}");
            continue;
        };
        assert_eq!(assembly.open(), 0, "{name}");
        let (_, whole) = handed_out
            .iter()
            .find(|(answered_on, _)| *answered_on == text(sequence, "ack_on"))
            .unwrap_or_else(|| panic!("{name}: nothing is answered on the right frame"));
        let expected = &named(list(&events, "events"), event)["payload"];
        assert_eq!(
            serde_json::from_slice::<Value>(whole).ok().as_ref(),
            Some(expected),
            "{name}"
        );
    }
}

/// The vectors' own fragments carry the payload bytes as they are, so the whole is their concatenation.
#[test]
fn the_whole_is_the_fragments_bytes() {
    let frames = parsed(FRAMES);
    let cases = list(&frames, "cases");
    let names = ["chunk_2_of_3", "chunk_1_of_3", "chunk_0_of_3"].map(Value::from);
    let (handed_out, _) = feed(cases, &names);
    let decode = |name| {
        let text = text(&named(cases, name)["decoded"], "payload_b64");
        base64::engine::general_purpose::STANDARD
            .decode(text)
            .expect("base64")
    };
    let expected = ["chunk_0_of_3", "chunk_1_of_3", "chunk_2_of_3"]
        .map(decode)
        .concat();
    assert_eq!(handed_out, [("chunk_0_of_3", Bytes::from(expected))]);
}
