//! Retention in the database: what it reads on the readers, and what it deletes on the writing connection.

mod expiring;
mod listing;
mod reading;
mod tidying;

pub(crate) use self::expiring::{delete_keys, erase, erase_person, expire, expire_of};
pub(crate) use self::listing::{declare, hash, list, unlisted};
pub(crate) use self::reading::{events_of_person, state};
pub(crate) use self::tidying::{audit, authorizations, forget, journeys, mark, timelines, tokens};

use diesel::SqliteConnection;
use diesel::prelude::*;
use diesel::sql_types::Binary;

use super::schema::{event_index_run, retention, retention_mark, store};
use crate::event_index::window_begins;

diesel::define_sql_function! {
    /// How many bytes a blob has, which SQLite tells without reading them.
    #[sql_name = "length"]
    fn payload_bytes(payload: Binary) -> diesel::sql_types::BigInt;
}

/// The one row.
#[derive(Clone, Copy, Queryable, Selectable)]
#[diesel(table_name = retention)]
pub(super) struct Progress {
    pub(super) gone_through: i64,
    pub(super) deleted_through: i64,
    pub(super) events: i64,
    pub(super) bytes: i64,
}

pub(super) fn progress(connection: &mut SqliteConnection) -> QueryResult<Progress> {
    retention::table
        .select(Progress::as_select())
        .first(connection)
}

/// Repeats of events up to this one are not expected any more. Above it a row is needed for its keys.
///
/// Each half alone would do: the marks tell the age of events; of an event that is in no run any more the index has forgotten
/// the key already.
pub(super) fn repeats_through(connection: &mut SqliteConnection) -> QueryResult<i64> {
    let open_ms: i64 = store::table.select(store::open_ms).first(connection)?;
    let marked: Option<i64> = retention_mark::table
        .filter(retention_mark::open_ms.le(window_begins(open_ms)))
        .order(retention_mark::open_ms.desc())
        .select(retention_mark::through_seq)
        .first(connection)
        .optional()?;
    let oldest_run: Option<i64> = event_index_run::table
        .order(event_index_run::id)
        .select(event_index_run::first_seq)
        .first(connection)
        .optional()?;
    let forgotten = oldest_run.map_or(0, |first| first - 1);
    Ok(marked.unwrap_or(0).max(forgotten))
}

/// Of all events up to here nothing but keys is left.
pub(crate) fn gone_through(connection: &mut SqliteConnection) -> QueryResult<i64> {
    Ok(progress(connection)?.gone_through)
}
