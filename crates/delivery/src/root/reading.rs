//! What is asked of the root and needs the log of its thread: reading along, and clicks.

use std::rc::Rc;
use std::time::Duration;

use actix::{Handler, Message};
use bytes::Bytes;
use longwire_access::Space;
use longwire_consumer::{Detail, EventId, Expansions, Road};
use longwire_store::{Happening, JourneyBatch, JourneyStep, ReadError};
use longwire_wire::event::Seq;
use tokio::sync::{OwnedSemaphorePermit, mpsc, oneshot};

use super::Delivery;
use crate::asked_card::AskedCard;
use crate::card_claims::Claimer;
use crate::clock;
use crate::consumer::AskCard;
use crate::read_along::{ReadAlong, ReadEnvelope, ReadPage, envelope, follow, page};

/// Chunks that wait for the connection of a stream that reads along. Then the stream waits.
const CHUNKS: usize = 64;

/// Read a page. From the handle, once per call.
#[derive(Message)]
#[rtype(result = "()")]
pub(crate) struct Read {
    pub(crate) what: ReadAlong,
    pub(crate) limit: usize,
    pub(crate) wait: Duration,
    pub(crate) answer: oneshot::Sender<Result<ReadPage, ReadError>>,
}

/// Read on and on. From the handle, once per stream; permits bound their number.
#[derive(Message)]
#[rtype(result = "()")]
pub(crate) struct Follow {
    pub(crate) what: ReadAlong,
    pub(crate) permit: OwnedSemaphorePermit,
    pub(crate) answer: oneshot::Sender<mpsc::Receiver<Bytes>>,
}

/// Read one event. From the handle, once per call. Without an answer there is none of this id that the space sees.
#[derive(Message)]
#[rtype(result = "()")]
pub(crate) struct ReadOne {
    pub(crate) space: Space,
    pub(crate) id: EventId,
    pub(crate) expand: Expansions,
    pub(crate) answer: oneshot::Sender<Result<Option<ReadEnvelope>, ReadError>>,
}

/// Somebody waits for the answer to a click. From the handle, once per click that is claimed.
#[derive(Message)]
#[rtype(result = "()")]
pub(crate) struct Ask(pub(crate) AskedCard);

impl Handler<Read> for Delivery {
    type Result = ();

    fn handle(&mut self, message: Read, _: &mut Self::Context) {
        let Read {
            what,
            limit,
            wait,
            mut answer,
        } = message;
        let log = Rc::clone(&self.shared.log);
        let expander = Rc::clone(&self.shared.expander);
        actix_rt::spawn(async move {
            tokio::select! {
                page = page(log, expander, what, limit, wait) => {
                    let _ = answer.send(page);
                }
                // Whoever asked has gone away.
                () = answer.closed() => {}
            }
        });
    }
}

impl Handler<Follow> for Delivery {
    type Result = ();

    fn handle(&mut self, message: Follow, _: &mut Self::Context) {
        let Follow {
            what,
            permit,
            answer,
        } = message;
        let (chunks, receiver) = mpsc::channel(CHUNKS);
        if self.draining || answer.send(receiver).is_err() {
            return;
        }
        let log = Rc::clone(&self.shared.log);
        let keep_alive = self.shared.settings.timing.keep_alive;
        let ends = self.ends.subscribe();
        actix_rt::spawn(async move {
            let _permit = permit;
            let last = chunks.clone();
            tokio::select! {
                () = follow(log, what, chunks, keep_alive) => {}
                () = ended(ends) => {
                    // One that is full gets no more than the end.
                    let _ = last.try_send(crate::sse::SHUTDOWN);
                }
            }
        });
    }
}

/// Waits until the process ends.
async fn ended(mut ends: tokio::sync::watch::Receiver<bool>) {
    // Without a root there is no process to read along in.
    let _ = ends.wait_for(|ends| *ends).await;
}

impl Handler<ReadOne> for Delivery {
    type Result = ();

    fn handle(&mut self, message: ReadOne, _: &mut Self::Context) {
        let ReadOne {
            space,
            id,
            expand,
            answer,
        } = message;
        let log = Rc::clone(&self.shared.log);
        let expander = Rc::clone(&self.shared.expander);
        actix_rt::spawn(async move {
            let read = log.read_one(id).await;
            let seen = match read {
                Ok(Some(event)) if event.is_seen_in(&space) && !event.is_expired() => Ok(Some(
                    envelope(&expander, &event, Detail::Whole, expand).await,
                )),
                Ok(_) => Ok(None),
                Err(error) => Err(error),
            };
            let _ = answer.send(seen);
        });
    }
}

impl Handler<Ask> for Delivery {
    type Result = ();

    fn handle(&mut self, Ask(card): Ask, _: &mut Self::Context) {
        let Some(facts) = self.shared.settings.names.facts(card.installation) else {
            card.disclaim();
            return;
        };
        let claimers = self.claims.claimers();
        let mut claims = claimers.iter().filter(|one| {
            let filter = &one.definition().filter;
            one.concerns(&facts) && card.event.passes(filter, facts.public_id)
        });
        // Of applications that connect the first that is there; the first of all says why there is no answer.
        let first = claims.next();
        let there = first
            .into_iter()
            .chain(claims)
            .find(|one| self.may_answer(one));
        let Some(claimer) = there.or(first) else {
            card.disclaim();
            return;
        };
        match self.child(claimer.id) {
            Some(consumer) => consumer.send(AskCard(card)),
            // Dropping the card says that there is no answer.
            None => self.note_default(claimer, card.seq),
        }
    }
}

impl Delivery {
    /// Notes why a click is answered by default that no actor was asked about.
    fn note_default(&self, claimer: &Claimer, seq: Seq) {
        let mut journal = JourneyBatch::new(Some(claimer.id));
        journal.push(JourneyStep {
            seq,
            at_ms: clock::unix_ms(),
            what: Happening::CardDefaulted {
                detail: "the consumer does not run".to_owned(),
            },
        });
        self.shared.writer.keep_journey(journal);
    }

    /// Whether the claimer can be asked now, as far as is known without asking it.
    fn may_answer(&self, claimer: &Claimer) -> bool {
        match claimer.definition().road {
            Road::Relay(_) => {
                let entry = self.index.get(claimer.id);
                entry.is_some_and(|entry| entry.is_connected())
            }
            Road::Webhook(_) | Road::Pull | Road::Stream { .. } => true,
        }
    }
}
