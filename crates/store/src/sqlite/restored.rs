//! The database of a backup, before it gets its place: whether it is whole and opens, and what is set in it.

use diesel::prelude::*;
use longwire_installation::{Desired, Revision};

use super::file::DatabaseFile;
use super::{events, installations, migrations, number_gaps, sealed_records};
use crate::backup_manifest::Manifest;
use crate::cause::{Cause, Failure};
use crate::identity::StoreIdentity;
use crate::installation::{InstallationRecord, InstallationTable as _};
use crate::key_proof::SealedRecords;
use crate::number_gap::NumberGap;

/// Its only connection. The file keeps a rollback journal until a server opens it, so that it is one file at each moment.
const PRAGMAS: &str =
    "PRAGMA busy_timeout = 1000; PRAGMA journal_mode = DELETE; PRAGMA synchronous = FULL;
    PRAGMA secure_delete = FAST; PRAGMA foreign_keys = ON;";

/// The most that SQLite names of what it finds wrong.
const MOST_COMPLAINTS: i64 = 5;

/// The database of a backup.
pub(crate) struct RestoredDatabase {
    connection: SqliteConnection,
}

impl RestoredDatabase {
    /// Opens it, and looks at every page. A text says what is wrong with it.
    pub(crate) fn open(
        file: &DatabaseFile,
        manifest: &Manifest,
    ) -> Result<Result<Self, String>, Failure> {
        let mut connection = file.connect(PRAGMAS)?;
        if let Some(wrong) = quick_check(&mut connection)? {
            return Ok(Err(wrong));
        }
        if StoreIdentity::read(&mut connection)? != manifest.identity {
            return Ok(Err("it is of another store than it says".to_owned()));
        }
        if events::last_seq(&mut connection)? != manifest.through {
            return Ok(Err(
                "its newest event is not the one that it says".to_owned()
            ));
        }
        Ok(Ok(Self { connection }))
    }

    /// Brings its schema up to date.
    pub(crate) fn migrate(&mut self) -> Result<(), Failure> {
        migrations::run(&mut self.connection)
    }

    /// Everything that has sealed secrets.
    pub(crate) fn sealed(&mut self) -> Result<SealedRecords, Failure> {
        sealed_records::records(&mut self.connection)
    }

    /// Leaves these numbers out, and stops every installation, if it is to.
    pub(crate) fn set(&mut self, gap: NumberGap, stopped: bool) -> Result<(), Failure> {
        self.connection.immediate_transaction(|connection| {
            // A log that was restored before, and recorded nothing since, has given none behind its own gap.
            let given = number_gaps::given(connection)?.map_or(gap.through, |given| given.0);
            let through = gap.through.max(given);
            number_gaps::leave_out(connection, NumberGap { through, ..gap })?;
            if stopped {
                for record in installations::changed_after(connection, Revision::NONE)? {
                    if record.desired == Desired::Run {
                        let revision = connection.next_revision()?;
                        connection.write_desired(record.id, Desired::Stop, revision)?;
                    }
                }
            }
            Ok(())
        })
    }

    /// The installations that a server connects.
    pub(crate) fn wanted(&mut self) -> Result<Vec<InstallationRecord>, Failure> {
        let mut records = installations::changed_after(&mut self.connection, Revision::NONE)?;
        records.retain(|record| record.desired == Desired::Run);
        Ok(records)
    }
}

/// What SQLite finds wrong with the pages of a database; `None` if nothing is.
pub(crate) fn quick_check(connection: &mut SqliteConnection) -> Result<Option<String>, Failure> {
    let found: QueryResult<String> =
        diesel::select(diesel::dsl::sql::<diesel::sql_types::Text>(&format!(
            "(SELECT group_concat(quick_check, '; ') FROM (SELECT quick_check FROM pragma_quick_check LIMIT {MOST_COMPLAINTS}))"
        )))
        .get_result(connection);
    match found.map_err(Failure::from) {
        Ok(answer) if answer == "ok" => Ok(None),
        Ok(complaints) => Ok(Some(complaints)),
        Err(failure) if failure.cause == Cause::Corrupt => Ok(Some(failure.detail)),
        Err(failure) => Err(failure),
    }
}
