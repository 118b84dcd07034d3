//! Keeps one installation connected.
//!
//! It asks for its turn, for an endpoint, starts a [`Socket`] for it, is told `Opened` or `Lost`, and begins again after
//! the delay that [`Link`] decides. This file moves inputs and actions and keeps the children of the connection alive;
//! every decision is the link's.

mod bootstrap;
mod children;
mod displacement;
mod drain;
mod news;

use crate::access::Access;
use crate::bot::{Bot, InstallationCard};
use crate::clock::{now, unix_ms};
use crate::config_fault::ConfigFault;
use crate::context::{ArbiterContext, FleetContext};
use crate::kind::ConnectionActor;
use crate::open_files::WaitsForFile;
use crate::pinger::{AskWithin, PingEvery};
use crate::supervisor::{AskTurn, AttemptPermit, Drained};
use crate::view::{Inspection, InstallationState};
use crate::wecom::request::Ask;
use actix::{
    Actor, ActorContext, AsyncContext, Handler, Message, MessageResult, ResponseFuture, SpawnHandle,
};
use children::Connection;
use drain::Farewell;
pub(crate) use drain::{Drain, Finished};
use longwire_actor::{
    Context, End, Ended, Fault, Inject, Inspect, Mailbox, RebuildBudget, Receives, Timer,
    TreeActor, send,
};
use longwire_egress::SocketPermit;
use longwire_installation::Desired;
use longwire_link::{Action, Generation, Link, Setback, State};
use longwire_store::{InstallationRecord, TimelineKind};
use longwire_wire::endpoint::ClientConfig;
use longwire_wire::frame::ServiceId;
use news::Told;
use std::rc::Rc;
use std::sync::Arc;
use std::sync::atomic::Ordering::Relaxed;
use std::time::Duration;

/// The time over which all connections are asked after the host slept.
const ASK_SPREAD: Duration = Duration::from_secs(2);

/// Your configuration is this now. From the supervisor, when the store's row changed, or what hinders the installation.
#[derive(Message)]
#[rtype(result = "()")]
pub(crate) struct Configure {
    pub(crate) record: Arc<InstallationRecord>,
    pub(crate) config_fault: Option<Arc<ConfigFault>>,
}

/// You may begin an attempt. From the supervisor, the answer to one [`AskTurn`].
#[derive(Message)]
#[rtype(result = "()")]
pub(crate) struct Turn {
    pub(crate) generation: Generation,
    pub(crate) permit: Box<AttemptPermit>,
}

/// The socket of `generation` is open. From the socket, once.
#[derive(Debug, Message)]
#[rtype(result = "()")]
pub(crate) struct Opened(pub(crate) Generation);

/// The socket of `generation` is gone, or never came. From the socket, once, unless it was told to close.
#[derive(Debug, Message)]
#[rtype(result = "()")]
pub(crate) struct Lost {
    pub(crate) generation: Generation,
    pub(crate) setback: Setback,
    pub(crate) detail: String,
}

/// The platform answered a ping. From the pinger, once per pong.
#[derive(Debug, Message)]
#[rtype(result = "()")]
pub(crate) struct Alive {
    pub(crate) generation: Generation,
    pub(crate) config: Option<ClientConfig>,
}

/// The platform did not answer a ping in time. From the pinger, once per connection.
#[derive(Debug, Message)]
#[rtype(result = "()")]
pub(crate) struct Silent(pub(crate) Generation);

/// The host slept: what was connected may be dead. From the supervisor, once per sleep.
#[derive(Debug, Message)]
#[rtype(result = "()")]
pub(crate) struct Slept;

/// A fragment came and nobody joins fragments. From the socket, which reads nothing more until one is attached.
#[derive(Debug, Message)]
#[rtype(result = "()")]
pub(crate) struct AssemblerWanted(pub(crate) Generation);

/// The assembler holds nothing and is given nothing more. From the socket, at most once per assembler.
#[derive(Debug, Message)]
#[rtype(result = "()")]
pub(crate) struct AssemblerIdle(pub(crate) Generation);

/// A child is gone. From its watcher, once per child, whatever ended it.
#[derive(Debug, Message)]
#[rtype(result = "()")]
struct ChildEnded {
    actor: ConnectionActor,
    generation: Generation,
    ended: Ended,
}

/// Do this to your child. From the supervisor, on behalf of the fleet's handle.
#[derive(Debug, Message)]
#[rtype(result = "()")]
pub(crate) struct InjectChild(pub(crate) ConnectionActor, pub(crate) Fault);

/// Ask your child for its state. From the supervisor, on behalf of the admin endpoint.
#[derive(Debug, Message)]
#[rtype(result = "Inspection")]
pub(crate) struct InspectChild(pub(crate) ConnectionActor);

/// Keeps one installation connected.
pub(crate) struct Installation {
    shared: Arc<FleetContext>,
    local: Rc<ArbiterContext>,
    bot: Arc<Bot>,
    me: Arc<Mailbox<Self>>,
    record: Arc<InstallationRecord>,
    config_fault: Option<Arc<ConfigFault>>,
    link: Link,
    supervisor: Arc<dyn SupervisorAddress>,
    rebuilds: RebuildBudget,
    /// Held from the turn until the connection is open or given up.
    attempt: Option<Box<AttemptPermit>>,
    /// Its place among the connections that may be open at once. The socket holds it as well, and the link says how long it
    /// is kept when there is no socket. While an earlier connection still holds it, the next one takes another.
    place: Option<SocketPermit>,
    /// While it is not connected because there was no place.
    waits_for_file: Option<WaitsForFile>,
    /// Between bootstrap and dial; boxed because for most of its life there is none.
    access: Option<Box<(Generation, Access)>>,
    /// What the platform calls the service of the latest connection; WeCom has none.
    service: Option<ServiceId>,
    connection: Option<Connection>,
    /// Connections let go of that still answer or record what they read; almost always none.
    finishing: Box<[Generation]>,
    farewell: Option<Farewell>,
    detail: Option<Box<str>>,
    shown: Option<(State, Generation)>,
    told: Told,
    timer: Option<SpawnHandle>,
}

/// The supervisor, as an installation knows it.
pub(crate) trait SupervisorAddress: Receives<AskTurn> + Receives<Drained> {}
impl<T: Receives<AskTurn> + Receives<Drained>> SupervisorAddress for T {}

impl Installation {
    pub(crate) fn new(
        shared: Arc<FleetContext>,
        local: Rc<ArbiterContext>,
        bot: Arc<Bot>,
        me: Arc<Mailbox<Self>>,
        Configure {
            record,
            config_fault,
        }: Configure,
        supervisor: Arc<dyn SupervisorAddress>,
    ) -> Self {
        let link = link_of(&shared, &record, &bot);
        Self {
            shared,
            local,
            bot,
            me,
            record,
            config_fault,
            link,
            supervisor,
            rebuilds: RebuildBudget::default(),
            attempt: None,
            place: None,
            waits_for_file: None,
            access: None,
            service: None,
            connection: None,
            finishing: Box::default(),
            farewell: None,
            detail: None,
            shown: None,
            told: Told::default(),
            timer: None,
        }
    }

    /// Carries out what the link decided. Every handler ends here and nowhere else.
    fn drive(&mut self, ctx: &mut Context<Self>) {
        while let Some(action) = self.link.poll_action() {
            match action {
                // Bounded: one open question per installation.
                Action::AskTurn(generation)
                    if !self.has_own_place() && !self.shared.open_files.has_place() =>
                {
                    // A turn would only be taken from somebody who can use it.
                    self.setback(generation, Setback::TooManyOpenFiles, String::new());
                }
                Action::AskTurn(generation) => {
                    let installation = self.bot.id;
                    let ask = AskTurn {
                        installation,
                        generation,
                        standing: self.link.standing(now()),
                    };
                    send(&*self.supervisor, ask);
                }
                Action::Bootstrap(generation) => self.bootstrap(generation, ctx),
                Action::Dial(generation) => self.dial(generation),
                Action::RecordDisplaced => self.record_displaced(),
                Action::RecordTakeBack(generation) => self.record_take_back(generation),
                Action::Close(generation, reason) => self.close(generation, reason),
            }
        }
        if !matches!(self.link.state(), State::Bootstrapping | State::Dialing) {
            self.attempt = None;
        }
        if !self.link.keeps_place() {
            self.place = None;
        }
        if let Some(timer) = self.timer.take() {
            ctx.cancel_future(timer);
        }
        self.timer = self.link.poll_timeout().map(|due| {
            let pause = due.saturating_duration_since(now());
            ctx.work_later::<Timer>(pause, |this, ctx| {
                this.timer = None;
                this.link.handle_timeout(now());
                this.drive(ctx);
            })
        });
        self.show();
    }

    fn setback(&mut self, generation: Generation, setback: Setback, detail: String) {
        if generation == self.link.generation() {
            self.detail = Some(detail)
                .filter(|detail| !detail.is_empty())
                .map(String::into_boxed_str);
        }
        self.link.handle_setback(generation, setback, now());
    }
}

impl TreeActor for Installation {
    type Card = InstallationCard;
}

impl Actor for Installation {
    type Context = Context<Self>;

    fn started(&mut self, ctx: &mut Self::Context) {
        self.link.handle_desired(self.record.desired, now());
        self.drive(ctx);
    }
}

fn link_of(shared: &FleetContext, record: &InstallationRecord, bot: &Bot) -> Link {
    let timing = Arc::clone(shared.timing(record.platform));
    // One that panicked, or one of a former process, may have gone before: its connections are in the log and the
    // timeline, and whoever displaced it has the bot still.
    Link::new(timing, rand::random())
        .after(bot.generation())
        .with_take_back(record.take_back)
        .displaced(bot.displaced_since(record.claims))
        .taken_back_at(bot.taken_back())
}

impl Handler<Configure> for Installation {
    type Result = ();

    fn handle(
        &mut self,
        Configure {
            record,
            config_fault,
        }: Configure,
        ctx: &mut Self::Context,
    ) {
        let is_reachable_differently =
            !self.record.has_same_access(&record) || self.config_fault != config_fault;
        let is_claimed = self.record.claims != record.claims;
        self.config_fault = config_fault;
        if self.record.platform != record.platform {
            // Another platform's paces, and nothing of what was there.
            self.link.handle_desired(Desired::Stop, now());
            self.drive(ctx);
            self.link = link_of(&self.shared, &record, &self.bot);
        }
        self.record = record;
        self.bot.configured(&self.record);
        self.link.handle_desired(self.record.desired, now());
        if is_claimed && self.record.desired == Desired::Run {
            self.link.handle_claimed(now());
        }
        self.link.handle_take_back(self.record.take_back);
        if is_reachable_differently {
            self.link.handle_configured(now());
        }
        self.drive(ctx);
    }
}

impl Handler<Turn> for Installation {
    type Result = ();

    fn handle(&mut self, Turn { generation, permit }: Turn, ctx: &mut Self::Context) {
        let is_awaited =
            generation == self.link.generation() && *self.link.state() == State::Queued;
        if is_awaited {
            self.attempt = Some(permit);
        }
        self.link.handle_turn(generation, now());
        self.drive(ctx);
    }
}

impl Handler<Opened> for Installation {
    type Result = ();

    fn handle(&mut self, Opened(generation): Opened, ctx: &mut Self::Context) {
        self.link.handle_opened(generation, now());
        let is_ours = self
            .connection
            .as_ref()
            .is_some_and(|connection| connection.generation == generation);
        if is_ours && matches!(self.link.state(), State::Live { .. }) {
            self.shared.totals.opened.fetch_add(1, Relaxed);
            if self.bot.tally.was_live.swap(true, Relaxed) {
                self.shared.totals.reconnects.fetch_add(1, Relaxed);
                self.bot.tally.reconnects.fetch_add(1, Relaxed);
            }
            self.bot.tally.connected_ms.store(unix_ms(), Relaxed);
            self.shared
                .note(&self.bot, generation.0, TimelineKind::Opened, "");
            self.start_pinger();
        }
        self.drive(ctx);
    }
}

impl Handler<Lost> for Installation {
    type Result = ();

    fn handle(&mut self, lost: Lost, ctx: &mut Self::Context) {
        self.lost(lost);
        self.drive(ctx);
    }
}

impl Handler<Alive> for Installation {
    type Result = ();

    fn handle(&mut self, Alive { generation, config }: Alive, ctx: &mut Self::Context) {
        let before = *self.link.config();
        let ping_interval_before = self.link.ping_interval();
        let rejected = self.link.handle_pong(generation, config.as_ref(), now());
        self.note_rejected(rejected);
        let after = *self.link.config();
        if before != after {
            let text = format!(
                "ping every {:?}, reconnect within {:?}",
                self.link.ping_interval(),
                after.reconnect_nonce
            );
            self.shared
                .note(&self.bot, generation.0, TimelineKind::ConfigApplied, text);
        }
        let pinger = self
            .connection
            .as_ref()
            .and_then(|connection| connection.pinger.as_ref());
        if ping_interval_before != self.link.ping_interval()
            && let Some(pinger) = pinger
        {
            pinger.send(PingEvery(self.link.ping_interval()));
        }
        self.drive(ctx);
    }
}

impl Handler<Silent> for Installation {
    type Result = ();

    fn handle(&mut self, Silent(generation): Silent, ctx: &mut Self::Context) {
        if self
            .connection
            .as_ref()
            .is_some_and(|connection| connection.generation == generation)
        {
            self.shared.totals.silent.fetch_add(1, Relaxed);
            self.shared.totals.lost.fetch_add(1, Relaxed);
            // The link answers with `Close`.
            self.setback(generation, Setback::Silent, String::new());
        }
        self.drive(ctx);
    }
}

impl Handler<Slept> for Installation {
    type Result = ();

    fn handle(&mut self, _: Slept, _: &mut Self::Context) {
        // Only what is open can have died unnoticed: a dial under way has its own deadline.
        let pinger = self
            .connection
            .as_ref()
            .and_then(|connection| connection.pinger.as_ref());
        if let Some(pinger) = pinger {
            // Thousands who ask at the same moment would keep each other's answers waiting.
            pinger.send(AskWithin(ASK_SPREAD.mul_f32(rand::random())));
        }
    }
}

impl Handler<AssemblerWanted> for Installation {
    type Result = ();

    fn handle(&mut self, AssemblerWanted(generation): AssemblerWanted, _: &mut Self::Context) {
        if self
            .connection
            .as_ref()
            .is_some_and(|connection| connection.generation == generation)
        {
            self.start_assembler();
        }
    }
}

impl Handler<AssemblerIdle> for Installation {
    type Result = ();

    fn handle(&mut self, AssemblerIdle(generation): AssemblerIdle, _: &mut Self::Context) {
        if let Some(connection) = &mut self.connection
            && connection.generation == generation
        {
            // Dropped, and so ended.
            connection.assembler = None;
        }
    }
}

impl Handler<ChildEnded> for Installation {
    type Result = ();

    fn handle(&mut self, child: ChildEnded, ctx: &mut Self::Context) {
        let ChildEnded {
            actor,
            generation,
            ended,
        } = child;
        let is_current = self.connection.as_ref().is_some_and(|connection| {
            connection.generation == generation
                && connection.instance(actor) == Some(ended.instance)
        });
        if is_current {
            self.rebuild(actor, generation, &ended.exit, ctx);
        } else if actor == ConnectionActor::Socket {
            // Perhaps it could not say so itself.
            self.finished(generation, 0);
        }
        self.drive(ctx);
    }
}

impl Handler<Ask> for Installation {
    type Result = ();

    fn handle(&mut self, ask: Ask, _: &mut Self::Context) {
        match &self.connection {
            Some(connection) => connection.socket.send(ask),
            None => ask.not_connected(self.link.state()),
        }
    }
}

impl Handler<Inject> for Installation {
    type Result = ();

    fn handle(&mut self, Inject(fault): Inject, ctx: &mut Self::Context) {
        fault.strike("an installation", ctx);
    }
}

impl Handler<InjectChild> for Installation {
    type Result = ();

    fn handle(&mut self, InjectChild(actor, fault): InjectChild, _: &mut Self::Context) {
        if actor == ConnectionActor::Assembler {
            // Mostly there is none, since no push came split.
            self.start_assembler();
        }
        let connection = self.connection.as_ref();
        if !connection.is_some_and(|connection| connection.inject(actor, Inject(fault))) {
            tracing::warn!(
                installation = self.bot.public_id,
                actor = actor.kind().label,
                "no such actor lives; nothing injected"
            );
        }
    }
}

impl Handler<Inspect<InstallationState>> for Installation {
    type Result = MessageResult<Inspect<InstallationState>>;

    fn handle(&mut self, _: Inspect<InstallationState>, _: &mut Self::Context) -> Self::Result {
        let config = self.link.config();
        MessageResult(InstallationState {
            state: self.link.state().label(),
            generation: self.link.generation().0,
            reconnects: self.link.reconnects(),
            attempts_exceeded: self.link.attempts_exceeded(),
            ping_interval_s: self.link.ping_interval().as_secs(),
            reconnect_interval_s: config.reconnect_interval.as_secs(),
            reconnect_nonce_s: config.reconnect_nonce.as_secs(),
            next_due_ms: self.link.poll_timeout().map(crate::clock::unix_ms_at),
        })
    }
}

impl Handler<InspectChild> for Installation {
    type Result = ResponseFuture<Inspection>;

    fn handle(&mut self, InspectChild(actor): InspectChild, _: &mut Self::Context) -> Self::Result {
        match &self.connection {
            Some(connection) => connection.inspect(actor),
            None => Box::pin(std::future::ready(Inspection::Absent)),
        }
    }
}

impl Handler<End> for Installation {
    type Result = ();

    fn handle(&mut self, _: End, ctx: &mut Self::Context) {
        ctx.stop();
    }
}
