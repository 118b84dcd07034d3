//! The actor of one connection of an SDK of Feishu or Lark, under its consumer.
//!
//! ```text
//! Consumer ──RelayEvent──▶ ┌─────────┐ ──frames──▶ SDK
//!          ◀─done, failed─ │ Session │ ◀──ACKs───
//!                          └─────────┘
//! ```
//! It moves events, frames and timers; what they mean is decided by its [`Session`]. It is its consumer's reader: when it ends,
//! however it ends, what is unanswered goes to the next one. Nothing builds it anew; the SDK connects again.
//!
//! Bounded: events by the window that the consumer keeps; what is written ahead by [`Line::has_room`] and the session.

use std::sync::Arc;
use std::task::{Context as TaskContext, Poll};
use std::time::{Duration, Instant};

use actix::{Actor, ActorContext as _, AsyncContext as _, Handler};
use longwire_actor::{Card, Context, End, Place, TreeActor, start};
use longwire_delivery::{RelayEvent, RelayReader};
use longwire_listener::StreamPermit;
use longwire_platform_server::websocket::ClientMessage;
use uuid::Builder;

use super::session::{Outcome, Session, SessionSettings, close};
use super::{Feishu, FeishuTicket};
use crate::attaching::Attached;
use crate::clock::now;
use crate::connected::{AdmissionEnded, ConnectedHold};
use crate::line::{Line, LineEnd, LineOwner, Pump, RelaySocket};
use crate::proxy::OpenApiProxy;

/// The longest message of a client: the ACK of a card event carries a card, which the platform takes up to 30 KB.
const MESSAGE_BYTES: usize = 1 << 20;
/// How long the last ACKs are waited for when the consumer takes no more connections.
const LAST_ACKS: Duration = Duration::from_secs(5);

/// What a connection is made of.
pub(super) struct Opened {
    /// The answer to the upgrade.
    pub(super) head: Vec<u8>,
    pub(super) ticket: FeishuTicket,
    pub(super) attached: Attached,
}

/// One connection.
pub(super) struct Connection {
    line: Line,
    session: Session,
    reader: RelayReader,
    /// An event that waits until the client has read more.
    next: Option<Box<RelayEvent>>,
    /// The consumer wants this connection no more; the last ACKs are waited for until then.
    leaves_at: Option<Instant>,
    ticket: FeishuTicket,
    /// It is told which chats are spoken in.
    proxy: Arc<OpenApiProxy>,
    began: Instant,
    _listed: ConnectedHold,
    _permit: StreamPermit,
}

impl Connection {
    /// Starts it on this thread.
    pub(super) fn start(feishu: &Arc<Feishu>, opened: Opened, socket: Box<dyn RelaySocket>) {
        let Opened {
            head,
            ticket,
            attached,
        } = opened;
        let Attached {
            reader,
            card,
            permit,
        } = attached;
        let settings = SessionSettings {
            service_id: ticket.service_id,
            ping_interval: feishu.entrance.ping_interval,
            handler_limit: reader.handler_limit,
        };
        let proxy = Arc::clone(&feishu.proxy);
        let connected = Arc::clone(&feishu.entrance.connected);
        let make = move |me: &Arc<_>, _: &mut Context<Self>| {
            let (hold, bot) = (Arc::clone(&ticket.hold), ticket.bot.public_id);
            let me: Arc<longwire_actor::Mailbox<Self>> = Arc::clone(me);
            Self {
                line: Line::new(socket, head, MESSAGE_BYTES),
                session: Session::new(settings, now()),
                reader,
                next: None,
                leaves_at: None,
                began: now(),
                _listed: connected.add(hold, bot, me),
                _permit: permit,
                proxy,
                ticket,
            }
        };
        start(card, Place::default(), make, |ended| {
            tracing::debug!(
                exit = ended.exit.how(),
                "a connection of an application is over"
            );
        });
    }

    /// Does what the session says.
    fn follow(&mut self, outcome: Option<Outcome>, now: Instant) {
        match outcome {
            None => {}
            // An answer that comes too late is the consumer's to drop.
            Some(Outcome::Done(delivery, answer)) => {
                self.reader.done(delivery, answer.map(Into::into));
            }
            Some(Outcome::Failed(delivery, why)) => {
                self.reader.failed(delivery, why);
            }
            Some(Outcome::Close(code, reason)) => self.line.close(code, reason, now),
        }
    }

    /// Pushes what the consumer has for this client, as long as there is room for it.
    fn push_events(&mut self, now: Instant, task: &mut TaskContext<'_>) {
        if !self.session.has_begun(now) {
            return;
        }
        while self.line.has_room() {
            let event = match self.next.take() {
                Some(event) => event,
                None if self.leaves_at.is_some() => break,
                None => match self.reader.events.poll_recv(task) {
                    Poll::Ready(Some(event)) => event,
                    Poll::Ready(None) => {
                        self.leaves_at = Some(now + LAST_ACKS);
                        break;
                    }
                    Poll::Pending => break,
                },
            };
            if !self.session.may_push(event.payload.len(), now) {
                self.next = Some(event);
                break;
            }
            let id = Builder::from_random_bytes(rand::random()).into_uuid();
            let session = &mut self.session;
            self.line.write(|out| session.push(&event, id, now, out));
            let bot = self.ticket.bot.public_id;
            self.proxy.saw_event(bot, &event.payload);
        }
        if let Some(ping) = self.session.poll_ping() {
            self.line.write_ping(&ping);
        }
    }
}

impl TreeActor for Connection {
    type Card = Arc<Card>;
}

impl Actor for Connection {
    type Context = Context<Self>;

    fn started(&mut self, ctx: &mut Self::Context) {
        ctx.spawn(Pump::new());
    }
}

impl LineOwner for Connection {
    fn line(&mut self) -> &mut Line {
        &mut self.line
    }

    fn heard(&mut self, message: ClientMessage, now: Instant, _: &mut Context<Self>) {
        // Also while the line closes: ACKs count still.
        let mut answer = Vec::new();
        let outcome = self.session.heard(message, now, &mut answer);
        if !answer.is_empty() {
            self.line.write(|out| out.append(&mut answer));
        }
        self.follow(outcome, now);
    }

    fn tend(
        &mut self,
        now: Instant,
        task: &mut TaskContext<'_>,
        _: &mut Context<Self>,
    ) -> Option<Instant> {
        let outcome = self.session.handle_timeout(now);
        self.follow(outcome, now);
        self.push_events(now, task);
        if let Some(until) = self.leaves_at
            && (self.session.unanswered() == 0 || now >= until)
        {
            self.line.close(close::GOING_AWAY, "come again", now);
        }
        if self.line.is_closing() {
            // The line knows when it is over.
            return None;
        }
        self.session
            .due(now)
            .into_iter()
            .chain(self.leaves_at)
            .min()
    }

    fn over(&mut self, end: LineEnd, ctx: &mut Context<Self>) {
        let counts = self.session.counts();
        tracing::info!(
            name = %self.ticket.bot.name,
            installation = %self.ticket.bot.public_id,
            token = %self.ticket.hold.id(),
            end = end.label(),
            detail = ?end,
            seconds = now().saturating_duration_since(self.began).as_secs(),
            pushed = counts.pushed,
            done = counts.done,
            failed = counts.failed,
            stray = counts.stray,
            garbage = counts.garbage,
            unanswered = self.session.unanswered(),
            "an application's connection ended"
        );
        ctx.stop();
    }
}

impl Handler<AdmissionEnded> for Connection {
    type Result = ();

    fn handle(&mut self, _: AdmissionEnded, _: &mut Self::Context) {
        // The SDK asks for another URL, and hears that it is not let in.
        self.line.close(close::POLICY, "no longer let in", now());
    }
}

impl Handler<End> for Connection {
    type Result = ();

    fn handle(&mut self, _: End, _: &mut Self::Context) {
        self.line.close(close::GOING_AWAY, "", now());
    }
}
