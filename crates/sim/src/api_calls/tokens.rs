//! The calls for a tenant token.

use std::time::Instant;

use longwire_wire::open_api::TenantTokenRequest;
use rand::Rng as _;
use serde_json::json;

use super::answers::{ApiReply, refusal, success};
use crate::behaviour::{Behaviour, Occasion};
use crate::ids::hex32;
use crate::settings::Apps;
use crate::state::PlatformState;

impl PlatformState {
    pub(super) fn token_call(&mut self, body: &[u8], now: Instant) -> ApiReply {
        self.ledger.token_calls += 1;
        let Ok(request) = TenantTokenRequest::parse(body) else {
            return refusal(200, 10_003, "invalid param");
        };
        let app = &*request.app_id;
        match self.scripts.take(Occasion::Token, app) {
            Some(Behaviour::TokenRefuse { code, msg }) => return refusal(200, code, &msg),
            Some(Behaviour::TokenHang) => return ApiReply::Hang,
            _ => {}
        }
        let foreign = self
            .settings
            .foreign_apps
            .iter()
            .any(|foreign| foreign == app);
        let secret = match &self.settings.apps {
            Apps::Any => Some(&*request.app_secret),
            Apps::Known(apps) => apps
                .iter()
                .find(|(id, _)| id == app)
                .map(|(_, secret)| secret.as_str()),
        };
        match secret {
            None => return refusal(200, 10_014, "app id not exists"),
            Some(_) if foreign || app.is_empty() => {
                return refusal(200, 10_014, "app id not exists");
            }
            Some(secret) if secret != request.app_secret || secret.is_empty() => {
                return refusal(200, 10_015, "wrong app secret");
            }
            Some(_) => {}
        }
        let (token, expire) = self.token_for(app, now);
        success(json!({
            "code": 0,
            "msg": "ok",
            "tenant_access_token": token,
            "app_access_token": token,
            "expire": expire,
        }))
    }

    /// The token of an app, and for how many seconds it holds.
    fn token_for(&mut self, app: &str, now: Instant) -> (String, u64) {
        let lifetime = self.settings.token_lifetime;
        if let Some(lasting) = self.open_api.lasting_token(app, lifetime, now) {
            return lasting;
        }
        self.ledger.tokens_made += 1;
        let text = format!("t-{}", hex32(self.rng.random(), self.rng.random()));
        self.open_api.keep_token(app, text.clone(), now + lifetime);
        (text, lifetime.as_secs())
    }
}
