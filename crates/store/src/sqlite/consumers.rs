//! Consumers and their positions in the database.

use bytes::Bytes;
use diesel::SqliteConnection;
use diesel::prelude::*;
use longwire_access::Space;
use longwire_installation::{Name, Revision};
use longwire_wire::event::Seq;
use uuid::Uuid;

use super::schema::{consumer, consumer_position, journey};
use super::tables::next_revision;
use crate::cause::Failure;
use crate::clock::now_ms;
use crate::consumer::{ConsumerRecord, ConsumerState, ConsumerTable, FormerSecret, SavedPosition};
use crate::ids::ConsumerId;

/// A row as it is read.
#[derive(Queryable, Selectable)]
#[diesel(table_name = consumer)]
struct ConsumerRow {
    id: i64,
    public_id: Vec<u8>,
    space: String,
    name: String,
    definition: String,
    secret: Option<String>,
    former_secret: Option<String>,
    former_until_ms: Option<i64>,
    state: String,
    state_reason: Option<String>,
    state_since_ms: i64,
    revision: i64,
    created_ms: i64,
    updated_ms: i64,
}

/// A row as it is written, but its number.
#[derive(Insertable, AsChangeset)]
#[diesel(table_name = consumer, treat_none_as_default_value = false, treat_none_as_null = true)]
struct ConsumerColumns<'a> {
    public_id: &'a [u8],
    space: &'a str,
    name: &'a str,
    definition: &'a str,
    secret: Option<&'a str>,
    former_secret: Option<&'a str>,
    former_until_ms: Option<i64>,
    state: &'a str,
    state_reason: Option<&'a str>,
    state_since_ms: i64,
    revision: i64,
    created_ms: i64,
    updated_ms: i64,
}

impl<'a> ConsumerColumns<'a> {
    fn of(record: &'a ConsumerRecord) -> Self {
        let former = record.former_secret.as_ref();
        Self {
            public_id: record.public_id.as_bytes(),
            space: record.space.as_str(),
            name: record.name.as_str(),
            definition: &record.definition,
            secret: record.sealed_secret.as_deref(),
            former_secret: former.map(|former| &*former.sealed),
            former_until_ms: former.map(|former| former.until_ms),
            state: record.state.label(),
            state_reason: record.state.reason(),
            state_since_ms: record.state_since_ms,
            revision: record.revision.0,
            created_ms: record.created_ms,
            updated_ms: record.updated_ms,
        }
    }
}

impl TryFrom<ConsumerRow> for ConsumerRecord {
    type Error = diesel::result::Error;

    fn try_from(row: ConsumerRow) -> QueryResult<Self> {
        let foreign = |what: &str| diesel::result::Error::DeserializationError(what.into());
        let former = row.former_secret.zip(row.former_until_ms);
        Ok(Self {
            id: ConsumerId(row.id),
            public_id: Uuid::from_slice(&row.public_id)
                .map_err(|_| foreign("a consumer's id of another length"))?,
            name: Name::from_row(row.name),
            space: Space::from_row(row.space),
            definition: row.definition,
            state: ConsumerState::of_row(&row.state, row.state_reason)
                .ok_or_else(|| foreign("an unknown state of a consumer"))?,
            state_since_ms: row.state_since_ms,
            revision: Revision(row.revision),
            created_ms: row.created_ms,
            updated_ms: row.updated_ms,
            sealed_secret: row.secret,
            former_secret: former.map(|(sealed, until_ms)| FormerSecret { sealed, until_ms }),
        })
    }
}

/// All of them, oldest first.
pub(super) fn all(connection: &mut SqliteConnection) -> QueryResult<Vec<ConsumerRecord>> {
    let rows: Vec<ConsumerRow> = consumer::table
        .order(consumer::id)
        .select(ConsumerRow::as_select())
        .load(connection)?;
    rows.into_iter().map(ConsumerRecord::try_from).collect()
}

/// The one of this name in this space.
pub(super) fn named(
    connection: &mut SqliteConnection,
    space: &Space,
    name: &str,
) -> QueryResult<Option<ConsumerRecord>> {
    let row: Option<ConsumerRow> = consumer::table
        .filter(consumer::space.eq(space.as_str()))
        .filter(consumer::name.eq(name))
        .select(ConsumerRow::as_select())
        .first(connection)
        .optional()?;
    row.map(ConsumerRecord::try_from).transpose()
}

/// How far one has come.
pub(super) fn position(
    connection: &mut SqliteConnection,
    id: ConsumerId,
) -> QueryResult<Option<SavedPosition>> {
    let row: Option<(i64, Vec<u8>)> = consumer_position::table
        .find(id.0)
        .select((consumer_position::floor, consumer_position::state))
        .first(connection)
        .optional()?;
    Ok(row.map(|(floor, state)| SavedPosition {
        floor: Seq(floor),
        state: Bytes::from(state),
    }))
}

/// Keeps how far one has come, within the caller's transaction. That of a consumer which is gone is left out.
pub(super) fn keep_position(
    connection: &mut SqliteConnection,
    id: ConsumerId,
    position: &SavedPosition,
) -> QueryResult<()> {
    diesel::update(consumer_position::table.find(id.0))
        .set((
            consumer_position::floor.eq(position.floor.0),
            consumer_position::state.eq(&position.state[..]),
            consumer_position::updated_ms.eq(now_ms()),
        ))
        .execute(connection)
        .map(drop)
}

impl ConsumerTable for SqliteConnection {
    fn all(&mut self) -> Result<Vec<ConsumerRecord>, Failure> {
        Ok(all(self)?)
    }

    fn named(&mut self, space: &Space, name: &str) -> Result<Option<ConsumerRecord>, Failure> {
        Ok(named(self, space, name)?)
    }

    fn of_id(&mut self, id: ConsumerId) -> Result<Option<ConsumerRecord>, Failure> {
        let row: Option<ConsumerRow> = consumer::table
            .find(id.0)
            .select(ConsumerRow::as_select())
            .first(self)
            .optional()?;
        Ok(row.map(ConsumerRecord::try_from).transpose()?)
    }

    fn next_revision(&mut self) -> Result<Revision, Failure> {
        next_revision(self)
    }

    fn add(
        &mut self,
        record: &ConsumerRecord,
        position: &SavedPosition,
    ) -> Result<ConsumerId, Failure> {
        let id: i64 = diesel::insert_into(consumer::table)
            .values(ConsumerColumns::of(record))
            .returning(consumer::id)
            .get_result(self)?;
        diesel::insert_into(consumer_position::table)
            .values((
                consumer_position::consumer_id.eq(id),
                consumer_position::floor.eq(position.floor.0),
                consumer_position::state.eq(&position.state[..]),
                consumer_position::updated_ms.eq(record.created_ms),
            ))
            .execute(self)?;
        Ok(ConsumerId(id))
    }

    fn write(&mut self, record: &ConsumerRecord) -> Result<(), Failure> {
        diesel::update(consumer::table.find(record.id.0))
            .set(ConsumerColumns::of(record))
            .execute(self)?;
        Ok(())
    }

    fn forget_journeys(&mut self, id: ConsumerId, limit: usize) -> Result<usize, Failure> {
        let rows = journey::table
            .filter(journey::consumer_id.eq(id.0))
            .order(journey::id)
            .limit(i64::try_from(limit).unwrap_or(i64::MAX))
            .select(journey::id);
        let ids: Vec<i64> = rows.load(self)?;
        diesel::delete(journey::table.filter(journey::id.eq_any(ids)))
            .execute(self)
            .map_err(Failure::from)
    }

    fn forget(&mut self, id: ConsumerId) -> Result<(), Failure> {
        diesel::delete(consumer_position::table.find(id.0)).execute(self)?;
        diesel::delete(consumer::table.find(id.0)).execute(self)?;
        Ok(())
    }
}
