//! The calls for the tokens of apps.

use std::time::Instant;

use longwire_wire::open_api::TenantTokenRequest;
use rand::Rng as _;
use serde_json::{Value, json};

use super::answers::{ApiReply, answer, bare_refusal, success};
use crate::behaviour::{Behaviour, Occasion};
use crate::ids::hex32;
use crate::open_api::TokenKind;
use crate::settings::Apps;
use crate::state::PlatformState;

impl PlatformState {
    pub(super) fn token_call(&mut self, body: &[u8], now: Instant) -> ApiReply {
        self.ledger.token_calls += 1;
        let Ok(request) = TenantTokenRequest::parse(body) else {
            return invalid_param();
        };
        let app = &*request.app_id;
        match self.scripts.take(Occasion::Token, app) {
            Some(Behaviour::TokenRefuse { code, msg }) => return bare_refusal(200, code, &msg),
            Some(Behaviour::TokenHang) => return ApiReply::Hang,
            _ => {}
        }
        if let Err(refused) = self.check_app(app, &request.app_secret) {
            return refused;
        }
        let (token, expire) = self.token_for(app, TokenKind::Tenant, now);
        success(json!({
            "code": 0,
            "msg": "ok",
            "tenant_access_token": token,
            "app_access_token": token,
            "expire": expire,
        }))
    }

    /// A store app gets a token of its own for its ticket.
    pub(super) fn store_app_token_call(&mut self, body: &[u8], now: Instant) -> ApiReply {
        let Ok(request) = TenantTokenRequest::parse(body) else {
            return invalid_param();
        };
        if text_of(body, "app_ticket").is_none() {
            return invalid_param();
        }
        if let Err(refused) = self.check_app(&request.app_id, &request.app_secret) {
            return refused;
        }
        let (token, expire) = self.token_for(&request.app_id, TokenKind::App, now);
        success(json!({ "code": 0, "msg": "ok", "app_access_token": token, "expire": expire }))
    }

    /// A store app gets the token of a tenant for its own token.
    pub(super) fn store_tenant_token_call(&mut self, body: &[u8], now: Instant) -> ApiReply {
        let (Some(token), Some(_tenant)) = (
            text_of(body, "app_access_token"),
            text_of(body, "tenant_key"),
        ) else {
            return invalid_param();
        };
        let Some(app) = self.open_api.app_with(TokenKind::App, &token, now) else {
            return bare_refusal(200, 10_012, "app access token is invalid");
        };
        let (token, expire) = self.token_for(&app, TokenKind::Tenant, now);
        success(json!({ "code": 0, "msg": "ok", "tenant_access_token": token, "expire": expire }))
    }

    /// A store app asks for its ticket, which would come as an event.
    pub(super) fn app_ticket_call(&mut self, body: &[u8]) -> ApiReply {
        let Ok(request) = TenantTokenRequest::parse(body) else {
            return invalid_param();
        };
        match self.check_app(&request.app_id, &request.app_secret) {
            Ok(()) => success(json!({ "code": 0, "msg": "success" })),
            Err(refused) => refused,
        }
    }

    fn check_app(&self, app: &str, given: &str) -> Result<(), ApiReply> {
        let mut foreign = self.settings.foreign_apps.iter();
        let is_foreign = foreign.any(|foreign| foreign == app);
        let secret = match &self.settings.apps {
            Apps::Any => Some(given),
            Apps::Known(apps) => {
                let known = apps.iter().find(|(id, _)| id == app);
                known.map(|(_, secret)| secret.as_str())
            }
        };
        match secret {
            None => Err(bare_refusal(200, 10_014, "app id not exists")),
            Some(_) if is_foreign || app.is_empty() => {
                Err(bare_refusal(200, 10_014, "app id not exists"))
            }
            Some(secret) if secret != given || secret.is_empty() => {
                Err(bare_refusal(200, 10_015, "wrong app secret"))
            }
            Some(_) => Ok(()),
        }
    }

    /// The token of an app, and for how many seconds it holds.
    fn token_for(&mut self, app: &str, kind: TokenKind, now: Instant) -> (String, u64) {
        let lifetime = self.settings.token_lifetime;
        if let Some(lasting) = self.open_api.lasting_token(app, kind, lifetime, now) {
            return lasting;
        }
        self.ledger.tokens_made += 1;
        let prefix = match kind {
            TokenKind::Tenant => "t",
            TokenKind::App => "a",
        };
        let text = format!("{prefix}-{}", hex32(self.rng.random(), self.rng.random()));
        let until = now + lifetime;
        self.open_api.keep_token(app, kind, text.clone(), until);
        (text, lifetime.as_secs())
    }
}

fn text_of(body: &[u8], member: &str) -> Option<String> {
    let body: Value = serde_json::from_slice(body).ok()?;
    let text = body.get(member)?.as_str()?;
    (!text.is_empty()).then(|| text.to_owned())
}

fn invalid_param() -> ApiReply {
    let body = json!({ "code": 10_003, "msg": "invalid param", "data": {} });
    answer(200, body)
}
