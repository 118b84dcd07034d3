//! What became of every recorded event on its way to an application.

use std::collections::BTreeSet;

use longwire_store::{EventQuery, ReadError, Reader};
use serde::Serialize;

use crate::receiver::ReceivedCounts;

/// Events read at a time.
const PAGE: usize = 1_000;

/// The ledger of one application held against the store, or those of several together.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub(crate) struct DeliveryAccount {
    /// Events that the application had to receive.
    pub(crate) recorded: u64,
    /// Of these, those that it took.
    pub(crate) received: u64,
    /// Recorded, and never taken.
    pub(crate) missing: u64,
    /// Taken, and not recorded.
    pub(crate) unknown: u64,
    /// Events that came again.
    pub(crate) repeats: u64,
    /// Of these, those that do not say so.
    pub(crate) unlabelled: u64,
    /// Repeats under another id.
    pub(crate) other_id: u64,
    /// First deliveries after that of a later event of the same chat.
    pub(crate) out_of_order: u64,
    /// The number of the first of these, and that of the later event before it.
    pub(crate) first_out_of_order: Option<(u64, u64)>,
    /// Signatures that do not fit.
    pub(crate) unverified: u64,
    /// Bodies without an event.
    pub(crate) malformed: u64,
}

impl DeliveryAccount {
    /// Compares what is recorded with what an application received.
    pub(crate) fn reach(
        recorded: &BTreeSet<u64>,
        received: &[u64],
        counts: &ReceivedCounts,
    ) -> Self {
        let known = received.iter().filter(|seq| recorded.contains(seq)).count() as u64;
        Self {
            recorded: recorded.len() as u64,
            received: known,
            missing: recorded.len() as u64 - known,
            unknown: received.len() as u64 - known,
            repeats: counts.repeats,
            unlabelled: counts.unlabelled,
            other_id: counts.other_id,
            out_of_order: counts.out_of_order,
            first_out_of_order: counts.first_out_of_order,
            unverified: counts.unverified,
            malformed: counts.malformed,
        }
    }

    /// Adds that of another application.
    pub(crate) fn add(&mut self, other: &Self) {
        let Self {
            recorded,
            received,
            missing,
            unknown,
            repeats,
            unlabelled,
            other_id,
            out_of_order,
            first_out_of_order,
            unverified,
            malformed,
        } = other;
        self.recorded += recorded;
        self.received += received;
        self.missing += missing;
        self.unknown += unknown;
        self.repeats += repeats;
        self.unlabelled += unlabelled;
        self.other_id += other_id;
        self.out_of_order += out_of_order;
        self.first_out_of_order = self.first_out_of_order.or(*first_out_of_order);
        self.unverified += unverified;
        self.malformed += malformed;
    }

    /// Each event was received, each repeat says so, and the order of each chat held.
    pub(crate) fn is_good(&self) -> bool {
        [
            self.missing,
            self.unknown,
            self.unlabelled,
            self.other_id,
            self.out_of_order,
            self.unverified,
            self.malformed,
        ] == [0; 7]
    }

    /// In words.
    pub(crate) fn tell(&self) -> String {
        let first = self
            .first_out_of_order
            .map_or_else(String::new, |(seq, later)| {
                format!(" (the first: {seq} after {later})")
            });
        format!(
            "missing {}, never recorded {}, repeats without a label {}, under another id {}, out of order {}{first}, unsigned \
             {}, unreadable {}",
            self.missing,
            self.unknown,
            self.unlabelled,
            self.other_id,
            self.out_of_order,
            self.unverified,
            self.malformed,
        )
    }
}

/// The numbers of all events of platforms from this one on; events of longwire itself are left out.
pub(crate) fn recorded_from(reader: &Reader, first: u64) -> Result<BTreeSet<u64>, ReadError> {
    let mut recorded = BTreeSet::new();
    let mut after = None;
    loop {
        let page = reader.events(EventQuery {
            after,
            installations: None,
            limit: PAGE,
        })?;
        after = page.reached;
        let platforms = page.events.iter().filter(|event| event.platform.is_some());
        let seqs = platforms.filter_map(|event| u64::try_from(event.seq.0).ok());
        recorded.extend(seqs.filter(|seq| *seq >= first));
        if !page.more {
            return Ok(recorded);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn account(received: &[u64], counts: ReceivedCounts) -> DeliveryAccount {
        DeliveryAccount::reach(&BTreeSet::from([1, 2, 3]), received, &counts)
    }

    #[test]
    fn all_of_them_is_good_also_with_labelled_repeats() {
        let counts = ReceivedCounts {
            repeats: 2,
            ..ReceivedCounts::default()
        };
        let account = account(&[1, 2, 3], counts);
        assert!(account.is_good(), "{account:?}");
        assert_eq!((account.received, account.repeats), (3, 2));
    }

    #[test]
    fn each_wrong_is_told_by_its_name() {
        let none = ReceivedCounts::default;
        assert_eq!(account(&[1, 3], none()).missing, 1);
        assert_eq!(account(&[1, 2, 3, 4], none()).unknown, 1);
        type Wrong = fn(&mut ReceivedCounts) -> &mut u64;
        let wrongs: [Wrong; 5] = [
            |counts| &mut counts.unlabelled,
            |counts| &mut counts.other_id,
            |counts| &mut counts.out_of_order,
            |counts| &mut counts.unverified,
            |counts| &mut counts.malformed,
        ];
        for wrong in wrongs {
            let mut counts = none();
            *wrong(&mut counts) = 1;
            let account = account(&[1, 2, 3], counts);
            assert!(!account.is_good(), "{account:?}");
            assert!(account.tell().contains(" 1"), "{}", account.tell());
        }
    }
}
