//! How many bots of a space may be connected at once, and which of them are.
//!
//! A bot that is connected, or tries to be, keeps its place until it is stopped or needs no connection any more. So one that
//! is started takes nobody's place, however old it is. Those without a place wait, oldest first.

use crate::config_fault::ConfigFault;
use longwire_access::Space;
use longwire_installation::{Desired, InstallationId};
use longwire_link::Setback;
use longwire_store::InstallationRecord;
use std::collections::{BTreeMap, BTreeSet};
use std::num::NonZeroU32;
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering::Relaxed};

/// How many bots of a space may be connected at once, which an operator may change while they run.
#[derive(Debug)]
pub(crate) struct SpaceLimit(AtomicU32);

impl SpaceLimit {
    pub(crate) fn new(limit: Option<NonZeroU32>) -> Self {
        Self(AtomicU32::new(limit.map_or(0, NonZeroU32::get)))
    }

    pub(crate) fn set(&self, limit: Option<NonZeroU32>) {
        self.0.store(limit.map_or(0, NonZeroU32::get), Relaxed);
    }

    /// `None`: any number.
    pub(crate) fn get(&self) -> Option<NonZeroU32> {
        NonZeroU32::new(self.0.load(Relaxed))
    }
}

/// Whether it wants a connection.
pub(crate) fn wants_connection(record: &InstallationRecord) -> bool {
    record.desired == Desired::Run && record.mode.connects()
}

/// Adds a fault for each of `records`, oldest first, that has to wait for a place in its space. `holders` have a place
/// already, and those with another fault need none.
pub(crate) fn fill(
    records: &[InstallationRecord],
    holders: &BTreeSet<InstallationId>,
    limit: NonZeroU32,
    config_faults: &mut BTreeMap<InstallationId, Arc<ConfigFault>>,
) {
    let mut taken: BTreeMap<&Space, u32> = BTreeMap::new();
    let is_holder = |record: &&InstallationRecord| holders.contains(&record.id);
    let (first, then): (Vec<_>, Vec<_>) = (records.iter())
        .filter(|record| wants_connection(record) && !config_faults.contains_key(&record.id))
        .partition(is_holder);
    for record in first.into_iter().chain(then) {
        let taken = taken.entry(&record.space).or_default();
        if *taken < limit.get() {
            *taken += 1;
        } else {
            let config_fault = ConfigFault {
                setback: Setback::SpaceLimit,
                detail: format!("{limit} are connected, as `connections_per_space` says"),
            };
            config_faults.insert(record.id, Arc::new(config_fault));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use longwire_installation::{Mode, Origin, Platform};
    use longwire_store::{NewInstallation, Store, StoreSettings};

    fn records(count: usize) -> Vec<InstallationRecord> {
        let home = tempfile::tempdir().expect("a temporary directory");
        let url = format!("sqlite:{}", home.path().join("log.db").display());
        let store = Store::open(&StoreSettings::at(url)).expect("a fresh store opens");
        let add = |number: usize| {
            let new = NewInstallation {
                name: format!("bot-{number}").parse().expect("a name"),
                platform: Platform::Feishu,
                app_id: format!("cli_{number}"),
                app_secret: "secret".into(),
                base_url: None,
                proxy: None,
                mode: Mode::LongConnection,
                verification_token: None,
                encrypt_key: None,
                take_back: None,
                desired: Desired::Run,
                origin: Origin::Cli,
                space: Space::default(),
            };
            store.add_installation(new).expect("it is added")
        };
        (0..count).map(add).collect()
    }

    fn waiting(records: &[InstallationRecord], holders: &[usize], limit: u32) -> Vec<usize> {
        let holders = holders.iter().map(|number| records[*number].id).collect();
        let limit = NonZeroU32::new(limit).expect("not zero");
        let mut config_faults = BTreeMap::new();
        fill(records, &holders, limit, &mut config_faults);
        let is_waiting = |number: &usize| config_faults.contains_key(&records[*number].id);
        (0..records.len()).filter(is_waiting).collect()
    }

    /// S95: so many connections, and an error beyond them.
    #[test]
    fn who_has_a_place_keeps_it_and_the_oldest_comes_next() {
        let mut records = records(4);
        assert_eq!(waiting(&records, &[], 2), [2, 3]);
        assert_eq!(waiting(&records, &[2, 3], 2), [0, 1]);
        assert_eq!(waiting(&records, &[3], 2), [1, 2]);
        assert_eq!(waiting(&records, &[], 9), [0; 0]);
        records[1].space = "another".parse().expect("a space");
        assert_eq!(waiting(&records, &[], 2), [3], "each space has its own");
        // Whoever needs no connection takes no place.
        records[0].desired = Desired::Stop;
        records[2].mode = Mode::Webhook;
        assert_eq!(waiting(&records, &[], 1), [0; 0]);
    }
}
