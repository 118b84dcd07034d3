//! Connections of the platform's own protocol, which applications hold open.
//!
//! A connection has an event until it answers it, until it is gone, or until the handler limit is over. It has one event of each
//! chat at a time, and keeps its chats as long as it is there. An answer counts also after the limit, as long as the connection is
//! there and the event is not done. When the connection is gone, others get what it had.

use std::collections::{HashMap, VecDeque};
use std::rc::Rc;
use std::sync::Arc;
use std::time::Instant;

use actix::{Handler, Message};
use longwire_consumer::{
    Delivery, DeliveryFailure, DeliveryId, Moment, ReaderId, Road, Urgent, traceparent,
};
use longwire_store::{ConsumerState, DeliveryAttempt, DeliveryOutcome, Happening, KeptAnswer};
use longwire_wire::callback::OLD_CARD_TYPE;
use longwire_wire::event::Seq;
use tokio::sync::{mpsc, oneshot};

use super::Consumer;
use crate::clock;
use crate::logged_event::LoggedEvent;
use crate::relay::{
    AttachError, RelayAnswer, RelayEvent, RelayHeard, RelayHello, RelayLink, RelayProof,
    RelayReader,
};
use crate::track::TrackId;

/// Connections of one consumer: instances of one application, or all developers with its token.
pub(crate) const CONNECTIONS: usize = 1_024;
/// The largest window of a connection.
const MOST_WINDOW: usize = 1_024;
/// How many times its window a connection may have: a replay has a window of its own, and what was given up by a change of the
/// consumer is there still. A connection that takes nothing more is ended.
const WINDOWS: usize = 8;
/// Answers that came after the handler limit are waited for, of so many events of each connection.
const OVERDUE: usize = 64;
/// The most bytes of a `User-Agent` that are kept.
const AGENT_BYTES: usize = 128;
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

pub(super) struct Connection {
    link: Arc<RelayLink>,
    events: mpsc::Sender<Box<RelayEvent>>,
    window: usize,
    /// How journeys call it.
    name: String,
    /// What it has, by the number that it knows.
    has: HashMap<DeliveryId, Handed>,
    /// What it has had for too long, oldest first.
    overdue: VecDeque<(DeliveryId, Handed)>,
}

/// An event that a connection has.
#[derive(Clone)]
struct Handed {
    track: TrackId,
    /// Its delivery in the queue of the track.
    delivery: DeliveryId,
    began: Moment,
    deadline: Option<Instant>,
    attempt: u32,
    event: Rc<LoggedEvent>,
}

/// An event that a connection had for too long, and how the connection is called.
struct Lapsed {
    reader: String,
    handed: Handed,
}

impl Handed {
    fn seq(&self) -> Seq {
        self.event.record.seq
    }
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
    fn attach(&mut self, mut hello: RelayHello) -> Result<RelayReader, AttachError> {
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
        hello.window = hello.window.clamp(1, MOST_WINDOW);
        hello.agent = hello.agent.map(|agent| shown_agent(&agent));
        let (window, name) = (hello.window, name_of(&hello));
        let (events, receiver) = mpsc::channel(window * WINDOWS);
        let reader = ReaderId(self.next_reader);
        self.next_reader += 1;
        let link = RelayLink::new(reader, hello, self.me.clone());
        let attached = link.reader(receiver, road.handler_limit);
        for track in &mut self.tracks {
            track.queue.handle_reader(reader, window);
        }
        self.entry.connected(&link);
        let connection = Connection {
            link,
            events,
            window,
            name,
            has: HashMap::new(),
            overdue: VecDeque::new(),
        };
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

impl Connection {
    /// Whether it took the event.
    fn send(&mut self, id: DeliveryId, handed: Handed, redelivered: bool, now: Moment) -> bool {
        if self.has.len() >= self.window * WINDOWS {
            return false;
        }
        let record = &handed.event.record;
        let event = Box::new(RelayEvent {
            delivery: id,
            seq: record.seq,
            event_type: record.event_type.clone(),
            chat: record.chat.clone(),
            payload: record.payload.clone(),
            traceparent: traceparent(handed.event.id),
            redelivered,
            attempt: handed.attempt,
            received_ms: record.received_ms,
            is_old_card: record.event_type.as_deref() == Some(OLD_CARD_TYPE),
        });
        // First, so that the answer finds it.
        self.link.hold(&event, now.unix_ms);
        if self.events.try_send(event).is_err() {
            self.link.forget(id);
            return false;
        }
        self.has.insert(id, handed);
        true
    }

    /// An event that it had, also for too long.
    fn take(&mut self, delivery: DeliveryId) -> Option<Handed> {
        if let Some(handed) = self.has.remove(&delivery) {
            return Some(handed);
        }
        let at = self.overdue.iter().position(|(id, _)| *id == delivery)?;
        self.overdue.remove(at).map(|(_, handed)| handed)
    }

    /// Puts aside what it has had for too long.
    fn lapse(&mut self, now: Moment, lapsed: &mut Vec<Lapsed>) {
        let is_over = |_: &DeliveryId, handed: &mut Handed| {
            handed.deadline.is_some_and(|at| now.instant >= at)
        };
        for (id, handed) in self.has.extract_if(is_over) {
            lapsed.push(Lapsed {
                reader: self.name.clone(),
                handed: handed.clone(),
            });
            self.overdue.push_back((id, handed));
        }
        while self.overdue.len() > OVERDUE
            && let Some((oldest, _)) = self.overdue.pop_front()
        {
            self.link.forget(oldest);
        }
    }
}

/// A `User-Agent` as it is shown: what a client sent, without what a terminal or a page would take for more than text.
fn shown_agent(agent: &str) -> String {
    let mut end = agent.len().min(AGENT_BYTES);
    while !agent.is_char_boundary(end) {
        end -= 1;
    }
    agent[..end].chars().filter(|c| !c.is_control()).collect()
}

/// How journeys call a connection: its SDK and where it came from.
fn name_of(hello: &RelayHello) -> String {
    let agent = hello.agent.as_deref().unwrap_or("an application");
    match hello.peer {
        Some(peer) => format!("{agent} at {peer}"),
        None => agent.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_agent_is_cut_and_is_text() {
        assert_eq!(
            shown_agent("oapi-node-sdk/1.74\u{1b}[2J\r\n"),
            "oapi-node-sdk/1.74[2J"
        );
        assert_eq!(shown_agent(&"客".repeat(100)).len(), 126);
    }
}
