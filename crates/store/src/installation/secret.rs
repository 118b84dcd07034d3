//! The secrets of an installation: sealed before they are written, opened for use.

use longwire_installation::PublicId;
use secrecy::SecretString;

use crate::installation::InstallationRecord;
use crate::seal::{KeyRing, Place, SealError};

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
