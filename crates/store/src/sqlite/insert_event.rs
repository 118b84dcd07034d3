//! The insert of one event: the statement that runs for each of them.
//!
//! Diesel's own insert would do, but it gives no static id to one with a conflict clause, so that it
//! writes out the SQL of every row to find it in its cache, and walks the columns' names beside the
//! values. This one has one text and says so; it binds every column, always, in the text's order.

use diesel::query_builder::{AstPass, QueryFragment, QueryId};
use diesel::sql_types::{BigInt, Binary, Nullable, SmallInt, Text};
use diesel::sqlite::Sqlite;
use diesel::{QueryResult, RunQueryDsl, SqliteConnection};

use super::platform;
use crate::group::EventOwner;
use longwire_wire::event::{NewEvent, Seq};

/// Inserts one row; none where a unique key is taken.
pub(super) struct InsertEvent<'a> {
    seq: i64,
    installation: i64,
    event_key: &'a [u8],
    message_key: Option<&'a [u8]>,
    event_id: Option<&'a str>,
    event_type: Option<&'a str>,
    chat: Option<&'a str>,
    source: &'static str,
    received_ms: i64,
    created_ms: Option<i64>,
    trace_id: Option<&'a str>,
    payload: &'a [u8],
    platform: Option<i16>,
}

impl<'a> InsertEvent<'a> {
    pub(super) fn new(seq: Seq, owner: EventOwner, new: &'a NewEvent) -> Self {
        let message = new.identity.message.as_ref();
        Self {
            seq: seq.0,
            installation: owner.installation.0,
            event_key: &new.identity.event.0,
            message_key: message.map(|key| &key.0[..]),
            event_id: new.event_id.as_deref(),
            event_type: new.event_type.as_deref(),
            chat: new.chat.as_deref(),
            source: new.source.label(),
            received_ms: new.received_ms,
            created_ms: new.created_ms,
            trace_id: new.trace_id.as_deref(),
            payload: &new.payload,
            platform: owner.platform.map(platform::code),
        }
    }
}

impl QueryFragment<Sqlite> for InsertEvent<'_> {
    fn walk_ast<'b>(&'b self, mut pass: AstPass<'_, 'b, Sqlite>) -> QueryResult<()> {
        pass.push_sql(
            "INSERT INTO event (seq, installation_id, event_key, message_key, event_id, event_type, \
             chat, source, received_ms, created_ms, trace_id, payload, platform) VALUES (",
        );
        pass.push_bind_param::<BigInt, _>(&self.seq)?;
        pass.push_sql(",");
        pass.push_bind_param::<BigInt, _>(&self.installation)?;
        pass.push_sql(",");
        pass.push_bind_param::<Binary, _>(self.event_key)?;
        pass.push_sql(",");
        pass.push_bind_param::<Nullable<Binary>, _>(&self.message_key)?;
        pass.push_sql(",");
        pass.push_bind_param::<Nullable<Text>, _>(&self.event_id)?;
        pass.push_sql(",");
        pass.push_bind_param::<Nullable<Text>, _>(&self.event_type)?;
        pass.push_sql(",");
        pass.push_bind_param::<Nullable<Text>, _>(&self.chat)?;
        pass.push_sql(",");
        pass.push_bind_param::<Text, _>(self.source)?;
        pass.push_sql(",");
        pass.push_bind_param::<BigInt, _>(&self.received_ms)?;
        pass.push_sql(",");
        pass.push_bind_param::<Nullable<BigInt>, _>(&self.created_ms)?;
        pass.push_sql(",");
        pass.push_bind_param::<Nullable<Text>, _>(&self.trace_id)?;
        pass.push_sql(",");
        pass.push_bind_param::<Binary, _>(self.payload)?;
        pass.push_sql(",");
        pass.push_bind_param::<Nullable<SmallInt>, _>(&self.platform)?;
        pass.push_sql(") ON CONFLICT DO NOTHING");
        Ok(())
    }
}

impl QueryId for InsertEvent<'_> {
    type QueryId = InsertEvent<'static>;

    const HAS_STATIC_QUERY_ID: bool = true;
}

impl RunQueryDsl<SqliteConnection> for InsertEvent<'_> {}
