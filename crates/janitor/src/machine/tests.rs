//! The machine with a log made up: whatever comes, only what is beyond a bound goes, and all of that goes.

use longwire_store::{
    ConsumerFloor, InstallationRetention, KeepRule, ListedInstallation, NumberGap, PayloadPolicy,
    RetentionState,
};
use proptest::prelude::*;

use super::*;
use crate::policy::ConsumersBehind;

/// Bytes of an event in the made-up log.
const EVENT_BYTES: u64 = 1_000;
const HOUR_MS: i64 = 60 * 60 * 1_000;

/// A log whose event number `n` was received in hour `n`.
#[derive(Clone, Debug)]
struct World {
    newest: i64,
    gone: i64,
    floors: Vec<i64>,
    /// Numbers that no event has.
    gaps: Vec<NumberGap>,
    now: Moment,
    /// The steps that were carried out.
    steps: Vec<RetentionStep>,
}

impl World {
    fn new(newest: i64, floors: Vec<i64>) -> Self {
        Self {
            newest,
            gone: 0,
            floors,
            gaps: Vec::new(),
            now: Moment {
                instant: Instant::now(),
                unix_ms: newest * HOUR_MS,
            },
            steps: Vec::new(),
        }
    }

    fn look(&self, policy: &RetentionPolicy) -> Look {
        let received = |seq: i64| (seq <= self.newest).then_some(seq * HOUR_MS);
        let consumers = self
            .floors
            .iter()
            .zip(1..)
            .map(|(floor, id)| ConsumerFloor {
                id: ConsumerId(id),
                name: format!("consumer-{id}"),
                space: "default".to_owned(),
                floor: *floor,
                next_ms: received(floor.max(&self.gone) + 1),
            });
        let aged_through = policy.keep.age_ms.map(|age| {
            let before = self.now.unix_ms - age;
            ((before - 1) / HOUR_MS).clamp(0, self.newest)
        });
        Look {
            aged_through,
            newest_ms: received(self.newest),
            state: RetentionState {
                gaps: self.gaps.clone(),
                gone_through: self.gone,
                deleted_through: self.gone.min(self.newest - 1),
                repeats_through: self.newest,
                oldest: received(self.gone + 1).map(|at| (self.gone + 1, at)),
                newest: self.newest,
                used_bytes: (self.newest - self.gone).unsigned_abs() * EVENT_BYTES,
                page_bytes: 4_096,
                gives_back: true,
                consumers: consumers.collect(),
                ..RetentionState::default()
            },
            ..Look::default()
        }
    }

    fn used_bytes(&self) -> u64 {
        (self.newest - self.gone).unsigned_abs() * EVENT_BYTES
    }

    /// Lets the machine work for so long, as its clock tells. Returns what it told.
    fn run(&mut self, machine: &mut Retention, time: Duration) -> Vec<News> {
        let policy = machine.policy;
        let until = self.now.instant + time;
        let mut news = Vec::new();
        while self.now.instant < until {
            match machine.poll(self.now) {
                Action::Look => machine.handle_look(self.look(&policy), self.now),
                Action::Find { .. } => machine.handle_found(Vec::new(), self.now),
                Action::Step(step) => {
                    let done = self.carry_out(&step, &policy);
                    self.steps.push(step);
                    machine.handle_done(done, self.now);
                }
                Action::Rest { until } => {
                    let rest = until.saturating_duration_since(self.now.instant);
                    self.now = self.now.after(rest.max(Duration::from_millis(1)));
                }
            }
            while let Some(one) = machine.poll_news() {
                news.push(one);
            }
        }
        news
    }

    fn carry_out(&mut self, step: &RetentionStep, policy: &RetentionPolicy) -> StepDone {
        let mut done = StepDone {
            took_us: 1_000,
            ..StepDone::default()
        };
        if let RetentionStep::Expire { through } = step {
            self.check(through.0, policy);
            done.changed = (through.0 - self.gone).unsigned_abs();
            self.gone = through.0;
        }
        done.gone_through = self.gone;
        done
    }

    /// Each event that goes is beyond a bound, and no consumer lacks it unless it may be passed.
    fn check(&self, through: i64, policy: &RetentionPolicy) {
        assert!(through > self.gone && through <= self.newest);
        let keep = &policy.keep;
        let age_ms = self.now.unix_ms - through * HOUR_MS;
        let is_aged = keep.age_ms.is_some_and(|most| age_ms > most);
        let newer = (self.newest - through).unsigned_abs();
        let is_counted_out = keep.events.is_some_and(|most| newer >= most);
        let is_oversized = keep.bytes.is_some_and(|most| self.used_bytes() > most);
        assert!(is_aged || is_counted_out || is_oversized, "{through}");
        let least = self.floors.iter().min().copied().unwrap_or(i64::MAX);
        if policy.consumers == ConsumersBehind::Wait && !is_oversized {
            assert!(through <= least.max(self.gone), "{through} of {least}");
        }
    }
}

fn policy(keep: KeepRule, consumers: ConsumersBehind) -> RetentionPolicy {
    RetentionPolicy {
        keep,
        consumers,
        ..RetentionPolicy::default()
    }
}

fn machine(policy: RetentionPolicy, world: &World) -> Retention {
    Retention::new(policy, world.now)
}

const DAYS: Duration = Duration::from_secs(2 * 24 * 60 * 60);

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn what_is_beyond_a_bound_goes_and_nothing_else(
        newest in 1_i64..3_000,
        hours in proptest::option::of(1_i64..2_000),
        events in proptest::option::of(1_u64..3_000),
        kilobytes in proptest::option::of(1_u64..3_000),
        floors in proptest::collection::vec(0_i64..3_000, 0..4),
        waits in any::<bool>(),
    ) {
        let keep = KeepRule {
            age_ms: hours.map(|hours| hours * HOUR_MS),
            events,
            bytes: kilobytes.map(|kb| kb * EVENT_BYTES),
        };
        let consumers = if waits { ConsumersBehind::Wait } else { ConsumersBehind::Pass };
        let floors: Vec<i64> = floors.into_iter().map(|floor| floor.min(newest)).collect();
        let mut world = World::new(newest, floors);
        let policy = policy(keep, consumers);
        let mut machine = machine(policy, &world);
        let news = world.run(&mut machine, DAYS);
        // All of what is beyond the bounds is gone, but for what waits.
        let counted = events.map_or(0, |most| newest - most.cast_signed());
        let aged = hours.map_or(0, |hours| (world.now.unix_ms / HOUR_MS - hours - 1).min(newest));
        let sized = kilobytes.map_or(0, |kb| newest - kb.cast_signed());
        let least = world.floors.iter().min().copied().unwrap_or(i64::MAX);
        let gentle = match consumers {
            ConsumersBehind::Wait => counted.max(aged).min(least),
            ConsumersBehind::Pass => counted.max(aged),
        };
        prop_assert!(world.gone >= gentle.max(sized).clamp(0, newest), "{} {gentle} {sized}", world.gone);
        // No event went past a consumer without a word.
        for (floor, id) in world.floors.iter().zip(1..) {
            let passed: u64 = news.iter().map(|one| match one {
                News::Passed { consumer, events } if *consumer == ConsumerId(id) => *events,
                _ => 0,
            }).sum();
            prop_assert_eq!(passed, (world.gone - floor).max(0).unsigned_abs());
        }
    }
}

#[test]
fn a_consumer_is_told_of_before_its_events_go() {
    let mut world = World::new(1_000, vec![900, 0]);
    let keep = KeepRule {
        events: Some(1_200),
        ..KeepRule::default()
    };
    let mut machine = machine(policy(keep, ConsumersBehind::Pass), &world);
    let news = world.run(&mut machine, Duration::from_secs(60));
    let [News::AtRisk(risk)] = &news[..] else {
        panic!("{news:?}");
    };
    assert_eq!((risk.consumer, risk.percent), (ConsumerId(2), 83));
    assert_eq!((risk.bound, risk.lag_events), ("events", 1_000));
    assert_eq!(world.gone, 0);
    world.floors[1] = 800;
    let news = world.run(&mut machine, Duration::from_secs(60));
    let consumer = ConsumerId(2);
    assert_eq!(news, [News::OutOfRisk { consumer }]);
    assert_eq!(machine.risks().count(), 0);
}

#[test]
fn numbers_that_a_restored_log_leaves_out_are_no_events() {
    // 1,000 events, a gap of as many numbers as a restore leaves out, and 10 events behind it.
    let gap = NumberGap {
        after: 1_000,
        through: 1_000 + (1 << 32),
    };
    let mut world = World::new(gap.through + 10, vec![]);
    world.gaps = vec![gap];
    let keep = KeepRule {
        events: Some(100),
        ..KeepRule::default()
    };
    let mut machine = machine(policy(keep, ConsumersBehind::Wait), &world);
    world.run(&mut machine, Duration::from_secs(60));
    assert_eq!(world.gone, 910, "the newest hundred stay");
    // Once all before the gap may go, one step leads across it.
    world.newest = gap.through + 150;
    world.run(&mut machine, Duration::from_secs(60));
    assert_eq!(world.gone, gap.through + 50);
    assert!(world.steps.len() < 1_000, "{}", world.steps.len());
}

#[test]
fn who_keeps_events_from_going_is_named() {
    let mut world = World::new(1_000, vec![1_000, 300]);
    let keep = KeepRule {
        events: Some(100),
        ..KeepRule::default()
    };
    let mut machine = machine(policy(keep, ConsumersBehind::Wait), &world);
    world.run(&mut machine, Duration::from_secs(60));
    assert_eq!(world.gone, 300);
    let [hold] = machine.holds() else {
        panic!("{:?}", machine.holds());
    };
    assert_eq!((hold.name.as_str(), hold.events), ("consumer-2", 600));
    world.floors[1] = 950;
    world.run(&mut machine, Duration::from_secs(60));
    assert_eq!((world.gone, machine.holds().len()), (900, 0));
}

#[test]
fn a_clock_that_jumps_takes_nothing() {
    let mut world = World::new(1_000, vec![]);
    let keep = KeepRule {
        age_ms: Some(2_000 * HOUR_MS),
        ..KeepRule::default()
    };
    let mut machine = machine(policy(keep, ConsumersBehind::Wait), &world);
    assert_eq!(world.run(&mut machine, Duration::from_secs(60)), []);
    world.now.unix_ms += 5_000 * HOUR_MS;
    let news = world.run(&mut machine, Duration::from_secs(60));
    assert!(matches!(&news[..], [News::ClockHeld { .. }]), "{news:?}");
    assert!(machine.is_clock_held(world.now));
    world.run(&mut machine, HELD_AFTER_JUMP / 2);
    assert_eq!(world.gone, 0);
    // Whoever leaves it so for a day means it.
    world.run(&mut machine, HELD_AFTER_JUMP);
    assert_eq!(world.gone, 1_000);
}

#[test]
fn at_a_start_long_after_the_newest_event_the_bound_of_age_waits() {
    let mut world = World::new(1_000, vec![]);
    world.now.unix_ms += 5_000 * HOUR_MS;
    let keep = KeepRule {
        age_ms: Some(2_000 * HOUR_MS),
        ..KeepRule::default()
    };
    let mut machine = machine(policy(keep, ConsumersBehind::Wait), &world);
    world.run(&mut machine, HELD_AT_START / 2);
    assert_eq!(world.gone, 0);
    world.run(&mut machine, HELD_AT_START);
    assert_eq!(world.gone, 1_000);
}

#[test]
fn at_a_calm_pace_fewer_than_one_event_in_a_hundred_meets_a_step() {
    let mut world = World::new(3_000, vec![]);
    let keep = KeepRule {
        events: Some(10),
        ..KeepRule::default()
    };
    let mut machine = machine(policy(keep, ConsumersBehind::Wait), &world);
    let begun = world.now.instant;
    world.run(&mut machine, Duration::from_secs(5));
    let busy = Duration::from_millis(1) * u32::try_from(world.steps.len()).expect("few");
    assert!(!world.steps.is_empty());
    let passed = world.now.instant - begun;
    assert!(
        busy * 99 <= passed + Duration::from_secs(1),
        "{busy:?} of {passed:?}"
    );
}

/// Events of a bot with rules of its own wait for consumers, and are hashed when all have them.
#[test]
fn one_bot_has_rules_of_its_own() {
    let mut world = World::new(100, vec![40]);
    let policy = policy(KeepRule::default(), ConsumersBehind::Wait);
    let mut machine = machine(policy, &world);
    let installation = InstallationId(7);
    let listed = ListedInstallation {
        installation,
        rules: InstallationRetention {
            keep: KeepRule {
                events: Some(5),
                ..KeepRule::default()
            },
            payload: PayloadPolicy::Hash,
        },
        listed_through: Seq(60),
        hashed_through: Seq(0),
        events: 20,
        bytes: 20_000,
        oldest: Some((Seq(3), 3 * HOUR_MS)),
    };
    let mut look = world.look(&policy);
    look.state.listed = vec![listed];
    assert_eq!(machine.poll(world.now), Action::Look);
    machine.handle_look(look, world.now);
    let mut steps = Vec::new();
    let mut finds = Vec::new();
    for _ in 0..50 {
        match machine.poll(world.now) {
            Action::Step(step) => {
                steps.push(step);
                let done = StepDone::default();
                machine.handle_done(done, world.now);
            }
            Action::Find { after, through, .. } => {
                finds.push((after, through));
                machine.handle_found(Vec::new(), world.now);
            }
            Action::Look => break,
            Action::Rest { until } => {
                let rest = until.saturating_duration_since(world.now.instant);
                world.now = world.now.after(rest);
            }
        }
    }
    assert_eq!(finds, [(Seq(60), Seq(100))]);
    let expire = RetentionStep::ExpireOf {
        installation,
        through: Seq(40),
        read_through: Seq(40),
        events: 15,
    };
    assert!(steps.contains(&expire), "{steps:?}");
    let hashes = |step: &RetentionStep| matches!(step, RetentionStep::Hash { through, .. } if *through == Seq(40));
    assert!(steps.iter().any(hashes), "{steps:?}");
}
