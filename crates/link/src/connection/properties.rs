//! The link under any order of inputs, sensible or not.

use std::time::Duration;

use longwire_wire::endpoint::ClientConfig;
use proptest::prelude::*;

use super::*;
use input::{Input, News, RENEWAL, input, take_back};

mod input;
mod promises;

fn secs(seconds: u64) -> Duration {
    Duration::from_secs(seconds)
}

/// The owner of the link, as the actions make it.
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
            Action::RequestPermit(generation) => {
                prop_assert!(generation >= self.asked, "generations only grow");
                prop_assert!(is_wanted(generation, link));
                self.asked = generation;
            }
            Action::Bootstrap(generation) | Action::Dial(generation) => {
                prop_assert!(is_wanted(generation, link));
                self.busy.insert(generation);
            }
            Action::RenewalEnded(generation, end) => {
                prop_assert_ne!(Some(generation), link.renewing());
                let serves =
                    generation == link.generation() && matches!(link.state(), State::Live { .. });
                prop_assert_eq!(end == RenewalEnd::Proved, serves, "{:?}", end);
            }
            Action::Close(generation, _) => {
                self.busy.remove(&generation);
                self.open.remove(&generation);
            }
        }
        Ok(())
    }

    /// Once all actions are carried out, only the link's generation and that of its renewal have anything.
    fn has_no_others(&self, link: &Link) -> Result<(), TestCaseError> {
        let strangers: Vec<_> = (self.busy.iter())
            .filter(|generation| !is_wanted(**generation, link))
            .collect();
        prop_assert!(strangers.is_empty(), "not closed: {:?}", strangers);
        prop_assert!(self.open.len() <= 1, "two serve: {:?}", self.open);
        Ok(())
    }
}

fn is_wanted(generation: Generation, link: &Link) -> bool {
    generation == link.generation() || Some(generation) == link.renewing()
}

/// A link, its owner, and what was true before the latest input.
struct Run {
    link: Link,
    world: World,
    now: Instant,
    nonce: i64,
    before: State,
    generation_before: Generation,
    had_alarm: bool,
}

impl Run {
    fn new(link: Link, nonce: i64) -> Self {
        Self {
            before: *link.state(),
            generation_before: link.generation(),
            had_alarm: link.has_alarm(),
            link,
            world: World::default(),
            now: Instant::now(),
            nonce,
        }
    }

    fn step(&mut self, input: &Input) -> Result<(), TestCaseError> {
        self.before = *self.link.state();
        self.generation_before = self.link.generation();
        self.had_alarm = self.link.has_alarm();
        let stale = match input {
            Input::News(age, _) if !is_wanted(self.generation(*age), &self.link) => {
                Some(self.generation(*age))
            }
            _ => None,
        };
        self.feed(input)?;
        let actions: Vec<_> = std::iter::from_fn(|| self.link.poll_action()).collect();
        if let Some(generation) = stale {
            self.stale_news_change_nothing(generation, input, &actions)?;
        }
        self.carry_out(input, &actions)?;
        self.a_renewal_costs_no_connection(input)?;
        self.a_displaced_one_is_left_alone(input, &actions)?;
        self.never_without_a_timer(input)?;
        self.alarms_have_a_cause(input)?;
        self.a_wait_is_within_its_bounds()?;
        prop_assert!(
            (secs(1)..=Timing::default().ping_interval).contains(&self.link.ping_interval())
        );
        Ok(())
    }

    fn generation(&self, age: u64) -> Generation {
        Generation(self.link.generation().0.saturating_sub(age))
    }

    fn feed(&mut self, input: &Input) -> Result<(), TestCaseError> {
        match input {
            Input::Desired(desired) => self.link.handle_desired(*desired, self.now),
            Input::Spent(after) => self
                .link
                .handle_restarts_exhausted(self.now + secs(*after), self.now),
            Input::RenewalNews(news) => self.tell_renewal(news),
            Input::RenewalGoesOn(steps) => {
                RENEWAL[..*steps]
                    .iter()
                    .for_each(|news| self.tell_renewal(news));
            }
            Input::Renewal(renewal) => self.link.handle_renewal(*renewal, self.now),
            Input::Mode(mode) => self.link.handle_mode(*mode, self.now),
            Input::Configured => self.link.handle_configured(self.now),
            Input::Retry => self.link.handle_retry(self.now),
            Input::TakeBack(policy) => self.link.handle_take_back(*policy),
            Input::Claimed => self.link.handle_claimed(self.now),
            Input::Fire => {
                let due = self.link.poll_timeout();
                self.now = due.map_or(self.now, |due| due.max(self.now));
                self.link.handle_timeout(self.now);
                self.nothing_is_due()?;
            }
            Input::Pass(ms) => {
                self.now += Duration::from_millis(*ms);
                self.link.handle_timeout(self.now);
                self.nothing_is_due()?;
            }
            Input::News(age, news) => self.tell(self.generation(*age), news),
        }
        Ok(())
    }

    fn tell_renewal(&mut self, news: &News) {
        if let Some(generation) = self.link.renewing() {
            self.tell(generation, news);
        }
    }

    fn tell(&mut self, generation: Generation, news: &News) {
        let (link, now) = (&mut self.link, self.now);
        let is_renewing = link.renewing() == Some(generation);
        match news {
            News::Permitted => link.handle_permitted(generation, now),
            News::Bootstrapped => {
                let config = ClientConfig {
                    reconnect_nonce: Some(self.nonce),
                    ..ClientConfig::default()
                };
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
                // An owner that reports the end of a call or a dial has none any more.
                let is_attempt = generation == link.generation()
                    && matches!(self.before, State::Bootstrapping | State::Dialing);
                if is_renewing || is_attempt {
                    self.world.busy.remove(&generation);
                }
            }
        }
    }

    fn carry_out(&mut self, input: &Input, actions: &[Action]) -> Result<(), TestCaseError> {
        prop_assert!(actions.len() <= 5, "{actions:?}");
        for action in actions {
            self.world.carry_out(*action, &self.link)?;
        }
        let is_live = matches!(self.link.state(), State::Live { .. });
        let is_another = self.link.generation() != self.generation_before;
        if is_live && (is_another || !self.was_live()) {
            prop_assert!(
                self.world.open.insert(self.link.generation()),
                "opened twice"
            );
        }
        prop_assert_eq!(
            !self.world.open.is_empty(),
            is_live,
            "an open connection nobody wants: {:?}",
            input
        );
        self.world.has_no_others(&self.link)
    }

    fn was_live(&self) -> bool {
        matches!(self.before, State::Live { .. })
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(1024))]

    /// Any order of inputs, sensible or not.
    #[test]
    fn any_order_of_inputs(
        seed in any::<u64>(),
        nonce in 0_i64..100,
        policy in proptest::option::of(take_back()),
        inputs in proptest::collection::vec(input(), 1..150),
    ) {
        let link = Link::new(Timing::default(), seed).with_take_back(policy);
        let mut run = Run::new(link, nonce);
        for input in inputs {
            run.step(&input)?;
        }
    }
}
