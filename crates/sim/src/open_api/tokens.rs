//! Tenant tokens: one per app, and for the last quarter of its life a second one.

use std::time::{Duration, Instant};

use longwire_wire::open_api::code;

use super::OpenApi;

/// A token that was given.
#[derive(Debug)]
pub(super) struct Token {
    text: String,
    app: String,
    until: Instant,
}

impl OpenApi {
    pub(crate) fn expire_tokens(&mut self, app: Option<&str>) -> usize {
        let before = self.tokens.len();
        self.tokens
            .retain(|token| app.is_some_and(|app| token.app != app));
        before - self.tokens.len()
    }

    /// The app that calls with this `Authorization`, or the code of the refusal.
    pub(crate) fn app_of(&self, authorization: Option<&str>, now: Instant) -> Result<String, i64> {
        let text = authorization
            .and_then(|value| value.strip_prefix("Bearer "))
            .ok_or(code::NO_TOKEN)?;
        if !text.starts_with("t-") && !text.starts_with("u-") {
            return Err(code::TOKEN_MALFORMED);
        }
        let mut tokens = self.tokens.iter();
        let token = tokens.find(|token| token.text == text && now < token.until);
        token
            .map(|token| token.app.clone())
            .ok_or(code::TENANT_TOKEN_INVALID)
    }

    /// The token of an app that holds for long enough, and for how many seconds.
    pub(crate) fn lasting_token(
        &mut self,
        app: &str,
        lifetime: Duration,
        now: Instant,
    ) -> Option<(String, u64)> {
        self.tokens.retain(|token| now < token.until);
        let of_app = self.tokens.iter().filter(|token| token.app == app);
        let newest = of_app.max_by_key(|token| token.until)?;
        let left = newest.until.saturating_duration_since(now);
        (left >= lifetime / 4).then(|| (newest.text.clone(), left.as_secs()))
    }

    pub(crate) fn keep_token(&mut self, app: &str, text: String, until: Instant) {
        self.tokens.push(Token {
            text,
            app: app.to_owned(),
            until,
        });
    }
}
