//! Compares the installations we want with those that run. One per process, on the main arbiter.
//!
//! It gives each installation a place on an arbiter and keeps it there, rebuilds one that ended unexpectedly, and hands
//! out turns: an attempt to connect begins when [`Turns`] says so. It never touches a connection.

mod arbiters;
mod drain;
mod outside;
mod sleep;
mod turns;

pub(crate) use arbiters::{EndArbiterOf, watch as watch_arbiter};
pub(crate) use drain::{DrainAll, Drained};
pub(crate) use sleep::Slept;
pub(crate) use turns::{AskTurn, AttemptPermit};

use crate::bot::{Bot, InstallationCard};
use crate::bot_index::BotIndex;
use crate::clock::now;
use crate::config_fault::{self, ConfigFault};
use crate::context::{ArbiterContext, FleetContext};
use crate::dispatch::Dispatch;
use crate::failure::FleetFailure;
use crate::host::Host;
use crate::installation::{Configure, Drain, Installation};
use actix::{Actor, ActorFutureExt, AsyncContext, Handler, Message, SpawnHandle, WrapFuture};
use actix_rt::ArbiterHandle;
use arbiters::number_of;
use drain::Draining;
use longwire_actor::{
    Card, Child, Context, Ended, Exit, Mailbox, Place, Rebuild, RebuildBudget, Timer, TreeActor,
    start,
};
use longwire_installation::{Desired, InstallationId};
use longwire_link::{Generation, Setback, State, TurnLimits, Turns};
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
    id: InstallationId,
    installation: Child<Installation>,
}

/// An installation is gone. From its watcher, once per instance, whatever ended it.
#[derive(Debug, Message)]
#[rtype(result = "()")]
struct InstallationEnded {
    id: InstallationId,
    ended: Ended,
}

/// Attempts under way at once for each arbiter, in one lane. More would only make every one of them slower than its
/// deadline.
const ATTEMPTS_PER_ARBITER: usize = 128;

/// Compares wanted installations with running ones.
pub(crate) struct Supervisor {
    shared: Arc<FleetContext>,
    bots: Arc<BotIndex>,
    me: Arc<Mailbox<Self>>,
    arbiters: Vec<ArbiterHandle>,
    entries: BTreeMap<InstallationId, Entry>,
    turns: Turns<Host, InstallationId>,
    /// Fires when the next turn is due.
    next_turn: Option<SpawnHandle>,
    loading: Loading,
    drain: Option<Draining>,
    dispatch_rebuilds: RebuildBudget,
    dispatch: Option<Arc<Mailbox<Dispatch>>>,
    /// Tells the fleet's handle which `Dispatch` lives.
    dispatch_seen: watch::Sender<Option<Arc<Mailbox<Dispatch>>>>,
}

/// One installation: its arbiter, its row, and the actor while it runs.
struct Entry {
    arbiter: usize,
    bot: Arc<Bot>,
    record: Arc<InstallationRecord>,
    config_fault: Option<Arc<ConfigFault>>,
    rebuilds: RebuildBudget,
    /// It ends with this, also when the supervisor panics: without a supervisor it would never get a turn to connect again.
    running: Option<Child<Installation>>,
    /// The attempt that it asked a turn for last.
    asked: Generation,
}

impl Entry {
    /// What the actor has to know.
    fn configure(&self) -> Configure {
        Configure {
            record: Arc::clone(&self.record),
            config_fault: self.config_fault.clone(),
        }
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
        shared: Arc<FleetContext>,
        bots: Arc<BotIndex>,
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
            bots,
            me,
            arbiters,
            entries: BTreeMap::new(),
            turns,
            next_turn: None,
            loading: Loading::Idle,
            drain: None,
            dispatch_rebuilds: RebuildBudget::default(),
            dispatch: None,
            dispatch_seen,
        }
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
            let _working = ctx.working::<Wanted>();
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
                ctx.work_later::<Timer>(Duration::from_secs(5), |this, ctx| this.load(ctx));
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
        let mut gone: BTreeSet<InstallationId> = self.entries.keys().copied().collect();
        let mut config_faults = config_fault::of_all(&records, &self.shared.config_faults);
        for record in records {
            let id = record.id;
            gone.remove(&id);
            let config_fault = config_faults.remove(&id);
            match self.entries.get_mut(&id) {
                None => self.add(record, config_fault),
                Some(entry)
                    if entry.record.revision != record.revision
                        || entry.config_fault != config_fault =>
                {
                    if entry.record.name != record.name {
                        self.bots
                            .rename(id, entry.record.name.as_str(), record.name.as_str());
                    }
                    entry.record = Arc::new(record);
                    entry.config_fault = config_fault;
                    match entry.record.desired {
                        Desired::Run => self.turns.change_lane(id, Host::of(&entry.record)),
                        Desired::Stop => self.turns.withdraw(id),
                    }
                    if let Some(running) = &entry.running {
                        running.send(entry.configure());
                    }
                }
                Some(_) => {}
            }
        }
        for id in gone {
            if let Some(entry) = self.entries.remove(&id) {
                self.turns.withdraw(id);
                self.bots.delist(id, entry.record.name.as_str());
            }
        }
        // Whoever changed its lane may begin there.
        self.give_turns(ctx);
    }

    fn add(&mut self, record: InstallationRecord, config_fault: Option<Arc<ConfigFault>>) {
        let record = Arc::new(record);
        let bot = Bot::new(&record);
        self.bots
            .enlist(&bot, record.public_id, record.name.as_str());
        let id = record.id;
        let entry = Entry {
            arbiter: self.entries.len() % self.arbiters.len(),
            bot,
            record,
            config_fault,
            rebuilds: RebuildBudget::default(),
            running: None,
            asked: Generation::default(),
        };
        self.entries.insert(id, entry);
        self.start(id);
    }

    /// Starts a fresh installation at its place.
    fn start(&mut self, id: InstallationId) {
        let Some(entry) = self.entries.get(&id) else {
            return;
        };
        if self.drain.is_some() || entry.running.is_some() {
            return;
        }
        let number = number_of(entry.arbiter);
        let (shared, bot, configuration) = (
            Arc::clone(&self.shared),
            Arc::clone(&entry.bot),
            entry.configure(),
        );
        let me = Arc::clone(&self.me);
        let spawned = self.arbiters[entry.arbiter].spawn_fn(move || {
            let installation = start_installation(shared, bot, number, configuration, &me);
            me.send(Started { id, installation });
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
        let me = Arc::clone(&self.me);
        let dispatch = start(
            self.shared.dispatch.clone(),
            Place::default(),
            move |_, _| Dispatch::new(shared),
            move |ended| me.send(DispatchEnded(ended.exit)),
        );
        self.dispatch_seen.send_replace(Some(Arc::clone(&dispatch)));
        self.dispatch = Some(dispatch);
    }
}

/// Starts an installation on the arbiter that this runs on.
fn start_installation(
    shared: Arc<FleetContext>,
    bot: Arc<Bot>,
    arbiter: u16,
    configuration: Configure,
    supervisor: &Arc<Mailbox<Supervisor>>,
) -> Child<Installation> {
    let (id, totals) = (bot.id, Arc::clone(&shared));
    let (parent, told) = (Arc::clone(supervisor), Arc::clone(supervisor));
    let place = Place {
        arbiter,
        generation: 0,
    };
    Child::new(start(
        InstallationCard(Arc::clone(&bot)),
        place,
        move |me, _| {
            let me = Arc::clone(me);
            let local = ArbiterContext::of(&shared, arbiter);
            Installation::new(shared, local, bot, me, configuration, parent)
        },
        move |ended| {
            if matches!(ended.exit, Exit::Panicked(_)) {
                totals.totals.panics.fetch_add(1, Relaxed);
            }
            told.send(InstallationEnded { id, ended });
        },
    ))
}

/// The wanted installations were read from the store.
struct Wanted;

/// Something that ended is started again, after its pause.
struct Rebuilding;

/// The store's keeper is gone. From its watcher.
#[derive(Debug, Message)]
#[rtype(result = "()")]
struct DispatchEnded(Exit);

impl TreeActor for Supervisor {
    type Card = Arc<Card>;
}

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
        self.load(ctx);
    }
}

impl Handler<Started> for Supervisor {
    type Result = ();

    fn handle(&mut self, Started { id, installation }: Started, _: &mut Self::Context) {
        let Some(entry) = self.entries.get_mut(&id) else {
            // Dropped, and so ended.
            return;
        };
        if self.drain.is_some() {
            // The drain began while it was started. It has no turn, so it has nothing in hand.
            installation.send(Drain {
                within: Duration::ZERO,
            });
        } else {
            // Its row may have changed meanwhile.
            installation.send(entry.configure());
        }
        self.bots.run_by(id, Some(installation.mailbox()));
        entry.running = Some(installation);
    }
}

impl Handler<InstallationEnded> for Supervisor {
    type Result = ();

    fn handle(
        &mut self,
        InstallationEnded { id, ended }: InstallationEnded,
        ctx: &mut Self::Context,
    ) {
        self.tick_off(id, 0);
        let Some(entry) = self.entries.get_mut(&id) else {
            return;
        };
        let running = entry.running.as_ref();
        if running.is_some_and(|running| running.instance() != ended.instance) {
            return;
        }
        entry.running = None;
        self.bots.run_by(id, None);
        if ended.exit == Exit::Stopped {
            entry.bot.installation.stopped_unasked();
        }
        self.turns.withdraw(id);
        let how = ended.exit.how();
        // It cannot say so itself any more, and what it said last was perhaps "live".
        let state = match entry.rebuilds.spend(now()) {
            Rebuild::After(pause) => State::BackingOff {
                until: now() + pause,
                attempt: 0,
                reason: Setback::Panicked,
            },
            Rebuild::Spent { until } => State::Restarting { until },
        };
        entry.bot.failed(&state, how);
        let pause = state.until().map_or(Duration::ZERO, |until| {
            until.saturating_duration_since(now())
        });
        tracing::error!(
            app_id = entry.record.app_id,
            installation = entry.bot.public_id,
            panic = how,
            again_in_ms = u64::try_from(pause.as_millis()).unwrap_or(u64::MAX),
            "an installation failed; it is built anew"
        );
        let bot = Arc::clone(&entry.bot);
        self.shared.note(
            &bot,
            0,
            longwire_store::TimelineKind::Panicked,
            format!("installation: {how}"),
        );
        ctx.work_later::<Rebuilding>(pause, move |this, _| this.start(id));
        // It has left its place in the queue.
        self.give_turns(ctx);
    }
}

impl Handler<DispatchEnded> for Supervisor {
    type Result = ();

    fn handle(&mut self, DispatchEnded(exit): DispatchEnded, ctx: &mut Self::Context) {
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
                self.shared.dispatch.stopped_unasked();
                tracing::error!("dispatch stopped without being told to; it is built anew");
            }
        }
        let pause = match self.dispatch_rebuilds.spend(now()) {
            Rebuild::After(pause) => pause,
            Rebuild::Spent { until } => {
                // Nobody would start a writer that ends meanwhile.
                self.shared.failure.is(FleetFailure::Writer {
                    how: exit.how().to_owned(),
                });
                until.saturating_duration_since(now())
            }
        };
        ctx.work_later::<Rebuilding>(pause, |this, _| this.start_dispatch());
    }
}
