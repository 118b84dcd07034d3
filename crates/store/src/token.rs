//! Tokens as the store keeps them, and what is changed of them.

use longwire_access::{NewToken, TokenId, TokenRecord, TokenText};

use crate::cause::Failure;
use crate::clock::now_ms;
use crate::write_error::WriteError;

const MINUTE_MS: i64 = 60_000;

/// When a token was last used.
#[derive(Copy, Clone, Debug, Eq, PartialEq)]
pub(crate) struct TokenUse {
    pub(crate) token: TokenId,
    /// In milliseconds since 1970, to the minute.
    pub(crate) used_ms: i64,
}

impl TokenUse {
    pub(crate) fn at(token: TokenId, now_ms: i64) -> Self {
        let used_ms = now_ms.saturating_sub(now_ms.rem_euclid(MINUTE_MS));
        Self { token, used_ms }
    }
}

/// The tokens within a transaction of the engine that keeps them.
pub(crate) trait TokenTable {
    /// Writes a new row; `false` if there is one of its id.
    fn add(&mut self, record: &TokenRecord) -> Result<bool, Failure>;

    /// The one of this id.
    fn of_id(&mut self, id: TokenId) -> Result<Option<TokenRecord>, Failure>;

    /// Writes when one was revoked, unless it was before.
    fn revoke(&mut self, id: TokenId, revoked_ms: i64) -> Result<(), Failure>;
}

/// What is kept of a new token.
pub(crate) fn record_of(new: NewToken, text: &TokenText) -> TokenRecord {
    TokenRecord {
        id: text.id(),
        digest: text.digest(),
        name: new.name,
        space: new.space,
        scopes: new.scopes,
        installations: new.installations,
        created_ms: now_ms(),
        expires_ms: new.expires_ms,
        revoked_ms: None,
        last_used_ms: None,
    }
}

/// Keeps a new token.
pub(crate) fn create(
    table: &mut dyn TokenTable,
    record: TokenRecord,
) -> Result<TokenRecord, WriteError> {
    if table.add(&record)? {
        Ok(record)
    } else {
        let name = record.id.to_string();
        Err(WriteError::NameTaken { name })
    }
}

/// Revokes one. To revoke it again changes nothing.
pub(crate) fn revoke(table: &mut dyn TokenTable, id: TokenId) -> Result<TokenRecord, WriteError> {
    table.revoke(id, now_ms())?;
    let record = table.of_id(id)?;
    record.ok_or(WriteError::UnknownToken { id })
}
