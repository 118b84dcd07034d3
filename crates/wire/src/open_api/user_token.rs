//! How a person lets an app act for them: the page that asks, the exchange of its code for tokens, and who the person is.
//!
//! Source: the documentation of `authen/v1/authorize`, `authen/v2/oauth/token` and `authen/v1/user_info`. The answer of the token
//! call has its members at top level.

use std::borrow::Cow;
use std::fmt;

use serde::{Deserialize, Serialize};
use serde_json::Value;
use zeroize::Zeroizing;

use super::answer::NoApiAnswer;
use crate::repair;

/// Path of the page that asks the person, on the accounts host.
pub const AUTHORIZE_PATH: &str = "/open-apis/authen/v1/authorize";
/// Path of the call that gives tokens for a code or a refresh token.
pub const USER_TOKEN_PATH: &str = "/open-apis/authen/v2/oauth/token";
/// Path of the call that says whose token it is.
pub const USER_INFO_PATH: &str = "/open-apis/authen/v1/user_info";
/// The scope without which there is no refresh token.
pub const OFFLINE_ACCESS: &str = "offline_access";
/// The most scopes of one page.
pub const MOST_USER_SCOPES: usize = 50;

/// Codes of the token call. All come with HTTP status 400, but the last two.
pub mod user_token_code {
    /// The app secret is wrong.
    pub const CLIENT_SECRET: i64 = 20_002;
    /// The code is unknown.
    pub const CODE_UNKNOWN: i64 = 20_003;
    /// The code has expired: it holds for five minutes.
    pub const CODE_EXPIRED: i64 = 20_004;
    /// The person does not exist.
    pub const USER_MISSING: i64 = 20_008;
    /// The app is not installed in the person's tenant.
    pub const NOT_INSTALLED: i64 = 20_009;
    /// The person may not use the app.
    pub const USER_NOT_ALLOWED: i64 = 20_010;
    /// The code or refresh token is another app's.
    pub const OTHER_APP: i64 = 20_024;
    /// The refresh token is none.
    pub const REFRESH_INVALID: i64 = 20_026;
    /// The refresh token has expired.
    pub const REFRESH_EXPIRED: i64 = 20_037;
    /// The app does not exist.
    pub const APP_MISSING: i64 = 20_048;
    /// The code verifier does not fit.
    pub const PKCE: i64 = 20_049;
    /// The refresh token was revoked.
    pub const REFRESH_REVOKED: i64 = 20_064;
    /// The code was used.
    pub const CODE_USED: i64 = 20_065;
    /// The person's state does not allow it.
    pub const USER_STATE: i64 = 20_066;
    /// The person did not grant a scope.
    pub const SCOPE_NOT_GRANTED: i64 = 20_068;
    /// The app is disabled.
    pub const APP_DISABLED: i64 = 20_069;
    /// The redirect address is another one than the page had.
    pub const REDIRECT_DIFFERS: i64 = 20_071;
    /// The refresh token was used: each holds for one call.
    pub const REFRESH_USED: i64 = 20_073;
    /// The app may not refresh tokens: that is switched off in the console.
    pub const REFRESH_OFF: i64 = 20_074;
    /// The call may be made again. HTTP status 500 and 503.
    pub const TRY_AGAIN: [i64; 2] = [20_050, 20_072];
}

/// The request of the token call.
#[derive(Serialize, Deserialize)]
pub struct UserTokenRequest<'a> {
    /// `authorization_code` or `refresh_token`.
    #[serde(borrow)]
    pub grant_type: Cow<'a, str>,
    /// The app, `cli_…`.
    #[serde(borrow)]
    pub client_id: Cow<'a, str>,
    /// Its secret.
    #[serde(borrow)]
    pub client_secret: Cow<'a, str>,
    /// What the page gave.
    #[serde(borrow, default, skip_serializing_if = "Option::is_none")]
    pub code: Option<Cow<'a, str>>,
    /// The same as that of the page.
    #[serde(borrow, default, skip_serializing_if = "Option::is_none")]
    pub redirect_uri: Option<Cow<'a, str>>,
    /// What the page's challenge was made of.
    #[serde(borrow, default, skip_serializing_if = "Option::is_none")]
    pub code_verifier: Option<Cow<'a, str>>,
    /// The token that is to be replaced.
    #[serde(borrow, default, skip_serializing_if = "Option::is_none")]
    pub refresh_token: Option<Cow<'a, str>>,
}

impl<'a> UserTokenRequest<'a> {
    /// A request for the tokens of a code.
    pub fn of_code(
        (app_id, app_secret): (&'a str, &'a str),
        code: &'a str,
        redirect_uri: &'a str,
        code_verifier: &'a str,
    ) -> Self {
        Self {
            grant_type: Cow::Borrowed("authorization_code"),
            client_id: Cow::Borrowed(app_id),
            client_secret: Cow::Borrowed(app_secret),
            code: Some(Cow::Borrowed(code)),
            redirect_uri: Some(Cow::Borrowed(redirect_uri)),
            code_verifier: Some(Cow::Borrowed(code_verifier)),
            refresh_token: None,
        }
    }

    /// A request that replaces a refresh token.
    pub fn of_refresh((app_id, app_secret): (&'a str, &'a str), refresh_token: &'a str) -> Self {
        Self {
            grant_type: Cow::Borrowed("refresh_token"),
            client_id: Cow::Borrowed(app_id),
            client_secret: Cow::Borrowed(app_secret),
            code: None,
            redirect_uri: None,
            code_verifier: None,
            refresh_token: Some(Cow::Borrowed(refresh_token)),
        }
    }

    /// Reads a request.
    pub fn parse(body: &'a [u8]) -> Result<Self, serde_json::Error> {
        serde_json::from_slice(body)
    }

    /// The request body. It holds secrets and is wiped when it is dropped.
    pub fn to_json(&self) -> Zeroizing<Vec<u8>> {
        Zeroizing::new(serde_json::to_vec(self).expect("texts are always JSON"))
    }
}

/// The answer of the token call.
#[derive(Clone, PartialEq, Eq)]
pub struct UserTokenAnswer {
    /// 0, or why there are no tokens.
    pub code: i64,
    /// The platform's explanation.
    pub description: String,
    /// What calls are made with, `u-…` or `eyJ…`.
    pub access_token: Option<Zeroizing<String>>,
    /// For how many seconds it holds.
    pub expires_s: u64,
    /// What replaces both, once. Given for the scope [`OFFLINE_ACCESS`] alone.
    pub refresh_token: Option<Zeroizing<String>>,
    /// For how many seconds that holds.
    pub refresh_expires_s: u64,
    /// The scopes that were granted, with blanks between.
    pub scope: String,
}

impl UserTokenAnswer {
    /// Reads an answer. Only `code` is required.
    pub fn parse(body: &[u8]) -> Result<Self, NoApiAnswer> {
        let mut value: Value = repair::from_slice(body).map_err(|_| NoApiAnswer)?;
        let code = value
            .get("code")
            .and_then(Value::as_i64)
            .ok_or(NoApiAnswer)?;
        let text = |value: &Value, name: &str| value.get(name)?.as_str().map(str::to_owned);
        let number = |value: &Value, name: &str| value.get(name).and_then(Value::as_u64);
        let description = text(&value, "error_description").or_else(|| text(&value, "msg"));
        let mut secret = |name: &str| match value.get_mut(name).map(Value::take) {
            Some(Value::String(token)) if !token.is_empty() => Some(Zeroizing::new(token)),
            _ => None,
        };
        let (access_token, refresh_token) = (secret("access_token"), secret("refresh_token"));
        Ok(Self {
            code,
            description: description.unwrap_or_default(),
            access_token,
            expires_s: number(&value, "expires_in").unwrap_or(0),
            refresh_token,
            refresh_expires_s: number(&value, "refresh_token_expires_in").unwrap_or(0),
            scope: text(&value, "scope").unwrap_or_default(),
        })
    }
}

impl fmt::Debug for UserTokenAnswer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("UserTokenAnswer")
            .field("code", &self.code)
            .field("description", &self.description)
            .field("scope", &self.scope)
            .finish_non_exhaustive()
    }
}

/// Whose token it is: `open_id` of the answer to [`USER_INFO_PATH`].
pub fn read_user_open_id(body: &[u8]) -> Result<String, NoApiAnswer> {
    let value: Value = repair::from_slice(body).map_err(|_| NoApiAnswer)?;
    let open_id = value.pointer("/data/open_id").and_then(Value::as_str);
    open_id.map(str::to_owned).ok_or(NoApiAnswer)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn requests_in_both_directions() {
        let app = ("cli_a", "canary");
        let of_code = UserTokenRequest::of_code(app, "c1", "https://gw.example/x", "v1").to_json();
        let expected = br#"{"grant_type":"authorization_code","client_id":"cli_a","client_secret":"canary","code":"c1","redirect_uri":"https://gw.example/x","code_verifier":"v1"}"#;
        assert_eq!(&**of_code, expected);
        let of_refresh = UserTokenRequest::of_refresh(app, "r1").to_json();
        let read = UserTokenRequest::parse(&of_refresh).expect("our own");
        assert_eq!(read.refresh_token.as_deref(), Some("r1"));
        assert_eq!((&*read.grant_type, read.code), ("refresh_token", None));
    }

    #[test]
    fn tokens_are_read_and_not_shown() {
        let body = br#"{"code":0,"access_token":"u-canary","expires_in":7200,"refresh_token":"ur-canary",
            "refresh_token_expires_in":604800,"token_type":"Bearer","scope":"auth:user.id:read offline_access"}"#;
        let answer = UserTokenAnswer::parse(body).expect("an answer");
        let access = answer.access_token.as_deref().map(String::as_str);
        let refresh = answer.refresh_token.as_deref().map(String::as_str);
        assert_eq!((access, refresh), (Some("u-canary"), Some("ur-canary")));
        assert_eq!(
            (answer.expires_s, answer.refresh_expires_s),
            (7_200, 604_800)
        );
        assert!(!format!("{answer:?}").contains("canary"));
        let refused =
            br#"{"code":20003,"error":"invalid_grant","error_description":"code not found"}"#;
        let answer = UserTokenAnswer::parse(refused).expect("an answer");
        assert_eq!(
            (answer.code, &*answer.description),
            (20_003, "code not found")
        );
        assert_eq!((answer.access_token, answer.refresh_token), (None, None));
        assert_eq!(UserTokenAnswer::parse(b"<html>"), Err(NoApiAnswer));
    }

    #[test]
    fn whose_token_it_is() {
        let body = br#"{"code":0,"data":{"open_id":"ou_1","name":"Ann"}}"#;
        assert_eq!(read_user_open_id(body), Ok("ou_1".to_owned()));
        assert_eq!(read_user_open_id(br#"{"code":20005}"#), Err(NoApiAnswer));
    }
}
