//! Calls of the Open API with a tenant token.

use std::sync::Arc;

use bytes::Bytes;
use longwire_egress::{HttpAnswer, HttpError};
use longwire_wire::open_api::{ApiAnswer, code};
use secrecy::{ExposeSecret as _, SecretString};
use url::Url;

use super::app::CallingApp;
use super::tokens::{TenantToken, TenantTokens, TokenError};
use super::{USER_AGENT, call_url};

/// An app that calls, with the tokens that it and others have.
#[derive(Clone, Copy)]
pub struct ApiCaller<'a> {
    /// The app.
    pub app: CallingApp<'a>,
    /// The tokens.
    pub tokens: &'a TenantTokens,
}

/// Why a call has no answer of the platform.
#[derive(Debug)]
pub(super) enum CallError {
    /// No token. The call was not made.
    Token(Arc<TokenError>),
    /// The network, or the proxy.
    Http(HttpError),
}

/// What the platform answered to a call with this token.
pub(super) struct Called {
    pub(super) answer: HttpAnswer,
    /// The platform's texts may repeat it.
    pub(super) token: TenantToken,
}

impl ApiCaller<'_> {
    /// Posts `body` with the app's token. A token that the platform refuses is asked for anew, and the call is made once
    /// more. A refusal of a token comes before the call is carried out, so nothing is done twice.
    pub(super) async fn post(
        &self,
        path: &str,
        query: Option<&str>,
        body: Bytes,
    ) -> Result<Called, CallError> {
        let mut url = call_url(self.app.base, path);
        url.set_query(query);
        let token = self
            .tokens
            .token(&self.app)
            .await
            .map_err(CallError::Token)?;
        let answer = self.post_with(&url, &body, &token).await?;
        if !refuses_token(&answer) {
            return Ok(Called { answer, token });
        }
        self.tokens.evict(&self.app, &token);
        let token = self
            .tokens
            .token(&self.app)
            .await
            .map_err(CallError::Token)?;
        let answer = self.post_with(&url, &body, &token).await?;
        if refuses_token(&answer) {
            self.tokens.evict(&self.app, &token);
        }
        Ok(Called { answer, token })
    }

    async fn post_with(
        &self,
        url: &Url,
        body: &Bytes,
        token: &TenantToken,
    ) -> Result<HttpAnswer, CallError> {
        // A string that is wiped when it is dropped.
        let authorization = SecretString::from(format!("Bearer {}", token.expose()));
        let headers = [
            ("Content-Type", "application/json; charset=utf-8"),
            ("User-Agent", USER_AGENT),
            ("Authorization", authorization.expose_secret()),
        ];
        let limits = self.app.limits();
        let answer = self
            .app
            .egress
            .post_json(url, body.clone(), &headers, limits);
        answer.await.map_err(CallError::Http)
    }
}

fn refuses_token(answer: &HttpAnswer) -> bool {
    // A success is never parsed twice.
    answer.status != 200
        && ApiAnswer::parse(&answer.body)
            .is_ok_and(|answer| code::STALE_TOKEN.contains(&answer.code))
}
