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

/// What is done at a path.
enum Method {
    Get,
    Post(Bytes),
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
    /// Posts `body` with the app's token.
    pub(super) async fn post(
        &self,
        path: &str,
        query: Option<&str>,
        body: Bytes,
    ) -> Result<Called, CallError> {
        self.call(path, query, Method::Post(body)).await
    }

    /// Gets what is at `path`, with the app's token.
    pub(super) async fn get(&self, path: &str, query: Option<&str>) -> Result<Called, CallError> {
        self.call(path, query, Method::Get).await
    }

    /// Calls with the app's token. A token that the platform refuses is asked for anew, and the call is made once
    /// more. A refusal of a token comes before the call is carried out, so nothing is done twice.
    async fn call(
        &self,
        path: &str,
        query: Option<&str>,
        method: Method,
    ) -> Result<Called, CallError> {
        let mut url = call_url(self.app.base, path);
        url.set_query(query);
        let token = self
            .tokens
            .token(&self.app)
            .await
            .map_err(CallError::Token)?;
        let answer = self.call_with(&url, &method, &token).await?;
        if !refuses_token(&answer) {
            return Ok(Called { answer, token });
        }
        self.tokens.evict(&self.app, &token);
        let token = self
            .tokens
            .token(&self.app)
            .await
            .map_err(CallError::Token)?;
        let answer = self.call_with(&url, &method, &token).await?;
        if refuses_token(&answer) {
            self.tokens.evict(&self.app, &token);
        }
        Ok(Called { answer, token })
    }

    async fn call_with(
        &self,
        url: &Url,
        method: &Method,
        token: &TenantToken,
    ) -> Result<HttpAnswer, CallError> {
        // A string that is wiped when it is dropped.
        let authorization = SecretString::from(format!("Bearer {}", token.expose()));
        let headers = [
            ("User-Agent", USER_AGENT),
            ("Authorization", authorization.expose_secret()),
            ("Content-Type", "application/json; charset=utf-8"),
        ];
        let (egress, limits) = (self.app.egress, self.app.limits());
        let answer = match method {
            Method::Post(body) => egress.post_json(url, body.clone(), &headers, limits).await,
            // Without a body there is no type of it.
            Method::Get => egress.get(url, &headers[..2], limits).await,
        };
        answer.map_err(CallError::Http)
    }
}

fn refuses_token(answer: &HttpAnswer) -> bool {
    // A success is never parsed twice.
    answer.status != 200
        && ApiAnswer::parse(&answer.body)
            .is_ok_and(|answer| code::STALE_TOKEN.contains(&answer.code))
}
