//! Every bot of a fleet, found by id, public id or name, with the mailbox of the installation that runs it now.
//!
//! The supervisor keeps it; whoever asks something from outside looks here and writes to the installation without a hop.

use crate::bot::Bot;
use crate::installation::Installation;
use longwire_actor::Mailbox;
use longwire_installation::{InstallationId, PublicId};
use std::collections::{BTreeMap, HashMap};
use std::sync::{Arc, PoisonError, RwLock, RwLockReadGuard, RwLockWriteGuard};

/// Every bot of a fleet.
#[derive(Default)]
pub(crate) struct BotIndex(RwLock<Entries>);

#[derive(Default)]
struct Entries {
    by_id: BTreeMap<InstallationId, BotEntry>,
    by_public_id: HashMap<PublicId, InstallationId>,
    by_name: HashMap<Box<str>, InstallationId>,
}

/// One bot, and who runs it.
#[derive(Clone)]
pub(crate) struct BotEntry {
    pub(crate) bot: Arc<Bot>,
    /// None while it is started, or built anew after a failure.
    pub(crate) installation: Option<Arc<Mailbox<Installation>>>,
    public_id: PublicId,
}

impl BotIndex {
    /// The supervisor knows one bot more.
    pub(crate) fn enlist(&self, bot: &Arc<Bot>, public_id: PublicId, name: &str) {
        let mut entries = self.write();
        let entry = BotEntry {
            bot: Arc::clone(bot),
            installation: None,
            public_id,
        };
        entries.by_public_id.insert(public_id, bot.id);
        entries.by_name.insert(name.into(), bot.id);
        entries.by_id.insert(bot.id, entry);
    }

    /// It has another name now.
    pub(crate) fn rename(&self, id: InstallationId, before: &str, after: &str) {
        let mut entries = self.write();
        entries.forget_name(id, before);
        entries.by_name.insert(after.into(), id);
    }

    /// It is no more; `name` is the last one it had.
    pub(crate) fn delist(&self, id: InstallationId, name: &str) {
        let mut entries = self.write();
        entries.forget_name(id, name);
        if let Some(entry) = entries.by_id.remove(&id) {
            entries.by_public_id.remove(&entry.public_id);
        }
    }

    /// This installation runs the bot now, or none does.
    pub(crate) fn run_by(
        &self,
        id: InstallationId,
        installation: Option<Arc<Mailbox<Installation>>>,
    ) {
        if let Some(entry) = self.write().by_id.get_mut(&id) {
            entry.installation = installation;
        }
    }

    /// By public id or name.
    pub(crate) fn find(&self, id_or_name: &str) -> Option<BotEntry> {
        let entries = self.read();
        let entry = |id| entries.by_id.get(id);
        let public_id: Option<PublicId> = id_or_name.parse().ok();
        let by_public_id = public_id
            .and_then(|public_id| entry(entries.by_public_id.get(&public_id)?))
            // A public id is written in one way only.
            .filter(|entry| *entry.bot.public_id == *id_or_name);
        by_public_id
            .or_else(|| entry(entries.by_name.get(id_or_name)?))
            .cloned()
    }

    /// By id.
    pub(crate) fn get(&self, id: InstallationId) -> Option<BotEntry> {
        self.read().by_id.get(&id).cloned()
    }

    /// All of them, in the order they were added.
    pub(crate) fn bots(&self) -> Vec<Arc<Bot>> {
        let entries = self.read();
        let bots = entries.by_id.values().map(|entry| Arc::clone(&entry.bot));
        bots.collect()
    }

    fn read(&self) -> RwLockReadGuard<'_, Entries> {
        self.0.read().unwrap_or_else(PoisonError::into_inner)
    }

    fn write(&self) -> RwLockWriteGuard<'_, Entries> {
        self.0.write().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Entries {
    /// The name may be another bot's already: two that swap their names are renamed one after the other.
    fn forget_name(&mut self, id: InstallationId, name: &str) {
        if self.by_name.get(name) == Some(&id) {
            self.by_name.remove(name);
        }
    }
}
