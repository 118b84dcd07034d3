//! A new installation.

use longwire_installation::{Desired, InstallationId, PublicId};

use super::secret::{Column, Sealed, seal, seal_some};
use super::{InstallationRecord, InstallationTable, NewInstallation};
use crate::clock::now_ms;
use crate::seal::KeyRing;
use crate::write_error::WriteError;

/// Adds one whose name is free, and whose bot nobody else is to be.
pub(crate) fn add(
    table: &mut dyn InstallationTable,
    keys: &KeyRing,
    new: &NewInstallation,
) -> Result<InstallationRecord, WriteError> {
    if table.find(new.name.as_str())?.is_some() {
        return Err(WriteError::NameTaken {
            name: new.name.to_string(),
        });
    }
    if new.desired == Desired::Run
        && let Some(other) = table.wanted_as(new.bot())?
    {
        return Err(WriteError::SameBot {
            name: new.name.to_string(),
            other,
        });
    }
    insert(table, keys, new)
}

/// Writes a new row.
pub(super) fn insert(
    table: &mut dyn InstallationTable,
    keys: &KeyRing,
    new: &NewInstallation,
) -> Result<InstallationRecord, WriteError> {
    let id = PublicId::new(uuid::Uuid::now_v7());
    let some = |column, secret| seal_some(keys, &id, column, secret);
    let sealed = Sealed {
        secret: seal(keys, &id, Column::Secret, &new.app_secret)?,
        proxy: some(Column::Proxy, new.proxy.as_ref())?,
        verification_token: some(Column::VerificationToken, new.verification_token.as_ref())?,
        encrypt_key: some(Column::EncryptKey, new.encrypt_key.as_ref())?,
    };
    let revision = table.next_revision()?;
    let now = now_ms();
    let mut record = InstallationRecord {
        id: InstallationId::NONE,
        public_id: id,
        name: new.name.clone(),
        platform: new.platform,
        app_id: new.app_id.clone(),
        base_url: new.base_url.clone(),
        mode: new.mode,
        take_back: new.take_back,
        desired: new.desired,
        origin: new.origin,
        standing: None,
        space: new.space.clone(),
        displaced_ms: None,
        taken_back_ms: Box::default(),
        claims: 0,
        created_ms: now,
        updated_ms: now,
        revision,
        candidate: None,
        removed_ms: None,
        sealed,
        secret_revision: revision,
        proxy_revision: revision,
    };
    record.id = table.insert(&record)?;
    Ok(record)
}
