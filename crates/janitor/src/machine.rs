//! What goes next, and when.
//!
//! A round begins with a [look](Action::Look). What is due becomes a list of tasks with an end each; a task is done in steps of
//! a bounded number of rows, with a pause behind each. Then the machine rests until the next look.
//!
//! **Which events go.** Those beyond the bound of age, count or bytes, oldest first. Before an event that a consumer has not
//! done the bounds of age and count stop if the policy says [wait](ConsumersBehind::Wait); the bound of bytes does not, because
//! a full disk would stop every bot. A consumer is told of at four fifths of a bound, before its events go, and again when they
//! went.
//!
//! **A wrong clock.** Ages are measured by this host's clock. When it jumps ahead by an hour, or when by it even the newest
//! event is too old, the bound of age waits: for a day, or for an hour.

mod pace;
mod risks;
mod targets;
mod tasks;

use std::collections::{BTreeMap, VecDeque};
use std::time::{Duration, Instant};

use longwire_consumer::Moment;
use longwire_installation::InstallationId;
use longwire_store::{ConsumerId, ListedEvent, RetentionStep, StepDone};
use longwire_wire::event::Seq;

use crate::look::Look;
use crate::policy::RetentionPolicy;

pub(crate) use self::pace::WriterLoad;
pub use self::risks::{Hold, Risk};

use self::pace::{Pace, Urgency};
use self::tasks::Task;

/// Between two rounds.
const ROUND: Duration = Duration::from_secs(10);
/// The same while payloads of some installations are to be hashed.
const HASHING_ROUND: Duration = Duration::from_secs(1);
/// Between two looks at what grows slowly, and two marks.
const HOURLY: Duration = Duration::from_secs(60 * 60);
/// After a step or a look that failed.
const AFTER_FAILURE: Duration = Duration::from_secs(5);
/// After so many steps the store is looked at again.
const STEPS_OF_A_ROUND: u32 = 256;

/// What is to be done next.
#[derive(Clone, Debug, Eq, PartialEq)]
pub(crate) enum Action {
    /// Look at the store; the answer is for [`Retention::handle_look`].
    Look,
    /// Find the events of these installations behind `after`, up to `through`, for their list; the answer is for
    /// [`Retention::handle_found`].
    Find {
        /// Whose events.
        installations: Vec<InstallationId>,
        /// Behind this one.
        after: Seq,
        /// The last one to look at.
        through: Seq,
    },
    /// Carry out this step; the answer is for [`Retention::handle_done`].
    Step(RetentionStep),
    /// Nothing before this time.
    Rest {
        /// Until then.
        until: Instant,
    },
}

/// What happened, for the log and for operational events.
#[derive(Clone, Debug, Eq, PartialEq)]
pub(crate) enum News {
    /// A consumer is so far behind that its events go soon.
    AtRisk(Risk),
    /// It is not any more.
    OutOfRisk {
        /// Which.
        consumer: ConsumerId,
    },
    /// Events went that a consumer had not done.
    Passed {
        /// Which.
        consumer: ConsumerId,
        /// How many numbers of the log.
        events: u64,
    },
    /// The bound of age waits, because the clock cannot be trusted.
    ClockHeld {
        /// How far it jumped, or how old the newest event would be.
        by: Duration,
    },
}

/// The machine.
#[derive(Debug)]
pub(crate) struct Retention {
    policy: RetentionPolicy,
    pace: Pace,
    phase: Phase,
    tasks: VecDeque<Task>,
    steps: u32,
    /// What was found at the last look, kept up to date by the steps since.
    look: Look,
    urgency: Urgency,
    load: WriterLoad,
    next_mark: Option<Instant>,
    next_tidying: Option<Instant>,
    /// Consumers that were told of, and up to where each has lost events.
    told: BTreeMap<ConsumerId, Risk>,
    passed: BTreeMap<ConsumerId, i64>,
    holds: Vec<Hold>,
    clock: Clock,
    news: VecDeque<News>,
}

/// What is waited for.
#[derive(Copy, Clone, Debug, Eq, PartialEq)]
enum Phase {
    /// The answer to a look.
    Looking,
    /// The next task is due at this time.
    Working { at: Instant },
    /// The answer to a step or a search.
    Stepping,
    /// Until this time.
    Resting { until: Instant },
}

/// Whether the wall clock can be trusted.
#[derive(Copy, Clone, Debug, Default)]
struct Clock {
    last: Option<Moment>,
    held_until: Option<Instant>,
}

/// A jump that is more than a correction.
const JUMP: Duration = Duration::from_secs(60 * 60);
/// How long the bound of age waits after it.
const HELD_AFTER_JUMP: Duration = Duration::from_secs(24 * 60 * 60);
/// How long it waits when even the newest event is too old.
const HELD_AT_START: Duration = Duration::from_secs(60 * 60);

impl Retention {
    /// Begins with a look.
    #[must_use]
    pub(crate) fn new(policy: RetentionPolicy, now: Moment) -> Self {
        Self {
            policy,
            pace: Pace::default(),
            phase: Phase::Resting { until: now.instant },
            tasks: VecDeque::new(),
            steps: 0,
            look: Look::default(),
            urgency: Urgency::Calm,
            load: WriterLoad::default(),
            next_mark: None,
            next_tidying: None,
            told: BTreeMap::new(),
            passed: BTreeMap::new(),
            holds: Vec::new(),
            clock: Clock::default(),
            news: VecDeque::new(),
        }
    }

    /// What to do now.
    pub(crate) fn poll(&mut self, now: Moment) -> Action {
        match self.phase {
            Phase::Looking | Phase::Stepping => {}
            Phase::Resting { until } | Phase::Working { at: until } if now.instant < until => {
                return Action::Rest { until };
            }
            Phase::Resting { .. } => {
                self.phase = Phase::Looking;
                return Action::Look;
            }
            Phase::Working { .. } => return self.next_step(now),
        }
        // Whoever asks has not answered yet.
        Action::Rest {
            until: now.instant + AFTER_FAILURE,
        }
    }

    fn next_step(&mut self, now: Moment) -> Action {
        if self.steps >= STEPS_OF_A_ROUND {
            self.phase = Phase::Looking;
            return Action::Look;
        }
        let Some(task) = self.tasks.front() else {
            let until = now.instant + self.round();
            self.phase = Phase::Resting { until };
            return Action::Rest { until };
        };
        self.phase = Phase::Stepping;
        self.steps += 1;
        task.action(&self.look, &self.pace)
    }

    fn round(&self) -> Duration {
        let hashes = |one: &longwire_store::ListedInstallation| {
            one.rules.payload == longwire_store::PayloadPolicy::Hash
        };
        match self.look.state.listed.iter().any(hashes) {
            true => HASHING_ROUND,
            false => ROUND,
        }
    }

    /// The store was looked at.
    pub(crate) fn handle_look(&mut self, look: Look, now: Moment) {
        self.check_clock(&look, now);
        self.look = look;
        self.steps = 0;
        self.tell_passed();
        self.check_risks(now);
        self.plan(now);
        self.phase = Phase::Working { at: now.instant };
    }

    /// These events were found for the list.
    pub(crate) fn handle_found(&mut self, found: Vec<ListedEvent>, now: Moment) {
        if let Some(task) = self.tasks.front_mut() {
            task.found(found);
        }
        self.phase = Phase::Working { at: now.instant };
    }

    /// A step was carried out.
    pub(crate) fn handle_done(&mut self, done: StepDone, now: Moment) {
        if let Some(task) = self.tasks.front_mut()
            && task.done(done, &mut self.look, &self.pace)
        {
            self.tasks.pop_front();
        }
        self.look.state.gone_through = self.look.state.gone_through.max(done.gone_through);
        let pause =
            self.pace
                .step_took(Duration::from_micros(done.took_us), self.urgency, self.load);
        self.phase = Phase::Working {
            at: now.instant + pause,
        };
    }

    /// Another policy from now on. The next round begins at once, or behind the step that is under way.
    pub(crate) fn handle_policy(&mut self, policy: RetentionPolicy, now: Moment) {
        self.policy = policy;
        match self.phase {
            Phase::Resting { .. } | Phase::Working { .. } => {
                self.tasks.clear();
                self.phase = Phase::Resting { until: now.instant };
            }
            // Its answer is of the policy before; the look behind it is not.
            Phase::Looking | Phase::Stepping => self.steps = STEPS_OF_A_ROUND,
        }
    }

    /// A look, a search or a step failed. The next round begins a little later.
    pub(crate) fn handle_failed(&mut self, now: Moment) {
        self.tasks.clear();
        self.phase = Phase::Resting {
            until: now.instant + AFTER_FAILURE,
        };
    }

    /// What the writer has to do besides; steps and pauses go by it.
    pub(crate) fn handle_load(&mut self, load: WriterLoad) {
        self.load = load;
    }

    /// What happened since the last call.
    pub(crate) fn poll_news(&mut self) -> Option<News> {
        self.news.pop_front()
    }

    /// What is being done, in a word or two.
    #[must_use]
    pub(crate) fn doing(&self) -> &'static str {
        match (self.phase, self.tasks.front()) {
            (Phase::Resting { .. }, _) | (_, None) => "resting",
            (Phase::Looking, _) => "looking at the store",
            (Phase::Working { .. } | Phase::Stepping, Some(task)) => task.doing(),
        }
    }

    /// Consumers that keep events from going, oldest event first.
    #[must_use]
    pub(crate) fn holds(&self) -> &[Hold] {
        &self.holds
    }

    /// Consumers whose events go soon.
    pub(crate) fn risks(&self) -> impl Iterator<Item = &Risk> {
        self.told.values()
    }

    /// What was found last.
    #[must_use]
    pub(crate) fn look(&self) -> &Look {
        &self.look
    }

    /// Whether the bound of age waits, because the clock cannot be trusted.
    #[must_use]
    pub(crate) fn is_clock_held(&self, now: Moment) -> bool {
        self.clock
            .held_until
            .is_some_and(|until| now.instant < until)
    }

    fn check_clock(&mut self, look: &Look, now: Moment) {
        let jumped = self.clock.last.and_then(|last| {
            let monotonic = now.instant.saturating_duration_since(last.instant);
            let wall = now.unix_ms.saturating_sub(last.unix_ms);
            let wall = Duration::from_millis(u64::try_from(wall).unwrap_or(0));
            wall.checked_sub(monotonic).filter(|by| *by > JUMP)
        });
        let is_first = self.clock.last.replace(now).is_none();
        if let Some(by) = jumped {
            self.clock.held_until = Some(now.instant + HELD_AFTER_JUMP);
            self.news.push_back(News::ClockHeld { by });
        }
        if let (true, Some(newest_ms), Some(age_ms)) =
            (is_first, look.newest_ms, self.policy.keep.age_ms)
        {
            let age = now.unix_ms.saturating_sub(newest_ms);
            if age > age_ms {
                let by = Duration::from_millis(u64::try_from(age).unwrap_or(0));
                self.clock.held_until = Some(now.instant + HELD_AT_START);
                self.news.push_back(News::ClockHeld { by });
            }
        }
    }
}

#[cfg(test)]
mod tests;
