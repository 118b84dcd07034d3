//! Events into rows: one prepared insert each, inside the caller's transaction.
//!
//! The unique keys decide what is a repeat, in the same statement that records: there is no look
//! first, and so no race. A row that breaks another rule is undone by SQLite alone, its statement
//! only, and the batch goes on.

use diesel::SqliteConnection;
use diesel::prelude::*;
use longwire_wire::identity::{Identity, Tier};

use super::one_shape::OneShape;
use super::schema::event;
use crate::failure::Failure;
use crate::intake::Queued;
use crate::{Cause, InstallationId, NewEvent, Seq, Verdict};

/// What became of one event, once the transaction is committed.
pub(crate) enum Outcome {
    Verdict(Verdict),
    /// Refused by a rule of the schema, in the rule's words.
    Poison(String),
}

/// Names the statement of [`insert_one`] in Diesel's cache.
struct InsertEvent;

/// Inserts all events of all groups; one outcome each, in their order.
pub(crate) fn insert(
    connection: &mut SqliteConnection,
    groups: &[Queued],
) -> Result<Vec<Outcome>, Failure> {
    let events = groups.iter().map(|queued| queued.group.events.len()).sum();
    let mut outcomes = Vec::with_capacity(events);
    if events == 0 {
        return Ok(outcomes);
    }
    // Given by us rather than by SQLite, because to ask for each row's number afterwards costs a
    // fifth of the insert.
    let highest: Option<i64> = event::table
        .select(diesel::dsl::max(event::seq))
        .first(connection)?;
    let mut next = Seq(highest.unwrap_or(0) + 1);
    for Queued { group, .. } in groups {
        for new in &group.events {
            let outcome = match insert_one(connection, group.installation, new, next) {
                Ok(1) => {
                    let recorded = next;
                    next = Seq(next.0 + 1);
                    Outcome::Verdict(Verdict::Recorded(recorded))
                }
                Ok(_) => repeat(connection, group.installation, new)?,
                Err(error) => match Failure::from(error) {
                    Failure {
                        cause: Cause::Poison,
                        detail,
                    } => Outcome::Poison(detail),
                    failure => return Err(failure),
                },
            };
            outcomes.push(outcome);
        }
    }
    Ok(outcomes)
}

fn insert_one(
    connection: &mut SqliteConnection,
    installation: InstallationId,
    new: &NewEvent,
    seq: Seq,
) -> QueryResult<usize> {
    let statement = diesel::insert_into(event::table)
        .values((
            event::seq.eq(seq.0),
            event::installation_id.eq(installation.0),
            event::event_key.eq(&new.identity.event.0[..]),
            event::message_key.eq(new.identity.message.as_ref().map(|key| &key.0[..])),
            event::event_id.eq(new.event_id.as_deref()),
            event::event_type.eq(new.event_type.as_deref()),
            event::chat.eq(new.chat.as_deref()),
            event::source.eq(new.source.label()),
            event::received_ms.eq(new.received_ms),
            event::created_ms.eq(new.created_ms),
            event::trace_id.eq(new.trace_id.as_deref()),
            event::payload.eq(&new.payload[..]),
        ))
        .on_conflict_do_nothing();
    OneShape::<InsertEvent, _>::new(statement).execute(connection)
}

/// Finds the earlier one that an insert met, and counts the repeat there.
fn repeat(
    connection: &mut SqliteConnection,
    installation: InstallationId,
    new: &NewEvent,
) -> Result<Outcome, Failure> {
    let Some((of, tier)) = earlier(connection, installation, &new.identity)? else {
        // Only a row that another program wrote under our next number can do this.
        return Ok(Outcome::Poison("the sequence number is taken".to_owned()));
    };
    diesel::update(event::table.find(of.0))
        .set((
            event::repeats.eq(event::repeats + 1),
            event::last_repeat_ms.eq(new.received_ms),
        ))
        .execute(connection)?;
    Ok(Outcome::Verdict(Verdict::Repeat { of, tier }))
}

fn earlier(
    connection: &mut SqliteConnection,
    installation: InstallationId,
    identity: &Identity,
) -> QueryResult<Option<(Seq, Tier)>> {
    let own = event::table
        .filter(event::installation_id.eq(installation.0))
        .select(event::seq);
    let by_event: Option<i64> = own
        .filter(event::event_key.eq(&identity.event.0[..]))
        .first(connection)
        .optional()?;
    if let Some(seq) = by_event {
        return Ok(Some((Seq(seq), Tier::EventId)));
    }
    let Some(message) = &identity.message else {
        return Ok(None);
    };
    let by_message: Option<i64> = own
        .filter(event::message_key.eq(&message.0[..]))
        .first(connection)
        .optional()?;
    Ok(by_message.map(|seq| (Seq(seq), Tier::Message)))
}
