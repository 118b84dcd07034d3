//! What an application asks of a bot's platform over the bot's own connection: replies, messages, steps of an upload.
//!
//! The answer is the platform's own, whatever its code. If the platform does not answer, the problem says whether the
//! request may have been carried out.

use actix_web::http::StatusCode;
use actix_web::web::{Data, Json, Path};
use longwire_fleet::{Request, RequestError};
use longwire_wire::wecom::Command;
use serde::Deserialize;
use serde_json::value::RawValue;

use longwire_listener::Problem;

use crate::Admin;
use crate::document::ReplyDocument;

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct RequestBody {
    /// The platform's name of the command.
    cmd: String,
    /// Of the callback that is answered.
    req_id: Option<String>,
    body: Box<RawValue>,
}

pub(crate) async fn ask(
    admin: Data<Admin>,
    installation: Path<String>,
    request: Json<RequestBody>,
) -> Result<Json<ReplyDocument>, Problem> {
    let RequestBody { cmd, req_id, body } = request.into_inner();
    let command = Command::parse(&cmd).ok_or_else(|| {
        let known = Command::ALL.map(Command::name).join(", ");
        Problem::invalid(format!("cmd is one of {known}"))
    })?;
    let request = Request {
        command,
        req_id,
        body,
    };
    let reply = admin.settings.fleet.request(&installation, request).await;
    let reply = reply.map_err(|error| unanswered(&error))?;
    Ok(Json(reply.into()))
}

/// Why there is no answer, and what to do about it.
pub(crate) fn unanswered(error: &RequestError) -> Problem {
    Problem::new(status(error), error.label(), error.to_string()).with("next_step", error.advice())
}

pub(crate) fn status(error: &RequestError) -> StatusCode {
    match error {
        RequestError::UnknownInstallation => StatusCode::NOT_FOUND,
        RequestError::NoRequests | RequestError::SpentReqId => StatusCode::CONFLICT,
        RequestError::NoReqId | RequestError::Body(_) => StatusCode::BAD_REQUEST,
        RequestError::Full => StatusCode::TOO_MANY_REQUESTS,
        RequestError::NotConnected { .. }
        | RequestError::Displaced
        | RequestError::NotSubscribed
        | RequestError::NotSent => StatusCode::SERVICE_UNAVAILABLE,
        RequestError::ConnectionLost => StatusCode::BAD_GATEWAY,
        RequestError::TimedOut => StatusCode::GATEWAY_TIMEOUT,
    }
}
