//! The runs of the event index into rows and back, and the way a key is looked up.

use diesel::SqliteConnection;
use diesel::prelude::*;
use longwire_wire::identity::EventKey;

use super::number_gaps;
use super::schema::{event, event_index_page, event_index_run};
use crate::cause::{Cause, Failure};
use crate::event_index::{
    Claims, EventIndex, Filter, LogKey, Page, PageId, Run, RunId, Span, window_begins,
};
use longwire_installation::InstallationId;
use longwire_wire::event::Seq;

#[derive(Queryable, Selectable)]
#[diesel(table_name = event_index_run)]
struct RunRow {
    id: i64,
    first_seq: i64,
    through_seq: i64,
    filter: Vec<u8>,
    claimed: Option<Vec<u8>>,
    completed_ms: i64,
}

/// Reads the index; what the log has beyond its runs becomes runs and the tail. Each run that is
/// made here is a transaction, so whatever interrupts it, the next attempt goes on from there. The
/// store has been open for `open_ms` in all.
pub(crate) fn load(
    connection: &mut SqliteConnection,
    run_events: usize,
    open_ms: i64,
) -> Result<EventIndex, Failure> {
    let runs = connection.immediate_transaction(|connection| {
        let newest: Option<i64> = event_index_run::table
            .select(diesel::dsl::max(event_index_run::id))
            .first(connection)?;
        // Pages of a run that was never completed.
        let (_, last_page) = PageId::all_of(RunId(newest.unwrap_or_default()));
        diesel::delete(event_index_page::table.filter(event_index_page::id.gt(last_page.0)))
            .execute(connection)?;
        let expired: Vec<i64> = event_index_run::table
            .filter(event_index_run::completed_ms.lt(window_begins(open_ms)))
            .select(event_index_run::id)
            .load(connection)?;
        for run in expired {
            forget(connection, RunId(run))?;
        }
        event_index_run::table
            .order(event_index_run::id)
            .select(RunRow::as_select())
            .load(connection)
    })?;
    let runs = runs
        .into_iter()
        .map(Run::try_from)
        .collect::<Result<Vec<_>, _>>()?;
    let mut through = runs.last().map_or(Seq(i64::MIN), |run| run.span.through);
    let mut index = EventIndex::new(run_events, runs);
    loop {
        let rows: Vec<(i64, i64, Vec<u8>, Option<i64>)> = event::table
            .filter(event::seq.gt(through.0))
            .order(event::seq)
            .limit(i64::try_from(run_events).unwrap_or(i64::MAX))
            .select((
                event::seq,
                event::installation_id,
                event::event_key,
                event::created_ms,
            ))
            .load(connection)?;
        let read = rows.len();
        for (seq, installation, key, claimed_ms) in rows {
            let key = key
                .try_into()
                .map_err(|_| foreign("an event key of another length"))?;
            through = Seq(seq);
            index.note(
                LogKey::of(InstallationId(installation), EventKey(key)),
                through,
                claimed_ms,
            );
        }
        index.keep(None, open_ms);
        if read < run_events {
            break;
        }
        index.turn();
        complete_run(connection, &mut index, open_ms)?;
    }
    let given = number_gaps::given(connection)?;
    if given > index.through() {
        index.turn_before_a_gap();
        complete_run(connection, &mut index, open_ms)?;
        index.go_on_after(given);
    }
    Ok(index)
}

/// Writes what is left of the closing run, in one transaction.
fn complete_run(
    connection: &mut SqliteConnection,
    index: &mut EventIndex,
    open_ms: i64,
) -> QueryResult<()> {
    let forgotten = connection.immediate_transaction(|connection| {
        let pages = index.rest();
        write(connection, index, pages, open_ms)
    })?;
    index.keep(forgotten, open_ms);
    Ok(())
}

/// Writes these pages of the closing run; returns the run that was forgotten for it, if one was.
pub(crate) fn write(
    connection: &mut SqliteConnection,
    index: &EventIndex,
    pages: Vec<(PageId, Page)>,
    open_ms: i64,
) -> QueryResult<Option<RunId>> {
    if pages.is_empty() {
        return Ok(None);
    }
    for (id, page) in &pages {
        diesel::insert_into(event_index_page::table)
            .values((
                event_index_page::id.eq(id.0),
                event_index_page::keys.eq(&page.0),
            ))
            .execute(connection)?;
    }
    let Some(run) = index.completed() else {
        return Ok(None);
    };
    diesel::insert_into(event_index_run::table)
        .values((
            event_index_run::id.eq(run.id.0),
            event_index_run::first_seq.eq(run.span.first.0),
            event_index_run::through_seq.eq(run.span.through.0),
            event_index_run::filter.eq(run.filter.to_bytes()),
            event_index_run::claimed.eq(run.claims.to_bytes()),
            event_index_run::completed_ms.eq(open_ms),
        ))
        .execute(connection)?;
    let expired = index.expired(open_ms);
    if let Some(run) = expired {
        forget(connection, run)?;
    }
    Ok(expired)
}

fn forget(connection: &mut SqliteConnection, run: RunId) -> QueryResult<()> {
    let (first, last) = PageId::all_of(run);
    diesel::delete(event_index_page::table.filter(event_index_page::id.between(first.0, last.0)))
        .execute(connection)?;
    diesel::delete(event_index_run::table.find(run.0)).execute(connection)?;
    Ok(())
}

impl TryFrom<RunRow> for Run {
    type Error = Failure;

    fn try_from(row: RunRow) -> Result<Self, Failure> {
        Ok(Self {
            id: RunId(row.id),
            span: Span {
                first: Seq(row.first_seq),
                through: Seq(row.through_seq),
            },
            filter: Filter::from_bytes(&row.filter)
                .ok_or_else(|| foreign("a run of the event index without a filter"))?,
            claims: Claims::from_bytes(row.claimed.as_deref())
                .ok_or_else(|| foreign("a run of the event index with broken claims"))?,
            completed_ms: row.completed_ms,
        })
    }
}

fn foreign(what: &str) -> Failure {
    Failure::new(Cause::Corrupt, what)
}

#[cfg(test)]
mod tests;
