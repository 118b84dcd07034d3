//! The secrets of an installation: sealed before they are written, opened for use.

use diesel::SqliteConnection;
use diesel::prelude::*;
use longwire_installation::PublicId;
use secrecy::SecretString;

use crate::seal::{KeyRing, Place, key_id};
use crate::sqlite::schema::installation;
use crate::{InstallationRecord, SealError};

/// How many secrets each key has sealed.
pub(crate) fn sealed_with(connection: &mut SqliteConnection) -> QueryResult<Vec<(String, usize)>> {
    let rows: Vec<(String, Option<String>)> = installation::table
        .select((installation::secret, installation::proxy))
        .load(connection)?;
    let mut keys: Vec<(String, usize)> = Vec::new();
    for sealed in rows
        .iter()
        .flat_map(|(secret, proxy)| std::iter::once(secret).chain(proxy))
    {
        let id = key_id(sealed).unwrap_or_default();
        match keys.iter_mut().find(|(known, _)| known == id) {
            Some((_, count)) => *count += 1,
            None => keys.push((id.to_owned(), 1)),
        }
    }
    Ok(keys)
}

/// The secret in clear.
pub(crate) fn open_secret(
    keys: &KeyRing,
    record: &InstallationRecord,
) -> Result<SecretString, SealError> {
    keys.open(&record.sealed_secret, place(&record.public_id, "secret"))
}

/// The proxy in clear, if the installation has one of its own.
pub(crate) fn open_proxy(
    keys: &KeyRing,
    record: &InstallationRecord,
) -> Result<Option<SecretString>, SealError> {
    let sealed = record.sealed_proxy.as_deref();
    sealed
        .map(|sealed| keys.open(sealed, place(&record.public_id, "proxy")))
        .transpose()
}

/// A secret belongs to the public id, which is known before the row is.
pub(super) fn place<'a>(id: &'a PublicId, column: &'a str) -> Place<'a> {
    Place {
        table: "installation",
        row: id.as_bytes(),
        column,
    }
}
