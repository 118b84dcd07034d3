//! What is changed of installations, each in a transaction that is waited for.

use std::sync::Arc;

use secrecy::SecretString;

use super::{Store, administer};
use crate::installation;
use crate::installation::{
    CallbackSecrets, DeclarationChanges, Declare, InstallationChange, InstallationRecord,
    NewInstallation,
};
use crate::seal::SealError;
use crate::write_error::WriteError;
use longwire_installation::{Desired, InstallationId, Revision};

impl Store {
    /// Adds an installation under a free name. If it is wanted, no other may be the same bot. Blocks until it is durable, for
    /// some seconds at most.
    pub fn add_installation(&self, new: NewInstallation) -> Result<InstallationRecord, WriteError> {
        let open = Arc::clone(&self.open);
        self.administer(administer::patience_for(1), move |tables| {
            let keys = open.keys.to_seal()?;
            installation::add(tables.installations(), &keys, &new)
        })
    }

    /// Changes an installation that the configuration file does not declare. A new app secret becomes a candidate while the
    /// bot is connected with the one it has. Blocks until it is durable, for some seconds at most.
    pub fn change_installation(
        &self,
        id: InstallationId,
        change: InstallationChange,
    ) -> Result<InstallationRecord, WriteError> {
        let open = Arc::clone(&self.open);
        self.administer(administer::patience_for(1), move |tables| {
            let keys = open.keys.to_seal()?;
            installation::change(tables.installations(), &keys, id, change)
        })
    }

    /// Removes an installation that the configuration file does not declare. Its secrets are wiped, its name is free, and
    /// nothing finds it any more but [`every_installation`](crate::ReadEngine::every_installation); its events stay. The same
    /// bot can be added again, as another installation. Blocks until it is durable, for some seconds at most.
    pub fn remove_installation(
        &self,
        id: InstallationId,
    ) -> Result<InstallationRecord, WriteError> {
        let open = Arc::clone(&self.open);
        self.administer(administer::patience_for(1), move |tables| {
            let keys = open.keys.to_seal()?;
            let removed = installation::remove(tables.installations(), &keys, id)?;
            // Its people's tokens are secrets as well.
            tables.user_authorizations().forget(id, None)?;
            Ok(removed)
        })
    }

    /// The platform took the candidate that came with this change: it is the app secret from now on. Blocks until it is
    /// durable, for some seconds at most.
    ///
    /// # Errors
    /// [`WriteError::Outdated`] if another candidate waits by now, or none.
    pub fn promote_candidate(
        &self,
        id: InstallationId,
        candidate: Revision,
    ) -> Result<InstallationRecord, WriteError> {
        self.administer(administer::patience_for(1), move |tables| {
            installation::promote_candidate(tables.installations(), id, candidate)
        })
    }

    /// The platform refused the candidate that came with this change. It is forgotten; the reason stays until another secret
    /// comes. Blocks until it is durable, for some seconds at most.
    ///
    /// # Errors
    /// [`WriteError::Outdated`] if another candidate waits by now, or none.
    pub fn drop_candidate(
        &self,
        id: InstallationId,
        candidate: Revision,
        reason: String,
    ) -> Result<InstallationRecord, WriteError> {
        self.administer(administer::patience_for(1), move |tables| {
            installation::drop_candidate(tables.installations(), id, candidate, reason)
        })
    }

    /// Makes the installations of the configuration file what the file says: by name, those it no
    /// longer names are stopped. Returns the declared ones, in their order. As [`declare`](Self::declare).
    pub fn put_from_file(
        &self,
        declared: Vec<NewInstallation>,
    ) -> Result<Vec<InstallationRecord>, WriteError> {
        let changes = self.declare(declared, Declare::WholeFile)?;
        let records = changes.declared.into_iter();
        Ok(records.filter_map(|declared| declared.record).collect())
    }

    /// Does with the installations of the configuration file what `how` says, and tells what is different of each. One of
    /// them may be the same bot as another that is wanted: that is for whoever runs them to see. Blocks until it is
    /// durable, for some seconds at most and a hundredth of one for each installation.
    pub fn declare(
        &self,
        declared: Vec<NewInstallation>,
        how: Declare,
    ) -> Result<DeclarationChanges, WriteError> {
        let open = Arc::clone(&self.open);
        let patience = administer::patience_for(declared.len());
        self.administer(patience, move |tables| {
            let keys = match declared.is_empty() {
                // Nothing will be sealed.
                true => open.keys.ring(),
                false => open.keys.to_seal()?,
            };
            installation::declare(tables.installations(), &keys, &declared, how)
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
        installation::open_secret(&self.open.keys.ring(), record)
    }

    /// The installation's own proxy in clear, if it has one.
    pub fn open_proxy(
        &self,
        record: &InstallationRecord,
    ) -> Result<Option<SecretString>, SealError> {
        installation::open_proxy(&self.open.keys.ring(), record)
    }

    /// What callbacks of the platform are checked and decrypted with, in clear.
    pub fn open_callback_secrets(
        &self,
        record: &InstallationRecord,
    ) -> Result<CallbackSecrets, SealError> {
        installation::open_callback_secrets(&self.open.keys.ring(), record)
    }

    /// The candidate for the app secret in clear, if there is one that was not refused.
    pub fn open_candidate(
        &self,
        record: &InstallationRecord,
    ) -> Result<Option<SecretString>, SealError> {
        installation::open_candidate(&self.open.keys.ring(), record)
    }
}
