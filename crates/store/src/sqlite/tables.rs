//! The tables of a writing transaction, which the connection lends one by one.

use diesel::SqliteConnection;
use diesel::prelude::*;
use longwire_access::AuditEntry;
use longwire_installation::{InstallationId, Revision};

use super::schema::store;
use super::{audit, retention};
use crate::cause::Failure;
use crate::consumer::ConsumerTable;
use crate::engine::Tables;
use crate::installation::InstallationTable;
use crate::retention::InstallationRetention;
use crate::token::TokenTable;
use crate::user_authorization::UserAuthorizationTable;

impl Tables for SqliteConnection {
    fn installations(&mut self) -> &mut dyn InstallationTable {
        self
    }

    fn consumers(&mut self) -> &mut dyn ConsumerTable {
        self
    }

    fn user_authorizations(&mut self) -> &mut dyn UserAuthorizationTable {
        self
    }

    fn tokens(&mut self) -> &mut dyn TokenTable {
        self
    }

    fn keep_retention(
        &mut self,
        installation: InstallationId,
        rules: InstallationRetention,
    ) -> Result<(), Failure> {
        Ok(retention::declare(self, installation, rules)?)
    }

    fn keep_audit(&mut self, entry: &AuditEntry) -> Result<(), Failure> {
        Ok(audit::keep(self, entry)?)
    }
}

/// The number of the change that is about to be made, of whichever table.
pub(crate) fn next_revision(connection: &mut SqliteConnection) -> Result<Revision, Failure> {
    let revision = diesel::update(store::table)
        .set(store::revision.eq(store::revision + 1))
        .returning(store::revision)
        .get_result(connection)?;
    Ok(Revision(revision))
}
