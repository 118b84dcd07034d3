//! Events out of rows.

use bytes::Bytes;
use diesel::SqliteConnection;
use diesel::prelude::*;
use longwire_wire::identity::EventKey;

use super::schema::event;
use crate::{EventQuery, EventRecord, InstallationId, Seq, Source};

#[derive(Queryable, Selectable)]
#[diesel(table_name = event)]
struct EventRow {
    seq: i64,
    installation_id: i64,
    event_key: Vec<u8>,
    event_id: Option<String>,
    event_type: Option<String>,
    chat: Option<String>,
    source: String,
    received_ms: i64,
    created_ms: Option<i64>,
    trace_id: Option<String>,
    repeats: i64,
    last_repeat_ms: Option<i64>,
    payload: Vec<u8>,
}

pub(crate) fn page(
    connection: &mut SqliteConnection,
    query: &EventQuery,
) -> QueryResult<Vec<EventRecord>> {
    let mut rows = event::table
        .filter(event::seq.gt(query.after.map_or(i64::MIN, |seq| seq.0)))
        .order(event::seq.asc())
        .limit(i64::try_from(query.limit).unwrap_or(i64::MAX))
        .select(EventRow::as_select())
        .into_boxed();
    if let Some(installation) = query.installation {
        rows = rows.filter(event::installation_id.eq(installation.0));
    }
    rows.load(connection)?
        .into_iter()
        .map(EventRecord::try_from)
        .collect()
}

/// The number of the newest event.
pub(crate) fn last_seq(connection: &mut SqliteConnection) -> QueryResult<Option<Seq>> {
    let highest: Option<i64> = event::table
        .select(diesel::dsl::max(event::seq))
        .first(connection)?;
    Ok(highest.map(Seq))
}

pub(crate) fn count(connection: &mut SqliteConnection) -> QueryResult<u64> {
    let count: i64 = event::table.count().get_result(connection)?;
    Ok(count.cast_unsigned())
}

impl TryFrom<EventRow> for EventRecord {
    type Error = diesel::result::Error;

    fn try_from(row: EventRow) -> QueryResult<Self> {
        let foreign = |what: &str| diesel::result::Error::DeserializationError(what.into());
        Ok(Self {
            seq: Seq(row.seq),
            installation: InstallationId(row.installation_id),
            event_key: EventKey(
                row.event_key
                    .try_into()
                    .map_err(|_| foreign("an event key of another length"))?,
            ),
            event_id: row.event_id,
            event_type: row.event_type,
            chat: row.chat,
            source: Source::parse(&row.source).ok_or_else(|| foreign("an unknown event source"))?,
            received_ms: row.received_ms,
            created_ms: row.created_ms,
            trace_id: row.trace_id,
            repeats: row.repeats.cast_unsigned(),
            last_repeat_ms: row.last_repeat_ms,
            payload: Bytes::from(row.payload),
        })
    }
}
