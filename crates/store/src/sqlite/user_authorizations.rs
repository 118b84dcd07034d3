//! What people agreed to, in the database.

use diesel::SqliteConnection;
use diesel::prelude::*;
use longwire_installation::InstallationId;

use super::schema::user_authorization;
use crate::cause::Failure;
use crate::user_authorization::{UserAuthorizationRecord, UserAuthorizationTable};

#[derive(Queryable, Selectable, Insertable, AsChangeset)]
#[diesel(table_name = user_authorization, treat_none_as_default_value = false, treat_none_as_null = true)]
struct Row {
    installation_id: i64,
    open_id: String,
    scopes: String,
    tokens: Option<String>,
    authorized_ms: i64,
    access_until_ms: i64,
    refresh_until_ms: Option<i64>,
    ended: Option<String>,
    updated_ms: i64,
}

impl From<Row> for UserAuthorizationRecord {
    fn from(row: Row) -> Self {
        Self {
            installation: InstallationId(row.installation_id),
            open_id: row.open_id,
            scopes: row.scopes,
            authorized_ms: row.authorized_ms,
            access_until_ms: row.access_until_ms,
            refresh_until_ms: row.refresh_until_ms,
            ended: row.ended,
            updated_ms: row.updated_ms,
            sealed_tokens: row.tokens,
        }
    }
}

impl From<&UserAuthorizationRecord> for Row {
    fn from(record: &UserAuthorizationRecord) -> Self {
        Self {
            installation_id: record.installation.0,
            open_id: record.open_id.clone(),
            scopes: record.scopes.clone(),
            tokens: record.sealed_tokens.clone(),
            authorized_ms: record.authorized_ms,
            access_until_ms: record.access_until_ms,
            refresh_until_ms: record.refresh_until_ms,
            ended: record.ended.clone(),
            updated_ms: record.updated_ms,
        }
    }
}

/// That of one person.
pub(super) fn of(
    connection: &mut SqliteConnection,
    installation: InstallationId,
    open_id: &str,
) -> QueryResult<Option<UserAuthorizationRecord>> {
    let row: Option<Row> = user_authorization::table
        .find((installation.0, open_id))
        .select(Row::as_select())
        .first(connection)
        .optional()?;
    Ok(row.map(Into::into))
}

/// All of them.
pub(super) fn all(connection: &mut SqliteConnection) -> QueryResult<Vec<UserAuthorizationRecord>> {
    let rows: Vec<Row> = user_authorization::table
        .order((
            user_authorization::installation_id,
            user_authorization::open_id,
        ))
        .select(Row::as_select())
        .load(connection)?;
    Ok(rows.into_iter().map(Into::into).collect())
}

impl UserAuthorizationTable for SqliteConnection {
    fn all(&mut self) -> Result<Vec<UserAuthorizationRecord>, Failure> {
        Ok(all(self)?)
    }

    fn of(
        &mut self,
        installation: InstallationId,
        open_id: &str,
    ) -> Result<Option<UserAuthorizationRecord>, Failure> {
        Ok(of(self, installation, open_id)?)
    }

    fn put(&mut self, record: &UserAuthorizationRecord) -> Result<(), Failure> {
        let row = Row::from(record);
        let key = (record.installation.0, record.open_id.as_str());
        let changed = diesel::update(user_authorization::table.find(key))
            .set(&row)
            .execute(self)?;
        if changed == 0 {
            diesel::insert_into(user_authorization::table)
                .values(&row)
                .execute(self)?;
        }
        Ok(())
    }

    fn forget(
        &mut self,
        installation: InstallationId,
        open_id: Option<&str>,
    ) -> Result<usize, Failure> {
        let of_bot = user_authorization::installation_id.eq(installation.0);
        let rows = user_authorization::table.filter(of_bot);
        let gone = match open_id {
            Some(open_id) => {
                diesel::delete(rows.filter(user_authorization::open_id.eq(open_id))).execute(self)
            }
            None => diesel::delete(rows).execute(self),
        };
        Ok(gone?)
    }
}
