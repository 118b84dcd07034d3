//! Connections of the platform's own protocol, which applications hold open.
//!
//! A connection has an event until it answers it, until it is gone, or until the handler limit is over. It has one event of each
//! chat at a time, and keeps its chats as long as it is there. An answer counts also after the limit, as long as the connection is
//! there and the event is not done. When the connection is gone, others get what it had.

mod connection;

use std::rc::Rc;
use std::sync::Arc;

use actix::{Handler, Message};
use longwire_consumer::{Delivery, DeliveryFailure, DeliveryId, Moment, ReaderId, Road, Urgent};
use longwire_store::{ConsumerState, DeliveryAttempt, DeliveryOutcome, Happening, KeptAnswer};
use tokio::sync::oneshot;

use super::Consumer;
use crate::clock;
use crate::logged_event::LoggedEvent;
use crate::relay::{AttachError, RelayAnswer, RelayHeard, RelayHello, RelayProof, RelayReader};
use crate::track::TrackId;

pub(super) use self::connection::Connection;
use self::connection::{Handed, Lapsed};

/// Connections of one consumer: instances of one application, or all developers with its token.
const CONNECTIONS: usize = 1_024;
/// What a journey says of an event whose connection acknowledges nothing.
const HANDED_OVER: &[u8] = b"handed over: a ping behind it was answered";
/// What a journey says of an event whose connection is gone.
const ENDED: &[u8] = b"the connection ended";

/// A connection attaches itself. From the handle, once per connection.
#[derive(Message)]
#[rtype(result = "()")]
pub(crate) struct AttachRelay {
    pub(crate) hello: RelayHello,
    pub(crate) answer: oneshot::Sender<Result<RelayReader, AttachError>>,
}

impl Handler<AttachRelay> for Consumer {
    type Result = ();

    fn handle(&mut self, AttachRelay { hello, answer }: AttachRelay, ctx: &mut Self::Context) {
        // Whoever attaches may have gone away; dropping the reader tells that.
        let _ = answer.send(self.attach(hello));
        self.drive(ctx);
    }
}

impl Handler<RelayHeard> for Consumer {
    type Result = ();

    fn handle(&mut self, RelayHeard(reader): RelayHeard, ctx: &mut Self::Context) {
        let now = clock::now();
        let link = self
            .connections
            .get(&reader)
            .map(|one| Arc::clone(&one.link));
        if let Some(link) = link {
            let (answers, is_gone) = link.take();
            for answer in answers {
                match answer {
                    RelayAnswer::Done(delivery, answer) => {
                        self.relay_done(reader, delivery, answer.as_deref(), now);
                    }
                    RelayAnswer::Failed(delivery, why) => {
                        self.relay_failed(reader, delivery, &why, now);
                    }
                }
            }
            if is_gone {
                self.end_connection(reader, now);
            }
        }
        self.drive(ctx);
    }
}

impl Consumer {
    fn attach(&mut self, hello: RelayHello) -> Result<RelayReader, AttachError> {
        let Road::Relay(road) = &self.definition.road else {
            return Err(AttachError::OtherRoad);
        };
        if let ConsumerState::Stopped { reason } = &self.state {
            return Err(AttachError::Stopped {
                reason: reason.clone(),
            });
        }
        if self.draining.is_some() {
            return Err(AttachError::Draining);
        }
        if self.connections.len() >= CONNECTIONS {
            return Err(AttachError::TooMany { most: CONNECTIONS });
        }
        let reader = ReaderId(self.next_reader);
        self.next_reader += 1;
        let (connection, attached) =
            Connection::new(reader, hello, road.handler_limit, self.me.clone());
        for track in &mut self.tracks {
            track.queue.handle_reader(reader, connection.window);
        }
        self.entry.connected(&connection.link);
        self.connections.insert(reader, connection);
        Ok(attached)
    }

    /// Who is there, for the queue of a new track: each with its window.
    pub(super) fn attached(&self) -> impl Iterator<Item = (ReaderId, usize)> {
        let windows = self.connections.iter();
        windows.map(|(reader, connection)| (*reader, connection.window))
    }

    /// Sends a delivery to its connection.
    pub(super) fn relay(
        &mut self,
        track: TrackId,
        delivery: &Delivery<Rc<LoggedEvent>>,
        now: Moment,
    ) {
        let reader = delivery.reader;
        let sent = match (&*delivery.events, self.connections.get_mut(&reader)) {
            ([event], Some(connection)) => {
                self.next_order += 1;
                let id = DeliveryId(self.next_order);
                let handed = Handed {
                    track,
                    delivery: delivery.id,
                    began: now,
                    deadline: delivery.deadline,
                    attempt: event.attempt,
                    event: Rc::clone(&event.payload),
                };
                connection.send(id, handed, event.redelivered, now)
            }
            (_, Some(_) | None) => false,
        };
        if sent {
            if let Some(deadline) = delivery.deadline {
                let first = self.first_handler_limit.unwrap_or(deadline);
                self.first_handler_limit = Some(first.min(deadline));
            }
            return;
        }
        if let Some(track) = self.track(track) {
            track.queue.handle_released(delivery.id, now);
        }
        self.end_connection(reader, now);
    }

    fn relay_done(
        &mut self,
        reader: ReaderId,
        delivery: DeliveryId,
        answer: Option<&[u8]>,
        now: Moment,
    ) {
        let Some((handed, name, proof)) = self.take_handed(reader, delivery) else {
            return;
        };
        let seq = handed.seq();
        let done = self
            .track(handed.track)
            .map_or(0, |track| track.queue.handle_acked(&[seq], now));
        if let Some(event_type) = &handed.event.record.event_type {
            self.opinions.handle_taken(event_type);
        }
        if done > 0 {
            self.entry.counters.taken(1);
            self.count_latency(&handed.event, handed.attempt, now);
        }
        let kept = self.use_relayed_answer(&handed.event, answer, proof, now);
        let outcome = DeliveryOutcome::Acked { reader: name };
        self.note_handed(&handed, outcome, kept, now);
    }

    fn relay_failed(&mut self, reader: ReaderId, delivery: DeliveryId, why: &str, now: Moment) {
        let Some((handed, name, _)) = self.take_handed(reader, delivery) else {
            return;
        };
        let event_type = handed.event.record.event_type.as_ref();
        let unhandled = event_type.is_some_and(|one| self.opinions.handle_refused(one));
        let failure = match unhandled {
            true => DeliveryFailure::Unhandled,
            false => DeliveryFailure::Nacked { delay: None },
        };
        self.entry.counters.failed(failure);
        self.default_click(&handed.event, now, "the application answered with an error");
        if let Some(track) = self.track(handed.track) {
            track.queue.handle_failed(handed.delivery, failure, now);
        }
        let outcome = DeliveryOutcome::Nacked { reader: name };
        self.note_handed(&handed, outcome, KeptAnswer::of(why.as_bytes()), now);
    }

    /// Gives what came with an acknowledgement to whoever waits for it. Returns what is kept of it.
    fn use_relayed_answer(
        &mut self,
        event: &LoggedEvent,
        answer: Option<&[u8]>,
        proof: RelayProof,
        now: Moment,
    ) -> KeptAnswer {
        match proof {
            RelayProof::HandedOver => return KeptAnswer::of(HANDED_OVER),
            RelayProof::HandlerAck if event.urgency() == Urgent::No => {
                return KeptAnswer::default();
            }
            RelayProof::HandlerAck => {}
        }
        let answer = answer.map(<[u8]>::trim_ascii);
        match answer.filter(|answer| !answer.is_empty()) {
            Some(answer) => {
                // One that is wrong is told in the journey, and worth keeping.
                let _ = self.answer_click(event, answer, now);
                KeptAnswer::of(answer)
            }
            None => {
                self.default_click(event, now, "the application answered nothing");
                KeptAnswer::default()
            }
        }
    }

    /// Takes an event from a connection, with the connection's name.
    fn take_handed(
        &mut self,
        reader: ReaderId,
        delivery: DeliveryId,
    ) -> Option<(Handed, String, RelayProof)> {
        let connection = self.connections.get_mut(&reader)?;
        let handed = connection.take(delivery)?;
        Some((handed, connection.name.clone(), connection.link.hello.proof))
    }

    fn note_handed(
        &mut self,
        handed: &Handed,
        outcome: DeliveryOutcome,
        answer: KeptAnswer,
        now: Moment,
    ) {
        let took = now.instant.saturating_duration_since(handed.began.instant);
        let attempt = DeliveryAttempt {
            number: handed.attempt,
            duration_us: u64::try_from(took.as_micros()).unwrap_or(u64::MAX),
            outcome,
            answer,
        };
        self.note(
            handed.seq(),
            handed.began.unix_ms,
            Happening::Attempt(attempt),
        );
    }

    /// Notes what connections have had for too long. The queues let these events fail by themselves.
    pub(super) fn check_handlers(&mut self, now: Moment) {
        if self
            .first_handler_limit
            .is_none_or(|first| now.instant < first)
        {
            return;
        }
        let mut lapsed = Vec::new();
        for connection in self.connections.values_mut() {
            connection.lapse(now, &mut lapsed);
        }
        for Lapsed { reader, handed } in lapsed {
            self.entry.counters.failed(DeliveryFailure::TimedOut);
            let why = "the application did not answer in time";
            self.default_click(&handed.event, now, why);
            let outcome = DeliveryOutcome::Lapsed { reader };
            self.note_handed(&handed, outcome, KeptAnswer::default(), now);
        }
        let has = self.connections.values().flat_map(|one| one.has.values());
        self.first_handler_limit = has.filter_map(|handed| handed.deadline).min();
    }

    /// Lets a connection go, whose actor sees that its events end. Others get what it had and did not answer.
    fn end_connection(&mut self, reader: ReaderId, now: Moment) {
        let Some(connection) = self.connections.remove(&reader) else {
            return;
        };
        self.entry.disconnected(reader);
        for track in &mut self.tracks {
            track.queue.handle_reader_gone(reader, now);
        }
        for handed in connection.has.into_values() {
            let outcome = DeliveryOutcome::Lapsed {
                reader: connection.name.clone(),
            };
            self.note_handed(&handed, outcome, KeptAnswer::of(ENDED), now);
        }
    }

    /// Lets all connections go.
    pub(super) fn end_connections(&mut self, now: Moment) {
        let readers: Vec<ReaderId> = self.connections.keys().copied().collect();
        for reader in readers {
            self.end_connection(reader, now);
        }
    }

    /// Whether a connection has an event that it may still answer in time.
    pub(super) fn connections_work(&self) -> bool {
        self.connections.values().any(|one| !one.has.is_empty())
    }
}
