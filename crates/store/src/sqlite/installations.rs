//! Installations in the database. Their secrets are read as they are stored, sealed, and opened one by one.

mod displacement;
mod row;
mod standing;
mod table;

use std::collections::HashMap;

use diesel::SqliteConnection;
use diesel::prelude::*;
use longwire_installation::{Desired, InstallationId, PublicId, Revision};

use self::row::InstallationRow;
use super::schema::{installation, taken_back};
use crate::consumer::ConsumerRecord;
use crate::installation::InstallationRecord;
use crate::seal::key_id;
use crate::user_authorization::UserAuthorizationRecord;

pub(crate) use self::displacement::keep_displacement;

/// The rows of installations: all but the one that nobody's events refer to, and those that were removed.
#[diesel::dsl::auto_type(no_type_alias)]
fn shown() -> _ {
    let nobody: i64 = InstallationId::NONE.0;
    installation::table
        .filter(installation::id.ne(nobody))
        .filter(installation::removed_ms.is_null())
}

/// The installations that changed after `revision`, oldest first.
pub(crate) fn changed_after(
    connection: &mut SqliteConnection,
    Revision(revision): Revision,
) -> QueryResult<Vec<InstallationRecord>> {
    let rows: Vec<InstallationRow> = shown()
        .filter(installation::revision.gt(revision))
        .order(installation::id)
        .select(InstallationRow::as_select())
        .load(connection)?;
    let changed = installation::table
        .filter(installation::revision.gt(revision))
        .select(installation::id);
    let times = taken_back::table
        .filter(taken_back::installation_id.eq_any(changed))
        .order((taken_back::installation_id, taken_back::at_ms))
        .load(connection)?;
    with_times(connection, rows, times)
}

/// All that there ever were, oldest first.
pub(crate) fn every(connection: &mut SqliteConnection) -> QueryResult<Vec<InstallationRecord>> {
    let rows: Vec<InstallationRow> = installation::table
        .filter(installation::id.ne(InstallationId::NONE.0))
        .order(installation::id)
        .select(InstallationRow::as_select())
        .load(connection)?;
    let times = taken_back::table
        .order((taken_back::installation_id, taken_back::at_ms))
        .load(connection)?;
    with_times(connection, rows, times)
}

/// The records of these rows, with the times at which their bots were taken back, and how they stand to the file.
fn with_times(
    connection: &mut SqliteConnection,
    rows: Vec<InstallationRow>,
    times: Vec<(i64, i64)>,
) -> QueryResult<Vec<InstallationRecord>> {
    let mut taken_back: HashMap<i64, Vec<i64>> = HashMap::new();
    for (installation, at_ms) in times {
        taken_back.entry(installation).or_default().push(at_ms);
    }
    let mut standings = standing::all(connection)?;
    rows.into_iter()
        .map(|row| {
            let times = taken_back.remove(&row.id).unwrap_or_default();
            let standing = standings.remove(&row.id).flatten();
            row.with(times, standing)
        })
        .collect()
}

/// The one with this public id or name.
pub(crate) fn find(
    connection: &mut SqliteConnection,
    id_or_name: &str,
) -> QueryResult<Option<InstallationRecord>> {
    let rows = shown().select(InstallationRow::as_select());
    let row: QueryResult<InstallationRow> = match id_or_name.parse::<PublicId>() {
        Ok(id) => rows
            .filter(installation::public_id.eq(id.as_bytes().to_vec()))
            .first(connection),
        Err(_) => rows
            .filter(installation::name.eq(id_or_name))
            .first(connection),
    };
    with_its_times(connection, row)
}

/// The one in this row.
pub(crate) fn of_id(
    connection: &mut SqliteConnection,
    id: InstallationId,
) -> QueryResult<Option<InstallationRecord>> {
    let row = shown()
        .filter(installation::id.eq(id.0))
        .select(InstallationRow::as_select())
        .first(connection);
    with_its_times(connection, row)
}

fn with_its_times(
    connection: &mut SqliteConnection,
    row: QueryResult<InstallationRow>,
) -> QueryResult<Option<InstallationRecord>> {
    let Some(row) = row.optional()? else {
        return Ok(None);
    };
    let times = taken_back::table
        .filter(taken_back::installation_id.eq(row.id))
        .order(taken_back::at_ms)
        .select(taken_back::at_ms)
        .load(connection)?;
    let standing = standing::of(connection, row.id)?;
    row.with(times, standing).map(Some)
}

/// How many are to be connected.
pub(crate) fn count_wanted(connection: &mut SqliteConnection) -> QueryResult<u64> {
    let count: i64 = shown()
        .filter(installation::desired.eq(Desired::Run.label()))
        .count()
        .get_result(connection)?;
    Ok(count.cast_unsigned())
}

/// Proxy, verification token, encrypt key and candidate.
type FourSecrets = (
    Option<String>,
    Option<String>,
    Option<String>,
    Option<String>,
);

/// How many secrets each key has sealed.
pub(crate) fn sealed_with(connection: &mut SqliteConnection) -> QueryResult<Vec<(String, usize)>> {
    let rows: Vec<(String, [Option<String>; 4])> = installation::table
        .filter(installation::id.ne(InstallationId::NONE.0))
        .select((
            installation::secret,
            (
                installation::proxy,
                installation::verification_token,
                installation::encrypt_key,
                installation::candidate_secret,
            ),
        ))
        .load::<(String, FourSecrets)>(connection)?
        .into_iter()
        .map(|(secret, (a, b, c, d))| (secret, [a, b, c, d]))
        .collect();
    let of_installations = rows.iter().flat_map(|(secret, others)| {
        let others = others.iter().flatten().map(String::as_str);
        std::iter::once(&**secret).chain(others)
    });
    let people = super::user_authorizations::all(connection)?;
    let consumers = super::consumers::all(connection)?;
    let of_consumers = consumers.iter().flat_map(ConsumerRecord::sealed);
    let of_people = people.iter().filter_map(UserAuthorizationRecord::sealed);
    let mut keys: Vec<(String, usize)> = Vec::new();
    for sealed in of_installations.chain(of_consumers).chain(of_people) {
        let id = key_id(sealed).unwrap_or_default();
        match keys.iter_mut().find(|(known, _)| known == id) {
            Some((_, count)) => *count += 1,
            None => keys.push((id.to_owned(), 1)),
        }
    }
    Ok(keys)
}
