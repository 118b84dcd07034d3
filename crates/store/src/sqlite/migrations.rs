//! The schema's versions, embedded in the binary.

use diesel::SqliteConnection;
use diesel::prelude::*;
use diesel_migrations::{EmbeddedMigrations, MigrationHarness, embed_migrations};

use crate::cause::Failure;

const MIGRATIONS: EmbeddedMigrations = embed_migrations!("../../migrations/sqlite");

diesel::table! {
    sqlite_schema (name) {
        name -> Text,
        #[sql_name = "type"]
        kind -> Text,
    }
}

/// What the schema of an existing file says about its maker.
pub(crate) enum Maker {
    /// It is ours, and up to date.
    Us,
    /// It is empty, or ours and waits for a migration.
    Older,
    /// It has tables, and none of ours.
    Stranger,
    /// It has a migration we do not know.
    Newer(String),
}

pub(crate) fn maker(connection: &mut SqliteConnection) -> Result<Maker, Failure> {
    let tables: Vec<String> = sqlite_schema::table
        .filter(sqlite_schema::kind.eq("table"))
        .select(sqlite_schema::name)
        .load(connection)?;
    if tables.is_empty() {
        return Ok(Maker::Older);
    }
    if !tables
        .iter()
        .any(|name| name == "__diesel_schema_migrations")
    {
        return Ok(Maker::Stranger);
    }
    let known = migrations()?;
    let applied = connection
        .applied_migrations()
        .map_err(|error| other(&*error))?;
    if !applied.is_empty() && !tables.iter().any(|name| name == "event") {
        return Ok(Maker::Stranger);
    }
    let newer = applied
        .iter()
        .find(|version| !known.contains(&version.to_string()));
    Ok(match newer {
        Some(version) => Maker::Newer(version.to_string()),
        None if applied.len() < known.len() => Maker::Older,
        None => Maker::Us,
    })
}

/// Brings the schema up to date.
pub(crate) fn run(connection: &mut SqliteConnection) -> Result<(), Failure> {
    connection
        .run_pending_migrations(MIGRATIONS)
        .map(drop)
        .map_err(|error| other(&*error))
}

/// The newest one that is known, which a schema that is up to date has.
pub(crate) fn newest() -> Result<String, Failure> {
    Ok(migrations()?.into_iter().max().unwrap_or_default())
}

/// Whether it is known.
pub(crate) fn is_known(version: &str) -> Result<bool, Failure> {
    Ok(migrations()?.iter().any(|known| known == version))
}

fn migrations() -> Result<Vec<String>, Failure> {
    use diesel::migration::{Migration, MigrationSource};
    let known: Vec<Box<dyn Migration<diesel::sqlite::Sqlite>>> =
        MIGRATIONS.migrations().map_err(|error| other(&*error))?;
    Ok(known
        .iter()
        .map(|migration| migration.name().version().to_string())
        .collect())
}

fn other(error: &(dyn std::error::Error + Send + Sync + 'static)) -> Failure {
    Failure::of_message(&error.to_string())
}

/// Undoes all migrations after the one of this number.
#[cfg(test)]
pub(crate) fn back_to(connection: &mut SqliteConnection, number: usize) {
    while connection.applied_migrations().expect("readable").len() > number {
        connection.revert_last_migration(MIGRATIONS).expect("down");
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn up_down_and_up_again() {
        let mut connection = SqliteConnection::establish(":memory:").expect("a database");
        let schema = |connection: &mut SqliteConnection| -> Vec<String> {
            sqlite_schema::table
                .filter(sqlite_schema::name.not_like("sqlite_%"))
                .order(sqlite_schema::name)
                .select(sqlite_schema::name)
                .load(connection)
                .expect("names")
        };
        run(&mut connection).expect("up");
        let first = schema(&mut connection);
        assert!(first.iter().any(|name| name == "event"));
        assert!(matches!(maker(&mut connection), Ok(Maker::Us)));
        connection.revert_all_migrations(MIGRATIONS).expect("down");
        assert_eq!(schema(&mut connection), ["__diesel_schema_migrations"]);
        run(&mut connection).expect("up again");
        assert_eq!(schema(&mut connection), first);
    }
}
