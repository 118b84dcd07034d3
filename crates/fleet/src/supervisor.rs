//! Compares the installations we want with those that run. One per process, on the main arbiter.
//!
//! It gives each installation an arbiter and keeps it there, rebuilds one that ended unexpectedly, and gives permits: an
//! attempt to connect begins when [`ConnectScheduler`] says so. It never touches a connection.

mod arbiters;
mod attempts;
mod connection_sums;
mod dispatch;
mod drain;
mod entry;
mod outside;
mod running;
mod sleep;
mod takeover;
mod wanted;

pub(crate) use arbiters::{EndArbiterOf, watch as watch_arbiter};
pub(crate) use drain::DrainAll;
pub(crate) use running::Retry;
pub(crate) use sleep::Slept;
pub(crate) use takeover::{Announce, ConnectHere, Give, TakeBack};
pub(crate) use wanted::{ConnectRate, DeclarationsRead, Reload};

use crate::bot_index::BotIndex;
use crate::config_fault::ConfigFault;
use crate::context::FleetContext;
use crate::dispatch::Dispatch;
use crate::host::Host;
use crate::operations::OperationRecorder;
use actix::{Actor, SpawnHandle};
use actix_rt::ArbiterHandle;
use drain::Draining;
use entry::Entry;
use longwire_actor::{Card, Context, Mailbox, RebuildBudget, TreeActor};
use longwire_installation::InstallationId;
use longwire_link::{ConnectLimits, ConnectScheduler};
use std::collections::BTreeMap;
use std::sync::Arc;
use tokio::sync::{oneshot, watch};
use wanted::Loading;

/// Attempts under way at once for each arbiter, in one lane. With more of them, each would take longer than its deadline.
const ATTEMPTS_PER_ARBITER: usize = 128;

/// Compares wanted installations with running ones.
pub(crate) struct Supervisor {
    fleet: Arc<FleetContext>,
    bots: Arc<BotIndex>,
    me: Arc<Mailbox<Self>>,
    arbiters: Vec<ArbiterHandle>,
    entries: BTreeMap<InstallationId, Entry>,
    /// What keeps declared installations from being connected, as the configuration file was read last.
    declaration_faults: BTreeMap<InstallationId, Arc<ConfigFault>>,
    scheduler: ConnectScheduler<Host, InstallationId>,
    /// Fires when the next attempt may start.
    next_attempt: Option<SpawnHandle>,
    loading: Loading,
    /// Those that are to be tried once what is being read is compared.
    retries: Vec<InstallationId>,
    drain: Option<Draining>,
    /// Who waits for the end of bots that were given away.
    giving: BTreeMap<InstallationId, oneshot::Sender<()>>,
    dispatch_rebuilds: RebuildBudget,
    operations: Arc<OperationRecorder>,
    /// Tells the fleet's handle which `Dispatch` runs.
    dispatch_seen: watch::Sender<Option<Arc<Mailbox<Dispatch>>>>,
}

/// What a supervisor starts with and an operator may change while it runs.
pub(crate) struct StartLimits {
    /// Attempts begun per second; 0 means no limit.
    pub(crate) connect_per_second: u32,
    pub(crate) declaration_faults: BTreeMap<InstallationId, Arc<ConfigFault>>,
}

impl Supervisor {
    pub(crate) fn new(
        fleet: Arc<FleetContext>,
        bots: Arc<BotIndex>,
        me: Arc<Mailbox<Self>>,
        arbiters: Vec<ArbiterHandle>,
        limits: StartLimits,
        dispatch_seen: watch::Sender<Option<Arc<Mailbox<Dispatch>>>>,
    ) -> Self {
        let scheduler = ConnectScheduler::new(ConnectLimits {
            per_second: limits.connect_per_second,
            // One lane alone gets half of them.
            at_once: arbiters.len() * ATTEMPTS_PER_ARBITER * 2,
        });
        Self {
            operations: OperationRecorder::new(&fleet, &bots),
            fleet,
            bots,
            me,
            arbiters,
            entries: BTreeMap::new(),
            declaration_faults: limits.declaration_faults,
            scheduler,
            next_attempt: None,
            loading: Loading::Idle,
            retries: Vec::new(),
            drain: None,
            giving: BTreeMap::new(),
            dispatch_rebuilds: RebuildBudget::default(),
            dispatch_seen,
        }
    }
}

impl TreeActor for Supervisor {
    type Card = Arc<Card>;
}

impl Actor for Supervisor {
    type Context = Context<Self>;

    fn started(&mut self, ctx: &mut Self::Context) {
        self.start_dispatch();
        self.watch_for_sleep(ctx);
        self.sum_up_connections(ctx);
        self.load(ctx);
    }
}
