//! Whose turn it is to call the platform, so that the programs of one bot do not exceed its limits together.
//!
//! ```text
//! ask ─▶ the queue of its token ─▶ poll: one call of each token in turn, if all its budgets have room ─▶ Go
//!                                        nothing within the patience                                  ─▶ Refused
//! ```
//! A call that waits holds back the later calls of its own token to the same chat, message or card, so that what an application
//! says stays in order. Other tokens, and its calls elsewhere, take their turns meanwhile. This file does no I/O and reads no clock; times are since
//! a moment of the caller's choice.

mod need;
mod waiters;
mod window;

use std::collections::{HashMap, HashSet, VecDeque};
use std::time::Duration;

use longwire_access::TokenId;
use longwire_installation::PublicId;

pub(crate) use need::{BudgetKey, BudgetOf, CallShape};
pub(crate) use waiters::CallNumber;
use waiters::{Waiters, Waiting};
pub(crate) use window::Limit;
use window::Window;

/// Calls of one bot that wait at most. With more, whoever came last would wait for longer than the patience anyway: a bot has
/// 50 calls of each kind a second.
const MOST_WAITING: usize = 256;
/// Budgets that are counted at most. A key more is not counted, and the platform says what it thinks of it.
const MOST_KEYS: usize = 16 * 1024;
/// A platform that says to wait for longer is asked again after this time.
const LONGEST_PAUSE: Duration = Duration::from_secs(60);

/// What came of a call that asked.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Turn {
    /// It may be made now.
    Go,
    /// It would have to wait for too long.
    Refused(RateRefusal),
}

/// Why a call may not be made.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct RateRefusal {
    /// What is used up.
    pub(crate) of: BudgetOf,
    /// How much there is of it.
    pub(crate) limit: Limit,
    /// When there is some again.
    pub(crate) after: Duration,
}

/// The budgets of all bots.
#[derive(Debug)]
pub(crate) struct Budgets {
    patience: Duration,
    counted: HashMap<BudgetKey, Counted>,
    bots: HashMap<PublicId, Waiters>,
    next: u64,
    turns: VecDeque<(CallNumber, Turn)>,
}

/// One budget.
#[derive(Debug)]
struct Counted {
    windows: Vec<Window>,
    /// The platform said that it is used up until then.
    paused_until: Duration,
}

impl Budgets {
    /// Calls wait for so long at most.
    pub(crate) fn new(patience: Duration) -> Self {
        Self {
            patience,
            counted: HashMap::new(),
            bots: HashMap::new(),
            next: 0,
            turns: VecDeque::new(),
        }
    }

    /// A call wants to be made. [`poll_turn`](Self::poll_turn) tells what comes of it, at once or later.
    pub(crate) fn ask(
        &mut self,
        bot: PublicId,
        token: TokenId,
        needs: Vec<BudgetKey>,
        now: Duration,
    ) -> CallNumber {
        let number = CallNumber(self.next);
        self.next += 1;
        let waiters = self.bots.entry(bot).or_default();
        if waiters.len() >= MOST_WAITING {
            let refusal = self.refusal(&needs, now);
            self.turns.push_back((number, Turn::Refused(refusal)));
            return number;
        }
        waiters.push(
            token,
            Waiting {
                number,
                needs,
                until: now + self.patience,
            },
        );
        self.look(bot, now);
        number
    }

    /// Nobody waits for this call any more.
    pub(crate) fn forget(&mut self, bot: PublicId, number: CallNumber, now: Duration) {
        if let Some(waiters) = self.bots.get_mut(&bot) {
            waiters.remove(number);
        }
        self.turns.retain(|(turn, _)| *turn != number);
        self.look(bot, now);
    }

    /// The platform said that this is used up.
    pub(crate) fn handle_limited(&mut self, key: &BudgetKey, pause: Duration, now: Duration) {
        if let Some(counted) = self.counted(key, now) {
            let until = now + pause.min(LONGEST_PAUSE);
            counted.paused_until = counted.paused_until.max(until);
        }
        self.look(key.bot, now);
    }

    /// Time has passed.
    pub(crate) fn handle_timeout(&mut self, bot: PublicId, now: Duration) {
        self.look(bot, now);
    }

    /// What came of a call, in the order in which it was decided.
    pub(crate) fn poll_turn(&mut self) -> Option<(CallNumber, Turn)> {
        self.turns.pop_front()
    }

    /// When to call [`handle_timeout`](Self::handle_timeout) for this bot.
    pub(crate) fn poll_timeout(&mut self, bot: PublicId, now: Duration) -> Option<Duration> {
        // Taken out, because the budgets are asked meanwhile.
        let waiters = self.bots.remove(&bot)?;
        let due = waiters.iter().map(|call| {
            let (free_at, _) = self.free_at(&call.needs, now);
            free_at.min(call.until)
        });
        let due = due.min();
        self.bots.insert(bot, waiters);
        due
    }

    /// Gives turns, one to each token, until no call can have one.
    fn look(&mut self, bot: PublicId, now: Duration) {
        // Taken out, because the budgets are asked meanwhile.
        let Some(mut waiters) = self.bots.remove(&bot) else {
            return;
        };
        self.refuse_hopeless(&mut waiters, now);
        let mut without_turn = 0;
        while without_turn < waiters.0.len() {
            let Some((token, mut calls)) = waiters.0.pop_front() else {
                break;
            };
            match self.first_with_room(&calls, now) {
                Some(at) => {
                    if let Some(call) = calls.remove(at) {
                        self.take(&call.needs, now);
                        self.turns.push_back((call.number, Turn::Go));
                    }
                    without_turn = 0;
                }
                None => without_turn += 1,
            }
            if !calls.is_empty() {
                waiters.0.push_back((token, calls));
            }
        }
        if !waiters.0.is_empty() {
            self.bots.insert(bot, waiters);
        }
    }

    /// Refuses those whose budgets have no room within their patience.
    fn refuse_hopeless(&mut self, waiters: &mut Waiters, now: Duration) {
        for (_, calls) in &mut waiters.0 {
            calls.retain(|call| {
                let (free_at, _) = self.free_at(&call.needs, now);
                if now < call.until && free_at <= call.until {
                    return true;
                }
                let refusal = self.refusal(&call.needs, now);
                let turn = (call.number, Turn::Refused(refusal));
                self.turns.push_back(turn);
                false
            });
        }
        waiters.0.retain(|(_, calls)| !calls.is_empty());
    }

    /// The first call of a token whose budgets have room, and which no earlier call of the token holds back.
    fn first_with_room(&mut self, calls: &VecDeque<Waiting>, now: Duration) -> Option<usize> {
        let mut held: HashSet<&BudgetKey> = HashSet::new();
        for (at, call) in calls.iter().enumerate() {
            let is_held = call.needs.iter().any(|need| held.contains(need));
            if !is_held && self.free_at(&call.needs, now).0 <= now {
                return Some(at);
            }
            held.extend(call.needs.iter().filter(|need| !need.is_api()));
        }
        None
    }

    fn take(&mut self, needs: &[BudgetKey], now: Duration) {
        for need in needs {
            if let Some(counted) = self.counted(need, now) {
                counted
                    .windows
                    .iter_mut()
                    .for_each(|window| window.take(now));
            }
        }
    }

    /// When all of them have room, and which is the last to have it.
    fn free_at(
        &mut self,
        needs: &[BudgetKey],
        now: Duration,
    ) -> (Duration, Option<(usize, Limit)>) {
        let mut latest = (now, None);
        for (at, need) in needs.iter().enumerate() {
            let Some(counted) = self.counted(need, now) else {
                continue;
            };
            let paused_until = counted.paused_until;
            for window in &mut counted.windows {
                let free_at = window.free_at(now).max(paused_until);
                if free_at > latest.0 {
                    latest = (free_at, Some((at, window.limit())));
                }
            }
        }
        latest
    }

    fn refusal(&mut self, needs: &[BudgetKey], now: Duration) -> RateRefusal {
        let (free_at, last) = self.free_at(needs, now);
        // Where all have room, others wait before it: then it is the call itself of which there are too many.
        let (at, limit) = last.unwrap_or_else(|| (0, needs[0].of.limits()[0]));
        RateRefusal {
            of: needs[at].of.clone(),
            limit,
            after: (free_at.saturating_sub(now)).max(Duration::from_millis(1)),
        }
    }

    fn counted(&mut self, key: &BudgetKey, now: Duration) -> Option<&mut Counted> {
        if self.counted.len() >= MOST_KEYS && !self.counted.contains_key(key) {
            self.counted.retain(|_, counted| !counted.is_idle(now));
            if self.counted.len() >= MOST_KEYS {
                return None;
            }
        }
        let counted = self.counted.entry(key.clone()).or_insert_with(|| Counted {
            windows: key.of.limits().iter().copied().map(Window::new).collect(),
            paused_until: Duration::ZERO,
        });
        Some(counted)
    }
}

impl Counted {
    fn is_idle(&mut self, now: Duration) -> bool {
        self.paused_until <= now && self.windows.iter_mut().all(|window| window.is_empty(now))
    }
}

#[cfg(test)]
mod tests;
