//! What people agreed to: kept, ended and taken away, each in a transaction that is waited for.

use std::sync::Arc;

use longwire_installation::InstallationId;
use secrecy::SecretString;

use super::{Store, administer};
use crate::seal::SealError;
use crate::user_authorization::{self, NewUserAuthorization, UserAuthorizationRecord};
use crate::write_error::WriteError;

impl Store {
    /// Keeps what a person agreed to, or what came of refreshing it. Blocks until it is durable, for some seconds at most.
    pub fn put_user_authorization(
        &self,
        new: NewUserAuthorization,
    ) -> Result<UserAuthorizationRecord, WriteError> {
        let open = Arc::clone(&self.open);
        self.administer(administer::patience_for(1), move |tables| {
            let keys = open.keys.to_seal()?;
            user_authorization::put(tables.user_authorizations(), &keys, &new)
        })
    }

    /// What a person agreed to ended for this reason, a stable word; its tokens are wiped. Returns whether it held until now.
    /// Blocks until it is durable, for some seconds at most.
    pub fn end_user_authorization(
        &self,
        installation: InstallationId,
        open_id: &str,
        why: &'static str,
    ) -> Result<bool, WriteError> {
        let open_id = open_id.to_owned();
        self.administer(administer::patience_for(1), move |tables| {
            let table = tables.user_authorizations();
            user_authorization::end(table, installation, &open_id, why)
        })
    }

    /// Takes away what a person agreed to, with its tokens. Returns whether there was something. Blocks until it is durable, for
    /// some seconds at most.
    pub fn remove_user_authorization(
        &self,
        installation: InstallationId,
        open_id: &str,
    ) -> Result<bool, WriteError> {
        let open_id = open_id.to_owned();
        self.administer(administer::patience_for(1), move |tables| {
            let table = tables.user_authorizations();
            Ok(table.forget(installation, Some(&open_id))? > 0)
        })
    }

    /// The tokens of a person in clear; none of what ended.
    pub fn open_user_tokens(
        &self,
        record: &UserAuthorizationRecord,
    ) -> Result<Option<SecretString>, SealError> {
        user_authorization::open_tokens(&self.open.keys.ring(), record)
    }
}
