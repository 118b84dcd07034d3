//! The proof that an event is on disk, without which no acknowledgement can be built.
//!
//! A [`Receipt`] is made in one place, [`record`], from the verdicts of a transaction whose COMMIT
//! has returned, on a file that is still the one its path names. Its fields are private, it has no
//! constructor, and it cannot be copied: one commit, one receipt, one acknowledgement.
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

use longwire_wire::identity::Tier;

use crate::displacement::InHand;
use crate::failure::Failure;
use crate::sqlite::installations::keep_displacement;
use crate::sqlite::log::Log;
use crate::sqlite::record::{EventOutcome, insert};
use crate::sqlite::timeline::TimelineBuffer;
use crate::write_queue::Queued;
use crate::{Seq, TimelineEntry};

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

/// What became of one group of a committed batch.
#[derive(Debug, Default)]
pub(crate) struct GroupOutcome {
    pub(crate) receipts: Vec<Receipt>,
    /// Tickets of events that a rule of the schema refused, with the rule's words.
    pub(crate) poisoned: Vec<(u32, String)>,
}

/// Records the groups, then the notes and who has which bot, in one transaction; an element per group comes back.
pub(crate) fn record(
    log: &mut Log,
    groups: &[Queued],
    notes: &[TimelineEntry],
    displacements: &InHand<'_>,
    timeline: &mut TimelineBuffer,
) -> Result<Vec<GroupOutcome>, Failure> {
    let outcomes = log.record(|connection, index| {
        let outcomes = insert(connection, index, groups)?;
        timeline.write(connection, notes)?;
        for displacement in displacements.iter() {
            keep_displacement(connection, displacement)?;
        }
        Ok::<_, Failure>(outcomes)
    })?;
    // COMMIT has returned, and the file is in its place: from here on, and only here, receipts are
    // true.
    let mut outcomes = outcomes.into_iter();
    Ok(groups
        .iter()
        .map(|queued| {
            let mut group = GroupOutcome {
                receipts: Vec::with_capacity(queued.group.events.len()),
                poisoned: Vec::new(),
            };
            for (event, outcome) in queued.group.events.iter().zip(&mut outcomes) {
                match outcome {
                    EventOutcome::Recorded(outcome) => group.receipts.push(Receipt {
                        ticket: event.ticket,
                        outcome,
                    }),
                    EventOutcome::Poison(rule) => group.poisoned.push((event.ticket, rule)),
                }
            }
            group
        })
        .collect())
}
