//! The sealing key is renewed, with every secret that it sealed.

use std::sync::Arc;

use super::{Store, administer};
use crate::rotation::{RotatedKeys, reseal};
use crate::write_error::WriteError;

/// A host with so many installations has the patience of its administrator.
const INSTALLATIONS: usize = 10_000;

impl Store {
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
