//! Tokens in the database.

use diesel::SqliteConnection;
use diesel::prelude::*;
use longwire_access::{Space, TokenDigest, TokenId, TokenName, TokenRecord};
use longwire_installation::PublicId;

use super::schema::token;
use crate::cause::Failure;
use crate::token::{TokenTable, TokenUse};

/// The bytes of a public id.
const ID_BYTES: usize = 16;

#[derive(Queryable, Selectable)]
#[diesel(table_name = token)]
struct TokenRow {
    id: Vec<u8>,
    digest: Vec<u8>,
    name: String,
    space: String,
    scopes: String,
    installations: Option<Vec<u8>>,
    created_ms: i64,
    expires_ms: Option<i64>,
    revoked_ms: Option<i64>,
    last_used_ms: Option<i64>,
}

impl TryFrom<TokenRow> for TokenRecord {
    type Error = diesel::result::Error;

    fn try_from(row: TokenRow) -> QueryResult<Self> {
        let foreign = |what: &str| diesel::result::Error::DeserializationError(what.into());
        let id = row.id.try_into();
        let digest = row.digest.try_into();
        Ok(Self {
            id: TokenId::from_bytes(id.map_err(|_| foreign("a token's id of another length"))?),
            digest: TokenDigest::from_bytes(
                digest.map_err(|_| foreign("a token's digest of another length"))?,
            ),
            name: TokenName::from_row(row.name),
            space: Space::from_row(row.space),
            scopes: (row.scopes.parse()).map_err(|_| foreign("an unknown scope of a token"))?,
            installations: row.installations.map(|ids| ids_of(&ids)),
            created_ms: row.created_ms,
            expires_ms: row.expires_ms,
            revoked_ms: row.revoked_ms,
            last_used_ms: row.last_used_ms,
        })
    }
}

fn ids_of(bytes: &[u8]) -> Box<[PublicId]> {
    let (ids, _rest) = bytes.as_chunks::<ID_BYTES>();
    ids.iter().map(|id| PublicId::from_bytes(*id)).collect()
}

/// All of them, oldest first.
pub(super) fn all(connection: &mut SqliteConnection) -> QueryResult<Vec<TokenRecord>> {
    let rows: Vec<TokenRow> = token::table
        .order((token::created_ms, token::id))
        .select(TokenRow::as_select())
        .load(connection)?;
    rows.into_iter().map(TokenRecord::try_from).collect()
}

/// Keeps when one was last used, within the caller's transaction.
pub(super) fn used(connection: &mut SqliteConnection, used: TokenUse) -> QueryResult<()> {
    diesel::update(token::table.find(&used.token.as_bytes()[..]))
        .set(token::last_used_ms.eq(used.used_ms))
        .execute(connection)
        .map(drop)
}

impl TokenTable for SqliteConnection {
    fn add(&mut self, record: &TokenRecord) -> Result<bool, Failure> {
        let ids = record.installations.as_ref();
        let ids = ids.map(|ids| ids.iter().flat_map(PublicId::as_bytes).copied());
        let added = diesel::insert_or_ignore_into(token::table)
            .values((
                token::id.eq(&record.id.as_bytes()[..]),
                token::digest.eq(&record.digest.as_bytes()[..]),
                token::name.eq(record.name.as_str()),
                token::space.eq(record.space.as_str()),
                token::scopes.eq(record.scopes.to_string()),
                token::installations.eq(ids.map(Iterator::collect::<Vec<u8>>)),
                token::created_ms.eq(record.created_ms),
                token::expires_ms.eq(record.expires_ms),
                token::revoked_ms.eq(record.revoked_ms),
                token::last_used_ms.eq(record.last_used_ms),
            ))
            .execute(self)?;
        Ok(added > 0)
    }

    fn of_id(&mut self, id: TokenId) -> Result<Option<TokenRecord>, Failure> {
        let row: Option<TokenRow> = token::table
            .find(&id.as_bytes()[..])
            .select(TokenRow::as_select())
            .first(self)
            .optional()?;
        Ok(row.map(TokenRecord::try_from).transpose()?)
    }

    fn revoke(&mut self, id: TokenId, revoked_ms: i64) -> Result<(), Failure> {
        let valid = token::table
            .find(&id.as_bytes()[..])
            .filter(token::revoked_ms.is_null());
        diesel::update(valid)
            .set(token::revoked_ms.eq(revoked_ms))
            .execute(self)?;
        Ok(())
    }
}
