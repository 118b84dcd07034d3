//! What each official client shows of the simulator.

use longwire_sim::{AttemptOutcome, ConnectionFault, FragmentPlan, Order, Push, Target};
use longwire_wire::frame::{Frame, METHOD_DATA, key};
use serde_json::{Value, json};

use super::events::{Message, card_action, card_result};
use super::news::News;
use super::stage::{APP, Stage};
use crate::scene::Scene;
use crate::sdk::Sdk;
use crate::text::long_text;

/// Bootstrap, upgrade and pongs are understood. A pong with a key missing would end the Python client's
/// pings and turn the Node client's into a flood.
pub(crate) fn connects_and_keeps_pinging(scene: Scene) {
    let Some(stage) = Stage::set(scene) else {
        return;
    };
    let ledger = stage.ledger(|ledger| ledger.pings >= 3);
    assert_eq!(ledger.bootstraps_granted, 1);
    assert_eq!(ledger.connections_opened, 1);
    assert_eq!(ledger.connections_ended, 0);
    stage.is_well_spoken();
}

/// Frames are understood, whole and split inside characters, in order and shuffled, and the ACKs of them
/// are accepted.
pub(crate) fn receives_whole_and_split_events(scene: Scene) {
    let Some(stage) = Stage::set(scene) else {
        return;
    };
    let whole = Message::of("whole", "hello");
    let split = Message::of("split", &long_text(80_000));
    let shuffled = Message::of("shuffled", &long_text(2_000));
    assert!(
        split.payload().len() > 3 * 61_440,
        "cut by the platform's own limit"
    );
    let plan = FragmentPlan {
        order: Order::Shuffled,
        ..FragmentPlan::of_size(101)
    };
    for (message, push) in [
        (&whole, Push::of(whole.payload())),
        (&split, Push::of(split.payload())),
        (&shuffled, Push::of(shuffled.payload()).in_fragments(plan)),
    ] {
        let push = stage.push(push);
        assert_eq!(stage.client.next("the event"), message.told());
        let record = stage.acked(push);
        assert_eq!(record.event_id, message.event_id);
        assert_eq!(record.answer_data, None);
    }
    stage.is_spotless();
}

/// The result of a card callback comes back decoded.
pub(crate) fn answers_a_card(scene: Scene) {
    let Some(stage) = Stage::set(scene) else {
        return;
    };
    // Whatever a client loads at its first event is loaded then.
    let message = Message::of("before", "hello");
    stage.push(message.payload());
    assert_eq!(stage.client.next("the event"), message.told());
    let value = json!({ "action": "批准", "request": 7 });
    let push = stage.push(card_action("ev_card", &value));
    let event_id = "ev_card".to_owned();
    assert_eq!(
        stage.client.next("the card action"),
        News::Card { event_id, value }
    );
    let data = stage.acked(push).answer_data.expect("the ACK has data");
    assert_eq!(parsed(data.as_bytes()), card_result());
    stage.is_spotless();
}

/// Code 500 is a NACK, and the repeat carries the same event.
pub(crate) fn gets_again_what_its_handler_refused(scene: Scene) {
    let Some(stage) = Stage::set(scene) else {
        return;
    };
    let message = Message::of("refused", "refuse me once");
    let push = stage.push(message.payload());
    assert_eq!(stage.client.next("the event"), message.told());
    assert_eq!(stage.client.next("its repeat"), message.told());
    let outcomes: Vec<_> = stage
        .acked(push)
        .attempts
        .iter()
        .map(|attempt| attempt.outcome)
        .collect();
    assert_eq!(
        outcomes,
        [AttemptOutcome::Nacked(500), AttemptOutcome::Acked]
    );
    let ledger = stage.sim.ledger();
    assert_eq!((ledger.nacked, ledger.re_pushed), (1, 1));
    assert_eq!(ledger.bad_acks.total(), 0);
    stage.is_well_spoken();
}

/// A reset connection is replaced through a second bootstrap, and the next event takes the new one.
pub(crate) fn comes_back_after_a_drop(scene: Scene) {
    let Some(stage) = Stage::set(scene) else {
        return;
    };
    // Pinged: neither client is still busy with its start.
    stage.ledger(|ledger| ledger.pings >= 1);
    let first = stage.sim.connections(Some(APP))[0].id;
    assert_eq!(
        stage
            .sim
            .fault(Target::App(APP.to_owned()), ConnectionFault::Drop),
        1
    );
    assert_eq!(stage.client.next("the loss"), News::Reconnecting);
    assert_eq!(stage.client.next("the new connection"), News::Reconnected);

    let message = Message::of("after", "still there?");
    let push = stage.push(message.payload());
    assert_eq!(stage.client.next("the event"), message.told());
    let record = stage.acked(push);
    assert_ne!(record.attempts[0].connection, first);
    let ledger = stage.sim.ledger();
    assert_eq!(ledger.bootstraps_granted, 2);
    assert_eq!(ledger.connections_opened, 2);
    assert_eq!(ledger.connections_ended, 1);
    stage.is_spotless();
}

/// Code 514 of the bootstrap is final.
pub(crate) fn gives_up_on_a_wrong_secret(scene: Scene) {
    let Some(stage) = Stage::with_secret(scene, "not the secret") else {
        return;
    };
    match stage.client.next("the refusal") {
        News::GaveUp { error } => assert!(error.contains("514"), "{error}"),
        other => panic!("{other:?}"),
    }
    let ledger = stage.sim.ledger();
    assert_eq!((ledger.bootstraps, ledger.bootstraps_granted), (1, 0));
    assert_eq!(ledger.connections_opened, 0);
}

/// The bytes of the ACKs, read between client and simulator: what the simulator has to put up with.
pub(crate) fn answers_in_its_dialect(scene: Scene) {
    let Some((stage, tap)) = Stage::tapped(scene) else {
        return;
    };
    let plain = stage.push(Message::of("plain", "hello").payload());
    stage.acked(plain);
    let card = stage.push(card_action("ev_card", &json!({})));
    stage.acked(card);
    let refused = stage.push(Message::of("refused", "refuse me once").payload());
    stage.acked(refused);

    let acks = data_frames(tap.client_frames());
    let pushes = data_frames(tap.platform_frames());
    assert_eq!((acks.len(), pushes.len()), (4, 4));
    for (ack, push) in acks.iter().zip(&pushes) {
        check_echo(scene.sdk, ack, push);
    }
    let payloads: Vec<_> = acks.iter().map(text).collect();
    let biz_rt: Vec<Option<i64>> = acks.iter().map(biz_rt).collect();
    println!("{payloads:?} {biz_rt:?}");
    match scene.sdk {
        Sdk::Python => {
            assert_eq!(payloads[0], r#"{"code": 200}"#);
            assert!(payloads[1].starts_with(r#"{"code": 200, "#), "{payloads:?}");
            assert_eq!(payloads[2], r#"{"code": 500}"#);
            assert!(biz_rt[1] > Some(0), "{biz_rt:?}");
            assert_eq!(biz_rt[2], None, "nothing is measured of a failed handler");
        }
        Sdk::Node => {
            assert_eq!(payloads[0], r#"{"code":200}"#);
            assert!(payloads[1].starts_with(r#"{"code":200,"#), "{payloads:?}");
            assert_eq!(payloads[2], r#"{"code":500}"#);
            assert!(biz_rt[1] < Some(0), "start minus end: {biz_rt:?}");
            assert!(biz_rt[2].is_some());
        }
    }
}

/// An ACK is the pushed frame with another payload and perhaps a header more.
fn check_echo(sdk: Sdk, ack: &Frame, push: &Frame) {
    assert_eq!(ack.headers[..push.headers.len()], push.headers[..]);
    assert_eq!(
        ack.headers.len() - push.headers.len(),
        usize::from(biz_rt(ack).is_some())
    );
    assert_eq!(ack.service, push.service);
    let ids = match sdk {
        Sdk::Python => (push.seq_id, push.log_id),
        // Ids are doubles there, too short for the platform's: no ACK may be matched by them.
        Sdk::Node => {
            assert_ne!(ack.log_id, push.log_id);
            (push.seq_id as f64 as u64, push.log_id as f64 as u64)
        }
    };
    assert_eq!((ack.seq_id, ack.log_id), ids);
}

fn parsed(json: &[u8]) -> Value {
    serde_json::from_slice(json).expect("the result is JSON")
}

fn data_frames(frames: Vec<Frame>) -> Vec<Frame> {
    frames
        .into_iter()
        .filter(|frame| frame.method == METHOD_DATA)
        .collect()
}

fn text(frame: &Frame) -> String {
    let payload = frame.payload.as_deref().unwrap_or_default();
    String::from_utf8(payload.to_vec()).expect("answers are text")
}

fn biz_rt(frame: &Frame) -> Option<i64> {
    let value = frame.header(key::BIZ_RT)?;
    Some(value.parse().expect("biz_rt is a number"))
}
