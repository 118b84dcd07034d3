//! Keeps one installation connected.
//!
//! It asks for its turn, for an endpoint, starts a [`Socket`] for it, is told `Opened` or `Lost`, and begins again after
//! the delay that [`Link`] decides. This file moves inputs and actions and keeps the children of the connection alive;
//! every decision is the link's.

use crate::assembler::Assembler;
use crate::bot::Bot;
use crate::card::{Asked, Child, End, Exit, Handling, Inspect, Post, Word, Words};
use crate::clock::{now, unix_ms};
use crate::fault::{Fault, Inject};
use crate::pinger::{Line, PingEvery, Pinger};
use crate::setback;
use crate::shared::{Local, Shared};
use crate::socket::{Attach, Close, Ears, Manner, Parents, Socket};
use crate::supervisor::{AskTurn, Drained};
use crate::view::Inspection;
use crate::watched::start_watched;
use crate::{ActorKind, card::Card};
use actix::{
    Actor, ActorContext, ActorFutureExt, Addr, AsyncContext, Context, Handler, Message,
    ResponseFuture, SpawnHandle, WrapFuture,
};
use longwire_egress::{Egress, ProxyPolicy};
use longwire_link::{
    Action, CloseReason, Desired, Generation, Heartbeat, Link, Rebuild, RebuildBudget, Rejected,
    Setback, State,
};
use longwire_platform::feishu::{self, Credentials, Endpoint, EndpointError};
use longwire_store::{InstallationRecord, Platform, TimelineKind};
use longwire_wire::endpoint::{ClientConfig, ConnectionUrl};
use secrecy::ExposeSecret;
use std::rc::Rc;
use std::sync::Arc;
use std::sync::atomic::Ordering::Relaxed;
use std::time::Duration;
use tokio::sync::OwnedSemaphorePermit;
use url::Url;

/// Rebuilds of children allowed before the installation is left alone for a while.
pub(crate) const REBUILDS: usize = 8;
/// The time in which they count.
pub(crate) const REBUILDS_WITHIN: Duration = Duration::from_secs(600);

/// How long a connection that is closed on purpose may go on answering what it read.
const FAREWELL: Duration = Duration::from_secs(3);

/// How long the admin endpoint waits for an actor's own words.
pub(crate) const INSPECTION: Duration = Duration::from_millis(500);

/// Your configuration is this now. From the supervisor, when the store's row changed.
#[derive(Message)]
#[rtype(result = "()")]
pub(crate) struct Configure(pub(crate) Arc<InstallationRecord>);

/// You may begin an attempt. From the supervisor, the answer to one [`AskTurn`].
#[derive(Debug, Message)]
#[rtype(result = "()")]
pub(crate) struct Turn(pub(crate) Generation);

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

/// A socket that was told to finish is gone. From the socket, once.
#[derive(Debug, Message)]
#[rtype(result = "()")]
pub(crate) struct Finished {
    pub(crate) generation: Generation,
    pub(crate) unanswered: u64,
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

/// A child is gone. From its watcher, once per child, whatever ended it.
#[derive(Debug, Message)]
#[rtype(result = "()")]
struct Ended {
    kind: ActorKind,
    generation: Generation,
    instance: u32,
    exit: Exit,
}

/// Finish what is in hand and stay away. From the supervisor, once.
#[derive(Debug, Message)]
#[rtype(result = "()")]
pub(crate) struct Drain {
    pub(crate) within: Duration,
}

/// Do this to your child. From the supervisor, on behalf of the fleet's handle.
#[derive(Debug, Message)]
#[rtype(result = "()")]
pub(crate) struct InjectChild(pub(crate) ActorKind, pub(crate) Fault);

/// Ask your child for its own words. From the supervisor, on behalf of the admin endpoint.
#[derive(Debug, Message)]
#[rtype(result = "Inspection")]
pub(crate) struct InspectChild(pub(crate) ActorKind);

/// Keeps one installation connected.
pub(crate) struct Installation {
    shared: Arc<Shared>,
    local: Rc<Local>,
    bot: Arc<Bot>,
    record: Arc<InstallationRecord>,
    link: Link,
    supervisor: Reports,
    rebuilds: RebuildBudget,
    /// Held from the turn until the connection is open or given up.
    attempt: Option<OwnedSemaphorePermit>,
    endpoint: Option<(Generation, ConnectionUrl)>,
    connection: Option<Connection>,
    farewell: Option<Farewell>,
    detail: Option<String>,
    shown: Option<(State, Generation)>,
    timer: Option<SpawnHandle>,
}

/// Whom an installation reports to.
pub(crate) struct Reports {
    pub(crate) turn: Post<AskTurn>,
    pub(crate) drained: Post<Drained>,
}

/// The actors of one connection. Dropping it ends them.
struct Connection {
    generation: Generation,
    socket: Child<Socket>,
    assembler: Option<Child<Assembler>>,
    pinger: Option<Child<Pinger>>,
}

/// A drain under way: the connection that is still answering, if any.
struct Farewell {
    generation: Option<Generation>,
}

impl Installation {
    pub(crate) fn new(
        shared: Arc<Shared>,
        local: Rc<Local>,
        bot: Arc<Bot>,
        record: Arc<InstallationRecord>,
        supervisor: Reports,
    ) -> Self {
        let link = Link::new(shared.timing, rand::random());
        Self {
            shared,
            local,
            bot,
            record,
            link,
            supervisor,
            rebuilds: RebuildBudget::new(REBUILDS, REBUILDS_WITHIN),
            attempt: None,
            endpoint: None,
            connection: None,
            farewell: None,
            detail: None,
            shown: None,
            timer: None,
        }
    }

    fn handling(&self, word: Word) -> Handling {
        self.bot.installation.handling(word)
    }

    /// Carries out what the link decided. Every handler ends here and nowhere else.
    fn drive(&mut self, ctx: &mut Context<Self>) {
        while let Some(action) = self.link.poll_action() {
            match action {
                // Bounded: one open question per installation.
                Action::AskTurn(generation) => self.supervisor.turn.send(AskTurn {
                    installation: self.bot.id,
                    generation,
                }),
                Action::Bootstrap(generation) => self.bootstrap(generation, ctx),
                Action::Dial(generation) => self.dial(generation, ctx),
                Action::Close(generation, reason) => self.close(generation, reason),
            }
        }
        if !matches!(self.link.state(), State::Bootstrapping | State::Dialing) {
            self.attempt = None;
        }
        if let Some(timer) = self.timer.take() {
            ctx.cancel_future(timer);
        }
        self.timer = self.link.poll_timeout().map(|due| {
            ctx.run_later(due.saturating_duration_since(now()), |this, ctx| {
                let _working = this.bot.installation.working(Word::Timer);
                this.timer = None;
                this.link.handle_timeout(now());
                this.drive(ctx);
            })
        });
        self.show();
    }

    /// Tells the world where the link stands: the status, the timeline, the log, each change once.
    fn show(&mut self) {
        let state = *self.link.state();
        let generation = self.link.generation();
        let exceeded = self.link.attempts_exceeded();
        if state.reason().is_none() {
            self.detail = None;
        }
        self.bot
            .shows(&state, generation.0, exceeded, self.detail.as_deref());
        if self.shown == Some((state, generation)) {
            return;
        }
        self.shown = Some((state, generation));
        let view = self.bot.view();
        let wait_ms = view.until_ms.map(|until| until - unix_ms());
        let reason = view.reason_text.unwrap_or_default();
        let next_step = view.next_step.unwrap_or_default();
        let (app_id, installation, generation) =
            (&self.record.app_id, &self.bot.public_id, generation.0);
        match state {
            State::BackingOff { attempt, .. } => {
                let text = format!("{reason}; attempt {attempt} in {} ms", wait_ms.unwrap_or(0));
                self.shared
                    .note(&self.bot, generation, TimelineKind::BackingOff, text);
                tracing::info!(
                    app_id,
                    installation,
                    generation,
                    attempt,
                    wait_ms,
                    reason,
                    "not connected; trying again"
                );
            }
            State::Refused { .. } => {
                let text = format!("{reason}. {next_step}");
                self.shared
                    .note(&self.bot, generation, TimelineKind::Refused, text);
                tracing::error!(
                    app_id,
                    installation,
                    generation,
                    reason,
                    next_step,
                    "refused by the platform or by our own rules"
                );
            }
            State::Restarting { .. } => {
                self.shared.note(
                    &self.bot,
                    generation,
                    TimelineKind::BackingOff,
                    reason.clone(),
                );
                tracing::error!(
                    app_id,
                    installation,
                    generation,
                    wait_ms,
                    "its actors fail too often; left alone for a while"
                );
            }
            State::Stopped => {
                if generation > 0 {
                    self.shared
                        .note(&self.bot, generation, TimelineKind::Stopped, "");
                }
            }
            State::Live { .. } => {
                tracing::info!(app_id, installation, generation, "connected");
            }
            State::Queued | State::Bootstrapping | State::Dialing => {
                tracing::debug!(
                    app_id,
                    installation,
                    generation,
                    state = state.label(),
                    "connecting"
                );
            }
        }
    }

    fn note_rejected(&self, rejected: Vec<Rejected>) {
        for rejected in rejected {
            self.bot.tally.malformed.fetch_add(1, Relaxed);
            self.shared
                .malformed
                .count("config_value", &self.bot.public_id, 0);
            let generation = self.link.generation().0;
            self.shared.note(
                &self.bot,
                generation,
                TimelineKind::ConfigRejected,
                rejected.to_string(),
            );
        }
    }

    /// The way out for this installation: its own proxy, or everybody's.
    fn egress(&self) -> Result<Egress, String> {
        let proxy = self
            .shared
            .store
            .open_proxy(&self.record)
            .map_err(|error| format!("the proxy setting cannot be unsealed: {error}"))?;
        match proxy {
            None => Ok(self.local.egress.clone()),
            Some(proxy) => match proxy.expose_secret() {
                "direct" => Ok(self.local.egress.with_proxy(ProxyPolicy::Direct)),
                url => url
                    .parse()
                    .map(|url| self.local.egress.with_proxy(ProxyPolicy::Url(url)))
                    .map_err(|error| format!("the proxy setting is unusable: {error}")),
            },
        }
    }

    fn bootstrap(&mut self, generation: Generation, ctx: &mut Context<Self>) {
        self.shared.totals.attempts.fetch_add(1, Relaxed);
        let asked = self.ask_endpoint();
        ctx.spawn(asked.into_actor(self).map(move |answer, this, ctx| {
            let _working = this.bot.installation.working(Word::Bootstrapped);
            this.bootstrapped(generation, answer);
            this.drive(ctx);
        }));
    }

    /// The platform's answer; no answer at all is an error of our own side.
    fn ask_endpoint(&self) -> impl Future<Output = Result<Endpoint, (Setback, String)>> + use<> {
        let shared = Arc::clone(&self.shared);
        let record = Arc::clone(&self.record);
        let egress = self.egress();
        async move {
            let egress = egress.map_err(|detail| (Setback::AddressRefused, detail))?;
            // Unsealed for this call and gone with it.
            let secret = shared
                .store
                .open_secret(&record)
                .map_err(|error| (Setback::NoSecret, setback::chain(&error)))?;
            let base = base_url(&record)
                .map_err(|error| (Setback::AddressRefused, format!("base_url: {error}")))?;
            let credentials = Credentials {
                app_id: &record.app_id,
                app_secret: &secret,
            };
            feishu::endpoint(&egress, &base, credentials, shared.timing.bootstrap)
                .await
                .map_err(|error| (setback::of_endpoint(&error), detail_of(&error)))
        }
    }

    fn bootstrapped(
        &mut self,
        generation: Generation,
        answer: Result<Endpoint, (Setback, String)>,
    ) {
        match answer {
            Ok(endpoint) => {
                self.endpoint = Some((generation, endpoint.url));
                let rejected =
                    self.link
                        .handle_bootstrapped(generation, endpoint.config.as_ref(), now());
                self.note_rejected(rejected);
            }
            Err((setback, detail)) => self.setback(generation, setback, detail),
        }
    }

    fn setback(&mut self, generation: Generation, setback: Setback, detail: String) {
        if generation == self.link.generation() {
            self.detail = Some(detail).filter(|detail| !detail.is_empty());
        }
        self.link.handle_setback(generation, setback, now());
    }

    fn dial(&mut self, generation: Generation, ctx: &mut Context<Self>) {
        let Some((_, url)) = self.endpoint.take().filter(|(of, _)| *of == generation) else {
            return self.setback(generation, Setback::NoUrl, String::new());
        };
        let egress = match self.egress() {
            Ok(egress) => egress,
            Err(detail) => return self.setback(generation, Setback::AddressRefused, detail),
        };
        let instance = self.bot.socket.born(self.local.arbiter, generation.0);
        let (shared, local, bot) = (
            Arc::clone(&self.shared),
            Rc::clone(&self.local),
            Arc::clone(&self.bot),
        );
        let me = ctx.address();
        let parents = Parents {
            opened: Post::new(&me, &self.bot.installation),
            lost: Post::new(&me, &self.bot.installation),
            finished: Post::new(&me, &self.bot.installation),
        };
        let service = url.service_id();
        let addr = start_watched(
            move |ctx| {
                let socket = Socket::new(shared, local, bot, generation, service, parents);
                socket.dial(egress, url, ctx);
                socket
            },
            self.watch(ActorKind::Socket, generation, instance, &me),
        );
        let socket = Child::new(addr, &self.bot.socket, instance);
        self.connection = Some(Connection {
            generation,
            socket,
            assembler: None,
            pinger: None,
        });
        self.start_assembler(&me);
    }

    fn start_assembler(&mut self, me: &Addr<Self>) {
        let Some(connection) = &self.connection else {
            return;
        };
        let generation = connection.generation;
        let instance = self.bot.assembler.born(self.local.arbiter, generation.0);
        let (shared, bot, socket) = (
            Arc::clone(&self.shared),
            Arc::clone(&self.bot),
            connection.socket.post(),
        );
        let addr = start_watched(
            move |_| Assembler::new(shared, bot, socket),
            self.watch(ActorKind::Assembler, generation, instance, me),
        );
        let assembler = Child::new(addr, &self.bot.assembler, instance);
        connection.socket.send(Attach::assembler(&assembler));
        if let Some(connection) = &mut self.connection {
            connection.assembler = Some(assembler);
        }
    }

    fn start_pinger(&mut self, me: &Addr<Self>) {
        let Some(connection) = &self.connection else {
            return;
        };
        let generation = connection.generation;
        let instance = self.bot.pinger.born(self.local.arbiter, generation.0);
        let heartbeat = Heartbeat::new(
            self.link.config().ping_interval,
            self.shared.timing.pong_grace,
            now(),
        );
        let bot = Arc::clone(&self.bot);
        let line = Line {
            socket: connection.socket.post(),
            alive: Post::new(me, &self.bot.installation),
            silent: Post::new(me, &self.bot.installation),
        };
        let addr = start_watched(
            move |_| Pinger::new(bot, generation, heartbeat, line),
            self.watch(ActorKind::Pinger, generation, instance, me),
        );
        let pinger = Child::new(addr, &self.bot.pinger, instance);
        connection.socket.send(Attach::Pinger(Ears::of(&pinger)));
        if let Some(connection) = &mut self.connection {
            connection.pinger = Some(pinger);
        }
    }

    /// What to do when a child is gone: write it on its card, and tell the parent if there still is one.
    fn watch(
        &self,
        kind: ActorKind,
        generation: Generation,
        instance: u32,
        me: &Addr<Self>,
    ) -> impl FnOnce(Exit) + 'static {
        let card = Arc::clone(self.card_of(kind));
        let shared = Arc::clone(&self.shared);
        let parent: Post<Ended> = Post::new(me, &self.bot.installation);
        move |exit| {
            card.ended(instance, &exit);
            if matches!(exit, Exit::Panicked(_)) {
                shared.totals.panics.fetch_add(1, Relaxed);
            }
            parent.send(Ended {
                kind,
                generation,
                instance,
                exit,
            });
        }
    }

    fn card_of(&self, kind: ActorKind) -> &Arc<Card> {
        match kind {
            ActorKind::Socket => &self.bot.socket,
            ActorKind::Pinger => &self.bot.pinger,
            ActorKind::Assembler => &self.bot.assembler,
            ActorKind::Supervisor | ActorKind::Dispatch | ActorKind::Installation => {
                &self.bot.installation
            }
        }
    }

    fn close(&mut self, generation: Generation, reason: CloseReason) {
        let Some(connection) = self
            .connection
            .take_if(|connection| connection.generation == generation)
        else {
            return;
        };
        let manner = match reason {
            CloseReason::Stopped | CloseReason::Reconfigured => Manner::Finish {
                within: self.shared.timing.drain.min(FAREWELL),
            },
            CloseReason::TimedOut
            | CloseReason::Lost(_)
            | CloseReason::Stale
            | CloseReason::Restarting => Manner::Abandon,
        };
        connection.socket.send(Close(manner));
        let text = match reason {
            CloseReason::Lost(setback) => setback.to_string(),
            reason => format!("closed by us: {}", reason.label()),
        };
        self.shared
            .note(&self.bot, generation.0, TimelineKind::Lost, text);
    }

    /// A child of the current connection ended although nobody had told it to.
    fn rebuild(
        &mut self,
        kind: ActorKind,
        generation: Generation,
        exit: &Exit,
        ctx: &mut Context<Self>,
    ) {
        let (app_id, installation) = (&self.record.app_id, &self.bot.public_id);
        let words = match exit {
            Exit::Panicked(text) => text.as_str(),
            Exit::Stopped => "it stopped without being told to",
        };
        if *exit == Exit::Stopped {
            self.card_of(kind).deserted();
        }
        tracing::error!(
            app_id,
            installation,
            generation = generation.0,
            actor = kind.label(),
            panic = words,
            "an actor failed; it is built anew"
        );
        self.shared.note(
            &self.bot,
            generation.0,
            TimelineKind::Panicked,
            format!("{}: {words}", kind.label()),
        );
        match (self.rebuilds.spend(now()), kind) {
            (Rebuild::Spent { until }, _) => self.link.handle_spent(until, now()),
            (Rebuild::After(_), ActorKind::Socket) => {
                self.connection = None;
                self.setback(generation, Setback::Panicked, words.to_owned());
            }
            (Rebuild::After(pause), kind) => {
                ctx.run_later(pause, move |this, ctx| {
                    if this
                        .connection
                        .as_ref()
                        .is_some_and(|connection| connection.generation == generation)
                    {
                        let me = ctx.address();
                        match kind {
                            ActorKind::Assembler => this.start_assembler(&me),
                            _ => this.start_pinger(&me),
                        }
                    }
                });
            }
        }
    }

    fn lost(
        &mut self,
        Lost {
            generation,
            setback,
            detail,
        }: Lost,
    ) {
        let Some(connection) = self
            .connection
            .take_if(|connection| connection.generation == generation)
        else {
            return;
        };
        if connection.pinger.is_some() {
            self.shared.totals.lost.fetch_add(1, Relaxed);
        }
        drop(connection);
        let text = if detail.is_empty() {
            setback.to_string()
        } else {
            format!("{setback}: {detail}")
        };
        self.shared
            .note(&self.bot, generation.0, TimelineKind::Lost, text);
        self.setback(generation, setback, detail);
    }

    fn report_drained(&mut self, unanswered: u64) {
        self.farewell = None;
        self.supervisor.drained.send(Drained {
            installation: self.bot.id,
            unanswered,
        });
    }
}

/// Where the installation's platform is: at the usual place, unless its configuration names another.
fn base_url(record: &InstallationRecord) -> Result<Url, url::ParseError> {
    let usual = match record.platform {
        Platform::Feishu => feishu::FEISHU_BASE_URL,
        Platform::Lark => feishu::LARK_BASE_URL,
    };
    record.base_url.as_deref().unwrap_or(usual).parse()
}

/// What the platform or the network said, without a secret or a URL; those types cannot be printed.
fn detail_of(error: &EndpointError) -> String {
    match error {
        EndpointError::Code { code, msg } if msg.is_empty() => format!("code {code}"),
        EndpointError::Code { code, msg } => {
            let msg: String = msg.chars().take(200).collect();
            format!("code {code}, {msg}")
        }
        EndpointError::HttpStatus {
            code: Some(code), ..
        } => format!("code {code}"),
        EndpointError::Http(error) => setback::chain(error),
        _ => String::new(),
    }
}

impl Actor for Installation {
    type Context = Context<Self>;

    fn started(&mut self, ctx: &mut Self::Context) {
        self.link.handle_desired(wanted(&self.record), now());
        self.drive(ctx);
    }
}

fn wanted(record: &InstallationRecord) -> Desired {
    match record.desired {
        longwire_store::Desired::Run => Desired::Run,
        longwire_store::Desired::Stop => Desired::Stop,
    }
}

impl Handler<Configure> for Installation {
    type Result = ();

    fn handle(&mut self, Configure(record): Configure, ctx: &mut Self::Context) {
        let _handling = self.handling(Word::Configure);
        let is_reachable_differently = !self.record.has_same_access(&record);
        self.record = record;
        self.bot.configured(&self.record);
        self.link.handle_desired(wanted(&self.record), now());
        if is_reachable_differently {
            self.link.handle_configured(now());
        }
        self.drive(ctx);
    }
}

impl Handler<Turn> for Installation {
    type Result = ();

    fn handle(&mut self, Turn(generation): Turn, ctx: &mut Self::Context) {
        let _handling = self.handling(Word::Turn);
        // The deadline of an attempt begins when it does, not while it waits for its neighbours.
        let permit = Arc::clone(&self.local.attempts).acquire_owned();
        ctx.spawn(permit.into_actor(self).map(move |permit, this, ctx| {
            this.link.handle_turn(generation, now());
            if *this.link.state() == State::Bootstrapping {
                this.attempt = permit.ok();
            }
            this.drive(ctx);
        }));
    }
}

impl Handler<Opened> for Installation {
    type Result = ();

    fn handle(&mut self, Opened(generation): Opened, ctx: &mut Self::Context) {
        let _handling = self.handling(Word::Opened);
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
            let me = ctx.address();
            self.start_pinger(&me);
        }
        self.drive(ctx);
    }
}

impl Handler<Lost> for Installation {
    type Result = ();

    fn handle(&mut self, lost: Lost, ctx: &mut Self::Context) {
        let _handling = self.handling(Word::Lost);
        self.lost(lost);
        self.drive(ctx);
    }
}

impl Handler<Finished> for Installation {
    type Result = ();

    fn handle(&mut self, finished: Finished, ctx: &mut Self::Context) {
        let _handling = self.handling(Word::Finished);
        let awaited = self.farewell.as_ref().map(|farewell| farewell.generation);
        if awaited == Some(Some(finished.generation)) {
            self.report_drained(finished.unanswered);
        }
        self.drive(ctx);
    }
}

impl Handler<Alive> for Installation {
    type Result = ();

    fn handle(&mut self, Alive { generation, config }: Alive, ctx: &mut Self::Context) {
        let _handling = self.handling(Word::Alive);
        let before = *self.link.config();
        let rejected = self.link.handle_pong(generation, config.as_ref(), now());
        self.note_rejected(rejected);
        let after = *self.link.config();
        if before != after {
            let text = format!(
                "ping every {:?}, reconnect within {:?}",
                after.ping_interval, after.reconnect_nonce
            );
            self.shared
                .note(&self.bot, generation.0, TimelineKind::ConfigApplied, text);
        }
        if before.ping_interval != after.ping_interval {
            if let Some(pinger) = self
                .connection
                .as_ref()
                .and_then(|connection| connection.pinger.as_ref())
            {
                pinger.send(PingEvery(after.ping_interval));
            }
        }
        self.drive(ctx);
    }
}

impl Handler<Silent> for Installation {
    type Result = ();

    fn handle(&mut self, Silent(generation): Silent, ctx: &mut Self::Context) {
        let _handling = self.handling(Word::Silent);
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

impl Handler<Ended> for Installation {
    type Result = ();

    fn handle(&mut self, ended: Ended, ctx: &mut Self::Context) {
        let _handling = self.handling(Word::Ended);
        let is_current = self.connection.as_ref().is_some_and(|connection| {
            let instance = match ended.kind {
                ActorKind::Socket => Some(connection.socket.instance),
                ActorKind::Assembler => connection.assembler.as_ref().map(|child| child.instance),
                ActorKind::Pinger => connection.pinger.as_ref().map(|child| child.instance),
                ActorKind::Supervisor | ActorKind::Dispatch | ActorKind::Installation => None,
            };
            connection.generation == ended.generation && instance == Some(ended.instance)
        });
        let awaited = self.farewell.as_ref().map(|farewell| farewell.generation);
        if is_current {
            self.rebuild(ended.kind, ended.generation, &ended.exit, ctx);
        } else if ended.kind == ActorKind::Socket && awaited == Some(Some(ended.generation)) {
            // It ended without a word of farewell.
            self.report_drained(0);
        }
        self.drive(ctx);
    }
}

impl Handler<Drain> for Installation {
    type Result = ();

    fn handle(&mut self, Drain { within }: Drain, ctx: &mut Self::Context) {
        let _handling = self.handling(Word::Drain);
        let connection = self.connection.take();
        self.link.handle_desired(Desired::Stop, now());
        match connection {
            Some(connection) => {
                self.farewell = Some(Farewell {
                    generation: Some(connection.generation),
                });
                connection.socket.send(Close(Manner::Finish { within }));
            }
            None => self.report_drained(0),
        }
        self.drive(ctx);
    }
}

impl Handler<InjectChild> for Installation {
    type Result = ();

    fn handle(&mut self, InjectChild(kind, fault): InjectChild, ctx: &mut Self::Context) {
        let _handling = self.handling(Word::Inject);
        match (kind, &self.connection) {
            (ActorKind::Socket, Some(connection)) => connection.socket.send(Inject(fault)),
            (
                ActorKind::Assembler,
                Some(Connection {
                    assembler: Some(child),
                    ..
                }),
            ) => child.send(Inject(fault)),
            (
                ActorKind::Pinger,
                Some(Connection {
                    pinger: Some(child),
                    ..
                }),
            ) => child.send(Inject(fault)),
            (ActorKind::Installation, _) => match fault {
                Fault::Panic => panic!("injected into an installation"),
                Fault::Stop => ctx.stop(),
            },
            _ => tracing::warn!(
                installation = self.bot.public_id,
                actor = kind.label(),
                "no such actor lives; nothing injected"
            ),
        }
    }
}

impl Handler<Inspect> for Installation {
    type Result = Words;

    fn handle(&mut self, _: Inspect, _: &mut Self::Context) -> Words {
        let _handling = self.handling(Word::Inspect);
        let config = self.link.config();
        Words(serde_json::json!({
            "state": self.link.state().label(),
            "generation": self.link.generation().0,
            "reconnects": self.link.reconnects(),
            "attempts_exceeded": self.link.attempts_exceeded(),
            "ping_interval_s": config.ping_interval.as_secs(),
            "reconnect_interval_s": config.reconnect_interval.as_secs(),
            "reconnect_nonce_s": config.reconnect_nonce.as_secs(),
            "next_due_ms": self.link.poll_timeout().map(crate::clock::unix_ms_at),
        }))
    }
}

impl Handler<InspectChild> for Installation {
    type Result = ResponseFuture<Inspection>;

    fn handle(&mut self, InspectChild(kind): InspectChild, _: &mut Self::Context) -> Self::Result {
        let _handling = self.handling(Word::Inspect);
        let child: Option<Post<Inspect>> = match (kind, &self.connection) {
            (ActorKind::Socket, Some(connection)) => Some(connection.socket.post()),
            (ActorKind::Assembler, Some(connection)) => {
                connection.assembler.as_ref().map(Child::post)
            }
            (ActorKind::Pinger, Some(connection)) => connection.pinger.as_ref().map(Child::post),
            _ => None,
        };
        Box::pin(async move {
            match child {
                Some(child) => Inspection::from(child.ask(Inspect, INSPECTION).await),
                None => Inspection::Absent,
            }
        })
    }
}

impl From<Asked<Words>> for Inspection {
    fn from(asked: Asked<Words>) -> Self {
        match asked {
            Asked::Answered(Words(words)) => Self::Answered { words },
            Asked::NoAnswer => Self::NoAnswer,
            Asked::Gone => Self::Absent,
        }
    }
}

impl Handler<End> for Installation {
    type Result = ();

    fn handle(&mut self, _: End, ctx: &mut Self::Context) {
        let _handling = self.handling(Word::End);
        ctx.stop();
    }
}
