//! Whether who reads a stream or waits for an answer is still admitted.
//!
//! A token may be revoked or expire while a request is open. Such a request asks again before each piece of its answer and once a
//! second, so that it ends within a second, whether or not there is something to answer.

use std::time::Duration;

use longwire_listener::{Caller, Problem};
use tokio::time::{Interval, MissedTickBehavior, interval};

use crate::problem_code::ProblemCode;

/// How often a request that stays open asks. One question is a look into memory.
const PERIOD: Duration = Duration::from_secs(1);

/// Who sent a request that stays open.
pub(crate) struct Admission {
    caller: Caller,
    ticks: Interval,
}

impl Admission {
    pub(crate) fn new(caller: Caller) -> Self {
        let mut ticks = interval(PERIOD);
        ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
        Self { caller, ticks }
    }

    /// Whether the token is valid still.
    pub(crate) fn holds(&self) -> bool {
        self.caller.is_still_admitted()
    }

    /// Returns when the token is not valid any more.
    pub(crate) async fn ended(&mut self) {
        while self.caller.is_still_admitted() {
            self.ticks.tick().await;
        }
    }
}

/// Refuses an answer that was waited for if the token is not valid any more.
///
/// # Errors
/// 401.
pub(crate) fn check(caller: &Caller) -> Result<(), Problem> {
    match caller.is_still_admitted() {
        true => Ok(()),
        false => Err(ended()),
    }
}

/// The answer to who waited until their token was not valid any more.
pub(crate) fn ended() -> Problem {
    ProblemCode::TokenRefused.problem("the token is no longer valid")
}
