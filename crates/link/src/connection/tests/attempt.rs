//! Attempts: from the queue to the open connection, and their deadlines.

use super::*;

/// S114 and S115: an attempt is shown from its beginning, and it is a connection only once the socket is open.
#[test]
fn it_is_live_only_after_the_handshake() {
    let now = Instant::now();
    let mut link = link();
    let shown = |link: &Link| (link.state().label(), link.state().legacy());
    assert_eq!(shown(&link), ("stopped", "disconnected"));
    link.handle_desired(Desired::Run, now);
    let generation = link.generation();
    assert_eq!(shown(&link), ("queued", "connecting"));
    link.handle_permitted(generation, now);
    assert_eq!(shown(&link), ("bootstrapping", "connecting"));
    link.handle_bootstrapped(generation, None, now);
    assert_eq!(shown(&link), ("dialing", "connecting"));
    link.handle_opened(generation, now);
    assert_eq!(shown(&link), ("live", "connected"));
}

#[test]
fn comes_up_and_comes_back() {
    let now = Instant::now();
    let mut link = link();
    let first = open(&mut link, now);
    link.handle_pong(first, None, now);
    link.handle_setback(first, Setback::Reset, now);
    let lost = CloseReason::Lost(Setback::Reset);
    assert_eq!(actions(&mut link), [Action::Close(first, lost)]);
    let State::BackingOff {
        until,
        attempt: 1,
        reason: Setback::Reset,
    } = *link.state()
    else {
        panic!("{:?}", link.state());
    };
    assert!(until - now < secs(30), "the nonce bounds the first delay");
    link.handle_timeout(until - Duration::from_nanos(1));
    assert_eq!(actions(&mut link), [], "not before its time");
    let due = fire(&mut link);
    let second = go_live(&mut link, due);
    assert!(second > first);
    assert_eq!(link.reconnects(), 1);
}

/// An owner that never reports does not keep the bot disconnected.
#[test]
fn bootstrap_and_dial_have_deadlines() {
    let now = Instant::now();
    let mut link = link();
    link.handle_desired(Desired::Run, now);
    let first = link.generation();
    link.handle_permitted(first, now);
    actions(&mut link);
    assert_eq!(fire(&mut link), now + secs(17));
    assert_eq!(
        actions(&mut link),
        [Action::Close(first, CloseReason::TimedOut)]
    );
    assert_eq!(link.state().reason(), Some(Setback::TimedOut));

    let due = fire(&mut link);
    let second = link.generation();
    link.handle_permitted(second, due);
    link.handle_bootstrapped(second, None, due);
    actions(&mut link);
    assert_eq!(fire(&mut link), due + secs(17));
    assert_eq!(
        actions(&mut link),
        [Action::Close(second, CloseReason::TimedOut)]
    );
    assert_eq!(link.state().reason(), Some(Setback::HandshakeTimedOut));
    let state = *link.state();
    link.handle_setback(second, Setback::Unreachable, due + secs(18));
    assert_eq!(*link.state(), state, "late news changes nothing");
    link.handle_opened(second, due + secs(18));
    assert_eq!(
        actions(&mut link),
        [Action::Close(second, CloseReason::Stale)]
    );
}

#[test]
fn a_forgotten_place_in_the_queue_is_asked_for_again() {
    let now = Instant::now();
    let mut link = link();
    link.handle_desired(Desired::Run, now);
    assert_eq!(actions(&mut link), [Action::RequestPermit(Generation(1))]);
    assert_eq!(fire(&mut link), now + secs(600));
    assert_eq!(actions(&mut link), [Action::RequestPermit(Generation(1))]);
}

#[test]
fn a_later_link_of_an_installation_numbers_on() {
    let now = Instant::now();
    let mut link = link().after(Generation(7));
    assert_eq!(link.generation(), Generation(7));
    link.handle_desired(Desired::Run, now);
    assert_eq!(actions(&mut link), [Action::RequestPermit(Generation(8))]);
    link.handle_permitted(Generation(1), now);
    assert_eq!(link.state(), &State::Queued, "a permit of the one before");
}
