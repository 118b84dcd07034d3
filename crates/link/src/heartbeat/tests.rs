use proptest::prelude::*;

use super::*;

const INTERVAL: Duration = Duration::from_secs(120);
const GRACE: Duration = Duration::from_secs(20);

/// Lets the timers fire punctually up to `until` and returns what came of it.
fn run(heartbeat: &mut Heartbeat, until: Instant) -> Vec<(Instant, HeartbeatAction)> {
    let mut actions = Vec::new();
    while let Some(due) = heartbeat.poll_timeout().filter(|due| *due <= until) {
        heartbeat.handle_timeout(due);
        actions.extend(heartbeat.poll_action().map(|action| (due, action)));
    }
    actions
}

fn secs(seconds: u64) -> Duration {
    Duration::from_secs(seconds)
}

#[test]
fn first_ping_at_once_then_per_interval() {
    let start = Instant::now();
    let mut heartbeat = Heartbeat::new(INTERVAL, GRACE, start);
    assert_eq!(
        run(&mut heartbeat, start),
        [(start, HeartbeatAction::SendPing)]
    );
    heartbeat.handle_pong(start + secs(1));
    assert_eq!(heartbeat.round_trip(), Some(secs(1)));
    let second = start + INTERVAL;
    assert_eq!(
        run(&mut heartbeat, second),
        [(second, HeartbeatAction::SendPing)]
    );
}

/// P4: idle is legal for ever.
#[test]
fn a_day_of_an_idle_bot_is_no_trouble() {
    let start = Instant::now();
    let mut heartbeat = Heartbeat::new(INTERVAL, GRACE, start);
    let end = start + secs(24 * 3600);
    let mut pings = 0;
    while let Some(due) = heartbeat.poll_timeout().filter(|due| *due < end) {
        heartbeat.handle_timeout(due);
        match heartbeat.poll_action() {
            Some(HeartbeatAction::SendPing) => {
                pings += 1;
                // As slow as an answer may be.
                heartbeat.handle_pong(due + GRACE - Duration::from_nanos(1));
            }
            Some(HeartbeatAction::Silent) => panic!("silent after {:?}", due - start),
            None => {}
        }
    }
    assert_eq!(pings, 720);
}

/// P1: an unanswered ping is death, and it comes once.
#[test]
fn an_unanswered_ping_is_death() {
    let start = Instant::now();
    let mut heartbeat = Heartbeat::new(INTERVAL, GRACE, start);
    assert_eq!(
        run(&mut heartbeat, start + secs(3600)),
        [
            (start, HeartbeatAction::SendPing),
            (start + GRACE, HeartbeatAction::Silent)
        ]
    );
    assert_eq!(heartbeat.poll_timeout(), None);
    heartbeat.handle_timeout(start + secs(7200));
    assert_eq!(heartbeat.poll_action(), None);
}

#[test]
fn asking_again_keeps_the_unanswered_deadline() {
    let start = Instant::now();
    let mut heartbeat = Heartbeat::new(secs(5), GRACE, start);
    let actions = run(&mut heartbeat, start + secs(3600));
    assert_eq!(actions.len(), 5, "{actions:?}");
    assert_eq!(
        actions.last(),
        Some(&(start + GRACE, HeartbeatAction::Silent))
    );
}

#[test]
fn any_frame_answers() {
    let start = Instant::now();
    let mut heartbeat = Heartbeat::new(INTERVAL, GRACE, start);
    run(&mut heartbeat, start);
    heartbeat.handle_heard(start + secs(19));
    assert_eq!(run(&mut heartbeat, start + secs(119)), []);
    assert_eq!(heartbeat.round_trip(), None, "an event is no pong");
}

/// The official SDKs turn a pong with interval 0 into hundreds of pings a second.
#[test]
fn no_interval_makes_a_ping_storm() {
    let start = Instant::now();
    let mut heartbeat = Heartbeat::new(Duration::ZERO, GRACE, start);
    let mut pings = 0;
    while let Some(due) = heartbeat
        .poll_timeout()
        .filter(|due| *due < start + secs(60))
    {
        heartbeat.handle_timeout(due);
        pings += u32::from(heartbeat.poll_action().is_some());
        heartbeat.handle_pong(due);
        heartbeat.set_interval(Duration::ZERO, due);
    }
    assert_eq!(pings, 60);
}

#[test]
fn a_new_interval_counts_from_the_last_ping() {
    let start = Instant::now();
    let mut heartbeat = Heartbeat::new(INTERVAL, GRACE, start);
    run(&mut heartbeat, start);
    heartbeat.handle_pong(start);
    heartbeat.set_interval(secs(10), start + secs(3));
    assert_eq!(heartbeat.poll_timeout(), Some(start + secs(10)));
    heartbeat.set_interval(secs(2), start + secs(4));
    assert_eq!(heartbeat.poll_timeout(), Some(start + secs(4)));
}

#[test]
fn while_we_do_not_read_no_answer_is_missed() {
    let start = Instant::now();
    let mut heartbeat = Heartbeat::new(INTERVAL, GRACE, start);
    run(&mut heartbeat, start);
    heartbeat.handle_reading_paused(start + secs(1));
    let actions = run(&mut heartbeat, start + secs(600));
    assert_eq!(actions.len(), 5, "only pings: {actions:?}");
    assert!(
        actions
            .iter()
            .all(|(_, action)| *action == HeartbeatAction::SendPing)
    );
    let resumed = start + secs(610);
    heartbeat.handle_reading_resumed(resumed);
    heartbeat.handle_reading_resumed(resumed + secs(5));
    assert_eq!(
        run(&mut heartbeat, start + secs(3600)),
        [(resumed + GRACE, HeartbeatAction::Silent)],
        "resuming twice gives no second grace"
    );
}

#[test]
fn a_host_that_slept_reconnects_at_once() {
    let start = Instant::now();
    for (late, expected) in [
        (secs(149), HeartbeatAction::SendPing),
        (secs(150), HeartbeatAction::SendPing),
        (secs(151), HeartbeatAction::Silent),
        (secs(86_400), HeartbeatAction::Silent),
    ] {
        let mut heartbeat = Heartbeat::new(INTERVAL, GRACE, start);
        run(&mut heartbeat, start);
        heartbeat.handle_pong(start);
        heartbeat.handle_timeout(start + INTERVAL + late);
        assert_eq!(heartbeat.poll_action(), Some(expected), "{late:?} late");
    }
}

/// A process that was stopped for a while finds its timers and what it has not read yet at the same moment.
#[test]
fn who_was_held_up_asks_again_before_silence_is_death() {
    let start = Instant::now();
    for (late, expected) in [
        (secs(0), HeartbeatAction::Silent),
        (secs(10), HeartbeatAction::Silent),
        (secs(11), HeartbeatAction::SendPing),
        (secs(100), HeartbeatAction::SendPing),
        (secs(200), HeartbeatAction::Silent),
    ] {
        let mut heartbeat = Heartbeat::new(INTERVAL, GRACE, start);
        run(&mut heartbeat, start);
        let now = start + GRACE + late;
        heartbeat.handle_timeout(now);
        assert_eq!(heartbeat.poll_action(), Some(expected), "{late:?} late");
        if expected == HeartbeatAction::SendPing {
            let silent = (now + GRACE, HeartbeatAction::Silent);
            assert_eq!(run(&mut heartbeat, start + secs(3600)), [silent]);
        }
    }
}

proptest! {
    /// P1: whenever the other side falls silent, it is noticed within interval + grace.
    #[test]
    fn a_half_open_connection_is_found_in_any_phase(
        interval in 1_u64..400,
        life_ms in 0_u64..2_000_000,
        answer_ms in 0_u64..20_000,
        events in proptest::collection::vec(1_u64..60_000, 0..40),
    ) {
        let start = Instant::now();
        let interval = secs(interval);
        let mut heartbeat = Heartbeat::new(interval, GRACE, start);
        let death = start + Duration::from_millis(life_ms);
        // News up to the death: events at their own times, an answer to every ping that still gets through.
        let mut news = std::collections::BTreeSet::new();
        let mut at = start;
        for gap in events {
            at += Duration::from_millis(gap);
            news.insert(at);
        }
        let found = loop {
            let due = heartbeat.poll_timeout().expect("alive until silent");
            prop_assert!(due <= death + interval + GRACE, "not found by then");
            let next = news.first().copied().filter(|at| *at < due && *at < death);
            if let Some(at) = next {
                news.remove(&at);
                heartbeat.handle_heard(at);
                continue;
            }
            heartbeat.handle_timeout(due);
            match heartbeat.poll_action() {
                Some(HeartbeatAction::SendPing) => {
                    news.insert(due + Duration::from_millis(answer_ms));
                }
                Some(HeartbeatAction::Silent) => break due,
                None => {}
            }
        };
        prop_assert!(found >= death, "answered pings and still silent {:?} early", death - found);
    }

    /// Any order of inputs: silent at most once and last, pings never closer than a second, and as long
    /// as it lives there is a timer.
    #[test]
    fn any_order_of_inputs(inputs in proptest::collection::vec((0_u8..8, 0_u64..200_000), 1..200)) {
        let mut now = Instant::now();
        let mut heartbeat = Heartbeat::new(INTERVAL, GRACE, now);
        let mut last_ping: Option<Instant> = None;
        let mut dead = false;
        for (input, amount_ms) in inputs {
            let amount = Duration::from_millis(amount_ms);
            match input {
                0 => heartbeat.handle_heard(now),
                1 => heartbeat.handle_pong(now),
                2 => heartbeat.set_interval(amount, now),
                3 => heartbeat.handle_reading_paused(now),
                4 => heartbeat.handle_reading_resumed(now),
                5 => now += amount,
                6 => heartbeat.handle_slept(amount / 100, now),
                _ => now = heartbeat.poll_timeout().map_or(now, |due| due.max(now)),
            }
            heartbeat.handle_timeout(now);
            match heartbeat.poll_action() {
                Some(HeartbeatAction::SendPing) => {
                    prop_assert!(!dead);
                    prop_assert!(last_ping.is_none_or(|last| now - last >= SHORTEST_INTERVAL));
                    last_ping = Some(now);
                }
                Some(HeartbeatAction::Silent) => {
                    prop_assert!(!dead);
                    dead = true;
                }
                None => {}
            }
            prop_assert_eq!(heartbeat.poll_timeout().is_none(), dead);
            prop_assert!(heartbeat.poll_timeout().is_none_or(|due| due > now), "a busy loop");
        }
    }
}

#[test]
fn the_second_ping_comes_after_its_part_of_the_interval() {
    for (part, seconds) in [(0.0, 1), (0.25, 30), (1.0, 120), (7.0, 120)] {
        let start = Instant::now();
        let interval = Duration::from_secs(120);
        let mut heartbeat = Heartbeat::new(interval, Duration::from_secs(20), start).spread(part);
        heartbeat.handle_timeout(start);
        assert_eq!(heartbeat.poll_action(), Some(HeartbeatAction::SendPing));
        heartbeat.handle_pong(start);
        let second = start + Duration::from_secs(seconds);
        assert_eq!(heartbeat.poll_timeout(), Some(second), "{part}");
        heartbeat.handle_timeout(second);
        assert_eq!(heartbeat.poll_action(), Some(HeartbeatAction::SendPing));
        heartbeat.handle_pong(second);
        assert_eq!(heartbeat.poll_timeout(), Some(second + interval), "{part}");
    }
}

#[test]
fn after_a_sleep_of_the_host_it_is_asked_at_once() {
    let start = Instant::now();
    let mut heartbeat = Heartbeat::new(INTERVAL, GRACE, start);
    run(&mut heartbeat, start);
    heartbeat.handle_pong(start + secs(1));
    let awake = start + secs(10);
    heartbeat.handle_slept(secs(2), awake);
    let asked = awake + secs(2);
    assert_eq!(
        run(&mut heartbeat, start + secs(3600)),
        [
            (asked, HeartbeatAction::SendPing),
            (asked + GRACE, HeartbeatAction::Silent)
        ],
        "dead within the grace"
    );

    // One that lives goes on as before.
    let mut heartbeat = Heartbeat::new(INTERVAL, GRACE, start);
    run(&mut heartbeat, start);
    heartbeat.handle_pong(start + secs(1));
    heartbeat.handle_slept(secs(2), awake);
    run(&mut heartbeat, asked);
    heartbeat.handle_pong(asked + secs(1));
    assert_eq!(
        run(&mut heartbeat, asked + INTERVAL),
        [(asked + INTERVAL, HeartbeatAction::SendPing)]
    );
    // It would have been asked sooner anyway.
    heartbeat.handle_pong(asked + INTERVAL);
    let soon = asked + 2 * INTERVAL;
    heartbeat.handle_slept(secs(2), soon - secs(1));
    assert_eq!(heartbeat.poll_timeout(), Some(soon));
}

/// The answer may have come while the host slept, and lies in the kernel's buffer.
#[test]
fn a_question_that_was_open_when_the_host_slept_gets_its_whole_grace() {
    let start = Instant::now();
    let mut heartbeat = Heartbeat::new(INTERVAL, GRACE, start);
    run(&mut heartbeat, start);
    let awake = start + secs(19);
    heartbeat.handle_slept(Duration::ZERO, awake);
    assert_eq!(
        run(&mut heartbeat, start + secs(3600)),
        [
            (awake, HeartbeatAction::SendPing),
            (awake + GRACE, HeartbeatAction::Silent)
        ]
    );
}
