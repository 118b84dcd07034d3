//! The proof that an event is on disk, without which no acknowledgement can be built.
//!
//! A [`Receipt`] is made in one place, [`Committed::answers`], from what an engine says of a transaction that is durable.
//! Its fields are private, it has no constructor, and it cannot be copied: one commit, one receipt, one acknowledgement.
//!
//! It can be had and handed on:
//! ```
//! use longwire_store::Receipt;
//! fn hand_on(receipt: Receipt) -> (Receipt, u32) {
//!     let ticket = receipt.ticket();
//!     (receipt, ticket)
//! }
//! ```
//! but not cloned:
//! ```compile_fail,E0599
//! use longwire_store::Receipt;
//! fn hand_on(receipt: Receipt) -> (Receipt, u32) {
//!     let ticket = receipt.ticket();
//!     (receipt.clone(), ticket)
//! }
//! ```
//! and not made up, whatever is known of its fields:
//! ```compile_fail,E0451
//! use longwire_store::Receipt;
//! fn hand_on(receipt: Receipt) -> (Receipt, u32) {
//!     let ticket = receipt.ticket();
//!     (Receipt { ticket, outcome: receipt.outcome() }, ticket)
//! }
//! ```

use longwire_wire::event::{DurableProof, NewEvent, Seq};
use longwire_wire::identity::Tier;

/// What the log made of an event. Either way it is on disk.
#[derive(Copy, Clone, Debug, Eq, PartialEq)]
pub enum RecordOutcome {
    /// It was new, and is recorded under this number.
    Recorded(Seq),
    /// It was recorded before.
    Repeat {
        /// The number of the earlier one.
        of: Seq,
        /// The key by which it was recognized.
        tier: Tier,
    },
}

/// Proof that the event of one ticket is durably recorded.
#[derive(Debug)]
#[must_use = "an event with a receipt is owed an acknowledgement"]
pub struct Receipt {
    ticket: u32,
    outcome: RecordOutcome,
}

impl Receipt {
    /// The asker's number for the event.
    pub fn ticket(&self) -> u32 {
        self.ticket
    }

    /// What the log made of it.
    pub fn outcome(&self) -> RecordOutcome {
        self.outcome
    }
}

impl DurableProof for Receipt {
    fn ticket(&self) -> u32 {
        self.ticket
    }

    fn repeat(&self) -> Option<Tier> {
        match self.outcome {
            RecordOutcome::Recorded(_) => None,
            RecordOutcome::Repeat { tier, .. } => Some(tier),
        }
    }

    fn seq(&self) -> Seq {
        match self.outcome {
            RecordOutcome::Recorded(seq) | RecordOutcome::Repeat { of: seq, .. } => seq,
        }
    }
}

/// What became of one group of a committed batch.
#[derive(Debug, Default)]
pub(crate) struct GroupOutcome {
    pub(crate) receipts: Vec<Receipt>,
    /// Tickets of events that a rule of the schema refused, with the rule's words.
    pub(crate) poisoned: Vec<(u32, String)>,
}

/// What became of one event of a committed transaction.
#[derive(Debug)]
pub(crate) enum EventOutcome {
    Recorded(RecordOutcome),
    /// Refused by a rule of the schema, in the rule's words.
    Poison(String),
}

/// A batch is durable. Only an engine makes one, and each of them in a single place, behind its commit.
#[derive(Debug)]
#[must_use = "whoever submitted the batch waits for its receipts"]
pub(crate) struct Committed {
    outcomes: Vec<EventOutcome>,
}

impl Committed {
    /// The transaction was committed, and will be found after a crash; an outcome for each event of the batch, in order.
    pub(crate) fn after_commit(outcomes: Vec<EventOutcome>) -> Self {
        Self { outcomes }
    }

    /// The outcome of each event.
    pub(crate) fn outcomes(&self) -> &[EventOutcome] {
        &self.outcomes
    }

    /// Makes the receipts; an element for each group of the batch, whose events are given in its order.
    pub(crate) fn answers<'a>(
        &self,
        groups: impl ExactSizeIterator<Item = &'a [NewEvent]> + Clone,
    ) -> Vec<GroupOutcome> {
        let events: usize = groups.clone().map(<[NewEvent]>::len).sum();
        // A receipt for the wrong event would be worse than none.
        assert_eq!(self.outcomes.len(), events, "an outcome for each event");
        let mut outcomes = self.outcomes.iter();
        groups
            .map(|events| {
                let mut group = GroupOutcome {
                    receipts: Vec::with_capacity(events.len()),
                    poisoned: Vec::new(),
                };
                for (event, outcome) in events.iter().zip(&mut outcomes) {
                    match outcome {
                        EventOutcome::Recorded(outcome) => group.receipts.push(Receipt {
                            ticket: event.ticket,
                            outcome: *outcome,
                        }),
                        EventOutcome::Poison(rule) => {
                            group.poisoned.push((event.ticket, rule.clone()));
                        }
                    }
                }
                group
            })
            .collect()
    }
}

#[cfg(test)]
mod tests {
    use std::fs;
    use std::path::Path;

    /// Whoever adds a place that vouches for a commit has to come here and say so.
    #[test]
    fn each_engine_vouches_for_its_commits_in_one_place() {
        fn count(directory: &Path, found: &mut Vec<(String, usize)>) {
            for entry in fs::read_dir(directory).expect("readable") {
                let path = entry.expect("an entry").path();
                if path.is_dir() {
                    count(&path, found);
                } else {
                    let text = fs::read_to_string(&path).unwrap_or_default();
                    let calls = text
                        .matches(concat!("Committed::", "after_commit("))
                        .count();
                    if calls > 0 {
                        found.push((path.display().to_string(), calls));
                    }
                }
            }
        }
        let source = Path::new(env!("CARGO_MANIFEST_DIR")).join("src");
        let mut found = Vec::new();
        count(&source, &mut found);
        found.sort();
        // The second one is told of a commit of the first by the process that made it.
        let expected = [
            "forwarding/engine.rs",
            "sqlite/engine.rs",
            "store/tests/memory/engine.rs",
        ];
        let expected = expected.map(|file| (source.join(file).display().to_string(), 1));
        assert_eq!(found, expected);
    }
}
