//! Steps of journeys into rows and back.

use diesel::SqliteConnection;
use diesel::prelude::*;
use longwire_wire::event::Seq;

use super::schema::journey;
use crate::cause::{Cause, Failure};
use crate::ids::ConsumerId;
use crate::journey::{JourneyBatch, JourneyRecord, ROW_SPAN, decode, encode};

/// Writes a batch within the caller's transaction. That of a consumer which is gone is left out.
pub(super) fn keep(connection: &mut SqliteConnection, batch: &JourneyBatch) -> Result<(), Failure> {
    for row in batch.rows() {
        let (Some(first), Some(last)) = (row.first(), row.last()) else {
            continue;
        };
        let inserted = diesel::insert_into(journey::table)
            .values((
                journey::consumer_id.eq(batch.consumer.map(|id| id.0)),
                journey::first_seq.eq(first.seq.0),
                journey::last_seq.eq(last.seq.0),
                journey::steps.eq(encode(first.seq, &row)),
            ))
            .execute(connection);
        match inserted.map_err(Failure::from) {
            Ok(_) => {}
            Err(Failure {
                cause: Cause::Poison,
                ..
            }) => return Ok(()),
            Err(failure) => return Err(failure),
        }
    }
    Ok(())
}

#[derive(Queryable, Selectable)]
#[diesel(table_name = journey)]
struct JourneyRow {
    id: i64,
    consumer_id: Option<i64>,
    first_seq: i64,
    steps: Vec<u8>,
}

impl JourneyRow {
    fn records(self) -> impl DoubleEndedIterator<Item = JourneyRecord> {
        let (batch, consumer) = (self.id, self.consumer_id.map(ConsumerId));
        let steps = decode(Seq(self.first_seq), &self.steps);
        steps.into_iter().map(move |step| JourneyRecord {
            batch,
            consumer,
            step,
        })
    }
}

/// The steps of an event's journey, in the order of their times.
pub(super) fn of_event(
    connection: &mut SqliteConnection,
    seq: Seq,
) -> QueryResult<Vec<JourneyRecord>> {
    let rows: Vec<JourneyRow> = journey::table
        .filter(journey::last_seq.ge(seq.0))
        .filter(journey::last_seq.lt(seq.0.saturating_add(ROW_SPAN)))
        .filter(journey::first_seq.le(seq.0))
        .select(JourneyRow::as_select())
        .load(connection)?;
    let steps = rows.into_iter().flat_map(JourneyRow::records);
    let mut found: Vec<JourneyRecord> = steps.filter(|record| record.step.seq == seq).collect();
    found.sort_by_key(|record| (record.step.at_ms, record.batch));
    Ok(found)
}

/// The steps in the newest rows of a consumer, newest row first; within a row, those of the newest event first.
pub(super) fn of_consumer(
    connection: &mut SqliteConnection,
    consumer: ConsumerId,
    before: Option<i64>,
    rows: usize,
) -> QueryResult<Vec<JourneyRecord>> {
    let rows: Vec<JourneyRow> = journey::table
        .filter(journey::consumer_id.eq(consumer.0))
        .filter(journey::id.lt(before.unwrap_or(i64::MAX)))
        .order(journey::id.desc())
        .limit(i64::try_from(rows).unwrap_or(i64::MAX))
        .select(JourneyRow::as_select())
        .load(connection)?;
    Ok(rows
        .into_iter()
        .flat_map(|row| row.records().rev())
        .collect())
}
