//! Which keys have sealed what is in the table `installation`.

use diesel::SqliteConnection;
use diesel::prelude::*;

use crate::seal::key_id;
use crate::sqlite::schema::installation;

/// How many secrets each key has sealed.
pub(crate) fn sealed_with(connection: &mut SqliteConnection) -> QueryResult<Vec<(String, usize)>> {
    let rows: Vec<(String, Option<String>)> = installation::table
        .select((installation::secret, installation::proxy))
        .load(connection)?;
    let mut keys: Vec<(String, usize)> = Vec::new();
    for sealed in rows
        .iter()
        .flat_map(|(secret, proxy)| std::iter::once(secret).chain(proxy))
    {
        let id = key_id(sealed).unwrap_or_default();
        match keys.iter_mut().find(|(known, _)| known == id) {
            Some((_, count)) => *count += 1,
            None => keys.push((id.to_owned(), 1)),
        }
    }
    Ok(keys)
}
