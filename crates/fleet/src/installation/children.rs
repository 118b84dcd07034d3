//! The actors of one connection: started from factories, watched, built anew when they fail, let go together.

use super::{Ended, Installation, Lost};
use crate::ActorKind;
use crate::assembler::Assembler;
use crate::card::Exit;
use crate::clock::now;
use crate::pinger::Pinger;
use crate::post::Child;
use crate::socket::{Attach, Close, Manner, Socket};
use crate::watched::start_watched;
use actix::{AsyncContext, Context};
use longwire_installation::Platform;
use longwire_link::{CloseReason, Generation, Heartbeat, Rebuild, Setback};
use longwire_store::TimelineKind;
use std::rc::Rc;
use std::sync::Arc;
use std::sync::atomic::Ordering::Relaxed;
use std::time::Duration;

/// How long a connection that is closed on purpose may go on answering what it read, where the platform repeats what it does
/// not answer.
const FAREWELL: Duration = Duration::from_secs(3);

/// The actors of one connection. Dropping it ends them.
pub(super) struct Connection {
    pub(super) generation: Generation,
    pub(super) socket: Child<Socket>,
    pub(super) assembler: Option<Child<Assembler>>,
    pub(super) pinger: Option<Child<Pinger>>,
}

impl Installation {
    pub(super) fn dial(&mut self, generation: Generation) {
        let access = match self.access.take().map(|access| *access) {
            Some((of, access)) if of == generation => access,
            _ => return self.setback(generation, Setback::NoUrl, String::new()),
        };
        let egress = match self.egress() {
            Ok(egress) => egress,
            Err(detail) => return self.setback(generation, Setback::ProxyUnusable, detail),
        };
        let instance = self.bot.socket.born(self.local.arbiter, generation.0);
        let (shared, local, bot) = (
            Arc::clone(&self.shared),
            Rc::clone(&self.local),
            Arc::clone(&self.bot),
        );
        let parent = Arc::clone(&self.me);
        let socket = start_watched(
            self.bot.shared_card(ActorKind::Socket),
            move |me, ctx| {
                let me = Arc::clone(me);
                let url = access.url().clone();
                let socket = Socket::new(shared, local, bot, me, generation, access, parent);
                socket.dial(egress, url, ctx);
                socket
            },
            self.watch(ActorKind::Socket, generation, instance),
        );
        let socket = Child::new(socket, instance);
        self.connection = Some(Connection {
            generation,
            socket,
            assembler: None,
            pinger: None,
        });
    }

    /// Does nothing where one lives.
    pub(super) fn start_assembler(&mut self) {
        let Some(connection) = &self.connection else {
            return;
        };
        if connection.assembler.is_some() && self.bot.assembler.is_present() {
            return;
        }
        let generation = connection.generation;
        let instance = self.bot.assembler.born(self.local.arbiter, generation.0);
        let (shared, bot, socket) = (
            Arc::clone(&self.shared),
            Arc::clone(&self.bot),
            connection.socket.mailbox(),
        );
        let assembler = start_watched(
            self.bot.shared_card(ActorKind::Assembler),
            move |_, _| Assembler::new(shared, bot, socket),
            self.watch(ActorKind::Assembler, generation, instance),
        );
        let assembler = Child::new(assembler, instance);
        connection
            .socket
            .send(Attach::Assembler(assembler.mailbox()));
        if let Some(connection) = &mut self.connection {
            connection.assembler = Some(assembler);
        }
    }

    pub(super) fn start_pinger(&mut self) {
        let Some(connection) = &self.connection else {
            return;
        };
        let generation = connection.generation;
        let instance = self.bot.pinger.born(self.local.arbiter, generation.0);
        let heartbeat = Heartbeat::new(
            self.link.ping_interval(),
            self.shared.timing(self.record.platform).pong_grace,
            now(),
        )
        .spread(rand::random());
        let bot = Arc::clone(&self.bot);
        let socket = connection.socket.post();
        let parent = Arc::clone(&self.me);
        let pinger = start_watched(
            self.bot.shared_card(ActorKind::Pinger),
            move |_, _| Pinger::new(bot, generation, heartbeat, socket, parent),
            self.watch(ActorKind::Pinger, generation, instance),
        );
        let pinger = Child::new(pinger, instance);
        connection.socket.send(Attach::Pinger(pinger.mailbox()));
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
    ) -> impl FnOnce(Exit) + 'static {
        let bot = Arc::clone(&self.bot);
        let shared = Arc::clone(&self.shared);
        let parent = Arc::clone(&self.me);
        move |exit| {
            bot.card(kind).ended(instance, &exit);
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

    pub(super) fn close(&mut self, generation: Generation, reason: CloseReason) {
        let Some(connection) = self
            .connection
            .take_if(|connection| connection.generation == generation)
        else {
            return;
        };
        let manner = match reason {
            CloseReason::Stopped | CloseReason::Reconfigured => Manner::Finish {
                within: match self.record.platform {
                    Platform::Feishu | Platform::Lark => self.shared.timing.drain.min(FAREWELL),
                    Platform::Wecom => self.shared.timing.drain,
                },
            },
            CloseReason::TimedOut
            | CloseReason::Lost(_)
            | CloseReason::Stale
            | CloseReason::Restarting => Manner::Abandon,
        };
        self.finishes(generation);
        connection.socket.send(Close(manner));
        let text = match reason {
            CloseReason::Lost(setback) => setback.to_string(),
            reason => format!("closed by us: {}", reason.label()),
        };
        self.shared
            .note(&self.bot, generation.0, TimelineKind::Lost, text);
    }

    /// A child of the current connection ended although nobody had told it to.
    pub(super) fn rebuild(
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
            self.bot.card(kind).deserted();
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
        if kind == ActorKind::Socket {
            // Nobody is left who could be told to close, or who would say that it is over: whoever waited for that, as a
            // drain does, would wait for ever.
            self.connection = None;
        }
        match (self.rebuilds.spend(now()), kind) {
            (Rebuild::Spent { until }, _) => {
                self.detail = Some(words.into());
                self.link.handle_spent(until, now());
            }
            (Rebuild::After(_), ActorKind::Socket) => {
                self.setback(generation, Setback::Panicked, words.to_owned());
            }
            (Rebuild::After(pause), kind) => {
                ctx.run_later(pause, move |this, _| {
                    if this
                        .connection
                        .as_ref()
                        .is_some_and(|connection| connection.generation == generation)
                    {
                        match kind {
                            ActorKind::Assembler => this.start_assembler(),
                            _ => this.start_pinger(),
                        }
                    }
                });
            }
        }
    }

    pub(super) fn lost(
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
        // What it read may still have to be recorded.
        self.finishes(generation);
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
}
