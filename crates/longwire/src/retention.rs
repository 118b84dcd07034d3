//! What the configuration says of retention, given to the store and to the janitor.

use std::collections::HashMap;

use longwire_installation::Name;
use longwire_janitor::{JanitorHandle, JanitorSettings};
use longwire_store::{InstallationRecord, Store, WriteError};

use crate::config::{Config, InstallationSection, OwnRetention};

/// Starts retention by the section `retention`.
pub(crate) fn start(config: &Config, store: &Store) -> JanitorHandle {
    JanitorHandle::start(JanitorSettings {
        store: store.clone(),
        policy: config.retention.policy(),
        fault_injection: config.debug.fault_injection,
    })
}

/// The rules that these installations have of their own.
pub(crate) fn declared(installations: &[InstallationSection]) -> Vec<(Name, OwnRetention)> {
    let rules = installations.iter();
    rules
        .map(|section| (section.name.clone(), section.retention))
        .collect()
}

/// Gives declared installations the rules that the file has for their events; those without any lose theirs.
pub(crate) fn declare(
    store: &Store,
    records: &[InstallationRecord],
    rules: &[(Name, OwnRetention)],
) -> Result<(), WriteError> {
    let own: HashMap<&Name, &OwnRetention> = rules.iter().map(|(name, own)| (name, own)).collect();
    let of = |record: &InstallationRecord| {
        let found = own.get(&record.name);
        let rules = found.map_or_else(Default::default, |own| own.rules());
        (record.id, rules)
    };
    store.set_retentions(records.iter().map(of).collect())
}
