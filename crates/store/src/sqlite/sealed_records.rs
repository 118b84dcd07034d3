//! All that has sealed secrets, read as it is stored.

use diesel::prelude::*;

use super::file::DatabaseFile;
use super::{consumers, installations, user_authorizations};
use crate::cause::Failure;
use crate::key_proof::SealedRecords;

const PRAGMAS: &str = "PRAGMA busy_timeout = 5000; PRAGMA query_only = ON;";

/// Of a database that a server may use. The schema is up to date.
pub(crate) fn sealed(file: &DatabaseFile) -> Result<SealedRecords, Failure> {
    records(&mut file.connect(PRAGMAS)?)
}

pub(super) fn records(connection: &mut SqliteConnection) -> Result<SealedRecords, Failure> {
    Ok(SealedRecords {
        installations: installations::every(connection)?,
        consumers: consumers::all(connection)?,
        people: user_authorizations::all(connection)?,
    })
}
