//! Has the event of a callback recorded, and waits for its receipt.

use super::super::Fleet;
use crate::bot::Bot;
use crate::callbacks::RecordFailure;
use crate::clock::now;
use crate::context::FleetContext;
use longwire_store::{Cause, Group, GroupReply, Receipt, Refusal, Rejected};
use longwire_wire::event::NewEvent;
use std::sync::atomic::Ordering::Relaxed;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};
use tokio::sync::oneshot;
use tokio::time::{sleep, timeout};

/// How soon an event that the writer had no room for is offered again at first. The writer commits several batches in this
/// time.
const OFFER_AGAIN: Duration = Duration::from_millis(3);
/// The longest pause between two offers: a writer that is stuck is not asked by hundreds of requests all the time.
const OFFER_RARELY: Duration = Duration::from_millis(200);

impl Fleet {
    /// Has an event recorded. `has_others` says whether others of its bot are with the writer. Waits as long as the platform
    /// waits for the answer.
    pub(super) async fn record_callback(
        &self,
        bot: &Bot,
        event: NewEvent,
        has_others: bool,
        since: Instant,
    ) -> Result<Receipt, RecordFailure> {
        let due = since + self.context.timing.answer_budget;
        let (answer, answered) = oneshot::channel();
        let group = Group {
            installation: bot.id,
            platform: Some(bot.platform()),
            events: vec![event],
            reply: Arc::new(WaitingRequest {
                fleet: Arc::clone(&self.context),
                answer: Mutex::new(Some(answer)),
            }),
        };
        self.submit_callback(group, has_others, due).await?;
        let left = due.saturating_duration_since(now());
        match timeout(left, answered).await {
            Ok(Ok(Ok(receipt))) => Ok(receipt),
            Ok(Ok(Err(cause))) => Err(RecordFailure::Refused(cause)),
            Ok(Err(_)) => Err(RecordFailure::Refused(Cause::WriterGone)),
            Err(_) => Err(RecordFailure::Late),
        }
    }

    /// Hands the group to the writer, again and again while that has no room.
    async fn submit_callback(
        &self,
        mut group: Group,
        has_others: bool,
        due: Instant,
    ) -> Result<(), RecordFailure> {
        let writer = &self.context.writer;
        let mut pause = OFFER_AGAIN;
        loop {
            let submitted = match has_others {
                true => writer.submit_more(group),
                false => writer.submit(group),
            };
            let Err(Rejected { group: back, why }) = submitted else {
                return Ok(());
            };
            match why {
                Refusal::Full if now() + pause < due => group = back,
                Refusal::Full => return Err(RecordFailure::Overload),
                Refusal::Stopped => {
                    return Err(RecordFailure::Refused(Cause::WriterGone));
                }
            }
            sleep(pause).await;
            pause = (pause * 2).min(OFFER_RARELY);
        }
    }
}

/// A request that waits for its receipt. Its client may have gone.
struct WaitingRequest {
    fleet: Arc<FleetContext>,
    answer: Mutex<Option<oneshot::Sender<Result<Receipt, Cause>>>>,
}

impl WaitingRequest {
    /// Whether somebody waited.
    fn answer(&self, answer: Result<Receipt, Cause>) -> bool {
        let waiting = self
            .answer
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .take();
        waiting.is_some_and(|waiting| waiting.send(answer).is_ok())
    }
}

impl GroupReply for WaitingRequest {
    fn recorded(&self, receipts: Vec<Receipt>) {
        // There is one event; a rule of the schema may have refused it.
        for receipt in receipts {
            if !self.answer(Ok(receipt)) {
                self.fleet.totals.late_receipts.fetch_add(1, Relaxed);
            }
        }
    }

    fn not_recorded(&self, _: Vec<u32>, cause: Cause) {
        self.answer(Err(cause));
    }
}
