//! Feishu and Lark: the bootstrap call that precedes every connection, and the calls that send messages.
//!
//! Each connection takes two steps: [`endpoint()`] sends the app's credentials and gets a URL that is valid for one
//! connection, and [`dial`](crate::dial()) opens it. Request and refusals are as in `ws/client.go` and `ws/const.go` of
//! oapi-sdk-go and in lark-oapi 1.7.5.
//!
//! [`messages`] are said with a token of [`TenantTokens`], over HTTP, whether a connection is open or not. [`lookups`] ask with
//! the same tokens what events have ids of only.

mod app;
mod caller;
mod headers;
pub mod lookups;
pub mod messages;
mod tokens;
pub mod user_tokens;

pub use app::{CallingApp, NoSecretError};
pub use caller::ApiCaller;
pub use lookups::LookupError;
pub use messages::{
    IdempotencyKey, IdempotencyKeyError, MessageCall, MessageError, MessageRefusal, ReceiverKind,
    RefusalReason,
};
pub use tokens::{TenantToken, TenantTokens, TokenError};
pub use user_tokens::{AuthorizePage, UserTokenError, UserTokens};

use std::time::Duration;

use bytes::Bytes;
use longwire_egress::{Egress, HttpAnswer, HttpError, HttpLimits};
use longwire_wire::endpoint::{
    self, ClientConfig, ConnectionUrl, ConnectionUrlError, EndpointAnswer, EndpointRequest,
};
use secrecy::zeroize::Zeroizing;
use secrecy::{ExposeSecret, SecretString};
use url::Url;

use longwire_wire::explanation;

/// The longest accepted answer. A real one has less than 1 KiB; a longer body is not the platform's.
const MAX_ANSWER_BYTES: usize = 1024 * 1024;

const USER_AGENT: &str = concat!("longwire/", env!("CARGO_PKG_VERSION"));

/// The credentials of an app.
#[derive(Clone, Copy)]
pub struct AppCredentials<'a> {
    /// `cli_…`.
    pub app_id: &'a str,
    /// Its secret.
    pub app_secret: &'a SecretString,
}

/// Where one connection may be opened.
#[derive(Debug)]
pub struct Endpoint {
    /// The URL to connect to, credentials included.
    pub url: ConnectionUrl,
    /// The platform's current configuration, if it sent one.
    pub config: Option<ClientConfig>,
}

/// Why there is no endpoint. No text holds the secret or a URL.
#[derive(Debug, thiserror::Error)]
pub enum EndpointError {
    /// The platform answered with a code other than 0.
    #[error("the platform refused with code {code}: {msg}")]
    Code {
        /// One of [`endpoint::code`], or unknown to us.
        code: i64,
        /// The platform's explanation, cut to 300 characters and without the secret.
        msg: String,
    },
    /// An HTTP status other than 200.
    #[error("the platform answered with http status {status}")]
    HttpStatus {
        /// The status.
        status: u16,
        /// The code of the body, if it has one.
        code: Option<i64>,
        /// The explanation of the body, cut to 300 characters and without the secret; empty if there is none.
        msg: String,
    },
    /// Status 200, but the body is not an answer. Usually it is the page of a captive portal or of a proxy.
    #[error("the answer is not the json of an endpoint")]
    NotJson,
    /// Code 0 without a URL.
    #[error("the answer has no url")]
    NoUrl,
    /// Code 0 with a URL that cannot be dialled.
    #[error("the url of the answer cannot be dialled")]
    BadUrl(#[source] ConnectionUrlError),
    /// No answer was received.
    #[error("the platform could not be asked")]
    Http(#[source] HttpError),
    /// The app has no secret, so no request was sent.
    #[error("the app has no secret")]
    NoSecret,
}

/// Asks the platform at `base` where the app may connect.
///
/// `base` is the platform's base URL or that of a private deployment, whose path is kept.
/// `deadline` covers the whole call. Our copy of the request, which holds the secret, is wiped afterwards; awc's write
/// buffer cannot be wiped.
pub async fn endpoint(
    egress: &Egress,
    base: &Url,
    credentials: AppCredentials<'_>,
    deadline: Duration,
) -> Result<Endpoint, EndpointError> {
    let secret = credentials.app_secret.expose_secret();
    if secret.is_empty() {
        return Err(EndpointError::NoSecret);
    }
    let body = Zeroizing::new(EndpointRequest::new(credentials.app_id, secret).to_json());
    let headers = [
        ("Content-Type", "application/json"),
        ("User-Agent", USER_AGENT),
        // The language of the platform's texts. Every SDK sends this value.
        ("locale", "zh"),
    ];
    let limits = HttpLimits {
        deadline,
        max_body: MAX_ANSWER_BYTES,
    };
    let answer = egress
        .post_json(
            &call_url(base, endpoint::PATH),
            Bytes::from_owner(body),
            &headers,
            limits,
        )
        .await
        .map_err(EndpointError::Http)?;
    read(&answer, secret)
}

/// The URL of a call: the path of the base, then the path of the call.
fn call_url(base: &Url, path: &str) -> Url {
    let mut url = base.clone();
    url.set_path(&format!("{}{path}", base.path().trim_end_matches('/')));
    url.set_query(None);
    url.set_fragment(None);
    url
}

fn read(answer: &HttpAnswer, secret: &str) -> Result<Endpoint, EndpointError> {
    let parsed = EndpointAnswer::parse(&answer.body);
    if answer.status != 200 {
        let said = parsed.ok();
        let msg = said.as_ref().map_or("", |said| &said.msg);
        return Err(EndpointError::HttpStatus {
            status: answer.status,
            code: said.as_ref().map(|said| said.code),
            msg: explanation::without(secret, msg),
        });
    }
    let parsed = parsed.map_err(|_| EndpointError::NotJson)?;
    if parsed.code != 0 {
        return Err(EndpointError::Code {
            code: parsed.code,
            msg: explanation::without(secret, &parsed.msg),
        });
    }
    let data = parsed.data.unwrap_or_default();
    let url = data
        .url
        .filter(|url| !url.is_empty())
        .ok_or(EndpointError::NoUrl)?;
    Ok(Endpoint {
        url: ConnectionUrl::parse(&url).map_err(EndpointError::BadUrl)?,
        config: data.client_config,
    })
}

#[cfg(test)]
mod tests {
    use longwire_installation::Platform;

    use super::*;

    /// S104: a deployment of one's own is an address like any other.
    #[test]
    fn where_the_call_goes() {
        for (base, expected) in [
            (
                Platform::Feishu.base_url(),
                "https://open.feishu.cn/callback/ws/endpoint",
            ),
            (
                Platform::Lark.base_url(),
                "https://open.larksuite.com/callback/ws/endpoint",
            ),
            (
                "https://im.corp.example/",
                "https://im.corp.example/callback/ws/endpoint",
            ),
            (
                "https://im.corp.example:8443/open/?x=1#y",
                "https://im.corp.example:8443/open/callback/ws/endpoint",
            ),
        ] {
            let base = Url::parse(base).expect("a url");
            assert_eq!(call_url(&base, endpoint::PATH).as_str(), expected);
        }
    }
}
