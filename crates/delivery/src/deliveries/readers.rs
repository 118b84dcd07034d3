//! Pull readers and streams.

use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use longwire_access::Space;
use longwire_actor::Mailbox;
use longwire_consumer::{EventId, Expansions, Road, StoreTag};
use longwire_wire::event::Seq;
use tokio::sync::{mpsc, oneshot};

use super::changes::DURABLE_WITHIN;
use super::{AckError, ClaimError, ClaimedAnswerError, Deliveries, StreamError};
use crate::consumer::ConsumerEntry;
use crate::consumer::{
    Acknowledge, Acknowledged, AnswerEvent, Claim, ClaimedEvent, Consumer, GiveBack, OpenStream,
    STREAMS,
};
use longwire_actor::Asked;

/// Deliveries that one call may claim.
const CLAIMS: usize = 1_000;
/// How long a reader may wait for events.
const WAIT: Duration = Duration::from_secs(60);

/// Which events a reader is done with.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum AcknowledgedEvents {
    /// These.
    Events(Vec<EventId>),
    /// All that were handed over up to this one, in the order in which they were handed over.
    Through(EventId),
}

impl Deliveries {
    /// Gives a pull reader what there is, at most so many deliveries (1,000 at most), or waits for it (60 s at most). A reader
    /// with a name gets the chats that it had before. `expand` is looked up beside what the consumer's definition names. No event
    /// is no error.
    pub async fn claim(
        &self,
        space: &Space,
        name: &str,
        reader: Option<String>,
        limit: usize,
        wait: Duration,
        expand: Expansions,
    ) -> Result<Vec<ClaimedEvent>, ClaimError> {
        let entry = self.inner.index.find(space, name);
        let entry = entry.ok_or(ClaimError::Unknown)?;
        match entry.definition().road {
            Road::Pull => {}
            Road::Webhook(_) | Road::Stream { .. } | Road::Relay(_) => {
                return Err(ClaimError::OtherRoad);
            }
        }
        let gone = || ClaimError::NotRunning {
            why: entry.why_not(),
        };
        let mailbox = entry.running().await.ok_or_else(gone)?;
        let (answer, events) = oneshot::channel();
        mailbox.send(Claim {
            reader,
            limit: limit.clamp(1, CLAIMS),
            wait: wait.min(WAIT),
            expand,
            answer,
        });
        events.await.map_err(|_| gone())
    }

    /// A reader of a pull or a stream is done with events. Returns how many of them were open, when that is on disk.
    pub async fn ack(
        &self,
        space: &Space,
        name: &str,
        acked: AcknowledgedEvents,
    ) -> Result<usize, AckError> {
        let (entry, mailbox) = self.reader_of(space, name).await?;
        let events = match acked {
            AcknowledgedEvents::Events(ids) => Acknowledged::Events(self.seqs(&ids)?),
            AcknowledgedEvents::Through(id) => Acknowledged::Through(self.seq(id)?),
        };
        let (answer, done) = oneshot::channel();
        mailbox.send(Acknowledge { events, answer });
        match tokio::time::timeout(DURABLE_WITHIN, done).await {
            Ok(Ok(done)) => Ok(done),
            Ok(Err(_)) => Err(AckError::NotRunning {
                why: entry.why_not(),
            }),
            Err(_) => Err(AckError::NotDurable),
        }
    }

    /// A reader gives events back, which come again after `delay`, or after the usual delay. Events of one batch go back together.
    /// Returns how many deliveries ended by that.
    pub async fn nack(
        &self,
        space: &Space,
        name: &str,
        ids: &[EventId],
        delay: Option<Duration>,
    ) -> Result<usize, AckError> {
        let (entry, mailbox) = self.reader_of(space, name).await?;
        let events = self.seqs(ids)?;
        match mailbox
            .ask(GiveBack { events, delay }, DURABLE_WITHIN)
            .await
        {
            Asked::Answered(ended) => Ok(ended),
            Asked::Gone | Asked::NoAnswer => Err(AckError::NotRunning {
                why: entry.why_not(),
            }),
        }
    }

    /// A reader answers an event that it has: a click on a card, or with a reply. It has to be acknowledged all the same.
    pub async fn answer(
        &self,
        space: &Space,
        name: &str,
        id: EventId,
        answer: Bytes,
    ) -> Result<(), ClaimedAnswerError> {
        let entry = self.inner.index.find(space, name);
        let entry = entry.ok_or(ClaimedAnswerError::Unknown)?;
        let gone = || ClaimedAnswerError::NotRunning {
            why: entry.why_not(),
        };
        let seq = id.seq_in(self.tag());
        let seq = seq.ok_or(ClaimedAnswerError::ForeignEvent { id })?;
        let mailbox = entry.running().await.ok_or_else(gone)?;
        match mailbox
            .ask(AnswerEvent { seq, answer }, DURABLE_WITHIN)
            .await
        {
            Asked::Answered(answered) => {
                answered.map_err(|why| ClaimedAnswerError::Refused { why })
            }
            Asked::Gone | Asked::NoAnswer => Err(gone()),
        }
    }

    /// Opens a stream of a consumer: chunks of `text/event-stream`, of which the last one is an event `shutdown` if the process
    /// ends. With implicit acknowledgements everything up to `last` is done.
    pub async fn open_stream(
        &self,
        space: &Space,
        name: &str,
        last: Option<EventId>,
    ) -> Result<mpsc::Receiver<Bytes>, StreamError> {
        let entry = self.inner.index.find(space, name);
        let entry = entry.ok_or(StreamError::Unknown)?;
        match entry.definition().road {
            Road::Stream { .. } => {}
            Road::Webhook(_) | Road::Pull | Road::Relay(_) => return Err(StreamError::OtherRoad),
        }
        let seq = |id: EventId| {
            let seq = id.seq_in(self.tag());
            seq.ok_or(StreamError::ForeignEvent { id })
        };
        let last = last.map(seq).transpose()?;
        let mailbox = entry
            .running()
            .await
            .ok_or_else(|| StreamError::NotRunning {
                why: entry.why_not(),
            })?;
        let (answer, chunks) = oneshot::channel();
        mailbox.send(OpenStream { last, answer });
        chunks
            .await
            .map_err(|_| StreamError::TooMany { most: STREAMS })
    }

    async fn reader_of(
        &self,
        space: &Space,
        name: &str,
    ) -> Result<(Arc<ConsumerEntry>, Arc<Mailbox<Consumer>>), AckError> {
        let entry = self.inner.index.find(space, name);
        let entry = entry.ok_or(AckError::Unknown)?;
        match entry.definition().road {
            Road::Pull | Road::Stream { .. } => {}
            Road::Webhook(_) | Road::Relay(_) => return Err(AckError::OtherRoad),
        }
        let mailbox = entry.running().await;
        let mailbox = mailbox.ok_or_else(|| AckError::NotRunning {
            why: entry.why_not(),
        })?;
        Ok((entry, mailbox))
    }

    fn seqs(&self, ids: &[EventId]) -> Result<Vec<Seq>, AckError> {
        ids.iter().map(|id| self.seq(*id)).collect()
    }

    fn seq(&self, id: EventId) -> Result<Seq, AckError> {
        let seq = id.seq_in(self.tag());
        seq.ok_or(AckError::ForeignEvent { id })
    }

    /// What ids of events of this store begin with.
    pub(super) fn tag(&self) -> StoreTag {
        StoreTag(self.store().identity().prefix())
    }
}
