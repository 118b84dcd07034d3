//! The sealing key is renewed, with every secret that it sealed; and texts are sealed that others keep for us.

use std::sync::Arc;

use secrecy::SecretString;

use super::{Store, administer};
use crate::rotation::{RotatedKeys, reseal};
use crate::seal::{Place, SealError};
use crate::write_error::WriteError;

/// A host with so many installations has the patience of its administrator.
const INSTALLATIONS: usize = 10_000;

/// No row: whoever was given the text keeps it.
const KEPT_BY_OTHERS: Place<'static> = Place {
    table: "kept by others",
    row: &[],
    column: "relay token",
};

impl Store {
    /// Seals a text that somebody else keeps and brings back, also after a restart. It is opened until the sealing key is
    /// renewed and the process has been started again.
    pub fn seal_token(&self, clear: &SecretString) -> Result<String, SealError> {
        self.open.keys.ring().seal(clear, KEPT_BY_OTHERS)
    }

    /// Opens what [`seal_token`](Self::seal_token) sealed.
    pub fn open_token(&self, sealed: &str) -> Result<SecretString, SealError> {
        self.open.keys.ring().open(sealed, KEPT_BY_OTHERS)
    }

    /// Makes a new sealing key, seals every secret again in one transaction, and forgets the former keys. A backup of the
    /// database from before needs the key file from before.
    ///
    /// A process that is killed meanwhile leaves a key file that opens everything. Until the transaction is durable the file
    /// has the former keys too; if it cannot be written a second time, [`RotatedKeys::former_keys`] says so, and nothing is
    /// lost.
    ///
    /// Blocks until it is durable. Events wait for the transaction, as for every other change: some 100 ms for 1,000
    /// installations.
    ///
    /// # Errors
    /// Nothing was sealed again. The key file may have the new key beside the former ones, which does no harm.
    pub fn rotate_keys(&self) -> Result<RotatedKeys, WriteError> {
        let open = Arc::clone(&self.open);
        let durable = Arc::clone(&self.open);
        let mut rotated = self.administer_and(
            administer::patience_for(INSTALLATIONS),
            move |tables| {
                let ring = open.keys.renew()?;
                let secrets = reseal(tables, &ring)?;
                #[cfg(test)]
                super::tests::rotation::kill_point();
                Ok(RotatedKeys {
                    key_id: ring.newest_id().to_owned(),
                    secrets,
                    former_keys: 0,
                })
            },
            move |_| {
                #[cfg(test)]
                super::tests::rotation::kill_point();
                if let Err(error) = durable.keys.forget_former() {
                    let file = durable.keys.file().display();
                    tracing::error!(%error, %file, "the secrets are sealed with a new key, and the key file still has the former ones");
                }
            },
        )?;
        rotated.former_keys = self.open.keys.former_in_file()?;
        Ok(rotated)
    }
}
