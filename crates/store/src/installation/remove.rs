//! An installation is removed. Its row stays, because its events refer to it.

use longwire_installation::{Desired, InstallationId};
use secrecy::SecretString;

use super::change::changeable;
use super::secret::{Column, Sealed, seal};
use super::{InstallationRecord, InstallationTable};
use crate::clock::now_ms;
use crate::seal::KeyRing;
use crate::write_error::WriteError;

/// Removes one that the configuration file does not declare: wipes its secrets and frees its name. What it was stays for its
/// events: public id, platform, app, name and space.
pub(crate) fn remove(
    table: &mut dyn InstallationTable,
    keys: &KeyRing,
    id: InstallationId,
) -> Result<InstallationRecord, WriteError> {
    let mut record = changeable(table, id)?;
    let revision = table.next_revision()?;
    let now = now_ms();
    // An empty secret, sealed as every other: whoever reads the row needs no rule of its own.
    let secret = seal(
        keys,
        &record.public_id,
        Column::Secret,
        &SecretString::from(""),
    )?;
    record.sealed = Sealed {
        secret,
        proxy: None,
        verification_token: None,
        encrypt_key: None,
    };
    record.candidate = None;
    record.standing = None;
    record.base_url = None;
    record.take_back = None;
    record.desired = Desired::Stop;
    record.secret_revision = revision;
    record.proxy_revision = revision;
    record.revision = revision;
    record.updated_ms = now;
    record.removed_ms = Some(now);
    table.write(&record)?;
    Ok(record)
}
