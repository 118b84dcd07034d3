use super::*;
use crate::timing::Timing;

const MINUTES_10: Duration = Duration::from_secs(600);
/// An id a callback may have.
const ID: &str = "Zq3vT8nXk1LwR5pYb7Hd";

fn secs(seconds: u64) -> Duration {
    Duration::from_secs(seconds)
}

fn requests() -> Requests<&'static str> {
    Requests::new(RequestLimits::from(&Timing::default()))
}

fn respond(requests: &mut Requests<&'static str>, id: &str, name: &'static str) {
    submit(requests, id, RequestKind::Respond, name);
}

/// Submits a frame whose bytes are its waiter's name.
fn submit(requests: &mut Requests<&'static str>, id: &str, kind: RequestKind, name: &'static str) {
    let taken = requests.submit(id, kind, Bytes::from_static(name.as_bytes()), name);
    assert!(taken.is_ok(), "{name}: {taken:?}");
}

/// Takes what may be sent now.
fn sent(requests: &mut Requests<&'static str>, now: Instant) -> Vec<Bytes> {
    std::iter::from_fn(|| requests.poll_transmit(now)).collect()
}

fn settled(waiter: &'static str, round_trip: Duration) -> Acked<&'static str> {
    Acked::Answered {
        kind: RequestKind::Respond,
        waiter,
        round_trip,
    }
}

fn given_up(waiter: &'static str, was_sent: bool) -> GivenUp<&'static str> {
    GivenUp {
        kind: RequestKind::Respond,
        waiter,
        was_sent,
    }
}

#[test]
fn one_frame_per_id_and_different_ids_together() {
    let now = Instant::now();
    let mut all = requests();
    for (id, name) in [("a", "a1"), ("a", "a2"), ("b", "b1"), ("a", "a3")] {
        respond(&mut all, id, name);
    }
    assert_eq!(sent(&mut all, now), ["a1", "b1"]);
    assert!(all.lanes.contains_key("a") && !all.lanes.contains_key("c"));
    assert_eq!(all.handle_ack("a", now + secs(1)), settled("a1", secs(1)));
    assert_eq!(sent(&mut all, now + secs(1)), ["a2"]);
    assert_eq!(all.handle_ack("b", now), settled("b1", secs(0)));
    assert_eq!(all.handle_ack("a", now + secs(3)), settled("a2", secs(2)));
    assert_eq!(sent(&mut all, now), ["a3"]);
    assert_eq!(all.handle_ack("a", now), settled("a3", secs(0)));
    assert!((all.places == 0) && all.poll_timeout().is_none());
}

/// The golden sequence of that name, which the official Node SDK gets wrong: `f1` times out at 5 s, its answer 846608
/// comes at 6 s, and the one at 7 s belongs to the frame that was submitted in between.
#[test]
fn late_ack_must_not_settle_next_frame() {
    let start = Instant::now();
    let mut all = requests();
    respond(&mut all, ID, "f1");
    assert_eq!(sent(&mut all, start), ["f1"]);
    assert_eq!(all.poll_timeout(), Some(start + secs(5)));
    let timed_out = all.handle_timeout(start + secs(5));
    assert_eq!(timed_out, [given_up("f1", true)]);
    respond(&mut all, ID, "f2");
    assert_eq!(sent(&mut all, start + secs(5)), [""; 0], "one is owed");
    assert_eq!(all.handle_ack(ID, start + secs(6)), Acked::Late);
    assert_eq!(sent(&mut all, start + secs(6)), ["f2"]);
    assert_eq!(all.handle_ack(ID, start + secs(7)), settled("f2", secs(1)));
    assert!((all.places == 0));
}

#[test]
fn a_late_ack_with_nobody_behind_it_frees_the_id() {
    let now = Instant::now();
    let mut all = requests();
    respond(&mut all, ID, "f1");
    sent(&mut all, now);
    all.handle_timeout(now + secs(5));
    assert_eq!(all.handle_ack(ID, now + secs(500)), Acked::Late);
    assert_eq!(all.handle_ack(ID, now + secs(500)), Acked::Unknown);
    respond(&mut all, ID, "f2");
    assert_eq!(sent(&mut all, now + secs(501)), ["f2"]);
}

/// Who stands behind an answer that is lost is told soon that nothing of theirs was sent, and others are not taken.
#[test]
fn an_owed_ack_that_never_comes_holds_nobody() {
    let now = Instant::now();
    let mut all = requests();
    for name in ["f1", "f2", "f3"] {
        respond(&mut all, ID, name);
    }
    sent(&mut all, now);
    assert_eq!(all.handle_timeout(now + secs(5)), [given_up("f1", true)]);
    assert_eq!(all.poll_timeout(), Some(now + secs(10)));
    assert_eq!(
        all.handle_timeout(now + secs(10)),
        [given_up("f2", false), given_up("f3", false)]
    );
    let refused = all.submit(ID, RequestKind::Respond, Bytes::new(), "f4");
    assert!(matches!(refused, Err(SubmitError::Unanswered("f4"))));
    submit(&mut all, "send_1", RequestKind::Send, "instead");
    assert_eq!(sent(&mut all, now + secs(10)), ["instead"]);
    assert!(matches!(
        all.handle_ack("send_1", now + secs(10)),
        Acked::Answered {
            waiter: "instead",
            ..
        }
    ));

    let forgotten = now + secs(5) + MINUTES_10;
    assert_eq!(all.poll_timeout(), Some(forgotten));
    assert_eq!(all.handle_timeout(forgotten), []);
    assert!((all.places == 0) && all.poll_timeout().is_none());
    assert_eq!(all.handle_ack(ID, forgotten), Acked::Unknown);
    respond(&mut all, ID, "f5");
    assert_eq!(sent(&mut all, forgotten), ["f5"]);
}

#[test]
fn each_kind_has_its_patience() {
    let now = Instant::now();
    for (kind, patience) in [
        (RequestKind::Subscribe, 10),
        (RequestKind::Ping, 20),
        (RequestKind::Respond, 5),
        (RequestKind::Send, 5),
        (RequestKind::Upload, 30),
    ] {
        let mut all = requests();
        submit(&mut all, "one", kind, "one");
        assert_eq!(all.poll_timeout(), None, "not handed out yet");
        all.poll_transmit(now);
        assert_eq!(all.poll_timeout(), Some(now + secs(patience)), "{kind:?}");
        assert_eq!(all.handle_timeout(now + secs(patience - 1)), []);
        let Some([told]) = all
            .handle_timeout(now + secs(patience))
            .first_chunk()
            .copied()
        else {
            panic!("{kind:?}: nobody is told");
        };
        assert_eq!((told.kind, told.was_sent), (kind, true));
    }
}

#[test]
fn what_is_no_answer_to_anything_settles_nothing() {
    let now = Instant::now();
    let mut all = requests();
    assert_eq!(all.handle_ack(ID, now), Acked::Unknown);
    respond(&mut all, ID, "f1");
    assert_eq!(all.handle_ack(ID, now), Acked::Unknown, "not sent yet");
    // Ids are compared whole.
    assert_eq!(all.handle_ack("Zq3v", now), Acked::Unknown);
    assert_eq!(sent(&mut all, now), ["f1"]);
    assert_eq!(all.handle_ack(ID, now), settled("f1", secs(0)));
}

#[test]
fn too_many_are_refused_and_what_the_connection_needs_is_not() {
    let now = Instant::now();
    let mut all = requests();
    for number in 0..500 {
        respond(&mut all, &format!("id {}", number % 7), "one of many");
    }
    let refused = all.submit("another", RequestKind::Send, Bytes::new(), "too many");
    assert!(matches!(refused, Err(SubmitError::Full("too many"))));
    submit(&mut all, "ping_1", RequestKind::Ping, "ping");
    assert_eq!(all.poll_transmit(now).as_deref(), Some(&b"ping"[..]));
    assert_eq!(all.places, 501);
    assert!(matches!(
        all.handle_ack("ping_1", now),
        Acked::Answered { waiter: "ping", .. }
    ));
    sent(&mut all, now);
    assert_eq!(all.handle_ack("id 3", now), settled("one of many", secs(0)));
    submit(&mut all, "another", RequestKind::Send, "room again");
}

#[test]
fn frames_that_wait_are_bounded_in_bytes() {
    let now = Instant::now();
    let mut all = requests();
    let chunk = Bytes::from(vec![b'x'; 5 << 20]);
    let take = |all: &mut Requests<_>, id: &str| {
        all.submit(id, RequestKind::Upload, chunk.clone(), "chunk")
            .is_ok()
    };
    assert!(take(&mut all, "upload_chunk_1"));
    assert!(!take(&mut all, "upload_chunk_2"), "10 MiB together");
    assert!(all.poll_transmit(now).is_some());
    assert!(take(&mut all, "upload_chunk_2"), "the first is under way");
}

/// What a connection leaves behind is told in the order it was asked for.
#[test]
fn the_end_tells_everybody() {
    let now = Instant::now();
    let mut all = requests();
    for (id, name) in [("lost", "f0"), ("a", "a1"), ("b", "b1"), ("a", "a2")] {
        respond(&mut all, id, name);
    }
    all.poll_transmit(now);
    all.handle_timeout(now + secs(5));
    all.poll_transmit(now + secs(5));
    let told = [("a1", true), ("b1", false), ("a2", false)];
    assert_eq!(
        all.end(),
        told.map(|(waiter, was_sent)| given_up(waiter, was_sent))
    );
    assert!((all.places == 0) && all.poll_timeout().is_none());
    assert_eq!(all.poll_transmit(now), None);
    assert_eq!(all.handle_ack("a", now), Acked::Unknown);
    respond(&mut all, "lost", "a new connection, and nothing owed");
    assert_eq!(sent(&mut all, now).len(), 1);
}

#[test]
fn frames_are_not_printed() {
    let mut all = requests();
    submit(&mut all, "subscribe_1", RequestKind::Subscribe, "hunter2");
    assert!(!format!("{all:?}").contains("hunter2"));
}
