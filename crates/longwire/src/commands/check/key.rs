//! What `check` finds of the key file: whether it opens every secret that the store has sealed.

use longwire_fleet::setback::chain;
use longwire_store::{KeyProof, StoreSettings, check_key};
use longwire_terminal::grouped;

use super::database;
use super::findings::Findings;

/// The store opens, and has a file.
pub(super) fn tell(settings: &StoreSettings, findings: &mut Findings) {
    let Some(database) = database(settings) else {
        return;
    };
    let path = settings.key_file_for(&database);
    let path = path.display();
    match check_key(settings) {
        Ok(KeyProof::Opens(secrets)) => findings.good(
            "key",
            format!(
                "{path} opens all {} sealed secrets; keep a copy elsewhere",
                grouped(secrets as u64)
            ),
        ),
        Ok(KeyProof::NothingSealed) => {
            findings.good("key", format!("{path} is made at the first start"));
        }
        Ok(KeyProof::NoKey(error)) => findings.bad("key", chain(&error), error.advice()),
        Ok(KeyProof::Fails { name, source }) => findings.bad(
            "key",
            format!("{path} does not open {name}: {source}"),
            "put the key file back that belongs to this database; older keys go below newer ones",
        ),
        Err(error) => findings.bad("key", chain(&error), error.advice()),
    }
}
