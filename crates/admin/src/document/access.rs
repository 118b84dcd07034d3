//! Tokens and the audit.

use std::borrow::Cow;

use longwire_access::{AuditAction, AuditRecord, Scopes, Space, TokenId, TokenName, TokenRecord};
use longwire_api::Timestamp;
use serde::{Deserialize, Serialize};

/// A token without its secret.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct TokenDocument {
    /// The public half of it.
    pub id: TokenId,
    /// What its owner calls it.
    pub name: TokenName,
    /// Whose it is.
    pub space: Space,
    /// What it may do.
    pub scopes: Scopes,
    /// Ids of the installations it may name; `null` for all of its space.
    pub installations: Option<Vec<String>>,
    /// `valid`, `expired` or `revoked`.
    pub state: Cow<'static, str>,
    /// When it was made.
    pub created: Timestamp,
    /// When it ends; `null` for never.
    pub expires: Option<Timestamp>,
    /// When it was revoked.
    pub revoked: Option<Timestamp>,
    /// When it was used last, to the minute.
    pub last_used: Option<Timestamp>,
}

impl TokenDocument {
    /// As it is at this time.
    pub fn of(record: &TokenRecord, now_ms: i64) -> Self {
        let state = match (record.revoked_ms, record.expires_ms) {
            (Some(_), _) => "revoked",
            (None, Some(expires_ms)) if now_ms >= expires_ms => "expired",
            (None, _) => "valid",
        };
        let installations = record.installations.as_ref();
        Self {
            id: record.id,
            name: record.name.clone(),
            space: record.space.clone(),
            scopes: record.scopes,
            installations: installations.map(|ids| ids.iter().map(ToString::to_string).collect()),
            state: state.into(),
            created: Timestamp::of_ms(record.created_ms),
            expires: record.expires_ms.map(Timestamp::of_ms),
            revoked: record.revoked_ms.map(Timestamp::of_ms),
            last_used: record.last_used_ms.map(Timestamp::of_ms),
        }
    }
}

/// `POST /tokens`: the only answer that ever holds the token. Not printable.
#[derive(Serialize, Deserialize)]
pub struct CreatedToken {
    /// The token itself, `lw_…`.
    pub token: String,
    /// What is kept of it.
    pub kept: TokenDocument,
}

/// A change that a caller asked for.
#[derive(Debug, Serialize, Deserialize)]
pub struct AuditDocument {
    /// Its place.
    pub id: i64,
    /// When it was answered.
    pub at: Timestamp,
    /// The token that was used; `null` for a command that had the store for itself.
    pub token: Option<TokenId>,
    /// What the token was called then.
    pub name: TokenName,
    /// Whose the token is.
    pub space: Space,
    /// What was asked for.
    pub action: AuditAction,
    /// Of what.
    pub subject: String,
    /// `done`, or the code of the problem that was answered.
    pub result: String,
}

impl From<&AuditRecord> for AuditDocument {
    fn from(AuditRecord { id, entry }: &AuditRecord) -> Self {
        Self {
            id: *id,
            at: Timestamp::of_ms(entry.at_ms),
            token: entry.token,
            name: entry.name.clone(),
            space: entry.space.clone(),
            action: entry.action,
            subject: entry.subject.to_string(),
            result: entry.result.as_str().to_owned(),
        }
    }
}
