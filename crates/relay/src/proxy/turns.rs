//! Calls wait here for their turn. [`Budgets`] decides; whoever waits keeps the time.

use std::collections::HashMap;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use longwire_access::TokenId;
use longwire_installation::PublicId;
use tokio::sync::oneshot;
use tokio::time::{Instant, sleep_until};

use super::budgets::{BudgetKey, Budgets, CallNumber, RateRefusal, Turn};

/// How long a call waits for its turn. SDKs wait for seconds, people notice.
pub(crate) const PATIENCE: Duration = Duration::from_secs(2);

/// Whether calls wait for their turn.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Pacing {
    /// By the limits that the platform publishes.
    AsPublished,
    /// Never: a deployment of one's own may have no such limits.
    Off,
}

/// The turns of all calls of a process.
#[derive(Debug)]
pub(crate) struct Turns {
    pacing: Pacing,
    began: Instant,
    waiting: Mutex<Waiting>,
}

#[derive(Debug)]
struct Waiting {
    budgets: Budgets,
    tellers: HashMap<CallNumber, oneshot::Sender<Turn>>,
}

impl Turns {
    pub(crate) fn new(pacing: Pacing) -> Self {
        Self {
            pacing,
            began: Instant::now(),
            waiting: Mutex::new(Waiting {
                budgets: Budgets::new(PATIENCE),
                tellers: HashMap::new(),
            }),
        }
    }

    /// Waits until the call may be made.
    pub(crate) async fn turn(
        &self,
        bot: PublicId,
        token: TokenId,
        needs: Vec<BudgetKey>,
    ) -> Result<(), RateRefusal> {
        if self.pacing == Pacing::Off {
            return Ok(());
        }
        let (teller, mut told) = oneshot::channel();
        let number = {
            let now = self.now();
            let mut waiting = self.lock();
            let number = waiting.budgets.ask(bot, token, needs, now);
            waiting.tellers.insert(number, teller);
            waiting.tell();
            number
        };
        let _place = Place {
            turns: self,
            bot,
            number,
        };
        loop {
            let due = {
                let now = self.now();
                let mut waiting = self.lock();
                waiting.budgets.handle_timeout(bot, now);
                waiting.tell();
                waiting.budgets.poll_timeout(bot, now)
            };
            // Those that wait have a time; without one the turn was told.
            let due = self.began + due.unwrap_or_else(|| self.now() + PATIENCE);
            tokio::select! {
                biased;
                turn = &mut told => return match turn {
                    Ok(Turn::Refused(refusal)) => Err(refusal),
                    // The teller is dropped after it has told only.
                    Ok(Turn::Go) | Err(_) => Ok(()),
                },
                () = sleep_until(due) => {}
            }
        }
    }

    /// The platform said that this is used up.
    pub(crate) fn limited(&self, key: &BudgetKey, pause: Duration) {
        let now = self.now();
        let mut waiting = self.lock();
        waiting.budgets.handle_limited(key, pause, now);
        waiting.tell();
    }

    fn now(&self) -> Duration {
        self.began.elapsed()
    }

    fn lock(&self) -> MutexGuard<'_, Waiting> {
        // No step of it leaves it half changed for others.
        self.waiting.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Waiting {
    fn tell(&mut self) {
        while let Some((number, turn)) = self.budgets.poll_turn() {
            if let Some(teller) = self.tellers.remove(&number) {
                // Whoever waited may have gone.
                let _ = teller.send(turn);
            }
        }
    }
}

/// A call that waits, or has just had its turn.
struct Place<'a> {
    turns: &'a Turns,
    bot: PublicId,
    number: CallNumber,
}

impl Drop for Place<'_> {
    fn drop(&mut self) {
        let now = self.turns.now();
        let mut waiting = self.turns.lock();
        if waiting.tellers.remove(&self.number).is_some() {
            waiting.budgets.forget(self.bot, self.number, now);
            waiting.tell();
        }
    }
}
