//! The fleet's handle: starts it, reads it, drains it. Views are made of cards and counters, so no reader waits for an actor,
//! except in [`Fleet::inspect`], which has a time limit.

mod drain;
mod faults;
mod inspect;
mod overview;
mod requests;
mod upload;

pub use upload::{UploadError, UploadFile};

use crate::absence::Absence;
use crate::bot_index::BotIndex;
use crate::config_fault::ConfigFault;
use crate::context::{FleetContext, Parts};
use crate::dispatch::Dispatch;
use crate::failure::FleetFailure;
use crate::supervisor::{Reload, Supervisor, watch_arbiter};
use crate::view::InstallationView;
use crate::writing::Writing;
use actix_rt::{Arbiter, ArbiterHandle};
use longwire_actor::{Exit, Mailbox, Place, start};
use longwire_egress::EgressSettings;
use longwire_installation::InstallationId;
use longwire_link::Timing;
use longwire_store::Store;
use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::Ordering::Relaxed;
use tokio::sync::watch;

/// What a fleet is started with.
pub struct FleetSettings {
    /// Every deadline and pace.
    pub timing: Timing,
    /// Connection attempts begun per second over all installations; 0 means no budget.
    pub connect_per_second: u32,
    /// Events one installation may have unanswered before its socket stops reading.
    pub window_events: usize,
    /// The same in bytes.
    pub window_bytes: usize,
    /// Threads that carry installations; 0 means one per core.
    pub arbiters: usize,
    /// How bytes leave this host.
    pub egress: EgressSettings,
    /// Where events are recorded.
    pub store: Store,
    /// Whether [`Fleet::inject`] works.
    pub fault_injection: bool,
    /// Installations that are not to be connected as long as this fleet runs, and why.
    pub config_faults: BTreeMap<InstallationId, ConfigFault>,
}

/// A running fleet. Clones are handles to the same one.
#[derive(Clone)]
pub struct Fleet {
    shared: Arc<FleetContext>,
    bots: Arc<BotIndex>,
    supervisor: Arc<Mailbox<Supervisor>>,
    dispatch: watch::Receiver<Option<Arc<Mailbox<Dispatch>>>>,
}

impl Fleet {
    /// Starts the actors inside the current actix system, and with them every installation of the store that is wanted.
    pub async fn start(settings: FleetSettings) -> Self {
        let shared = FleetContext::new(Parts {
            timing: settings.timing,
            window_events: settings.window_events,
            window_bytes: settings.window_bytes,
            egress: settings.egress,
            store: settings.store,
            fault_injection: settings.fault_injection,
            config_faults: settings.config_faults,
        });
        let count = match settings.arbiters {
            0 => std::thread::available_parallelism().map_or(1, usize::from),
            count => count,
        };
        // Arbiters live as long as their system; only their handles are kept.
        let arbiters: Vec<_> = (0..count).map(|_| Arbiter::new().handle()).collect();
        let watched = arbiters.clone();
        let bots = Arc::new(BotIndex::default());
        let (seen, dispatch) = watch::channel(None);
        let supervisor =
            start_supervisor(&shared, &bots, arbiters, settings.connect_per_second, seen);
        for (index, arbiter) in watched.iter().enumerate() {
            watch_arbiter(arbiter, index, &shared, &supervisor);
        }
        Self {
            shared,
            bots,
            supervisor,
            dispatch,
        }
    }

    /// Reads the wanted installations from the store again: after one was added, started, stopped or changed.
    pub fn reload(&self) {
        self.supervisor.send(Reload);
    }

    /// The actor that keeps the store's writer alive, unless it was not started yet.
    fn dispatch(&self) -> Option<Arc<Mailbox<Dispatch>>> {
        self.dispatch.borrow().clone()
    }

    /// What the fleet cannot mend by itself, if there is anything. It drains still, and has to be started again.
    #[must_use]
    pub fn failure(&self) -> Option<FleetFailure> {
        self.shared.failure.get()
    }

    /// Waits for such a failure.
    pub async fn failed(&self) -> FleetFailure {
        self.shared.failure.wait().await
    }

    /// Whether the store's writer thread runs. While it does not, every event is refused, or waits.
    #[must_use]
    pub fn is_writing(&self) -> bool {
        *self.shared.writing.borrow() == Writing::Running
    }

    /// All installations, in the order they were added.
    #[must_use]
    pub fn installations(&self) -> Vec<InstallationView> {
        self.bots.bots().iter().map(|bot| bot.view()).collect()
    }

    /// One installation, by public id or name.
    #[must_use]
    pub fn installation(&self, id_or_name: &str) -> Option<InstallationView> {
        self.bots.find(id_or_name).map(|entry| entry.bot.view())
    }
}

/// Starts the supervisor. Nothing builds it anew: its end is a failure of the fleet.
fn start_supervisor(
    shared: &Arc<FleetContext>,
    bots: &Arc<BotIndex>,
    arbiters: Vec<ArbiterHandle>,
    connect_per_second: u32,
    dispatch_seen: watch::Sender<Option<Arc<Mailbox<Dispatch>>>>,
) -> Arc<Mailbox<Supervisor>> {
    let (resources, index) = (Arc::clone(shared), Arc::clone(bots));
    let (shared, bots) = (Arc::clone(shared), Arc::clone(bots));
    start(
        shared.supervisor.clone(),
        Place::default(),
        move |me, _| {
            let me = Arc::clone(me);
            Supervisor::new(
                resources,
                index,
                me,
                arbiters,
                connect_per_second,
                dispatch_seen,
            )
        },
        move |ended| {
            if matches!(ended.exit, Exit::Panicked(_)) {
                shared.totals.panics.fetch_add(1, Relaxed);
            }
            let how = ended.exit.how().to_owned();
            for bot in bots.bots() {
                // Its installation ends and says nothing more.
                bot.orphaned(Absence::SupervisorEnded, Some(&how));
            }
            shared.failure.is(FleetFailure::Supervisor { how });
        },
    )
}
