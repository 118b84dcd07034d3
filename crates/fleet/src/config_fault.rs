//! What keeps an installation that is wanted from being connected, before any platform is asked.
//!
//! Its declaration may lack something that only this host can give, or another installation may be the same bot. It is its
//! own trouble: it shows as refused, with the reason and the next step, and the others run.

use longwire_installation::{BotNames, Desired, InstallationId};
use longwire_link::Setback;
use longwire_store::InstallationRecord;
use std::collections::BTreeMap;
use std::sync::Arc;

/// Why an installation is not connected, although it is wanted.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ConfigFault {
    /// The reason, of those that wait for somebody to act.
    pub setback: Setback,
    /// Words for people beside the reason's own. No secret.
    pub detail: String,
}

/// What is wrong with `records`, which are all there are, oldest first: what is wrong with a declaration, and that an older
/// one that is wanted is the same bot. A platform grants one bot few connections, or one.
pub(crate) fn of_all(
    records: &[InstallationRecord],
    declared: &BTreeMap<InstallationId, Arc<ConfigFault>>,
) -> BTreeMap<InstallationId, Arc<ConfigFault>> {
    let mut config_faults = declared.clone();
    let mut names = BotNames::default();
    for record in records {
        if record.desired != Desired::Run || declared.contains_key(&record.id) {
            continue;
        }
        if let Err(other) = names.assign(record.bot(), record.name.as_str()) {
            let config_fault = ConfigFault {
                setback: Setback::SameBot,
                detail: format!("`{}` is the same as `{other}`, which runs", record.name),
            };
            config_faults.insert(record.id, Arc::new(config_fault));
        }
    }
    config_faults
}
