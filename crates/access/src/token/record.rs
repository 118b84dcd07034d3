//! What is kept of a token.

use longwire_installation::PublicId;

use super::{TokenDigest, TokenId};
use crate::{Scopes, Space, TokenName};

/// A token that is to be made. Its text is made beside it and never kept.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NewToken {
    /// What its owner calls it. Names need not be unique.
    pub name: TokenName,
    /// Whose it is.
    pub space: Space,
    /// What it may do.
    pub scopes: Scopes,
    /// The installations it may name; `None` for all of its space.
    pub installations: Option<Box<[PublicId]>>,
    /// When it ends, in milliseconds since 1970; `None` for never.
    pub expires_ms: Option<i64>,
}

/// A token as it is kept.
#[derive(Clone, Debug)]
pub struct TokenRecord {
    /// Its public half.
    pub id: TokenId,
    /// The SHA-256 of its text.
    pub digest: TokenDigest,
    /// What its owner calls it.
    pub name: TokenName,
    /// Whose it is.
    pub space: Space,
    /// What it may do.
    pub scopes: Scopes,
    /// The installations it may name; `None` for all of its space.
    pub installations: Option<Box<[PublicId]>>,
    /// When it was made, in milliseconds since 1970.
    pub created_ms: i64,
    /// When it ends, in milliseconds since 1970; `None` for never.
    pub expires_ms: Option<i64>,
    /// When it was revoked, in milliseconds since 1970.
    pub revoked_ms: Option<i64>,
    /// When it was used last, in milliseconds since 1970, to the minute; `None` for never.
    pub last_used_ms: Option<i64>,
}
