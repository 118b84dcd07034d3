//! The calls that give tokens: an application brings a token of ours where its SDK has the app's secret.
//!
//! Source: `auth-v3`, `tenant_access_token_internal` and `app_access_token_internal`. Both give the same token, as they do at
//! the platform.

use actix_web::HttpResponse;
use actix_web::http::StatusCode;
use actix_web::web::{Data, Payload};
use bytes::BytesMut;
use futures_util::StreamExt as _;
use longwire_listener::RouteClass;
use secrecy::{ExposeSecret as _, SecretString};
use serde::{Deserialize, Deserializer, Serialize};

use super::opaque::{LIFETIME, OpaqueToken};
use super::reply::OwnAnswer;
use super::thread::ThreadProxy;
use super::{OpenApiProxy, bots, caller};
use crate::clock::unix_ms;

/// An app id and a token have some hundred letters.
const MOST_BYTES: usize = 4 * 1024;
/// The code of an app id or secret that the platform does not know. The calls for tokens refuse with status 200.
const WRONG: i64 = 10_014;
/// The code of a body that is none.
const BAD_PARAMETER: i64 = 10_003;

#[derive(Deserialize)]
struct Credentials {
    app_id: String,
    #[serde(deserialize_with = "secret")]
    app_secret: SecretString,
}

fn secret<'de, D: Deserializer<'de>>(deserializer: D) -> Result<SecretString, D::Error> {
    String::deserialize(deserializer).map(SecretString::from)
}

#[derive(Serialize)]
struct Given<'a> {
    code: i64,
    msg: &'a str,
    tenant_access_token: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    app_access_token: Option<&'a str>,
    expire: u64,
}

/// Which call it is: the answers differ by a member.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum TokenCall {
    Tenant,
    App,
}

pub(super) async fn tenant(proxy: Data<ThreadProxy>, payload: Payload) -> HttpResponse {
    give(&proxy.shared, payload, TokenCall::Tenant).await
}

pub(super) async fn app(proxy: Data<ThreadProxy>, payload: Payload) -> HttpResponse {
    give(&proxy.shared, payload, TokenCall::App).await
}

async fn give(proxy: &OpenApiProxy, payload: Payload, call: TokenCall) -> HttpResponse {
    let credentials = match read(payload).await {
        Ok(credentials) => credentials,
        Err(answer) => return answer.to_response(),
    };
    match token_of(proxy, &credentials) {
        Ok(token) => HttpResponse::Ok().json(Given {
            code: 0,
            msg: "ok",
            tenant_access_token: &token,
            app_access_token: (call == TokenCall::App).then_some(&token),
            expire: LIFETIME.as_secs(),
        }),
        Err(answer) => answer.to_response(),
    }
}

async fn read(mut payload: Payload) -> Result<Credentials, OwnAnswer> {
    let mut body = BytesMut::new();
    while let Some(part) = payload.next().await {
        let part = part.map_err(|_| refused(BAD_PARAMETER, "invalid param"))?;
        if body.len() + part.len() > MOST_BYTES {
            return Err(refused(BAD_PARAMETER, "invalid param"));
        }
        body.extend_from_slice(&part);
    }
    serde_json::from_slice(&body).map_err(|_| refused(BAD_PARAMETER, "invalid param"))
}

/// A token for these credentials. Whatever is wrong with them, the answer is one, so that nobody learns which bots there are.
fn token_of(proxy: &OpenApiProxy, credentials: &Credentials) -> Result<String, OwnAnswer> {
    let wrong = || refused(WRONG, "app id not exists");
    let grant = caller::admitted(proxy, credentials.app_secret.expose_secret());
    let grant = grant.ok_or_else(wrong)?;
    let checked = proxy.access.check_rate(grant.token, RouteClass::Write);
    checked.map_err(|_| OwnAnswer::rate_of_api(u16::MAX, 1))?;
    let bot = bots::of_app(&*proxy.bots, &grant, &credentials.app_id).ok_or_else(wrong)?;
    let lifetime_ms = i64::try_from(LIFETIME.as_millis()).unwrap_or(i64::MAX);
    let token = OpaqueToken {
        token: grant.token,
        installation: bot.public_id,
        expires_ms: unix_ms().saturating_add(lifetime_ms),
    };
    token.seal(&proxy.store).map_err(|error| {
        tracing::error!(%error, "a token for an application could not be made");
        OwnAnswer::own(
            StatusCode::SERVICE_UNAVAILABLE,
            "token_not_made",
            "longwire cannot make a token at the moment",
        )
    })
}

fn refused(code: i64, msg: &str) -> OwnAnswer {
    let mut answer = OwnAnswer::platforms(code, "credentials_refused", msg);
    answer.status = StatusCode::OK;
    answer
}
