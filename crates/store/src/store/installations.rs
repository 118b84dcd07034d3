//! What is changed of installations, each in a transaction that is waited for.

use std::sync::Arc;

use secrecy::SecretString;

use super::{Store, administer};
use crate::installation;
use crate::installation::{InstallationRecord, NewInstallation};
use crate::seal::SealError;
use crate::write_error::WriteError;
use longwire_installation::{Desired, InstallationId};

impl Store {
    /// Adds an installation under a free name. If it is wanted, no other may be the same bot. Blocks until it is durable, for
    /// some seconds at most.
    pub fn add_installation(&self, new: NewInstallation) -> Result<InstallationRecord, WriteError> {
        let open = Arc::clone(&self.open);
        self.administer(administer::patience_for(1), move |tables| {
            open.keys.is_kept_in(&open.key_file)?;
            installation::add(tables.installations(), &open.keys, &new)
        })
    }

    /// Makes the installations of the configuration file what the file says: by name, those it no
    /// longer names are stopped. Returns the declared ones, in their order. One of them may be the same bot as another
    /// that is wanted: that is for whoever runs them to see. Blocks until it is durable, for some seconds at most and a
    /// hundredth of one for each installation.
    pub fn put_from_file(
        &self,
        declared: Vec<NewInstallation>,
    ) -> Result<Vec<InstallationRecord>, WriteError> {
        let open = Arc::clone(&self.open);
        let patience = administer::patience_for(declared.len());
        self.administer(patience, move |tables| {
            if !declared.is_empty() {
                open.keys.is_kept_in(&open.key_file)?;
            }
            installation::put_from_file(tables.installations(), &open.keys, &declared)
        })
    }

    /// Sets whether an installation is to be connected; only one of those that are the same bot may be. Blocks until it
    /// is durable, for some seconds at most.
    pub fn set_desired(&self, id: InstallationId, desired: Desired) -> Result<(), WriteError> {
        self.administer(administer::patience_for(1), move |tables| {
            installation::set_desired(tables.installations(), id, desired)
        })
    }

    /// The app secret in clear.
    pub fn open_secret(&self, record: &InstallationRecord) -> Result<SecretString, SealError> {
        installation::open_secret(&self.open.keys, record)
    }

    /// The installation's own proxy in clear, if it has one.
    pub fn open_proxy(
        &self,
        record: &InstallationRecord,
    ) -> Result<Option<SecretString>, SealError> {
        installation::open_proxy(&self.open.keys, record)
    }
}
