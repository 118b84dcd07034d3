//! Who may begin an attempt to connect, and when: one machine for all installations of a process.
//!
//! Two bounds hold for the process: how many attempts begin per second, so that ten thousand bots which lose their
//! connection together come back as a queue and not as a wave, and how many are under way at once. Within these bounds
//! no platform's trouble holds up the bots of another one:
//!
//! - Every platform host has a *lane*, and lanes take turns (round robin). Two private deployments are two lanes.
//! - A lane may have as many attempts under way as it leaves free: one lane alone half of all, two a third each. However
//!   many lanes hang, there is room for the next one.
//! - Inside a lane the better [`Standing`] goes first: a bot that was live a moment ago before one that has failed ten
//!   times. Every fourth turn of a lane goes to whoever has waited longest, so nobody waits for ever.
//!
//! A bot has one place. Asking again keeps its age and takes no second place: once the queue is longer than a bot's
//! patience, every bot would otherwise be given several turns, and all but the first are taken from those who still
//! wait.

use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::time::{Duration, Instant};

/// Of so many turns of a lane one is for the bot that has waited longest, whatever its standing.
const OLDEST_EVERY: u32 = 4;

/// The bounds of a process.
#[derive(Copy, Clone, PartialEq, Eq, Debug)]
pub struct TurnLimits {
    /// Attempts that begin per second; 0 means no such bound.
    pub per_second: u32,
    /// Attempts under way at once, over all lanes; 1 at least.
    pub at_once: usize,
}

/// How well the connections of a bot have lived, which decides its place in its lane. The better one is the lesser one.
#[derive(Copy, Clone, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub struct Standing {
    /// Whether a connection of it lasted lately.
    pub life: Life,
    /// Failures in a row since a connection of it lasted.
    pub failures: u32,
}

/// Whether a connection of a bot lasted lately.
#[derive(Copy, Clone, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub enum Life {
    /// It did.
    Recent,
    /// It did not, or never.
    NotRecent,
}

/// What [`Turns::poll`] says.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum NextTurn<L, B> {
    /// This bot may begin now. [`Turns::finished`] has to be called with its lane, once, when its attempt is over.
    Given {
        /// Whose turn it is.
        bot: B,
        /// The lane that its attempt is counted in.
        lane: L,
    },
    /// Somebody may begin at this instant, not earlier.
    At(Instant),
    /// Nobody waits who may begin, until something changes: [`Turns::ask`], [`Turns::finished`],
    /// [`Turns::change_lane`] or [`Turns::withdraw`].
    Nobody,
}

/// The queue of all bots that want to connect, by lane. `L` names a platform host, `B` a bot.
#[derive(Clone, Debug)]
pub struct Turns<L, B> {
    /// Zero when there is no bound per second.
    spacing: Duration,
    next: Option<Instant>,
    at_once: usize,
    under_way: usize,
    /// Lanes in which somebody waits or an attempt is under way.
    lanes: BTreeMap<L, Lane<B>>,
    /// Lanes in which somebody waits, the one whose turn is next at the front.
    order: VecDeque<L>,
    /// One place for each bot that waits.
    places: BTreeMap<B, Place<L>>,
    /// The age of the next place.
    age: u64,
}

#[derive(Clone, Debug)]
struct Lane<B> {
    under_way: usize,
    /// Turns since the last one that went by age.
    turns: u32,
    by_standing: BTreeSet<(Standing, u64, B)>,
    by_age: BTreeSet<(u64, B)>,
}

#[derive(Clone, Debug)]
struct Place<L> {
    lane: L,
    standing: Standing,
    /// Places that are older have lower numbers.
    age: u64,
}

impl<B> Default for Lane<B> {
    fn default() -> Self {
        Self {
            under_way: 0,
            turns: 0,
            by_standing: BTreeSet::new(),
            by_age: BTreeSet::new(),
        }
    }
}

impl<B: Copy + Ord> Lane<B> {
    /// Whose turn it is within the lane.
    fn choose(&mut self) -> Option<B> {
        self.turns += 1;
        if self.turns >= OLDEST_EVERY {
            self.turns = 0;
            return self.by_age.first().map(|(_, bot)| *bot);
        }
        self.by_standing.first().map(|(_, _, bot)| *bot)
    }
}

impl<L: Clone + Ord, B: Copy + Ord> Turns<L, B> {
    /// Nobody waits yet.
    #[must_use]
    pub fn new(limits: TurnLimits) -> Self {
        Self {
            spacing: Duration::from_secs(1)
                .checked_div(limits.per_second)
                .unwrap_or_default(),
            next: None,
            at_once: limits.at_once.max(1),
            under_way: 0,
            lanes: BTreeMap::new(),
            order: VecDeque::new(),
            places: BTreeMap::new(),
            age: 0,
        }
    }

    /// A bot wants to begin an attempt. One that waits already keeps its age, and is in this lane and of this standing
    /// from now on.
    pub fn ask(&mut self, bot: B, lane: L, standing: Standing) {
        self.change_lane(bot, lane.clone());
        if let Some(place) = self.places.get_mut(&bot) {
            let before = std::mem::replace(&mut place.standing, standing);
            if let Some(of) = self.lanes.get_mut(&lane) {
                of.by_standing.remove(&(before, place.age, bot));
                of.by_standing.insert((standing, place.age, bot));
            }
            return;
        }
        self.age += 1;
        let place = Place {
            lane,
            standing,
            age: self.age,
        };
        self.enter(bot, place);
    }

    /// A bot that may wait is reached at another host from now on.
    pub fn change_lane(&mut self, bot: B, lane: L) {
        if self.places.get(&bot).is_none_or(|place| place.lane == lane) {
            return;
        }
        if let Some(place) = self.leave(bot) {
            self.enter(bot, Place { lane, ..place });
        }
    }

    /// A bot wants no turn any more. Does nothing where it does not wait.
    pub fn withdraw(&mut self, bot: B) {
        self.leave(bot);
    }

    /// Nobody wants a turn any more. Attempts that are under way stay counted.
    pub fn clear(&mut self) {
        self.places.clear();
        self.order.clear();
        self.lanes.retain(|_, lane| {
            lane.by_standing.clear();
            lane.by_age.clear();
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

    /// Who may begin, if somebody may. To be called until it gives no more turns, after every change and at the
    /// instant that it named.
    pub fn poll(&mut self, now: Instant) -> NextTurn<L, B> {
        // A lane that may not begin keeps its place in the order.
        let Some(position) = self.order.iter().position(|lane| self.may_begin(lane)) else {
            return NextTurn::Nobody;
        };
        if let Some(next) = self.next.filter(|next| *next > now) {
            return NextTurn::At(next);
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
        let bot = of
            .choose()
            .expect("somebody waits in every lane of the order");
        self.leave(bot);
        if self
            .lanes
            .get(&lane)
            .is_some_and(|of| !of.by_age.is_empty())
        {
            self.order.push_back(lane.clone());
        }
        self.next = Some(self.instant_of_turn(now) + self.spacing);
        NextTurn::Given { bot, lane }
    }

    /// How many wait.
    #[must_use]
    pub fn waiting(&self) -> usize {
        self.places.len()
    }

    /// How many attempts are under way.
    #[must_use]
    pub fn under_way(&self) -> usize {
        self.under_way
    }

    /// When the turn that is taken now was due. A timer that fires late must not slow the queue down; but time that
    /// nobody used is gone, since a budget saved over night would make a wave in the morning.
    fn instant_of_turn(&self, now: Instant) -> Instant {
        match self.next {
            Some(next) if next + self.spacing > now => next,
            _ => now,
        }
    }

    fn may_begin(&self, lane: &L) -> bool {
        let free = self.at_once - self.under_way;
        self.lanes
            .get(lane)
            .is_some_and(|lane| lane.under_way < free)
    }

    fn enter(&mut self, bot: B, place: Place<L>) {
        let lane = self.lanes.entry(place.lane.clone()).or_default();
        if lane.by_age.is_empty() {
            self.order.push_back(place.lane.clone());
        }
        lane.by_standing.insert((place.standing, place.age, bot));
        lane.by_age.insert((place.age, bot));
        self.places.insert(bot, place);
    }

    fn leave(&mut self, bot: B) -> Option<Place<L>> {
        let place = self.places.remove(&bot)?;
        if let Some(lane) = self.lanes.get_mut(&place.lane) {
            lane.by_standing.remove(&(place.standing, place.age, bot));
            lane.by_age.remove(&(place.age, bot));
        }
        self.forget_if_idle(&place.lane);
        Some(place)
    }

    /// Keeps no lane in the order that nobody waits in, and no lane at all that nothing is under way in either.
    fn forget_if_idle(&mut self, lane: &L) {
        let Some(of) = self.lanes.get(lane) else {
            return;
        };
        if of.by_age.is_empty() {
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
