//! Why a message was not sent, or may have been.

use std::sync::Arc;
use std::time::Duration;

use longwire_egress::{EgressError, HttpAnswer, HttpError, NoRoute};
use longwire_wire::explanation;
use longwire_wire::open_api::{ApiAnswer, TEXT_REQUEST_BYTES, code, message_code};

use super::super::headers::{header, retry_after};
use super::super::tokens::TokenError;
use super::MessageCall;
use super::refusal::{MessageRefusal, RefusalReason};

/// The most scopes that are named. Any of them is enough, so the platform lists the alternatives.
const MOST_SCOPES: usize = 16;

/// Why a message was not sent, or may have been.
#[derive(Debug, thiserror::Error)]
pub enum MessageError {
    /// The id of the message that is replied to is none. Nothing was sent.
    #[error("the message that is replied to has no id of the platform")]
    BadMessageId,
    /// The request is longer than the platform takes. Nothing was sent.
    #[error(
        "the request has {request_bytes} bytes, and the platform takes at most {TEXT_REQUEST_BYTES}"
    )]
    TooLong {
        /// Its length.
        request_bytes: usize,
    },
    /// The app has no token. Nothing was sent.
    #[error("no token for the message: {0}")]
    Token(Arc<TokenError>),
    /// The platform could not be reached. Nothing was sent.
    #[error("the platform could not be reached")]
    NotSent(#[source] HttpError),
    /// The platform did not answer. The message may have been sent; with the same key it is not sent twice.
    #[error("the platform did not answer; the message may have been sent")]
    Unknown(#[source] HttpError),
    /// The answer is not the platform's. The message may have been sent; with the same key it is not sent twice.
    #[error("the answer with http status {http_status} is not the platform's")]
    Unintelligible {
        /// HTTP status.
        http_status: u16,
    },
    /// The platform is busy, or sends this message already. With the same key it is not sent twice.
    #[error("the platform is busy (code {code})")]
    Busy {
        /// Its code.
        code: i64,
    },
    /// The chat, or the person, has too many messages: 5 a second from all bots together. Not sent.
    #[error("too many messages in this chat")]
    ChatLimited,
    /// The app calls too often. Not sent.
    #[error("the app calls too often")]
    AppLimited {
        /// How long the platform says to wait.
        retry_after: Option<Duration>,
    },
    /// The platform refused it. Not sent.
    #[error(transparent)]
    Refused(#[from] MessageRefusal),
}

impl MessageError {
    pub(super) fn of_http(error: HttpError) -> Self {
        let egress = match &error {
            HttpError::BodyTooLarge { .. } => return Self::Unknown(error),
            HttpError::Egress(egress) => egress,
        };
        match egress {
            EgressError::TimedOut
            | EgressError::Unreachable {
                source: NoRoute::Dropped | NoRoute::Network(_),
                ..
            }
            | EgressError::Protocol { .. } => Self::Unknown(error),
            EgressError::Unreachable {
                source: NoRoute::Name(_) | NoRoute::Refused,
                ..
            }
            | EgressError::TooManyOpenFiles
            | EgressError::ProxyRefused { .. }
            | EgressError::ProxyUnauthorized
            | EgressError::ProxyUnusable { .. }
            | EgressError::Tls { .. }
            | EgressError::PlainRefused { .. }
            | EgressError::BadUrl { .. } => Self::NotSent(error),
        }
    }

    /// The error of an answer that is no success. The texts of the platform are cut, and `token` is taken out.
    pub(super) fn of_answer(
        call: MessageCall,
        answer: &HttpAnswer,
        said: ApiAnswer,
        token: &str,
    ) -> Self {
        let safe = |text: &str| explanation::without(token, text);
        let http_status = answer.status;
        match said.code {
            // Success without a message, which is no answer of this call.
            code::OK => Self::Unintelligible { http_status },
            code::RATE_LIMITED => Self::AppLimited {
                retry_after: retry_after(answer),
            },
            message_code::CHAT_RATE_LIMITED => Self::ChatLimited,
            message_code::BEING_SENT => Self::Busy { code: said.code },
            busy if code::BUSY.contains(&busy) || http_status >= 500 => Self::Busy { code: busy },
            _ if http_status == 429 => Self::AppLimited {
                retry_after: retry_after(answer),
            },
            refused => Self::Refused(MessageRefusal {
                reason: RefusalReason::of(call, refused),
                code: refused,
                msg: safe(&said.msg),
                log_id: header(answer, "x-tt-logid")
                    .or(said.log_id.as_deref())
                    .map(safe),
                missing_scopes: said
                    .missing_scopes
                    .iter()
                    .take(MOST_SCOPES)
                    .map(|scope| safe(scope))
                    .collect(),
            }),
        }
    }

    /// Whether the message may have been sent although there is an error.
    #[must_use]
    pub fn may_be_sent(&self) -> bool {
        match self {
            Self::Unknown(_) | Self::Unintelligible { .. } | Self::Busy { .. } => true,
            Self::BadMessageId
            | Self::TooLong { .. }
            | Self::Token(_)
            | Self::NotSent(_)
            | Self::ChatLimited
            | Self::AppLimited { .. }
            | Self::Refused(_) => false,
        }
    }

    /// A stable name for programs.
    #[must_use]
    pub fn label(&self) -> &'static str {
        match self {
            Self::BadMessageId => "bad_message_id",
            Self::TooLong { .. } => "too_long",
            Self::Token(error) => match **error {
                TokenError::NoSecret(_) | TokenError::CredentialsRefused { .. } => {
                    "credentials_refused"
                }
                TokenError::Refused { .. }
                | TokenError::RateLimited { .. }
                | TokenError::Http(_) => "no_token",
            },
            Self::NotSent(_) => "unreachable",
            Self::Unknown(_) | Self::Unintelligible { .. } => "unknown",
            Self::Busy { .. } => "platform_busy",
            Self::ChatLimited | Self::AppLimited { .. } => "rate_limited",
            Self::Refused(refusal) => refusal.reason.label(),
        }
    }

    /// What to do.
    #[must_use]
    pub fn next_step(&self) -> String {
        let step = match self {
            Self::BadMessageId => "reply to a message id (om_…) of a recorded event",
            Self::TooLong { .. } => {
                "nothing was sent: cut it and send the rest in a message of its own"
            }
            Self::Token(error) => match **error {
                TokenError::NoSecret(_) | TokenError::CredentialsRefused { .. } => {
                    "nothing was sent: compare app id and secret with the developer console, and set them anew"
                }
                TokenError::Refused { .. }
                | TokenError::RateLimited { .. }
                | TokenError::Http(_) => "nothing was sent: send it again later",
            },
            Self::NotSent(_) => {
                "nothing was sent: look at network, proxy and base URL, then send it again"
            }
            Self::Unknown(_) | Self::Unintelligible { .. } | Self::Busy { .. } => {
                "send it again with the same key within an hour: then it is not shown twice"
            }
            Self::ChatLimited => "say less at once: all bots of a chat share 5 messages a second",
            Self::AppLimited { .. } => {
                "call less often: an app has 50 calls a second and 1000 a minute"
            }
            Self::Refused(refusal) => return refusal.next_step(),
        };
        step.to_owned()
    }
}
