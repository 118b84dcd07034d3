//! How often something was done within the last second and minute.

use std::collections::{HashMap, VecDeque};
use std::time::{Duration, Instant};

use crate::api_call::ApiCall;

const SECOND: Duration = Duration::from_secs(1);
const MINUTE: Duration = Duration::from_secs(60);
/// When more things than this are counted, those that nobody did for a minute are forgotten.
const THINGS_KEPT: usize = 10_000;

/// What is counted.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(crate) enum RateOf {
    /// Messages in a chat.
    Chat(String),
    /// Changes of a message.
    Message(String),
    /// Changes of a card entity.
    Card(String),
    /// Calls of one kind by an app.
    Call(String, ApiCall),
}

/// How often it may be done; 0 is as often as one likes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct RateLimit {
    pub(crate) per_second: usize,
    pub(crate) per_minute: usize,
}

impl RateLimit {
    pub(crate) fn per_second(per_second: usize) -> Self {
        Self {
            per_second,
            per_minute: 0,
        }
    }
}

/// It was done too often.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct TooOften {
    /// The limit that was reached.
    pub(crate) limit: usize,
    /// When it may be done again.
    pub(crate) wait: Duration,
}

/// When things were done.
#[derive(Debug, Default)]
pub(crate) struct Rates {
    done: HashMap<RateOf, VecDeque<Instant>>,
}

impl Rates {
    /// Counts one more, if the limit allows it.
    pub(crate) fn admit(
        &mut self,
        of: RateOf,
        limit: RateLimit,
        now: Instant,
    ) -> Result<(), TooOften> {
        if limit.per_second == 0 && limit.per_minute == 0 {
            return Ok(());
        }
        if self.done.len() >= THINGS_KEPT {
            let is_recent = |at: &Instant| now.saturating_duration_since(*at) < MINUTE;
            self.done
                .retain(|_, done| done.back().is_some_and(is_recent));
        }
        let done = self.done.entry(of).or_default();
        let longest = if limit.per_minute > 0 { MINUTE } else { SECOND };
        while done
            .front()
            .is_some_and(|at| now.saturating_duration_since(*at) >= longest)
        {
            done.pop_front();
        }
        for (most, within) in [(limit.per_second, SECOND), (limit.per_minute, MINUTE)] {
            // The one that has to be over before one more fits.
            let blocking = done
                .len()
                .checked_sub(most.max(1))
                .and_then(|at| done.get(at));
            let over = blocking.map(|at| *at + within);
            if most > 0 && over.is_some_and(|over| over > now) {
                let wait = over.map_or(Duration::ZERO, |over| over.saturating_duration_since(now));
                return Err(TooOften { limit: most, wait });
            }
        }
        done.push_back(now);
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn both_windows_hold() {
        let mut rates = Rates::default();
        let limit = RateLimit {
            per_second: 2,
            per_minute: 3,
        };
        let start = Instant::now();
        let mut at = |ms| {
            let of = RateOf::Chat("oc_1".to_owned());
            rates.admit(of, limit, start + Duration::from_millis(ms))
        };
        assert_eq!((at(0), at(100)), (Ok(()), Ok(())));
        let (limit, wait) = (2, Duration::from_millis(800));
        assert_eq!(at(200), Err(TooOften { limit, wait }));
        assert_eq!(at(1_000), Ok(()));
        let (limit, wait) = (3, Duration::from_millis(57_900));
        assert_eq!(at(2_100), Err(TooOften { limit, wait }));
        assert_eq!(at(60_000), Ok(()));
    }
}
