//! Failures: their delays, refusals, and the alarm.

use super::*;

/// S45: an orderly close of a stable connection is followed by the nonce alone and counts as no failure.
#[test]
fn an_orderly_close_is_no_failure() {
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

/// A server accepts and drops for an hour. Whatever its nonce and its close, and even if it answers the first ping, this
/// causes no tight loop.
#[test]
fn accept_and_drop_makes_no_tight_loop() {
    let orderly = Setback::ClosedByPlatform { code: Some(1000) };
    for (close, pongs) in [
        (Setback::Reset, 1),
        (orderly, 1),
        (Setback::Reset, u32::MAX),
        (orderly, u32::MAX),
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
                link.handle_permitted(generation, now);
                link.handle_bootstrapped(generation, Some(&config), now);
                link.handle_opened(generation, now);
                if attempts < pongs {
                    // An answer on one connection proves nothing for the next ones.
                    link.handle_pong(generation, None, now);
                }
                link.handle_setback(generation, close, now);
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

/// P2: the platform's attempt count is only shown.
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
        link.handle_permitted(generation, now);
        link.handle_setback(generation, Setback::Unreachable, now);
    }
    now = fire(&mut link);
    actions(&mut link);
    link.handle_permitted(link.generation(), now);
    link.handle_bootstrapped(link.generation(), None, now);
    link.handle_opened(link.generation(), now);
    assert!(link.attempts_exceeded(), "an open socket proves little");
    link.handle_pong(link.generation(), None, now);
    assert!(!link.attempts_exceeded());
}

#[test]
fn a_refused_one_is_probed_soon_then_hourly_and_on_new_settings() {
    let now = Instant::now();
    let mut link = link();
    link.handle_desired(Desired::Run, now);
    let first = link.generation();
    link.handle_permitted(first, now);
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
    assert_eq!(actions(&mut link), [Action::RequestPermit(second)]);
    link.handle_permitted(second, now);
    link.handle_setback(second, Setback::AuthFailed, now);
    actions(&mut link);
    fire(&mut link);
    assert_eq!(actions(&mut link), [Action::RequestPermit(Generation(3))]);
}

/// One odd answer after weeks of service is checked soon. A refusal that repeats is believed.
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
    // After a live connection the series starts again.
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

/// S87, S125: five failures in a row are an alarm, whatever their causes. A stable connection ends it, an open one does not.
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
    // It is stable.
    let generation = go_live(&mut link, now);
    link.handle_pong(generation, None, now);
    assert_eq!(fire(&mut link), now + secs(1));
    assert!(!link.has_alarm());
    assert_eq!(link.poll_timeout(), None);
    link.handle_setback(generation, Setback::Reset, now + secs(1));
    assert!(!link.has_alarm(), "one failure is none");
}

/// A late pong ends the alarm at once, because the connection is stable already. So does an operator.
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
