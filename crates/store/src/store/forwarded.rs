//! Records a batch of another process.

use std::sync::Arc;
use std::time::{Duration, Instant};

use crossbeam_channel::{Receiver, Sender, unbounded};

use crate::cause::{Cause, Failure};
use crate::forwarding::bytes::{Answer, decode_batch, encode_answer};
use crate::group::{Group, GroupReply};
use crate::receipt::{EventOutcome, Receipt, RecordOutcome};
use crate::store::Store;
use crate::write_queue::{Refusal, Rejected, Writer};

/// How long a batch is waited for. Longer than a write lock is (1 s) and than its events may wait for an answer (2.5 s), so that
/// what is given up here is given up there already.
const PATIENCE: Duration = Duration::from_secs(4);
/// How often a group that finds no room in the queue is offered again.
const ROOM_TRY: Duration = Duration::from_millis(2);
/// What the process that forwarded hears of an event that a rule refused. The rule's words are in this process's log.
const POISON: &str =
    "a rule of the schema refuses it; the log of the process that had the store has the rule";

/// What became of some events of the batch, by their tickets.
enum Told {
    Recorded(Vec<(u32, RecordOutcome)>),
    NotRecorded(Vec<u32>, Cause),
}

/// Passes on what becomes of a group.
struct Teller(Sender<Told>);

impl GroupReply for Teller {
    fn recorded(&self, receipts: Vec<Receipt>) {
        let outcomes = receipts
            .iter()
            .map(|receipt| (receipt.ticket(), receipt.outcome()));
        // Nobody listens any more when the patience was over.
        let _ = self.0.send(Told::Recorded(outcomes.collect()));
    }

    fn not_recorded(&self, tickets: Vec<u32>, cause: Cause) {
        let _ = self.0.send(Told::NotRecorded(tickets, cause));
    }
}

impl Store {
    /// Records a batch that another process forwards ([`Forward`](crate::Forward)), and returns the answer for it. Waits until
    /// the batch is durable, or 4 s: call it on a thread that may block.
    ///
    /// Bytes that are no batch are answered with a failure, and change nothing.
    #[must_use]
    pub fn record_forwarded(&self, batch: &[u8]) -> Vec<u8> {
        let answer = match decode_batch(batch) {
            Ok(groups) => {
                let (teller, told) = unbounded();
                let reply = Arc::new(Teller(teller));
                let groups = groups.into_iter().map(|(owner, events)| Group {
                    installation: owner.installation,
                    platform: owner.platform,
                    events,
                    reply: Arc::clone(&reply) as Arc<dyn GroupReply>,
                });
                record(&self.writer(), groups.collect(), &told)
            }
            Err(error) => Answer::Failed(Failure::new(Cause::Other, error.to_string())),
        };
        encode_answer(&answer)
    }
}

fn record(writer: &Writer, groups: Vec<Group>, told: &Receiver<Told>) -> Answer {
    let until = Instant::now() + PATIENCE;
    let events: usize = groups.iter().map(|group| group.events.len()).sum();
    for group in groups {
        match submit(writer, group, until) {
            Ok(()) => {}
            Err(Refusal::Stopped) => return Answer::Ended,
            Err(Refusal::Full) => return Answer::Failed(overdue()),
        }
    }
    let mut outcomes: Vec<Option<EventOutcome>> = (0..events).map(|_| None).collect();
    let mut left = events;
    let mut failure = None;
    let mut place = |ticket: u32, outcome: EventOutcome| {
        let place = outcomes.get_mut(ticket as usize);
        *place.expect("tickets are numbers of events") = Some(outcome);
    };
    while left > 0 {
        match told.recv_deadline(until) {
            Ok(Told::Recorded(of_group)) => {
                left -= of_group.len();
                for (ticket, outcome) in of_group {
                    place(ticket, EventOutcome::Recorded(outcome));
                }
            }
            Ok(Told::NotRecorded(tickets, cause)) => {
                left -= tickets.len();
                for ticket in tickets {
                    place(ticket, EventOutcome::Poison(POISON.to_owned()));
                }
                if cause != Cause::Poison {
                    failure = Some(Failure::new(
                        cause,
                        "the process that has the store says so",
                    ));
                }
            }
            Err(_) => return Answer::Failed(overdue()),
        }
    }
    match (failure, outcomes.into_iter().collect()) {
        (Some(failure), _) => Answer::Failed(failure),
        (None, Some(outcomes)) => Answer::Recorded(outcomes),
        // A ticket was told twice, and another one not.
        (None, None) => Answer::Failed(overdue()),
    }
}

/// Offers a group until there is room for it.
fn submit(writer: &Writer, mut group: Group, until: Instant) -> Result<(), Refusal> {
    loop {
        match writer.submit(group) {
            Ok(()) => return Ok(()),
            Err(Rejected {
                group: back,
                why: Refusal::Full,
            }) if Instant::now() < until => {
                group = back;
                std::thread::sleep(ROOM_TRY);
            }
            Err(Rejected { why, .. }) => return Err(why),
        }
    }
}

fn overdue() -> Failure {
    Failure::new(
        Cause::Stalled,
        format!("the batch was not recorded within {} s", PATIENCE.as_secs()),
    )
}
