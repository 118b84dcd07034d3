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

use super::answers::{Answer, ApiReply, refusal, success};
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
            return refusal(400, 20_029, "redirect_uri is invalid");
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
            body: json!({}),
        })
    }

    pub(super) fn user_token_call(&mut self, body: &[u8], now: Instant) -> ApiReply {
        self.ledger.user_token_calls += 1;
        let Ok(request) = UserTokenRequest::parse(body) else {
            return refused(20_001, "invalid param");
        };
        let app = &*request.client_id;
        match self.scripts.take(Occasion::UserToken, app) {
            Some(Behaviour::UserTokenRefuse { http, code }) => {
                return refused_with(http, code, "scripted");
            }
            Some(Behaviour::UserTokenHang) => return ApiReply::Hang,
            _ => {}
        }
        match &self.settings.apps {
            Apps::Any => {}
            Apps::Known(apps) => match apps.iter().find(|(id, _)| id == app) {
                None => return refused(code::APP_MISSING, "app does not exist"),
                Some((_, secret)) if *secret != request.client_secret => {
                    return refused(code::CLIENT_SECRET, "client secret is invalid");
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
            Err(why) => refused(why, "refused"),
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
        let person = self
            .open_api
            .person_of(request.header("authorization"), now);
        match person {
            Some(person) => success(json!({
                "code": 0,
                "msg": "success",
                "data": { "open_id": person, "name": "Somebody", "tenant_key": tenant_key() },
            })),
            None => refusal(200, api_code::NO_TOKEN, "invalid access token"),
        }
    }
}

fn refused(code: i64, description: &str) -> ApiReply {
    refused_with(400, code, description)
}

fn refused_with(status: u16, code: i64, description: &str) -> ApiReply {
    ApiReply::Answer(Answer {
        status,
        headers: Vec::new(),
        body: json!({
            "code": code, "error": "invalid_request", "error_description": description,
        }),
    })
}
