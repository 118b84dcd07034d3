//! Turns to connect: rate, lanes, order within a lane, and properties over any order of inputs.

use super::*;

const FRESH: Standing = Standing {
    life: Life::NotRecent,
    failures: 0,
};
const RECENT: Standing = Standing {
    life: Life::Recent,
    failures: 1,
};

fn failed(failures: u32) -> Standing {
    Standing {
        life: Life::NotRecent,
        failures,
    }
}

fn turns(per_second: u32, at_once: usize) -> Turns<&'static str, u32> {
    Turns::new(TurnLimits {
        per_second,
        at_once,
    })
}

/// Who gets a turn now, one after the other.
fn given(turns: &mut Turns<&'static str, u32>, now: Instant) -> Vec<u32> {
    std::iter::from_fn(|| match turns.poll(now) {
        NextTurn::Given { bot, .. } => Some(bot),
        NextTurn::At(_) | NextTurn::Nobody => None,
    })
    .collect()
}

#[test]
fn a_wave_becomes_a_queue() {
    let now = Instant::now();
    let mut turns = turns(50, 10_000);
    for bot in 0..1000 {
        turns.ask(bot, "a", FRESH);
    }
    for nth in 0..1000_u32 {
        let due = now + Duration::from_millis(20) * nth;
        assert_eq!(given(&mut turns, due), [nth]);
        let next = match nth {
            999 => NextTurn::Nobody,
            _ => NextTurn::At(due + Duration::from_millis(20)),
        };
        assert_eq!(turns.poll(due), next);
    }
}

#[test]
fn a_late_timer_slows_nothing_down_and_idle_time_is_not_saved() {
    let ms = Duration::from_millis;
    let now = Instant::now();
    let mut turns = turns(1, 10_000);
    for bot in 0..10 {
        turns.ask(bot, "a", FRESH);
    }
    assert_eq!(given(&mut turns, now), [0]);
    assert_eq!(given(&mut turns, now + ms(1_003)), [1]);
    assert_eq!(turns.poll(now + ms(1_003)), NextTurn::At(now + ms(2_000)));
    let morning = now + ms(8 * 3_600_000);
    assert_eq!(given(&mut turns, morning), [2]);
    assert_eq!(turns.poll(morning), NextTurn::At(morning + ms(1_000)));
}

#[test]
fn without_a_rate_everybody_goes_at_once() {
    let mut turns = turns(0, 10_000);
    for bot in 0..5_000 {
        turns.ask(bot, "a", FRESH);
    }
    assert_eq!(given(&mut turns, Instant::now()).len(), 5_000);
}

#[test]
fn lanes_take_turns() {
    let mut turns = turns(0, 1_000);
    for bot in 0..6 {
        turns.ask(bot, "a", FRESH);
    }
    turns.ask(10, "b", failed(9));
    turns.ask(11, "b", failed(9));
    turns.ask(20, "c", FRESH);
    let order = given(&mut turns, Instant::now());
    assert_eq!(order, [0, 10, 20, 1, 11, 2, 3, 4, 5]);
}

#[test]
fn a_bot_that_was_live_goes_before_those_that_fail() {
    let now = Instant::now();
    let mut turns = turns(1, 1_000);
    turns.ask(0, "a", failed(10));
    turns.ask(1, "a", failed(2));
    turns.ask(2, "a", FRESH);
    turns.ask(3, "a", RECENT);
    let mut order = Vec::new();
    for second in 0..4 {
        order.extend(given(&mut turns, now + Duration::from_secs(second)));
    }
    assert_eq!(order, [3, 2, 1, 0]);
}

/// A lane that never runs dry of better bots.
#[test]
fn nobody_waits_for_ever() {
    let mut turns = turns(0, 1);
    turns.ask(0, "a", failed(1_000));
    let mut taken = Vec::new();
    for bot in 1..10 {
        turns.ask(bot, "a", RECENT);
        turns.ask(bot + 100, "a", RECENT);
        let NextTurn::Given { bot, lane } = turns.poll(Instant::now()) else {
            panic!("somebody waits");
        };
        taken.push(bot);
        turns.finished(&lane);
    }
    assert_eq!(taken.iter().position(|bot| *bot == 0), Some(3), "{taken:?}");
}

#[test]
fn a_lane_has_no_more_under_way_than_it_leaves_free() {
    let now = Instant::now();
    let mut turns = turns(0, 12);
    let mut next = 0;
    let mut under_way = |turns: &mut Turns<_, _>, lane| {
        for _ in 0..100 {
            next += 1;
            turns.ask(next, lane, FRESH);
        }
        given(turns, now).len()
    };
    assert_eq!(under_way(&mut turns, "a"), 6, "half of all");
    assert_eq!(under_way(&mut turns, "b"), 3, "half of the rest");
    assert_eq!(under_way(&mut turns, "c"), 2);
    assert_eq!(under_way(&mut turns, "d"), 1);
    assert_eq!(turns.under_way(), 12);
    // What becomes free goes to those with little.
    turns.finished(&"a");
    turns.finished(&"a");
    assert_eq!(given(&mut turns, now).len(), 1, "d has two now");
    assert_eq!(turns.under_way(), 11);
}

#[test]
fn asking_again_keeps_the_place_and_takes_no_second_one() {
    let mut turns = turns(0, 1_000);
    for bot in [1, 2, 1] {
        turns.ask(bot, "a", FRESH);
    }
    assert_eq!(turns.waiting(), 2);
    assert_eq!(given(&mut turns, Instant::now()), [1, 2]);
}

#[test]
fn whoever_moves_or_goes_leaves_nothing_behind() {
    let mut turns = turns(0, 1_000);
    turns.ask(1, "a", FRESH);
    turns.ask(2, "a", FRESH);
    turns.change_lane(1, "b");
    turns.change_lane(3, "c");
    turns.withdraw(2);
    assert_eq!((turns.waiting(), turns.lanes.len()), (1, 1));
    let given = turns.poll(Instant::now());
    assert_eq!(given, NextTurn::Given { bot: 1, lane: "b" });
    turns.ask(4, "b", FRESH);
    turns.clear();
    assert_eq!(turns.poll(Instant::now()), NextTurn::Nobody);
    assert_eq!((turns.waiting(), turns.under_way()), (0, 1));
    turns.finished(&"b");
    turns.finished(&"b");
    assert_eq!((turns.under_way(), turns.lanes.len()), (0, 0));
}
