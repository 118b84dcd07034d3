//! Who has a bot of which only one client at a time can be connected.

use diesel::SqliteConnection;
use diesel::prelude::*;

use crate::displacement::Displacement;
use crate::sqlite::schema::{installation, taken_back};

/// Keeps who has the bot, within the caller's transaction. One of an unknown installation is left out.
pub(crate) fn keep_displacement(
    connection: &mut SqliteConnection,
    displacement: &Displacement,
) -> QueryResult<()> {
    let id = displacement.installation.0;
    let claims: Option<i64> = installation::table
        .find(id)
        .select(installation::claims)
        .first(connection)
        .optional()?;
    let Some(claims) = claims else {
        return Ok(());
    };
    if claims.cast_unsigned() == displacement.claims {
        diesel::update(installation::table.find(id))
            .set(installation::displaced_ms.eq(displacement.displaced_ms))
            .execute(connection)?;
    }
    diesel::delete(taken_back::table.filter(taken_back::installation_id.eq(id)))
        .execute(connection)?;
    for at_ms in &displacement.taken_back_ms {
        // Two at once are one: a clock that was set may give a time twice.
        diesel::replace_into(taken_back::table)
            .values((
                taken_back::installation_id.eq(id),
                taken_back::at_ms.eq(at_ms),
            ))
            .execute(connection)?;
    }
    Ok(())
}
