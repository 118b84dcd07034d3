//! A heartbeat under any order of inputs.

use proptest::prelude::*;

use super::*;

proptest! {
    /// P1: a silent platform is found within interval + grace, at any time.
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
        // Frames up to the death: events at their own times, and an answer to every earlier ping.
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

    /// Any order of inputs: `Silent` comes at most once and last, pings are at least a second apart, and a timer runs until
    /// the end.
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
