//! What was looked up lately: each fact once, for a while, the oldest forgotten where there are too many.

use std::collections::{HashMap, VecDeque};
use std::hash::Hash;
use std::time::{Duration, Instant};

use longwire_wire::view::Unavailable;

/// How long a reason is believed that may pass by itself: a timeout, a limit, a bot that is stopped.
const PASSING: Duration = Duration::from_secs(5);
/// How long a reason is believed that somebody has to remove: a scope that is missing.
const LASTING: Duration = Duration::from_secs(60);

/// How much is kept, and for how long.
#[derive(Clone, Copy, Debug)]
pub(super) struct KeptLimits {
    /// The most facts.
    pub(super) most: usize,
    /// What they may hold.
    pub(super) bytes: usize,
    /// How long a fact is believed.
    pub(super) age: Duration,
}

/// What was looked up lately, by whom and what was asked for.
#[derive(Debug)]
pub(super) struct Kept<K, T> {
    limits: KeptLimits,
    facts: HashMap<K, Fact<T>>,
    /// The keys in the order in which their facts came.
    order: VecDeque<K>,
    held_bytes: usize,
}

#[derive(Debug)]
struct Fact<T> {
    outcome: Result<T, Unavailable>,
    until: Instant,
    bytes: usize,
}

impl<K: Clone + Eq + Hash, T: Clone> Kept<K, T> {
    pub(super) fn new(limits: KeptLimits) -> Self {
        Self {
            limits,
            facts: HashMap::new(),
            order: VecDeque::new(),
            held_bytes: 0,
        }
    }

    /// What is known of it now.
    pub(super) fn get(&self, key: &K, now: Instant) -> Option<Result<T, Unavailable>> {
        let fact = self.facts.get(key)?;
        (now < fact.until).then(|| fact.outcome.clone())
    }

    /// Keeps what was found out. `bytes` is what it holds.
    pub(super) fn keep(
        &mut self,
        key: K,
        outcome: Result<T, Unavailable>,
        bytes: usize,
        now: Instant,
    ) {
        let age = match outcome {
            Ok(_) => self.limits.age,
            Err(why) => belief(why),
        };
        let fact = Fact {
            outcome,
            until: now + age,
            bytes,
        };
        self.held_bytes += bytes;
        match self.facts.insert(key.clone(), fact) {
            Some(before) => self.held_bytes -= before.bytes,
            None => self.order.push_back(key),
        }
        while self.facts.len() > self.limits.most || self.held_bytes > self.limits.bytes {
            let Some(oldest) = self.order.pop_front() else {
                break;
            };
            if let Some(fact) = self.facts.remove(&oldest) {
                self.held_bytes -= fact.bytes;
            }
        }
    }
}

/// How long a reason is believed.
fn belief(why: Unavailable) -> Duration {
    match why {
        Unavailable::Timeout
        | Unavailable::RateLimited
        | Unavailable::NotRunning
        | Unavailable::Failed => PASSING,
        Unavailable::NotFound
        | Unavailable::Recalled
        | Unavailable::NoPermission
        | Unavailable::NotSupported => LASTING,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const LIMITS: KeptLimits = KeptLimits {
        most: 2,
        bytes: 100,
        age: Duration::from_secs(600),
    };

    #[test]
    fn a_fact_is_believed_for_its_time() {
        let (mut kept, start) = (Kept::new(LIMITS), crate::clock::instant());
        kept.keep(1, Ok('a'), 1, start);
        kept.keep(2, Err(Unavailable::Timeout), 1, start);
        let at = |seconds| start + Duration::from_secs(seconds);
        assert_eq!(kept.get(&1, at(599)), Some(Ok('a')));
        assert_eq!(kept.get(&1, at(600)), None);
        assert_eq!(kept.get(&2, at(4)), Some(Err(Unavailable::Timeout)));
        assert_eq!(kept.get(&2, at(5)), None);
        kept.keep(2, Err(Unavailable::NoPermission), 1, at(5));
        assert_eq!(kept.get(&2, at(64)), Some(Err(Unavailable::NoPermission)));
        assert_eq!(kept.get(&2, at(65)), None);
    }

    #[test]
    fn the_oldest_make_room() {
        let (mut kept, now) = (Kept::new(LIMITS), crate::clock::instant());
        for key in 0..3 {
            kept.keep(key, Ok(key), 10, now);
        }
        assert_eq!(kept.get(&0, now), None);
        assert_eq!(kept.get(&2, now), Some(Ok(2)));
        kept.keep(3, Ok(3), 95, now);
        assert_eq!((kept.get(&2, now), kept.get(&3, now)), (None, Some(Ok(3))));
        kept.keep(3, Ok(4), 5, now);
        assert_eq!((kept.held_bytes, kept.order.len()), (5, 1));
        kept.keep(4, Ok(4), 101, now);
        assert_eq!(
            (kept.held_bytes, kept.facts.len(), kept.order.len()),
            (0, 0, 0)
        );
    }
}
