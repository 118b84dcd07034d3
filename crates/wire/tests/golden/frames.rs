//! All 88 frames: accepted or refused, decoded, encoded again.

use longwire_wire::endpoint::ClientConfig;
use longwire_wire::frame::{Frame, FrameError, FrameKind, FrameView, ServiceId};

use crate::vectors::{FRAMES, case, event};

/// Where we are stricter than the platform's Go side: text that is not UTF-8 cannot be echoed as
/// text, and every other decoder refuses it. Everything else Go refuses we refuse, also what Node
/// alone accepts (`field_number_zero`), Python and Node skip (`wrong_wire_type_seqid`) and prost
/// and Python fill in with zeros (`missing_required_*`, `header_missing_value`, `empty_message`).
const STRICTER_THAN_GO: &[&str] = &["invalid_utf8_header", "invalid_utf8_log_id_new"];

#[test]
fn accepts_what_go_accepts_and_is_utf8() {
    for case in FRAMES.iter() {
        let expected = case.accepts.go && !STRICTER_THAN_GO.contains(&case.name.as_str());
        let view = FrameView::parse(case.bytes());
        assert_eq!(view.is_ok(), expected, "{}: {view:?}", case.name);
        let frame = Frame::from_bytes(case.bytes());
        assert_eq!(frame.is_ok(), expected, "{}: {frame:?}", case.name);
    }
}

#[test]
fn refusals_say_why() {
    let check = |name, kind| {
        let error = FrameView::parse(case(name).bytes()).expect_err(name);
        assert_eq!(error.kind(), kind, "{name}: {error}");
        assert_eq!(Frame::from_bytes(case(name).bytes()), Err(error), "{name}");
    };
    check("empty_message", "missing_field");
    check("missing_required_service_method", "missing_field");
    check("missing_required_seqid", "missing_field");
    check("header_missing_value", "missing_field");
    check("truncated_in_tag", "truncated");
    check("truncated_varint", "truncated");
    check("truncated_payload", "truncated");
    check("truncated_real_event", "truncated");
    check("length_overflow", "truncated");
    check("varint_too_long", "integer_overflow");
    check("field_number_zero", "field_number");
    check("wire_type_6", "wire_type");
    check("stray_end_group", "group_end");
    check("wrong_wire_type_seqid", "wire_type");
    check("invalid_utf8_header", "not_utf8");
    check("invalid_utf8_log_id_new", "not_utf8");
}

#[test]
fn an_absent_field_is_named() {
    for case in FRAMES.iter().filter(|case| case.accepts.prost) {
        let Some(missing) = &case.missing_required else {
            continue;
        };
        let ours = match missing[0].as_str() {
            "SeqID" => "seq_id",
            "headers[0].value" => "header.value",
            other => other,
        };
        let error = FrameView::parse(case.bytes()).expect_err(&case.name);
        assert_eq!(error, FrameError::Missing { field: ours }, "{}", case.name);
    }
}

#[test]
fn decodes_to_what_python_decodes() {
    for case in accepted() {
        let frame = Frame::from_bytes(case.bytes()).expect(&case.name);
        assert_eq!(frame, case.decoded(), "{}", case.name);
    }
}

#[test]
fn encodes_to_the_canonical_bytes() {
    for case in accepted() {
        assert_eq!(case.decoded().to_bytes(), case.reencoded(), "{}", case.name);
    }
}

#[test]
fn the_view_agrees_with_the_owned_frame() {
    for case in accepted() {
        let (view, frame) = (case.view(), case.decoded());
        let name = &case.name;
        assert_eq!(view.seq_id(), frame.seq_id, "{name}");
        assert_eq!(view.log_id(), frame.log_id, "{name}");
        assert_eq!(view.service(), frame.service, "{name}");
        assert_eq!(view.method(), frame.method, "{name}");
        assert_eq!(view.payload(), frame.payload, "{name}");
        assert_eq!(view.message_id(), frame.header("message_id"), "{name}");
        assert_eq!(view.trace_id(), frame.header("trace_id"), "{name}");
        for header in &frame.headers {
            let key = header.key.as_str();
            assert_eq!(view.header(key), frame.header(key), "{name}");
        }
        assert_eq!(view.bytes(), &case.bytes(), "{name}");
    }
}

#[test]
fn what_frames_are_for() {
    let check = |name, kind| assert_eq!(case(name).view().kind(), kind, "{name}");
    check("ping_python", FrameKind::Ping);
    check("ping_go", FrameKind::Ping);
    check("server_ping", FrameKind::Ping);
    check("pong_with_config", FrameKind::Pong);
    check("pong_no_payload", FrameKind::Pong);
    check("control_unknown_type", FrameKind::OtherControl);
    check("control_no_type", FrameKind::OtherControl);
    check("method_unknown", FrameKind::UnknownMethod(2));
    check("method_negative", FrameKind::UnknownMethod(-1));
    check("event_text_p2p", FrameKind::Event);
    check("event_card_action", FrameKind::Event);
    check("event_header_order_reversed", FrameKind::Event);
    check("event_missing_sum_seq", FrameKind::Event);
    check("card_type_frame", FrameKind::Card);
    check("ack_go_200", FrameKind::Event);
}

/// S103: no SDK is needed to write what the SDKs write.
#[test]
fn our_pings_are_those_of_the_sdks() {
    let check = |name, service| {
        assert_eq!(
            Frame::ping(service).to_bytes(),
            case(name).bytes(),
            "{name}"
        );
    };
    check("ping_python", ServiceId(33_554_678));
    check("ping_service_zero", ServiceId(0));
}

#[test]
fn our_pongs_are_those_of_the_platform() {
    let service = ServiceId(33_554_678);
    for name in [
        "pong_with_config",
        "pong_with_config_90s",
        "pong_reconnect_disabled",
    ] {
        let payload = case(name).view().payload().expect(name);
        let config = ClientConfig::parse(&payload).expect(name);
        let pong = Frame::pong(service, Some(&config));
        assert_eq!(pong.to_bytes(), case(name).bytes(), "{name}");
    }
    let pong = Frame::pong(service, None);
    assert_eq!(pong.to_bytes(), case("pong_no_payload").bytes());
}

#[test]
fn configurations_of_pongs() {
    let config = |count, interval, nonce, ping| {
        Some(ClientConfig {
            reconnect_count: count,
            reconnect_interval: interval,
            reconnect_nonce: nonce,
            ping_interval: ping,
        })
    };
    let check = |name, expected| {
        let payload = case(name).view().payload().expect(name);
        assert_eq!(ClientConfig::parse(&payload), expected, "{name}");
    };
    check(
        "pong_with_config",
        config(Some(-1), Some(120), Some(30), Some(120)),
    );
    check(
        "pong_with_config_90s",
        config(Some(-1), Some(90), Some(25), Some(90)),
    );
    check("pong_partial_config", config(None, None, None, Some(60)));
    check("pong_bad_json", None);
    check("pong_empty_payload", None);
}

#[test]
fn payloads_are_the_golden_events() {
    let mut seen = 0;
    for case in FRAMES.iter() {
        if let Some(name) = &case.event {
            let payload = case.view().payload().expect(&case.name);
            assert_eq!(payload, event(name).payload(), "{}", case.name);
            seen += 1;
        }
    }
    assert!(seen > 0, "some cases name their event");
}

fn accepted() -> impl Iterator<Item = &'static crate::vectors::Case> {
    let accepted: Vec<_> = FRAMES
        .iter()
        .filter(|case| FrameView::parse(case.bytes()).is_ok())
        .collect();
    // So that a parser that refuses everything cannot pass.
    assert!(accepted.len() >= 70, "{} accepted", accepted.len());
    accepted.into_iter()
}
