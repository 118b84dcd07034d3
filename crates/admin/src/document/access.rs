//! Tokens and the audit.

use std::borrow::Cow;

use longwire_access::{AuditAction, AuditRecord, Scopes, Space, TokenId, TokenName, TokenRecord};
use serde::{Deserialize, Serialize};

/// `GET /tokens`: oldest first, revoked and expired ones too.
#[derive(Debug, Serialize, Deserialize)]
pub struct TokenPage {
    /// The tokens.
    pub data: Vec<TokenDocument>,
}

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
    pub created_ms: i64,
    /// When it ends; `null` for never.
    pub expires_ms: Option<i64>,
    /// When it was revoked.
    pub revoked_ms: Option<i64>,
    /// When it was used last, to the minute.
    pub last_used_ms: Option<i64>,
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
            created_ms: record.created_ms,
            expires_ms: record.expires_ms,
            revoked_ms: record.revoked_ms,
            last_used_ms: record.last_used_ms,
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

/// `GET /audit`.
#[derive(Debug, Serialize, Deserialize)]
pub struct AuditPage {
    /// Newest first.
    pub data: Vec<AuditDocument>,
    /// What `before` is for the next page.
    pub next: Option<i64>,
}

/// A change that a caller asked for.
#[derive(Debug, Serialize, Deserialize)]
pub struct AuditDocument {
    /// Its place.
    pub id: i64,
    /// When it was answered.
    pub at_ms: i64,
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
            at_ms: entry.at_ms,
            token: entry.token,
            name: entry.name.clone(),
            space: entry.space.clone(),
            action: entry.action,
            subject: entry.subject.to_string(),
            result: entry.result.as_str().to_owned(),
        }
    }
}
