//! Pull readers: what they wait for, and what they have.

use std::rc::Rc;
use std::time::{Duration, Instant};

use actix::{Handler, Message};
use bytes::Bytes;
use longwire_actor::Context;
use longwire_consumer::{
    Delivery, DeliveryFailure, EventId, EventText, Expansions, Moment, ReaderId, write_event,
};
use longwire_store::{DeliveryAttempt, DeliveryOutcome, Happening, KeptAnswer};
use longwire_wire::event::Seq;
use tokio::sync::oneshot;

use super::Consumer;
use crate::clock;
use crate::endpoint::facts;
use crate::logged_event::LoggedEvent;
use crate::track::TrackId;

/// So many readers of one consumer may wait. The one that waits longest gets nothing when another one comes.
const WAITING: usize = 256;
/// Bytes of one answer, about.
const BYTES: usize = 4 << 20;

/// An event that a pull reader has until its deadline.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ClaimedEvent {
    /// Its public id.
    pub id: EventId,
    /// Its envelope.
    pub envelope: Bytes,
    /// Which attempt this is, from 1.
    pub attempt: u32,
    /// Until when it has to be acknowledged, in milliseconds since 1970.
    pub deadline_ms: i64,
}

/// A pull reader asks for events. From the handle, as often as applications ask; the answer comes when there is something, or
/// without anything after the wait.
#[derive(Message)]
#[rtype(result = "()")]
pub(crate) struct Claim {
    /// What the reader calls itself, if it wants the same chats again.
    pub(crate) reader: Option<String>,
    /// The most deliveries.
    pub(crate) limit: usize,
    pub(crate) wait: Duration,
    /// What is looked up, beside what the consumer has looked up.
    pub(crate) expand: Expansions,
    pub(crate) answer: oneshot::Sender<Vec<ClaimedEvent>>,
}

pub(super) struct WaitingClaim {
    claim: Claim,
    until: Instant,
}

/// An event that a reader has.
pub(super) struct Claimed {
    pub(super) reader: ReaderId,
    reader_name: String,
    /// Rises with each delivery that was handed over.
    pub(super) order: u64,
    pub(super) began: Moment,
    attempt: u32,
    pub(super) deadline: Option<Instant>,
    event: Rc<LoggedEvent>,
}

impl WaitingClaim {
    /// Nothing comes any more.
    pub(super) fn answer_nothing(self) {
        let _ = self.claim.answer.send(Vec::new());
    }
}

impl Claimed {
    pub(super) fn event(&self) -> Rc<LoggedEvent> {
        Rc::clone(&self.event)
    }
}

impl Handler<Claim> for Consumer {
    type Result = ();

    fn handle(&mut self, claim: Claim, ctx: &mut Self::Context) {
        if self.draining.is_some() {
            // Dropping the claim answers it.
            return;
        }
        if self.claims.len() >= WAITING
            && let Some(oldest) = self.claims.pop_front()
        {
            oldest.answer_nothing();
        }
        let until = clock::instant() + claim.wait;
        self.claims.push_back(WaitingClaim { claim, until });
        self.drive(ctx);
    }
}

impl Consumer {
    /// Gives waiting readers what there is, the one that waits longest first.
    pub(super) fn serve_claims(&mut self, now: Moment, ctx: &mut Context<Self>) {
        self.lapse(now);
        let waiting = std::mem::take(&mut self.claims);
        for one in waiting {
            if one.claim.answer.is_closed() {
                continue;
            }
            let deliveries = self.claim(&one.claim, now);
            if deliveries.is_empty() && now.instant < one.until {
                self.claims.push_back(one);
                continue;
            }
            self.expand_and_answer(one.claim, deliveries, now, ctx);
        }
    }

    fn claim(&mut self, claim: &Claim, now: Moment) -> Vec<(TrackId, Delivery<Rc<LoggedEvent>>)> {
        let reader = reader_id(claim.reader.as_deref());
        let deadline = now.instant + self.shared.settings.timing.claim;
        let mut taken = Vec::new();
        let mut bytes = 0;
        for track in &mut self.tracks {
            while taken.len() < claim.limit
                && bytes < BYTES
                && let Some(delivery) = track.queue.poll_claim(reader, deadline, now)
            {
                let events = delivery.events.iter();
                bytes += events
                    .map(|event| event.payload.held_bytes())
                    .sum::<usize>();
                taken.push((track.id, delivery));
            }
        }
        taken
    }

    /// Answers a claim. `expanded` has the texts of all its events, if something was looked up.
    pub(super) fn answer_claim(
        &mut self,
        claim: Claim,
        deliveries: Vec<(TrackId, Delivery<Rc<LoggedEvent>>)>,
        expanded: &[EventText],
        now: Moment,
    ) {
        let mut events: Vec<ClaimedEvent> = Vec::new();
        for (_, delivery) in &deliveries {
            self.count_redelivered(delivery);
            let deadline_ms = delivery.deadline.map_or(now.unix_ms, |deadline| {
                let left = deadline.saturating_duration_since(now.instant).as_millis();
                now.unix_ms
                    .saturating_add(i64::try_from(left).unwrap_or(i64::MAX))
            });
            for event in &delivery.events {
                let mut envelope = Vec::new();
                let plain = || event.payload.text(self.definition.detail);
                let text = expanded.get(events.len()).unwrap_or_else(plain);
                write_event(text, &facts(event), &mut envelope);
                events.push(ClaimedEvent {
                    id: event.payload.id,
                    envelope: envelope.into(),
                    attempt: event.attempt,
                    deadline_ms,
                });
            }
        }
        let name = claim.reader.unwrap_or_default();
        if claim.answer.send(events).is_ok() {
            for (_, delivery) in &deliveries {
                self.remember_claimed(delivery, &name, now);
            }
            return;
        }
        // The reader went away meanwhile.
        for (track, delivery) in deliveries {
            if let Some(track) = self.track(track) {
                track.queue.handle_released(delivery.id, now);
            }
        }
    }

    /// A reader has the events of this delivery.
    pub(super) fn remember_claimed(
        &mut self,
        delivery: &Delivery<Rc<LoggedEvent>>,
        reader_name: &str,
        now: Moment,
    ) {
        self.next_order += 1;
        for event in &delivery.events {
            let claimed = Claimed {
                reader: delivery.reader,
                reader_name: reader_name.to_owned(),
                order: self.next_order,
                began: now,
                attempt: event.attempt,
                deadline: delivery.deadline,
                event: Rc::clone(&event.payload),
            };
            self.claimed.insert(event.seq.0, claimed);
        }
        if let Some(deadline) = delivery.deadline {
            let first = self.first_deadline.unwrap_or(deadline);
            self.first_deadline = Some(first.min(deadline));
        }
    }

    /// Notes what was claimed and whose time is over. The queues give these events to others by themselves.
    fn lapse(&mut self, now: Moment) {
        if self.first_deadline.is_none_or(|first| now.instant < first) {
            return;
        }
        let is_over = |claimed: &Claimed| claimed.deadline.is_some_and(|at| now.instant >= at);
        let over: Vec<i64> = self
            .claimed
            .iter()
            .filter(|(_, claimed)| is_over(claimed))
            .map(|(seq, _)| *seq)
            .collect();
        for seq in over {
            self.entry.counters.failed(DeliveryFailure::ClaimExpired);
            self.end_claimed(seq, now, |reader| DeliveryOutcome::Lapsed { reader });
        }
        let deadlines = self.claimed.values().filter_map(|claimed| claimed.deadline);
        self.first_deadline = deadlines.min();
    }

    /// A reader does not have this event any more. Returns it.
    pub(super) fn end_claimed(
        &mut self,
        seq: i64,
        now: Moment,
        outcome: impl FnOnce(String) -> DeliveryOutcome,
    ) -> Option<Rc<LoggedEvent>> {
        let claimed = self.claimed.remove(&seq)?;
        let took = now.instant.saturating_duration_since(claimed.began.instant);
        let outcome = outcome(claimed.reader_name);
        if matches!(outcome, DeliveryOutcome::Acked { .. }) {
            self.entry.counters.taken(1);
            self.count_latency(&claimed.event, claimed.attempt, now);
        }
        let attempt = DeliveryAttempt {
            number: claimed.attempt,
            duration_us: u64::try_from(took.as_micros()).unwrap_or(u64::MAX),
            outcome,
            answer: KeptAnswer::default(),
        };
        self.note(Seq(seq), claimed.began.unix_ms, Happening::Attempt(attempt));
        Some(claimed.event)
    }

    /// When to look at claims again.
    pub(super) fn claims_due(&self) -> Option<Instant> {
        let waits = self.claims.iter().map(|one| one.until);
        waits.chain(self.first_deadline).min()
    }
}

/// The number of a pull reader: made of its name, so that it is the same after a restart.
fn reader_id(name: Option<&str>) -> ReaderId {
    let Some(name) = name else {
        return ReaderId::ANYBODY;
    };
    // FNV-1a (Fowler, Noll, Vo), 64 bits. The highest bit keeps it apart from the numbers of streams.
    let hash = name.bytes().fold(0xcbf2_9ce4_8422_2325_u64, |hash, byte| {
        (hash ^ u64::from(byte)).wrapping_mul(0x0000_0100_0000_01b3)
    });
    ReaderId(hash | 1 << 63)
}
