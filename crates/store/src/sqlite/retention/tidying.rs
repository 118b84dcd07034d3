//! Everything beside events that would grow for ever: each by its own rule, oldest first, some rows at a time.

use diesel::SqliteConnection;
use diesel::prelude::*;
use longwire_installation::InstallationId;
use longwire_wire::event::Seq;

use super::progress;
use crate::event_index::window_begins;
use crate::retention::StepDone;
use crate::sqlite::schema::{
    audit, event, installation, installation_retention, journey, listed_event,
    removed_installation, retention_mark, taken_back, timeline, token, user_authorization,
};
use crate::sqlite::store_row::OpenTime;

fn done(rows: usize) -> StepDone {
    StepDone {
        changed: rows as u64,
        ..StepDone::default()
    }
}

fn limit(rows: usize) -> i64 {
    i64::try_from(rows).unwrap_or(i64::MAX)
}

/// Writes down the newest event, for how long the store has been open, and which installations were removed.
pub(crate) fn mark(connection: &mut SqliteConnection, open_ms: i64) -> QueryResult<StepDone> {
    let newest: Option<i64> = event::table
        .select(diesel::dsl::max(event::seq))
        .first(connection)?;
    let newest = newest.unwrap_or(0);
    OpenTime::save(connection, open_ms)?;
    diesel::replace_into(retention_mark::table)
        .values((
            retention_mark::open_ms.eq(open_ms),
            retention_mark::through_seq.eq(newest),
        ))
        .execute(connection)?;
    // The newest of those that are out of the window says all that they say.
    let past: Option<i64> = retention_mark::table
        .filter(retention_mark::open_ms.le(window_begins(open_ms)))
        .select(diesel::dsl::max(retention_mark::open_ms))
        .first(connection)?;
    if let Some(past) = past {
        diesel::delete(retention_mark::table.filter(retention_mark::open_ms.lt(past)))
            .execute(connection)?;
    }
    let seen = removed_installation::table.select(removed_installation::installation_id);
    let removed: Vec<i64> = installation::table
        .filter(installation::removed_ms.is_not_null())
        .filter(installation::id.ne_all(seen))
        .select(installation::id)
        .load(connection)?;
    for id in removed {
        diesel::insert_into(removed_installation::table)
            .values((
                removed_installation::installation_id.eq(id),
                removed_installation::through_seq.eq(newest),
            ))
            .execute(connection)?;
    }
    Ok(done(1))
}

/// Journeys whose last event is at most this one.
pub(crate) fn journeys(
    connection: &mut SqliteConnection,
    through: Seq,
    rows: usize,
) -> QueryResult<StepDone> {
    let ids: Vec<i64> = journey::table
        .filter(journey::last_seq.le(through.0))
        .order((journey::last_seq, journey::first_seq))
        .limit(limit(rows))
        .select(journey::id)
        .load(connection)?;
    diesel::delete(journey::table.filter(journey::id.eq_any(ids)))
        .execute(connection)
        .map(done)
}

/// Entries of the audit, from the oldest one to the first that is young enough.
pub(crate) fn audit(
    connection: &mut SqliteConnection,
    before_ms: i64,
    rows: usize,
) -> QueryResult<StepDone> {
    let oldest: Vec<(i64, i64)> = audit::table
        .order(audit::id)
        .limit(limit(rows))
        .select((audit::id, audit::at_ms))
        .load(connection)?;
    let old = oldest.iter().take_while(|(_, at_ms)| *at_ms < before_ms);
    let Some((last, _)) = old.last() else {
        return Ok(StepDone::default());
    };
    diesel::delete(audit::table.filter(audit::id.le(last)))
        .execute(connection)
        .map(done)
}

/// Notes of timelines, in the same way.
pub(crate) fn timelines(
    connection: &mut SqliteConnection,
    before_ms: i64,
    rows: usize,
) -> QueryResult<StepDone> {
    let oldest: Vec<(i64, i64)> = timeline::table
        .order(timeline::id)
        .limit(limit(rows))
        .select((timeline::id, timeline::at_ms))
        .load(connection)?;
    let old = oldest.iter().take_while(|(_, at_ms)| *at_ms < before_ms);
    let Some((last, _)) = old.last() else {
        return Ok(StepDone::default());
    };
    diesel::delete(timeline::table.filter(timeline::id.le(last)))
        .execute(connection)
        .map(done)
}

/// Tokens that nobody can use any more. There are few of them.
pub(crate) fn tokens(connection: &mut SqliteConnection, before_ms: i64) -> QueryResult<StepDone> {
    let ended = token::revoked_ms
        .lt(before_ms)
        .or(token::expires_ms.lt(before_ms));
    diesel::delete(token::table.filter(ended.assume_not_null()))
        .execute(connection)
        .map(done)
}

/// Authorizations that hold for nothing any more.
pub(crate) fn authorizations(
    connection: &mut SqliteConnection,
    before_ms: i64,
) -> QueryResult<StepDone> {
    let ended = user_authorization::ended
        .is_not_null()
        .and(user_authorization::updated_ms.lt(before_ms));
    diesel::delete(user_authorization::table.filter(ended))
        .execute(connection)
        .map(done)
}

/// The row of a removed installation. The caller has foreign keys off: to check the events would read all of them, and that
/// none is left is known from their numbers, which is asked here again: one that has events is left alone.
pub(crate) fn forget(
    connection: &mut SqliteConnection,
    id: InstallationId,
) -> QueryResult<StepDone> {
    let through: Option<i64> = removed_installation::table
        .find(id.0)
        .select(removed_installation::through_seq)
        .first(connection)
        .optional()?;
    let deleted_through = progress(connection)?.deleted_through;
    if through.is_none_or(|through| through > deleted_through) {
        return Ok(StepDone::default());
    }
    diesel::delete(removed_installation::table.find(id.0)).execute(connection)?;
    diesel::delete(timeline::table.filter(timeline::installation_id.eq(id.0)))
        .execute(connection)?;
    diesel::delete(taken_back::table.filter(taken_back::installation_id.eq(id.0)))
        .execute(connection)?;
    diesel::delete(user_authorization::table.filter(user_authorization::installation_id.eq(id.0)))
        .execute(connection)?;
    diesel::delete(listed_event::table.filter(listed_event::installation_id.eq(id.0)))
        .execute(connection)?;
    diesel::delete(installation_retention::table.find(id.0)).execute(connection)?;
    let rows = installation::table
        .find(id.0)
        .filter(installation::removed_ms.is_not_null());
    diesel::delete(rows).execute(connection).map(done)
}
