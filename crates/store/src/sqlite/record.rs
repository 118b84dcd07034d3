//! Events into rows: one prepared insert each, inside the caller's transaction.
//!
//! What is a repeat is decided by the [event index](crate::event_index) and, for a chat message
//! under another event id, by the unique key of the message. There is one writer, and both are
//! asked within its transaction, so nothing can come between the look and the record. A row that
//! breaks another rule is undone by SQLite alone, its statement only, and the batch goes on.

use diesel::SqliteConnection;
use diesel::prelude::*;
use longwire_wire::identity::{EventKey, Tier};

use super::event_index::find;
use super::insert_event::InsertEvent;
use super::schema::event;
use crate::event_index::{EventIndex, LogKey};
use crate::failure::Failure;
use crate::write_queue::Queued;
use crate::{Cause, NewEvent, RecordOutcome, Seq};
use longwire_installation::InstallationId;

/// What became of one event, once the transaction is committed.
pub(crate) enum EventOutcome {
    Recorded(RecordOutcome),
    /// Refused by a rule of the schema, in the rule's words.
    Poison(String),
}

/// Inserts all events of all groups; one outcome each, in their order.
pub(crate) fn insert(
    connection: &mut SqliteConnection,
    index: &mut EventIndex,
    groups: &[Queued],
) -> Result<Vec<EventOutcome>, Failure> {
    let events = groups.iter().map(|queued| queued.group.events.len()).sum();
    let mut outcomes = Vec::with_capacity(events);
    if events == 0 {
        return Ok(outcomes);
    }
    let highest: Option<i64> = event::table
        .select(diesel::dsl::max(event::seq))
        .first(connection)?;
    if highest != index.through().map(|seq| seq.0) {
        // The index knows nothing of rows that another process wrote, and so not of their repeats.
        return Err(Failure::new(
            Cause::Held,
            "another process wrote into the log",
        ));
    }
    // Given by us rather than by SQLite, because to ask for each row's number afterwards costs a
    // fifth of the insert.
    let mut next = index.next();
    for Queued { group, .. } in groups {
        for new in &group.events {
            let key = LogKey::of(group.installation, new.identity.event);
            let outcome = match find(connection, index, key, new.created_ms)? {
                Some(of) => repeat(connection, of, Tier::EventId, new)?,
                None => match InsertEvent::new(next, group.installation, new).execute(connection) {
                    Ok(1) => {
                        index.note(key, next, new.created_ms);
                        let recorded = next;
                        next = Seq(next.0 + 1);
                        EventOutcome::Recorded(RecordOutcome::Recorded(recorded))
                    }
                    Ok(_) => match earlier(connection, group.installation, new)? {
                        Some(of) => repeat(connection, of, Tier::Message, new)?,
                        // Only a row that another program wrote under our next number.
                        None => EventOutcome::Poison("the sequence number is taken".to_owned()),
                    },
                    Err(error) => match Failure::from(error) {
                        Failure {
                            cause: Cause::Poison,
                            detail,
                        } => EventOutcome::Poison(detail),
                        failure => return Err(failure),
                    },
                },
            };
            outcomes.push(outcome);
        }
    }
    Ok(outcomes)
}

/// Counts the repeat at the event it repeats.
fn repeat(
    connection: &mut SqliteConnection,
    of: Seq,
    tier: Tier,
    new: &NewEvent,
) -> Result<EventOutcome, Failure> {
    diesel::update(event::table.find(of.0))
        .set((
            event::repeats.eq(event::repeats + 1),
            event::last_repeat_ms.eq(new.received_ms),
        ))
        .execute(connection)?;
    Ok(EventOutcome::Recorded(RecordOutcome::Repeat { of, tier }))
}

/// The event of the same chat message.
fn earlier(
    connection: &mut SqliteConnection,
    installation: InstallationId,
    new: &NewEvent,
) -> QueryResult<Option<Seq>> {
    let Some(EventKey(message)) = &new.identity.message else {
        return Ok(None);
    };
    let seq: Option<i64> = event::table
        .filter(event::installation_id.eq(installation.0))
        .filter(event::message_key.eq(&message[..]))
        .select(event::seq)
        .first(connection)
        .optional()?;
    Ok(seq.map(Seq))
}
