//! What is changed of consumers: the rules, which are the same for every engine. Each change has a revision of its own.

use longwire_access::Space;
use longwire_installation::Revision;

use super::secret::place;
use super::{
    ConsumerChange, ConsumerRecord, ConsumerState, FormerSecret, NewConsumer, SavedPosition,
};
use crate::cause::Failure;
use crate::clock::now_ms;
use crate::ids::ConsumerId;
use crate::seal::KeyRing;
use crate::write_error::WriteError;

/// The consumers within a transaction of the engine that keeps them.
pub(crate) trait ConsumerTable {
    /// All of them, oldest first.
    fn all(&mut self) -> Result<Vec<ConsumerRecord>, Failure>;

    /// The one of this name in this space.
    fn named(&mut self, space: &Space, name: &str) -> Result<Option<ConsumerRecord>, Failure>;

    /// The one in this row.
    fn of_id(&mut self, id: ConsumerId) -> Result<Option<ConsumerRecord>, Failure>;

    /// The number of the change that is about to be made.
    fn next_revision(&mut self) -> Result<Revision, Failure>;

    /// Writes a new row and its position; the row's number is given by the database, whatever the record says.
    fn add(
        &mut self,
        record: &ConsumerRecord,
        position: &SavedPosition,
    ) -> Result<ConsumerId, Failure>;

    /// Writes over the row of this record.
    fn write(&mut self, record: &ConsumerRecord) -> Result<(), Failure>;

    /// Takes away at most so many rows of a consumer's journeys; how many there were.
    fn forget_journeys(&mut self, id: ConsumerId, limit: usize) -> Result<usize, Failure>;

    /// Takes away the row and its position. Its journeys must be gone.
    fn forget(&mut self, id: ConsumerId) -> Result<(), Failure>;
}

/// Adds one whose name is free in its space.
pub(crate) fn add(
    table: &mut dyn ConsumerTable,
    keys: &KeyRing,
    new: NewConsumer,
) -> Result<ConsumerRecord, WriteError> {
    let taken = table.named(&new.space, new.name.as_str())?;
    if taken.is_some() {
        let name = new.name.to_string();
        return Err(WriteError::NameTaken { name });
    }
    let public_id = uuid::Uuid::now_v7();
    let secret = new.webhook_secret.as_ref();
    let sealed_secret = secret
        .map(|secret| keys.seal(secret, place(&public_id)))
        .transpose()?;
    let now = now_ms();
    let mut record = ConsumerRecord {
        id: ConsumerId(0),
        public_id,
        name: new.name,
        space: new.space,
        definition: new.definition,
        state: ConsumerState::Active,
        state_since_ms: now,
        revision: table.next_revision()?,
        created_ms: now,
        updated_ms: now,
        sealed_secret,
        former_secret: None,
    };
    record.id = table.add(&record, &new.position)?;
    Ok(record)
}

/// Changes what is said, and nothing else.
pub(crate) fn change(
    table: &mut dyn ConsumerTable,
    keys: &KeyRing,
    id: ConsumerId,
    change: ConsumerChange,
) -> Result<ConsumerRecord, WriteError> {
    let mut record = known(table, id)?;
    if change.expected.is_some_and(|seen| seen != record.revision) {
        let found = record.revision;
        return Err(WriteError::Outdated { found });
    }
    if let Some(definition) = change.definition {
        record.definition = definition;
    }
    if let Some(new) = change.webhook_secret {
        let sealed = keys.seal(&new.secret, place(&record.public_id))?;
        let former = record.sealed_secret.replace(sealed);
        record.former_secret = former
            .zip(new.former_until_ms)
            .map(|(sealed, until_ms)| FormerSecret { sealed, until_ms });
    }
    write(table, record)
}

/// Sets whether one is delivered to. The same state as before is no change.
pub(crate) fn set_state(
    table: &mut dyn ConsumerTable,
    id: ConsumerId,
    state: ConsumerState,
) -> Result<ConsumerRecord, WriteError> {
    let mut record = known(table, id)?;
    if record.state == state {
        return Ok(record);
    }
    record.state = state;
    record.state_since_ms = now_ms();
    write(table, record)
}

/// Takes away so many rows of its journeys; whether there may be no more of them.
pub(crate) fn forget_journeys(
    table: &mut dyn ConsumerTable,
    id: ConsumerId,
    rows: usize,
) -> Result<bool, WriteError> {
    known(table, id)?;
    Ok(table.forget_journeys(id, rows)? < rows)
}

/// Takes one away with all that belongs to it.
pub(crate) fn remove(
    table: &mut dyn ConsumerTable,
    id: ConsumerId,
    rows: usize,
) -> Result<(), WriteError> {
    while !forget_journeys(table, id, rows)? {}
    table.forget(id)?;
    Ok(())
}

fn known(table: &mut dyn ConsumerTable, id: ConsumerId) -> Result<ConsumerRecord, WriteError> {
    let record = table.of_id(id)?;
    record.ok_or(WriteError::UnknownConsumer { id })
}

fn write(
    table: &mut dyn ConsumerTable,
    mut record: ConsumerRecord,
) -> Result<ConsumerRecord, WriteError> {
    record.revision = table.next_revision()?;
    record.updated_ms = now_ms();
    table.write(&record)?;
    Ok(record)
}
