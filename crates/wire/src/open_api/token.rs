//! The call that gives an app its token for the tenant it is installed in. The answer's members are at top level.

use std::borrow::Cow;
use std::fmt;

use serde::{Deserialize, Serialize};
use serde_json::Value;
use zeroize::Zeroizing;

use super::answer::NoApiAnswer;
use crate::repair;

/// Path of the call, below the platform's base URL.
pub const TENANT_TOKEN_PATH: &str = "/open-apis/auth/v3/tenant_access_token/internal";

/// The request.
#[derive(Serialize, Deserialize)]
pub struct TenantTokenRequest<'a> {
    /// The app, `cli_…`.
    #[serde(borrow)]
    pub app_id: Cow<'a, str>,
    /// Its secret.
    #[serde(borrow)]
    pub app_secret: Cow<'a, str>,
}

impl<'a> TenantTokenRequest<'a> {
    /// The request of this app.
    pub fn new(app_id: &'a str, app_secret: &'a str) -> Self {
        Self {
            app_id: Cow::Borrowed(app_id),
            app_secret: Cow::Borrowed(app_secret),
        }
    }

    /// Reads a request.
    pub fn parse(body: &'a [u8]) -> Result<Self, serde_json::Error> {
        serde_json::from_slice(body)
    }

    /// The request body. It holds the secret and is wiped when it is dropped.
    pub fn to_json(&self) -> Zeroizing<Vec<u8>> {
        Zeroizing::new(serde_json::to_vec(self).expect("two strings are always JSON"))
    }
}

/// The answer. A refusal comes with HTTP status 200, too.
#[derive(Clone, PartialEq, Eq)]
pub struct TenantTokenAnswer {
    /// 0, or why there is no token.
    pub code: i64,
    /// A text for people.
    pub msg: String,
    /// The token, `t-…`.
    pub token: Option<Zeroizing<String>>,
    /// For how many seconds it is valid, 7,200 at most.
    pub expires_s: u64,
}

impl TenantTokenAnswer {
    /// Reads an answer. Only `code` is required.
    pub fn parse(body: &[u8]) -> Result<Self, NoApiAnswer> {
        let mut value: Value = repair::from_slice(body).map_err(|_| NoApiAnswer)?;
        let code = value
            .get("code")
            .and_then(Value::as_i64)
            .ok_or(NoApiAnswer)?;
        let msg = value.get("msg").and_then(Value::as_str).unwrap_or_default();
        let msg = msg.to_owned();
        let expires_s = value.get("expire").and_then(Value::as_u64).unwrap_or(0);
        let token = match value.get_mut("tenant_access_token").map(Value::take) {
            Some(Value::String(token)) if !token.is_empty() => Some(Zeroizing::new(token)),
            _ => None,
        };
        Ok(Self {
            code,
            msg,
            token,
            expires_s,
        })
    }
}

impl fmt::Debug for TenantTokenAnswer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("TenantTokenAnswer")
            .field("code", &self.code)
            .field("msg", &self.msg)
            .field("token", &self.token.as_ref().map(|_| "<redacted>"))
            .field("expires_s", &self.expires_s)
            .finish()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn request_in_both_directions() {
        let body = TenantTokenRequest::new("cli_a", "s\"ecret").to_json();
        assert_eq!(&**body, br#"{"app_id":"cli_a","app_secret":"s\"ecret"}"#);
        let read = TenantTokenRequest::parse(&body).expect("our own");
        assert_eq!((&*read.app_id, &*read.app_secret), ("cli_a", "s\"ecret"));
    }

    #[test]
    fn a_token_is_read_and_not_shown() {
        let body = br#"{"code":0,"msg":"ok","tenant_access_token":"t-canary","expire":7200}"#;
        let answer = TenantTokenAnswer::parse(body).expect("an answer");
        assert_eq!(
            answer.token.as_deref().map(String::as_str),
            Some("t-canary")
        );
        assert_eq!((answer.code, answer.expires_s), (0, 7200));
        assert!(!format!("{answer:?}").contains("canary"));
    }

    #[test]
    fn what_an_answer_may_lack() {
        for body in [
            r#"{"code":10014,"msg":"app id not exists"}"#,
            r#"{"code":10003,"data":{},"expire":"soon","tenant_access_token":""}"#,
        ] {
            let answer = TenantTokenAnswer::parse(body.as_bytes()).expect(body);
            assert_eq!((answer.token, answer.expires_s), (None, 0), "{body}");
        }
        assert_eq!(TenantTokenAnswer::parse(b"<html>"), Err(NoApiAnswer));
    }
}
