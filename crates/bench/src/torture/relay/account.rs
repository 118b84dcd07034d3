//! What became of every recorded event on its way to the handlers of an application.

use std::collections::{BTreeSet, HashMap};

use longwire_store::{EventQuery, ReadError, Reader, Source};
use serde::Serialize;

use crate::application::Note;
use crate::deliver::account::DeliveryAccount;
use crate::receiver::ReceivedCounts;
use crate::report::ReportRow;

/// Events read at a time.
const PAGE: usize = 1_000;

/// The notes held against the log.
#[derive(Debug, Default, Serialize)]
pub(in crate::torture) struct RelayAccount {
    /// How often an instance was killed.
    kills: u32,
    #[serde(flatten)]
    account: DeliveryAccount,
}

/// The number of every platform's event in the log, by its id.
pub(super) fn recorded_events(reader: &Reader) -> Result<HashMap<String, u64>, ReadError> {
    let mut recorded = HashMap::new();
    let mut after = None;
    loop {
        let page = reader.events(EventQuery {
            after,
            installations: None,
            limit: PAGE,
        })?;
        after = page.reached;
        for event in page.events {
            if event.source != Source::Operational
                && let (Some(id), Ok(seq)) = (event.event_id, u64::try_from(event.seq.0))
            {
                recorded.insert(String::from(id), seq);
            }
        }
        if !page.more {
            return Ok(recorded);
        }
    }
}

impl RelayAccount {
    /// Compares what is recorded with what handlers took, in this order.
    ///
    /// An instance may read an event from a connection whose gateway has died, after the next gateway gave it to the other
    /// instance, with its label. So it is not each repeat that has to be labelled, but each time but one.
    pub(super) fn reach(kills: u32, recorded: &HashMap<String, u64>, taken: &[Note]) -> Self {
        let mut counts = ReceivedCounts::default();
        let mut times: HashMap<&str, Times> = HashMap::new();
        let mut chats: HashMap<(&str, &str), u64> = HashMap::new();
        let mut unknown = 0;
        for note in taken {
            let times = times.entry(&note.event_id).or_default();
            times.all += 1;
            times.unlabelled += u64::from(!note.redelivered);
            if times.all > 1 {
                counts.repeats += 1;
                continue;
            }
            let Some(seq) = recorded.get(&note.event_id).copied() else {
                unknown += 1;
                continue;
            };
            let latest = chats.entry((&note.app, &note.chat)).or_insert(seq);
            if seq < *latest {
                counts.out_of_order += 1;
                counts.first_out_of_order.get_or_insert((seq, *latest));
            }
            *latest = seq.max(*latest);
        }
        let unlabelled = times.values().map(|times| times.unlabelled);
        counts.unlabelled = unlabelled.map(|many| many.saturating_sub(1)).sum();
        let numbers = times.keys().filter_map(|id| recorded.get(*id).copied());
        let received: Vec<u64> = numbers.collect();
        let all: BTreeSet<u64> = recorded.values().copied().collect();
        let mut account = DeliveryAccount::reach(&all, &received, &counts);
        account.unknown = unknown;
        Self { kills, account }
    }

    /// Each event reached a handler, in the order of its chat, and no repeat came without its label.
    pub(in crate::torture) fn is_good(&self) -> bool {
        self.account.is_good()
    }

    /// Lines of the table.
    pub(in crate::torture) fn rows(&self) -> Vec<ReportRow> {
        let Self { kills, account } = self;
        let taken = format!("{} of {} handled", account.received, account.recorded);
        vec![
            ReportRow::new(
                "application",
                format!("killed {kills} times"),
                "two instances in turn, connected as an official SDK connects",
            ),
            ReportRow::new(
                "relay",
                taken,
                format!("{} came again; {}", account.repeats, account.tell()),
            ),
        ]
    }
}

/// How often an event was taken.
#[derive(Default)]
struct Times {
    all: u64,
    /// Without a label.
    unlabelled: u64,
}

#[cfg(test)]
mod tests {
    use super::*;

    fn note(event_id: &str, chat: &str, redelivered: bool) -> Note {
        Note {
            app: "cli_0000000000000001".to_owned(),
            event_id: event_id.to_owned(),
            chat: chat.to_owned(),
            redelivered,
        }
    }

    fn reach(taken: &[Note]) -> DeliveryAccount {
        let recorded = [("a", 1), ("b", 2), ("c", 3)];
        let recorded = recorded.map(|(id, seq)| (id.to_owned(), seq)).into();
        RelayAccount::reach(1, &recorded, taken).account
    }

    #[test]
    fn all_of_them_is_good_also_with_labelled_repeats() {
        let good = reach(&[
            note("a", "1", false),
            note("c", "2", false),
            note("b", "1", true),
            note("b", "1", true),
            // Read late from the connection of a gateway that is gone.
            note("b", "1", false),
        ]);
        assert!(good.is_good(), "{good:?}");
        assert_eq!((good.received, good.repeats), (3, 2));
    }

    #[test]
    fn each_wrong_is_told_by_its_name() {
        let of_one = [note("a", "1", false), note("b", "1", false)];
        assert_eq!(reach(&of_one).missing, 1);
        let all = |more: &[Note]| [&of_one, &[note("c", "1", false)][..], more].concat();
        assert_eq!(reach(&all(&[note("a", "1", false)])).unlabelled, 1);
        assert_eq!(reach(&all(&[note("x", "1", false)])).unknown, 1);
        let late = [
            note("b", "1", false),
            note("a", "1", false),
            note("c", "2", false),
        ];
        assert_eq!(reach(&late).out_of_order, 1);
    }
}
