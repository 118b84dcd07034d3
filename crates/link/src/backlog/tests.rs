//! A connection of so many events a second each way, in virtual milliseconds: the platform pushes at a rate, the store
//! records at another, and 64 are in hand at most.

use super::*;
use proptest::prelude::*;
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
                    let read_ms = i64::try_from(tick).expect("a short run");
                    backlog.handle_event(happened_ms, read_ms, now);
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
    backlog.handle_event(1_000_000, 1_000_050, start);
    backlog.handle_held_back(start);
    // A repeat of an hour ago, and beside it one that is on time.
    backlog.handle_event(1_000_000 - 3_600_000, 1_000_060, start);
    backlog.handle_event(1_000_010, 1_000_070, start);
    backlog.handle_timeout(second(1));
    assert!(!backlog.is_shedding());
    assert_eq!(backlog.unread_for(second(1)), Duration::ZERO);
    // Only late ones.
    backlog.handle_event(1_000_000, 1_001_050, second(1));
    assert!(backlog.unread_for(second(2)) <= BURST);
    backlog.handle_timeout(second(2));
    assert!(backlog.is_shedding());
    // Our clock is set an hour ahead meanwhile: there is time left to record what is read.
    backlog.handle_event(1_002_000, 1_002_050 + 3_600_000, second(2));
    assert!(backlog.unread_for(second(2)) <= BURST);

    // The same before it sheds, and an event from the future: it may refuse too early, but not everything.
    for (happened_ms, read_ms) in [(1_000_000, 1_000_050), (1_000_000 + 3_600_000, 1_000_050)] {
        let mut backlog = Backlog::default();
        backlog.handle_event(happened_ms, read_ms, start);
        backlog.handle_held_back(start);
        backlog.handle_event(1_000_000, 1_000_050 + 3_600_000, start);
        backlog.handle_timeout(second(1));
        assert!(backlog.is_shedding());
        assert!(backlog.unread_for(second(1)) <= BURST);
        backlog.handle_event(1_000_100, 1_000_150 + 3_600_000, second(1));
        assert!(backlog.unread_for(second(1)) <= BURST);
    }

    // Times that nobody can mean.
    let mut backlog = Backlog::default();
    backlog.handle_event(i64::MIN, i64::MAX, start);
    backlog.handle_event(i64::MAX, i64::MIN, start);
    backlog.handle_held_back(start);
    backlog.handle_event(0, 0, start);
    backlog.handle_timeout(second(1));
    assert!(backlog.is_shedding(), "the bound alone decides");
    assert!(backlog.unread_for(second(1)) <= BURST);
}

#[test]
fn what_was_usual_is_forgotten() {
    let start = Instant::now();
    let mut backlog = Backlog::default();
    let behind_and_on_time = |backlog: &mut Backlog, at: Instant, lies_back_ms| {
        backlog.handle_held_back(at);
        backlog.handle_event(0, lies_back_ms, at);
        backlog.handle_timeout(at + BURST);
        let is_late = backlog.is_shedding();
        backlog.handle_empty(at + BURST);
        backlog.handle_empty(at + BURST + AFTERFLOW);
        !is_late
    };
    // A day of clocks that run apart by 50 ppm: 4.3 s.
    let mut at = start;
    let mut apart_ms = 0;
    for minute in 0..24 * 60 {
        at = start + Duration::from_secs(60 * minute);
        apart_ms = i64::try_from(3 * minute).expect("a short day");
        backlog.handle_event(0, apart_ms, at);
        assert!(
            behind_and_on_time(&mut backlog, at, apart_ms),
            "after {minute} minutes"
        );
    }
    // A step is forgotten after two periods of events that are read in time.
    let stepped_ms = apart_ms + 3_600_000;
    assert!(!behind_and_on_time(&mut backlog, at + BURST, stepped_ms));
    for periods in 1..=2 {
        backlog.handle_event(0, stepped_ms, at + 2 * BURST + USUAL * periods);
    }
    let later = at + 3 * BURST + USUAL * 2;
    assert!(behind_and_on_time(&mut backlog, later, stepped_ms));
}

#[test]
fn a_delay_that_lasts_does_not_become_usual() {
    let start = Instant::now();
    let mut backlog = Backlog::default();
    backlog.handle_event(0, 0, start);
    backlog.handle_held_back(start);
    // Never empty for hours, and at first as late as is tolerated.
    for second in 1..3 * 60 * 60 {
        let now = start + Duration::from_secs(second);
        backlog.handle_event(0, 400, now);
        backlog.handle_timeout(now);
        assert!(!backlog.is_shedding());
    }
    let end = start + Duration::from_secs(3 * 60 * 60);
    backlog.handle_event(0, 800, end);
    backlog.handle_timeout(end + BURST);
    assert!(backlog.is_shedding());
}

/// How a turn of the pump ends, if not with the connection.
#[derive(Debug, Clone, Copy)]
enum End {
    Empty,
    NoRoom,
    AnswersNotTaken,
}

proptest! {
    #[test]
    fn after_a_turn_nothing_is_due_in_the_past(
        turns in proptest::collection::vec((
            0_u64..1_500,
            proptest::option::of(-2_000_i64..2_000),
            any::<bool>(),
            prop_oneof![Just(End::Empty), Just(End::NoRoom), Just(End::AnswersNotTaken)],
        ), 1..200),
    ) {
        let mut now = Instant::now();
        let mut backlog = Backlog::default();
        for (pause_ms, lies_back_ms, refuses, end) in turns {
            now += Duration::from_millis(pause_ms);
            backlog.handle_timeout(now);
            if let Some(lies_back_ms) = lies_back_ms {
                backlog.handle_event(0, lies_back_ms, now);
            }
            if refuses && backlog.is_shedding() {
                backlog.handle_refused(now);
            }
            match end {
                End::Empty => backlog.handle_empty(now),
                End::NoRoom => backlog.handle_held_back(now),
                End::AnswersNotTaken => backlog.handle_unread(),
            }
            let due = backlog.poll_timeout(now);
            prop_assert!(due.is_none_or(|due| due > now), "{backlog:?}");
            prop_assert!(backlog.unread_for(now) <= BURST);
        }
    }
}
