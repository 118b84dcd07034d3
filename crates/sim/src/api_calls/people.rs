//! The page that asks a person, the call for the person's tokens, and whose token it is.
//!
//! The page is no page: whoever asks for it is the person of the settings, who agrees at once, and is sent back with a code. The
//! call for tokens checks in this order: a scripted behaviour, the app, then the code with redirect address and verifier, or the
//! refresh token. Codes are those of the documentation.

use std::time::{Duration, Instant};

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use longwire_wire::open_api::{
    OFFLINE_ACCESS, UserTokenRequest, code as api_code, user_token_code as code,
};
use rand::Rng as _;
use serde_json::json;
use sha2::{Digest as _, Sha256};

use super::answers::{Answer, ApiReply, Body, answer, bare_refusal, done, success};
use crate::behaviour::{Behaviour, Occasion};
use crate::http::HttpRequest;
use crate::ids::hex32;
use crate::message::tenant_key;
use crate::open_api::{Agreement, Unspendable};
use crate::settings::Apps;
use crate::state::PlatformState;

/// For how long a refresh token holds.
const REFRESH_LIFETIME: Duration = Duration::from_secs(7 * 24 * 60 * 60);

impl PlatformState {
    /// Sends the person back to the app.
    pub(super) fn authorize_page(&mut self, request: &HttpRequest, now: Instant) -> ApiReply {
        let query = |name: &str| request.query(name).unwrap_or_default();
        let (app, redirect_uri) = (query("client_id"), query("redirect_uri"));
        let Ok(mut back) = url::Url::parse(&redirect_uri) else {
            return bare_refusal(400, 20_029, "redirect_uri is invalid");
        };
        let denies = matches!(
            self.scripts.take(Occasion::Authorize, &app),
            Some(Behaviour::AuthorizeDeny)
        );
        if denies {
            back.query_pairs_mut().append_pair("error", "access_denied");
        } else {
            let code = hex32(self.rng.random(), self.rng.random());
            let agreement = Agreement {
                app,
                person: self.settings.person.clone(),
                scope: query("scope"),
                redirect_uri,
                challenge: request.query("code_challenge"),
            };
            back.query_pairs_mut().append_pair("code", &code);
            self.open_api.give_code(code, agreement, now);
        }
        back.query_pairs_mut().append_pair("state", &query("state"));
        ApiReply::Answer(Answer {
            status: 302,
            headers: vec![("Location", back.to_string())],
            body: Body::Json(json!({})),
        })
    }

    pub(super) fn user_token_call(&mut self, body: &[u8], now: Instant) -> ApiReply {
        self.ledger.user_token_calls += 1;
        let Ok(request) = UserTokenRequest::parse(body) else {
            return refused(20_001);
        };
        let app = &*request.client_id;
        match self.scripts.take(Occasion::UserToken, app) {
            Some(Behaviour::UserTokenRefuse { http, code }) => {
                return refused_with(http, code);
            }
            Some(Behaviour::UserTokenHang) => return ApiReply::Hang,
            _ => {}
        }
        match &self.settings.apps {
            Apps::Any => {}
            Apps::Known(apps) => match apps.iter().find(|(id, _)| id == app) {
                None => return refused(code::APP_MISSING),
                Some((_, secret)) if *secret != request.client_secret => {
                    return refused(code::CLIENT_SECRET);
                }
                Some(_) => {}
            },
        }
        let agreed = match (&request.code, &request.refresh_token) {
            (Some(given), None) => self.spend_code_of(&request, given, now),
            (None, Some(token)) => {
                let spent = self.open_api.spend_refresh_token(app, token, now);
                spent.map_err(|why| match why {
                    Unspendable::Unknown => code::REFRESH_INVALID,
                    Unspendable::OtherApp => code::OTHER_APP,
                    Unspendable::Expired => code::REFRESH_EXPIRED,
                    Unspendable::Spent => code::REFRESH_USED,
                })
            }
            _ => Err(20_036),
        };
        match agreed {
            Ok(agreement) => self.give_user_tokens(&agreement, now),
            Err(why) => refused(why),
        }
    }

    fn spend_code_of(
        &mut self,
        request: &UserTokenRequest<'_>,
        given: &str,
        now: Instant,
    ) -> Result<Agreement, i64> {
        let spent = self.open_api.spend_code(&request.client_id, given, now);
        let agreement = spent.map_err(|why| match why {
            Unspendable::Unknown => code::CODE_UNKNOWN,
            Unspendable::OtherApp => code::OTHER_APP,
            Unspendable::Expired => code::CODE_EXPIRED,
            Unspendable::Spent => code::CODE_USED,
        })?;
        if request.redirect_uri.as_deref() != Some(&*agreement.redirect_uri) {
            return Err(code::REDIRECT_DIFFERS);
        }
        let verifier = request.code_verifier.as_deref().unwrap_or_default();
        let made = URL_SAFE_NO_PAD.encode(Sha256::digest(verifier.as_bytes()));
        if agreement
            .challenge
            .as_ref()
            .is_some_and(|challenge| *challenge != made)
        {
            return Err(code::PKCE);
        }
        Ok(agreement)
    }

    fn give_user_tokens(&mut self, agreement: &Agreement, now: Instant) -> ApiReply {
        let mut token = |kind: &str| {
            let digits = hex32(self.rng.random(), self.rng.random());
            format!("{kind}-{digits}")
        };
        let (access, refresh) = (token("u"), token("ur"));
        let lifetime = self.settings.token_lifetime;
        let may_refresh = agreement
            .scope
            .split(' ')
            .any(|scope| scope == OFFLINE_ACCESS);
        let mut body = json!({
            "code": 0,
            "access_token": access,
            "expires_in": lifetime.as_secs(),
            "token_type": "Bearer",
            "scope": agreement.scope,
        });
        if may_refresh {
            body["refresh_token"] = json!(refresh);
            body["refresh_token_expires_in"] = json!(REFRESH_LIFETIME.as_secs());
        }
        let refresh = may_refresh.then(|| (refresh, now + REFRESH_LIFETIME));
        let access = (access, now + lifetime);
        self.open_api.give_tokens(access, refresh, agreement);
        success(body)
    }

    /// Whose token it is. A refusal comes with status 200.
    pub(super) fn user_info_call(&mut self, request: &HttpRequest, now: Instant) -> ApiReply {
        let caller = self.open_api.caller(request.header("authorization"), now);
        let person = caller.ok().and_then(|caller| caller.person);
        let Some(person) = person else {
            return bare_refusal(200, api_code::NO_TOKEN, "invalid access token");
        };
        let directory = &self.open_api.directory;
        let picture = |size: &str| format!("https://example.com/u{size}.png");
        let mut data = json!({
            "name": directory.name_of(&person),
            "avatar_url": picture(""),
            "avatar_thumb": picture("72"),
            "avatar_middle": picture("240"),
            "avatar_big": picture("640"),
            "open_id": person,
            "union_id": directory.union_id(&person),
            "tenant_key": tenant_key(),
        });
        if let Some(en_name) = directory.person(&person).en_name {
            data["en_name"] = json!(en_name);
        }
        done(data)
    }
}

fn refused(code: i64) -> ApiReply {
    refused_with(400, code)
}

/// A refusal. The texts are those of the documentation; the word in `error` is that of RFC 6749.
fn refused_with(status: u16, refused: i64) -> ApiReply {
    let description = match refused {
        code::CLIENT_SECRET => "The client secret is invalid.",
        code::CODE_UNKNOWN => {
            "The authorization code is not found. Please note that an authorization code can only be used once."
        }
        code::CODE_EXPIRED => "The authorization code has expired.",
        code::CODE_USED => {
            "The authorization code has been used. Please note that an authorization code can only be used once."
        }
        code::REDIRECT_DIFFERS => {
            "The provided redirect URI does not match the one used during authorization."
        }
        code::REFRESH_EXPIRED => "The refresh token passed has expired. Please generate a new one.",
        code::REFRESH_USED => {
            "The refresh token has been used. Please note that a refresh token can only be used once."
        }
        code::REFRESH_REVOKED => {
            "The refresh token has been revoked. Please note that a refresh token can only be used once."
        }
        _ => "The request is refused.",
    };
    let error = match refused {
        code::CLIENT_SECRET | code::APP_MISSING => "invalid_client",
        20_001 | 20_036 => "invalid_request",
        _ => "invalid_grant",
    };
    let body = json!({ "code": refused, "error": error, "error_description": description });
    answer(status, body)
}
