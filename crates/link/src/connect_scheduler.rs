//! The connect scheduler of a process: one lane per platform host, and a limit on the rate of attempts.
//!
//! Two limits hold for the process: how many attempts start per second, so that ten thousand bots that lose their
//! connections together come back one after the other, and how many attempts are under way at once. Within these limits
//! the trouble of one platform delays no bot of another one:
//!
//! - Every platform host has a *lane*, and the lanes are served round robin. Two private deployments have two lanes.
//! - A lane may have as many attempts under way as it leaves free: a single lane half of all, two lanes a third each.
//!   However many lanes hang, the next lane still gets attempts.
//! - Within a lane the better [`AttemptPriority`] goes first: a bot that was live a moment ago goes before one that has failed
//!   ten times. Every fourth attempt of a lane is for the bot that has waited longest, so no bot waits for ever.
//!
//! A bot waits once. If it asks again, it keeps its age and is not queued a second time. Otherwise, in a queue longer than
//! the time after which bots ask again, every bot would get several permits and could use only the first.

mod lane;
mod priority;

use std::collections::{BTreeMap, VecDeque};
use std::time::{Duration, Instant};

use lane::Lane;
pub use priority::{AttemptPriority, Stability};

/// The limits of a process.
#[derive(Copy, Clone, PartialEq, Eq, Debug)]
pub struct ConnectLimits {
    /// Attempts that start per second; 0 means no limit.
    pub per_second: u32,
    /// Attempts under way at once, over all lanes; at least 1.
    pub at_once: usize,
}

/// What [`ConnectScheduler::poll`] answers.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum NextAttempt<L, B> {
    /// This bot may start an attempt now. When the attempt is over, [`ConnectScheduler::finished`] has to be called once
    /// with the lane.
    Start {
        /// The bot.
        bot: B,
        /// The lane in which its attempt is counted.
        lane: L,
    },
    /// The next attempt may start at this instant.
    At(Instant),
    /// No bot may start before something changes: [`ConnectScheduler::ask`], [`ConnectScheduler::finished`],
    /// [`ConnectScheduler::change_lane`] or [`ConnectScheduler::withdraw`].
    Idle,
}

/// Decides which bot starts its next attempt to connect, and when. `L` names a platform host, `B` a bot.
#[derive(Clone, Debug)]
pub struct ConnectScheduler<L, B> {
    /// The distance of two attempts; zero without a limit per second.
    spacing: Duration,
    /// When the next attempt may start.
    next: Option<Instant>,
    at_once: usize,
    under_way: usize,
    /// The lanes in which a bot waits or an attempt is under way.
    lanes: BTreeMap<L, Lane<B>>,
    /// The lanes in which a bot waits; the front is served next.
    order: VecDeque<L>,
    /// Every bot that waits.
    waiting: BTreeMap<B, Waiting<L>>,
    /// The age of the latest bot that began to wait.
    age: u64,
}

/// The distance of two attempts; zero without a limit.
fn spacing(per_second: u32) -> Duration {
    let second = Duration::from_secs(1);
    second.checked_div(per_second).unwrap_or_default()
}

/// A bot that waits.
#[derive(Clone, Debug)]
struct Waiting<L> {
    lane: L,
    priority: AttemptPriority,
    /// Lower for bots that have waited longer.
    age: u64,
}

impl<L: Clone + Ord, B: Copy + Ord> ConnectScheduler<L, B> {
    /// A scheduler for which no bot waits.
    #[must_use]
    pub fn new(limits: ConnectLimits) -> Self {
        Self {
            spacing: spacing(limits.per_second),
            next: None,
            at_once: limits.at_once.max(1),
            under_way: 0,
            lanes: BTreeMap::new(),
            order: VecDeque::new(),
            waiting: BTreeMap::new(),
            age: 0,
        }
    }

    /// So many attempts may start per second from now on; 0 means no limit. Who waits keeps its place.
    pub fn set_rate(&mut self, per_second: u32) {
        self.spacing = spacing(per_second);
        // What was to be waited for at the former rate is not.
        self.next = None;
    }

    /// A bot wants to start an attempt. A bot that waits already keeps its age and gets this lane and priority.
    pub fn ask(&mut self, bot: B, lane: L, priority: AttemptPriority) {
        self.change_lane(bot, lane.clone());
        if let Some(waiting) = self.waiting.get_mut(&bot) {
            // In place, because a lane that became empty would lose its place in the order.
            let before = std::mem::replace(&mut waiting.priority, priority);
            if let Some(of) = self.lanes.get_mut(&lane) {
                of.remove(bot, before, waiting.age);
                of.insert(bot, priority, waiting.age);
            }
            return;
        }
        self.age += 1;
        let waiting = Waiting {
            lane,
            priority,
            age: self.age,
        };
        self.enter(bot, waiting);
    }

    /// The platform of a bot is at another host from now on. Changes nothing if the bot does not wait.
    pub fn change_lane(&mut self, bot: B, lane: L) {
        if self.waiting.get(&bot).is_none_or(|of| of.lane == lane) {
            return;
        }
        if let Some(waiting) = self.leave(bot) {
            self.enter(bot, Waiting { lane, ..waiting });
        }
    }

    /// A bot no longer wants to start an attempt. Changes nothing if it does not wait.
    pub fn withdraw(&mut self, bot: B) {
        self.leave(bot);
    }

    /// Forgets all bots that wait. Attempts under way stay counted.
    pub fn clear(&mut self) {
        self.waiting.clear();
        self.order.clear();
        self.lanes.retain(|_, lane| {
            lane.clear();
            lane.under_way > 0
        });
    }

    /// An attempt of this lane is over, however it ended.
    pub fn finished(&mut self, lane: &L) {
        if let Some(of) = self.lanes.get_mut(lane)
            && of.under_way > 0
        {
            of.under_way -= 1;
            self.under_way -= 1;
            self.forget_if_idle(lane);
        }
    }

    /// The bot that starts next. To be called after every change and at the instant that was named, until no bot may
    /// start.
    pub fn poll(&mut self, now: Instant) -> NextAttempt<L, B> {
        // A lane that may not start an attempt keeps its place in the order.
        let Some(position) = self.order.iter().position(|lane| self.may_start(lane)) else {
            return NextAttempt::Idle;
        };
        if let Some(next) = self.next.filter(|next| *next > now) {
            return NextAttempt::At(next);
        }
        let lane = self
            .order
            .remove(position)
            .expect("it was just found there");
        let of = self
            .lanes
            .get_mut(&lane)
            .expect("the order names no others");
        of.under_way += 1;
        self.under_way += 1;
        let bot = of.choose().expect("a bot waits in every lane of the order");
        self.leave(bot);
        if self.lanes.get(&lane).is_some_and(|of| !of.is_empty()) {
            self.order.push_back(lane.clone());
        }
        self.next = Some(self.due(now) + self.spacing);
        NextAttempt::Start { bot, lane }
    }

    /// How many bots wait.
    #[must_use]
    pub fn waiting(&self) -> usize {
        self.waiting.len()
    }

    /// How many attempts are under way.
    #[must_use]
    pub fn under_way(&self) -> usize {
        self.under_way
    }

    /// When the attempt that starts now was due. A late timer must not slow the queue down. But unused time is not
    /// saved: a budget saved over night would start a burst in the morning.
    fn due(&self, now: Instant) -> Instant {
        match self.next {
            Some(next) if next + self.spacing > now => next,
            _ => now,
        }
    }

    fn may_start(&self, lane: &L) -> bool {
        let free = self.at_once - self.under_way;
        self.lanes
            .get(lane)
            .is_some_and(|lane| lane.under_way < free)
    }

    fn enter(&mut self, bot: B, waiting: Waiting<L>) {
        let lane = self.lanes.entry(waiting.lane.clone()).or_default();
        if lane.is_empty() {
            self.order.push_back(waiting.lane.clone());
        }
        lane.insert(bot, waiting.priority, waiting.age);
        self.waiting.insert(bot, waiting);
    }

    fn leave(&mut self, bot: B) -> Option<Waiting<L>> {
        let waiting = self.waiting.remove(&bot)?;
        if let Some(lane) = self.lanes.get_mut(&waiting.lane) {
            lane.remove(bot, waiting.priority, waiting.age);
        }
        self.forget_if_idle(&waiting.lane);
        Some(waiting)
    }

    /// Takes a lane out of the order if no bot waits in it, and forgets it if no attempt is under way either.
    fn forget_if_idle(&mut self, lane: &L) {
        let Some(of) = self.lanes.get(lane) else {
            return;
        };
        if of.is_empty() {
            self.order.retain(|waiting| waiting != lane);
            if of.under_way == 0 {
                self.lanes.remove(lane);
            }
        }
    }
}

#[cfg(test)]
mod properties;
#[cfg(test)]
mod tests;
