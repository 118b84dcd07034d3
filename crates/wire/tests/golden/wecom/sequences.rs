//! The parts of the six sequences that can be checked with single frames. `link` decides when to close and reconnect.

use bytes::Bytes;
use longwire_wire::wecom::{Ack, Callback, Incoming, code};

use super::vectors::sequence;

fn callback(frame: Bytes) -> Callback {
    match Incoming::parse(frame) {
        Ok(Incoming::Callback(callback)) => callback,
        other => panic!("{other:?}"),
    }
}

fn ack(frame: Bytes) -> Ack {
    match Incoming::parse(frame) {
        Ok(Incoming::Ack(ack)) => ack,
        other => panic!("{other:?}"),
    }
}

#[test]
fn a_message_that_comes_twice_has_one_key_and_two_ids() {
    let frames = sequence("duplicate_msgid_new_req_id").server_frames();
    let [first, second] = frames.try_into().expect("two callbacks");
    let (first, second) = (callback(first), callback(second));
    assert_eq!(first.identity(), second.identity());
    assert_eq!(second.req_id.as_deref(), Some("cbD1"));
    assert_ne!(first.req_id, second.req_id);
}

/// Acks of frames that share an id differ in nothing that would say which is meant, so the order of
/// asking has to.
#[test]
fn a_late_ack_looks_like_the_next_one() {
    let frames = sequence("late_ack_must_not_settle_next_frame").server_frames();
    let [late, next] = frames.try_into().expect("two acks");
    let (late, next) = (ack(late), ack(next));
    assert_eq!(late.req_id, next.req_id);
    assert_eq!(late.code, Some(code::STREAM_EXPIRED));
    assert!(next.is_ok());
}

#[test]
fn a_kick_is_an_event() {
    let frames = sequence("kick_then_silence_then_drop").server_frames();
    let [kick] = frames.try_into().expect("one event");
    assert!(callback(kick).is_displacement());
}
