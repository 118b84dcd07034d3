//! The order among bots that want to connect, and socket permits.

use super::*;
use crate::connect_scheduler::{AttemptPriority, Stability};

/// The priority depends on the last stable connection and on the failures since.
#[test]
fn a_bot_that_was_live_a_moment_ago_stands_above_others() {
    let mut now = Instant::now();
    let mut link = link();
    let priority = |stability, failures| AttemptPriority {
        stability,
        failures,
    };
    let first = open(&mut link, now);
    assert_eq!(link.priority(now), priority(Stability::NotRecent, 0));
    link.handle_pong(first, None, now);
    now += secs(5);
    link.handle_setback(first, Setback::Reset, now);
    actions(&mut link);
    assert_eq!(link.priority(now), priority(Stability::Recent, 1));
    assert!(link.priority(now) < priority(Stability::NotRecent, 0));
    for failures in 2..40 {
        let due = fire(&mut link);
        fail(&mut link, Setback::Unreachable, due);
        let stability = if due - now < secs(600) {
            Stability::Recent
        } else {
            Stability::NotRecent
        };
        assert_eq!(link.priority(due), priority(stability, failures));
    }
    assert_eq!(
        link.priority(now + secs(600)).stability,
        Stability::NotRecent
    );
}

/// A bot that was connected keeps its socket permit for some failures.
#[test]
fn a_place_is_kept_for_a_bot_that_was_connected() {
    let mut now = Instant::now();
    let mut link = link();
    link.handle_desired(Desired::Run, now);
    let first = link.generation();
    assert!(link.keeps_socket_permit(), "an attempt keeps what it has");
    link.handle_setback(first, Setback::Unreachable, now);
    assert!(!link.keeps_socket_permit(), "it was never connected");
    now = fire(&mut link);
    actions(&mut link);
    link.handle_permitted(link.generation(), now);
    link.handle_bootstrapped(link.generation(), None, now);
    link.handle_opened(link.generation(), now);
    for failed in 1..=20 {
        link.handle_setback(link.generation(), Setback::Unreachable, now);
        // The first attempt of all counts, because no pong has come since.
        assert_eq!(link.keeps_socket_permit(), failed < 10, "after {failed}");
        now = fire(&mut link);
    }
    link.handle_setback(link.generation(), Setback::AuthFailed, now);
    assert!(!link.keeps_socket_permit());
}
