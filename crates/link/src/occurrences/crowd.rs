//! Bots with the same trouble at the same time: the first few are told one by one, the others together.

use std::collections::BTreeMap;
use std::time::Instant;

use super::{Occurrence, OccurrenceKind, OccurrenceLimits};

/// The crowds of all kinds and reasons. There are as many as reasons at most, some fifty per kind.
#[derive(Debug, Default)]
pub(super) struct Crowds(BTreeMap<(OccurrenceKind, &'static str), Crowd>);

/// What came of one kind and reason within one span.
#[derive(Debug)]
struct Crowd {
    since: Instant,
    /// How many were told one by one.
    alone: u32,
    /// How many were not.
    others: u64,
}

/// Those of a crowd that are told together.
#[derive(Debug)]
pub(super) struct Others {
    kind: OccurrenceKind,
    reason: &'static str,
    count: u64,
}

impl Crowds {
    /// One more bot; says whether it is told alone.
    pub(super) fn join(
        &mut self,
        kind: OccurrenceKind,
        reason: &'static str,
        now: Instant,
        limits: &OccurrenceLimits,
    ) -> bool {
        let crowd = self.0.entry((kind, reason)).or_insert(Crowd {
            since: now,
            alone: 0,
            others: 0,
        });
        if crowd.alone < limits.one_by_one {
            crowd.alone += 1;
            return true;
        }
        crowd.others += 1;
        false
    }

    /// The crowds whose span is over. While bots go on joining one, it is told once per span, and nobody of it alone.
    pub(super) fn take_due(&mut self, now: Instant, limits: &OccurrenceLimits) -> Vec<Others> {
        let mut due = Vec::new();
        self.0.retain(|&(kind, reason), crowd| {
            if now.saturating_duration_since(crowd.since) < limits.span {
                return true;
            }
            let count = std::mem::take(&mut crowd.others);
            if count == 0 {
                return false;
            }
            crowd.since = now;
            crowd.alone = limits.one_by_one;
            due.push(Others {
                kind,
                reason,
                count,
            });
            true
        });
        due
    }
}

impl Others {
    /// What is told of them.
    pub(super) fn told_at(self, at_ms: i64) -> Occurrence {
        let Self {
            kind,
            reason,
            count,
        } = self;
        Occurrence {
            number: 0,
            kind,
            installation: None,
            installations: Some(count),
            at_ms,
            reason,
            detail: format!(
                "{count} {}, for the reason \"{reason}\". The list of installations has them.",
                kind.of_many()
            ),
        }
    }
}
