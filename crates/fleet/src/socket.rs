//! One connection: it moves bytes and messages, and nothing else.
//!
//! ```text
//!  kernel ──bytes──▶ ┌─────────┐ ──groups──▶ the store's writer
//!  kernel ◀──bytes── │ session │ ◀─receipts─
//!  mailbox ─inputs─▶ └─────────┘ ──actions─▶ installation, pinger, assembler, askers
//! ```
//! What is said over the connection, and when it ends, is decided by its [`Session`]. Here it is dialled; then its I/O is one
//! future on its own context (`io.rs`), and what the session wants done is done in `effects.rs`. A read burst becomes one
//! group for the writer, the receipts of a group become ACKs in one write: two hops between threads per burst, whatever
//! the burst holds.

mod effects;
mod io;
mod news;

use crate::access::Access;
use crate::assembler::{Assembled, Emptied, Fragment, Refused};
use crate::bot::{Bot, SocketCard};
use crate::cards::CardAnswered;
use crate::clock::{now, unix_ms};
use crate::context::{ArbiterContext, FleetContext};
use crate::loss::{self, LossCause};
use crate::pinger::{Heard, Pong, ReadingPaused, ReadingResumed, SendPing};
use crate::record_order::MayRecord;
use crate::request::{Ask, Teller};
use crate::retained::RetainedPart;
use crate::view::SocketState;
use actix::{Actor, ActorFutureExt, AsyncContext, Handler, Message, MessageResult, WrapFuture};
use io::Pump;
use longwire_actor::{Context, End, Inspect, Mailbox, Receives, TreeActor, handle_inject, send};
use longwire_installation::Platform;
use longwire_link::Generation;
use longwire_link::session::{
    CloseMode, Feishu, Input, NotRecorded as NotRecordedBy, Session, SessionSettings, Surroundings,
    Wecom,
};
use longwire_platform::DialError;
use longwire_store::{Cause, GroupReply, Receipt};
use longwire_wire::endpoint::ConnectionUrl;
pub(crate) use news::{AssemblerIdle, AssemblerWanted, Finished, Lost, Opened};
use std::rc::Rc;
use std::sync::Arc;

/// Receipts of one group: the only way to an ACK. From the store's writer, once per group; groups in flight are bounded
/// by the window.
#[derive(Message)]
#[rtype(result = "()")]
pub(crate) struct Recorded(Vec<Receipt>);

/// A group was not made durable. From the store's writer, once per group at most.
#[derive(Debug, Message)]
#[rtype(result = "()")]
pub(crate) struct NotRecorded {
    tickets: Vec<u32>,
    cause: Cause,
}

/// This one sits beside you now. From the installation, after it started or rebuilt one of them.
#[derive(Message)]
#[rtype(result = "()")]
pub(crate) enum Attach {
    /// Give fragments to this one.
    Assembler(Arc<dyn AssemblerAddress>),
    /// Tell this one what you hear.
    Pinger(Arc<dyn PingerAddress>),
}

/// An assembler, as the socket knows it.
pub(crate) trait AssemblerAddress: Receives<Fragment> + Receives<Refused> {}
impl<T: Receives<Fragment> + Receives<Refused>> AssemblerAddress for T {}

/// A pinger, as the socket knows it.
pub(crate) trait PingerAddress:
    Receives<Heard> + Receives<Pong> + Receives<ReadingPaused> + Receives<ReadingResumed>
{
}
impl<T> PingerAddress for T where
    T: Receives<Heard> + Receives<Pong> + Receives<ReadingPaused> + Receives<ReadingResumed>
{
}

/// End this connection. From the installation, once.
#[derive(Debug, Message)]
#[rtype(result = "()")]
pub(crate) struct Close(pub(crate) CloseMode);

/// One connection.
pub(crate) struct Socket {
    fleet: Arc<FleetContext>,
    arbiter: Rc<ArbiterContext>,
    bot: Arc<Bot>,
    /// What its events are recorded with: that of this connection, whatever the bot becomes meanwhile.
    platform: Platform,
    generation: Generation,
    installation: Arc<dyn InstallationAddress>,
    me: Arc<SocketMailbox>,
    assembler: Option<Arc<dyn AssemblerAddress>>,
    pinger: Option<Arc<dyn PingerAddress>>,
    phase: Phase,
    /// While the connection is open.
    io: Option<longwire_egress::BoxedSocket>,
    session: Box<dyn Session<Receipt, Teller>>,
    /// Of what all connections may hold of unfinished input, this one's part.
    unfinished_bytes: usize,
    /// Its part of what ended connections may hold, once it brings nothing more.
    retained: Option<Box<RetainedPart>>,
    /// What this connection added to what its bot shows as unanswered.
    shown_unanswered: u32,
}

/// The installation, as its socket knows it.
pub(crate) trait InstallationAddress:
    Receives<Opened>
    + Receives<Lost>
    + Receives<Finished>
    + Receives<AssemblerWanted>
    + Receives<AssemblerIdle>
{
}
impl<T> InstallationAddress for T where
    T: Receives<Opened>
        + Receives<Lost>
        + Receives<Finished>
        + Receives<AssemblerWanted>
        + Receives<AssemblerIdle>
{
}

/// Where the connection is.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Phase {
    Dialing,
    Open,
    /// It brings nothing more. What it brought is being recorded.
    HungUp,
    Over,
}

impl Socket {
    pub(crate) fn new(
        fleet: Arc<FleetContext>,
        arbiter: Rc<ArbiterContext>,
        bot: Arc<Bot>,
        me: Arc<Mailbox<Self>>,
        generation: Generation,
        access: Access,
        installation: Arc<dyn InstallationAddress>,
    ) -> Self {
        let platform = bot.platform();
        let settings = SessionSettings {
            timing: fleet.timing(platform),
            window_events: fleet.window_events,
            window_bytes: fleet.window_bytes,
            cards: fleet.cards.settings(),
            mask_seed: rand::random(),
            id_seed: rand::random(),
        };
        let session: Box<dyn Session<Receipt, Teller>> = match access {
            Access::Feishu(url) => Box::new(Feishu::new(url.service_id(), settings)),
            Access::Wecom { bot_id, secret, .. } => {
                Box::new(Wecom::new(generation, bot_id, secret, settings))
            }
        };
        Self {
            fleet,
            arbiter,
            bot,
            platform,
            generation,
            installation,
            me: Arc::new(SocketMailbox(me)),
            assembler: None,
            pinger: None,
            phase: Phase::Dialing,
            io: None,
            session,
            unfinished_bytes: 0,
            retained: None,
            shown_unanswered: 0,
        }
    }

    /// Dials. The answer of the network starts the I/O, or ends this actor.
    pub(crate) fn dial(
        &self,
        egress: longwire_egress::Egress,
        url: ConnectionUrl,
        ctx: &mut Context<Self>,
    ) {
        let limit = self.fleet.timing(self.bot.platform()).handshake;
        let dialed = async move { longwire_platform::dial(&egress, &url, limit).await };
        ctx.spawn(
            dialed
                .into_actor(self)
                .map(|dialed, this, ctx| match dialed {
                    Ok(line) => this.opened(line, ctx),
                    Err(error) => this.not_opened(&error, ctx),
                }),
        );
    }

    fn opened(&mut self, line: longwire_egress::WebSocketIo, ctx: &mut Context<Self>) {
        let _working = ctx.working::<Opened>();
        if self.phase != Phase::Dialing {
            return;
        }
        self.phase = Phase::Open;
        self.io = Some(line.io);
        // Where the log has to keep the order of the bot's connections, this one stands behind those before it.
        if self.session.repeats_nothing() {
            let me = Arc::clone(&self.me.0);
            if !self.bot.record_order.join(self.generation, me) {
                self.tell(Input::HasPredecessors, ctx);
            }
        }
        // An event may have come in the same packet as the 101.
        self.tell(Input::Opened(line.early), ctx);
        ctx.spawn(Pump::new());
    }

    fn not_opened(&mut self, error: &DialError, ctx: &mut Context<Self>) {
        if self.phase != Phase::Dialing {
            return;
        }
        let detail = match error {
            DialError::Refused(refusal) => refusal.message.clone().unwrap_or_default(),
            DialError::Upgrade(error) => crate::setback::chain(error),
        };
        let lost = Lost {
            generation: self.generation,
            setback: crate::setback::of_dial(self.bot.platform(), error),
            detail,
        };
        send(&*self.installation, lost);
        self.finish(0, ctx);
    }

    fn close(&mut self, mode: CloseMode, ctx: &mut Context<Self>) {
        match self.phase {
            Phase::Dialing => self.finish(0, ctx),
            Phase::Open | Phase::HungUp => self.tell(Input::Close(mode), ctx),
            Phase::Over => {}
        }
    }

    /// What the session has to know beside its input.
    fn surroundings(&self) -> Surroundings {
        Surroundings {
            now: now(),
            unix_ms: unix_ms(),
            writer_has_room: self.fleet.writer.has_room(),
            unfinished_most_bytes: self.fleet.unfinished.most_for(self.unfinished_bytes),
            retained_bytes: self.bot.retained.bytes(),
            cards_claimed: self.fleet.cards.claims(self.bot.id),
        }
    }
}

impl TreeActor for Socket {
    type Card = SocketCard;
}

impl Actor for Socket {
    type Context = Context<Self>;
}

impl Drop for Socket {
    fn drop(&mut self) {
        self.fleet.unfinished.change(self.unfinished_bytes, 0);
        if self.session.repeats_nothing() {
            // None, unless the actor failed. What the writer has then is recorded, unless the store fails too.
            let events = self.session.unsubmitted() as u64;
            let (fleet, bot) = (Arc::clone(&self.fleet), Arc::clone(&self.bot));
            let (cause, generation) = (LossCause::ActorEnded, self.generation);
            loss::count(cause, &fleet, &bot, generation, events, || {
                self.show_as_unanswered(0);
            });
            if self.session.view().unread_bytes > 0 {
                loss::left_unread(&self.fleet, &self.bot, self.generation);
            }
            self.bot.record_order.leave(self.generation);
        } else {
            self.show_as_unanswered(0);
        }
    }
}

impl Handler<Recorded> for Socket {
    type Result = ();

    fn handle(&mut self, Recorded(receipts): Recorded, ctx: &mut Self::Context) {
        // The I/O runs after the mailbox is empty and writes all answers at once.
        self.tell(Input::Recorded(receipts), ctx);
    }
}

impl Handler<NotRecorded> for Socket {
    type Result = ();

    fn handle(&mut self, NotRecorded { tickets, cause }: NotRecorded, ctx: &mut Self::Context) {
        tracing::debug!(
            name = %self.bot.record().name,
            installation = self.bot.public_id,
            generation = self.generation.0,
            events = tickets.len(),
            cause = cause.label(),
            "not recorded; the platform is asked to repeat, or they are offered again"
        );
        let why = if cause == Cause::Poison {
            NotRecordedBy::Rule
        } else {
            NotRecordedBy::Trouble
        };
        self.tell(Input::NotRecorded(tickets, why), ctx);
    }
}

impl Handler<MayRecord> for Socket {
    type Result = ();

    fn handle(&mut self, _: MayRecord, ctx: &mut Self::Context) {
        self.tell(Input::MayRecord, ctx);
    }
}

impl Handler<CardAnswered> for Socket {
    type Result = ();

    fn handle(&mut self, answered: CardAnswered, ctx: &mut Self::Context) {
        let CardAnswered(ticket, result) = answered;
        self.tell(Input::CardAnswered(ticket, result), ctx);
    }
}

impl Handler<SendPing> for Socket {
    type Result = ();

    fn handle(&mut self, _: SendPing, ctx: &mut Self::Context) {
        self.tell(Input::SendPing, ctx);
    }
}

impl Handler<Ask> for Socket {
    type Result = ();

    fn handle(&mut self, ask: Ask, ctx: &mut Self::Context) {
        if ask.request.asker.is_closed() {
            // It was told that its time is up, or it left: what is sent now would come as a surprise.
            return;
        }
        // Whoever asked may have gone this moment.
        let _ = ask.taken.send(());
        self.tell(Input::Request(ask.request), ctx);
    }
}

impl Handler<Assembled> for Socket {
    type Result = ();

    fn handle(&mut self, Assembled(whole): Assembled, ctx: &mut Self::Context) {
        self.tell(Input::Assembled(whole), ctx);
    }
}

impl Handler<Emptied> for Socket {
    type Result = ();

    fn handle(&mut self, Emptied(came): Emptied, ctx: &mut Self::Context) {
        self.tell(Input::AssemblerEmpty(came), ctx);
    }
}

impl Handler<Attach> for Socket {
    type Result = ();

    fn handle(&mut self, attach: Attach, ctx: &mut Self::Context) {
        match attach {
            Attach::Assembler(assembler) => {
                self.assembler = Some(assembler);
                self.tell(Input::AssemblerAttached, ctx);
            }
            Attach::Pinger(pinger) => {
                self.pinger = Some(pinger);
                self.tell(Input::PingerAttached, ctx);
            }
        }
    }
}

impl Handler<Close> for Socket {
    type Result = ();

    fn handle(&mut self, Close(mode): Close, ctx: &mut Self::Context) {
        self.close(mode, ctx);
    }
}

impl Handler<End> for Socket {
    type Result = ();

    fn handle(&mut self, _: End, ctx: &mut Self::Context) {
        self.close(CloseMode::ParentGone, ctx);
    }
}

handle_inject!(Socket, "a socket");

impl Handler<Inspect<SocketState>> for Socket {
    type Result = MessageResult<Inspect<SocketState>>;

    fn handle(&mut self, _: Inspect<SocketState>, _: &mut Self::Context) -> Self::Result {
        let view = self.session.view();
        MessageResult(SocketState {
            generation: self.generation.0,
            phase: match self.phase {
                Phase::Dialing => "dialing",
                Phase::Open | Phase::HungUp | Phase::Over => view.phase,
            },
            arbiter: self.arbiter.number,
            unanswered: view.unanswered,
            unanswered_bytes: view.unanswered_bytes,
            awaiting_application: view.awaiting_application,
            unread_bytes: view.unread_bytes,
            unsent_bytes: view.unsent_bytes,
            waiting_for_the_writer: view.waiting_for_the_writer,
            waiting_for_predecessors: view.waiting_for_predecessors,
            reading: view.reading,
            shedding: view.shedding,
        })
    }
}

/// The writer's way back to a socket: one message per group.
struct SocketMailbox(Arc<Mailbox<Socket>>);

impl GroupReply for SocketMailbox {
    fn recorded(&self, receipts: Vec<Receipt>) {
        self.0.send(Recorded(receipts));
    }

    fn not_recorded(&self, tickets: Vec<u32>, cause: Cause) {
        self.0.send(NotRecorded { tickets, cause });
    }
}
