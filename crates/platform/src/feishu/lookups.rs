//! Looks up what events have ids of only: a message that is quoted or forwarded, and the name of a person.
//!
//! A lookup changes nothing, so it may be made again; this file makes it once, or twice where the platform refused the token.

use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use longwire_egress::{EgressError, HttpAnswer, HttpError};
use longwire_wire::explanation;
use longwire_wire::open_api::{
    ApiAnswer, USERS_BASIC_PATH, UsersRequest, code, message_code, message_path, read_basic_users,
};
use longwire_wire::view::{FoundMessage, Unavailable};

use super::caller::{ApiCaller, CallError, Called};
use super::headers::retry_after;
use super::tokens::TokenError;

/// Why something was not found out. No text holds a token.
#[derive(Debug, Clone, thiserror::Error)]
pub enum LookupError {
    /// The id is none of the platform's. It was not asked.
    #[error("this is no id of the platform")]
    BadId,
    /// The app has no token. The platform was not asked.
    #[error("no token for the lookup: {0}")]
    Token(Arc<TokenError>),
    /// No answer in time.
    #[error("the platform did not answer in time")]
    TimedOut,
    /// The platform could not be reached, or its answer was cut off.
    #[error("the platform could not be asked")]
    Http(#[source] Arc<HttpError>),
    /// The answer is not the platform's.
    #[error("the answer with http status {http_status} is not the platform's")]
    Unintelligible {
        /// HTTP status.
        http_status: u16,
    },
    /// The app calls too often.
    #[error("the app calls too often")]
    RateLimited {
        /// How long the platform says to wait.
        retry_after: Option<Duration>,
    },
    /// The platform refused with a code.
    #[error("the platform refused the lookup with code {code}: {msg}")]
    Refused {
        /// Its code.
        code: i64,
        /// Its words, cut to 300 characters and without the token.
        msg: String,
        /// Scopes of which the app lacks at least one.
        missing_scopes: Vec<String>,
    },
    /// The platform answered, and what was asked for is not in it.
    #[error("the answer does not have it: {}", .0.label())]
    Absent(Unavailable),
}

impl LookupError {
    /// What an application is told.
    #[must_use]
    pub fn unavailable(&self) -> Unavailable {
        use message_code as m;
        match self {
            Self::BadId => Unavailable::NotFound,
            Self::Token(error) => match **error {
                TokenError::RateLimited { .. } => Unavailable::RateLimited,
                TokenError::NoSecret(_)
                | TokenError::CredentialsRefused { .. }
                | TokenError::Refused { .. }
                | TokenError::Http(_) => Unavailable::Failed,
            },
            Self::TimedOut => Unavailable::Timeout,
            Self::Http(_) | Self::Unintelligible { .. } => Unavailable::Failed,
            Self::RateLimited { .. } => Unavailable::RateLimited,
            Self::Refused { code, .. } => match *code {
                m::DELETED | m::DISSOLVED => Unavailable::NotFound,
                m::RECALLED => Unavailable::Recalled,
                m::NOT_IN_GROUP
                | m::PERMISSION
                | m::INVISIBLE
                | m::USER_OUT_OF_REACH
                | m::DENIED
                | code::SCOPE_MISSING
                | code::TOKEN_NOT_PERMITTED
                | code::OUT_OF_RANGE => Unavailable::NoPermission,
                _ => Unavailable::Failed,
            },
            Self::Absent(why) => *why,
        }
    }
}

/// One message, with those in it if it is a bundle.
pub async fn message(
    caller: &ApiCaller<'_>,
    message_id: &str,
) -> Result<FoundMessage, LookupError> {
    let path = message_path(message_id).ok_or(LookupError::BadId)?;
    let called = caller.get(&path, Some("user_id_type=open_id")).await;
    let body = answered(called)?;
    FoundMessage::of_answer(&body).map_err(LookupError::Absent)
}

/// The name that a person shows, by the `open_id` (`ou_…`) under which this app knows them. A scope that is missing leaves the
/// name out of the answer and is no error of the platform.
pub async fn person_name(caller: &ApiCaller<'_>, open_id: &str) -> Result<String, LookupError> {
    let request = UsersRequest {
        user_ids: vec![open_id.into()],
    };
    let body = Bytes::from(request.to_json());
    let query = Some("user_id_type=open_id");
    let body = answered(caller.post(USERS_BASIC_PATH, query, body).await)?;
    let users = read_basic_users(&body).map_err(|_| LookupError::Absent(Unavailable::Failed))?;
    let found = users.into_iter().find(|user| user.user_id == open_id);
    let user = found.ok_or(LookupError::Absent(Unavailable::NotFound))?;
    let name = user.name;
    name.ok_or(LookupError::Absent(Unavailable::NoPermission))
}

/// The body of a success.
fn answered(called: Result<Called, CallError>) -> Result<Bytes, LookupError> {
    let Called { answer, token } = called.map_err(|error| match error {
        CallError::Token(error) => LookupError::Token(error),
        CallError::Http(HttpError::Egress(EgressError::TimedOut)) => LookupError::TimedOut,
        CallError::Http(error) => LookupError::Http(Arc::new(error)),
    })?;
    let http_status = answer.status;
    let Ok(said) = ApiAnswer::parse(&answer.body) else {
        return Err(match http_status {
            429 => limited(&answer),
            _ => LookupError::Unintelligible { http_status },
        });
    };
    match said.code {
        code::OK if (200..300).contains(&http_status) => Ok(answer.body),
        code::OK => Err(LookupError::Unintelligible { http_status }),
        code::RATE_LIMITED => Err(limited(&answer)),
        _ if http_status == 429 => Err(limited(&answer)),
        refused => Err(LookupError::Refused {
            code: refused,
            msg: explanation::without(token.expose(), &said.msg),
            missing_scopes: said.missing_scopes,
        }),
    }
}

fn limited(answer: &HttpAnswer) -> LookupError {
    LookupError::RateLimited {
        retry_after: retry_after(answer),
    }
}
