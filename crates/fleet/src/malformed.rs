//! Input that could not be understood: counted by kind, and said in the log once a minute per kind.
//!
//! A platform that misbehaves sends the same nonsense thousands of times; the first one tells everything, the count
//! tells the rest. Nothing of the input itself is ever logged.

use crate::clock::now;
use std::collections::BTreeMap;
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

/// At most one line per kind in this time (the promise of the command's documentation).
const QUIET: Duration = Duration::from_secs(60);

/// Counts by kind, and when each was last said.
#[derive(Default)]
pub(crate) struct Malformed {
    kinds: Mutex<BTreeMap<&'static str, Seen>>,
}

#[derive(Default)]
struct Seen {
    count: u64,
    said_at: Option<Instant>,
    unsaid: u64,
}

impl Malformed {
    /// Counts one of `kind` from the installation named; says so unless it did within the last minute.
    pub(crate) fn count(&self, kind: &'static str, installation: &str, size_bytes: usize) {
        self.count_advised(kind, installation, size_bytes, None);
    }

    /// The same, for what an operator can do something about.
    pub(crate) fn count_advised(
        &self,
        kind: &'static str,
        installation: &str,
        size_bytes: usize,
        next_step: Option<&'static str>,
    ) {
        if let Some(unsaid) = self.note(kind, now()) {
            tracing::warn!(
                kind,
                installation,
                size_bytes,
                more_since_last = unsaid,
                next_step,
                "input of the platform not understood; counted"
            );
        }
    }

    /// Counts; answers how many were not said, when it is time to say it again.
    fn note(&self, kind: &'static str, now: Instant) -> Option<u64> {
        let mut kinds = self.kinds.lock().unwrap_or_else(PoisonError::into_inner);
        let seen = kinds.entry(kind).or_default();
        seen.count += 1;
        if seen
            .said_at
            .is_some_and(|at| now.saturating_duration_since(at) < QUIET)
        {
            seen.unsaid += 1;
            return None;
        }
        seen.said_at = Some(now);
        Some(std::mem::take(&mut seen.unsaid))
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
    fn every_one_is_counted_and_one_a_minute_is_said() {
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
