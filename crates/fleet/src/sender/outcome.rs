//! What follows an error of a message: another try, a pause, or nothing.

use crate::reply::ReplyError;
use longwire_egress::{EgressError, HttpError};
use longwire_link::SendOutcome;
use longwire_platform::feishu::{MessageError, TokenError};

/// What follows an error.
pub(super) fn outcome_of(error: &ReplyError) -> SendOutcome {
    let ReplyError::Message(error) = error else {
        return SendOutcome::Over;
    };
    match error {
        MessageError::NotSent(error) => outcome_of_http(error),
        MessageError::Unknown(_)
        | MessageError::Unintelligible { .. }
        | MessageError::Busy { .. } => SendOutcome::Again,
        MessageError::ChatLimited => SendOutcome::ChatLimited,
        MessageError::AppLimited { retry_after } => SendOutcome::AppLimited {
            retry_after: *retry_after,
        },
        MessageError::Token(error) => match &**error {
            TokenError::Http(error) => outcome_of_http(error),
            TokenError::Refused { .. } => SendOutcome::Again,
            TokenError::RateLimited { retry_after } => SendOutcome::AppLimited {
                retry_after: *retry_after,
            },
            TokenError::NoSecret(_) | TokenError::CredentialsRefused { .. } => SendOutcome::Over,
        },
        MessageError::BadMessageId | MessageError::TooLong { .. } | MessageError::Refused(_) => {
            SendOutcome::Over
        }
    }
}

/// What follows a call that was not made.
fn outcome_of_http(error: &HttpError) -> SendOutcome {
    match error {
        // Webhooks use the same sockets, and those that do not answer hold theirs for up to 20 s. Nothing was sent, so this
        // is no try.
        HttpError::Egress(EgressError::TooManyOpenFiles) => {
            SendOutcome::AppLimited { retry_after: None }
        }
        HttpError::Egress(_) | HttpError::BodyTooLarge { .. } => SendOutcome::Again,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::sync::Arc;

    #[test]
    fn without_a_socket_a_reply_waits_for_one() {
        let waits = SendOutcome::AppLimited { retry_after: None };
        let check = |error: fn() -> EgressError, expected| {
            let not_sent = MessageError::NotSent(error().into());
            let no_token = MessageError::Token(Arc::new(TokenError::Http(error().into())));
            for error in [not_sent, no_token] {
                assert_eq!(outcome_of(&error.into()), expected);
            }
        };
        check(|| EgressError::TooManyOpenFiles, waits);
        check(|| EgressError::ProxyUnauthorized, SendOutcome::Again);
    }
}
