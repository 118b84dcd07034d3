//! What a caller is told where the platform gave no answer, and whether anything may have been done.

use std::sync::Arc;

use actix_web::http::StatusCode;
use longwire_egress::{EgressError, HttpError, Method, Progress, StreamingError};
use longwire_platform::feishu::TokenError;
use longwire_store::InstallationRecord;
use longwire_wire::open_api::code;

use super::body;
use super::reply::OwnAnswer;

/// A call that failed, as far as its failure depends on it.
pub(super) struct Failing<'a> {
    pub(super) bot: &'a InstallationRecord,
    pub(super) method: &'a Method,
    pub(super) template: &'a str,
}

impl Failing<'_> {
    /// What the caller is told where the platform gave no answer.
    pub(super) fn no_answer(&self, error: StreamingError) -> OwnAnswer {
        let (source, progress) = match error {
            StreamingError::Body(error) => return body::of_error(&error),
            StreamingError::Egress { source, progress } => (source, progress),
        };
        tracing::info!(
            name = %self.bot.name,
            installation = %self.bot.public_id,
            call = self.template,
            error = %source,
            "a call of an application has no answer of the platform"
        );
        let done = match progress {
            Progress::NotSent => "nothing was sent",
            Progress::MaybeSent if *self.method == Method::GET => "it changes nothing",
            Progress::MaybeSent => {
                "it may have been done: look, or send it again with the same uuid where the call has one"
            }
        };
        let (status, problem) = match source {
            EgressError::TimedOut => (StatusCode::GATEWAY_TIMEOUT, "platform_timeout"),
            EgressError::TooManyOpenFiles => (StatusCode::SERVICE_UNAVAILABLE, "calls_full"),
            EgressError::Unreachable { .. }
            | EgressError::ProxyRefused { .. }
            | EgressError::ProxyUnauthorized
            | EgressError::ProxyUnusable { .. }
            | EgressError::Tls { .. }
            | EgressError::PlainRefused { .. }
            | EgressError::BadUrl { .. }
            | EgressError::Protocol { .. } => (StatusCode::BAD_GATEWAY, "platform_unreachable"),
        };
        OwnAnswer::own(
            status,
            problem,
            format!("the platform did not answer: {source}; {done}"),
        )
    }

    /// What the caller is told where the bot has no token. Nothing was sent.
    pub(super) fn no_token(&self, error: &Arc<TokenError>) -> OwnAnswer {
        let progress = Progress::NotSent;
        tracing::info!(
            name = %self.bot.name,
            installation = %self.bot.public_id,
            %error,
            "a call of an application was not made, because the platform gave the bot no token"
        );
        match &**error {
            TokenError::NoSecret(_) | TokenError::CredentialsRefused { .. } => {
                OwnAnswer::platforms(
                    code::BAD_CREDENTIALS,
                    "bot_credentials_refused",
                    "the platform refuses the credentials that longwire has for the bot; nothing was sent",
                )
            }
            TokenError::RateLimited { retry_after } => {
                let seconds = retry_after.map_or(1, |wait| wait.as_secs().max(1));
                OwnAnswer::rate_of_api(1, seconds)
            }
            TokenError::Http(HttpError::Egress(EgressError::TimedOut)) => {
                let source = EgressError::TimedOut;
                self.no_answer(StreamingError::Egress { source, progress })
            }
            TokenError::Refused { .. } | TokenError::Http(_) => OwnAnswer::own(
                StatusCode::BAD_GATEWAY,
                "platform_unreachable",
                "the platform gave the bot no token; nothing was sent",
            ),
        }
    }
}

pub(super) fn settings_wrong(why: &str) -> OwnAnswer {
    OwnAnswer::own(
        StatusCode::BAD_GATEWAY,
        "bot_settings",
        format!("the bot's settings cannot be used: {why}"),
    )
}

pub(super) fn interrupted(msg: &str) -> OwnAnswer {
    OwnAnswer::own(StatusCode::INTERNAL_SERVER_ERROR, "interrupted", msg)
}
