//! Reads the wanted installations from the store and compares them with those that run.

use super::Supervisor;
use super::entry::Entry;
use crate::bot::Bot;
use crate::config_fault::{self, ConfigFault};
use crate::host::Host;
use crate::installation::RowChanged;
use crate::space_room;
use actix::{ActorFutureExt, AsyncContext, Handler, Message, WrapFuture};
use longwire_actor::{Context, Timer};
use longwire_installation::InstallationId;
use longwire_link::Setback;
use longwire_store::InstallationRecord;
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::time::Duration;

/// The wanted installations may have changed. From the fleet's handle, after every change of the store.
#[derive(Debug, Message)]
#[rtype(result = "()")]
pub(crate) struct Reload;

/// What keeps declared installations from being connected, of all of them: it takes the place of what was known. From the
/// fleet's handle, after the configuration file or a file that it refers to was read again.
#[derive(Debug, Message)]
#[rtype(result = "()")]
pub(crate) struct DeclarationsRead(pub(crate) BTreeMap<InstallationId, Arc<ConfigFault>>);

/// So many attempts may start per second. From the fleet's handle, after the configuration file was read again.
#[derive(Debug, Message)]
#[rtype(result = "()")]
pub(crate) struct ConnectRate(pub(crate) u32);

/// Whether the wanted installations are being read, and whether they have to be read again after that.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Loading {
    Idle,
    UnderWay,
    Again,
}

/// The wanted installations were read from the store.
struct Wanted;

impl Supervisor {
    pub(super) fn load(&mut self, ctx: &mut Context<Self>) {
        if self.loading != Loading::Idle {
            self.loading = Loading::Again;
            return;
        }
        self.loading = Loading::UnderWay;
        let store = self.fleet.store.clone();
        let read = actix_rt::task::spawn_blocking(move || store.reader().installations());
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
            } else {
                for id in std::mem::take(&mut this.retries) {
                    this.retry(id);
                }
            }
        }));
    }

    /// Starts, changes and ends installations until those that run are the wanted ones.
    fn compare(&mut self, records: Vec<InstallationRecord>, ctx: &mut Context<Self>) {
        if self.drain.is_some() {
            // An installation that drains would take a changed row as an order to connect again.
            return;
        }
        let mut gone: BTreeSet<InstallationId> = self.entries.keys().copied().collect();
        let mut config_faults = config_fault::of_all(&records, &self.declaration_faults);
        if let Some(limit) = self.fleet.connections_per_space.get() {
            space_room::fill(&records, &self.holders(), limit, &mut config_faults);
        }
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
                    self.bots.rename(&entry.record, &record);
                    entry.record = Arc::new(record);
                    entry.config_fault = config_fault;
                    if space_room::wants_connection(&entry.record) {
                        self.scheduler.change_lane(id, Host::of(&entry.record));
                    } else {
                        self.scheduler.withdraw(id);
                    }
                    // One that another process has is told its row when it is here again.
                    if let Some(running) = &entry.running
                        && !self.fleet.elsewhere.contains(id)
                    {
                        running.send(entry.configure());
                    }
                }
                Some(_) => {}
            }
        }
        for id in gone {
            if let Some(entry) = self.entries.remove(&id) {
                self.scheduler.withdraw(id);
                self.bots.delist(&entry.record);
            }
        }
        // An installation that changed its lane may start an attempt there.
        self.start_attempts(ctx);
    }

    /// The installations that have a place among the connections of their space.
    fn holders(&self) -> BTreeSet<InstallationId> {
        let has_place = |entry: &Entry| {
            let waits = |fault: &ConfigFault| fault.setback == Setback::SpaceLimit;
            space_room::wants_connection(&entry.record)
                && !entry.config_fault.as_deref().is_some_and(waits)
        };
        let entries = self.entries.iter();
        let holders = entries.filter(|(_, entry)| has_place(entry));
        holders.map(|(id, _)| *id).collect()
    }

    fn add(&mut self, record: InstallationRecord, config_fault: Option<Arc<ConfigFault>>) {
        let record = Arc::new(record);
        let bot = Bot::new(&record);
        self.bots.enlist(&bot, &record);
        let id = record.id;
        let arbiter = self.entries.len() % self.arbiters.len();
        let entry = Entry::new(arbiter, bot, record, config_fault);
        self.entries.insert(id, entry);
        self.start(id);
    }
}

impl Handler<Reload> for Supervisor {
    type Result = ();

    fn handle(&mut self, _: Reload, ctx: &mut Self::Context) {
        self.load(ctx);
    }
}

impl Handler<DeclarationsRead> for Supervisor {
    type Result = ();

    fn handle(&mut self, DeclarationsRead(faults): DeclarationsRead, ctx: &mut Self::Context) {
        self.declaration_faults = faults;
        self.load(ctx);
    }
}

impl Handler<ConnectRate> for Supervisor {
    type Result = ();

    fn handle(&mut self, ConnectRate(per_second): ConnectRate, ctx: &mut Self::Context) {
        self.scheduler.set_rate(per_second);
        self.start_attempts(ctx);
    }
}

impl Handler<RowChanged> for Supervisor {
    type Result = ();

    fn handle(&mut self, _: RowChanged, ctx: &mut Self::Context) {
        self.load(ctx);
    }
}
