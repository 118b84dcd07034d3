//! Properties over any bytes: the hand-written scan, the echo and the envelope.

use std::time::Duration;

use bytes::Bytes;
use longwire_wire::answer::Echo;
use longwire_wire::envelope::Envelope;
use longwire_wire::frame::{Frame, FrameView, Header};
use proptest::collection::vec;
use proptest::option;
use proptest::prelude::*;
use prost::Message;

/// The frame with nothing required, so that prost tells what was absent.
#[derive(Clone, PartialEq, Message)]
struct LooseFrame {
    #[prost(uint64, optional, tag = "1")]
    seq_id: Option<u64>,
    #[prost(uint64, optional, tag = "2")]
    log_id: Option<u64>,
    #[prost(int32, optional, tag = "3")]
    service: Option<i32>,
    #[prost(int32, optional, tag = "4")]
    method: Option<i32>,
    #[prost(message, repeated, tag = "5")]
    headers: Vec<LooseHeader>,
    #[prost(string, optional, tag = "6")]
    payload_encoding: Option<String>,
    #[prost(string, optional, tag = "7")]
    payload_type: Option<String>,
    #[prost(bytes = "bytes", optional, tag = "8")]
    payload: Option<Bytes>,
    #[prost(string, optional, tag = "9")]
    log_id_new: Option<String>,
}

#[derive(Clone, PartialEq, Message)]
struct LooseHeader {
    #[prost(string, optional, tag = "1")]
    key: Option<String>,
    #[prost(string, optional, tag = "2")]
    value: Option<String>,
}

impl LooseFrame {
    fn strict(self) -> Option<Frame> {
        let headers = self.headers.into_iter();
        Some(Frame {
            seq_id: self.seq_id?,
            log_id: self.log_id?,
            service: self.service?,
            method: self.method?,
            headers: headers
                .map(|header| Some(Header::new(header.key?, header.value?)))
                .collect::<Option<_>>()?,
            payload_encoding: self.payload_encoding,
            payload_type: self.payload_type,
            payload: self.payload,
            log_id_new: self.log_id_new,
        })
    }
}

/// The scan accepts what prost decodes with nothing absent, and reads the same from it.
fn check_against_prost(bytes: Bytes) -> Result<(), TestCaseError> {
    let reference = LooseFrame::decode(bytes.clone()).ok();
    let reference = reference.and_then(LooseFrame::strict);
    let view = FrameView::parse(bytes.clone());
    let Some(frame) = reference else {
        prop_assert!(view.is_err(), "prost refuses, the scan reads {view:?}");
        prop_assert!(Frame::from_bytes(bytes).is_err());
        return Ok(());
    };
    let view = view.map_err(|error| TestCaseError::fail(format!("{error} in {frame:?}")))?;
    prop_assert_eq!(view.seq_id(), frame.seq_id);
    prop_assert_eq!(view.log_id(), frame.log_id);
    prop_assert_eq!(view.service(), frame.service);
    prop_assert_eq!(view.method(), frame.method);
    prop_assert_eq!(view.payload(), frame.payload.clone());
    prop_assert_eq!(view.message_id(), frame.header("message_id"));
    prop_assert_eq!(view.trace_id(), frame.header("trace_id"));
    for header in &frame.headers {
        prop_assert_eq!(view.header(&header.key), frame.header(&header.key));
    }
    // Any of its headers may be read; none of them may make it panic.
    let _ = (view.part(), view.kind(), format!("{view:?}"));
    check_echo(&view, &frame, b"{\"code\":200}", None)?;
    check_echo(&view, &frame, b"", Some(Duration::from_millis(77)))?;
    prop_assert_eq!(Frame::from_bytes(bytes), Ok(frame));
    Ok(())
}

/// An echo is the frame prost writes with the payload replaced and `biz_rt` appended.
fn check_echo(
    view: &FrameView,
    frame: &Frame,
    payload: &[u8],
    biz_rt: Option<Duration>,
) -> Result<(), TestCaseError> {
    let mut expected = frame.clone();
    expected.payload = Some(Bytes::copy_from_slice(payload));
    if let Some(biz_rt) = biz_rt {
        let header = Header::new("biz_rt", biz_rt.as_millis().to_string());
        expected.headers.push(header);
    }
    let mut out = Vec::new();
    let echo = Echo::of(view);
    echo.encode(payload, biz_rt, &mut out);
    prop_assert_eq!(out.len(), echo.encoded_len(payload, biz_rt));
    prop_assert_eq!(&out, &expected.to_bytes());
    prop_assert_eq!(Frame::from_bytes(out.into()), Ok(expected));
    Ok(())
}

fn any_header() -> impl Strategy<Value = Header> {
    let key = prop_oneof![
        "(type|message_id|trace_id|sum|seq|biz_rt)".boxed(),
        "\\PC{0,6}".boxed(),
    ];
    let value = prop_oneof![
        "(event|card|ping|pong)".boxed(),
        "-?[0-9]{0,5}".boxed(),
        "\\PC{0,40}".boxed(),
        // Around the length that takes a second byte.
        "[a-z]{110,140}".boxed(),
    ];
    (key, value).prop_map(|(key, value)| Header::new(key, value))
}

prop_compose! {
    fn any_frame()(
        seq_id in any::<u64>(),
        log_id in any::<u64>(),
        service in any::<i32>(),
        method in -1..3_i32,
        headers in vec(any_header(), 0..7),
        payload_encoding in option::of("\\PC{0,4}"),
        payload_type in option::of("\\PC{0,4}"),
        payload in option::of(vec(any::<u8>(), 0..300)),
        log_id_new in option::of("\\PC{0,20}"),
    ) -> Frame {
        let payload = payload.map(Bytes::from);
        Frame {
            seq_id, log_id, service, method, headers,
            payload_encoding, payload_type, payload, log_id_new,
        }
    }
}

/// One field of any number and wire type, most of them well-formed.
fn any_field() -> impl Strategy<Value = Vec<u8>> {
    let number = prop_oneof![4 => 1..10_u64, 1 => 0..40_u64, 1 => any::<u64>()];
    let integer = prop_oneof![0..200_u64, any::<u64>()];
    let well_formed = (0..5_u8, number.clone(), integer, vec(any::<u8>(), 0..12)).prop_map(
        |(shape, number, integer, content)| {
            let mut out = Vec::new();
            let tag = |out: &mut Vec<u8>, wire_type| varint(out, number << 3 | wire_type);
            match shape {
                0 => {
                    tag(&mut out, 0);
                    varint(&mut out, integer);
                }
                1 => {
                    tag(&mut out, 1);
                    out.extend(integer.to_le_bytes());
                }
                2 => {
                    tag(&mut out, 2);
                    varint(&mut out, content.len() as u64);
                    out.extend(content);
                }
                3 => {
                    // A group whose content is whatever it is.
                    tag(&mut out, 3);
                    out.extend(content.iter().take(2));
                    tag(&mut out, 4);
                }
                _ => {
                    tag(&mut out, 5);
                    out.extend((integer as u32).to_le_bytes());
                }
            }
            out
        },
    );
    let scalar = (1..5_u64, any::<u64>()).prop_map(|(number, value)| {
        let mut out = Vec::new();
        varint(&mut out, number << 3);
        varint(&mut out, value);
        out
    });
    let header = vec((1..4_u8, "[a-z]{0,4}"), 0..4).prop_map(|parts| {
        let content: Vec<u8> = parts
            .iter()
            .flat_map(|(number, text)| {
                [&[number << 3 | 2, text.len() as u8], text.as_bytes()].concat()
            })
            .collect();
        [&[5 << 3 | 2, content.len() as u8], &content[..]].concat()
    });
    prop_oneof![
        3 => well_formed,
        6 => scalar,
        3 => header,
        1 => vec(any::<u8>(), 0..4),
    ]
}

fn varint(out: &mut Vec<u8>, mut value: u64) {
    while value >= 0x80 {
        out.push(value as u8 | 0x80);
        value >>= 7;
    }
    out.push(value as u8);
}

proptest! {
    #![proptest_config(ProptestConfig {
        cases: 2_000,
        failure_persistence: None,
        ..ProptestConfig::default()
    })]

    #[test]
    fn any_bytes(bytes in vec(any::<u8>(), 0..64)) {
        check_against_prost(bytes.into())?;
    }

    #[test]
    fn any_fields(fields in vec(any_field(), 0..14)) {
        check_against_prost(fields.concat().into())?;
    }

    #[test]
    fn any_fields_after_a_whole_frame(frame in any_frame(), fields in vec(any_field(), 0..3)) {
        let bytes = [frame.to_bytes().to_vec(), fields.concat()].concat();
        check_against_prost(bytes.into())?;
    }

    #[test]
    fn frames_come_back_as_they_went(frame in any_frame()) {
        prop_assert_eq!(Frame::from_bytes(frame.to_bytes()), Ok(frame.clone()));
        check_against_prost(frame.to_bytes())?;
    }

    #[test]
    fn a_damaged_frame(
        frame in any_frame(),
        at in any::<prop::sample::Index>(),
        byte in any::<u8>(),
        keep in any::<prop::sample::Index>(),
    ) {
        let mut bytes = frame.to_bytes().to_vec();
        let at = at.index(bytes.len());
        bytes[at] = byte;
        check_against_prost(Bytes::from(bytes.clone()))?;
        bytes.truncate(keep.index(bytes.len()));
        check_against_prost(bytes.into())?;
    }

    #[test]
    fn no_payload_makes_an_envelope_panic(payload in vec(any::<u8>(), 0..100)) {
        let _ = Envelope::parse(&payload.into());
    }

    #[test]
    fn an_envelope_has_the_members_of_its_tree(event in any_event()) {
        let text = event.to_string();
        let envelope = Envelope::parse(&Bytes::from(text.clone()));
        let id = event.pointer("/header/event_id").and_then(|id| id.as_str());
        let event_type = event.pointer("/header/event_type").and_then(|id| id.as_str());
        match (id, event_type) {
            (Some(id), Some(event_type)) if !id.is_empty() && !event_type.is_empty() => {
                let envelope = envelope.expect("an event");
                prop_assert_eq!(&*envelope.event_id, id);
                prop_assert_eq!(&*envelope.event_type, event_type);
            }
            _ => prop_assert!(envelope.is_err()),
        }
    }
}

/// A schema 2.0 event whose id and type are any text, with any members beside them.
fn any_event() -> impl Strategy<Value = serde_json::Value> {
    let leaf = prop_oneof![
        Just(serde_json::Value::Null),
        any::<bool>().prop_map(Into::into),
        any::<f64>().prop_map(Into::into),
        any::<i64>().prop_map(Into::into),
        any::<String>().prop_map(Into::into),
    ];
    let tree = leaf.prop_recursive(4, 32, 5, |inner| {
        let key = prop_oneof!["(message|context|chat_id|message_id|type)", any::<String>()];
        prop_oneof![
            vec(inner.clone(), 0..5).prop_map(Into::into),
            vec((key, inner), 0..5).prop_map(|members| members.into_iter().collect()),
        ]
    });
    let id = prop_oneof!["[a-z0-9]{0,8}", any::<String>()];
    (id.clone(), id, tree.clone(), tree).prop_map(|(id, event_type, event, more)| {
        serde_json::json!({
            "header": { "event_id": id, "event_type": event_type, "create_time": more },
            "event": event,
            "more": more,
        })
    })
}

/// Unknown groups may nest as deep as prost lets them, in a frame and in a header of it.
#[test]
fn groups_nest_as_deep_as_prost_lets_them() {
    let required = [8, 0, 16, 0, 24, 0, 32, 0];
    let (mut accepted, mut refused) = (0, 0);
    for depth in 90..110 {
        let start = vec![15 << 3 | 3; depth];
        let end = vec![15 << 3 | 4; depth];
        let groups = [start, end].concat();
        let in_frame = [&required[..], &groups].concat();
        let mut header = vec![10, 0, 18, 0];
        header.extend(&groups);
        let mut in_header = [&required[..], &[42]].concat();
        varint(&mut in_header, header.len() as u64);
        in_header.extend(header);
        for bytes in [in_frame, in_header] {
            match FrameView::parse(Bytes::from(bytes.clone())) {
                Ok(_) => accepted += 1,
                Err(_) => refused += 1,
            }
            check_against_prost(bytes.into()).expect("the same limit");
        }
    }
    assert!(accepted > 0 && refused > 0, "the limit lies in the range");
}
