//! A heartbeat in sequences of inputs that happen, in virtual time.

use super::*;

mod properties;

const INTERVAL: Duration = Duration::from_secs(120);
const GRACE: Duration = Duration::from_secs(20);

/// Fires the timers punctually up to `until` and returns the actions.
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

/// P4: a bot may be idle for ever.
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
                // The slowest answer in time.
                heartbeat.handle_pong(due + GRACE - Duration::from_nanos(1));
            }
            Some(HeartbeatAction::Silent) => panic!("silent after {:?}", due - start),
            None => {}
        }
    }
    assert_eq!(pings, 720);
}

/// P1: an unanswered ping means that the connection is dead, which is reported once. S42: it does not matter whether the
/// ping was lost, could not be written, or was never answered.
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

/// S10: the pong that the reference takes without effect is the answer that the connection lives by.
#[test]
fn a_pong_ends_the_wait_for_an_answer() {
    let start = Instant::now();
    let mut heartbeat = Heartbeat::new(INTERVAL, GRACE, start);
    run(&mut heartbeat, start);
    heartbeat.handle_pong(start + secs(19));
    assert_eq!(run(&mut heartbeat, start + secs(50)), []);
    assert_eq!(heartbeat.round_trip(), Some(secs(19)));
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

/// A process that was stopped for a while finds its due timers and its unread input at the same moment.
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

    // A connection that answers goes on as before.
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
    // A ping is due sooner anyway.
    heartbeat.handle_pong(asked + INTERVAL);
    let soon = asked + 2 * INTERVAL;
    heartbeat.handle_slept(secs(2), soon - secs(1));
    assert_eq!(heartbeat.poll_timeout(), Some(soon));
}

/// The answer may have come while the host slept and be in the kernel's buffer.
#[test]
fn a_ping_that_was_unanswered_when_the_host_slept_gets_its_whole_grace() {
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
