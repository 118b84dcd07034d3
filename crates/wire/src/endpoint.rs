//! The HTTP call that precedes every connection, as JSON in both directions.
//!
//! A client posts [`EndpointRequest`] to [`PATH`] below the platform's base URL and receives [`EndpointAnswer`]: a URL
//! that is valid for one connection, and the platform's current configuration. This module sends nothing, and its types
//! never print a credential.

mod config;
mod handshake_refusal;
mod service;
mod url;

use std::borrow::Cow;
use std::fmt;

use serde::de::DeserializeOwned;
use serde::{Deserialize, Deserializer, Serialize};

use crate::repair;

pub use self::config::ClientConfig;
pub use self::handshake_refusal::{HandshakeRefusal, handshake};
pub use self::service::ServiceId;
pub use self::url::{ConnectionUrl, ConnectionUrlError};

/// Path of the call, below the base URL of the open platform (`ws/const.go`).
pub const PATH: &str = "/callback/ws/endpoint";

/// `code` of the answer, and of a refused handshake. Zero is success.
///
/// Names as in `ws/const.go` of oapi-sdk-go, except those the SDKs have no name for.
pub mod code {
    /// The platform asks to come later.
    pub const SYSTEM_BUSY: i64 = 1;
    /// The app may not use long connections.
    pub const FORBIDDEN: i64 = 403;
    /// App id and secret do not match; at a handshake, see the sub-code.
    pub const AUTH_FAILED: i64 = 514;
    /// An internal error of the platform.
    pub const INTERNAL: i64 = 1_000_040_343;
    /// Seen with the text "system busy"; unnamed in the SDKs.
    pub const BUSY_TOO: i64 = 1_000_040_345;
    /// The app has reached its number of connections, 50 by documentation.
    pub const CONNECTION_LIMIT: i64 = 1_000_040_350;
    /// The app belongs to the other cloud (Feishu or Lark); unnamed in the SDKs.
    pub const WRONG_DOMAIN: i64 = 1_000_040_351;
    /// The rate limit that all calls of the open platform share. The HTTP status is 429, or 400 from older calls.
    pub const RATE_LIMIT: i64 = 99_991_400;

    /// Whether a code is a rate limit: the general one, or one of a group of older calls (messages: 11232, 11233, 11247;
    /// basic services: 1000004, 1000005).
    pub fn is_rate_limit(code: i64) -> bool {
        matches!(
            code,
            RATE_LIMIT | 11_232 | 11_233 | 11_247 | 1_000_004 | 1_000_005
        )
    }
}

/// The body of the call. It has no `Debug`, because it holds a secret.
#[derive(Serialize, Deserialize)]
pub struct EndpointRequest<'a> {
    /// The app, `cli_...`.
    #[serde(rename = "AppID", borrow)]
    pub app_id: Cow<'a, str>,
    /// Its secret.
    #[serde(rename = "AppSecret", borrow)]
    pub app_secret: Cow<'a, str>,
}

impl<'a> EndpointRequest<'a> {
    /// The request of this app.
    pub fn new(app_id: &'a str, app_secret: &'a str) -> Self {
        Self {
            app_id: Cow::Borrowed(app_id),
            app_secret: Cow::Borrowed(app_secret),
        }
    }

    /// Reads a request. The key spelling must be exact, as on the platform; further keys are
    /// ignored, since newer SDKs send some.
    pub fn parse(body: &'a [u8]) -> Result<Self, serde_json::Error> {
        serde_json::from_slice(body)
    }

    /// The request body. It holds the secret, so wipe it after use.
    pub fn to_json(&self) -> Vec<u8> {
        serde_json::to_vec(self).expect("two strings are always JSON")
    }
}

/// The answer to the call, whatever the HTTP status.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct EndpointAnswer {
    /// Zero for success; otherwise see [`code`].
    pub code: i64,
    /// A text for people, in the language of the request's `locale`.
    #[serde(default, deserialize_with = "lenient")]
    pub msg: String,
    /// Present, but empty, in most errors.
    #[serde(
        default,
        deserialize_with = "lenient",
        skip_serializing_if = "Option::is_none"
    )]
    pub data: Option<EndpointData>,
}

impl EndpointAnswer {
    /// Reads an answer. Only `code` is required, and must be an integer. A member of another type than expected counts as
    /// absent, so that a refusal is understood even if its other members are odd.
    pub fn parse(body: &[u8]) -> Result<EndpointAnswer, serde_json::Error> {
        repair::from_slice(body)
    }

    /// The response body. It holds credentials if `data` has a URL.
    pub fn to_json(&self) -> Vec<u8> {
        serde_json::to_vec(self).expect("numbers and strings are always JSON")
    }
}

/// The data of a successful answer.
#[derive(Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct EndpointData {
    /// The URL to connect to, credentials included. Read it with [`ConnectionUrl::parse`].
    #[serde(
        rename = "URL",
        default,
        deserialize_with = "lenient",
        skip_serializing_if = "Option::is_none"
    )]
    pub url: Option<String>,
    /// The platform's current configuration, if it sent one.
    #[serde(
        rename = "ClientConfig",
        default,
        deserialize_with = "lenient",
        skip_serializing_if = "Option::is_none"
    )]
    pub client_config: Option<ClientConfig>,
}

impl fmt::Debug for EndpointData {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("EndpointData")
            .field("url", &self.url.as_ref().map(|_| "<redacted>"))
            .field("client_config", &self.client_config)
            .finish()
    }
}

/// Reads a value; one of another type than expected counts as absent.
fn lenient<'de, D, T>(deserializer: D) -> Result<T, D::Error>
where
    D: Deserializer<'de>,
    T: DeserializeOwned + Default,
{
    let value = serde_json::Value::deserialize(deserializer)?;
    // serde would also take an array for a struct.
    if value.is_array() {
        return Ok(T::default());
    }
    Ok(T::deserialize(value).unwrap_or_default())
}

#[cfg(test)]
mod tests {
    use super::*;

    const URL: &str = "wss://host.invalid/ws/v2?fpid=1&device_id=7&access_key=k&service_id=3";

    #[test]
    fn request_in_both_directions() {
        let body = EndpointRequest::new("cli_a", "s\"ecret").to_json();
        assert_eq!(body, br#"{"AppID":"cli_a","AppSecret":"s\"ecret"}"#);
        let read = EndpointRequest::parse(&body).expect("our own");
        assert_eq!((&*read.app_id, &*read.app_secret), ("cli_a", "s\"ecret"));
    }

    #[test]
    fn a_request_may_have_more_keys_but_not_other_spelling() {
        let more = br#"{"AppID":"a","AppSecret":"","ClientAssertion":"t","ChannelTag":"x"}"#;
        assert!(EndpointRequest::parse(more).is_ok());
        let other = br#"{"app_id":"a","app_secret":"s"}"#;
        assert!(EndpointRequest::parse(other).is_err());
    }

    #[test]
    fn a_full_answer_in_both_directions() {
        let answer = EndpointAnswer {
            code: 0,
            msg: "ok".into(),
            data: Some(EndpointData {
                url: Some(URL.into()),
                client_config: Some(ClientConfig {
                    reconnect_count: Some(-1),
                    reconnect_interval: Some(120),
                    reconnect_nonce: Some(30),
                    ping_interval: Some(90),
                }),
            }),
        };
        let json = answer.to_json();
        let expected = format!(
            r#"{{"code":0,"msg":"ok","data":{{"URL":"{URL}","ClientConfig":{{"ReconnectCount":-1,"ReconnectInterval":120,"ReconnectNonce":30,"PingInterval":90}}}}}}"#
        );
        assert_eq!(String::from_utf8_lossy(&json), expected);
        let read = EndpointAnswer::parse(&json).expect("our own");
        assert_eq!(
            (read.code, read.msg, read.data),
            (0, answer.msg, answer.data)
        );
    }

    #[test]
    fn what_an_answer_may_lack() {
        let check = |json: &str, code, has_data| {
            let answer = EndpointAnswer::parse(json.as_bytes()).expect(json);
            assert_eq!(
                (answer.code, answer.data.is_some()),
                (code, has_data),
                "{json}"
            );
            let url = answer.data.and_then(|data| data.url);
            assert_eq!(url, None, "{json}");
        };
        check(r#"{"code":514,"msg":"auth failed","data":{}}"#, 514, true);
        check(
            r#"{"code":514,"msg":"auth failed","data":null}"#,
            514,
            false,
        );
        check(r#"{"code":514,"msg":"auth failed"}"#, 514, false);
        check(r#"{"code":514,"msg":null,"data":"none"}"#, 514, false);
        check(r#"{"code":1000040350,"data":[]}"#, 1_000_040_350, false);
        check(r#"{"code":0,"data":{"URL":null}}"#, 0, true);
        check(r#"{"code":0,"data":{"URL":5,"ClientConfig":7}}"#, 0, true);
        check(r#"{"code":9499,"error":{"log_id":"x"}}"#, 9499, false);
    }

    #[test]
    fn what_is_no_answer() {
        for body in ["", "<html>", "null", "[]", "{}", r#"{"code":"0"}"#] {
            assert!(EndpointAnswer::parse(body.as_bytes()).is_err(), "{body}");
        }
    }

    #[test]
    fn an_answer_that_is_nearly_json_is_read() {
        for body in [
            "\u{feff}{\"code\":514,\"msg\":\"no\"}",
            "{\"code\":514,\"msg\":\"no\"}\0",
            "{\"code\":514,\"msg\":\"no\",\"extra\":\"a\nb\"}",
        ] {
            let answer = EndpointAnswer::parse(body.as_bytes()).expect(body);
            assert_eq!((answer.code, &*answer.msg), (514, "no"), "{body}");
        }
    }

    #[test]
    fn an_answer_does_not_print_its_url() {
        let json = format!(r#"{{"code":0,"data":{{"URL":"{URL}"}}}}"#);
        let answer = EndpointAnswer::parse(json.as_bytes()).expect("an answer");
        assert!(!format!("{answer:?}").contains("access_key"));
    }
}
