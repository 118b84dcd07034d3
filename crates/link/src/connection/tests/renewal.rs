//! Changed access: the second connection beside the live one.

use super::*;

/// A live link that makes a second connection, and the generations of both.
fn renewing(renewal: Renewal, now: Instant) -> (Link, Generation, Generation) {
    let mut link = link();
    let first = open(&mut link, now);
    link.handle_renewal(renewal, now);
    let second = link.renewing().expect("a renewal is under way");
    assert!(second > first);
    assert_eq!(actions(&mut link), [Action::RequestPermit(second)]);
    assert_eq!(link.generation(), first);
    (link, first, second)
}

/// From the permit to the dial.
fn dial(link: &mut Link, generation: Generation, now: Instant) {
    link.handle_permitted(generation, now);
    assert_eq!(actions(link), [Action::Bootstrap(generation)]);
    link.handle_bootstrapped(generation, None, now);
    assert_eq!(actions(link), [Action::Dial(generation)]);
}

fn proved(generation: Generation) -> Action {
    Action::RenewalEnded(generation, RenewalEnd::Proved)
}

#[test]
fn the_old_connection_serves_until_the_new_one_answers_a_ping() {
    let start = Instant::now();
    let (mut link, first, second) = renewing(Renewal::Beside, start);
    dial(&mut link, second, start);
    let opened = start + secs(1);
    link.handle_opened(second, opened);
    assert_eq!(actions(&mut link), []);
    assert_eq!(*link.state(), State::Live { since: start });
    link.handle_pong(second, None, start + secs(2));
    assert_eq!(
        actions(&mut link),
        [Action::Close(first, CloseReason::Renewed), proved(second)]
    );
    assert_eq!(*link.state(), State::Live { since: opened });
    assert_eq!((link.generation(), link.renewing()), (second, None));
    assert_eq!(link.reconnects(), 1);
    assert_eq!(link.poll_timeout(), None);
    // The end of the old one is news of an older generation.
    link.handle_setback(first, Setback::Reset, start + secs(3));
    assert_eq!(link.state().label(), "live");
}

#[test]
fn a_wrong_secret_leaves_the_old_connection_alone() {
    let now = Instant::now();
    for has_opened in [false, true] {
        let (mut link, first, second) = renewing(Renewal::Beside, now);
        dial(&mut link, second, now);
        if has_opened {
            link.handle_opened(second, now);
        }
        link.handle_setback(second, Setback::AuthFailed, now);
        let close = Action::Close(second, CloseReason::Lost(Setback::AuthFailed));
        let end = Action::RenewalEnded(second, RenewalEnd::Refused(Setback::AuthFailed));
        let expected = Vec::from_iter(has_opened.then_some(close).into_iter().chain([end]));
        assert_eq!(actions(&mut link), expected);
        assert_eq!((link.generation(), link.renewing()), (first, None));
        assert_eq!(*link.state(), State::Live { since: now });
        assert_eq!(link.failures(), 0, "the bot itself has no trouble");
        // The next attempt has a generation of its own.
        link.handle_setback(first, Setback::Reset, now);
        fire(&mut link);
        assert!(link.generation() > second);
    }
}

#[test]
fn a_trouble_that_passes_is_waited_for_beside_the_old_connection() {
    let now = Instant::now();
    let (mut link, first, second) = renewing(Renewal::Beside, now);
    link.handle_permitted(second, now);
    actions(&mut link);
    link.handle_setback(second, Setback::ConnectionLimit, now);
    assert_eq!(actions(&mut link), []);
    assert!((secs(60)..secs(75)).contains(&wait(&link, now)));
    let later = fire(&mut link);
    let third = link.renewing().expect("it tries again");
    assert!(third > second);
    assert_eq!(actions(&mut link), [Action::RequestPermit(third)]);
    dial(&mut link, third, later);
    // News of the attempt before changes nothing.
    link.handle_setback(second, Setback::AuthFailed, later);
    link.handle_opened(third, later);
    link.handle_pong(third, None, later);
    assert_eq!(
        actions(&mut link),
        [Action::Close(first, CloseReason::Renewed), proved(third)]
    );
}

#[test]
fn an_attempt_that_is_not_reported_ends_by_itself() {
    let now = Instant::now();
    let (mut link, _, second) = renewing(Renewal::Beside, now);
    dial(&mut link, second, now);
    link.handle_opened(second, now);
    let silent = fire(&mut link);
    assert_eq!(silent, now + secs(22));
    let lost = CloseReason::Lost(Setback::Silent);
    assert_eq!(actions(&mut link), [Action::Close(second, lost)]);
    let again = fire(&mut link);
    let third = link.renewing().expect("it tries again");
    actions(&mut link);
    dial(&mut link, third, again);
    assert_eq!(fire(&mut link), again + secs(17));
    assert_eq!(
        actions(&mut link),
        [Action::Close(third, CloseReason::TimedOut)]
    );
    assert_eq!(link.state().label(), "live");
}

/// The network fails: the old connection is lost first, and the new one, which is open, takes over.
#[test]
fn a_new_connection_takes_over_whatever_became_of_the_old_one() {
    let now = Instant::now();
    let (mut link, first, second) = renewing(Renewal::Beside, now);
    dial(&mut link, second, now);
    link.handle_opened(second, now);
    link.handle_setback(first, Setback::Reset, now);
    assert_eq!(link.state().label(), "backing_off");
    let later = fire(&mut link);
    let third = link.generation();
    link.handle_permitted(third, later);
    actions(&mut link);
    link.handle_pong(second, None, later);
    assert_eq!(
        actions(&mut link),
        [Action::Close(third, CloseReason::Renewed), proved(second)]
    );
    assert_eq!(*link.state(), State::Live { since: now });
}

#[test]
fn a_renewal_that_has_not_begun_ends_with_the_old_connection() {
    let now = Instant::now();
    let (mut link, first, second) = renewing(Renewal::Beside, now);
    link.handle_setback(first, Setback::Reset, now);
    let lost = Action::Close(first, CloseReason::Lost(Setback::Reset));
    let end = Action::RenewalEnded(second, RenewalEnd::GivenUp);
    assert_eq!(actions(&mut link), [lost, end]);
    assert_eq!(link.renewing(), None);
}

#[test]
fn a_stop_a_further_change_and_spent_rebuilds_end_it() {
    type End = (fn(&mut Link, Instant), CloseReason);
    let now = Instant::now();
    let ends: [End; 3] = [
        (
            |link, now| link.handle_desired(Desired::Stop, now),
            CloseReason::Stopped,
        ),
        (
            |link, now| link.handle_configured(now),
            CloseReason::Reconfigured,
        ),
        (
            |link, now| link.handle_restarts_exhausted(now + secs(600), now),
            CloseReason::Restarting,
        ),
    ];
    for (end, reason) in ends {
        let (mut link, first, second) = renewing(Renewal::Beside, now);
        dial(&mut link, second, now);
        end(&mut link, now);
        let actions = actions(&mut link);
        assert_eq!(
            actions[..3],
            [
                Action::Close(second, reason),
                Action::RenewalEnded(second, RenewalEnd::GivenUp),
                Action::Close(first, reason),
            ]
        );
        assert_eq!(link.renewing(), None);
    }
}

#[test]
fn a_further_change_begins_it_anew() {
    let now = Instant::now();
    let (mut link, first, second) = renewing(Renewal::Beside, now);
    dial(&mut link, second, now);
    link.handle_renewal(Renewal::Beside, now);
    let third = link.renewing().expect("a renewal is under way");
    assert_eq!(
        actions(&mut link),
        [
            Action::Close(second, CloseReason::Reconfigured),
            Action::RenewalEnded(second, RenewalEnd::GivenUp),
            Action::RequestPermit(third),
        ]
    );
    assert_eq!(link.generation(), first);
}

#[test]
fn without_a_live_connection_it_connects_at_once() {
    let now = Instant::now();
    let mut link = link();
    let first = open(&mut link, now);
    link.handle_setback(first, Setback::AuthFailed, now);
    actions(&mut link);
    link.handle_renewal(Renewal::Beside, now);
    assert_eq!(link.renewing(), None);
    go_live(&mut link, now);
}

/// WeCom: the subscription itself displaces the old connection, in either order of the news.
#[test]
fn a_subscription_displaces_our_own_connection_and_nobody_takes_it_for_another() {
    let now = Instant::now();
    for displaced_first in [false, true] {
        let (mut link, first, second) = renewing(Renewal::Displacing, now);
        dial(&mut link, second, now);
        let end = proved(second);
        if displaced_first {
            link.handle_setback(first, Setback::Displaced, now);
            let lost = Action::Close(first, CloseReason::Lost(Setback::Displaced));
            assert_eq!(actions(&mut link), [lost]);
            assert_eq!(
                (link.state().label(), link.generation()),
                ("dialing", second)
            );
            link.handle_opened(second, now);
            assert_eq!(actions(&mut link), [end]);
        } else {
            link.handle_opened(second, now);
            let close = Action::Close(first, CloseReason::Renewed);
            assert_eq!(actions(&mut link), [close, end]);
            link.handle_setback(first, Setback::Displaced, now);
            assert_eq!(actions(&mut link), []);
        }
        assert_eq!(*link.state(), State::Live { since: now });
        assert_eq!(link.generation(), second);
    }
}

#[test]
fn a_refused_subscription_leaves_the_old_connection_alone_and_is_not_repeated() {
    let now = Instant::now();
    let refused = Setback::CredentialsRefused { code: 853_000 };
    for (setback, end) in [
        (refused, RenewalEnd::Refused(refused)),
        (
            Setback::SubscribeLimited,
            RenewalEnd::Failed(Setback::SubscribeLimited),
        ),
        (
            Setback::Unreachable,
            RenewalEnd::Failed(Setback::Unreachable),
        ),
    ] {
        let (mut link, first, second) = renewing(Renewal::Displacing, now);
        dial(&mut link, second, now);
        link.handle_setback(second, setback, now);
        assert_eq!(actions(&mut link), [Action::RenewalEnded(second, end)]);
        assert_eq!((link.generation(), link.renewing()), (first, None));
        assert_eq!(*link.state(), State::Live { since: now });
        assert_eq!(link.poll_timeout(), None);
    }
}

/// Another program took the bot at the same moment. A refused subscription shows that it was not ours; otherwise the
/// operator, who asked for this one, wants the bot here.
#[test]
fn a_displacement_by_another_is_told_from_our_own() {
    let now = Instant::now();
    let displaced = || {
        let (mut link, first, second) = renewing(Renewal::Displacing, now);
        dial(&mut link, second, now);
        link.handle_setback(first, Setback::Displaced, now);
        actions(&mut link);
        (link, second)
    };
    let refused = Setback::CredentialsRefused { code: 853_000 };
    let (mut link, second) = displaced();
    link.handle_setback(second, refused, now);
    let end = Action::RenewalEnded(second, RenewalEnd::Refused(refused));
    assert_eq!(actions(&mut link), [end, Action::RecordDisplaced]);
    assert_eq!(link.state().label(), "displaced");

    let (mut link, second) = displaced();
    fire(&mut link);
    let timed_out = Setback::HandshakeTimedOut;
    assert_eq!(
        actions(&mut link),
        [
            Action::Close(second, CloseReason::TimedOut),
            Action::RenewalEnded(second, RenewalEnd::Failed(timed_out)),
        ]
    );
    assert_eq!(link.state().reason(), Some(timed_out));

    // Before it subscribes, it displaces nobody.
    let (mut link, first, second) = renewing(Renewal::Displacing, now);
    link.handle_setback(first, Setback::Displaced, now);
    let lost = Action::Close(first, CloseReason::Lost(Setback::Displaced));
    let end = Action::RenewalEnded(second, RenewalEnd::GivenUp);
    assert_eq!(actions(&mut link), [lost, end, Action::RecordDisplaced]);
}
