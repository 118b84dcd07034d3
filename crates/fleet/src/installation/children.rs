//! Starts the actors of a connection, builds them anew when they fail, and lets go of all of them together.

use super::Installation;
use super::connection::{ChildEnded, Connection};
use crate::assembler::Assembler;
use crate::bot::{AssemblerCard, PingerCard, SocketCard};
use crate::clock::now;
use crate::kind::ConnectionActor;
use crate::pinger::Pinger;
use crate::socket::{Attach, Close, Lost, Socket};
use longwire_actor::{Child, Context, Ended, Exit, Place, Rebuild, start};
use longwire_installation::{Desired, Platform};
use longwire_link::session::CloseMode;
use longwire_link::{CloseReason, Generation, Heartbeat, Setback};
use longwire_store::TimelineKind;
use std::rc::Rc;
use std::sync::Arc;
use std::sync::atomic::Ordering::Relaxed;
use std::time::Duration;

/// How long a connection that is closed on purpose may go on answering what it read, where the platform repeats what is not
/// answered.
const CLOSE_LIMIT: Duration = Duration::from_secs(3);

/// The installation starts a child again, after its pause.
struct Rebuilding;

impl Installation {
    pub(super) fn dial(&mut self, generation: Generation) {
        let access = match self.renewing(generation) {
            Some(renewing) => renewing.access.take(),
            None => self.access.take(),
        };
        let access = match access.map(|access| *access) {
            Some((of, access)) if of == generation => access,
            _ => return self.setback(generation, Setback::NoUrl, String::new()),
        };
        let egress = match self.egress(generation) {
            Ok(egress) => egress,
            Err(detail) => return self.setback(generation, Setback::ProxyUnusable, detail),
        };
        let (fleet, arbiter, bot) = (
            Arc::clone(&self.fleet),
            Rc::clone(&self.arbiter),
            Arc::clone(&self.bot),
        );
        let parent = Arc::clone(&self.me);
        let socket = start(
            SocketCard(Arc::clone(&self.bot)),
            self.place_in_tree(generation),
            move |me, ctx| {
                let me = Arc::clone(me);
                let url = access.url().clone();
                let socket = Socket::new(fleet, arbiter, bot, me, generation, access, parent);
                socket.dial(egress, url, ctx);
                socket
            },
            self.watch(ConnectionActor::Socket, generation),
        );
        let socket = Child::new(socket);
        let connection = Some(Connection {
            generation,
            socket,
            assembler: None,
            pinger: None,
        });
        match self.renewing(generation) {
            Some(renewing) => renewing.connection = connection,
            None => self.connection = connection,
        }
    }

    /// Starts an assembler, unless one lives.
    pub(super) fn start_assembler(&mut self, generation: Generation) {
        let (fleet, bot) = (Arc::clone(&self.fleet), Arc::clone(&self.bot));
        let Some(connection) = self.connection_of(generation) else {
            return;
        };
        if connection.assembler.is_some() && bot.assembler.is_present() {
            return;
        }
        let socket = Arc::clone(&connection.socket);
        let assembler = start(
            AssemblerCard(Arc::clone(&self.bot)),
            self.place_in_tree(generation),
            move |_, _| Assembler::new(fleet, bot, socket),
            self.watch(ConnectionActor::Assembler, generation),
        );
        let assembler = Child::new(assembler);
        if let Some(connection) = self.connection_of(generation) {
            connection.socket.send(Attach::Assembler(assembler.clone()));
            connection.assembler = Some(assembler);
        }
    }

    pub(super) fn start_pinger(&mut self, generation: Generation) {
        let Some(connection) = self.connection_of(generation) else {
            return;
        };
        let socket = Arc::clone(&connection.socket);
        let heartbeat = Heartbeat::new(
            self.link.ping_interval(),
            self.fleet.timing(self.record.platform).pong_grace,
            now(),
        )
        .spread(rand::random());
        let bot = Arc::clone(&self.bot);
        let parent = Arc::clone(&self.me);
        let pinger = start(
            PingerCard(Arc::clone(&self.bot)),
            self.place_in_tree(generation),
            move |_, _| Pinger::new(bot, generation, heartbeat, socket, parent),
            self.watch(ConnectionActor::Pinger, generation),
        );
        let pinger = Child::new(pinger);
        if let Some(connection) = self.connection_of(generation) {
            connection.socket.send(Attach::Pinger(pinger.clone()));
            connection.pinger = Some(pinger);
        }
    }

    pub(super) fn place_in_tree(&self, generation: Generation) -> Place {
        Place {
            arbiter: self.arbiter.number,
            generation: generation.0,
        }
    }

    /// Run when a child is gone: counts a panic, and tells the installation if there still is one.
    fn watch(
        &self,
        actor: ConnectionActor,
        generation: Generation,
    ) -> impl FnOnce(Ended) + 'static {
        let fleet = Arc::clone(&self.fleet);
        let installation = Arc::clone(&self.me);
        move |ended| {
            if matches!(ended.exit, Exit::Panicked(_)) {
                fleet.totals.panics.fetch_add(1, Relaxed);
            }
            installation.send(ChildEnded {
                actor,
                generation,
                ended,
            });
        }
    }

    pub(super) fn close(&mut self, generation: Generation, reason: CloseReason) {
        if self.is_current(generation) && reason != CloseReason::Renewed {
            self.lost_while_renewing();
        }
        let Some(connection) = self.take_connection(generation) else {
            return;
        };
        let mode = match reason {
            CloseReason::Stopped
            | CloseReason::Webhook
            | CloseReason::Reconfigured
            | CloseReason::Renewed => CloseMode::Finish {
                within: match self.record.platform {
                    Platform::Feishu | Platform::Lark => self.fleet.timing.drain.min(CLOSE_LIMIT),
                    Platform::Wecom => self.fleet.timing.drain,
                },
            },
            CloseReason::TimedOut
            | CloseReason::Lost(_)
            | CloseReason::Stale
            | CloseReason::Restarting => CloseMode::Abandon,
        };
        self.finishes(generation);
        connection.socket.send(Close(mode));
        let text = if let CloseReason::Lost(setback) = reason {
            setback.to_string()
        } else {
            format!("closed by us: {}", reason.label())
        };
        self.note(generation, TimelineKind::Lost, text);
    }

    /// A child of the current connection ended although nobody had told it to.
    pub(super) fn rebuild(
        &mut self,
        actor: ConnectionActor,
        generation: Generation,
        exit: &Exit,
        ctx: &mut Context<Self>,
    ) {
        let (app_id, installation) = (&self.record.app_id, &self.bot.public_id);
        let (label, how) = (actor.kind().label, exit.how());
        if *exit == Exit::Stopped {
            self.bot.card(actor).stopped_unasked();
        }
        tracing::error!(
            name = %self.record.name,
            app_id,
            installation,
            generation = generation.0,
            actor = label,
            panic = how,
            "an actor failed; it is built anew"
        );
        self.note(
            generation,
            TimelineKind::Panicked,
            format!("{label}: {how}"),
        );
        if actor == ConnectionActor::Socket {
            // Nobody is left who could be told to close, or who would say that the connection is over. A drain would wait
            // for that for ever.
            drop(self.take_connection(generation));
        }
        let pause = match self.rebuilds.spend(now()) {
            Rebuild::After(pause) => pause,
            Rebuild::Spent { until } => {
                self.detail = Some(how.into());
                return self.link.handle_restarts_exhausted(until, now());
            }
        };
        let start_again = match actor {
            ConnectionActor::Socket => {
                return self.setback(generation, Setback::Panicked, how.to_owned());
            }
            ConnectionActor::Pinger => Self::start_pinger,
            ConnectionActor::Assembler => Self::start_assembler,
        };
        ctx.work_later::<Rebuilding>(pause, move |this, _| {
            if this.connection_of(generation).is_some() {
                start_again(this, generation);
            }
        });
    }

    pub(super) fn lost(
        &mut self,
        Lost {
            generation,
            setback,
            detail,
        }: Lost,
    ) {
        if self.is_current(generation) {
            self.lost_while_renewing();
        }
        let Some(connection) = self.take_connection(generation) else {
            return;
        };
        if connection.pinger.is_some() {
            self.fleet.totals.lost.fetch_add(1, Relaxed);
        }
        // What it read may still have to be recorded.
        self.finishes(generation);
        drop(connection);
        let text = if detail.is_empty() {
            setback.to_string()
        } else {
            format!("{setback}: {detail}")
        };
        if self.fleet.elsewhere.contains(self.bot.id) {
            // That process has connected the bot, and its platform ended this connection.
            let text = format!("another process of longwire takes over ({text})");
            self.note(generation, TimelineKind::Lost, text);
            self.link.handle_desired(Desired::Stop, now());
            return;
        }
        self.note(generation, TimelineKind::Lost, text);
        self.setback(generation, setback, detail);
    }
}
