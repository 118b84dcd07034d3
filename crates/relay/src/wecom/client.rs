//! The actor of one client's connection.
//!
//! ```text
//! Consumer ──RelayEvent──▶ ┌─────────┐ ──frames, pings──▶ client
//!          ◀────done────── │ Session │ ◀─frames, pongs───
//! Fleet    ◀──pass_on───── └─────────┘
//!          ──Answer──────▶
//! ```
//! It moves events, frames and timers; what they mean is decided by its [`Session`]. From the client's subscribe on it is a
//! reader of its consumer: when it ends, however it ends, what is not handed over goes to the next one. Nothing builds it
//! anew; the client connects again.
//!
//! Bounded: events by the window that the consumer keeps, what is written ahead by [`Line::has_room`], and requests by the
//! session, each of which ends within seconds.

use std::sync::Arc;
use std::task::{Context as TaskContext, Poll};
use std::time::{Duration, Instant};

use actix::{Actor, ActorContext as _, AsyncContext as _, Handler, Message};
use longwire_actor::{Card, Context, End, Mailbox, Place, TreeActor, start};
use longwire_delivery::{RelayEvent, RelayReader};
use longwire_fleet::{Reply, RequestError};
use longwire_listener::StreamPermit;
use longwire_platform_server::websocket::ClientMessage;
use tokio::sync::OwnedSemaphorePermit;

use super::Membership;
use super::Wecom;
use super::frame::Credentials;
use super::looking::{Found, Identity, NewClient, look};
use super::requests::{RequestNumber, Start};
use super::session::{Action, Admission, DropReason, Session};
use crate::admission::Visitor;
use crate::attaching::Attached;
use crate::clock::now;
use crate::connected::{AdmissionEnded, ConnectedHold};
use crate::line::{Line, LineEnd, LineOwner, Pump, RelaySocket};

/// The longest message of a client: the frame of an upload's chunk has 700 KB.
const MESSAGE_BYTES: usize = 1 << 20;

/// How long the last pongs and answers are waited for when the consumer takes no more connections.
const LAST_ANSWERS: Duration = Duration::from_secs(5);

/// What became of the credentials. Once per question of the session.
#[derive(Message)]
#[rtype(result = "()")]
struct Looked(Found);

/// What became of a request that was passed on. Once per request.
#[derive(Message)]
#[rtype(result = "()")]
struct Answer(RequestNumber, Result<Reply, RequestError>);

/// What a connection is made of.
pub(super) struct Opened {
    /// The answer to the upgrade.
    pub(super) head: Vec<u8>,
    pub(super) visitor: Visitor,
    pub(super) newcomer: OwnedSemaphorePermit,
}

/// The connection of a client.
pub(super) struct Client {
    wecom: Arc<Wecom>,
    me: Arc<Mailbox<Self>>,
    card: Arc<Card>,
    visitor: Visitor,
    line: Line,
    session: Session,
    /// Its place among those that have not said who they are.
    newcomer: Option<OwnedSemaphorePermit>,
    reading: Option<Box<Reading>>,
    dropped: Option<DropReason>,
    began: Instant,
}

/// A client that has subscribed, as a reader of its consumer.
struct Reading {
    identity: Identity,
    reader: RelayReader,
    membership: Membership,
    /// The consumer wants this connection no more; the last answers are waited for until then.
    leaves_at: Option<Instant>,
    given: u64,
    done: u64,
    _listed: ConnectedHold,
    _permit: StreamPermit,
}

impl Client {
    /// Starts it on this thread.
    pub(super) fn start(wecom: &Arc<Wecom>, opened: Opened, socket: Box<dyn RelaySocket>) {
        let Opened {
            head,
            visitor,
            newcomer,
        } = opened;
        let (wecom, card) = (Arc::clone(wecom), Arc::new(Card::new()));
        let own_card = Arc::clone(&card);
        let make = move |me: &Arc<Mailbox<Self>>, _: &mut Context<Self>| Self {
            wecom,
            me: Arc::clone(me),
            card: own_card,
            visitor,
            line: Line::new(socket, head, MESSAGE_BYTES),
            session: Session::new(now()),
            newcomer: Some(newcomer),
            reading: None,
            dropped: None,
            began: now(),
        };
        start(card, Place::default(), make, |ended| {
            tracing::debug!(exit = ended.exit.how(), "a client's connection is over");
        });
    }

    /// Does what the session says.
    fn drive(&mut self) {
        while let Some(action) = self.session.poll_action() {
            match action {
                Action::Text(text) => self.line.write_text(&text),
                Action::Admit(credentials) => self.look(credentials),
                Action::PassOn(start) => self.pass_on(start),
                Action::Done(delivery) => {
                    if let Some(reading) = &mut self.reading {
                        // One that the consumer has taken back does not count.
                        reading.done += u64::from(reading.reader.done(delivery, None));
                    }
                }
                Action::Drop(reason) => {
                    self.dropped = Some(reason);
                    self.line.cut();
                }
            }
        }
        self.line.pause_reading(self.session.is_admitting());
    }

    /// Finds out who the client is. The answer comes by the mailbox, whose messages are followed by a turn of the line.
    fn look(&self, credentials: Credentials) {
        let (wecom, me) = (Arc::clone(&self.wecom), Arc::clone(&self.me));
        let (visitor, card) = (self.visitor.clone(), Arc::clone(&self.card));
        let before = self.reading.as_ref().map(|reading| reading.identity);
        actix_rt::spawn(async move {
            let found = look(&wecom, &credentials, &visitor, &card, before).await;
            me.send(Looked(found));
        });
    }

    /// Passes a request on. Bounded by the session, and each ends within the fleet's own limits.
    fn pass_on(&self, start: Start) {
        let Some(reading) = &self.reading else {
            return;
        };
        let (fleet, me) = (self.wecom.entrance.fleet.clone(), Arc::clone(&self.me));
        let bot = reading.membership.id.bot;
        let Start {
            number,
            request,
            until,
        } = start;
        actix_rt::spawn(async move {
            let answer = fleet.pass_on(bot, request, until).await;
            me.send(Answer(number, answer));
        });
    }

    /// Sends the client what the consumer has for it, as long as there is room, and behind that one ping.
    fn send_events(&mut self, now: Instant, task: &mut TaskContext<'_>) {
        while self.session.takes_events()
            && self.line.has_room()
            && let Some(event) = self.next_event(now, task)
        {
            let RelayEvent {
                delivery, payload, ..
            } = *event;
            let mut clients = self.wecom.clients.clients();
            (self.session).handle_event(delivery, payload, &mut clients, now);
            drop(clients);
            self.drive();
        }
        if let Some(ping) = self.session.poll_ping(now) {
            self.line.write_ping(&ping);
        }
    }

    fn next_event(&mut self, now: Instant, task: &mut TaskContext<'_>) -> Option<Box<RelayEvent>> {
        let reading = self.reading.as_mut()?;
        if reading.leaves_at.is_some() {
            return None;
        }
        match reading.reader.events.poll_recv(task) {
            Poll::Ready(Some(event)) => {
                reading.given += 1;
                Some(event)
            }
            Poll::Ready(None) => {
                reading.leaves_at = Some(now + LAST_ANSWERS);
                None
            }
            Poll::Pending => None,
        }
    }

    /// The client has subscribed.
    fn admitted(&mut self, new: NewClient) -> Admission {
        let NewClient {
            admitted,
            attached,
            membership,
        } = new;
        let Attached {
            reader,
            card: _,
            permit,
        } = attached;
        let (hold, bot) = (admitted.hold, admitted.bot.public_id);
        let identity = (hold.id(), bot);
        let admission = Admission::Admitted(Some((membership.id, reader.handler_limit)));
        let me: Arc<Mailbox<Self>> = Arc::clone(&self.me);
        self.reading = Some(Box::new(Reading {
            identity,
            reader,
            membership,
            leaves_at: None,
            given: 0,
            done: 0,
            _listed: self.wecom.entrance.connected.add(hold, bot, me),
            _permit: permit,
        }));
        self.newcomer = None;
        admission
    }
}

impl TreeActor for Client {
    type Card = Arc<Card>;
}

impl Actor for Client {
    type Context = Context<Self>;

    fn started(&mut self, ctx: &mut Self::Context) {
        ctx.spawn(Pump::new());
    }
}

impl LineOwner for Client {
    fn line(&mut self) -> &mut Line {
        &mut self.line
    }

    fn heard(&mut self, message: ClientMessage, now: Instant, _: &mut Context<Self>) {
        match message {
            ClientMessage::Text(bytes) | ClientMessage::Binary(bytes) => {
                let mut clients = self.wecom.clients.clients();
                self.session.handle_message(bytes, &mut clients, now);
            }
            ClientMessage::Pong(payload) => self.session.handle_pong(&payload, now),
            ClientMessage::Ping(payload) => {
                self.session.heard(now);
                self.line.write_pong(&payload);
            }
            ClientMessage::Close(_) => {}
        }
        self.drive();
    }

    fn tend(
        &mut self,
        now: Instant,
        task: &mut TaskContext<'_>,
        _: &mut Context<Self>,
    ) -> Option<Instant> {
        if self.line.is_closing() {
            // The line knows when it is over.
            return None;
        }
        self.session.handle_timeout(now);
        self.send_events(now, task);
        self.drive();
        let leaves_at = self.reading.as_ref().and_then(|reading| reading.leaves_at);
        if let Some(until) = leaves_at
            && (now >= until || !self.session.is_busy())
        {
            self.line.cut();
            return None;
        }
        self.session
            .poll_timeout()
            .into_iter()
            .chain(leaves_at)
            .min()
    }

    fn over(&mut self, end: LineEnd, ctx: &mut Context<Self>) {
        let seconds = now().saturating_duration_since(self.began).as_secs();
        let reason = self.dropped.map(DropReason::label);
        match &self.reading {
            Some(reading) => tracing::info!(
                installation = %reading.identity.1,
                token = %reading.identity.0,
                end = end.label(),
                detail = ?end,
                reason,
                seconds,
                given = reading.given,
                done = reading.done,
                requests = self.session.requests(),
                "an application's connection ended"
            ),
            None => tracing::debug!(
                end = end.label(),
                reason,
                seconds,
                "a connection ended that no application subscribed over"
            ),
        }
        ctx.stop();
    }
}

impl Handler<Looked> for Client {
    type Result = ();

    fn handle(&mut self, Looked(found): Looked, _: &mut Self::Context) {
        let admission = match found {
            Found::New(new) => self.admitted(*new),
            Found::Same => Admission::Admitted(None),
            Found::Other => Admission::Other,
            Found::Wrong => Admission::Wrong,
            Found::NotYet => Admission::NotYet,
        };
        let mut clients = self.wecom.clients.clients();
        (self.session).handle_admitted(admission, &mut clients, now());
        drop(clients);
        self.drive();
    }
}

impl Handler<Answer> for Client {
    type Result = ();

    fn handle(&mut self, Answer(number, answer): Answer, _: &mut Self::Context) {
        self.session.handle_answer(number, &answer, now());
        self.drive();
    }
}

impl Handler<AdmissionEnded> for Client {
    type Result = ();

    fn handle(&mut self, _: AdmissionEnded, _: &mut Self::Context) {
        // The client subscribes again, and hears that its token is wrong.
        self.line.cut();
    }
}

impl Handler<End> for Client {
    type Result = ();

    fn handle(&mut self, _: End, _: &mut Self::Context) {
        self.line.cut();
    }
}
