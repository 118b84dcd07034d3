//! The connect scheduler under any order of inputs.

use super::lane::OLDEST_EVERY;
use super::*;
use proptest::prelude::*;

#[derive(Clone, Debug)]
enum Input {
    Ask(u8, u8, AttemptPriority),
    ChangeLane(u8, u8),
    Withdraw(u8),
    /// The oldest attempt of a lane is over.
    Finished(u8),
    Pass(u64),
}

fn priority() -> impl Strategy<Value = AttemptPriority> {
    let stability = prop_oneof![Just(Stability::Recent), Just(Stability::NotRecent)];
    (stability, 0_u32..20).prop_map(|(stability, failures)| AttemptPriority {
        stability,
        failures,
    })
}

fn input() -> impl Strategy<Value = Input> {
    prop_oneof![
        8 => (0_u8..40, 0_u8..5, priority()).prop_map(|(bot, lane, of)| Input::Ask(bot, lane, of)),
        1 => (0_u8..40, 0_u8..5).prop_map(|(bot, lane)| Input::ChangeLane(bot, lane)),
        1 => (0_u8..40).prop_map(Input::Withdraw),
        4 => (0_u8..5).prop_map(Input::Finished),
        4 => (0_u64..200).prop_map(Input::Pass),
    ]
}

/// The same scheduler in its plainest form.
#[derive(Default)]
struct Model {
    /// Bot, lane, age.
    waiting: BTreeMap<u8, (u8, u64)>,
    under_way: BTreeMap<u8, usize>,
    age: u64,
    given_at: Vec<Instant>,
    /// Attempts that other lanes started since this one could have had one.
    passed_over: BTreeMap<u8, BTreeMap<u8, u32>>,
    /// Attempts that the lane gave to others since this bot was the oldest in it.
    overtaken: BTreeMap<u8, u32>,
}

impl Model {
    fn in_all(&self) -> usize {
        self.under_way.values().sum()
    }

    fn of(&self, lane: u8) -> usize {
        self.under_way.get(&lane).copied().unwrap_or(0)
    }

    fn waits_in(&self, lane: u8) -> bool {
        self.waiting.values().any(|(of, _)| *of == lane)
    }

    fn may_begin(&self, lane: u8, limits: ConnectLimits) -> bool {
        self.waits_in(lane) && self.of(lane) < limits.at_once - self.in_all()
    }

    fn oldest_of(&self, lane: u8) -> Option<u8> {
        let of = self.waiting.iter().filter(|(_, (of, _))| *of == lane);
        of.min_by_key(|(_, (_, age))| *age).map(|(bot, _)| *bot)
    }

    fn give(
        &mut self,
        bot: u8,
        lane: u8,
        limits: ConnectLimits,
        now: Instant,
    ) -> Result<(), TestCaseError> {
        prop_assert_eq!(
            self.waiting.get(&bot).map(|(of, _)| *of),
            Some(lane),
            "its lane"
        );
        prop_assert!(self.may_begin(lane, limits), "no more than it leaves free");
        for other in (0..5).filter(|other| *other != lane) {
            let could_begin = self.may_begin(other, limits);
            let passed = self.passed_over.entry(other).or_default();
            if could_begin {
                let times = passed.entry(lane).or_default();
                *times += 1;
                prop_assert!(*times <= 1, "lane {other} was passed over for {lane} twice");
            } else {
                passed.clear();
            }
        }
        self.passed_over.remove(&lane);
        if let Some(oldest) = self.oldest_of(lane).filter(|oldest| *oldest != bot) {
            let times = self.overtaken.entry(oldest).or_default();
            *times += 1;
            prop_assert!(*times < OLDEST_EVERY, "bot {oldest} is overtaken for ever");
        }
        self.leave(bot);
        *self.under_way.entry(lane).or_default() += 1;
        self.given_at.push(now);
        Ok(())
    }

    fn leave(&mut self, bot: u8) {
        self.waiting.remove(&bot);
        self.overtaken.remove(&bot);
        self.forget_empty();
    }

    /// Moves a bot that waits; who is the oldest, and for how long, begins anew.
    fn change_lane(&mut self, bot: u8, to: u8) {
        if let Some((lane, _)) = self.waiting.get_mut(&bot).filter(|(of, _)| *of != to) {
            *lane = to;
            self.overtaken.clear();
            self.forget_empty();
        }
    }

    /// A lane in which nobody waits begins anew at the end of the order.
    fn forget_empty(&mut self) {
        let lanes: Vec<u8> = self.waiting.values().map(|(lane, _)| *lane).collect();
        self.passed_over.retain(|lane, _| lanes.contains(lane));
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(512))]

    #[test]
    fn any_order_of_inputs(
        per_second in prop_oneof![Just(0_u32), 1_u32..100],
        at_once in 1_usize..30,
        inputs in proptest::collection::vec(input(), 1..300),
    ) {
        let limits = ConnectLimits { per_second, at_once };
        let mut now = Instant::now();
        let mut scheduler = ConnectScheduler::new(limits);
        let mut model = Model::default();
        for input in inputs {
            match input {
                Input::Ask(bot, lane, priority) => {
                    scheduler.ask(bot, lane, priority);
                    model.change_lane(bot, lane);
                    model.age += 1;
                    let age = model.age;
                    model.waiting.entry(bot).or_insert((lane, age));
                }
                Input::ChangeLane(bot, lane) => {
                    scheduler.change_lane(bot, lane);
                    model.change_lane(bot, lane);
                }
                Input::Withdraw(bot) => {
                    scheduler.withdraw(bot);
                    model.leave(bot);
                }
                Input::Finished(lane) => {
                    scheduler.finished(&lane);
                    let of = model.under_way.entry(lane).or_default();
                    *of = of.saturating_sub(1);
                }
                Input::Pass(ms) => now += Duration::from_millis(ms),
            }
            loop {
                match scheduler.poll(now) {
                    NextAttempt::Start { bot, lane } => model.give(bot, lane, limits, now)?,
                    NextAttempt::At(due) => {
                        prop_assert!(due > now && due <= now + scheduler.spacing);
                        prop_assert!((0..5).any(|lane| model.may_begin(lane, limits)));
                        break;
                    }
                    NextAttempt::Idle => {
                        prop_assert!((0..5).all(|lane| !model.may_begin(lane, limits)), "idle");
                        break;
                    }
                }
            }
            prop_assert_eq!(scheduler.waiting(), model.waiting.len());
            prop_assert_eq!(scheduler.under_way(), model.in_all());
            prop_assert!(scheduler.under_way() <= at_once);
            // Nothing is kept of those who are gone.
            let wanted = |lane: &u8| model.waits_in(*lane) || model.of(*lane) > 0;
            prop_assert!(scheduler.lanes.keys().all(wanted));
            prop_assert!(scheduler.order.len() <= scheduler.lanes.len());
        }
        if per_second > 0 {
            // One more for the second's edge, and one for a timer that fired late.
            let most = per_second as usize + 2;
            for (nth, from) in model.given_at.iter().enumerate() {
                let until = *from + Duration::from_secs(1);
                let within = model.given_at[nth..].iter().filter(|at| **at < until).count();
                prop_assert!(within <= most, "{within} within a second");
            }
        }
    }
}
