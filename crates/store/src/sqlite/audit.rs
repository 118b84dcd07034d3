//! Entries of the audit into rows and back.

use diesel::SqliteConnection;
use diesel::prelude::*;
use longwire_access::{AuditEntry, AuditRecord, AuditResult, Space, TokenId, TokenName};

use super::schema::audit;

/// Writes an entry within the caller's transaction.
pub(super) fn keep(connection: &mut SqliteConnection, entry: &AuditEntry) -> QueryResult<()> {
    diesel::insert_into(audit::table)
        .values((
            audit::at_ms.eq(entry.at_ms),
            audit::token.eq(entry.token.as_ref().map(|token| &token.as_bytes()[..])),
            audit::name.eq(entry.name.as_str()),
            audit::space.eq(entry.space.as_str()),
            audit::action.eq(entry.action.label()),
            audit::subject.eq(&*entry.subject),
            audit::result.eq(entry.result.as_str()),
        ))
        .execute(connection)
        .map(drop)
}

#[derive(Queryable, Selectable)]
#[diesel(table_name = audit)]
struct AuditRow {
    id: i64,
    at_ms: i64,
    token: Option<Vec<u8>>,
    name: String,
    space: String,
    action: String,
    subject: String,
    result: String,
}

impl TryFrom<AuditRow> for AuditRecord {
    type Error = diesel::result::Error;

    fn try_from(row: AuditRow) -> QueryResult<Self> {
        let foreign = |what: &str| diesel::result::Error::DeserializationError(what.into());
        let token = row.token.map(TryInto::try_into).transpose();
        let token = token.map_err(|_| foreign("a token's id of another length"))?;
        Ok(Self {
            id: row.id,
            entry: AuditEntry {
                at_ms: row.at_ms,
                token: token.map(TokenId::from_bytes),
                name: TokenName::from_row(row.name),
                space: Space::from_row(row.space),
                action: (row.action.parse()).map_err(|_| foreign("an unknown audited action"))?,
                subject: row.subject.into(),
                result: AuditResult::from_row(row.result),
            },
        })
    }
}

/// The newest entries before the entry `before`, newest first.
pub(super) fn newest(
    connection: &mut SqliteConnection,
    before: Option<i64>,
    limit: usize,
) -> QueryResult<Vec<AuditRecord>> {
    let rows: Vec<AuditRow> = audit::table
        .filter(audit::id.lt(before.unwrap_or(i64::MAX)))
        .order(audit::id.desc())
        .limit(i64::try_from(limit).unwrap_or(i64::MAX))
        .select(AuditRow::as_select())
        .load(connection)?;
    rows.into_iter().map(AuditRecord::try_from).collect()
}
