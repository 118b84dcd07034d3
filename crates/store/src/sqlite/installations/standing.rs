//! How bots stand to the configuration file. Few have a row here.

use std::collections::HashMap;

use diesel::SqliteConnection;
use diesel::prelude::*;
use longwire_installation::{Desired, InstallationId};

use crate::installation::FileStanding;
use crate::sqlite::schema::file_standing;

/// Keeps how one stands, within the caller's transaction.
pub(super) fn keep(
    connection: &mut SqliteConnection,
    InstallationId(id): InstallationId,
    standing: Option<FileStanding>,
) -> QueryResult<()> {
    let Some(standing) = standing else {
        diesel::delete(file_standing::table.find(id)).execute(connection)?;
        return Ok(());
    };
    diesel::replace_into(file_standing::table)
        .values((
            file_standing::installation_id.eq(id),
            file_standing::standing.eq(standing.label()),
            file_standing::declared.eq(standing.declared().map(Desired::label)),
            file_standing::since_ms.eq(standing.since_ms()),
        ))
        .execute(connection)?;
    Ok(())
}

/// A row as it is read.
type Row = (i64, String, Option<String>, i64);

/// All of them, by the row of the installation.
pub(super) fn all(
    connection: &mut SqliteConnection,
) -> QueryResult<HashMap<i64, Option<FileStanding>>> {
    let rows: Vec<Row> = file_standing::table.load(connection)?;
    Ok(rows.into_iter().map(read).collect())
}

/// That of one installation.
pub(super) fn of(connection: &mut SqliteConnection, id: i64) -> QueryResult<Option<FileStanding>> {
    let row: Option<Row> = file_standing::table.find(id).first(connection).optional()?;
    Ok(row.and_then(|row| read(row).1))
}

/// A word that only a newer version knows says nothing.
fn read((id, label, declared, since_ms): Row) -> (i64, Option<FileStanding>) {
    let standing = FileStanding::of_row(&label, declared.as_deref(), since_ms);
    (id, standing)
}
