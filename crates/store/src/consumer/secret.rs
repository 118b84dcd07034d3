//! The secrets that a consumer's webhooks are signed with: sealed before they are written, opened for use.

use secrecy::SecretString;
use uuid::Uuid;

use super::ConsumerRecord;
use crate::seal::{KeyRing, Place, SealError};

/// What webhooks are signed with, in clear.
pub struct OpenedWebhookSecrets {
    /// The present secret.
    pub current: SecretString,
    /// The one before it, and until when it is used too, in milliseconds since 1970.
    pub former: Option<(SecretString, i64)>,
}

/// The secrets in clear; `None` for a consumer without.
pub(crate) fn open_secrets(
    keys: &KeyRing,
    record: &ConsumerRecord,
) -> Result<Option<OpenedWebhookSecrets>, SealError> {
    let Some(sealed) = &record.sealed_secret else {
        return Ok(None);
    };
    let place = place(&record.public_id);
    let current = keys.open(sealed, place)?;
    let former = match &record.former_secret {
        Some(former) => Some((keys.open(&former.sealed, place)?, former.until_ms)),
        None => None,
    };
    Ok(Some(OpenedWebhookSecrets { current, former }))
}

/// Seals every secret of a consumer again, with the newest key. How many there were.
pub(crate) fn reseal(keys: &KeyRing, record: &mut ConsumerRecord) -> Result<usize, SealError> {
    let public_id = record.public_id;
    let former = record.former_secret.as_mut();
    let former = former.map(|former| &mut former.sealed);
    let mut count = 0;
    for sealed in record.sealed_secret.as_mut().into_iter().chain(former) {
        let place = place(&public_id);
        *sealed = keys.seal(&keys.open(sealed, place)?, place)?;
        count += 1;
    }
    Ok(count)
}

/// A secret belongs to the public id, which is known before the row is. The present and the former one have the same place,
/// because one becomes the other.
pub(super) fn place(public_id: &Uuid) -> Place<'_> {
    Place {
        table: "consumer",
        row: public_id.as_bytes(),
        column: "secret",
    }
}
