//! What one connection has: events under way, and those that it has had for too long.

use std::collections::{HashMap, VecDeque};
use std::rc::Rc;
use std::sync::Arc;
use std::time::{Duration, Instant};

use longwire_actor::Receives;
use longwire_consumer::{DeliveryId, Moment, ReaderId, traceparent};
use longwire_wire::callback::OLD_CARD_TYPE;
use longwire_wire::event::Seq;
use tokio::sync::mpsc;

use crate::logged_event::LoggedEvent;
use crate::relay::{RelayEvent, RelayHeard, RelayHello, RelayLink, RelayReader};
use crate::track::TrackId;

/// The largest window of a connection.
const MOST_WINDOW: usize = 1_024;
/// How many times its window a connection may have: a replay has a window of its own, and what was given up by a change of the
/// consumer is there still. A connection that takes nothing more is ended.
const WINDOWS: usize = 8;
/// Answers that came after the handler limit are waited for, of so many events of each connection.
const OVERDUE: usize = 64;
/// The most bytes of a `User-Agent` that are kept.
const AGENT_BYTES: usize = 128;

/// A connection that is attached.
pub(in crate::consumer) struct Connection {
    pub(super) link: Arc<RelayLink>,
    events: mpsc::Sender<Box<RelayEvent>>,
    pub(super) window: usize,
    /// How journeys call it.
    pub(super) name: String,
    /// What it has, by the number that it knows.
    pub(super) has: HashMap<DeliveryId, Handed>,
    /// What it has had for too long, oldest first.
    overdue: VecDeque<(DeliveryId, Handed)>,
}

/// An event that a connection has.
#[derive(Clone)]
pub(super) struct Handed {
    pub(super) track: TrackId,
    /// Its delivery in the queue of the track.
    pub(super) delivery: DeliveryId,
    pub(super) began: Moment,
    pub(super) deadline: Option<Instant>,
    pub(super) attempt: u32,
    pub(super) event: Rc<LoggedEvent>,
}

/// An event that a connection had for too long, and how the connection is called.
pub(super) struct Lapsed {
    pub(super) reader: String,
    pub(super) handed: Handed,
}

impl Handed {
    pub(super) fn seq(&self) -> Seq {
        self.event.record.seq
    }
}

impl Connection {
    /// A connection that says so of itself, and its reader.
    pub(super) fn new(
        reader: ReaderId,
        mut hello: RelayHello,
        handler_limit: Duration,
        consumer: Arc<dyn Receives<RelayHeard>>,
    ) -> (Self, RelayReader) {
        hello.window = hello.window.clamp(1, MOST_WINDOW);
        hello.agent = hello.agent.map(|agent| shown_agent(&agent));
        let (window, name) = (hello.window, name_of(&hello));
        let (events, receiver) = mpsc::channel(window * WINDOWS);
        let link = RelayLink::new(reader, hello, consumer);
        let attached = link.reader(receiver, handler_limit);
        let connection = Self {
            link,
            events,
            window,
            name,
            has: HashMap::new(),
            overdue: VecDeque::new(),
        };
        (connection, attached)
    }

    /// Whether it took the event.
    pub(super) fn send(
        &mut self,
        id: DeliveryId,
        handed: Handed,
        redelivered: bool,
        now: Moment,
    ) -> bool {
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
    pub(super) fn take(&mut self, delivery: DeliveryId) -> Option<Handed> {
        if let Some(handed) = self.has.remove(&delivery) {
            return Some(handed);
        }
        let at = self.overdue.iter().position(|(id, _)| *id == delivery)?;
        self.overdue.remove(at).map(|(_, handed)| handed)
    }

    /// Puts aside what it has had for too long.
    pub(super) fn lapse(&mut self, now: Moment, lapsed: &mut Vec<Lapsed>) {
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
