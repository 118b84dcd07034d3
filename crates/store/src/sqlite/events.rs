//! Events out of rows.

use std::collections::{BTreeSet, HashMap};

use bytes::Bytes;
use bytestring::ByteString;
use diesel::SqliteConnection;
use diesel::prelude::*;
use longwire_wire::event::{Seq, Source};
use longwire_wire::identity::EventKey;

use super::platform;
use super::schema::{event, installation};
use crate::event_record::{EventPage, EventQuery, EventRecord};
use crate::kept::Kept;
use longwire_installation::{InstallationId, Platform};

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
    platform: Option<i16>,
    kept: Option<i16>,
}

/// Rows that are looked at in one go for the events of some installations. No index tells them from the others, because
/// every insert would pay for it; some ten megabytes are read without one.
pub(crate) const SCAN_ROWS: i64 = 10_000;

const NOBODY: i64 = InstallationId::NONE.0;

pub(crate) fn page(
    connection: &mut SqliteConnection,
    query: &EventQuery,
    scan_rows: i64,
) -> QueryResult<EventPage> {
    // One look at the log: what is recorded between two of them would be passed over.
    connection.transaction(|connection| {
        let after = query.after.map_or(i64::MIN, |seq| seq.0);
        let behind = event::table.filter(event::seq.gt(after));
        let ends: (Option<i64>, Option<i64>) = (
            behind
                .select(diesel::dsl::min(event::seq))
                .first(connection)?,
            event::table
                .select(diesel::dsl::max(event::seq))
                .first(connection)?,
        );
        let (Some(first), Some(newest)) = ends else {
            return Ok(EventPage::empty(query));
        };
        let mut rows = behind
            .order(event::seq.asc())
            .limit(i64::try_from(query.limit).unwrap_or(i64::MAX))
            .select(EventRow::as_select())
            .into_boxed();
        let mut end = newest;
        if let Some(installations) = &query.installations {
            end = newest.min(first.saturating_add(scan_rows - 1));
            rows = rows
                .filter(event::installation_id.eq_any(installations.iter().map(|id| id.0)))
                .filter(event::seq.le(end));
        }
        let rows = rows.load(connection)?;
        let events = records(connection, rows)?;
        if events.len() >= query.limit {
            end = events.last().map_or(after, |event| event.seq.0);
        }
        Ok(EventPage {
            events,
            reached: Some(Seq(end)),
            more: end < newest,
        })
    })
}

/// The event of this number.
pub(crate) fn find(
    connection: &mut SqliteConnection,
    seq: Seq,
) -> QueryResult<Option<EventRecord>> {
    let row: Option<EventRow> = event::table
        .find(seq.0)
        .select(EventRow::as_select())
        .first(connection)
        .optional()?;
    Ok(records(connection, row.into_iter().collect())?.pop())
}

/// The first event that was received at this time or later: a binary search, in which a missing number stands for the next
/// one that is there.
pub(crate) fn first_at(
    connection: &mut SqliteConnection,
    received_ms: i64,
) -> QueryResult<Option<Seq>> {
    connection.transaction(|connection| {
        let ends: (Option<i64>, Option<i64>) = (
            event::table
                .select(diesel::dsl::min(event::seq))
                .first(connection)?,
            event::table
                .select(diesel::dsl::max(event::seq))
                .first(connection)?,
        );
        let (Some(mut low), Some(newest)) = ends else {
            return Ok(None);
        };
        // What is below `low` came before the time, and what is from `high` on did not.
        let mut high = newest.saturating_add(1);
        while low < high {
            let middle = low + (high - low) / 2;
            let found: Option<(i64, i64)> = event::table
                .filter(event::seq.ge(middle))
                .filter(event::seq.lt(high))
                .order(event::seq.asc())
                .select((event::seq, event::received_ms))
                .first(connection)
                .optional()?;
            match found {
                Some((seq, at_ms)) if at_ms < received_ms => low = seq + 1,
                Some(_) | None => high = middle,
            }
        }
        let first = event::table.filter(event::seq.ge(low));
        let first: Option<i64> = first
            .select(diesel::dsl::min(event::seq))
            .first(connection)?;
        Ok(first.map(Seq))
    })
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

/// The records of these rows. Those of earlier versions do not say their platform: it is that of the installation now.
fn records(
    connection: &mut SqliteConnection,
    rows: Vec<EventRow>,
) -> QueryResult<Vec<EventRecord>> {
    let is_silent = |row: &&EventRow| row.platform.is_none() && row.installation_id != NOBODY;
    let silent: BTreeSet<i64> = rows
        .iter()
        .filter(is_silent)
        .map(|row| row.installation_id)
        .collect();
    let mut platforms: HashMap<i64, Platform> = HashMap::new();
    if !silent.is_empty() {
        let labels: Vec<(i64, String)> = installation::table
            .filter(installation::id.eq_any(silent))
            .select((installation::id, installation::platform))
            .load(connection)?;
        let known = |(id, label): (i64, String)| Some((id, Platform::parse(&label)?));
        platforms.extend(labels.into_iter().filter_map(known));
    }
    let record = |row: EventRow| {
        let of_installation = platforms.get(&row.installation_id).copied();
        let mut event = EventRecord::try_from(row)?;
        event.platform = event.platform.or(of_installation);
        Ok(event)
    };
    rows.into_iter().map(record).collect()
}

impl TryFrom<EventRow> for EventRecord {
    type Error = diesel::result::Error;

    fn try_from(row: EventRow) -> QueryResult<Self> {
        let foreign = |what: &str| diesel::result::Error::DeserializationError(what.into());
        let kept = Kept::of_columns(row.kept, &row.payload)
            .ok_or_else(|| foreign("an event with an unknown rest of its payload"))?;
        Ok(Self {
            seq: Seq(row.seq),
            installation: InstallationId(row.installation_id),
            platform: row.platform.and_then(platform::of_code),
            event_key: EventKey(
                row.event_key
                    .try_into()
                    .map_err(|_| foreign("an event key of another length"))?,
            ),
            event_id: row.event_id.map(ByteString::from),
            event_type: row.event_type.map(ByteString::from),
            chat: row.chat.map(ByteString::from),
            source: Source::parse(&row.source).ok_or_else(|| foreign("an unknown event source"))?,
            received_ms: row.received_ms,
            created_ms: row.created_ms,
            trace_id: row.trace_id.map(ByteString::from),
            repeats: row.repeats.cast_unsigned(),
            last_repeat_ms: row.last_repeat_ms,
            kept,
            payload: match kept {
                Kept::Whole => Bytes::from(row.payload),
                Kept::Hashed { .. } | Kept::Erased { .. } | Kept::Expired => Bytes::new(),
            },
        })
    }
}

#[cfg(test)]
mod tests {
    use diesel::connection::SimpleConnection as _;

    use super::*;
    use crate::sqlite::migrations;

    /// A log in which these installations had one event each, in this order.
    fn log_of(installations: &[i64]) -> SqliteConnection {
        let mut connection = SqliteConnection::establish(":memory:").expect("a database");
        migrations::run(&mut connection).expect("a schema");
        connection
            .batch_execute("PRAGMA foreign_keys = OFF")
            .expect("rows without an installation");
        for (seq, installation) in (1_i64..).zip(installations) {
            record(&mut connection, seq, *installation);
        }
        connection
    }

    fn record(connection: &mut SqliteConnection, seq: i64, installation: i64) {
        diesel::insert_into(event::table)
            .values((
                event::seq.eq(seq),
                event::installation_id.eq(installation),
                event::event_key.eq(&[0_u8; 16][..]),
                event::source.eq("long_connection"),
                event::received_ms.eq(1),
                event::payload.eq(&b"{}"[..]),
            ))
            .execute(connection)
            .expect("recorded");
    }

    /// What a query finds: the events' numbers, how far it came, and whether there is more.
    fn find(
        connection: &mut SqliteConnection,
        after: Option<i64>,
        installation: Option<i64>,
        limit: usize,
    ) -> (Vec<i64>, Option<i64>, bool) {
        let query = EventQuery {
            after: after.map(Seq),
            installations: installation.map(|id| vec![InstallationId(id)]),
            limit,
        };
        let page = page(connection, &query, 4).expect("readable");
        let found = page.events.iter().map(|event| event.seq.0).collect();
        (found, page.reached.map(|seq| seq.0), page.more)
    }

    #[test]
    fn a_follower_of_one_bot_looks_at_no_row_twice() {
        let mut log = log_of(&[1, 2, 2, 2, 2, 2, 1, 2, 2]);
        assert_eq!(find(&mut log, None, Some(1), 5), (vec![1], Some(4), true));
        assert_eq!(
            find(&mut log, Some(4), Some(1), 5),
            (vec![7], Some(8), true)
        );
        assert_eq!(
            find(&mut log, Some(8), Some(1), 5),
            (vec![], Some(9), false)
        );
        assert_eq!(
            find(&mut log, Some(9), Some(1), 5),
            (vec![], Some(9), false)
        );
        record(&mut log, 10, 1);
        assert_eq!(
            find(&mut log, Some(9), Some(1), 5),
            (vec![10], Some(10), false)
        );
    }

    #[test]
    fn a_page_that_is_full_ends_with_its_last_event() {
        let mut log = log_of(&[1, 2, 1, 1, 2]);
        assert_eq!(
            find(&mut log, None, Some(1), 2),
            (vec![1, 3], Some(3), true)
        );
        assert_eq!(find(&mut log, None, None, 2), (vec![1, 2], Some(2), true));
        // The bound is for those who search, not for those who take what comes.
        let all = (vec![1, 2, 3, 4, 5], Some(5), false);
        assert_eq!(find(&mut log, None, None, 5), all);
        assert_eq!(find(&mut log, None, None, 9), all);
    }

    #[test]
    fn a_stretch_without_rows_costs_nothing() {
        let mut log = log_of(&[]);
        assert_eq!(find(&mut log, None, Some(1), 5), (vec![], None, false));
        record(&mut log, 1_000_000, 1);
        let found = find(&mut log, Some(3), Some(1), 5);
        assert_eq!(found, (vec![1_000_000], Some(1_000_000), false));
    }
}
