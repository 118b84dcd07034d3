//! The tenant tokens of apps: asked for when first needed, kept, renewed before they end.
//!
//! [`TokenState`] decides what to do with a token; this file asks the platform. One call at a time asks for an app's
//! token: whoever comes meanwhile uses the token that still holds, or waits for that call and shares its outcome, a failure
//! too. A token is never printed.

mod state;

use std::cell::RefCell;
use std::collections::HashMap;
use std::fmt;
use std::rc::Rc;
use std::sync::Arc;
use std::time::{Duration, Instant};

use bytes::Bytes;
use longwire_egress::HttpError;
use longwire_wire::explanation;
use longwire_wire::open_api::{TENANT_TOKEN_PATH, TenantTokenAnswer, TenantTokenRequest, code};
use secrecy::{ExposeSecret as _, SecretString};
use url::Url;

use super::app::{CallingApp, NoSecretError};
use super::headers::retry_after;
use super::{USER_AGENT, call_url};
use state::{TokenState, TokenUse};

/// Apps whose tokens are kept before those that ended are forgotten.
const SWEEP_ABOVE: usize = 64;

/// Why there is no token. No text holds the secret.
#[derive(Debug, thiserror::Error)]
pub enum TokenError {
    /// The app has no secret that could be read. Nothing was sent.
    #[error(transparent)]
    NoSecret(#[from] NoSecretError),
    /// The platform does not know the app, or its secret is another one.
    #[error("the platform refused the app's credentials with code {code}: {msg}")]
    CredentialsRefused {
        /// The platform's code.
        code: i64,
        /// Its explanation, cut to 300 characters and without the secret.
        msg: String,
    },
    /// The platform gave no token for another reason.
    #[error("the platform gave no token: http status {http_status}, code {code:?}: {msg}")]
    Refused {
        /// HTTP status.
        http_status: u16,
        /// The code, if the body is an answer.
        code: Option<i64>,
        /// Its explanation, cut to 300 characters and without the secret.
        msg: String,
    },
    /// The app calls too often.
    #[error("the platform limits how often the app asks for a token")]
    RateLimited {
        /// How long the platform says to wait.
        retry_after: Option<Duration>,
    },
    /// No answer was received.
    #[error("the platform could not be asked for a token")]
    Http(#[source] HttpError),
}

/// A token of a tenant.
#[derive(Clone)]
pub struct TenantToken(Rc<SecretString>);

impl TenantToken {
    /// The value of `Authorization`, for a call that somebody else makes.
    #[must_use]
    pub fn authorization(&self) -> SecretString {
        SecretString::from(format!("Bearer {}", self.expose()))
    }

    pub(super) fn expose(&self) -> &str {
        self.0.expose_secret()
    }
}

impl fmt::Debug for TenantToken {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("TenantToken(<redacted>)")
    }
}

/// The tokens of the apps that call from one thread. Clones share them.
#[derive(Clone, Default)]
pub struct TenantTokens {
    apps: Rc<RefCell<HashMap<App, Rc<AppToken>>>>,
}

/// An app belongs to one platform, so the same id elsewhere is another app.
#[derive(Clone, PartialEq, Eq, Hash)]
struct App {
    base: Url,
    app_id: String,
}

#[derive(Default)]
struct AppToken {
    state: RefCell<TokenState<TenantToken>>,
    /// The failure that ended a call last, and when. Those who waited for that call share it.
    failed: RefCell<Option<(Instant, Arc<TokenError>)>>,
    /// Held by the one call under way.
    asking: tokio::sync::Mutex<()>,
}

impl fmt::Debug for TenantTokens {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let apps = self.apps.borrow().len();
        f.debug_struct("TenantTokens").field("apps", &apps).finish()
    }
}

impl TenantTokens {
    /// The app's token: the one that is kept, or a new one.
    pub async fn token(&self, app: &CallingApp<'_>) -> Result<TenantToken, Arc<TokenError>> {
        let of_app = self.of(app);
        let came = now();
        match of_app.state.borrow().look(came) {
            TokenUse::Use(token) => return Ok(token),
            TokenUse::RenewSoon(token) if of_app.asking.try_lock().is_err() => return Ok(token),
            TokenUse::RenewSoon(_) | TokenUse::Ask => {}
        }
        let _asking = of_app.asking.lock().await;
        if let TokenUse::Use(token) = of_app.state.borrow().look(now()) {
            return Ok(token);
        }
        if let Some((at, error)) = &*of_app.failed.borrow()
            && *at >= came
        {
            return Err(Arc::clone(error));
        }
        let asked = ask(app).await;
        let mut state = of_app.state.borrow_mut();
        match asked {
            Ok((token, lifetime)) => {
                state.handle_token(token.clone(), lifetime, now());
                *of_app.failed.borrow_mut() = None;
                Ok(token)
            }
            Err(error) => {
                let error = Arc::new(error);
                *of_app.failed.borrow_mut() = Some((now(), Arc::clone(&error)));
                // The old token may still hold.
                state.handle_failure(now()).ok_or(error)
            }
        }
    }

    /// The platform refused this token. It is forgotten, unless another one has its place.
    pub fn evict(&self, app: &CallingApp<'_>, token: &TenantToken) {
        let of_app = self.of(app);
        let mut state = of_app.state.borrow_mut();
        state.evict(|kept| Rc::ptr_eq(&kept.0, &token.0));
    }

    fn of(&self, app: &CallingApp<'_>) -> Rc<AppToken> {
        let key = App {
            base: app.base.clone(),
            app_id: app.app_id.to_owned(),
        };
        let mut apps = self.apps.borrow_mut();
        if apps.len() > SWEEP_ABOVE && !apps.contains_key(&key) {
            let now = now();
            apps.retain(|_, of_app| {
                Rc::strong_count(of_app) > 1 || of_app.state.borrow().holds(now)
            });
        }
        Rc::clone(apps.entry(key).or_default())
    }
}

/// The clock by which tokens end.
fn now() -> Instant {
    tokio::time::Instant::now().into_std()
}

/// Asks the platform for a token. Returns it with its lifetime.
async fn ask(app: &CallingApp<'_>) -> Result<(TenantToken, Duration), TokenError> {
    let secret = (app.open_secret)()?;
    let secret = secret.expose_secret();
    if secret.is_empty() {
        return Err(NoSecretError("it is empty".to_owned()).into());
    }
    let body = TenantTokenRequest::new(app.app_id, secret).to_json();
    let headers = [
        ("Content-Type", "application/json; charset=utf-8"),
        ("User-Agent", USER_AGENT),
    ];
    let url = call_url(app.base, TENANT_TOKEN_PATH);
    let answer = app
        .egress
        .post_json(&url, Bytes::from_owner(body), &headers, app.limits())
        .await
        .map_err(TokenError::Http)?;
    let http_status = answer.status;
    let Ok(parsed) = TenantTokenAnswer::parse(&answer.body) else {
        return Err(TokenError::Refused {
            http_status,
            code: None,
            msg: String::new(),
        });
    };
    let msg = explanation::without(secret, &parsed.msg);
    match parsed.token {
        Some(token) if parsed.code == code::OK && http_status == 200 => {
            let token = TenantToken(Rc::new(SecretString::from(token.as_str())));
            Ok((token, Duration::from_secs(parsed.expires_s)))
        }
        _ if code::CREDENTIALS.contains(&parsed.code) => Err(TokenError::CredentialsRefused {
            code: parsed.code,
            msg,
        }),
        _ if parsed.code == code::RATE_LIMITED || http_status == 429 => {
            Err(TokenError::RateLimited {
                retry_after: retry_after(&answer),
            })
        }
        _ => Err(TokenError::Refused {
            http_status,
            code: Some(parsed.code),
            msg,
        }),
    }
}
