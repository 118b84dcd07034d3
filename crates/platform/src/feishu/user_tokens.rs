//! The tokens with which an app acts for a person: given for the code of a page that the person agreed to, and replaced by their
//! refresh token.
//!
//! A refresh token holds for one call: whoever makes it has to keep what comes before anything else. So nothing is retried here.

use std::fmt;
use std::time::Duration;

use bytes::Bytes;
use longwire_egress::{EgressError, HttpAnswer, HttpError, NoRoute};
use longwire_wire::explanation;
use longwire_wire::open_api::{
    AUTHORIZE_PATH, ApiAnswer, USER_INFO_PATH, USER_TOKEN_PATH, UserTokenAnswer, UserTokenRequest,
    read_user_open_id, user_token_code as code,
};
use secrecy::{ExposeSecret as _, SecretString};
use url::Url;

use super::app::{CallingApp, NoSecretError};
use super::{USER_AGENT, call_url};

/// The tokens of a person.
pub struct UserTokens {
    /// What calls are made with.
    pub access_token: SecretString,
    /// For how long it holds.
    pub expires_in: Duration,
    /// What replaces both, once; none without the scope `offline_access`.
    pub refresh_token: Option<SecretString>,
    /// For how long that holds.
    pub refresh_expires_in: Duration,
    /// The scopes that were granted.
    pub scopes: Vec<String>,
}

impl fmt::Debug for UserTokens {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("UserTokens")
            .field("scopes", &self.scopes)
            .finish_non_exhaustive()
    }
}

/// Why there are no tokens. No text holds a secret, a code or a token.
#[derive(Debug, thiserror::Error)]
pub enum UserTokenError {
    /// The app has no secret that could be read. Nothing was sent.
    #[error(transparent)]
    NoSecret(#[from] NoSecretError),
    /// The platform refused.
    #[error("the platform refused with code {code}: {description}")]
    Refused {
        /// Its code.
        code: i64,
        /// Its explanation, cut to 300 characters.
        description: String,
    },
    /// The platform asks to be asked again (20050, 20072).
    #[error("the platform asks to be asked again (code {code})")]
    Busy {
        /// Its code.
        code: i64,
    },
    /// The platform could not be reached. Nothing was sent.
    #[error("the platform could not be reached")]
    NotSent(#[source] HttpError),
    /// No answer of the platform came. A code or a refresh token may be spent.
    #[error("the platform did not answer; the code or refresh token may be spent")]
    Unknown(#[source] HttpError),
    /// The answer is not the platform's. A code or a refresh token may be spent.
    #[error("the answer with http status {http_status} is not the platform's")]
    Unintelligible {
        /// HTTP status.
        http_status: u16,
    },
}

impl UserTokenError {
    /// A stable name for programs.
    #[must_use]
    pub fn label(&self) -> &'static str {
        match self {
            Self::NoSecret(_) => "credentials_refused",
            Self::Busy { .. } => "platform_busy",
            Self::NotSent(_) => "unreachable",
            Self::Unknown(_) | Self::Unintelligible { .. } => "unknown",
            Self::Refused { code, .. } => match *code {
                code::CLIENT_SECRET | code::APP_MISSING => "credentials_refused",
                code::CODE_UNKNOWN | code::CODE_EXPIRED | code::CODE_USED => "code_spent",
                code::REFRESH_INVALID
                | code::REFRESH_EXPIRED
                | code::REFRESH_REVOKED
                | code::REFRESH_USED => "authorization_ended",
                code::OTHER_APP => "other_app",
                code::PKCE | code::REDIRECT_DIFFERS => "redirect_differs",
                code::USER_MISSING
                | code::USER_STATE
                | code::USER_NOT_ALLOWED
                | code::NOT_INSTALLED => "user_not_allowed",
                code::SCOPE_NOT_GRANTED => "scope_not_granted",
                code::APP_DISABLED => "app_unavailable",
                code::REFRESH_OFF => "refresh_off",
                _ => "refused",
            },
        }
    }

    /// What to do.
    #[must_use]
    pub fn next_step(&self) -> &'static str {
        match self.label() {
            "credentials_refused" => "compare app id and secret with the developer console",
            "platform_busy" | "unreachable" => "ask again in a moment",
            "unknown" => "ask again; if it is refused then, begin a new authorization",
            "code_spent" => {
                "begin a new authorization: a code holds for five minutes and for one call"
            }
            "authorization_ended" => "begin a new authorization: let the person agree again",
            "other_app" => "use the installation whose app the person agreed to",
            "redirect_differs" => {
                "register this very redirect address in the developer console, under security settings"
            }
            "user_not_allowed" => {
                "install the app in the person's tenant, and widen its availability to the person"
            }
            "scope_not_granted" => "begin a new authorization with the scopes that are needed",
            "app_unavailable" => "enable the app in the developer console",
            "refresh_off" => {
                "switch the refreshing of user tokens on in the developer console, under security settings"
            }
            _ => "look the code up in the platform's documentation",
        }
    }

    /// Whether the person has to agree again before there can be tokens.
    #[must_use]
    pub fn ends_authorization(&self) -> bool {
        matches!(
            self.label(),
            "authorization_ended" | "other_app" | "user_not_allowed" | "refresh_off"
        )
    }

    /// Whether the same call may be made again as it was: the platform says so, or nothing was sent.
    #[must_use]
    pub fn may_be_asked_again(&self) -> bool {
        matches!(self, Self::Busy { .. } | Self::NotSent(_))
    }
}

/// What the page asks, and where it leads back to.
#[derive(Clone, Copy, Debug)]
pub struct AuthorizePage<'a> {
    /// The app, `cli_…`.
    pub app_id: &'a str,
    /// The address that the browser is sent to; it is registered in the console.
    pub redirect_uri: &'a str,
    /// The scopes.
    pub scopes: &'a [String],
    /// Comes back with the code.
    pub state: &'a str,
    /// SHA-256 of the code verifier, in base64url.
    pub code_challenge: &'a str,
}

/// The address of the page that asks the person. The platforms' own is on their accounts host, that of a private deployment on
/// its base URL.
#[must_use]
pub fn authorize_url(base: &Url, page: &AuthorizePage<'_>) -> Url {
    let mut url = call_url(base, AUTHORIZE_PATH);
    let accounts = match url.host_str() {
        Some("open.feishu.cn") => Some("accounts.feishu.cn"),
        Some("open.larksuite.com") => Some("accounts.larksuite.com"),
        _ => None,
    };
    if let Some(accounts) = accounts {
        // A host name in place of another one cannot be refused.
        let _ = url.set_host(Some(accounts));
    }
    url.query_pairs_mut()
        .append_pair("client_id", page.app_id)
        .append_pair("response_type", "code")
        .append_pair("redirect_uri", page.redirect_uri)
        .append_pair("scope", &page.scopes.join(" "))
        .append_pair("state", page.state)
        .append_pair("code_challenge", page.code_challenge)
        .append_pair("code_challenge_method", "S256");
    // A blank as in the platform's examples; a plus sign of a value is encoded already.
    let query = url.query().map(|query| query.replace('+', "%20"));
    url.set_query(query.as_deref());
    url
}

/// The tokens for the code of a page.
pub async fn exchange(
    app: &CallingApp<'_>,
    code: &str,
    redirect_uri: &str,
    code_verifier: &SecretString,
) -> Result<UserTokens, UserTokenError> {
    let secret = (app.open_secret)()?;
    let credentials = (app.app_id, secret.expose_secret());
    let verifier = code_verifier.expose_secret();
    let request = UserTokenRequest::of_code(credentials, code, redirect_uri, verifier);
    ask(app, &request).await
}

/// New tokens for a refresh token, which is spent by that.
pub async fn refresh(
    app: &CallingApp<'_>,
    refresh_token: &SecretString,
) -> Result<UserTokens, UserTokenError> {
    let secret = (app.open_secret)()?;
    let credentials = (app.app_id, secret.expose_secret());
    let request = UserTokenRequest::of_refresh(credentials, refresh_token.expose_secret());
    ask(app, &request).await
}

/// Whose access token it is: the person's `open_id` for this app.
pub async fn open_id_of(
    app: &CallingApp<'_>,
    access_token: &SecretString,
) -> Result<String, UserTokenError> {
    let url = call_url(app.base, USER_INFO_PATH);
    let authorization = SecretString::from(format!("Bearer {}", access_token.expose_secret()));
    let headers = [
        ("User-Agent", USER_AGENT),
        ("Authorization", authorization.expose_secret()),
    ];
    let answer = app.egress.get(&url, &headers, app.limits()).await;
    let answer = answer.map_err(of_http)?;
    let http_status = answer.status;
    let said = ApiAnswer::parse(&answer.body)
        .map_err(|_| UserTokenError::Unintelligible { http_status })?;
    if said.code != 0 {
        return Err(refusal(said.code, &said.msg, access_token));
    }
    read_user_open_id(&answer.body).map_err(|_| UserTokenError::Unintelligible { http_status })
}

async fn ask(
    app: &CallingApp<'_>,
    request: &UserTokenRequest<'_>,
) -> Result<UserTokens, UserTokenError> {
    let url = call_url(app.base, USER_TOKEN_PATH);
    let headers = [
        ("Content-Type", "application/json; charset=utf-8"),
        ("User-Agent", USER_AGENT),
    ];
    let body = Bytes::from_owner(request.to_json());
    let answer = app.egress.post_json(&url, body, &headers, app.limits());
    let answer = answer.await.map_err(of_http)?;
    read(&answer, &request.client_secret)
}

fn read(answer: &HttpAnswer, secret: &str) -> Result<UserTokens, UserTokenError> {
    let http_status = answer.status;
    let unintelligible = || UserTokenError::Unintelligible { http_status };
    let said = UserTokenAnswer::parse(&answer.body).map_err(|_| unintelligible())?;
    if said.code != 0 {
        return Err(refusal(
            said.code,
            &said.description,
            &SecretString::from(secret),
        ));
    }
    let mut said = said;
    let token = |text: &mut Option<secrecy::zeroize::Zeroizing<String>>| {
        text.as_mut()
            .map(|text| SecretString::from(std::mem::take(&mut **text)))
    };
    let access_token = token(&mut said.access_token).ok_or_else(unintelligible)?;
    Ok(UserTokens {
        access_token,
        expires_in: Duration::from_secs(said.expires_s),
        refresh_token: token(&mut said.refresh_token),
        refresh_expires_in: Duration::from_secs(said.refresh_expires_s),
        scopes: said.scope.split_whitespace().map(str::to_owned).collect(),
    })
}

fn refusal(refused: i64, description: &str, secret: &SecretString) -> UserTokenError {
    if code::TRY_AGAIN.contains(&refused) {
        return UserTokenError::Busy { code: refused };
    }
    UserTokenError::Refused {
        code: refused,
        description: explanation::without(secret.expose_secret(), description),
    }
}

fn of_http(error: HttpError) -> UserTokenError {
    match &error {
        HttpError::Egress(
            EgressError::TimedOut
            | EgressError::Unreachable {
                source: NoRoute::Dropped | NoRoute::Network(_),
                ..
            }
            | EgressError::Protocol { .. },
        )
        | HttpError::BodyTooLarge { .. } => UserTokenError::Unknown(error),
        HttpError::Egress(_) => UserTokenError::NotSent(error),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn where_a_person_is_asked() {
        let page = AuthorizePage {
            app_id: "cli_a",
            redirect_uri: "https://gw.example/callbacks/feishu/ins_1/authorized",
            scopes: &[
                "docx:document:readonly".to_owned(),
                "offline_access".to_owned(),
            ],
            state: "s",
            code_challenge: "c",
        };
        for (base, expected) in [
            (
                "https://open.feishu.cn/",
                "https://accounts.feishu.cn/open-apis/authen/v1/authorize?client_id=cli_a&response_type=code&redirect_uri=https%3A%2F%2Fgw.example%2Fcallbacks%2Ffeishu%2Fins_1%2Fauthorized&scope=docx%3Adocument%3Areadonly%20offline_access&state=s&code_challenge=c&code_challenge_method=S256",
            ),
            (
                "https://open.larksuite.com",
                "https://accounts.larksuite.com/",
            ),
            (
                "http://127.0.0.1:99",
                "http://127.0.0.1:99/open-apis/authen/v1/authorize?",
            ),
        ] {
            let base = Url::parse(base).expect("a url");
            let url = authorize_url(&base, &page);
            assert!(url.as_str().starts_with(expected), "{url}");
        }
    }

    /// Only what the platform says may be asked again is.
    #[test]
    fn what_a_refusal_means() {
        let refused = |code| refusal(code, "no", &SecretString::from("canary"));
        for (code, label, ends) in [
            (20_003, "code_spent", false),
            (20_004, "code_spent", false),
            (20_024, "other_app", true),
            (20_026, "authorization_ended", true),
            (20_064, "authorization_ended", true),
            (20_073, "authorization_ended", true),
            (20_071, "redirect_differs", false),
            (20_001, "refused", false),
            (20_050, "platform_busy", false),
            (20_072, "platform_busy", false),
        ] {
            let error = refused(code);
            assert_eq!(
                (error.label(), error.ends_authorization()),
                (label, ends),
                "{code}"
            );
            assert_eq!(
                error.may_be_asked_again(),
                label == "platform_busy",
                "{code}"
            );
        }
    }
}
