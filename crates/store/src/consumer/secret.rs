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

/// A secret belongs to the public id, which is known before the row is. The present and the former one have the same place,
/// because one becomes the other.
pub(super) fn place(public_id: &Uuid) -> Place<'_> {
    Place {
        table: "consumer",
        row: public_id.as_bytes(),
        column: "secret",
    }
}
