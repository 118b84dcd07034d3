//! Tokens of apps: one per app and kind, and for the last quarter of its life a second one.

use std::time::{Duration, Instant};

use longwire_wire::open_api::code;

use super::OpenApi;

/// Most tokens that are kept. An app has two at a time, so that this many are enough for every test with thousands of apps.
const TOKENS_KEPT: usize = 50_000;

/// A token that was given.
#[derive(Debug)]
pub(super) struct Token {
    text: String,
    app: String,
    kind: TokenKind,
    until: Instant,
}

/// What a token is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum TokenKind {
    /// `t-…`, which calls carry.
    Tenant,
    /// `a-…`, for which a store app gets the former.
    App,
}

/// Who makes a call.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Caller {
    pub(crate) app: String,
    /// The person for whom the app makes it.
    pub(crate) person: Option<String>,
}

impl OpenApi {
    pub(crate) fn expire_tokens(&mut self, app: Option<&str>) -> usize {
        let before = self.tokens.len();
        self.tokens
            .retain(|token| app.is_some_and(|app| token.app != app));
        before - self.tokens.len()
    }

    /// Who calls with this `Authorization`, or the code of the refusal.
    pub(crate) fn caller(&self, authorization: Option<&str>, now: Instant) -> Result<Caller, i64> {
        let text = authorization
            .and_then(|value| value.strip_prefix("Bearer "))
            .filter(|text| !text.is_empty())
            .ok_or(code::NO_TOKEN)?;
        if text.starts_with("u-") {
            return self.people.caller(text, now);
        }
        if !text.starts_with("t-") {
            return Err(code::TOKEN_MALFORMED);
        }
        let app = self.app_with(TokenKind::Tenant, text, now);
        let app = app.ok_or(code::TENANT_TOKEN_INVALID)?;
        Ok(Caller { app, person: None })
    }

    /// The app that was given this token.
    pub(crate) fn app_with(&self, kind: TokenKind, text: &str, now: Instant) -> Option<String> {
        let mut tokens = self.tokens.iter();
        let token =
            tokens.find(|token| token.text == text && token.kind == kind && now < token.until);
        token.map(|token| token.app.clone())
    }

    /// The token of an app that holds for long enough, and for how many seconds.
    pub(crate) fn lasting_token(
        &mut self,
        app: &str,
        kind: TokenKind,
        lifetime: Duration,
        now: Instant,
    ) -> Option<(String, u64)> {
        self.tokens.retain(|token| now < token.until);
        let mut of_app = self.tokens.iter();
        let of_app = of_app
            .by_ref()
            .filter(|token| token.app == app && token.kind == kind);
        let newest = of_app.max_by_key(|token| token.until)?;
        let left = newest.until.saturating_duration_since(now);
        (left >= lifetime / 4).then(|| (newest.text.clone(), left.as_secs()))
    }

    pub(crate) fn keep_token(&mut self, app: &str, kind: TokenKind, text: String, until: Instant) {
        if self.tokens.len() >= TOKENS_KEPT {
            self.tokens.remove(0);
        }
        self.tokens.push(Token {
            text,
            app: app.to_owned(),
            kind,
            until,
        });
    }
}
