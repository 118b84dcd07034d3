//! The fleet's handle: starts it, reads it, drains it. Views are made of cards and counters, so no reader waits for an actor,
//! except in [`Fleet::inspect`], which has a time limit.

mod callbacks;
mod drain;
mod faults;
mod inspect;
mod lookups;
mod operator;
mod overview;
mod pass_on;
mod people;
mod replies;
mod requests;
mod secrets;
mod spaces;
mod takeover;
mod upload;

pub use operator::RetryError;
pub use people::{AuthorizationLink, UserAccessToken, UserAuthorizationError};
pub use spaces::SpaceIsFull;
pub use takeover::{BotStanding, ConnectionStanding};
pub use upload::{UploadError, UploadFile};

use crate::absence::Absence;
use crate::bot_index::BotIndex;
use crate::context::FleetContext;
use crate::dispatch::Dispatch;
use crate::failure::FleetFailure;
use crate::probe::{ProbeError, ProbeExtent, Probed, probe};
use crate::settings::FleetSettings;
use crate::supervisor::{Reload, StartLimits, Supervisor, watch_arbiter};
use crate::view::InstallationView;
use crate::writing::Writing;
use actix_rt::{Arbiter, ArbiterHandle};
use longwire_actor::{Exit, Mailbox, Place, start};
use longwire_installation::InstallationId;
use longwire_store::{InstallationRecord, NewInstallation};
use std::sync::Arc;
use std::sync::atomic::Ordering::Relaxed;
use tokio::sync::watch;

/// A running fleet. Clones are handles to the same one.
#[derive(Clone)]
pub struct Fleet {
    context: Arc<FleetContext>,
    bots: Arc<BotIndex>,
    supervisor: Arc<Mailbox<Supervisor>>,
    dispatch: watch::Receiver<Option<Arc<Mailbox<Dispatch>>>>,
}

impl Fleet {
    /// Starts the actors inside the current actix system, and with them every installation of the store that is wanted.
    pub async fn start(settings: FleetSettings) -> Self {
        Self::start_with(settings, |_| ())
    }

    /// The same; `prepare` gets what the actors share before any of them is started.
    fn start_with(settings: FleetSettings, prepare: impl FnOnce(&FleetContext)) -> Self {
        let faults = settings.config_faults.clone().into_iter();
        let limits = StartLimits {
            connect_per_second: settings.connect_per_second,
            declaration_faults: faults.map(|(id, fault)| (id, Arc::new(fault))).collect(),
        };
        let count = match settings.arbiters {
            0 => std::thread::available_parallelism().map_or(1, usize::from),
            count => count,
        };
        let context = FleetContext::new(settings);
        prepare(&context);
        // Arbiters live as long as their system; only their handles are kept.
        let arbiters: Vec<_> = (0..count).map(|_| Arbiter::new().handle()).collect();
        let watched = arbiters.clone();
        let bots = Arc::new(BotIndex::default());
        let (seen, dispatch) = watch::channel(None);
        let supervisor = start_supervisor(&context, &bots, arbiters, limits, seen);
        for (index, arbiter) in watched.iter().enumerate() {
            watch_arbiter(arbiter, index, &context, &supervisor);
        }
        Self {
            context,
            bots,
            supervisor,
            dispatch,
        }
    }

    /// Reads the wanted installations from the store again: after one was added, started, stopped or changed.
    pub fn reload(&self) {
        self.supervisor.send(Reload);
    }

    /// Asks the platform about a bot before it is kept, by the fleet's way out. No actor takes part.
    ///
    /// # Errors
    /// If the platform does not take the bot, or could not be asked.
    pub async fn probe(
        &self,
        new: &NewInstallation,
        extent: ProbeExtent,
    ) -> Result<Probed, ProbeError> {
        probe(&self.context.egress, new, extent).await
    }

    /// The actor that keeps the store's writer alive, unless it was not started yet.
    fn dispatch(&self) -> Option<Arc<Mailbox<Dispatch>>> {
        self.dispatch.borrow().clone()
    }

    /// What the fleet cannot mend by itself, if there is anything. It drains still, and has to be started again.
    #[must_use]
    pub fn failure(&self) -> Option<FleetFailure> {
        self.context.failure.get()
    }

    /// Waits for such a failure.
    pub async fn failed(&self) -> FleetFailure {
        self.context.failure.wait().await
    }

    /// Whether the store's writer thread runs. While it does not, every event is refused, or waits.
    #[must_use]
    pub fn is_writing(&self) -> bool {
        *self.context.writing.borrow() == Writing::Running
    }

    /// All installations, in the order they were added.
    #[must_use]
    pub fn installations(&self) -> Vec<InstallationView> {
        self.bots.bots().iter().map(|bot| bot.view()).collect()
    }

    /// All installations with their rows, in the order they were added. Asks no actor and no disk.
    #[must_use]
    pub fn installations_with_records(&self) -> Vec<(Arc<InstallationRecord>, InstallationView)> {
        let bots = self.bots.bots();
        bots.iter().map(|bot| (bot.record(), bot.view())).collect()
    }

    /// The row of an installation, by public id or name.
    #[must_use]
    pub fn installation_id(&self, id_or_name: &str) -> Option<InstallationId> {
        self.bots.find(id_or_name).map(|entry| entry.bot.id)
    }

    /// One installation, by public id or name.
    #[must_use]
    pub fn installation(&self, id_or_name: &str) -> Option<InstallationView> {
        self.bots.find(id_or_name).map(|entry| entry.bot.view())
    }

    /// The rows of the installations of the platform's app or bot of this id, in the order they were added, shared. Asks no
    /// actor and no disk.
    #[must_use]
    pub fn records_of_app(&self, app_id: &str) -> Vec<Arc<InstallationRecord>> {
        let bots = self.bots.of_app(app_id);
        bots.iter().map(|bot| bot.record()).collect()
    }

    /// The rows of all installations, in the order they were added, shared. Asks no actor and no disk.
    #[must_use]
    pub fn records(&self) -> Vec<Arc<InstallationRecord>> {
        self.bots.bots().iter().map(|bot| bot.record()).collect()
    }

    /// The row of an installation, shared: another one after each change. Asks no actor and no disk.
    #[must_use]
    pub fn record(&self, id: InstallationId) -> Option<Arc<InstallationRecord>> {
        Some(self.bots.get(id)?.bot.record())
    }
}

/// Starts the supervisor. Nothing builds it anew: its end is a failure of the fleet.
fn start_supervisor(
    context: &Arc<FleetContext>,
    bots: &Arc<BotIndex>,
    arbiters: Vec<ArbiterHandle>,
    limits: StartLimits,
    dispatch_seen: watch::Sender<Option<Arc<Mailbox<Dispatch>>>>,
) -> Arc<Mailbox<Supervisor>> {
    let (resources, index) = (Arc::clone(context), Arc::clone(bots));
    let (context, bots) = (Arc::clone(context), Arc::clone(bots));
    start(
        context.supervisor.clone(),
        Place::default(),
        move |me, _| {
            let me = Arc::clone(me);
            Supervisor::new(resources, index, me, arbiters, limits, dispatch_seen)
        },
        move |ended| {
            if matches!(ended.exit, Exit::Panicked(_)) {
                context.totals.panics.fetch_add(1, Relaxed);
            }
            let how = ended.exit.how().to_owned();
            for bot in bots.bots() {
                // Its installation ends and says nothing more.
                bot.orphaned(Absence::SupervisorEnded, Some(&how));
            }
            context.failure.is(FleetFailure::Supervisor { how });
        },
    )
}
