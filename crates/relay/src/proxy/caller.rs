//! Who calls, and as which bot.
//!
//! | `Authorization: Bearer …` | who calls | as |
//! |---|---|---|
//! | `t-…` of ours | the token that it was given for | the bot that it was given for |
//! | `lw_…` | that token | the bot that it is narrowed to, or the app of `X-Longwire-App` |
//! | `u-…`, `eyJ…` | the `t-…` or `lw_…` of `X-Longwire-Authorization` | that person; at the platform of that bot |
//!
//! A person's token does not say whose app it is of, and everybody who reached this listener could use it to call the
//! platform through us. So it goes on only beside a token of ours, and to that bot's platform only.

use std::sync::Arc;

use actix_web::http::header;
use longwire_access::{Grant, TokenText};
use longwire_egress::HeaderMap;
use longwire_installation::Desired;
use longwire_store::InstallationRecord;
use longwire_wire::open_api::code;
use secrecy::SecretString;

use super::opaque::OpaqueToken;
use super::reply::OwnAnswer;
use super::{OpenApiProxy, area, bots};
use crate::clock::unix_ms;

/// The token of ours beside a person's.
const BESIDE: &str = "x-longwire-authorization";
/// Which app a token of several bots means.
const APP: &str = "x-longwire-app";

/// Who calls.
pub(crate) struct CallingApp {
    pub(crate) grant: Grant,
    pub(crate) bot: Arc<InstallationRecord>,
    pub(crate) acts_as: ActsAs,
}

/// As whom somebody calls.
pub(crate) enum ActsAs {
    /// The bot.
    Bot,
    /// A person, with the value of `Authorization` that they gave the application.
    Person(SecretString),
}

/// Reads who calls.
pub(crate) fn identify(proxy: &OpenApiProxy, headers: &HeaderMap) -> Result<CallingApp, OwnAnswer> {
    let presented = bearer(headers, header::AUTHORIZATION.as_str()).ok_or_else(|| {
        OwnAnswer::platforms(
            code::NO_TOKEN,
            "token_missing",
            "Missing access token for authorization. Get one from auth/v3/tenant_access_token/internal of this address",
        )
    })?;
    let (ours, acts_as) = if is_of_a_person(presented) {
        let beside = bearer(headers, BESIDE).ok_or_else(|| {
            OwnAnswer::platforms(
                code::TOKEN_NOT_PERMITTED,
                "user_token_alone",
                "a user's token does not say which bot it belongs to: send longwire's own token beside it, as X-Longwire-Authorization: Bearer t-… or lw_…",
            )
        })?;
        let authorization = SecretString::from(format!("Bearer {presented}"));
        (beside, ActsAs::Person(authorization))
    } else {
        (presented, ActsAs::Bot)
    };
    let (grant, bot) = if ours.starts_with("lw_") {
        by_token(proxy, ours, headers)?
    } else {
        by_opaque(proxy, ours)?
    };
    if bot.desired == Desired::Stop {
        return Err(OwnAnswer::platforms(
            code::APP_DISABLED,
            "bot_stopped",
            "the bot is stopped in longwire",
        ));
    }
    Ok(CallingApp {
        grant,
        bot,
        acts_as,
    })
}

type Known = (Grant, Arc<InstallationRecord>);

fn by_opaque(proxy: &OpenApiProxy, text: &str) -> Result<Known, OwnAnswer> {
    let now_ms = unix_ms();
    let opaque = OpaqueToken::open(text, &proxy.store, now_ms).ok_or_else(invalid)?;
    // Revoked or expired meanwhile, or the bot was removed or given to others.
    let grant = proxy.store.tokens().grant(opaque.token, now_ms);
    let grant = grant.map_err(|_| invalid())?;
    let bot = proxy.bots.bot(opaque.installation);
    let bot = bot.filter(|bot| bots::has_open_api(bot) && grant.sees(&bot.space, bot.public_id));
    Ok((grant, bot.ok_or_else(invalid)?))
}

fn by_token(proxy: &OpenApiProxy, text: &str, headers: &HeaderMap) -> Result<Known, OwnAnswer> {
    let grant = admitted(proxy, text).ok_or_else(invalid)?;
    let app_id = headers.get(APP).and_then(|value| value.to_str().ok());
    let bot = match app_id {
        Some(app_id) => bots::of_app(&*proxy.bots, &grant, app_id).ok_or_else(invalid)?,
        None => bots::only(&*proxy.bots, &grant).ok_or_else(|| {
            OwnAnswer::platforms(
                code::TOKEN_NOT_PERMITTED,
                "app_missing",
                "this token is of several bots: name the app as X-Longwire-App: cli_…, or use a token of one bot",
            )
        })?,
    };
    Ok((grant, bot))
}

/// What a token of ours grants, if it is valid and grants anything here.
pub(crate) fn admitted(proxy: &OpenApiProxy, text: &str) -> Option<Grant> {
    let text: TokenText = text.parse().ok()?;
    let grant = proxy.store.tokens().authenticate(&text, unix_ms()).ok()?;
    area::allows_any(grant.scopes).then_some(grant)
}

/// The platform's answer to a token that it does not know. SDKs ask for another one then.
fn invalid() -> OwnAnswer {
    OwnAnswer::platforms(
        code::TENANT_TOKEN_INVALID,
        "token_refused",
        "Invalid access token for authorization. Please make a test attempt with another valid token",
    )
}

fn is_of_a_person(token: &str) -> bool {
    token.starts_with("u-") || token.starts_with("eyJ")
}

fn bearer<'a>(headers: &'a HeaderMap, name: &str) -> Option<&'a str> {
    let (scheme, token) = headers.get(name)?.to_str().ok()?.split_once(' ')?;
    let token = token.trim();
    (scheme.eq_ignore_ascii_case("bearer") && !token.is_empty()).then_some(token)
}
