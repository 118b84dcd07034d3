//! The list of events of installations with rules of their own, and hashing by it.
//!
//! No index of the log tells events by their installation, because every insert would pay for it. The few installations that
//! have rules of their own pay instead: the janitor reads the log once, behind its head, and lists their events.

use diesel::SqliteConnection;
use diesel::prelude::*;
use longwire_installation::InstallationId;
use longwire_wire::event::Seq;
use sha2::{Digest as _, Sha256};

use super::payload_bytes;
use crate::kept::Kept;
use crate::retention::{InstallationRetention, ListedEvent, StepDone};
use crate::sqlite::schema::{event, installation_retention, listed_event};

/// The events of these installations in the stretch behind `after`, up to `through`.
pub(crate) fn unlisted(
    connection: &mut SqliteConnection,
    installations: &[InstallationId],
    after: Seq,
    through: Seq,
) -> QueryResult<Vec<ListedEvent>> {
    let rows: Vec<(i64, i64, i64, i64)> = event::table
        .filter(event::seq.gt(after.0))
        .filter(event::seq.le(through.0))
        .filter(event::installation_id.eq_any(installations.iter().map(|id| id.0)))
        .filter(event::kept.is_null().or(event::kept.lt(EXPIRED)))
        .order(event::seq)
        .select((
            event::installation_id,
            event::seq,
            event::received_ms,
            payload_bytes(event::payload),
        ))
        .load(connection)?;
    let listed = rows.into_iter().map(|(id, seq, at, bytes)| ListedEvent {
        installation: InstallationId(id),
        seq: Seq(seq),
        received_ms: at,
        bytes: bytes.cast_unsigned(),
    });
    Ok(listed.collect())
}

/// The code of [`Kept::Expired`].
const EXPIRED: i16 = 3;

/// Lists what was found, for installations whose events were looked for up to `through`.
pub(crate) fn list(
    connection: &mut SqliteConnection,
    installations: &[InstallationId],
    through: Seq,
    found: &[ListedEvent],
) -> QueryResult<StepDone> {
    for one in found {
        diesel::replace_into(listed_event::table)
            .values((
                listed_event::installation_id.eq(one.installation.0),
                listed_event::seq.eq(one.seq.0),
                listed_event::received_ms.eq(one.received_ms),
                listed_event::bytes.eq(one.bytes.cast_signed()),
            ))
            .execute(connection)?;
    }
    for installation in installations {
        let of_it = found.iter().filter(|one| one.installation == *installation);
        let (events, bytes) = of_it.fold((0_i64, 0_i64), |(events, bytes), one| {
            (events + 1, bytes + one.bytes.cast_signed())
        });
        diesel::update(installation_retention::table.find(installation.0))
            .set((
                installation_retention::listed_through.eq(through.0),
                installation_retention::events.eq(installation_retention::events + events),
                installation_retention::bytes.eq(installation_retention::bytes + bytes),
            ))
            .execute(connection)?;
    }
    Ok(StepDone {
        changed: found.len() as u64,
        ..StepDone::default()
    })
}

/// The oldest payloads of an installation that are whole become hashes.
pub(crate) fn hash(
    connection: &mut SqliteConnection,
    installation: InstallationId,
    through: Seq,
    events: usize,
) -> QueryResult<StepDone> {
    let hashed_through: i64 = installation_retention::table
        .find(installation.0)
        .select(installation_retention::hashed_through)
        .first(connection)?;
    let seqs: Vec<i64> = listed_event::table
        .filter(listed_event::installation_id.eq(installation.0))
        .filter(listed_event::seq.gt(hashed_through))
        .filter(listed_event::seq.le(through.0))
        .order(listed_event::seq)
        .limit(i64::try_from(events).unwrap_or(i64::MAX))
        .select(listed_event::seq)
        .load(connection)?;
    let mut done = StepDone::default();
    for &seq in &seqs {
        let payload: Option<Vec<u8>> = event::table
            .find(seq)
            .filter(event::kept.is_null())
            .select(event::payload)
            .first(connection)
            .optional()?;
        let Some(payload) = payload else { continue };
        let hashed = Kept::Hashed {
            sha256: Sha256::digest(&payload).into(),
            size_bytes: payload.len() as u64,
        };
        let (kept, bytes) = hashed.to_columns().unwrap_or_default();
        diesel::update(event::table.find(seq))
            .set((
                event::kept.eq(kept),
                event::payload.eq(bytes),
                // A chat of two is named like the person in it.
                event::chat.eq(None::<String>),
            ))
            .execute(connection)?;
        done.changed += 1;
        done.bytes += payload.len() as u64;
    }
    let through = match seqs.len() < events {
        true => through.0,
        false => seqs.last().copied().unwrap_or(through.0),
    };
    diesel::update(installation_retention::table.find(installation.0))
        .set(installation_retention::hashed_through.eq(through.max(hashed_through)))
        .execute(connection)?;
    Ok(done)
}

/// Gives an installation rules of its own, or takes them away.
pub(crate) fn declare(
    connection: &mut SqliteConnection,
    installation: InstallationId,
    rules: InstallationRetention,
) -> QueryResult<()> {
    let row = installation_retention::table.find(installation.0);
    if rules == InstallationRetention::default() {
        diesel::delete(row).execute(connection)?;
        diesel::delete(
            listed_event::table.filter(listed_event::installation_id.eq(installation.0)),
        )
        .execute(connection)?;
        return Ok(());
    }
    let bounds = (
        installation_retention::keep_ms.eq(rules.keep.age_ms),
        installation_retention::keep_bytes.eq(rules.keep.bytes.map(u64::cast_signed)),
        installation_retention::keep_events.eq(rules.keep.events.map(u64::cast_signed)),
        installation_retention::payload.eq(rules.payload.label()),
    );
    let changed = diesel::update(row).set(bounds).execute(connection)?;
    if changed == 0 {
        diesel::insert_into(installation_retention::table)
            .values((
                installation_retention::installation_id.eq(installation.0),
                bounds,
                installation_retention::listed_through.eq(0),
                installation_retention::hashed_through.eq(0),
                installation_retention::events.eq(0),
                installation_retention::bytes.eq(0),
            ))
            .execute(connection)?;
    }
    Ok(())
}
