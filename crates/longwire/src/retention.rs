//! What the configuration says of retention, given to the store.

use longwire_installation::Name;
use longwire_store::{InstallationRecord, Store, WriteError};

use crate::config::OwnRetention;

/// Gives declared installations the rules that the file has for their events; those without any lose theirs.
pub(crate) fn declare(
    store: &Store,
    records: &[InstallationRecord],
    rules: &[(Name, OwnRetention)],
) -> Result<(), WriteError> {
    let of = |record: &InstallationRecord| {
        let found = rules.iter().find(|(name, _)| *name == record.name);
        (
            record.id,
            found.map_or_else(Default::default, |(_, own)| own.rules()),
        )
    };
    store.set_retentions(records.iter().map(of).collect())
}
