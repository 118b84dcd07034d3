//! Numbers that are given to no event, because a log that was lost may have given them.

use diesel::SqliteConnection;
use diesel::prelude::*;
use longwire_wire::event::Seq;

use super::schema::number_gap;
use crate::number_gap::NumberGap;

/// All of them, oldest first.
pub(crate) fn all(connection: &mut SqliteConnection) -> QueryResult<Vec<NumberGap>> {
    let rows: Vec<(i64, i64)> = number_gap::table
        .order(number_gap::after_seq)
        .load(connection)?;
    let gap = |(after, through)| NumberGap { after, through };
    Ok(rows.into_iter().map(gap).collect())
}

/// The newest number that may have been given to an event which is not in the log. `None` for a log that was never restored.
pub(crate) fn given(connection: &mut SqliteConnection) -> QueryResult<Option<Seq>> {
    let given: Option<i64> = number_gap::table
        .select(diesel::dsl::max(number_gap::through_seq))
        .first(connection)?;
    Ok(given.map(Seq))
}

/// Leaves these numbers out. A gap that begins at the same event is replaced: nothing was recorded behind it.
pub(crate) fn leave_out(connection: &mut SqliteConnection, gap: NumberGap) -> QueryResult<()> {
    diesel::replace_into(number_gap::table)
        .values((
            number_gap::after_seq.eq(gap.after),
            number_gap::through_seq.eq(gap.through),
        ))
        .execute(connection)
        .map(drop)
}
