//! A connection of so many events a second each way, in virtual milliseconds: the platform pushes at a rate, the store
//! records at another, and 64 are in hand at most.

use super::*;
use std::collections::VecDeque;

const WINDOW: usize = 64;
/// What the platform's clock is ahead of ours.
const AHEAD_MS: i64 = 40_000;

/// What became of the events of a run.
#[derive(Debug, Default)]
struct Run {
    acked: usize,
    refused: usize,
    /// From push to ACK, in milliseconds, in the order of the ACKs.
    waited_ms: Vec<u64>,
    /// From push to refusal.
    refused_after_ms: Vec<u64>,
}

impl Run {
    fn slowest(&self) -> u64 {
        self.waited_ms.iter().copied().max().unwrap_or(0)
    }
}

/// The platform, its buffers and the store, over `ms` milliseconds. `push` says how many events come at an instant
/// when so many are unanswered; `record` how many the store takes.
fn run(
    ms: u64,
    timed: bool,
    mut push: impl FnMut(u64, usize) -> usize,
    mut record: impl FnMut(u64) -> usize,
) -> Run {
    let start = Instant::now();
    let mut backlog = Backlog::default();
    let (mut unread, mut held) = (VecDeque::new(), VecDeque::new());
    let mut run = Run::default();
    for tick in 0..ms {
        let now = start + Duration::from_millis(tick);
        let fresh = push(tick, unread.len() + held.len());
        unread.extend(std::iter::repeat_n(tick, fresh));
        for _ in 0..record(tick).min(held.len()) {
            if let Some(pushed) = held.pop_front() {
                run.acked += 1;
                run.waited_ms.push(tick - pushed);
            }
        }
        backlog.handle_timeout(now);
        loop {
            let room = held.len() < WINDOW;
            if !room && !backlog.is_shedding() {
                backlog.handle_held_back(now);
                break;
            }
            let Some(pushed) = unread.pop_front() else {
                backlog.handle_empty(now);
                break;
            };
            if room {
                let happened_ms = i64::try_from(pushed).expect("a short run") + AHEAD_MS;
                if timed {
                    backlog.handle_event(happened_ms, i64::try_from(tick).expect("a short run"));
                }
                held.push_back(pushed);
            } else {
                backlog.handle_refused(now);
                run.refused += 1;
                run.refused_after_ms.push(tick - pushed);
            }
        }
    }
    run
}

#[test]
fn at_twice_the_rate_half_is_acknowledged_in_time_and_the_rest_refused_early() {
    for timed in [true, false] {
        let run = run(60_000, timed, |_, _| 20, |_| 10);
        assert!(run.acked >= 599_000, "the store idled: {}", run.acked);
        assert!(run.refused > 580_000, "{}", run.refused);
        assert!(run.slowest() < 2_000, "{} ms", run.slowest());
        let settled = &run.waited_ms[run.acked / 2..];
        let slowest = settled.iter().max();
        assert!(
            slowest < Some(&600),
            "{slowest:?} ms under a load that stays"
        );
        let refused = run.refused_after_ms.iter().max();
        assert!(refused < Some(&2_500), "{refused:?} ms");
    }
}

#[test]
fn a_burst_of_a_second_is_waited_for() {
    for timed in [true, false] {
        let burst = |tick, _| if tick == 0 { 9_000 } else { 0 };
        let run = run(5_000, timed, burst, |_| 10);
        assert_eq!((run.acked, run.refused), (9_000, 0));
    }
}

#[test]
fn a_platform_that_pushes_as_fast_as_it_is_answered_is_not_refused() {
    // Never empty, and never late.
    let closed = |_, open: usize| 1_000 - open.min(1_000);
    let more_than_fit = run(60_000, true, closed, |_| 10);
    assert_eq!(more_than_fit.refused, 0);
    assert!(more_than_fit.acked >= 599_000);
    // With as many as fit nothing is ever left unread for long, also where no event says its time.
    let closed = |_, open: usize| WINDOW - open.min(WINDOW);
    let as_many_as_fit = run(60_000, false, closed, |_| 10);
    assert_eq!(as_many_as_fit.refused, 0);
}

#[test]
fn a_store_that_stands_still_makes_refusals_and_the_end_of_it_ends_them() {
    let stands = |tick| {
        if (5_000..35_000).contains(&tick) {
            0
        } else {
            10
        }
    };
    let pushes = |tick, _| if tick < 59_000 { 5 } else { 0 };
    let run = run(60_000, true, pushes, stands);
    assert_eq!(run.acked + run.refused, 59_000 * 5, "nothing is left");
    // All of the thirty seconds but the patience of the first.
    assert!(
        (140_000..=150_100).contains(&run.refused),
        "{}",
        run.refused
    );
    let late = run.refused_after_ms.iter().max();
    assert!(late <= Some(&1_000), "{late:?} ms");
}

#[test]
fn patience_comes_back() {
    let start = Instant::now();
    let mut backlog = Backlog::default();
    backlog.handle_held_back(start);
    assert_eq!(backlog.poll_timeout(start), Some(start + BURST));
    let over = start + BURST;
    backlog.handle_timeout(over);
    assert!(backlog.is_shedding());
    assert_eq!(backlog.unread_for(over), BURST);
    backlog.handle_refused(over);
    assert!(backlog.is_overloaded(over));

    backlog.handle_empty(over);
    assert!(backlog.is_shedding(), "more may be on its way");
    assert_eq!(backlog.poll_timeout(over), Some(over + AFTERFLOW));
    backlog.handle_empty(over + AFTERFLOW);
    assert!(!backlog.is_shedding());
    assert_eq!(backlog.unread_for(over + AFTERFLOW), Duration::ZERO);

    let again = over + Duration::from_secs(1);
    backlog.handle_held_back(again);
    assert_eq!(backlog.poll_timeout(again), Some(again + STANDING));
    backlog.handle_empty(again);
    let later = over + RECOVERY;
    assert!(!backlog.is_overloaded(later));
    backlog.handle_held_back(later);
    assert_eq!(backlog.poll_timeout(later), Some(later + BURST));
}

#[test]
fn repeats_and_strange_clocks_decide_nothing_alone() {
    let start = Instant::now();
    let second = |n| start + Duration::from_secs(n);
    let mut backlog = Backlog::default();
    backlog.handle_event(1_000_000, 1_000_050);
    backlog.handle_held_back(start);
    // A repeat of an hour ago, and beside it one that is on time.
    backlog.handle_event(1_000_000 - 3_600_000, 1_000_060);
    backlog.handle_event(1_000_010, 1_000_070);
    backlog.handle_timeout(second(1));
    assert!(!backlog.is_shedding());
    assert_eq!(backlog.unread_for(second(1)), Duration::ZERO);
    // Only late ones.
    backlog.handle_event(1_000_000, 1_001_050);
    assert!(backlog.unread_for(second(2)) <= BURST);
    backlog.handle_timeout(second(2));
    assert!(backlog.is_shedding());

    // Times that nobody can mean.
    let mut backlog = Backlog::default();
    backlog.handle_event(i64::MIN, i64::MAX);
    backlog.handle_event(i64::MAX, i64::MIN);
    backlog.handle_held_back(start);
    backlog.handle_event(0, 0);
    backlog.handle_timeout(second(1));
    assert!(backlog.is_shedding(), "the bound alone decides");
    assert!(backlog.unread_for(second(1)) <= BURST);
}
