//! The connect scheduler: rate, lanes, and the order within a lane.

use super::*;

const FRESH: AttemptPriority = AttemptPriority {
    stability: Stability::NotRecent,
    failures: 0,
};
const RECENT: AttemptPriority = AttemptPriority {
    stability: Stability::Recent,
    failures: 1,
};

fn failed(failures: u32) -> AttemptPriority {
    AttemptPriority {
        stability: Stability::NotRecent,
        failures,
    }
}

fn scheduler(per_second: u32, at_once: usize) -> ConnectScheduler<&'static str, u32> {
    ConnectScheduler::new(ConnectLimits {
        per_second,
        at_once,
    })
}

/// The bots that start now, one after the other.
fn given(scheduler: &mut ConnectScheduler<&'static str, u32>, now: Instant) -> Vec<u32> {
    std::iter::from_fn(|| match scheduler.poll(now) {
        NextAttempt::Start { bot, .. } => Some(bot),
        NextAttempt::At(_) | NextAttempt::Idle => None,
    })
    .collect()
}

#[test]
fn a_wave_becomes_a_queue() {
    let now = Instant::now();
    let mut scheduler = scheduler(50, 10_000);
    for bot in 0..1000 {
        scheduler.ask(bot, "a", FRESH);
    }
    for nth in 0..1000_u32 {
        let due = now + Duration::from_millis(20) * nth;
        assert_eq!(given(&mut scheduler, due), [nth]);
        let next = match nth {
            999 => NextAttempt::Idle,
            _ => NextAttempt::At(due + Duration::from_millis(20)),
        };
        assert_eq!(scheduler.poll(due), next);
    }
}

#[test]
fn a_late_timer_slows_nothing_down_and_idle_time_is_not_saved() {
    let ms = Duration::from_millis;
    let now = Instant::now();
    let mut scheduler = scheduler(1, 10_000);
    for bot in 0..10 {
        scheduler.ask(bot, "a", FRESH);
    }
    assert_eq!(given(&mut scheduler, now), [0]);
    assert_eq!(given(&mut scheduler, now + ms(1_003)), [1]);
    assert_eq!(
        scheduler.poll(now + ms(1_003)),
        NextAttempt::At(now + ms(2_000))
    );
    let morning = now + ms(8 * 3_600_000);
    assert_eq!(given(&mut scheduler, morning), [2]);
    assert_eq!(
        scheduler.poll(morning),
        NextAttempt::At(morning + ms(1_000))
    );
}

#[test]
fn without_a_rate_everybody_goes_at_once() {
    let mut scheduler = scheduler(0, 10_000);
    for bot in 0..5_000 {
        scheduler.ask(bot, "a", FRESH);
    }
    assert_eq!(given(&mut scheduler, Instant::now()).len(), 5_000);
}

#[test]
fn lanes_are_served_round_robin() {
    let mut scheduler = scheduler(0, 1_000);
    for bot in 0..6 {
        scheduler.ask(bot, "a", FRESH);
    }
    scheduler.ask(10, "b", failed(9));
    scheduler.ask(11, "b", failed(9));
    scheduler.ask(20, "c", FRESH);
    let order = given(&mut scheduler, Instant::now());
    assert_eq!(order, [0, 10, 20, 1, 11, 2, 3, 4, 5]);
}

#[test]
fn a_bot_that_was_live_goes_before_those_that_fail() {
    let now = Instant::now();
    let mut scheduler = scheduler(1, 1_000);
    scheduler.ask(0, "a", failed(10));
    scheduler.ask(1, "a", failed(2));
    scheduler.ask(2, "a", FRESH);
    scheduler.ask(3, "a", RECENT);
    let mut order = Vec::new();
    for second in 0..4 {
        order.extend(given(&mut scheduler, now + Duration::from_secs(second)));
    }
    assert_eq!(order, [3, 2, 1, 0]);
}

/// A lane that never runs dry of better bots.
#[test]
fn nobody_waits_for_ever() {
    let mut scheduler = scheduler(0, 1);
    scheduler.ask(0, "a", failed(1_000));
    let mut taken = Vec::new();
    for bot in 1..10 {
        scheduler.ask(bot, "a", RECENT);
        scheduler.ask(bot + 100, "a", RECENT);
        let NextAttempt::Start { bot, lane } = scheduler.poll(Instant::now()) else {
            panic!("somebody waits");
        };
        taken.push(bot);
        scheduler.finished(&lane);
    }
    assert_eq!(taken.iter().position(|bot| *bot == 0), Some(3), "{taken:?}");
}

#[test]
fn a_lane_has_no_more_under_way_than_it_leaves_free() {
    let now = Instant::now();
    let mut scheduler = scheduler(0, 12);
    let mut next = 0;
    let mut under_way = |scheduler: &mut ConnectScheduler<_, _>, lane| {
        for _ in 0..100 {
            next += 1;
            scheduler.ask(next, lane, FRESH);
        }
        given(scheduler, now).len()
    };
    assert_eq!(under_way(&mut scheduler, "a"), 6, "half of all");
    assert_eq!(under_way(&mut scheduler, "b"), 3, "half of the rest");
    assert_eq!(under_way(&mut scheduler, "c"), 2);
    assert_eq!(under_way(&mut scheduler, "d"), 1);
    assert_eq!(scheduler.under_way(), 12);
    // What becomes free goes to those with little.
    scheduler.finished(&"a");
    scheduler.finished(&"a");
    assert_eq!(given(&mut scheduler, now).len(), 1, "d has two now");
    assert_eq!(scheduler.under_way(), 11);
}

#[test]
fn asking_again_keeps_the_place_and_takes_no_second_one() {
    let mut scheduler = scheduler(0, 1_000);
    for bot in [1, 2, 1] {
        scheduler.ask(bot, "a", FRESH);
    }
    assert_eq!(scheduler.waiting(), 2);
    assert_eq!(given(&mut scheduler, Instant::now()), [1, 2]);
}

#[test]
fn whoever_moves_or_goes_leaves_nothing_behind() {
    let mut scheduler = scheduler(0, 1_000);
    scheduler.ask(1, "a", FRESH);
    scheduler.ask(2, "a", FRESH);
    scheduler.change_lane(1, "b");
    scheduler.change_lane(3, "c");
    scheduler.withdraw(2);
    assert_eq!((scheduler.waiting(), scheduler.lanes.len()), (1, 1));
    let given = scheduler.poll(Instant::now());
    assert_eq!(given, NextAttempt::Start { bot: 1, lane: "b" });
    scheduler.ask(4, "b", FRESH);
    scheduler.clear();
    assert_eq!(scheduler.poll(Instant::now()), NextAttempt::Idle);
    assert_eq!((scheduler.waiting(), scheduler.under_way()), (0, 1));
    scheduler.finished(&"b");
    scheduler.finished(&"b");
    assert_eq!((scheduler.under_way(), scheduler.lanes.len()), (0, 0));
}

#[test]
fn another_rate_holds_from_the_next_attempt_on() {
    let now = Instant::now();
    let mut scheduler = scheduler(1, 10_000);
    for bot in 0..8 {
        scheduler.ask(bot, "a", FRESH);
    }
    assert_eq!(given(&mut scheduler, now), [0]);
    scheduler.set_rate(100);
    assert_eq!(given(&mut scheduler, now), [1]);
    let next = now + Duration::from_millis(10);
    assert_eq!(scheduler.poll(now), NextAttempt::At(next));
    assert_eq!(given(&mut scheduler, next), [2]);
    scheduler.set_rate(0);
    assert_eq!(given(&mut scheduler, next), [3, 4, 5, 6, 7]);
}
