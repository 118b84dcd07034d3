//! What an operator asks for, and a spent rebuild budget.

use super::*;

/// S44, S118: a stop closes what is open, and nothing follows.
#[test]
fn stop_ends_every_state() {
    let now = Instant::now();
    /// Brings a queued link into the state.
    type Step = fn(&mut Link, Generation, Instant);
    let steps: [(&str, Step, bool); 8] = [
        ("queued", |_, _, _| {}, false),
        (
            "bootstrapping",
            |link, g, now| link.handle_permitted(g, now),
            true,
        ),
        (
            "dialing",
            |link, g, now| {
                link.handle_permitted(g, now);
                link.handle_bootstrapped(g, None, now);
            },
            true,
        ),
        (
            "live",
            |link, g, now| {
                link.handle_permitted(g, now);
                link.handle_bootstrapped(g, None, now);
                link.handle_opened(g, now);
            },
            true,
        ),
        (
            "backing_off",
            |link, g, now| link.handle_setback(g, Setback::Unreachable, now),
            false,
        ),
        (
            "refused",
            |link, g, now| link.handle_setback(g, Setback::NoSecret, now),
            false,
        ),
        (
            "displaced",
            |link, g, now| link.handle_setback(g, Setback::Displaced, now),
            false,
        ),
        (
            "restarting",
            |link, _, now| link.handle_restarts_exhausted(now + secs(600), now),
            false,
        ),
    ];
    for (label, step, closes) in steps {
        let mut link = link();
        link.handle_desired(Desired::Run, now);
        let generation = link.generation();
        step(&mut link, generation, now);
        assert_eq!(link.state().label(), label);
        actions(&mut link);
        link.handle_desired(Desired::Stop, now);
        let close = Action::Close(generation, CloseReason::Stopped);
        assert_eq!(
            actions(&mut link),
            closes.then_some(close).as_slice(),
            "{label}"
        );
        assert_eq!(
            (*link.state(), link.poll_timeout()),
            (State::Stopped, None),
            "{label}"
        );
    }
}

#[test]
fn a_stop_withdraws_an_action_that_was_not_taken() {
    let now = Instant::now();
    let mut link = link();
    link.handle_desired(Desired::Run, now);
    link.handle_desired(Desired::Stop, now);
    assert_eq!(actions(&mut link), []);
    link.handle_desired(Desired::Run, now);
    link.handle_desired(Desired::Run, now);
    assert_eq!(actions(&mut link), [Action::RequestPermit(Generation(2))]);
}

#[test]
fn new_settings_redial_a_live_one() {
    let now = Instant::now();
    let mut link = link();
    let first = open(&mut link, now);
    link.handle_configured(now);
    assert_eq!(
        actions(&mut link),
        [
            Action::Close(first, CloseReason::Reconfigured),
            Action::RequestPermit(first.next())
        ]
    );
    let mut stopped = self::link();
    stopped.handle_configured(now);
    assert_eq!(
        (actions(&mut stopped), *stopped.state()),
        (vec![], State::Stopped)
    );
}

#[test]
fn a_spent_rebuild_budget_waits_and_goes_on() {
    let now = Instant::now();
    let mut link = link();
    let first = open(&mut link, now);
    let until = now + secs(600);
    link.handle_restarts_exhausted(until, now);
    assert_eq!(
        actions(&mut link),
        [Action::Close(first, CloseReason::Restarting)]
    );
    link.handle_configured(now);
    assert_eq!(*link.state(), State::Restarting { until });
    assert_eq!(fire(&mut link), until);
    go_live(&mut link, until);
}

/// S62: a bot in webhook mode runs without a connection, and the mode is switched at any time.
#[test]
fn a_bot_in_webhook_mode_runs_without_a_connection() {
    let now = Instant::now();
    let mut link = link().with_mode(Mode::Webhook);
    link.handle_desired(Desired::Run, now);
    assert_eq!((*link.state(), link.poll_timeout()), (State::Webhook, None));
    link.handle_configured(now);
    link.handle_restarts_exhausted(now + secs(600), now);
    assert_eq!(actions(&mut link), []);
    assert!(!link.keeps_socket_permit());

    link.handle_mode(Mode::Both, now);
    let generation = go_live(&mut link, now);
    link.handle_mode(Mode::LongConnection, now);
    assert_eq!(actions(&mut link), [], "it is connected already");
    link.handle_mode(Mode::Webhook, now);
    let close = Action::Close(generation, CloseReason::Webhook);
    assert_eq!(actions(&mut link), [close]);
    assert_eq!((*link.state(), link.poll_timeout()), (State::Webhook, None));
    link.handle_setback(generation, Setback::Reset, now);
    assert_eq!(*link.state(), State::Webhook, "its connection is over");
}

#[test]
fn a_stopped_bot_stays_stopped_in_every_mode() {
    let now = Instant::now();
    let mut link = link();
    for &mode in Mode::ALL {
        link.handle_mode(mode, now);
        assert_eq!(
            (*link.state(), actions(&mut link)),
            (State::Stopped, vec![])
        );
    }
    link.handle_mode(Mode::Webhook, now);
    link.handle_desired(Desired::Run, now);
    assert_eq!(*link.state(), State::Webhook);
    link.handle_desired(Desired::Stop, now);
    assert_eq!(
        (*link.state(), actions(&mut link)),
        (State::Stopped, vec![])
    );
}

/// Whoever corrected something need not wait for the backoff, and whoever did not breaks nothing.
#[test]
fn a_retry_ends_a_wait_and_nothing_else() {
    let now = Instant::now();
    for setback in [Setback::Unreachable, Setback::NoSecret] {
        let mut link = link();
        link.handle_desired(Desired::Run, now);
        for _ in 0..3 {
            fail(&mut link, setback, now);
            link.handle_retry(now);
            assert_eq!(*link.state(), State::Queued);
        }
        assert_eq!(link.failures(), 0, "the next wait is a short one");
        let generation = go_live(&mut link, now);
        link.handle_retry(now);
        assert_eq!(actions(&mut link), []);
        assert_eq!(link.generation(), generation);
        link.handle_restarts_exhausted(now + secs(600), now);
        actions(&mut link);
        link.handle_retry(now);
        assert_eq!(*link.state(), State::Queued);
    }
    let mut link = link();
    let generation = open(&mut link, now);
    link.handle_setback(generation, Setback::Displaced, now);
    actions(&mut link);
    link.handle_retry(now);
    assert_eq!(
        link.state().label(),
        "displaced",
        "the other program has it"
    );
    link.handle_desired(Desired::Stop, now);
    link.handle_retry(now);
    assert_eq!(*link.state(), State::Stopped);
}
