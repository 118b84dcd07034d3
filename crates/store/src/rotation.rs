//! Every secret that is kept, sealed again with the newest key.
//!
//! A table that gets sealed secrets has to be added here, and where an engine counts what each key has sealed when it opens
//! (`Opened::sealed_with`).

use crate::consumer;
use crate::engine::Tables;
use crate::installation;
use crate::seal::KeyRing;
use crate::user_authorization;
use crate::write_error::WriteError;

/// What [`Store::rotate_keys`](crate::Store::rotate_keys) did.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RotatedKeys {
    /// The id of the new key, as sealed secrets name it.
    pub key_id: String,
    /// How many secrets were sealed again.
    pub secrets: usize,
    /// Former keys that are still in the key file, because it could not be written a second time.
    pub former_keys: usize,
}

/// Seals every secret again; how many there were. Nothing else of a row changes, not even its revision.
pub(crate) fn reseal(tables: &mut dyn Tables, keys: &KeyRing) -> Result<usize, WriteError> {
    let mut secrets = 0;
    let installations = tables.installations();
    for mut record in installations.every()? {
        secrets += installation::reseal(keys, &mut record)?;
        installations.write(&record)?;
    }
    let consumers = tables.consumers();
    for mut record in consumers.all()? {
        secrets += consumer::reseal(keys, &mut record)?;
        consumers.write(&record)?;
    }
    secrets += user_authorization::reseal(tables.user_authorizations(), keys)?;
    Ok(secrets)
}
