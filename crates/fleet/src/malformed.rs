//! Counts input that could not be understood by kind, and logs one line per kind and minute.
//!
//! A platform that misbehaves sends the same input thousands of times. The first line says what it is, and later lines say
//! how often it came. The input itself is never logged.

use crate::bot::Bot;
use crate::clock::now;
use std::collections::BTreeMap;
use std::sync::atomic::Ordering::Relaxed;
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

/// At most one line per kind in this time, as the command's documentation says.
const LINE_EVERY: Duration = Duration::from_secs(60);

/// The counts by kind, and when each kind was logged last.
#[derive(Default)]
pub(crate) struct Malformed {
    kinds: Mutex<BTreeMap<&'static str, Seen>>,
}

#[derive(Default)]
struct Seen {
    count: u64,
    logged_at: Option<Instant>,
    unlogged: u64,
}

impl Malformed {
    /// Counts one of `kind` for its bot and for all, and logs it unless one was logged within the last minute. `next_step` is what an operator can do
    /// about it, if anything.
    pub(crate) fn count(
        &self,
        bot: &Bot,
        kind: &'static str,
        size_bytes: usize,
        next_step: Option<&'static str>,
    ) {
        bot.tally.malformed.fetch_add(1, Relaxed);
        if let Some(unlogged) = self.note(kind, now()) {
            tracing::warn!(
                kind,
                name = %bot.record().name,
                installation = bot.public_id,
                size_bytes,
                more_since_last = unlogged,
                next_step,
                "input of the platform not understood; counted"
            );
        }
    }

    /// Counts one. When it is time for a line, returns how many came since the last one.
    fn note(&self, kind: &'static str, now: Instant) -> Option<u64> {
        let mut kinds = self.kinds.lock().unwrap_or_else(PoisonError::into_inner);
        let seen = kinds.entry(kind).or_default();
        seen.count += 1;
        if seen
            .logged_at
            .is_some_and(|at| now.saturating_duration_since(at) < LINE_EVERY)
        {
            seen.unlogged += 1;
            return None;
        }
        seen.logged_at = Some(now);
        Some(std::mem::take(&mut seen.unlogged))
    }

    pub(crate) fn totals(&self) -> BTreeMap<&'static str, u64> {
        let kinds = self.kinds.lock().unwrap_or_else(PoisonError::into_inner);
        kinds
            .iter()
            .map(|(kind, seen)| (*kind, seen.count))
            .collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_one_is_counted_and_one_a_minute_is_logged() {
        let malformed = Malformed::default();
        let start = now();
        let second = |s| start + Duration::from_secs(s);
        assert_eq!(malformed.note("text", second(0)), Some(0));
        assert_eq!(malformed.note("text", second(1)), None);
        assert_eq!(malformed.note("text", second(59)), None);
        assert_eq!(
            malformed.note("frame", second(59)),
            Some(0),
            "kinds are apart"
        );
        assert_eq!(malformed.note("text", second(60)), Some(2));
        assert_eq!(malformed.totals()["text"], 4);
    }
}
