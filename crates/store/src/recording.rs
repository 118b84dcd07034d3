//! Events of a batch into the log, inside an engine's transaction: what is new, and what repeats which event.
//!
//! What is a repeat is decided by the [event index](crate::event_index) and, for a chat message under another event id, by
//! the unique key of the message. There is one writer, and both are asked within its transaction, so nothing can come
//! between the question and the record. A row that breaks another rule is refused alone, and the batch goes on.

use longwire_wire::event::{NewEvent, Seq};
use longwire_wire::identity::{EventKey, Tier};

use crate::cause::{Cause, Failure};
use crate::event_index::{EventIndex, IndexPages, LogKey};
use crate::group::EventOwner;
use crate::receipt::{EventOutcome, RecordOutcome};
use crate::write_queue::Queued;
use longwire_installation::InstallationId;

/// The events of the log within a transaction. Called for each event, so an engine's own table is used without `dyn`.
pub(crate) trait EventTable: IndexPages {
    /// The number of the newest event.
    fn newest(&mut self) -> Result<Option<Seq>, Failure>;

    /// Adds a row, unless a unique key is taken or a rule forbids it.
    fn insert(&mut self, seq: Seq, owner: EventOwner, new: &NewEvent) -> Result<Inserted, Failure>;

    /// The event of this chat message.
    fn of_message(
        &mut self,
        installation: InstallationId,
        message: EventKey,
    ) -> Result<Option<Seq>, Failure>;

    /// Counts a repeat at the event that it repeats.
    fn count_repeat(&mut self, of: Seq, at_ms: i64) -> Result<(), Failure>;
}

/// What became of a row that was to be added.
pub(crate) enum Inserted {
    Yes,
    /// A unique key is taken.
    KeyTaken,
    /// A rule of the schema forbids it; the rule's words.
    Refused(String),
}

/// Records all events of all groups; one outcome each, in their order.
pub(crate) fn record_groups<T: EventTable>(
    table: &mut T,
    index: &mut EventIndex,
    groups: &[Queued],
) -> Result<Vec<EventOutcome>, Failure> {
    let events = groups.iter().map(|queued| queued.group.events.len()).sum();
    let mut outcomes = Vec::with_capacity(events);
    if events == 0 {
        return Ok(outcomes);
    }
    if table.newest()? != index.through() {
        // The index knows nothing of rows that another process wrote, and so not of their repeats.
        return Err(Failure::new(
            Cause::Held,
            "another process wrote into the log",
        ));
    }
    for Queued { group, .. } in groups {
        let owner = group.owner();
        for new in &group.events {
            outcomes.push(record(table, index, owner, new)?);
        }
    }
    Ok(outcomes)
}

fn record<T: EventTable>(
    table: &mut T,
    index: &mut EventIndex,
    owner: EventOwner,
    new: &NewEvent,
) -> Result<EventOutcome, Failure> {
    let installation = owner.installation;
    let key = LogKey::of(installation, new.identity.event);
    if let Some(of) = index.find(table, key, new.created_ms)? {
        return repeat(table, of, Tier::EventId, new);
    }
    // Given by us rather than by the database, because to ask for each row's number afterwards costs a fifth of the insert.
    let seq = index.next();
    match table.insert(seq, owner, new)? {
        Inserted::Yes => {
            index.note(key, seq, new.created_ms);
            Ok(EventOutcome::Recorded(RecordOutcome::Recorded(seq)))
        }
        Inserted::KeyTaken => {
            let earlier = match new.identity.message {
                Some(message) => table.of_message(installation, message)?,
                None => None,
            };
            match earlier {
                Some(of) => repeat(table, of, Tier::Message, new),
                // Only a row that another program wrote under our next number.
                None => Ok(EventOutcome::Poison(
                    "the sequence number is taken".to_owned(),
                )),
            }
        }
        Inserted::Refused(rule) => Ok(EventOutcome::Poison(rule)),
    }
}

fn repeat<T: EventTable>(
    table: &mut T,
    of: Seq,
    tier: Tier,
    new: &NewEvent,
) -> Result<EventOutcome, Failure> {
    table.count_repeat(of, new.received_ms)?;
    Ok(EventOutcome::Recorded(RecordOutcome::Repeat { of, tier }))
}
