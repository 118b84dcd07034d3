//! One connection's bytes. Nobody else touches them.
//!
//! It dials what the installation gives it, says `Opened` or `Lost`, and then its I/O is one future on its own context,
//! the [`pump`]: a read burst becomes one group for the writer, the receipts of a group become ACKs in one write. Hops
//! between threads are two per burst, whatever the burst holds.
//!
//! It never decides whether to connect again, and it never writes a code 200 without a receipt: what it may write is
//! an [`Answer`].

mod ending;
mod feishu;
mod inbound;
mod news;
mod outbound;
mod pump;
mod session;
mod wecom;

use crate::access::Access;
use crate::assembler::{Assembled, Emptied, Fragment, Refused};
use crate::bot::{Bot, SocketCard};
use crate::clock::now;
use crate::context::{ArbiterContext, FleetContext};
use crate::loss::{self, Loss};
use crate::pinger::{Heard, Pong, ReadingPaused, ReadingResumed, SendPing};
use crate::record_order::MayRecord;
use crate::view::SocketState;
use crate::wecom::request::Ask;
use actix::{
    Actor, ActorContext, ActorFutureExt, AsyncContext, Handler, Message, MessageResult, WrapFuture,
};
use ending::{Ending, Why};
use feishu::{Push, Unanswered};
use inbound::{Inbound, Owed, Pause};
use longwire_actor::{Context, End, Handling, Inject, Inspect, Mailbox, Receives, TreeActor, send};
use longwire_link::{Generation, Setback, Window};
use longwire_platform::DialError;
use longwire_store::{Cause, GroupReply, Receipt};
use longwire_wire::endpoint::ConnectionUrl;
pub(crate) use news::{AssemblerIdle, AssemblerWanted, Finished, Lost, Opened};
use outbound::Outbound;
use pump::Pump;
use session::Session;
use std::rc::Rc;
use std::sync::Arc;
use std::sync::atomic::Ordering::Relaxed;
use std::time::{Duration, Instant};

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

/// How a connection ends.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum CloseMode {
    /// Answer what was read and close with 1000. Where the platform repeats what is not answered, nothing more is read;
    /// where not, the close frame goes first, and everything is recorded that comes until the platform has closed as well.
    Finish {
        /// At most this long.
        within: Duration,
    },
    /// Nobody waits for it: the other side does not answer anyway.
    Abandon,
}

/// How long a socket that nobody wants any more may go on answering what it read.
const CLOSE_LIMIT: Duration = Duration::from_secs(3);

/// One connection's bytes.
pub(crate) struct Socket {
    shared: Arc<FleetContext>,
    local: Rc<ArbiterContext>,
    bot: Arc<Bot>,
    generation: Generation,
    installation: Arc<dyn InstallationAddress>,
    routing: FragmentRouting,
    pinger: Option<Arc<dyn PingerAddress>>,
    phase: Phase,
    session: Session,
    window: Window<Owed>,
    inbound: Inbound,
    outbound: Outbound,
    me: Arc<SocketMailbox>,
    question: Question,
    record_turn: RecordTurn,
    /// What this connection added to what its bot shows as unanswered. One that finishes has a successor beside it.
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
enum Phase {
    Dialing,
    Open(longwire_egress::BoxedSocket),
    Finishing {
        io: longwire_egress::BoxedSocket,
        until: Instant,
    },
    /// The close frame is written; waiting for the other side to hang up.
    Leaving {
        io: longwire_egress::BoxedSocket,
        until: Instant,
    },
    /// Over for everybody else. What it brought and still brings is recorded, since nobody repeats it.
    Ending(Box<Ending>),
    Over,
}

/// Whether events may be handed to the store.
#[derive(Clone, Copy, PartialEq, Eq)]
enum RecordTurn {
    Ours,
    /// An earlier connection of the bot has to be over first: its events come before ours.
    Predecessors,
}

/// Whether somebody waits to hear that bytes came in.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Question {
    Open,
    None,
}

/// The network brought bytes, which is work that comes by no mailbox.
struct ReadBurst;

/// Who joins fragments.
enum FragmentRouting {
    /// Nobody: none has come, or none for long.
    Open,
    /// One is on its way; the fragment that called for it waits, and nothing is read meanwhile.
    Wanted(Box<Fragment>),
    /// This one, which was given so many fragments; the count wraps.
    Joined(Arc<dyn AssemblerAddress>, u32),
}

impl Socket {
    pub(crate) fn new(
        shared: Arc<FleetContext>,
        local: Rc<ArbiterContext>,
        bot: Arc<Bot>,
        me: Arc<Mailbox<Self>>,
        generation: Generation,
        access: Access,
        installation: Arc<dyn InstallationAddress>,
    ) -> Self {
        let timing = shared.timing(bot.platform());
        let session = Session::new(access, timing);
        let window = Window::new(
            session.window_events(shared.window_events),
            shared.window_bytes,
            session.answer_budget(timing),
        );
        Self {
            window,
            outbound: Outbound::new(timing.write),
            inbound: Inbound::new(session.flight(), session.backlog()),
            session,
            shared,
            local,
            bot,
            generation,
            installation,
            routing: FragmentRouting::Open,
            pinger: None,
            phase: Phase::Dialing,
            me: Arc::new(SocketMailbox(me)),
            question: Question::None,
            record_turn: RecordTurn::Ours,
            shown_unanswered: 0,
        }
    }

    /// To be held while a read burst is taken in.
    fn working(&self) -> Handling<SocketCard> {
        Handling::of_work::<ReadBurst>(SocketCard(Arc::clone(&self.bot)))
    }

    /// Dials. The answer of the network starts the pump, or ends this actor.
    pub(crate) fn dial(
        &self,
        egress: longwire_egress::Egress,
        url: ConnectionUrl,
        ctx: &mut Context<Self>,
    ) {
        let limit = self.shared.timing(self.bot.platform()).handshake;
        let dialed = async move { longwire_platform::dial(&egress, &url, limit).await };
        ctx.spawn(
            dialed
                .into_actor(self)
                .map(|dialed, this, ctx| match dialed {
                    Ok(line) => this.opened(line, ctx),
                    Err(error) => {
                        let detail = match &error {
                            DialError::Refused(refusal) => {
                                refusal.message.clone().unwrap_or_default()
                            }
                            DialError::Upgrade(error) => crate::setback::chain(error),
                        };
                        let setback = crate::setback::of_dial(this.bot.platform(), &error);
                        this.lose(setback, detail, ctx);
                    }
                }),
        );
    }

    fn opened(&mut self, line: longwire_egress::WebSocketIo, ctx: &mut Context<Self>) {
        let _working = ctx.working::<Opened>();
        if !matches!(self.phase, Phase::Dialing) {
            return;
        }
        self.phase = Phase::Open(line.io);
        self.take_place();
        // An event may have come in the same packet as the 101.
        self.inbound.feed(line.early);
        self.greet();
        ctx.spawn(Pump::new());
    }

    /// An open connection is over, or a dial failed.
    fn lose(&mut self, setback: Setback, detail: String, ctx: &mut Context<Self>) {
        if !matches!(self.phase, Phase::Dialing | Phase::Open(_)) {
            return;
        }
        let lost = Lost {
            generation: self.generation,
            setback,
            detail,
        };
        send(&*self.installation, lost);
        self.let_go(ctx);
    }

    /// Nobody counts on the connection any more. What the store has in hand becomes durable all the same: a repeat finds
    /// the row, and where there are no repeats this actor stays until everything is recorded.
    fn let_go(&mut self, ctx: &mut Context<Self>) {
        match std::mem::replace(&mut self.phase, Phase::Over) {
            Phase::Open(io) if self.session.repeats_nothing() => {
                self.end_session();
                self.begin_ending(io, Why::Lost);
            }
            phase @ (Phase::Ending(_) | Phase::Over) => self.phase = phase,
            Phase::Dialing | Phase::Open(_) | Phase::Finishing { .. } | Phase::Leaving { .. } => {
                self.end_session();
                self.finish(ctx);
            }
        }
    }

    /// Everything in hand is answered, or time is up.
    fn finish(&mut self, ctx: &mut Context<Self>) {
        self.phase = Phase::Over;
        let unanswered = self.window.len() as u64;
        let finished = Finished {
            generation: self.generation,
            unanswered,
        };
        send(&*self.installation, finished);
        self.shared
            .totals
            .orphaned_receipts
            .fetch_add(unanswered, Relaxed);
        ctx.stop();
    }

    /// The connection ends in order, because somebody here wants it to.
    fn begin_finish(&mut self, within: Duration, ctx: &mut Context<Self>) {
        match std::mem::replace(&mut self.phase, Phase::Over) {
            Phase::Open(io) if self.session.repeats_nothing() => {
                self.begin_ending(io, Why::Told(within));
            }
            Phase::Open(io) => {
                self.phase = Phase::Finishing {
                    io,
                    until: now() + within,
                };
            }
            Phase::Dialing => self.finish(ctx),
            phase @ (Phase::Finishing { .. }
            | Phase::Leaving { .. }
            | Phase::Ending(_)
            | Phase::Over) => {
                self.phase = phase;
            }
        }
    }

    /// Where the log has to keep the order of the bot's connections, this one stands behind those before it.
    fn take_place(&mut self) {
        if self.session.repeats_nothing() {
            let me = Arc::clone(&self.me.0);
            if !self.bot.record_order.join(self.generation, me) {
                self.record_turn = RecordTurn::Predecessors;
            }
        }
    }

    fn may_record(&self) -> bool {
        self.record_turn == RecordTurn::Ours
    }

    fn show_window(&mut self) {
        self.show_unanswered(u32::try_from(self.window.len()).unwrap_or(u32::MAX));
    }

    fn show_unanswered(&mut self, now: u32) {
        let before = std::mem::replace(&mut self.shown_unanswered, now);
        let shown = &self.bot.tally.unanswered;
        // Adding what wraps around subtracts.
        shown.fetch_add(u64::from(now).wrapping_sub(u64::from(before)), Relaxed);
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
        let unfinished_bytes = self.inbound.unfinished_bytes();
        self.shared.unfinished.change(unfinished_bytes, 0);
        if self.session.repeats_nothing() {
            // None, unless the actor failed. What the writer has then is recorded, unless the store fails too.
            self.lost(self.inbound.waiting(), Loss::ActorEnded, 0);
            if self.inbound.held_bytes() > 0 {
                loss::left_unread(&self.shared, &self.bot, self.generation);
            }
            self.bot.record_order.leave(self.generation);
        } else {
            self.show_unanswered(0);
        }
    }
}

impl Handler<Recorded> for Socket {
    type Result = ();

    fn handle(&mut self, Recorded(receipts): Recorded, _: &mut Self::Context) {
        let now = now();
        self.inbound.settled(receipts.len());
        for receipt in receipts {
            self.recorded(receipt, now);
        }
        self.show_window();
        // The pump runs after the mailbox is empty and writes all answers at once.
    }
}

impl Handler<NotRecorded> for Socket {
    type Result = ();

    fn handle(&mut self, NotRecorded { tickets, cause }: NotRecorded, _: &mut Self::Context) {
        tracing::debug!(
            installation = self.bot.public_id,
            generation = self.generation.0,
            events = tickets.len(),
            cause = cause.label(),
            "not recorded; the platform is asked to repeat, or they are offered again"
        );
        self.inbound.settled(tickets.len());
        self.not_recorded(tickets, cause, now());
        self.show_window();
    }
}

impl Handler<MayRecord> for Socket {
    type Result = ();

    fn handle(&mut self, _: MayRecord, _: &mut Self::Context) {
        // The pump runs after the mailbox and hands over what waits.
        self.record_turn = RecordTurn::Ours;
    }
}

impl Handler<SendPing> for Socket {
    type Result = ();

    fn handle(&mut self, _: SendPing, _: &mut Self::Context) {
        self.question = Question::Open;
        self.ask();
    }
}

impl Handler<Ask> for Socket {
    type Result = ();

    fn handle(&mut self, ask: Ask, _: &mut Self::Context) {
        self.ask_platform(ask);
    }
}

impl Handler<Assembled> for Socket {
    type Result = ();

    fn handle(&mut self, whole: Assembled, _: &mut Self::Context) {
        // After the goodbye nobody hears an answer; the platform pushes it again on the next connection.
        if !matches!(self.phase, Phase::Open(_) | Phase::Finishing { .. }) {
            return;
        }
        let unanswered = Unanswered {
            echo: whole.echo,
            split: Some(whole.message_id.clone()),
        };
        // Above its own window's edge by as many as were open is in order; above what all may have in hand is not.
        let is_shedding = self.inbound.is_shedding();
        if (is_shedding && !self.has_room()) || !self.shared.writer.has_room() {
            return self.shed(unanswered);
        }
        // The pump takes it up right after the mailbox.
        self.take_event(Push {
            unanswered,
            message_id: Some(whole.message_id),
            trace_id: whole.trace_id,
            payload: whole.payload,
        });
    }
}

impl Handler<Emptied> for Socket {
    type Result = ();

    fn handle(&mut self, Emptied(came): Emptied, _: &mut Self::Context) {
        // With a fragment on its way to it, it is not empty for long.
        if matches!(&self.routing, FragmentRouting::Joined(_, given) if *given == came) {
            self.routing = FragmentRouting::Open;
            send(&*self.installation, AssemblerIdle(self.generation));
        }
    }
}

impl Handler<Attach> for Socket {
    type Result = ();

    fn handle(&mut self, attach: Attach, _: &mut Self::Context) {
        match attach {
            Attach::Assembler(assembler) => {
                let before =
                    std::mem::replace(&mut self.routing, FragmentRouting::Joined(assembler, 0));
                if let FragmentRouting::Wanted(fragment) = before {
                    self.join(*fragment);
                }
            }
            Attach::Pinger(pinger) => {
                self.pinger = Some(pinger);
                // A pause that lasts has to be told to this one too, or it takes our silence for the platform's.
                *self.inbound.pause() = Pause::Reading;
            }
        }
    }
}

impl Handler<Close> for Socket {
    type Result = ();

    fn handle(&mut self, Close(manner): Close, ctx: &mut Self::Context) {
        match manner {
            CloseMode::Finish { within } => self.begin_finish(within, ctx),
            CloseMode::Abandon => self.let_go(ctx),
        }
    }
}

impl Handler<End> for Socket {
    type Result = ();

    fn handle(&mut self, _: End, ctx: &mut Self::Context) {
        if self.session.repeats_nothing() {
            self.let_go(ctx);
        } else {
            self.begin_finish(CLOSE_LIMIT, ctx);
        }
    }
}

impl Handler<Inject> for Socket {
    type Result = ();

    fn handle(&mut self, Inject(fault): Inject, ctx: &mut Self::Context) {
        fault.strike("a socket", ctx);
    }
}

impl Handler<Inspect<SocketState>> for Socket {
    type Result = MessageResult<Inspect<SocketState>>;

    fn handle(&mut self, _: Inspect<SocketState>, _: &mut Self::Context) -> Self::Result {
        let phase = match &self.phase {
            Phase::Dialing => "dialing",
            Phase::Open(_) => "open",
            Phase::Finishing { .. } => "finishing",
            Phase::Leaving { .. } => "leaving",
            Phase::Ending(ending) if ending.is_keeping() => "keeping",
            Phase::Ending(_) => "ending",
            Phase::Over => "over",
        };
        let shedding = self.inbound.is_shedding();
        MessageResult(SocketState {
            generation: self.generation.0,
            phase,
            arbiter: self.local.arbiter,
            unanswered: self.window.len(),
            unanswered_bytes: self.window.bytes_held(),
            unread_bytes: self.inbound.held_bytes(),
            unsent_bytes: self.outbound.len(),
            waiting_for_the_writer: self.inbound.waiting(),
            waiting_for_predecessors: !self.may_record(),
            reading: self.may_read(),
            shedding,
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
