//! Clocks that are wrong by years: this host's, in either direction, before, while and after events and their repeats.

use sha2::{Digest, Sha256};

use super::*;

const HOUR_MS: i64 = 60 * 60 * 1_000;
const DECADE_MS: i64 = 10 * 365 * 24 * HOUR_MS;

/// How far this host's clock is off: right, ten years ahead, ten years behind.
const OFF_BY_MS: [i64; 3] = [0, DECADE_MS, -DECADE_MS];

/// True time, when a story begins: in 2026.
const BEGIN_MS: i64 = 1_790_000_000_000;

/// Events of one group; runs are twice as long, so that a story writes several.
const GROUP: u32 = 20;

/// An event that says when it happened, received by a clock of its own.
fn numbered(number: u32, claimed_ms: Option<i64>, received_ms: i64) -> NewEvent {
    let digest = Sha256::digest(number.to_le_bytes());
    let mut event = event(number, 0);
    event.identity.event = EventKey(digest[..16].try_into().expect("a digest has 32 bytes"));
    event.created_ms = claimed_ms;
    event.received_ms = received_ms;
    event
}

/// Sends these events, a group at a time, and returns how many of them were new.
fn send(bench: &Bench, events: impl IntoIterator<Item = NewEvent>) -> usize {
    let events: Vec<NewEvent> = events.into_iter().collect();
    let mut new = 0;
    for group in events.chunks(GROUP as usize) {
        bench.submit(group.to_vec());
        let Heard::Recorded(receipts) = bench.hear() else {
            panic!("the store is well")
        };
        new += receipts
            .iter()
            .filter(|(_, outcome)| matches!(outcome, RecordOutcome::Recorded(_)))
            .count();
    }
    new
}

#[test]
fn no_clock_makes_a_repeat_new() {
    for first_off_ms in OFF_BY_MS {
        for then_off_ms in OFF_BY_MS {
            for last_off_ms in OFF_BY_MS {
                let what = format!("{first_off_ms}, {then_off_ms}, {last_off_ms}");
                let mut bench = Bench::with_runs_of(2 * GROUP as usize);
                bench.run();
                let then_ms = BEGIN_MS + HOUR_MS;
                let last_ms = BEGIN_MS + 7 * HOUR_MS;
                let first =
                    |received_ms| (0..100).map(move |n| numbered(n, Some(BEGIN_MS), received_ms));
                let new = send(&bench, first(BEGIN_MS + first_off_ms));
                assert_eq!(new, 100, "{what}");
                let others = (100..200).map(|n| numbered(n, Some(then_ms), then_ms + then_off_ms));
                assert_eq!(send(&bench, others), 100, "{what}");
                // As they came, and with the time of the repeat's own sending.
                let repeats = send(&bench, first(last_ms + last_off_ms));
                assert_eq!(repeats, 0, "{what}");
                let sent_later =
                    (0..100).map(|n| numbered(n, Some(last_ms), last_ms + last_off_ms));
                assert_eq!(send(&bench, sent_later), 0, "{what}");

                bench.restart_with_runs_of(2 * GROUP as usize);
                let repeats = send(&bench, first(last_ms - last_off_ms));
                assert_eq!(repeats, 0, "{what}, after a restart");
                assert_eq!(bench.store.reader().count_events().expect("readable"), 200);
            }
        }
    }
}

/// What the platform itself says may be nonsense; it says the same nonsense when it repeats an event.
#[test]
fn no_claim_makes_a_repeat_new() {
    let mut bench = Bench::with_runs_of(2 * GROUP as usize);
    bench.run();
    let claims = [None, Some(i64::MIN), Some(i64::MAX), Some(0), Some(-1)];
    let far_apart = (0..95).map(|year| Some(BEGIN_MS + year * DECADE_MS / 10));
    let claims: Vec<Option<i64>> = claims.into_iter().chain(far_apart).collect();
    let all = || {
        let numbered = |(n, claimed_ms): (u32, &Option<i64>)| numbered(n, *claimed_ms, BEGIN_MS);
        (0..).zip(&claims).map(numbered).collect::<Vec<_>>()
    };
    assert_eq!(send(&bench, all()), 100);
    let others = (100..200).map(|n| numbered(n, Some(BEGIN_MS), BEGIN_MS));
    assert_eq!(send(&bench, others), 100);
    assert_eq!(send(&bench, all()), 0);
    bench.restart_with_runs_of(2 * GROUP as usize);
    assert_eq!(send(&bench, all()), 0);
}
