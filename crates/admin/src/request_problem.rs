//! Why a platform was not asked, or did not answer, as a problem.

use actix_web::http::StatusCode;
use longwire_fleet::RequestError;
use longwire_listener::Problem;

/// Why there is no answer, and what to do about it.
pub(crate) fn unanswered(error: &RequestError) -> Problem {
    let problem = Problem::new(status(error), error.label(), error.to_string());
    let problem = problem.with("next_step", error.advice());
    if let RequestError::MessageRate { retry_after } = error {
        return problem.retry_after(*retry_after);
    }
    problem
}

pub(crate) fn status(error: &RequestError) -> StatusCode {
    match error {
        RequestError::UnknownInstallation => StatusCode::NOT_FOUND,
        RequestError::NoRequests | RequestError::SpentReqId => StatusCode::CONFLICT,
        RequestError::NoReqId | RequestError::Body(_) => StatusCode::BAD_REQUEST,
        RequestError::Full | RequestError::MessageRate { .. } => StatusCode::TOO_MANY_REQUESTS,
        RequestError::NotConnected { .. }
        | RequestError::Displaced
        | RequestError::NotSubscribed
        | RequestError::NotSent => StatusCode::SERVICE_UNAVAILABLE,
        RequestError::ConnectionLost => StatusCode::BAD_GATEWAY,
        RequestError::TimedOut => StatusCode::GATEWAY_TIMEOUT,
    }
}
