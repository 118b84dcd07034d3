//! The verdict of a run: the platform's ledger against the store.
//!
//! What must be in the store is what was acknowledged, or, for a platform that asks for no ACK, what it has written to
//! a connection. It keeps the ids of the latest of them, and each of those is looked for in the store. All others are
//! compared by their number, which is as exact: the platform is the only source of events, and gives each
//! an id of its own. With nothing pending, lost or twice, as many ids recorded as pushed means all of them.

use serde::Serialize;

use super::PlatformCounts;
use super::recorded::RecordedIds;
use crate::outcome::RunOutcome;

/// What became of every event of a run.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub(crate) struct RunVerdict {
    pub(crate) pushed: u64,
    pub(crate) acked: u64,
    /// Written to us by a platform that asks for no ACK.
    pub(crate) delivered: u64,
    /// Rows of the store.
    pub(crate) recorded: u64,
    /// Acknowledged or delivered, and not in the store. The one number that must never be anything but 0.
    pub(crate) missing: u64,
    /// Rows beyond the first with one event id.
    pub(crate) twice: u64,
    /// Given up by the platform.
    pub(crate) lost: u64,
    /// Without a verdict when the time was over.
    pub(crate) pending: u64,
    /// Recorded, and never pushed.
    pub(crate) unknown: u64,
    /// Of the acknowledged and delivered, those looked for one by one.
    pub(crate) compared_by_id: u64,
}

impl RunVerdict {
    /// Compares.
    pub(crate) fn reach(ledger: &PlatformCounts, owed: &[String], recorded: &RecordedIds) -> Self {
        let distinct = recorded.rows() - recorded.twice();
        Self {
            pushed: ledger.pushed,
            acked: ledger.acked,
            delivered: ledger.delivered,
            recorded: recorded.rows(),
            missing: recorded
                .missing(owed)
                .max(ledger.owed().saturating_sub(distinct)),
            twice: recorded.twice(),
            lost: ledger.lost,
            pending: ledger.pending,
            unknown: distinct.saturating_sub(ledger.pushed),
            compared_by_id: owed.len() as u64,
        }
    }

    /// Adds that of another run.
    pub(crate) fn add(&mut self, other: &Self) {
        let Self {
            pushed,
            acked,
            delivered,
            recorded,
            missing,
            twice,
            lost,
            pending,
            unknown,
            compared_by_id,
        } = other;
        self.pushed += pushed;
        self.acked += acked;
        self.delivered += delivered;
        self.recorded += recorded;
        self.missing += missing;
        self.twice += twice;
        self.lost += lost;
        self.pending += pending;
        self.unknown += unknown;
        self.compared_by_id += compared_by_id;
    }

    /// What must be in the store is there once, nothing else is, and nothing was given up or is still on its way.
    pub(crate) fn is_good(&self) -> bool {
        [
            self.missing,
            self.twice,
            self.lost,
            self.pending,
            self.unknown,
        ] == [0; 5]
    }

    /// Of two runs together.
    pub(crate) fn and(mut self, other: &Self) -> Self {
        self.add(other);
        self
    }

    /// How a command with this verdict ends.
    pub(crate) fn outcome(&self) -> RunOutcome {
        if self.is_good() {
            RunOutcome::Passed
        } else {
            RunOutcome::Failed
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn reach(pushed: u64, acked: &[&str], recorded: &[&str]) -> RunVerdict {
        let ledger = PlatformCounts {
            pushed,
            acked: acked.len() as u64,
            pending: pushed - acked.len() as u64,
            ..PlatformCounts::default()
        };
        let acked: Vec<String> = acked.iter().map(|id| (*id).to_owned()).collect();
        RunVerdict::reach(&ledger, &acked, &RecordedIds::of(recorded))
    }

    #[test]
    fn everything_once_is_good() {
        let verdict = reach(2, &["a", "b"], &["b", "a"]);
        assert!(
            verdict.is_good() && verdict.outcome() == RunOutcome::Passed,
            "{verdict:?}"
        );
    }

    #[test]
    fn each_wrong_is_told_by_its_name() {
        let missing = reach(2, &["a", "b"], &["a", "c"]);
        assert_eq!((missing.missing, missing.is_good()), (1, false));
        let twice = reach(1, &["a"], &["a", "a"]);
        assert_eq!((twice.twice, twice.missing, twice.is_good()), (1, 0, false));
        let unknown = reach(1, &["a"], &["a", "b"]);
        assert_eq!((unknown.unknown, unknown.is_good()), (1, false));
        let pending = reach(2, &["a"], &["a", "b"]);
        assert_eq!((pending.pending, pending.is_good()), (1, false));
        assert_eq!(pending.outcome(), RunOutcome::Failed);
    }

    #[test]
    fn what_was_written_to_us_must_be_there_without_an_ack() {
        let ledger = PlatformCounts {
            pushed: 2,
            delivered: 2,
            ..PlatformCounts::default()
        };
        let reach = |recorded: &[&str]| {
            let delivered = ["a".to_owned(), "b".to_owned()];
            RunVerdict::reach(&ledger, &delivered, &RecordedIds::of(recorded))
        };
        let all = reach(&["b", "a"]);
        assert_eq!((all.acked, all.delivered, all.is_good()), (0, 2, true));
        assert_eq!(reach(&["a"]).missing, 1);
        // Not the one that was written.
        assert_eq!(reach(&["a", "c"]).missing, 1);
        assert_eq!(reach(&["a", "b", "b"]).twice, 1);
    }

    #[test]
    fn events_whose_ids_are_no_longer_known_are_compared_by_number() {
        let ledger = PlatformCounts {
            pushed: 3,
            acked: 3,
            ..PlatformCounts::default()
        };
        let verdict = RunVerdict::reach(&ledger, &["a".to_owned()], &RecordedIds::of(&["a", "b"]));
        assert_eq!((verdict.missing, verdict.compared_by_id), (1, 1));
    }
}
