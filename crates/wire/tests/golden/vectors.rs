//! Reads the vector files.

use std::sync::LazyLock;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use bytes::Bytes;
use longwire_wire::frame::{Frame, FrameView, Header};
use serde::Deserialize;
use serde_json::value::RawValue;

pub(crate) static FRAMES: LazyLock<Vec<Case>> = LazyLock::new(|| {
    let file: FrameFile = serde_json::from_str(include_str!("../../vectors/feishu-frames.json"))
        .expect("the vectors are readable");
    assert_eq!(file.cases.len(), 88);
    file.cases
});

pub(crate) static EVENTS: LazyLock<Vec<Event>> = LazyLock::new(|| {
    let file: EventFile = serde_json::from_str(include_str!("../../vectors/feishu-events.json"))
        .expect("the vectors are readable");
    assert_eq!(file.events.len(), 40);
    file.events
});

#[derive(Deserialize)]
struct FrameFile {
    cases: Vec<Case>,
}

#[derive(Deserialize)]
struct EventFile {
    events: Vec<Event>,
}

#[derive(Deserialize)]
pub(crate) struct Case {
    pub(crate) name: String,
    hex: String,
    pub(crate) decoded: Option<Decoded>,
    pub(crate) accepts: Accepts,
    pub(crate) missing_required: Option<Vec<String>>,
    prost_reencoded: Option<String>,
    /// The event that is the payload.
    pub(crate) event: Option<String>,
}

/// Which decoders return a value for the bytes.
#[derive(Deserialize)]
pub(crate) struct Accepts {
    pub(crate) prost: bool,
    pub(crate) go: bool,
}

/// What the official Python classes decode; `None` for an absent field.
#[derive(Deserialize)]
pub(crate) struct Decoded {
    seq_id: u64,
    log_id: u64,
    service: i32,
    method: i32,
    headers: Vec<DecodedHeader>,
    payload_encoding: Option<String>,
    payload_type: Option<String>,
    payload_b64: Option<String>,
    log_id_new: Option<String>,
}

#[derive(Deserialize)]
struct DecodedHeader {
    key: String,
    value: String,
}

#[derive(Deserialize)]
pub(crate) struct Event {
    pub(crate) name: String,
    pub(crate) schema: String,
    pub(crate) event_type: String,
    payload: Box<RawValue>,
}

pub(crate) fn case(name: &str) -> &'static Case {
    let found = FRAMES.iter().find(|case| case.name == name);
    found.unwrap_or_else(|| panic!("no case {name}"))
}

pub(crate) fn event(name: &str) -> &'static Event {
    let found = EVENTS.iter().find(|event| event.name == name);
    found.unwrap_or_else(|| panic!("no event {name}"))
}

impl Case {
    pub(crate) fn bytes(&self) -> Bytes {
        unhex(&self.hex)
    }

    pub(crate) fn view(&self) -> FrameView {
        FrameView::parse(self.bytes()).expect(&self.name)
    }

    /// The bytes after prost has decoded and encoded them.
    pub(crate) fn reencoded(&self) -> Bytes {
        match self.prost_reencoded.as_deref() {
            Some("same") => self.bytes(),
            Some(hex) => unhex(hex),
            None => panic!("{} is not decodable", self.name),
        }
    }

    pub(crate) fn decoded(&self) -> Frame {
        let decoded = self.decoded.as_ref().expect(&self.name);
        let headers = decoded.headers.iter();
        Frame {
            seq_id: decoded.seq_id,
            log_id: decoded.log_id,
            service: decoded.service,
            method: decoded.method,
            headers: headers
                .map(|header| Header::new(&header.key, &header.value))
                .collect(),
            payload_encoding: decoded.payload_encoding.clone(),
            payload_type: decoded.payload_type.clone(),
            payload: decoded
                .payload_b64
                .as_ref()
                .map(|text| STANDARD.decode(text).expect("base64").into()),
            log_id_new: decoded.log_id_new.clone(),
        }
    }
}

impl Event {
    /// The payload as it is pushed: without the spaces between its tokens.
    pub(crate) fn payload(&self) -> Bytes {
        let mut compact = String::new();
        let (mut in_string, mut escaped) = (false, false);
        for character in self.payload.get().chars() {
            match character {
                _ if escaped => escaped = false,
                '\\' => escaped = true,
                '"' => in_string = !in_string,
                _ if !in_string && character.is_ascii_whitespace() => continue,
                _ => {}
            }
            compact.push(character);
        }
        Bytes::from(compact)
    }

    /// The payload as a tree, read by another road than the one under test.
    pub(crate) fn tree(&self) -> serde_json::Value {
        serde_json::from_str(self.payload.get()).expect("the vectors are readable")
    }
}

fn unhex(hex: &str) -> Bytes {
    let digit = |byte: u8| char::from(byte).to_digit(16).expect("hex") as u8;
    let pairs = hex.as_bytes().chunks_exact(2);
    pairs
        .map(|pair| digit(pair[0]) << 4 | digit(pair[1]))
        .collect()
}
