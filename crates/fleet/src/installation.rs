//! Keeps one installation connected.
//!
//! It asks for a permit, for an endpoint, starts a [`Socket`](crate::socket::Socket) for it, is told `Opened` or `Lost`, and
//! begins again after the delay that [`Link`] decides. This file moves inputs and actions; every decision is the link's.

mod bootstrap;
mod candidate;
mod children;
mod connection;
mod connection_news;
mod displacement;
mod drain;
mod log;
mod lookups;
mod messages;
mod orders;
mod outside;
mod renewal;
mod sender;
mod status;

pub(crate) use candidate::TrySecret;
pub(crate) use messages::{
    AttemptOver, AttemptPermit, Configure, Drain, Drained, InjectChild, InjectSender, InspectChild,
    InspectSender, LeaveToAnother, Permitted, RequestPermit, RowChanged, Slept, SupervisorAddress,
    TryNow,
};
pub(crate) use sender::OrderReply;

use crate::access::Access;
use crate::bot::{Bot, InstallationCard};
use crate::clock::now;
use crate::config_fault::ConfigFault;
use crate::context::{ArbiterContext, FleetContext};
use crate::open_files::WaitsForFile;
use crate::pinger::Pinger;
use actix::{Actor, AsyncContext, SpawnHandle};
use connection::Connection;
use drain::Draining;
use log::Logged;
use longwire_actor::{Child, Context, Mailbox, RebuildBudget, Timer, TreeActor, send};
use longwire_egress::SocketPermit;
use longwire_installation::Revision;
use longwire_link::{Action, Generation, Link, Setback, State};
use longwire_store::InstallationRecord;
use longwire_wire::frame::ServiceId;
use renewal::Renewing;
use sender::SenderSlot;
use std::rc::Rc;
use std::sync::Arc;

/// Keeps one installation connected.
pub(crate) struct Installation {
    fleet: Arc<FleetContext>,
    arbiter: Rc<ArbiterContext>,
    bot: Arc<Bot>,
    me: Arc<Mailbox<Self>>,
    record: Arc<InstallationRecord>,
    config_fault: Option<Arc<ConfigFault>>,
    link: Link,
    supervisor: Arc<dyn SupervisorAddress>,
    rebuilds: RebuildBudget,
    /// Held until the connection is open or given up.
    attempt: Option<Box<AttemptPermit>>,
    /// Permission for one open connection. The socket holds it as well, and the link says how long it is kept without a
    /// socket. While an earlier connection still holds it, the next one takes another.
    socket_permit: Option<SocketPermit>,
    /// Held while it is not connected because too many files are open.
    waits_for_file: Option<WaitsForFile>,
    /// Between bootstrap and dial; boxed because for most of its life there is none.
    access: Option<Box<(Generation, Access)>>,
    /// What the platform calls the service of the latest connection; WeCom has none.
    service: Option<ServiceId>,
    connection: Option<Connection>,
    /// A second connection that is being made beside it; almost always none.
    renewing: Option<Box<Renewing>>,
    /// The new secret whose end the store is being told.
    settling: Option<Revision>,
    /// Connections that it let go of and that still answer or record what they read; almost always none.
    #[expect(
        clippy::box_collection,
        reason = "almost always none, and every bot has one"
    )]
    finishing: Option<Box<Vec<Generation>>>,
    drain: Option<Box<Draining>>,
    /// Its outgoing messages, once it had some.
    sender: Option<Box<SenderSlot>>,
    detail: Option<Box<str>>,
    /// Whether it has shown its state to anybody.
    was_shown: bool,
    logged: Logged,
    timer: Option<SpawnHandle>,
}

impl Installation {
    pub(crate) fn new(
        fleet: Arc<FleetContext>,
        arbiter: Rc<ArbiterContext>,
        bot: Arc<Bot>,
        me: Arc<Mailbox<Self>>,
        Configure {
            record,
            config_fault,
        }: Configure,
        supervisor: Arc<dyn SupervisorAddress>,
    ) -> Self {
        let link = link_of(&fleet, &record, &bot);
        Self {
            fleet,
            arbiter,
            bot,
            me,
            record,
            config_fault,
            link,
            supervisor,
            rebuilds: RebuildBudget::default(),
            attempt: None,
            socket_permit: None,
            waits_for_file: None,
            access: None,
            service: None,
            connection: None,
            renewing: None,
            settling: None,
            finishing: None,
            drain: None,
            sender: None,
            detail: None,
            was_shown: false,
            logged: Logged::default(),
            timer: None,
        }
    }

    /// Carries out what the link decided. Every handler ends here and nowhere else.
    fn drive(&mut self, ctx: &mut Context<Self>) {
        self.carry_out(ctx);
        self.tend_candidate(ctx);
        self.carry_out(ctx);
        if !matches!(self.link.state(), State::Bootstrapping | State::Dialing) {
            self.attempt = None;
        }
        if !self.link.keeps_socket_permit() {
            self.socket_permit = None;
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

    fn carry_out(&mut self, ctx: &mut Context<Self>) {
        while let Some(action) = self.link.poll_action() {
            match action {
                // Bounded: one open question per installation.
                Action::RequestPermit(generation)
                    if !self.has_own_permit(generation) && !self.fleet.open_files.has_permit() =>
                {
                    // It could not use the permit, and another bot can.
                    self.setback(generation, Setback::TooManyOpenFiles, String::new());
                }
                Action::RequestPermit(generation) => {
                    let installation = self.bot.id;
                    let ask = RequestPermit {
                        installation,
                        generation,
                        priority: self.link.priority(now()),
                    };
                    send(&*self.supervisor, ask);
                }
                Action::Bootstrap(generation) => self.bootstrap(generation, ctx),
                Action::Dial(generation) => self.dial(generation),
                Action::RecordDisplaced => self.record_displaced(),
                Action::RecordTakeBack(generation) => self.record_take_back(generation),
                Action::Close(generation, reason) => self.close(generation, reason),
                Action::RenewalEnded(generation, end) => self.renewal_ended(generation, end, ctx),
            }
        }
        // Of a platform that displaces the first connection, the second one is the link's before it is proved.
        self.adopt_renewed();
    }

    /// Whether this is the generation of the connection that serves.
    fn is_current(&self, generation: Generation) -> bool {
        let connection = self.connection.as_ref();
        connection.is_some_and(|connection| connection.generation == generation)
    }

    /// The place of the connection of this generation, if the installation has it.
    fn place_of(&mut self, generation: Generation) -> Option<&mut Option<Connection>> {
        let beside = self.renewing.as_deref_mut();
        let places = [
            Some(&mut self.connection),
            beside.map(|renewing| &mut renewing.connection),
        ];
        (places.into_iter().flatten()).find(|place| {
            let connection = place.as_ref();
            connection.is_some_and(|connection| connection.generation == generation)
        })
    }

    /// The connection of this generation, if the installation has it.
    fn connection_of(&mut self, generation: Generation) -> Option<&mut Connection> {
        self.place_of(generation)?.as_mut()
    }

    /// The same: the installation lets go of it.
    fn take_connection(&mut self, generation: Generation) -> Option<Connection> {
        self.place_of(generation)?.take()
    }

    fn pinger(&self) -> Option<&Child<Pinger>> {
        self.connection.as_ref()?.pinger.as_ref()
    }

    fn setback(&mut self, generation: Generation, setback: Setback, detail: String) {
        if let Some(renewing) = self.renewing(generation) {
            renewing.detail = detail;
        } else if generation == self.link.generation() {
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

fn link_of(fleet: &FleetContext, record: &InstallationRecord, bot: &Bot) -> Link {
    let timing = Arc::clone(fleet.timing(record.platform));
    // An earlier link, of an installation that panicked or of a former process, may have used generations already, and the
    // program that displaced it may still have the bot.
    Link::new(timing, rand::random())
        .after(bot.newest_generation())
        .with_mode(record.mode)
        .with_take_back(record.take_back)
        .displaced(bot.displaced_since(record.claims))
        .taken_back_at(bot.taken_back())
}

#[cfg(test)]
mod tests {
    use super::*;

    /// There are ten thousand. With its context and what follows its end it fits the allocator's 1,024 bytes, above which
    /// come 1,280.
    #[test]
    fn an_installation_is_648_bytes() {
        assert!(
            size_of::<Installation>() <= 648,
            "{}",
            size_of::<Installation>()
        );
    }
}
