//! The link under any order of inputs, sensible or not.

use std::time::Duration;

use longwire_installation::TakeBack;
use longwire_wire::endpoint::ClientConfig;
use proptest::prelude::*;

use super::*;
use crate::setback::{Disposition, Pace};

fn secs(seconds: u64) -> Duration {
    Duration::from_secs(seconds)
}

/// One input.
#[derive(Clone, Debug)]
enum Input {
    Desired(Desired),
    /// News about the generation so many before the current one.
    News(u64, News),
    Spent(u64),
    Configured,
    TakeBack(Option<TakeBack>),
    Claimed,
    Fire,
    Pass(u64),
}

#[derive(Clone, Debug)]
enum News {
    Turn,
    Bootstrapped,
    Opened,
    Pong(Option<i64>),
    Setback(Setback),
    TakeBackRecorded,
}

fn news() -> impl Strategy<Value = News> {
    let setback = prop_oneof![
        Just(Setback::SystemBusy),
        Just(Setback::ConnectionLimit),
        Just(Setback::AuthFailed),
        Just(Setback::Unreachable),
        Just(Setback::Silent),
        Just(Setback::ClosedByPlatform { code: Some(1000) }),
        Just(Setback::SubscribeLimited),
        Just(Setback::Displaced),
    ];
    prop_oneof![
        4 => Just(News::Turn),
        4 => Just(News::Bootstrapped),
        4 => Just(News::Opened),
        2 => proptest::option::of(-2_i64..100_000).prop_map(News::Pong),
        2 => setback.prop_map(News::Setback),
        2 => Just(News::TakeBackRecorded),
    ]
}

fn take_back() -> impl Strategy<Value = TakeBack> {
    (300_u64..1000, 1_u32..4).prop_map(|(after, per_day)| {
        TakeBack::new(secs(after), per_day).expect("within the bounds")
    })
}

fn input() -> impl Strategy<Value = Input> {
    let age = prop_oneof![8 => Just(0_u64), 1 => 1_u64..4];
    prop_oneof![
        1 => Just(Input::Desired(Desired::Stop)),
        3 => Just(Input::Desired(Desired::Run)),
        20 => (age, news()).prop_map(|(age, news)| Input::News(age, news)),
        1 => (0_u64..2000).prop_map(Input::Spent),
        1 => Just(Input::Configured),
        1 => proptest::option::of(take_back()).prop_map(Input::TakeBack),
        1 => Just(Input::Claimed),
        5 => Just(Input::Fire),
        3 => (0_u64..100_000).prop_map(Input::Pass),
    ]
}

/// The outside world as the actions make it: who has work under way.
#[derive(Default)]
struct World {
    /// Generations with a call, a dial or a connection.
    busy: std::collections::BTreeSet<Generation>,
    /// Those that were live and have not been closed.
    open: std::collections::BTreeSet<Generation>,
    asked: Generation,
    /// The take-back that is to be on disk before it is done.
    recording: Option<Generation>,
}

impl World {
    fn carry_out(&mut self, action: Action, link: &Link) -> Result<(), TestCaseError> {
        match action {
            Action::RecordDisplaced => {
                prop_assert_eq!(link.state().label(), "displaced");
            }
            Action::RecordTakeBack(generation) => {
                prop_assert_eq!(link.state().label(), "displaced");
                prop_assert_eq!(generation, link.generation());
                self.recording = Some(generation);
            }
            Action::AskTurn(generation) => {
                prop_assert!(generation >= self.asked, "generations only grow");
                prop_assert_eq!(generation, link.generation());
                self.asked = generation;
            }
            Action::Bootstrap(generation) | Action::Dial(generation) => {
                prop_assert_eq!(generation, link.generation());
                self.busy.insert(generation);
            }
            Action::Close(generation, _) => {
                self.busy.remove(&generation);
                self.open.remove(&generation);
            }
        }
        prop_assert!(self.busy.len() <= 1, "two at once: {:?}", self.busy);
        prop_assert!(self.open.len() <= 1, "two open: {:?}", self.open);
        Ok(())
    }
}

/// Once its timeout is handled, a link waits for something later, or the actor above it would be woken for ever. With a nonce
/// of 0 the first attempt may follow at once.
fn nothing_is_due(link: &Link, now: Instant) -> Result<(), TestCaseError> {
    let at_once = matches!(link.state(), State::BackingOff { attempt: 0 | 1, .. });
    let due = link.poll_timeout();
    prop_assert!(at_once || due.is_none_or(|due| due > now), "a busy loop");
    Ok(())
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(1024))]

    /// Any order of inputs, sensible or not.
    #[test]
    fn any_order_of_inputs(
        seed in any::<u64>(),
        nonce in 0_i64..100,
        wish in proptest::option::of(take_back()),
        inputs in proptest::collection::vec(input(), 1..150),
    ) {
        let mut now = Instant::now();
        let mut link = Link::new(Timing::default(), seed).with_take_back(wish);
        let mut world = World::default();
        for input in inputs {
            let before = *link.state();
            let had_alarm = link.has_alarm();
            let mut stale_news = None;
            match &input {
                Input::Desired(desired) => link.handle_desired(*desired, now),
                Input::Spent(after) => link.handle_spent(now + secs(*after), now),
                Input::Configured => link.handle_configured(now),
                Input::TakeBack(wish) => link.handle_take_back(*wish),
                Input::Claimed => link.handle_claimed(now),
                Input::Fire => {
                    now = link.poll_timeout().map_or(now, |due| due.max(now));
                    link.handle_timeout(now);
                    nothing_is_due(&link, now)?;
                }
                Input::Pass(ms) => {
                    now += Duration::from_millis(*ms);
                    link.handle_timeout(now);
                    nothing_is_due(&link, now)?;
                }
                Input::News(age, news) => {
                    let generation = Generation(link.generation().0.saturating_sub(*age));
                    if generation != link.generation() {
                        stale_news = Some(generation);
                    }
                    match news {
                        News::Turn => link.handle_turn(generation, now),
                        News::Bootstrapped => {
                            let config = ClientConfig { reconnect_nonce: Some(nonce), ..ClientConfig::default() };
                            link.handle_bootstrapped(generation, Some(&config), now);
                        }
                        News::Opened => link.handle_opened(generation, now),
                        News::TakeBackRecorded => link.handle_take_back_recorded(generation, now),
                        News::Pong(value) => {
                            let config = ClientConfig {
                                ping_interval: *value,
                                reconnect_interval: *value,
                                ..ClientConfig::default()
                            };
                            link.handle_pong(generation, Some(&config), now);
                        }
                        News::Setback(setback) => {
                            link.handle_setback(generation, *setback, now);
                            // The caller that reports the end of a call or dial has none any more.
                            if generation == link.generation() && matches!(before, State::Bootstrapping | State::Dialing) {
                                world.busy.remove(&generation);
                            }
                        }
                    }
                }
            }

            let actions: Vec<_> = std::iter::from_fn(|| link.poll_action()).collect();
            if let Some(generation) = stale_news {
                prop_assert_eq!(*link.state(), before, "stale news: {:?}", input);
                let close = Action::Close(generation, CloseReason::Stale);
                let answered = matches!(input, Input::News(_, News::Opened));
                prop_assert_eq!(actions.clone(), Vec::from_iter(answered.then_some(close)));
            }
            prop_assert!(actions.len() <= 2, "{actions:?}");
            let was_live = matches!(before, State::Live { .. });
            let is_live = matches!(link.state(), State::Live { .. });
            for action in &actions {
                world.carry_out(*action, &link)?;
            }
            if is_live && !was_live {
                prop_assert!(world.open.insert(link.generation()), "opened twice");
            }
            prop_assert_eq!(!world.open.is_empty(), is_live, "an open connection nobody wants: {:?}", input);

            // A displaced one comes back by an operator's hand, or at its own time and recorded, and by nothing else.
            if let State::Displaced { since, until } = before {
                if actions.iter().any(|action| matches!(action, Action::RecordTakeBack(_))) {
                    prop_assert!(until.is_some_and(|until| until <= now && until - since >= secs(300)));
                }
                if !matches!(link.state(), State::Displaced { .. }) {
                    match &input {
                        Input::Desired(_) | Input::Configured | Input::Claimed => {}
                        Input::News(0, News::TakeBackRecorded) => {
                            prop_assert!(world.recording.is_some(), "done before it was recorded");
                        }
                        other => prop_assert!(false, "taken back by {:?}", other),
                    }
                }
            }
            if !matches!(link.state(), State::Displaced { .. }) {
                world.recording = None;
            }
            // Never deaf, and never a timer for nothing.
            match *link.state() {
                State::Displaced { .. } if world.recording.is_some() => {
                    prop_assert!(link.poll_timeout().is_some_and(|due| due > now));
                }
                State::Displaced { until, .. } => prop_assert_eq!(link.poll_timeout(), until),
                State::Stopped => prop_assert_eq!(link.poll_timeout(), None),
                // A connection ends by its own heartbeat; only the end of an alarm is waited for.
                State::Live { .. } => prop_assert!(link.poll_timeout().is_none() || link.has_alarm()),
                _ => prop_assert!(link.poll_timeout().is_some(), "deaf after {:?}", input),
            }
            prop_assert!((secs(1)..=Timing::default().ping_interval).contains(&link.ping_interval()));
            // An alarm comes with a failure and goes with a life that lasted, or by an operator's hand.
            if link.has_alarm() && !had_alarm {
                prop_assert!(link.state().reason().is_some(), "{:?}", input);
            }
            if had_alarm && !link.has_alarm() {
                let by_hand = matches!(input, Input::Desired(_) | Input::Configured | Input::Claimed);
                prop_assert!(by_hand || was_live, "{:?}", input);
            }
            // A fresh wait is within the bounds of its cause.
            if *link.state() != before {
                match *link.state() {
                    State::BackingOff { until, reason, .. } => {
                        let wait = until - now;
                        let bound = match reason.disposition() {
                            Disposition::Retry(Pace::Busy) => secs(30)..secs(38),
                            Disposition::Retry(Pace::Limited) => secs(60)..secs(1125),
                            _ => secs(0)..secs(100),
                        };
                        prop_assert!(bound.contains(&wait), "{:?} for {:?}", wait, reason);
                    }
                    State::Refused { until, .. } => {
                        prop_assert!((secs(10)..secs(3960)).contains(&(until - now)));
                    }
                    _ => {}
                }
            }
        }
    }
}
