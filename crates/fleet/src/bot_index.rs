//! Every bot of a fleet, found by id, public id, name or app, with the mailbox of the installation that runs it now.
//!
//! The supervisor keeps it; whoever asks something from outside looks here and writes to the installation without a hop.

use crate::bot::Bot;
use crate::installation::Installation;
use crate::not_live::WantedCounts;
use longwire_actor::Mailbox;
use longwire_installation::{InstallationId, PublicId};
use longwire_store::InstallationRecord;
use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::hash::{BuildHasher as _, RandomState};
use std::sync::{Arc, PoisonError, RwLock, RwLockReadGuard, RwLockWriteGuard};

/// Every bot of a fleet.
#[derive(Default)]
pub(crate) struct BotIndex(RwLock<Entries>);

#[derive(Default)]
struct Entries {
    by_id: BTreeMap<InstallationId, BotEntry>,
    by_public_id: HashMap<PublicId, InstallationId>,
    by_name: HashMap<Box<str>, InstallationId>,
    /// By the hash of the app id, which is in the row. Several bots may have had one app.
    by_app: BTreeSet<(u64, InstallationId)>,
    app_hashes: RandomState,
}

/// One bot, and who runs it.
#[derive(Clone)]
pub(crate) struct BotEntry {
    pub(crate) bot: Arc<Bot>,
    /// None while it is started, or built anew after a failure.
    pub(crate) installation: Option<Arc<Mailbox<Installation>>>,
}

impl BotIndex {
    /// Adds a bot.
    pub(crate) fn enlist(&self, bot: &Arc<Bot>, record: &InstallationRecord) {
        let mut entries = self.write();
        let entry = BotEntry {
            bot: Arc::clone(bot),
            installation: None,
        };
        entries.by_id.insert(record.id, entry);
        entries.by_public_id.insert(record.public_id, record.id);
        entries.take_name(record);
        entries.take_app(record);
    }

    /// A bot's row changed, and perhaps its name or its app.
    pub(crate) fn rename(&self, before: &InstallationRecord, after: &InstallationRecord) {
        if before.name != after.name {
            let mut entries = self.write();
            entries.forget_name(before);
            entries.take_name(after);
        }
        if before.app_id != after.app_id {
            let mut entries = self.write();
            entries.forget_app(before);
            entries.take_app(after);
        }
    }

    /// Removes a bot; `record` is its last row.
    pub(crate) fn delist(&self, record: &InstallationRecord) {
        let mut entries = self.write();
        entries.by_id.remove(&record.id);
        entries.by_public_id.remove(&record.public_id);
        entries.forget_name(record);
        entries.forget_app(record);
    }

    /// This installation runs the bot from now on, or none does.
    pub(crate) fn run_by(
        &self,
        id: InstallationId,
        installation: Option<Arc<Mailbox<Installation>>>,
    ) {
        if let Some(entry) = self.write().by_id.get_mut(&id) {
            entry.installation = installation;
        }
    }

    /// How many bots are wanted and live. One pass, which asks no actor and no disk.
    pub(crate) fn wanted_counts(&self) -> WantedCounts {
        let mut counts = WantedCounts::default();
        for bot in self.bots().iter() {
            counts.add(bot.record().desired, &bot.state());
        }
        counts
    }

    /// By public id or name.
    pub(crate) fn find(&self, id_or_name: &str) -> Option<BotEntry> {
        let entries = self.read();
        let entry = |id| entries.by_id.get(id);
        let public_id: Option<PublicId> = id_or_name.parse().ok();
        let by_public_id = public_id
            .and_then(|public_id| entry(entries.by_public_id.get(&public_id)?))
            // Parsing takes capital letters too; the public id itself has none.
            .filter(|entry| *entry.bot.public_id == *id_or_name);
        by_public_id
            .or_else(|| entry(entries.by_name.get(id_or_name)?))
            .cloned()
    }

    /// By id.
    pub(crate) fn get(&self, id: InstallationId) -> Option<BotEntry> {
        self.read().by_id.get(&id).cloned()
    }

    /// Those of the platform's app or bot of this id, in the order they were added.
    pub(crate) fn of_app(&self, app_id: &str) -> Vec<Arc<Bot>> {
        let entries = self.read();
        let hash = entries.app_hash(app_id);
        let with_hash = (hash, InstallationId(i64::MIN))..=(hash, InstallationId(i64::MAX));
        let with_hash = entries.by_app.range(with_hash);
        let bots = with_hash.filter_map(|(_, id)| Some(&entries.by_id.get(id)?.bot));
        let bots = bots.filter(|bot| bot.record().app_id == app_id);
        bots.cloned().collect()
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
    fn app_hash(&self, app_id: &str) -> u64 {
        self.app_hashes.hash_one(app_id)
    }

    fn take_app(&mut self, record: &InstallationRecord) {
        let hash = self.app_hash(&record.app_id);
        self.by_app.insert((hash, record.id));
    }

    fn forget_app(&mut self, record: &InstallationRecord) {
        let hash = self.app_hash(&record.app_id);
        self.by_app.remove(&(hash, record.id));
    }

    fn take_name(&mut self, record: &InstallationRecord) {
        self.by_name.insert(record.name.as_str().into(), record.id);
    }

    /// The name may be another bot's already: two that swap their names are renamed one after the other.
    fn forget_name(&mut self, record: &InstallationRecord) {
        if self.by_name.get(record.name.as_str()) == Some(&record.id) {
            self.by_name.remove(record.name.as_str());
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use longwire_installation::{Desired, Origin, Platform};
    use longwire_store::{NewInstallation, Store, StoreSettings};

    fn indexed(names: [&str; 2]) -> (BotIndex, [InstallationRecord; 2]) {
        let home = tempfile::tempdir().expect("a temporary directory");
        let url = format!("sqlite:{}", home.path().join("log.db").display());
        let store = Store::open(&StoreSettings::at(url)).expect("a fresh store opens");
        let index = BotIndex::default();
        let records = names.map(|name| {
            let new = NewInstallation {
                name: name.parse().expect("a name"),
                platform: Platform::Feishu,
                app_id: name.to_owned(),
                app_secret: "secret".into(),
                base_url: None,
                proxy: None,
                mode: Default::default(),
                verification_token: None,
                encrypt_key: None,
                take_back: None,
                desired: Desired::Run,
                origin: Origin::Cli,
                space: Default::default(),
            };
            let record = store.add_installation(new).expect("it is added");
            index.enlist(&Bot::new(&Arc::new(record.clone())), &record);
            record
        });
        (index, records)
    }

    fn id_of(index: &BotIndex, id_or_name: &str) -> Option<InstallationId> {
        index.find(id_or_name).map(|entry| entry.bot.id)
    }

    fn named(record: &InstallationRecord, name: &str) -> InstallationRecord {
        let mut record = record.clone();
        record.name = name.parse().expect("a name");
        record
    }

    #[test]
    fn a_bot_is_found_by_every_name_it_has_and_by_no_other() {
        let (index, [red, blue]) = indexed(["red", "blue"]);
        let public_id = red.public_id.to_string();
        assert_eq!(id_of(&index, "red"), Some(red.id));
        assert_eq!(id_of(&index, &public_id), Some(red.id));
        assert_eq!(id_of(&index, &public_id.to_uppercase()), None);
        assert_eq!(id_of(&index, "green"), None);
        let order: Vec<_> = index.bots().iter().map(|bot| bot.id).collect();
        assert_eq!(order, [red.id, blue.id]);
        index.delist(&red);
        assert_eq!(id_of(&index, "red"), None);
        assert_eq!(id_of(&index, &public_id), None);
        assert!(index.get(red.id).is_none());
        assert_eq!(id_of(&index, "blue"), Some(blue.id));
    }

    #[test]
    fn bots_are_found_by_their_app() {
        let (index, [red, blue]) = indexed(["red", "blue"]);
        let of_app = |app: &str| -> Vec<InstallationId> {
            index.of_app(app).iter().map(|bot| bot.id).collect()
        };
        assert_eq!(of_app("red"), [red.id]);
        assert_eq!(of_app("green"), []);
        // The file gives a name another app.
        let mut after = blue.clone();
        after.app_id = "red".to_owned();
        index.rename(&blue, &after);
        let entry = index.get(blue.id).expect("it is there");
        entry.bot.configured(&Arc::new(after.clone()));
        assert_eq!(of_app("red"), [red.id, blue.id]);
        assert_eq!(of_app("blue"), []);
        index.delist(&red);
        assert_eq!(of_app("red"), [blue.id]);
        index.delist(&after);
        assert_eq!(of_app("red"), []);
    }

    #[test]
    fn bots_may_swap_their_names_and_take_those_of_others() {
        let (index, [red, blue]) = indexed(["red", "blue"]);
        index.rename(&red, &named(&red, "blue"));
        index.rename(&blue, &named(&blue, "red"));
        assert_eq!(id_of(&index, "red"), Some(blue.id));
        assert_eq!(id_of(&index, "blue"), Some(red.id));
        // One is removed, and the other has its name already.
        index.rename(&named(&blue, "red"), &blue);
        index.delist(&named(&red, "blue"));
        assert_eq!(id_of(&index, "blue"), Some(blue.id));
    }
}
