//! What a reading of the file means for its bots: which are different, which cannot be connected, and which go on.

use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet};
use std::sync::Arc;

use longwire_admin::document::{RefusedBot, ReloadDocument, ReloadedBot};
use longwire_fleet::{ConfigFault, Fleet};
use longwire_installation::{BotIdentity, Desired, InstallationId, Name, Origin};
use longwire_link::Setback;
use longwire_store::{
    DeclarationChange, DeclarationChanges, DeclaredKey, InstallationRecord, NewInstallation,
};

use crate::config::{InstallationSection, OwnRetention};

/// What is known of the bots before the file is read again.
pub(super) struct Present {
    /// Those that run, or are to.
    wanted: BTreeSet<InstallationId>,
    /// Those that lack something on this host.
    faulty: BTreeSet<InstallationId>,
    /// Those that are to run and that no file declares.
    undeclared: Vec<Arc<InstallationRecord>>,
}

impl Present {
    pub(super) fn of(fleet: &Fleet, faults: &BTreeMap<InstallationId, ConfigFault>) -> Self {
        let records = fleet.records();
        let wanted = records.iter().filter(|one| one.desired == Desired::Run);
        let undeclared = wanted.clone().filter(|one| one.origin != Origin::File);
        Self {
            wanted: wanted.clone().map(|one| one.id).collect(),
            faulty: faults.keys().copied().collect(),
            undeclared: undeclared.cloned().collect(),
        }
    }

    /// Whether the bot serves with a secret that is as good as before, so that one that cannot be read costs it nothing. A
    /// proxy that cannot be read is never passed by.
    fn keeps_serving(
        &self,
        record: &InstallationRecord,
        change: &DeclarationChange,
        fault: &ConfigFault,
        name: &DeclaredName,
    ) -> bool {
        let is_another_bot = |keys: &[DeclaredKey]| {
            let matters = [DeclaredKey::Platform, DeclaredKey::Id, DeclaredKey::BaseUrl];
            keys.iter().any(|key| matters.contains(key))
        };
        let is_another_bot = match change {
            DeclarationChange::Added => true,
            DeclarationChange::TakenOver(keys) | DeclarationChange::Changed(keys) => {
                is_another_bot(keys)
            }
            DeclarationChange::Same => false,
        };
        let has_its_proxy =
            fault.setback == Setback::NoSecret && (!name.has_proxy || record.has_proxy());
        has_its_proxy
            && !is_another_bot
            && self.wanted.contains(&record.id)
            && !self.faulty.contains(&record.id)
    }
}

/// What is told of a declared bot whatever becomes of it.
pub(super) struct DeclaredName {
    name: String,
    app_id: String,
    platform: longwire_installation::Platform,
    desired: Desired,
    has_proxy: bool,
}

impl DeclaredName {
    fn bot(&self) -> BotIdentity<'_> {
        BotIdentity {
            platform: self.platform,
            app_id: &self.app_id,
        }
    }
}

/// The names of declared bots, in their order.
pub(super) fn names(installations: &[NewInstallation]) -> Vec<DeclaredName> {
    let name = |new: &NewInstallation| DeclaredName {
        name: new.name.to_string(),
        app_id: new.app_id.clone(),
        platform: new.platform,
        desired: new.desired,
        has_proxy: new.proxy.is_some(),
    };
    installations.iter().map(name).collect()
}

/// What a reading of the file came to.
pub(super) struct Outcome {
    pub(super) document: ReloadDocument,
    /// The rows of the declared bots, in the order of the file; without those that were only compared.
    pub(super) ids: Vec<InstallationId>,
    /// What keeps declared bots from being connected.
    pub(super) faults: BTreeMap<InstallationId, ConfigFault>,
}

/// Says what the changes of the store and the faults of declarations come to. All lists are in the order of the file.
pub(super) fn outcome(
    changes: &DeclarationChanges,
    faults: Vec<Option<ConfigFault>>,
    names: &[DeclaredName],
    present: &Present,
) -> Outcome {
    let mut outcome = Outcome {
        document: ReloadDocument::default(),
        ids: Vec::with_capacity(names.len()),
        faults: BTreeMap::new(),
    };
    let declared = changes.declared.iter().zip(faults).zip(names);
    for ((declared, fault), name) in declared {
        let record = declared.record.as_ref();
        outcome.tell_change(record, &declared.change, name);
        outcome.ids.extend(record.map(|record| record.id));
        if let Some(fault) = fault {
            let keeps_serving = record.is_some_and(|record| {
                present.keeps_serving(record, &declared.change, &fault, name)
            });
            outcome.document.refused.push(RefusedBot {
                name: name.name.clone(),
                reason: fault.setback.label().into(),
                reason_text: format!("{}: {}", fault.setback, fault.detail),
                next_step: fault.setback.next_step().into(),
                keeps_serving,
            });
            if let Some(record) = record.filter(|_| !keeps_serving) {
                outcome.faults.insert(record.id, fault);
            }
        } else if let Some(other) = present.twin_of(name) {
            // The supervisor finds it too, and refuses the bot.
            outcome.document.refused.push(RefusedBot {
                name: name.name.clone(),
                reason: Setback::SameBot.label().into(),
                reason_text: format!(
                    "{}: `{}` is the same as `{other}`, which was added by command and runs",
                    Setback::SameBot,
                    name.name
                ),
                next_step: Setback::SameBot.next_step().into(),
                keeps_serving: false,
            });
        }
    }
    outcome.document.removed = changes.left.iter().map(removed).collect();
    outcome
}

impl Present {
    /// The bot that an operator added, that runs, and that the file declares under another name.
    fn twin_of(&self, declared: &DeclaredName) -> Option<&str> {
        if declared.desired == Desired::Stop {
            return None;
        }
        let is_twin = |one: &&Arc<InstallationRecord>| {
            one.bot() == declared.bot() && one.name.as_str() != declared.name
        };
        let twin = self.undeclared.iter().find(is_twin)?;
        Some(twin.name.as_str())
    }
}

impl Outcome {
    fn tell_change(
        &mut self,
        record: Option<&InstallationRecord>,
        change: &DeclarationChange,
        name: &DeclaredName,
    ) {
        let bot = |was_there: bool, keys: &[DeclaredKey]| ReloadedBot {
            name: name.name.clone(),
            id: record.map(|record| record.public_id.to_string()),
            was_there,
            keys: (keys.iter())
                .map(|key| key.label(name.platform).into())
                .collect(),
        };
        let document = &mut self.document;
        match change {
            DeclarationChange::Added => document.added.push(bot(false, &[])),
            DeclarationChange::TakenOver(keys) => document.added.push(bot(true, keys)),
            DeclarationChange::Changed(keys) => document.changed.push(bot(true, keys)),
            DeclarationChange::Same => document.unchanged += 1,
        }
    }
}

/// The rules for their own events of the bots of which the file says another thing now.
pub(super) fn retention_differs(
    before: &[InstallationSection],
    now: &[InstallationSection],
) -> Vec<(Name, OwnRetention)> {
    let before: HashMap<&Name, &OwnRetention> = before
        .iter()
        .map(|section| (&section.name, &section.retention))
        .collect();
    let none = OwnRetention::default();
    let differing = now.iter().filter(|section| {
        let former = before.get(&section.name).copied().unwrap_or(&none);
        *former != section.retention
    });
    differing
        .map(|section| (section.name.clone(), section.retention))
        .collect()
}

/// The store did not take the rules of this reading: the next one finds them different again.
pub(super) fn forget_retention(
    installations: &mut [InstallationSection],
    before: &[InstallationSection],
) {
    let before: HashMap<&Name, OwnRetention> = before
        .iter()
        .map(|section| (&section.name, section.retention))
        .collect();
    for section in installations {
        section.retention = before.get(&section.name).copied().unwrap_or_default();
    }
}

/// Tells of the bots whose rules for their own events are other ones.
pub(super) fn tell_retention(
    document: &mut ReloadDocument,
    changes: &DeclarationChanges,
    rules: &[(Name, OwnRetention)],
) {
    const KEY: &str = "retention";
    let mut names: HashSet<&str> = rules.iter().map(|(name, _)| name.as_str()).collect();
    for bot in document.added.iter_mut().chain(&mut document.changed) {
        if names.remove(bot.name.as_str()) {
            bot.keys.push(KEY.into());
        }
    }
    let declared = changes.declared.iter();
    let records = declared.filter_map(|declared| declared.record.as_ref());
    for record in records.filter(|record| names.contains(record.name.as_str())) {
        document.unchanged = document.unchanged.saturating_sub(1);
        document.changed.push(ReloadedBot {
            name: record.name.to_string(),
            id: Some(record.public_id.to_string()),
            was_there: true,
            keys: vec![KEY.into()],
        });
    }
}

fn removed(record: &InstallationRecord) -> ReloadedBot {
    ReloadedBot {
        name: record.name.to_string(),
        id: Some(record.public_id.to_string()),
        was_there: true,
        keys: Vec::new(),
    }
}
