//! A statement whose text never changes, found in Diesel's cache by its type.
//!
//! Diesel gives no static id to an insert with a conflict clause, so it would write out the SQL of
//! each row to look it up. The insert of an event binds every column, always, and its text is one:
//! here it says so.

use std::marker::PhantomData;

use diesel::query_builder::{AstPass, Query, QueryFragment, QueryId};
use diesel::sqlite::Sqlite;
use diesel::{QueryResult, RunQueryDsl, SqliteConnection};

/// The statement `statement`, known by the type `Name`. There must be one text per name.
pub(super) struct OneShape<Name, Statement> {
    statement: Statement,
    name: PhantomData<Name>,
}

impl<Name, Statement> OneShape<Name, Statement> {
    pub(super) fn new(statement: Statement) -> Self {
        Self {
            statement,
            name: PhantomData,
        }
    }
}

impl<Name: 'static, Statement> QueryId for OneShape<Name, Statement> {
    type QueryId = OneShape<Name, ()>;

    const HAS_STATIC_QUERY_ID: bool = true;
}

impl<Name, Statement: QueryFragment<Sqlite>> QueryFragment<Sqlite> for OneShape<Name, Statement> {
    fn walk_ast<'b>(&'b self, pass: AstPass<'_, 'b, Sqlite>) -> QueryResult<()> {
        self.statement.walk_ast(pass)
    }
}

impl<Name, Statement: Query> Query for OneShape<Name, Statement> {
    type SqlType = Statement::SqlType;
}

impl<Name, Statement> RunQueryDsl<SqliteConnection> for OneShape<Name, Statement> {}
