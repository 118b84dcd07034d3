//! What retention reads, on a reading connection.

use diesel::SqliteConnection;
use diesel::prelude::*;
use diesel::sql_types::BigInt;
use longwire_installation::InstallationId;
use longwire_wire::event::Seq;

use super::{progress, repeats_through};
use crate::ids::ConsumerId;
use crate::retention::{
    ConsumerFloor, InstallationRetention, KeepRule, ListedInstallation, PayloadPolicy,
    RetentionState,
};
use crate::sqlite::number_gaps;
use crate::sqlite::schema::{
    consumer, consumer_position, event, installation_retention, listed_event, removed_installation,
};

#[derive(Queryable, Selectable)]
#[diesel(table_name = installation_retention)]
struct RulesRow {
    installation_id: i64,
    keep_ms: Option<i64>,
    keep_bytes: Option<i64>,
    keep_events: Option<i64>,
    payload: String,
    listed_through: i64,
    hashed_through: i64,
    events: i64,
    bytes: i64,
}

/// All of it, in one look.
pub(crate) fn state(connection: &mut SqliteConnection) -> QueryResult<RetentionState> {
    let pages = |connection: &mut SqliteConnection, pragma: &str| -> QueryResult<u64> {
        let value: i64 = diesel::select(diesel::dsl::sql::<BigInt>(&format!(
            "(SELECT {pragma} FROM pragma_{pragma})"
        )))
        .get_result(connection)?;
        Ok(value.cast_unsigned())
    };
    connection.transaction(|connection| {
        let page_bytes = pages(connection, "page_size")?;
        let all = pages(connection, "page_count")?;
        let free = pages(connection, "freelist_count")?;
        let gives_back = pages(connection, "auto_vacuum")? == INCREMENTAL;
        let progress = progress(connection)?;
        let newest: Option<i64> = event::table
            .select(diesel::dsl::max(event::seq))
            .first(connection)?;
        let oldest = first_behind(connection, progress.gone_through)?;
        let forgettable: Vec<i64> = removed_installation::table
            .filter(removed_installation::through_seq.le(progress.deleted_through))
            .limit(FORGETTABLE)
            .select(removed_installation::installation_id)
            .load(connection)?;
        Ok(RetentionState {
            gone_through: progress.gone_through,
            deleted_through: progress.deleted_through,
            repeats_through: repeats_through(connection)?,
            oldest,
            newest: newest.unwrap_or(0),
            used_bytes: all.saturating_sub(free) * page_bytes,
            free_bytes: free * page_bytes,
            page_bytes,
            gives_back,
            events: progress.events.cast_unsigned(),
            bytes: progress.bytes.cast_unsigned(),
            consumers: consumers(connection)?,
            listed: listed(connection)?,
            forgettable: forgettable.into_iter().map(InstallationId).collect(),
            gaps: number_gaps::all(connection)?,
        })
    })
}

/// What `PRAGMA auto_vacuum` answers of a database whose free pages can be given back.
const INCREMENTAL: u64 = 2;

/// Removed installations that are named at a time.
const FORGETTABLE: i64 = 64;

/// The first event behind this number, and when it was received.
fn first_behind(connection: &mut SqliteConnection, after: i64) -> QueryResult<Option<(i64, i64)>> {
    event::table
        .filter(event::seq.gt(after))
        .order(event::seq)
        .select((event::seq, event::received_ms))
        .first(connection)
        .optional()
}

fn consumers(connection: &mut SqliteConnection) -> QueryResult<Vec<ConsumerFloor>> {
    let rows: Vec<(i64, String, String, i64)> = consumer::table
        .inner_join(consumer_position::table)
        .order(consumer_position::floor)
        .select((
            consumer::id,
            consumer::name,
            consumer::space,
            consumer_position::floor,
        ))
        .load(connection)?;
    let floor = |(id, name, space, floor): (i64, String, String, i64)| {
        let next = first_behind(connection, floor)?;
        Ok(ConsumerFloor {
            id: ConsumerId(id),
            name,
            space,
            floor,
            next_ms: next.map(|(_, at_ms)| at_ms),
        })
    };
    rows.into_iter().map(floor).collect()
}

fn listed(connection: &mut SqliteConnection) -> QueryResult<Vec<ListedInstallation>> {
    let rows: Vec<RulesRow> = installation_retention::table
        .order(installation_retention::installation_id)
        .select(RulesRow::as_select())
        .load(connection)?;
    let listed = |row: RulesRow| {
        let oldest: Option<(i64, i64)> = listed_event::table
            .filter(listed_event::installation_id.eq(row.installation_id))
            .order(listed_event::seq)
            .select((listed_event::seq, listed_event::received_ms))
            .first(connection)
            .optional()?;
        Ok(ListedInstallation {
            installation: InstallationId(row.installation_id),
            rules: InstallationRetention {
                keep: KeepRule {
                    age_ms: row.keep_ms,
                    bytes: row.keep_bytes.map(i64::cast_unsigned),
                    events: row.keep_events.map(i64::cast_unsigned),
                },
                // What a later version writes keeps more rather than less.
                payload: PayloadPolicy::parse(&row.payload).unwrap_or_default(),
            },
            listed_through: Seq(row.listed_through),
            hashed_through: Seq(row.hashed_through),
            events: row.events.max(0).cast_unsigned(),
            bytes: row.bytes.max(0).cast_unsigned(),
            oldest: oldest.map(|(seq, at_ms)| (Seq(seq), at_ms)),
        })
    };
    rows.into_iter().map(listed).collect()
}

/// The events behind `after`, among the next `rows` numbers, whose payload or chat `names` the person; and the last number that
/// was looked at.
pub(crate) fn events_of_person(
    connection: &mut SqliteConnection,
    after: Seq,
    rows: i64,
    installation: Option<InstallationId>,
    names: &dyn Fn(&[u8], Option<&str>) -> bool,
) -> QueryResult<(Vec<Seq>, Seq)> {
    connection.transaction(|connection| {
        let Some((first, _)) = first_behind(connection, after.0)? else {
            return Ok((Vec::new(), after));
        };
        let through = first.saturating_add(rows - 1);
        let mut query = event::table
            .filter(event::seq.ge(first))
            .filter(event::seq.le(through))
            .filter(event::kept.is_null())
            .order(event::seq)
            .select((event::seq, event::payload, event::chat))
            .into_boxed();
        if let Some(id) = installation {
            query = query.filter(event::installation_id.eq(id.0));
        }
        let found: Vec<(i64, Vec<u8>, Option<String>)> = query.load(connection)?;
        let of_person = found.into_iter();
        let of_person = of_person.filter(|(_, payload, chat)| names(payload, chat.as_deref()));
        Ok((
            of_person.map(|(seq, _, _)| Seq(seq)).collect(),
            Seq(through),
        ))
    })
}
