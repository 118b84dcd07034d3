//! What people agreed to: the tokens with which an app acts for a person, one row per installation and person.
//!
//! The tokens are sealed before they are written. A refresh token holds for one call, so what it gave is written before it is
//! used. What ended keeps its row without tokens, so that an application can see why.

use std::fmt;

use longwire_installation::InstallationId;
use secrecy::SecretString;

use crate::cause::Failure;
use crate::clock::now_ms;
use crate::seal::{KeyRing, Place, SealError};
use crate::write_error::WriteError;

/// What a person agreed to, as it is kept.
#[derive(Clone, PartialEq, Eq)]
pub struct UserAuthorizationRecord {
    /// Whose app acts.
    pub installation: InstallationId,
    /// For whom: the person's `open_id` of that app.
    pub open_id: String,
    /// The scopes that were granted, with blanks between.
    pub scopes: String,
    /// When the person agreed, in milliseconds since 1970.
    pub authorized_ms: i64,
    /// Until when the access token holds.
    pub access_until_ms: i64,
    /// Until when the refresh token holds; none without one.
    pub refresh_until_ms: Option<i64>,
    /// Why it ended, as a stable word; none while it holds.
    pub ended: Option<String>,
    /// When it was written last.
    pub updated_ms: i64,
    pub(crate) sealed_tokens: Option<String>,
}

impl fmt::Debug for UserAuthorizationRecord {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("UserAuthorizationRecord")
            .field("installation", &self.installation)
            .field("open_id", &self.open_id)
            .field("ended", &self.ended)
            .finish_non_exhaustive()
    }
}

impl UserAuthorizationRecord {
    /// Its sealed tokens, unless it ended.
    pub(crate) fn sealed(&self) -> Option<&str> {
        self.sealed_tokens.as_deref()
    }
}

/// What a person agreed to, with tokens in clear.
pub struct NewUserAuthorization {
    /// Whose app acts.
    pub installation: InstallationId,
    /// For whom.
    pub open_id: String,
    /// The scopes that were granted, with blanks between.
    pub scopes: String,
    /// When the person agreed, in milliseconds since 1970.
    pub authorized_ms: i64,
    /// Until when the access token holds.
    pub access_until_ms: i64,
    /// Until when the refresh token holds; none without one.
    pub refresh_until_ms: Option<i64>,
    /// The tokens, in the form of whoever keeps them.
    pub tokens: SecretString,
}

/// The table within a transaction of the engine that keeps it.
pub(crate) trait UserAuthorizationTable {
    /// All of them.
    fn all(&mut self) -> Result<Vec<UserAuthorizationRecord>, Failure>;

    /// That of one person.
    fn of(
        &mut self,
        installation: InstallationId,
        open_id: &str,
    ) -> Result<Option<UserAuthorizationRecord>, Failure>;

    /// Writes over the person's row, or adds it.
    fn put(&mut self, row: &UserAuthorizationRecord) -> Result<(), Failure>;

    /// Takes rows away: that of one person, or all of an installation. How many there were.
    fn forget(
        &mut self,
        installation: InstallationId,
        open_id: Option<&str>,
    ) -> Result<usize, Failure>;
}

/// Keeps what a person agreed to, or what came of refreshing it.
pub(crate) fn put(
    table: &mut dyn UserAuthorizationTable,
    keys: &KeyRing,
    new: &NewUserAuthorization,
) -> Result<UserAuthorizationRecord, WriteError> {
    let row = row_of(new.installation, &new.open_id);
    let sealed = keys.seal(&new.tokens, place(&row))?;
    let record = UserAuthorizationRecord {
        installation: new.installation,
        open_id: new.open_id.clone(),
        scopes: new.scopes.clone(),
        authorized_ms: new.authorized_ms,
        access_until_ms: new.access_until_ms,
        refresh_until_ms: new.refresh_until_ms,
        ended: None,
        updated_ms: now_ms(),
        sealed_tokens: Some(sealed),
    };
    table.put(&record)?;
    Ok(record)
}

/// It ended for this reason: its tokens are wiped. Whether it held until now.
pub(crate) fn end(
    table: &mut dyn UserAuthorizationTable,
    installation: InstallationId,
    open_id: &str,
    why: &str,
) -> Result<bool, WriteError> {
    let Some(mut record) = table.of(installation, open_id)? else {
        return Ok(false);
    };
    if record.ended.is_some() {
        return Ok(false);
    }
    record.ended = Some(why.to_owned());
    record.sealed_tokens = None;
    record.updated_ms = now_ms();
    table.put(&record)?;
    Ok(true)
}

/// The tokens in clear; none of one that ended.
pub(crate) fn open_tokens(
    keys: &KeyRing,
    record: &UserAuthorizationRecord,
) -> Result<Option<SecretString>, SealError> {
    let Some(sealed) = &record.sealed_tokens else {
        return Ok(None);
    };
    let row = row_of(record.installation, &record.open_id);
    keys.open(sealed, place(&row)).map(Some)
}

/// Seals all tokens again, with the newest key. How many there were.
pub(crate) fn reseal(
    table: &mut dyn UserAuthorizationTable,
    keys: &KeyRing,
) -> Result<usize, WriteError> {
    let mut count = 0;
    for mut record in table.all()? {
        let Some(tokens) = open_tokens(keys, &record)? else {
            continue;
        };
        let row = row_of(record.installation, &record.open_id);
        record.sealed_tokens = Some(keys.seal(&tokens, place(&row))?);
        table.put(&record)?;
        count += 1;
    }
    Ok(count)
}

/// The row's name in its seal.
fn row_of(installation: InstallationId, open_id: &str) -> Vec<u8> {
    [&installation.0.to_be_bytes()[..], open_id.as_bytes()].concat()
}

fn place(row: &[u8]) -> Place<'_> {
    Place {
        table: "user_authorization",
        row,
        column: "tokens",
    }
}
