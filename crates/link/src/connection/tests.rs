use super::*;
use std::time::Duration;

fn secs(seconds: u64) -> Duration {
    Duration::from_secs(seconds)
}

fn link() -> Link {
    Link::new(Timing::default(), 42)
}

fn actions(link: &mut Link) -> Vec<Action> {
    std::iter::from_fn(|| link.poll_action()).collect()
}

/// Lets the link come up and returns the generation that lives.
fn open(link: &mut Link, now: Instant) -> Generation {
    link.handle_desired(Desired::Run, now);
    go_live(link, now)
}

/// From the queue to a live connection.
fn go_live(link: &mut Link, now: Instant) -> Generation {
    let generation = link.generation();
    assert_eq!(actions(link), [Action::AskTurn(generation)]);
    link.handle_turn(generation, now);
    assert_eq!(actions(link), [Action::Bootstrap(generation)]);
    link.handle_bootstrapped(generation, None, now);
    assert_eq!(actions(link), [Action::Dial(generation)]);
    link.handle_opened(generation, now);
    assert_eq!(actions(link), []);
    assert_eq!(*link.state(), State::Live { since: now });
    generation
}

/// Lets the timer fire when it is due and returns that time.
fn fire(link: &mut Link) -> Instant {
    let due = link.poll_timeout().expect("a timer runs");
    link.handle_timeout(due);
    due
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

/// A place among the open connections is kept for a bot that was connected, and not for ever.
#[test]
fn a_place_is_kept_for_a_bot_that_was_connected() {
    let mut now = Instant::now();
    let mut link = link();
    link.handle_desired(Desired::Run, now);
    let first = link.generation();
    assert!(link.keeps_place(), "an attempt keeps what it has");
    link.handle_setback(first, Setback::Unreachable, now);
    assert!(!link.keeps_place(), "it was never connected");
    now = fire(&mut link);
    actions(&mut link);
    link.handle_turn(link.generation(), now);
    link.handle_bootstrapped(link.generation(), None, now);
    link.handle_opened(link.generation(), now);
    for failed in 1..=20 {
        link.handle_setback(link.generation(), Setback::Unreachable, now);
        // The first attempt of all counts, because no pong has come since.
        assert_eq!(link.keeps_place(), failed < 10, "after {failed}");
        now = fire(&mut link);
    }
    link.handle_setback(link.generation(), Setback::AuthFailed, now);
    assert!(!link.keeps_place());
}

/// S44, S118: stopping closes whatever there is and nothing follows.
#[test]
fn stop_ends_every_state() {
    let now = Instant::now();
    /// Brings a queued link into the state.
    type Step = fn(&mut Link, Generation, Instant);
    let steps: [(&str, Step, bool); 8] = [
        ("queued", |_, _, _| {}, false),
        (
            "bootstrapping",
            |link, g, now| link.handle_turn(g, now),
            true,
        ),
        (
            "dialing",
            |link, g, now| {
                link.handle_turn(g, now);
                link.handle_bootstrapped(g, None, now);
            },
            true,
        ),
        (
            "live",
            |link, g, now| {
                link.handle_turn(g, now);
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
            |link, _, now| link.handle_spent(now + secs(600), now),
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
fn an_untaken_wish_is_withdrawn() {
    let now = Instant::now();
    let mut link = link();
    link.handle_desired(Desired::Run, now);
    link.handle_desired(Desired::Stop, now);
    assert_eq!(actions(&mut link), []);
    link.handle_desired(Desired::Run, now);
    link.handle_desired(Desired::Run, now);
    assert_eq!(actions(&mut link), [Action::AskTurn(Generation(2))]);
}

/// A caller that never reports does not make the bot deaf.
#[test]
fn bootstrap_and_dial_have_deadlines() {
    let now = Instant::now();
    let mut link = link();
    link.handle_desired(Desired::Run, now);
    let first = link.generation();
    link.handle_turn(first, now);
    actions(&mut link);
    assert_eq!(fire(&mut link), now + secs(17));
    assert_eq!(
        actions(&mut link),
        [Action::Close(first, CloseReason::TimedOut)]
    );
    assert_eq!(link.state().reason(), Some(Setback::TimedOut));

    let due = fire(&mut link);
    let second = link.generation();
    link.handle_turn(second, due);
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
    assert_eq!(*link.state(), state, "the late word changes nothing");
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
    assert_eq!(actions(&mut link), [Action::AskTurn(Generation(1))]);
    assert_eq!(fire(&mut link), now + secs(600));
    assert_eq!(actions(&mut link), [Action::AskTurn(Generation(1))]);
}

/// S45: an orderly goodbye of a proved connection is followed by the nonce alone and counts no error.
#[test]
fn an_orderly_goodbye_is_no_error() {
    let mut now = Instant::now();
    let mut link = link();
    let mut generation = open(&mut link, now);
    for _ in 0..100 {
        link.handle_pong(generation, None, now);
        now += secs(1);
        link.handle_setback(
            generation,
            Setback::ClosedByPlatform { code: Some(1001) },
            now,
        );
        actions(&mut link);
        let State::BackingOff {
            until, attempt: 0, ..
        } = *link.state()
        else {
            panic!("{:?}", link.state());
        };
        assert!(until - now < secs(30));
        now = fire(&mut link);
        generation = go_live(&mut link, now);
    }
}

/// A server that accepts and drops, for an hour: whatever the nonce and the farewell, and even if it answers the first
/// ping before it drops, no tight loop.
#[test]
fn accept_and_drop_makes_no_tight_loop() {
    let goodbye = Setback::ClosedByPlatform { code: Some(1000) };
    for (farewell, pongs) in [
        (Setback::Reset, 1),
        (goodbye, 1),
        (Setback::Reset, u32::MAX),
        (goodbye, u32::MAX),
    ] {
        for seed in 0..200 {
            let start = Instant::now();
            let mut link = Link::new(Timing::default(), seed);
            let config = ClientConfig {
                reconnect_nonce: Some(0),
                ..ClientConfig::default()
            };
            link.handle_desired(Desired::Run, start);
            let (mut now, mut attempts, mut in_first_minute) = (start, 0, 0);
            while now < start + secs(3600) && attempts < 1000 {
                let generation = link.generation();
                link.handle_turn(generation, now);
                link.handle_bootstrapped(generation, Some(&config), now);
                link.handle_opened(generation, now);
                if attempts < pongs {
                    // That one answered proves nothing for those that follow.
                    link.handle_pong(generation, None, now);
                }
                link.handle_setback(generation, farewell, now);
                actions(&mut link);
                attempts += 1;
                in_first_minute += u32::from(now < start + secs(60));
                now = fire(&mut link);
            }
            // On average 30 s apart once the ceiling is reached; the steps before it take half a minute.
            assert!(
                (80..=170).contains(&attempts),
                "{attempts} attempts, seed {seed}"
            );
            assert!(
                in_first_minute <= 20,
                "{in_first_minute} at once, seed {seed}"
            );
        }
    }
}

/// P2: the count of the platform is shown, not obeyed.
#[test]
fn passing_the_attempt_count_is_only_shown() {
    let mut now = Instant::now();
    let mut link = link();
    let generation = open(&mut link, now);
    let config = ClientConfig {
        reconnect_count: Some(2),
        ..ClientConfig::default()
    };
    link.handle_pong(generation, Some(&config), now);
    link.handle_setback(generation, Setback::Reset, now);
    for attempt in 1..50 {
        assert_eq!(link.attempts_exceeded(), attempt > 2, "attempt {attempt}");
        now = fire(&mut link);
        let generation = link.generation();
        link.handle_turn(generation, now);
        link.handle_setback(generation, Setback::Unreachable, now);
    }
    now = fire(&mut link);
    actions(&mut link);
    link.handle_turn(link.generation(), now);
    link.handle_bootstrapped(link.generation(), None, now);
    link.handle_opened(link.generation(), now);
    assert!(link.attempts_exceeded(), "an open socket proves little");
    link.handle_pong(link.generation(), None, now);
    assert!(!link.attempts_exceeded());
}

/// Lets the attempt that is queued fail before it opens.
fn fail(link: &mut Link, setback: Setback, now: Instant) {
    let generation = link.generation();
    assert_eq!(actions(link), [Action::AskTurn(generation)]);
    link.handle_turn(generation, now);
    assert_eq!(actions(link), [Action::Bootstrap(generation)]);
    link.handle_setback(generation, setback, now);
}

/// How long it waits from `now` on.
fn wait(link: &Link, now: Instant) -> Duration {
    link.poll_timeout().expect("a timer runs") - now
}

/// One odd answer after weeks of service is asked about again at once, and one that repeats is believed.
#[test]
fn a_refusal_after_a_long_life_is_doubted() {
    let start = Instant::now();
    let mut link = link();
    let first = open(&mut link, start);
    link.handle_pong(first, None, start);
    let mut now = start + secs(14 * 24 * 3600);
    link.handle_setback(first, Setback::Reset, now);
    actions(&mut link);
    now = fire(&mut link);
    for base in [10, 60, 120, 300, 900, 3600, 3600] {
        fail(&mut link, Setback::HttpStatus(400), now);
        let reason = Setback::HttpStatus(400);
        assert_eq!(
            link.state().reason(),
            Some(reason),
            "it is shown all the same"
        );
        assert_eq!(link.state().label(), "refused");
        let waits = wait(&link, now);
        assert!(
            (secs(base)..secs(base) * 11 / 10).contains(&waits),
            "{waits:?}"
        );
        now = fire(&mut link);
    }
    // Once it was right after all, the next refusal is doubted anew.
    let generation = go_live(&mut link, now);
    link.handle_pong(generation, None, now);
    now += secs(60);
    link.handle_setback(generation, Setback::Reset, now);
    actions(&mut link);
    now = fire(&mut link);
    fail(&mut link, Setback::AuthFailed, now);
    assert!(
        (secs(60)..secs(66)).contains(&wait(&link, now)),
        "a minute is no long life"
    );
}

/// S87, S125: five failures in a row are an alarm, whatever their causes; a life ends it, an open socket does not.
#[test]
fn five_failures_in_a_row_are_an_alarm() {
    let mut now = Instant::now();
    let mut link = link();
    link.handle_desired(Desired::Run, now);
    let causes = [
        Setback::Unreachable,
        Setback::SystemBusy,
        Setback::HttpStatus(404),
        Setback::TimedOut,
        Setback::Unreachable,
        Setback::Unreachable,
    ];
    for (failures, cause) in (1..).zip(causes) {
        fail(&mut link, cause, now);
        assert_eq!(link.failures(), failures);
        assert_eq!(link.has_alarm(), failures >= ALARM_AFTER, "{failures}");
        now = fire(&mut link);
    }
    // It opens, answers, and drops: one failure more.
    let generation = go_live(&mut link, now);
    assert_eq!(link.poll_timeout(), None, "no pong yet");
    link.handle_pong(generation, None, now);
    assert_eq!(link.poll_timeout(), Some(now + secs(1)));
    link.handle_setback(generation, Setback::Reset, now);
    assert!(link.has_alarm());
    actions(&mut link);
    now = fire(&mut link);
    // It lasts.
    let generation = go_live(&mut link, now);
    link.handle_pong(generation, None, now);
    assert_eq!(fire(&mut link), now + secs(1));
    assert!(!link.has_alarm());
    assert_eq!(link.poll_timeout(), None);
    link.handle_setback(generation, Setback::Reset, now + secs(1));
    assert!(!link.has_alarm(), "one failure is none");
}

/// A pong that comes late finds that the connection has lasted; and an operator's hand ends an alarm too.
#[test]
fn an_alarm_ends_with_a_late_pong_or_by_hand() {
    let mut now = Instant::now();
    let mut alarmed = || {
        let mut link = link();
        link.handle_desired(Desired::Run, now);
        for _ in 0..ALARM_AFTER {
            fail(&mut link, Setback::Unreachable, now);
            now = fire(&mut link);
        }
        assert!(link.has_alarm());
        (link, now)
    };
    let (mut late, now) = alarmed();
    let generation = go_live(&mut late, now);
    late.handle_pong(generation, None, now + secs(100));
    assert_eq!((late.has_alarm(), late.poll_timeout()), (false, None));

    let (mut stopped, now) = alarmed();
    stopped.handle_desired(Desired::Stop, now);
    assert!(!stopped.has_alarm());

    let (mut changed, now) = alarmed();
    changed.handle_configured(now);
    assert_eq!((changed.has_alarm(), changed.failures()), (false, 0));
}

/// What its place among those that want to connect depends on.
#[test]
fn a_bot_that_was_live_a_moment_ago_stands_above_others() {
    let mut now = Instant::now();
    let mut link = link();
    let standing = |life, failures| Standing { life, failures };
    let first = open(&mut link, now);
    assert_eq!(link.standing(now), standing(Life::NotRecent, 0));
    link.handle_pong(first, None, now);
    now += secs(5);
    link.handle_setback(first, Setback::Reset, now);
    actions(&mut link);
    assert_eq!(link.standing(now), standing(Life::Recent, 1));
    assert!(link.standing(now) < standing(Life::NotRecent, 0));
    for failures in 2..40 {
        let due = fire(&mut link);
        fail(&mut link, Setback::Unreachable, due);
        let life = if due - now < secs(600) {
            Life::Recent
        } else {
            Life::NotRecent
        };
        assert_eq!(link.standing(due), standing(life, failures));
    }
    assert_eq!(link.standing(now + secs(600)).life, Life::NotRecent);
}

#[test]
fn a_refused_one_is_probed_soon_then_hourly_and_on_new_settings() {
    let now = Instant::now();
    let mut link = link();
    link.handle_desired(Desired::Run, now);
    let first = link.generation();
    link.handle_turn(first, now);
    link.handle_setback(first, Setback::AuthFailed, now);
    actions(&mut link);
    let State::Refused {
        until,
        reason: Setback::AuthFailed,
    } = *link.state()
    else {
        panic!("{:?}", link.state());
    };
    assert!(until - now >= secs(60) && until - now < secs(66));
    link.handle_configured(now + secs(5));
    let second = link.generation();
    assert_eq!(actions(&mut link), [Action::AskTurn(second)]);
    link.handle_turn(second, now);
    link.handle_setback(second, Setback::AuthFailed, now);
    actions(&mut link);
    fire(&mut link);
    assert_eq!(actions(&mut link), [Action::AskTurn(Generation(3))]);
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
            Action::AskTurn(first.next())
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
    link.handle_spent(until, now);
    assert_eq!(
        actions(&mut link),
        [Action::Close(first, CloseReason::Restarting)]
    );
    link.handle_configured(now);
    assert_eq!(*link.state(), State::Restarting { until });
    assert_eq!(fire(&mut link), until);
    go_live(&mut link, until);
}

#[test]
fn the_platforms_settings_are_applied_and_what_is_not_is_told() {
    let now = Instant::now();
    let mut link = link();
    link.handle_desired(Desired::Run, now);
    link.handle_turn(Generation(1), now);
    let hostile = ClientConfig {
        ping_interval: Some(0),
        reconnect_nonce: Some(3),
        ..ClientConfig::default()
    };
    let rejected = link.handle_bootstrapped(Generation(1), Some(&hostile), now);
    assert_eq!(
        rejected,
        [Rejected {
            key: "PingInterval",
            value: 0
        }]
    );
    assert_eq!(link.config().ping_interval, secs(120));
    assert_eq!(link.config().reconnect_nonce, secs(3));
    link.handle_opened(Generation(1), now);
    let better = ClientConfig {
        ping_interval: Some(90),
        ..ClientConfig::default()
    };
    assert_eq!(link.handle_pong(Generation(1), Some(&better), now), []);
    assert_eq!(link.config().ping_interval, secs(90));
    let old = ClientConfig {
        ping_interval: Some(7),
        ..ClientConfig::default()
    };
    link.handle_pong(Generation(0), Some(&old), now);
    assert_eq!(
        link.config().ping_interval,
        secs(90),
        "news of an older one"
    );
}

#[test]
fn a_later_link_of_an_installation_numbers_on() {
    let now = Instant::now();
    let mut link = link().after(Generation(7));
    assert_eq!(link.generation(), Generation(7));
    link.handle_desired(Desired::Run, now);
    assert_eq!(actions(&mut link), [Action::AskTurn(Generation(8))]);
    link.handle_turn(Generation(1), now);
    assert_eq!(link.state(), &State::Queued, "a turn of the one before");
}

/// Middleboxes that drop a connection after a minute of silence are known to the operator, not to the platform.
#[test]
fn the_shorter_ping_interval_holds() {
    for (operators, platforms, holds) in [
        (120, None, 120),
        (120, Some(90), 90),
        (60, Some(90), 60),
        (60, Some(120), 60),
        (60, Some(30), 30),
        (60, Some(0), 60),
        (120, Some(300), 120),
    ] {
        let timing = Timing {
            ping_interval: secs(operators),
            ..Timing::default()
        };
        let config = ClientConfig {
            ping_interval: platforms,
            ..ClientConfig::default()
        };
        let now = Instant::now();
        let mut link = Link::new(timing, 1);
        assert_eq!(link.ping_interval(), secs(operators));
        link.handle_desired(Desired::Run, now);
        let generation = link.generation();
        link.handle_turn(generation, now);
        link.handle_bootstrapped(generation, Some(&config), now);
        let case = format!("{operators} s and {platforms:?}");
        assert_eq!(link.ping_interval(), secs(holds), "{case}");
        // Every pong names it again.
        link.handle_opened(generation, now);
        link.handle_pong(generation, Some(&config), now);
        assert_eq!(link.ping_interval(), secs(holds), "{case}");
    }
}
