//! Tokens: made, listed, revoked.
//!
//! A caller makes tokens that allow no more than its own ([`Grant::give`](longwire_access::Grant::give)), and sees and revokes
//! those of its space; a caller that sees the whole gateway, those of every space. The text of a new token is in the answer
//! that made it and nowhere else.

use std::io;
use std::time::Duration;

use actix_web::http::{StatusCode, header};
use actix_web::web::{Data, Json, Path};
use actix_web::{HttpRequest, HttpResponse};
use longwire_access::{
    AuditAction, NewToken, RANDOM_BYTES, Scope, Scopes, Space, TokenId, TokenRecord, TokenText,
};
use longwire_api::QueryReader;
use longwire_installation::PublicId;
use longwire_listener::{Caller, Problem, Routes};
use rand::TryRngCore as _;
use secrecy::zeroize::Zeroizing;
use serde::{Deserialize, Serialize};

use crate::document::{CreatedToken, ListPage, TokenDocument};
use crate::listed::PageQuery;
use crate::store_calls::{read, write};
use crate::{Admin, audit, owned};

pub(crate) fn routes() -> Routes {
    Routes::new()
        .get("/admin/v1/tokens", Scope::TokensWrite, list)
        .post("/admin/v1/tokens", Scope::TokensWrite, create)
        .post(
            "/admin/v1/tokens/{token}/revoke",
            Scope::TokensWrite,
            revoke,
        )
}

/// A token that is to be made, as `longwire tokens create` asks for it.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct TokenRequest {
    /// What its owner calls it.
    pub name: String,
    /// What it may do.
    pub scopes: Scopes,
    /// Ids or names of the installations it may name; without the member, all of its space. An empty list is refused, because a
    /// program that found none does not mean all.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub installations: Option<Vec<String>>,
    /// How long it is valid: a duration with its unit. Without it, until it is revoked.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub expires_after: Option<String>,
    /// Whose it is; the caller's space without it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub space: Option<String>,
}

impl TokenRequest {
    /// Whose the token is to be: the space that the request names, or `own`. The installations that it names are looked for there.
    ///
    /// # Errors
    /// What is wrong with the name.
    pub fn space_or(&self, own: &Space) -> Result<Space, String> {
        match &self.space {
            None => Ok(own.clone()),
            Some(named) => {
                (named.parse()).map_err(|error| format!("`{named}` is no name of a space: {error}"))
            }
        }
    }

    /// The token it asks for, of this space. `installations` are those it names.
    ///
    /// # Errors
    /// What is wrong with it.
    pub fn check(
        &self,
        space: Space,
        installations: Vec<PublicId>,
        parse_duration: fn(&str) -> Option<Duration>,
        now_ms: i64,
    ) -> Result<NewToken, String> {
        let name = self.name.parse();
        let name = name.map_err(|error| format!("`{}` is no name: {error}", self.name))?;
        if self.scopes.is_empty() {
            return Err(format!("a token needs a scope: {}", Scopes::all()));
        }
        let expires_ms = match &self.expires_after {
            None => None,
            Some(text) => {
                let after = parse_duration(text).filter(|after| !after.is_zero());
                let after = after
                    .ok_or("expires_after is no duration with its unit, as in 90d".to_owned())?;
                let after_ms = i64::try_from(after.as_millis()).unwrap_or(i64::MAX);
                Some(now_ms.saturating_add(after_ms))
            }
        };
        let installations = match &self.installations {
            None => None,
            Some(named) if named.is_empty() => {
                let right = "installations is empty: leave it out for all of the space";
                return Err(right.to_owned());
            }
            Some(_) => Some(installations.into()),
        };
        Ok(NewToken {
            name,
            space,
            scopes: self.scopes,
            installations,
            expires_ms,
        })
    }
}

/// The text of a new token, from the operating system's random bytes.
///
/// # Errors
/// The operating system gives none.
pub fn new_token_text() -> io::Result<TokenText> {
    let mut random = Zeroizing::new([0; RANDOM_BYTES]);
    rand::rngs::OsRng
        .try_fill_bytes(&mut *random)
        .map_err(io::Error::other)?;
    Ok(TokenText::new(&random))
}

async fn create(
    admin: Data<Admin>,
    caller: Caller,
    request: Json<TokenRequest>,
) -> Result<HttpResponse, Problem> {
    let created = create_for(&admin, &caller, &request).await;
    let action = AuditAction::TokenCreate;
    audit::keep_refusal(&admin, &caller, action, &request.name, &created);
    let (record, text) = created?;
    let document = CreatedToken {
        token: text.expose().to_owned(),
        kept: TokenDocument::of(&record, audit::now_ms()),
    };
    Ok(HttpResponse::Created()
        .insert_header((header::CACHE_CONTROL, "no-store"))
        .json(document))
}

async fn create_for(
    admin: &Data<Admin>,
    caller: &Caller,
    request: &TokenRequest,
) -> Result<(TokenRecord, TokenText), Problem> {
    admin.settings.draining.refuse()?;
    audit::has_room(admin)?;
    let space = request.space_or(&caller.space).map_err(Problem::invalid)?;
    let mut installations = Vec::new();
    for named in request.installations.iter().flatten() {
        let record = owned::stored_in(admin, caller, &space, named).await?;
        installations.push(record.public_id);
    }
    let parse_duration = admin.settings.parse_duration;
    let new = request
        .check(space, installations, parse_duration, audit::now_ms())
        .map_err(Problem::invalid)?;
    caller.give(&new).map_err(|excess| {
        Problem::new(StatusCode::FORBIDDEN, "grant_exceeded", excess.to_string())
    })?;
    let text = new_token_text().map_err(|error| {
        let code = "no_random_bytes";
        Problem::new(StatusCode::SERVICE_UNAVAILABLE, code, error.to_string())
    })?;
    let id = text.id().to_string();
    let store = audit::audited(admin, caller, AuditAction::TokenCreate, &id);
    let (record, text) = write(move || Ok((store.create_token(new, &text)?, text))).await?;
    tracing::info!(made = %record.id, token = %caller.token, "token made");
    Ok((record, text))
}

/// Oldest first, revoked and expired ones too.
async fn list(
    admin: Data<Admin>,
    caller: Caller,
    request: HttpRequest,
) -> Result<Json<ListPage<TokenDocument>>, Problem> {
    let asked = PageQuery::read(QueryReader::of(request.query_string()))?;
    let store = admin.settings.store.clone();
    let mut records = read(move || store.reader().tokens()).await?;
    records.retain(|record| is_shown(&caller, record));
    let total = records.len();
    let place = |text: &str| {
        let id: TokenId = text.parse().ok()?;
        records.iter().position(|record| record.id == id)
    };
    if let Some(after) = asked.after(place)? {
        records.drain(..=after);
    }
    let now_ms = audit::now_ms();
    let page = asked.cut(records, Some(total), |record| record.id.to_string());
    Ok(Json(page.map(|record| TokenDocument::of(&record, now_ms))))
}

/// Whether the caller may know of this token.
fn is_shown(caller: &Caller, record: &TokenRecord) -> bool {
    caller.space == record.space || caller.is_gateway_wide()
}

async fn revoke(
    admin: Data<Admin>,
    caller: Caller,
    token: Path<String>,
) -> Result<Json<TokenDocument>, Problem> {
    let revoked = revoke_for(&admin, &caller, &token).await;
    audit::keep_refusal(&admin, &caller, AuditAction::TokenRevoke, &token, &revoked);
    revoked
}

async fn revoke_for(
    admin: &Data<Admin>,
    caller: &Caller,
    id: &str,
) -> Result<Json<TokenDocument>, Problem> {
    admin.settings.draining.refuse()?;
    audit::has_room(admin)?;
    let missing = || Problem::not_found(format!("there is no token `{id}`"));
    let id: TokenId = id.parse().map_err(|_| missing())?;
    let record = find(admin, id).await?;
    let record = record.filter(|record| is_shown(caller, record));
    let record = record.ok_or_else(missing)?;
    if !caller.may_revoke(&record) {
        return Err(Problem::new(
            StatusCode::FORBIDDEN,
            "grant_exceeded",
            "this token allows more than yours, so yours does not revoke it",
        ));
    }
    let store = audit::audited(admin, caller, AuditAction::TokenRevoke, &id.to_string());
    let record = write(move || store.revoke_token(id)).await?;
    tracing::info!(revoked = %id, token = %caller.token, "token revoked");
    Ok(Json(TokenDocument::of(&record, audit::now_ms())))
}

async fn find(admin: &Data<Admin>, id: TokenId) -> Result<Option<TokenRecord>, Problem> {
    let store = admin.settings.store.clone();
    let records = read(move || store.reader().tokens()).await?;
    Ok(records.into_iter().find(|record| record.id == id))
}
