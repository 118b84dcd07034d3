//! Compares the installations we want with those that run. One per process, on the main arbiter.
//!
//! It gives each installation a place on an arbiter and keeps it there, rebuilds one that ended unexpectedly, and hands
//! out turns: an attempt to connect begins when [`Turns`] says so. It never touches a connection.

mod arbiters;
mod drain;
mod requests;
mod sleep;
mod turns;

pub(crate) use arbiters::{EndArbiterOf, watch as watch_arbiter};
pub(crate) use drain::{DrainAll, Drained};
pub(crate) use requests::{AskAt, InjectAt, InspectAt};
pub(crate) use sleep::Slept;
pub(crate) use turns::{AskTurn, AttemptPermit};

use crate::bot::Bot;
use crate::card::{Exit, Handling};
use crate::clock::now;
use crate::dispatch::Dispatch;
use crate::failure::FleetFailure;
use crate::hindrance::{self, Hindrance};
use crate::host::Host;
use crate::installation::{Configure, Drain, Installation, REBUILDS, REBUILDS_WITHIN};
use crate::kind::ActorKind;
use crate::post::{End, Mailbox};
use crate::shared::{Local, Shared};
use crate::watched::start_watched;
use crate::word::Word;
use actix::{
    Actor, ActorFutureExt, AsyncContext, Context, Handler, Message, SpawnHandle, WrapFuture,
};
use actix_rt::ArbiterHandle;
use arbiters::number_of;
use drain::Farewell;
use longwire_installation::{Desired, InstallationId};
use longwire_link::{Generation, Rebuild, RebuildBudget, Setback, State, TurnLimits, Turns};
use longwire_store::InstallationRecord;
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::sync::atomic::Ordering::Relaxed;
use std::time::Duration;
use tokio::sync::watch;

/// The wanted installations may have changed. From the fleet's handle, after every change of the store.
#[derive(Debug, Message)]
#[rtype(result = "()")]
pub(crate) struct Reload;

/// An installation runs. From its arbiter, once per instance, before anything the instance itself says.
#[derive(Message)]
#[rtype(result = "()")]
struct Started {
    installation: InstallationId,
    instance: u32,
    mailbox: Arc<Mailbox<Installation>>,
}

/// An installation is gone. From its watcher, once per instance, whatever ended it.
#[derive(Debug, Message)]
#[rtype(result = "()")]
struct Ended {
    installation: InstallationId,
    instance: u32,
    exit: Exit,
}

/// Attempts under way at once for each arbiter, in one lane. More would only make every one of them slower than its
/// deadline.
const ATTEMPTS_PER_ARBITER: usize = 128;

/// Compares wanted installations with running ones.
pub(crate) struct Supervisor {
    shared: Arc<Shared>,
    me: Arc<Mailbox<Self>>,
    arbiters: Vec<ArbiterHandle>,
    places: BTreeMap<InstallationId, Place>,
    turns: Turns<Host, InstallationId>,
    /// Fires when the next turn is due.
    next_turn: Option<SpawnHandle>,
    loading: Loading,
    drain: Option<Farewell>,
    dispatch_rebuilds: RebuildBudget,
    dispatch: Option<Arc<Mailbox<Dispatch>>>,
    /// Tells the fleet's handle which `Dispatch` lives.
    dispatch_seen: watch::Sender<Option<Arc<Mailbox<Dispatch>>>>,
}

/// One installation's place: its arbiter, its row, and who lives there.
struct Place {
    arbiter: usize,
    bot: Arc<Bot>,
    record: Arc<InstallationRecord>,
    hindrance: Option<Arc<Hindrance>>,
    rebuilds: RebuildBudget,
    tenant: Option<Tenant>,
    /// The attempt that it asked a turn for last.
    asked: Generation,
}

impl Place {
    /// What its tenant has to know.
    fn configure(&self) -> Configure {
        Configure {
            record: Arc::clone(&self.record),
            hindrance: self.hindrance.clone(),
        }
    }
}

/// The installation that lives at a place. Dropping it ends it: also when the supervisor panics, since one without a
/// supervisor would never get a turn to connect again.
struct Tenant {
    instance: u32,
    mailbox: Arc<Mailbox<Installation>>,
}

impl Drop for Tenant {
    fn drop(&mut self) {
        self.mailbox.send(End);
    }
}

/// Reading the wanted installations takes a while; asking again meanwhile is remembered.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Loading {
    Idle,
    UnderWay,
    Again,
}

impl Supervisor {
    pub(crate) fn new(
        shared: Arc<Shared>,
        me: Arc<Mailbox<Self>>,
        arbiters: Vec<ArbiterHandle>,
        connect_per_second: u32,
        dispatch_seen: watch::Sender<Option<Arc<Mailbox<Dispatch>>>>,
    ) -> Self {
        let turns = Turns::new(TurnLimits {
            per_second: connect_per_second,
            // One lane alone has half of it.
            at_once: arbiters.len() * ATTEMPTS_PER_ARBITER * 2,
        });
        Self {
            shared,
            me,
            arbiters,
            places: BTreeMap::new(),
            turns,
            next_turn: None,
            loading: Loading::Idle,
            drain: None,
            dispatch_rebuilds: RebuildBudget::new(REBUILDS, REBUILDS_WITHIN),
            dispatch: None,
            dispatch_seen,
        }
    }

    fn handling(&self, word: Word) -> Handling {
        self.shared.supervisor.clone().handling(word)
    }

    fn load(&mut self, ctx: &mut Context<Self>) {
        if self.loading != Loading::Idle {
            self.loading = Loading::Again;
            return;
        }
        self.loading = Loading::UnderWay;
        let store = self.shared.store.clone();
        let read = actix_rt::task::spawn_blocking(move || store.installations());
        ctx.spawn(read.into_actor(self).map(|read, this, ctx| {
            let _working = this.shared.supervisor.clone().working(Word::Wanted);
            let again = std::mem::replace(&mut this.loading, Loading::Idle) == Loading::Again;
            let failure = match read {
                Ok(Ok(records)) => {
                    this.compare(records, ctx);
                    None
                }
                Ok(Err(error)) => Some(crate::setback::chain(&error)),
                // The reading itself panicked.
                Err(error) => Some(crate::setback::chain(&error)),
            };
            if let Some(error) = failure {
                tracing::error!(
                    error,
                    "the wanted installations cannot be read; trying again in 5 s"
                );
                ctx.run_later(Duration::from_secs(5), |this, ctx| this.load(ctx));
            }
            if again {
                this.load(ctx);
            }
        }));
    }

    /// Wanted against running.
    fn compare(&mut self, records: Vec<InstallationRecord>, ctx: &mut Context<Self>) {
        if self.drain.is_some() {
            // Whoever was told to stay away would hear of a changed row as a call to come back.
            return;
        }
        let mut gone: BTreeSet<InstallationId> = self.places.keys().copied().collect();
        let mut hindrances = hindrance::of_all(&records, &self.shared.hindrances);
        for record in records {
            let id = record.id;
            gone.remove(&id);
            let hindrance = hindrances.remove(&id);
            match self.places.get_mut(&id) {
                None => self.settle(record, hindrance),
                Some(place)
                    if place.record.revision != record.revision || place.hindrance != hindrance =>
                {
                    place.record = Arc::new(record);
                    place.hindrance = hindrance;
                    match place.record.desired {
                        Desired::Run => self.turns.change_lane(id, Host::of(&place.record)),
                        Desired::Stop => self.turns.withdraw(id),
                    }
                    if let Some(tenant) = &place.tenant {
                        tenant.mailbox.send(place.configure());
                    }
                }
                Some(_) => {}
            }
        }
        for id in gone {
            if self.places.remove(&id).is_some() {
                self.turns.withdraw(id);
                self.shared.delist(id);
            }
        }
        // Whoever changed its lane may begin there.
        self.give_turns(ctx);
    }

    fn settle(&mut self, record: InstallationRecord, hindrance: Option<Arc<Hindrance>>) {
        let record = Arc::new(record);
        let bot = Bot::new(&record);
        self.shared.enlist(&bot);
        let id = record.id;
        let place = Place {
            arbiter: self.places.len() % self.arbiters.len(),
            bot,
            record,
            hindrance,
            rebuilds: RebuildBudget::new(REBUILDS, REBUILDS_WITHIN),
            tenant: None,
            asked: Generation::default(),
        };
        self.places.insert(id, place);
        self.move_in(id);
    }

    /// Starts a fresh installation at its place.
    fn move_in(&mut self, id: InstallationId) {
        let Some(place) = self.places.get(&id) else {
            return;
        };
        if self.drain.is_some() || place.tenant.is_some() {
            return;
        }
        let number = number_of(place.arbiter);
        let instance = place.bot.installation.born(number, 0);
        let (shared, bot, configuration) = (
            Arc::clone(&self.shared),
            Arc::clone(&place.bot),
            place.configure(),
        );
        let me = Arc::clone(&self.me);
        let spawned = self.arbiters[place.arbiter].spawn_fn(move || {
            let supervisor = Arc::clone(&me);
            let parent = Arc::clone(&me);
            let (place, totals) = (Arc::clone(&bot), Arc::clone(&shared));
            let mailbox = start_watched(
                bot.shared_card(ActorKind::Installation),
                move |me, _| {
                    let me = Arc::clone(me);
                    let local = Local::of(&shared, number);
                    Installation::new(shared, local, bot, me, configuration, supervisor)
                },
                move |exit| {
                    place.installation.ended(instance, &exit);
                    if matches!(exit, Exit::Panicked(_)) {
                        totals.totals.panics.fetch_add(1, Relaxed);
                    }
                    parent.send(Ended {
                        installation: place.id,
                        instance,
                        exit,
                    });
                },
            );
            me.send(Started {
                installation: id,
                instance,
                mailbox,
            });
        });
        if !spawned {
            // Its end was told, and this process is about to end.
            tracing::debug!(
                arbiter = number,
                "an installation stays away: its arbiter is gone"
            );
        }
    }

    fn start_dispatch(&mut self) {
        let shared = Arc::clone(&self.shared);
        let instance = self.shared.dispatch.born(0, 0);
        let card = self.shared.dispatch.clone();
        let me = Arc::clone(&self.me);
        let dispatch = start_watched(
            self.shared.dispatch.clone(),
            move |_, _| Dispatch::new(shared),
            move |exit| {
                card.ended(instance, &exit);
                me.send(DispatchEnded(exit));
            },
        );
        self.dispatch_seen.send_replace(Some(Arc::clone(&dispatch)));
        self.dispatch = Some(dispatch);
    }
}

/// The store's keeper is gone. From its watcher.
#[derive(Debug, Message)]
#[rtype(result = "()")]
struct DispatchEnded(Exit);

impl Actor for Supervisor {
    type Context = Context<Self>;

    fn started(&mut self, ctx: &mut Self::Context) {
        self.start_dispatch();
        self.watch_for_sleep(ctx);
        self.load(ctx);
    }
}

impl Handler<Reload> for Supervisor {
    type Result = ();

    fn handle(&mut self, _: Reload, ctx: &mut Self::Context) {
        let _handling = self.handling(Word::Reload);
        self.load(ctx);
    }
}

impl Handler<Started> for Supervisor {
    type Result = ();

    fn handle(&mut self, started: Started, _: &mut Self::Context) {
        let _handling = self.handling(Word::Started);
        match self.places.get_mut(&started.installation) {
            Some(place) => {
                let tenant = Tenant {
                    instance: started.instance,
                    mailbox: started.mailbox,
                };
                if self.drain.is_some() {
                    // The drain began while it moved in. It has no turn, so it has nothing in hand.
                    tenant.mailbox.send(Drain {
                        within: Duration::ZERO,
                    });
                } else {
                    // Its row may have changed meanwhile.
                    tenant.mailbox.send(place.configure());
                }
                place.tenant = Some(tenant);
            }
            None => started.mailbox.send(End),
        }
    }
}

impl Handler<Ended> for Supervisor {
    type Result = ();

    fn handle(&mut self, ended: Ended, ctx: &mut Self::Context) {
        let _handling = self.handling(Word::Ended);
        self.tick_off(ended.installation, 0);
        let Some(place) = self.places.get_mut(&ended.installation) else {
            return;
        };
        if place
            .tenant
            .as_ref()
            .is_some_and(|tenant| tenant.instance != ended.instance)
        {
            return;
        }
        place.tenant = None;
        if ended.exit == Exit::Stopped {
            place.bot.installation.deserted();
        }
        self.turns.withdraw(ended.installation);
        let words = ended.exit.how();
        // It cannot say so itself any more, and its last words were perhaps "live".
        let state = match place.rebuilds.spend(now()) {
            Rebuild::After(pause) => State::BackingOff {
                until: now() + pause,
                attempt: 0,
                reason: Setback::Panicked,
            },
            Rebuild::Spent { until } => State::Restarting { until },
        };
        place.bot.failed(&state, &words);
        let pause = state.until().map_or(Duration::ZERO, |until| {
            until.saturating_duration_since(now())
        });
        tracing::error!(
            app_id = place.record.app_id,
            installation = place.bot.public_id,
            panic = words,
            again_in_ms = u64::try_from(pause.as_millis()).unwrap_or(u64::MAX),
            "an installation failed; it is built anew"
        );
        let bot = Arc::clone(&place.bot);
        self.shared.note(
            &bot,
            0,
            longwire_store::TimelineKind::Panicked,
            format!("installation: {words}"),
        );
        let id = ended.installation;
        ctx.run_later(pause, move |this, _| this.move_in(id));
        // It has left its place in the queue.
        self.give_turns(ctx);
    }
}

impl Handler<DispatchEnded> for Supervisor {
    type Result = ();

    fn handle(&mut self, DispatchEnded(exit): DispatchEnded, ctx: &mut Self::Context) {
        let _handling = self.handling(Word::Ended);
        if self.drain.is_some() {
            return;
        }
        match &exit {
            Exit::Panicked(text) => {
                self.shared.totals.panics.fetch_add(1, Relaxed);
                tracing::error!(
                    panic = text,
                    "dispatch failed; it is built anew, the writer thread goes on"
                );
            }
            Exit::Stopped => {
                self.shared.dispatch.deserted();
                tracing::error!("dispatch stopped without being told to; it is built anew");
            }
        }
        let pause = match self.dispatch_rebuilds.spend(now()) {
            Rebuild::After(pause) => pause,
            Rebuild::Spent { until } => {
                // Nobody would start a writer that ends meanwhile.
                self.shared
                    .failure
                    .is(FleetFailure::Writer { how: exit.how() });
                until.saturating_duration_since(now())
            }
        };
        ctx.run_later(pause, |this, _| this.start_dispatch());
    }
}
