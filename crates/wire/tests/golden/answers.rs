//! The answers of the SDKs, byte for byte, from the frames they answer.

use std::time::Duration;

use longwire_wire::answer::{AnswerPayload, Echo, RECORDED, REFUSED, with_data};
use longwire_wire::frame::{FrameView, Header};

use crate::vectors::{FRAMES, case};

fn echo(view: &FrameView, payload: &[u8], biz_rt_ms: Option<u64>) -> Vec<u8> {
    let biz_rt = biz_rt_ms.map(Duration::from_millis);
    let mut out = Vec::new();
    let echo = Echo::of(view);
    echo.encode(payload, biz_rt, &mut out);
    assert_eq!(out.len(), echo.encoded_len(payload, biz_rt));
    out
}

fn payload_of(name: &str) -> Vec<u8> {
    case(name).view().payload().expect(name).to_vec()
}

/// Of the answers in the vectors these are missing, since no faithful echo makes them:
/// `ack_node_200` and `ack_node_200_card` have a negative `biz_rt`, `ack_node_200_rounded_logid`
/// has another log id than was received. Those of Go are in the next test.
#[test]
fn python_and_node() {
    let check = |ack: &str, received: &str, biz_rt_ms| {
        let answer = echo(&case(received).view(), &payload_of(ack), biz_rt_ms);
        assert_eq!(answer, case(ack).bytes(), "{ack}");
    };
    check("ack_python_200", "event_text_p2p", Some(6));
    check("ack_python_200_card", "event_card_action", Some(6));
    check(
        "ack_python_500_handler_error",
        "event_for_failing_handler",
        None,
    );
    check("ack_python_500_no_handler", "event_for_no_handler", None);
    check("ack_python_chunked_in_order", "chunk_2_of_3", Some(6));
    check("ack_python_chunked_out_of_order", "chunk_1_of_3", Some(6));
    check("ack_node_200_no_handler", "event_for_no_handler", Some(0));
    check("ack_no_biz_rt", "event_text_p2p", None);
}

/// Go writes fields 6, 7 and 9 even if they were absent. We keep their presence, so the frame
/// answered here has them, empty, as if Go had sent it.
#[test]
fn go() {
    let check = |ack: &str, received: &str, biz_rt_ms| {
        let mut received = case(received).decoded();
        received.payload_encoding = Some(String::new());
        received.payload_type = Some(String::new());
        received.log_id_new = Some(String::new());
        let view = FrameView::parse(received.to_bytes()).expect(ack);
        let answer = echo(&view, &payload_of(ack), Some(biz_rt_ms));
        assert_eq!(answer, case(ack).bytes(), "{ack}");
    };
    check("ack_go_200", "event_text_p2p", 12);
    check("ack_go_500", "event_for_failing_handler", 3);
    check("ack_go_200_card", "event_card_action", 12);
}

#[test]
fn our_own_payloads_are_nodes() {
    assert_eq!(RECORDED, payload_of("ack_node_200"));
    let card = payload_of("ack_node_200_card");
    let result = AnswerPayload::parse(&card)
        .expect("an answer")
        .data
        .expect("a result");
    assert_eq!(with_data(&result), card);
    assert_eq!(AnswerPayload::parse(REFUSED).expect("an answer").code, 500);
}

#[test]
fn every_answer_of_the_sdks_is_read() {
    let mut read = 0;
    for case in FRAMES.iter().filter(|case| case.name.starts_with("ack_")) {
        let payload = case.view().payload().expect(&case.name);
        let answer = AnswerPayload::parse(&payload).expect(&case.name);
        let code = if case.name.contains("500") { 500 } else { 200 };
        assert_eq!(answer.code, code, "{}", case.name);
        let has_result = case.name.contains("card") || case.name == "ack_node_200_no_handler";
        assert_eq!(answer.data.is_some(), has_result, "{}", case.name);
        if let Some(data) = answer.data {
            serde_json::from_slice::<serde_json::Value>(&data).expect(&case.name);
        }
        read += 1;
    }
    assert_eq!(read, 14);
}

/// Whatever was received, its echo is what prost makes of the same frame.
#[test]
fn an_echo_is_canonical() {
    for case in FRAMES.iter() {
        let Ok(view) = FrameView::parse(case.bytes()) else {
            continue;
        };
        let mut expected = case.decoded();
        expected.payload = Some(RECORDED.into());
        assert_eq!(
            echo(&view, RECORDED, None),
            expected.to_bytes(),
            "{}",
            case.name
        );
        expected.headers.push(Header::new("biz_rt", "1234"));
        assert_eq!(
            echo(&view, RECORDED, Some(1234)),
            expected.to_bytes(),
            "{}",
            case.name
        );
    }
}
