//! Delivery: fragments, which answers count as an ACK, the ladder of repeats, and the choice of a connection.

mod support;

use std::time::Duration;

use longwire_sim::{
    AttemptOutcome, ClosedLoop, ConnectionFault, FragmentPlan, Order, Push, RecordState, Target,
    Traffic,
};
use longwire_wire::frame::Frame;
use support::{APP, Client, LIMIT, start, wait};

fn text(id: &str) -> String {
    format!(
        r#"{{"schema":"2.0","header":{{"event_id":"{id}","event_type":"im.message.receive_v1"}},"event":{{}}}}"#
    )
}

#[test]
fn an_acked_event_is_settled_once() {
    let sim = start(|_| ());
    let control = sim.control();
    let mut client = Client::new(&sim);
    let push = control.push(APP, text("e1"));
    let (payload, frame) = client.event();
    assert_eq!(payload, text("e1").as_bytes());
    for key in ["type", "message_id", "sum", "seq", "trace_id"] {
        assert!(frame.header(key).is_some(), "{key}");
    }
    client.answer(
        &frame,
        r#"{ "code" : 200, "headers": null, "data": "e30=" }"#,
    );
    let ledger = wait(&control, |ledger| ledger.acked == 1);
    assert_eq!((ledger.pushed, ledger.pending, ledger.lost), (1, 0, 0));
    client.ack(&frame);
    wait(&control, |ledger| ledger.extra_acks == 1);
    let record = control.record(push).expect("kept");
    assert_eq!(record.event_id, "e1");
    assert_eq!(record.answer_data.as_deref(), Some("{}"));
    assert_eq!(record.attempts[0].outcome, AttemptOutcome::Acked);
    assert_eq!(control.acked_event_ids(), ["e1"]);
}

#[test]
fn answers_may_look_like_any_sdks() {
    let sim = start(|_| ());
    let control = sim.control();
    let mut client = Client::new(&sim);
    let changes: [fn(&mut Frame); 4] = [
        |frame| frame.log_id = 9_223_372_036_854_775_808,
        |frame| (frame.seq_id, frame.log_id) = (0, 0),
        |frame| {
            frame.payload_encoding = Some(String::new());
            frame.payload_type = Some(String::new());
            frame.log_id_new = Some(String::new());
        },
        |_| (),
    ];
    for change in changes {
        control.push(APP, Push::made_up(700));
        let (_, mut frame) = client.event();
        change(&mut frame);
        frame.payload = Some(br#"{"code": 200}"#.as_slice().into());
        client.send_frame(&frame);
    }
    wait(&control, |ledger| ledger.acked == 4);
}

#[test]
fn answers_that_do_not_echo_are_not_accepted() {
    let sim = start(|settings| settings.ladder = Vec::new());
    let control = sim.control();
    let mut client = Client::new(&sim);
    control.push(APP, text("e1"));
    let (_, frame) = client.event();
    let mut without_trace = frame.clone();
    without_trace
        .headers
        .retain(|header| header.key != "trace_id");
    client.ack(&without_trace);
    let mut of_nobody = frame.clone();
    of_nobody.headers[1].value = "4f6c2b7e-1d0a-4c7e-9a51-0d8f6f3a2b10".into();
    client.ack(&of_nobody);
    let mut wrong_service = frame.clone();
    wrong_service.service = 0;
    client.ack(&wrong_service);
    client.answer(&frame, "200");
    let ledger = wait(&control, |ledger| ledger.bad_acks.total() == 4);
    assert_eq!(ledger.bad_acks.header_not_echoed, 1);
    assert_eq!(ledger.bad_acks.unknown_message_id, 1);
    assert_eq!(ledger.bad_acks.wrong_service, 1);
    assert_eq!(ledger.bad_acks.not_an_answer, 1);
    assert_eq!(ledger.acked, 0);
    client.ack(&frame);
    wait(&control, |ledger| ledger.acked == 1);
}

#[test]
fn a_failed_push_climbs_the_ladder_and_is_lost_after_the_last_rung() {
    let sim = start(|settings| {
        settings.time_factor = 100_000.0;
        settings.ack_deadline = Duration::from_secs(600_000);
        settings.ladder = vec![Duration::from_secs(15), Duration::from_secs(300)];
    });
    let control = sim.control();
    let mut client = Client::new(&sim);
    let push = control.push(APP, text("e1"));
    let mut message_ids = Vec::new();
    for _ in 0..3 {
        let (payload, frame) = client.event();
        assert_eq!(
            payload,
            text("e1").as_bytes(),
            "a repeat carries the same event"
        );
        message_ids.push(frame.header("message_id").expect("sent").to_owned());
        client.answer(&frame, r#"{"code":500}"#);
    }
    let ledger = wait(&control, |ledger| ledger.lost == 1);
    assert_eq!(
        (ledger.attempts, ledger.re_pushed, ledger.nacked),
        (3, 2, 3)
    );
    assert_eq!(ledger.pending, 0);
    message_ids.dedup();
    assert_eq!(message_ids.len(), 3, "a repeat has a new message_id");
    let record = control.record(push).expect("kept");
    assert_eq!(record.state, RecordState::Lost);
    assert_eq!(record.attempts.len(), 3);
    let waits: Vec<_> = record
        .attempts
        .windows(2)
        .map(|pair| pair[1].at_ms - pair[0].at_ms)
        .collect();
    assert!(waits[1] >= 3, "300 s divided by 100,000: {waits:?}");
}

#[test]
fn silence_is_a_failed_attempt_and_a_late_ack_does_not_count() {
    let sim = start(|settings| {
        settings.time_factor = 100.0;
        settings.ladder = vec![Duration::from_secs(15)];
    });
    let control = sim.control();
    let mut client = Client::new(&sim);
    control.push(APP, text("e1"));
    let (_, first) = client.event();
    wait(&control, |ledger| ledger.timed_out == 1);
    client.ack(&first);
    wait(&control, |ledger| ledger.late_acks == 1);
    let (_, second) = client.event();
    client.ack(&second);
    wait(&control, |ledger| ledger.acked == 1);
}

#[test]
fn pushes_wait_for_a_connection_and_a_lost_one_costs_an_attempt() {
    let sim = start(|settings| settings.time_factor = 100.0);
    let control = sim.control();
    control.push(APP, text("e1"));
    assert_eq!(control.ledger().waiting_for_connection, 1);
    let mut client = Client::new(&sim);
    client.event();
    drop(client);
    wait(&control, |ledger| ledger.timed_out == 1);
    let mut client = Client::new(&sim);
    let (_, frame) = client.event();
    client.ack(&frame);
    wait(&control, |ledger| {
        ledger.acked == 1 && ledger.re_pushed == 1
    });
}

#[test]
fn card_callbacks_are_not_repeated() {
    let sim = start(|settings| settings.time_factor = 100.0);
    let control = sim.control();
    let mut client = Client::new(&sim);
    control.push(
        APP,
        r#"{"header":{"event_id":"c","event_type":"card.action.trigger"}}"#.to_owned(),
    );
    client.event();
    wait(&control, |ledger| ledger.lost == 1 && ledger.attempts == 1);
}

#[test]
fn fragments_follow_their_plan() {
    let sim = start(|settings| settings.fragment_bytes = 30);
    let control = sim.control();
    let mut client = Client::new(&sim);
    control.push(APP, text("cut"));
    let (payload, last) = client.event();
    assert_eq!(payload, text("cut").as_bytes());
    assert_eq!(last.header("sum"), Some("4"));
    client.ack(&last);
    let plan = FragmentPlan {
        order: Order::Reversed,
        duplicate: vec![1],
        drop: vec![0],
        repeat_last: true,
        ..FragmentPlan::of_size(40)
    };
    control.push(APP, Push::from(text("bad")).in_fragments(plan));
    let seqs: Vec<_> = (0..4)
        .map(|_| client.frame().header("seq").expect("seq").to_owned())
        .collect();
    assert_eq!(seqs, ["2", "1", "1", "1"]);
    wait(&control, |ledger| ledger.acked == 1);
}

#[test]
fn several_messages_take_turns() {
    let sim = start(|settings| settings.fragment_bytes = 40);
    let mut client = Client::new(&sim);
    wait(&sim.control(), |ledger| ledger.connections_opened == 1);
    sim.control()
        .push_interleaved(APP, vec![text("e1").into(), text("e2").into()]);
    let ids: Vec<_> = (0..4)
        .map(|_| client.frame().header("message_id").expect("id").to_owned())
        .collect();
    assert_eq!((&ids[0], &ids[1]), (&ids[2], &ids[3]));
    assert_ne!(ids[0], ids[1]);
}

#[test]
fn hostile_headers_are_sent_as_asked() {
    let sim = start(|_| ());
    let mut client = Client::new(&sim);
    let push = Push::from(text("e1"))
        .with_header("sum", Some("50000000"))
        .with_header("trace_id", None);
    sim.control().push(APP, push);
    let frame = client.frame();
    assert_eq!(frame.header("sum"), Some("50000000"));
    assert_eq!(frame.header("trace_id"), None);
    client.ack(&frame);
    wait(&sim.control(), |ledger| ledger.acked == 1);
}

#[test]
fn each_push_goes_to_one_connection_and_all_get_some() {
    let sim = start(|_| ());
    let control = sim.control();
    let _clients = [Client::new(&sim), Client::new(&sim), Client::new(&sim)];
    wait(&control, |ledger| ledger.connections_opened == 3);
    for _ in 0..60 {
        control.push(APP, Push::made_up(700));
    }
    let shares: Vec<u64> = control
        .connections(Some(APP))
        .iter()
        .map(|live| live.attempts)
        .collect();
    assert_eq!(shares.iter().sum::<u64>(), 60);
    assert!(shares.iter().all(|share| *share > 5), "{shares:?}");
}

#[test]
fn a_closed_loop_keeps_its_window_and_a_paced_stream_its_total() {
    let sim = start(|_| ());
    let control = sim.control();
    let mut client = Client::new(&sim);
    wait(&control, |ledger| ledger.connections_opened == 1);
    control.push_closed_loop(ClosedLoop {
        window: 4,
        total: Some(20),
        ..ClosedLoop::default()
    });
    assert_eq!(control.connections(None)[0].unanswered, 4);
    for _ in 0..20 {
        let (_, frame) = client.event();
        client.ack(&frame);
    }
    let ledger = wait(&control, |ledger| ledger.acked == 20);
    assert_eq!((ledger.pushed, ledger.ack_latency.count), (20, 20));
    assert!(!control.traffic().running);
    control.push_at_rate(Traffic {
        per_second: 5_000.0,
        total: Some(50),
        ..Traffic::default()
    });
    for _ in 0..50 {
        let (_, frame) = client.event();
        client.ack(&frame);
    }
    wait(&control, |ledger| ledger.acked == 70);
    let mut ids = control.acked_event_ids();
    ids.sort();
    ids.dedup();
    assert_eq!(ids.len(), 70, "every event has its own id");
}

#[test]
fn a_closed_loop_takes_turns_in_its_chats() {
    let sim = start(|_| ());
    let control = sim.control();
    let mut client = Client::new(&sim);
    wait(&control, |ledger| ledger.connections_opened == 1);
    control.push_closed_loop(ClosedLoop {
        window: 6,
        chats: Some(3),
        total: Some(6),
        ..ClosedLoop::default()
    });
    let mut chats = Vec::new();
    for _ in 0..6 {
        let (_, frame) = client.event();
        let event: serde_json::Value =
            serde_json::from_slice(&frame.payload.unwrap_or_default()).expect("json");
        let chat = event["event"]["message"]["chat_id"].as_str();
        chats.push(chat.expect("a chat").to_owned());
    }
    assert_eq!(chats[..3], chats[3..]);
    chats.sort();
    chats.dedup();
    assert_eq!(chats.len(), 3);
}

#[test]
fn records_are_bounded_and_counters_are_not() {
    let sim = start(|settings| settings.keep_records = 3);
    let control = sim.control();
    let mut client = Client::new(&sim);
    for _ in 0..5 {
        control.push(APP, Push::made_up(700));
        let (_, frame) = client.event();
        client.ack(&frame);
    }
    wait(&control, |ledger| ledger.acked == 5);
    assert_eq!(control.records(None).len(), 3);
    control.reset();
    assert_eq!(control.ledger().pushed, 0);
    assert_eq!(control.connections(None).len(), 1);
}

#[test]
fn a_client_that_does_not_read_costs_bounded_memory() {
    let sim = start(|settings| settings.unsent_bytes = 64 * 1024);
    let control = sim.control();
    let _client = Client::new(&sim);
    wait(&control, |ledger| ledger.connections_opened == 1);
    let end = std::time::Instant::now() + LIMIT;
    while control.ledger().unsent_frames == 0 {
        control.push(APP, Push::made_up(50_000));
        assert!(std::time::Instant::now() < end, "everything was taken");
    }
    assert_eq!(control.fault(Target::All, ConnectionFault::Drop), 1);
}
