//! Events and their payloads go.
//!
//! Each function changes a stretch of a primary key that its caller bounds, within the caller's transaction.

use diesel::SqliteConnection;
use diesel::prelude::*;
use longwire_installation::InstallationId;
use longwire_wire::event::Seq;

use super::{payload_bytes, progress, repeats_through};
use crate::cause::Failure;
use crate::journey::{ROW_SPAN, decode, encode};
use crate::kept::Kept;
use crate::retention::StepDone;
use crate::sqlite::schema::{
    event, installation_retention, journey, listed_event, retention, user_authorization,
};

/// The columns of an event that hold its content. A chat of two is named like the person in it.
#[derive(AsChangeset)]
#[diesel(table_name = event, treat_none_as_null = true)]
struct Content {
    kept: Option<i16>,
    payload: Vec<u8>,
    chat: Option<String>,
}

impl Content {
    fn none(kept: Kept) -> Self {
        let (kept, payload) = kept.to_columns().unwrap_or_default();
        Self {
            kept: Some(kept),
            payload,
            chat: None,
        }
    }
}

/// The newest event, which is never deleted; 0 while there is none.
fn newest(connection: &mut SqliteConnection) -> QueryResult<i64> {
    let newest: Option<i64> = event::table
        .select(diesel::dsl::max(event::seq))
        .first(connection)?;
    Ok(newest.unwrap_or(0))
}

/// Events behind those that are gone go, up to `through`. A row whose repeats may come keeps its keys.
pub(crate) fn expire(connection: &mut SqliteConnection, through: Seq) -> QueryResult<StepDone> {
    let before = progress(connection)?;
    let newest = newest(connection)?;
    let through = through.0.min(newest);
    if through <= before.gone_through {
        return Ok(StepDone::default());
    }
    let behind = event::table
        .filter(event::seq.gt(before.gone_through))
        .filter(event::seq.le(through));
    let sizes: Vec<i64> = behind
        .filter(event::kept.is_null())
        .select(payload_bytes(event::payload))
        .load(connection)?;
    let (events, bytes) = (sizes.len() as i64, sizes.iter().sum::<i64>());
    let deletes_through = repeats_through(connection)?.min(newest - 1).min(through);
    diesel::delete(
        event::table
            .filter(event::seq.gt(before.gone_through))
            .filter(event::seq.le(deletes_through)),
    )
    .execute(connection)?;
    diesel::update(
        event::table
            .filter(event::seq.gt(before.gone_through.max(deletes_through)))
            .filter(event::seq.le(through)),
    )
    .set(Content::none(Kept::Expired))
    .execute(connection)?;
    // Rows that keep their keys lie behind what is deleted, until `delete_keys` comes to them.
    let deleted_through = match before.deleted_through == before.gone_through {
        true => before.deleted_through.max(deletes_through),
        false => before.deleted_through,
    };
    diesel::update(retention::table)
        .set((
            retention::gone_through.eq(through),
            retention::deleted_through.eq(deleted_through),
            retention::events.eq(retention::events + events),
            retention::bytes.eq(retention::bytes + bytes),
        ))
        .execute(connection)?;
    Ok(StepDone {
        changed: events.cast_unsigned(),
        bytes: bytes.cast_unsigned(),
        ..StepDone::default()
    })
}

/// Rows that only kept their keys go, up to `through`, as far as these are not needed any more.
pub(crate) fn delete_keys(
    connection: &mut SqliteConnection,
    through: Seq,
) -> QueryResult<StepDone> {
    let before = progress(connection)?;
    let through = through
        .0
        .min(before.gone_through)
        .min(repeats_through(connection)?)
        .min(newest(connection)? - 1);
    if through <= before.deleted_through {
        return Ok(StepDone::default());
    }
    let changed = diesel::delete(
        event::table
            .filter(event::seq.gt(before.deleted_through))
            .filter(event::seq.le(through)),
    )
    .execute(connection)?;
    diesel::update(retention::table)
        .set(retention::deleted_through.eq(through))
        .execute(connection)?;
    Ok(StepDone {
        changed: changed as u64,
        ..StepDone::default()
    })
}

/// The oldest events of one installation go.
pub(crate) fn expire_of(
    connection: &mut SqliteConnection,
    installation: InstallationId,
    through: Seq,
    read_through: Seq,
    events: usize,
) -> QueryResult<StepDone> {
    let listed: Vec<(i64, i64)> = listed_event::table
        .filter(listed_event::installation_id.eq(installation.0))
        .filter(listed_event::seq.le(through.0))
        .order(listed_event::seq)
        .limit(i64::try_from(events).unwrap_or(i64::MAX))
        .select((listed_event::seq, listed_event::bytes))
        .load(connection)?;
    let Some(&(last, _)) = listed.last() else {
        return Ok(StepDone::default());
    };
    let gone_through = progress(connection)?.gone_through;
    let newest = newest(connection)?;
    let deletes_through = repeats_through(connection)?
        .min(newest - 1)
        .min(read_through.0);
    let seqs = |from: i64, until: i64| -> Vec<i64> {
        let seqs = listed.iter().map(|(seq, _)| *seq);
        seqs.filter(|seq| *seq > from && *seq <= until).collect()
    };
    diesel::delete(event::table.filter(event::seq.eq_any(seqs(gone_through, deletes_through))))
        .execute(connection)?;
    let keeps_keys = seqs(gone_through.max(deletes_through), last);
    diesel::update(event::table.filter(event::seq.eq_any(keeps_keys)))
        .set(Content::none(Kept::Expired))
        .execute(connection)?;
    diesel::delete(
        listed_event::table
            .filter(listed_event::installation_id.eq(installation.0))
            .filter(listed_event::seq.le(last)),
    )
    .execute(connection)?;
    let bytes: i64 = listed.iter().map(|(_, bytes)| bytes).sum();
    let count = listed.len() as i64;
    diesel::update(installation_retention::table.find(installation.0))
        .set((
            installation_retention::events.eq(installation_retention::events - count),
            installation_retention::bytes.eq(installation_retention::bytes - bytes),
        ))
        .execute(connection)?;
    // What had gone with all others was counted then.
    let fresh = listed.iter().filter(|(seq, _)| *seq > gone_through);
    let (events, bytes) = fresh.fold((0, 0), |(events, sum), (_, bytes)| {
        (events + 1, sum + bytes)
    });
    diesel::update(retention::table)
        .set((
            retention::events.eq(retention::events + events),
            retention::bytes.eq(retention::bytes + bytes),
        ))
        .execute(connection)?;
    Ok(StepDone {
        changed: count.cast_unsigned(),
        bytes: bytes.cast_unsigned(),
        ..StepDone::default()
    })
}

/// The payloads of these events are erased, and their part of all journeys.
pub(crate) fn erase(
    connection: &mut SqliteConnection,
    events: &[Seq],
    at_ms: i64,
) -> Result<StepDone, Failure> {
    let seqs: Vec<i64> = events.iter().map(|seq| seq.0).collect();
    let rows = event::table.filter(event::seq.eq_any(&seqs));
    let sizes: Vec<i64> = rows
        .select(payload_bytes(event::payload))
        .load(connection)?;
    diesel::update(event::table.filter(event::seq.eq_any(&seqs)))
        .set(Content::none(Kept::Erased { at_ms }))
        .execute(connection)?;
    for &seq in events {
        erase_journey(connection, seq)?;
    }
    Ok(StepDone {
        changed: sizes.len() as u64,
        bytes: sizes.iter().sum::<i64>().cast_unsigned(),
        ..StepDone::default()
    })
}

/// Takes the steps of one event out of the rows that have them.
fn erase_journey(connection: &mut SqliteConnection, seq: Seq) -> QueryResult<()> {
    let rows: Vec<(i64, i64, Vec<u8>)> = journey::table
        .filter(journey::last_seq.ge(seq.0))
        .filter(journey::last_seq.lt(seq.0.saturating_add(ROW_SPAN)))
        .filter(journey::first_seq.le(seq.0))
        .select((journey::id, journey::first_seq, journey::steps))
        .load(connection)?;
    for (id, first, packed) in rows {
        let steps = decode(Seq(first), &packed);
        let others: Vec<_> = steps.iter().filter(|step| step.seq != seq).collect();
        if others.len() == steps.len() {
            continue;
        }
        if others.is_empty() {
            diesel::delete(journey::table.find(id)).execute(connection)?;
        } else {
            diesel::update(journey::table.find(id))
                .set(journey::steps.eq(encode(Seq(first), &others)))
                .execute(connection)?;
        }
    }
    Ok(())
}

/// What a person agreed to is forgotten.
pub(crate) fn erase_person(
    connection: &mut SqliteConnection,
    person: &str,
    installation: Option<InstallationId>,
) -> QueryResult<StepDone> {
    let of_person = user_authorization::table.filter(user_authorization::open_id.eq(person));
    let changed = match installation {
        Some(id) => {
            let key = (id.0, person);
            diesel::delete(user_authorization::table.find(key)).execute(connection)?
        }
        None => diesel::delete(of_person).execute(connection)?,
    };
    Ok(StepDone {
        changed: changed as u64,
        ..StepDone::default()
    })
}
