//! What an application asks of a bot's platform over the bot's own connection: replies, messages, steps of an upload.
//!
//! The answer is the platform's own, whatever its code. If the platform does not answer, the problem says whether the
//! request may have been carried out.

use actix_web::web::{Data, Json, Path};
use longwire_fleet::Request;
use longwire_wire::wecom::Command;
use serde::Deserialize;
use serde_json::value::RawValue;

use longwire_access::AuditAction;
use longwire_listener::{Caller, Problem};

use crate::document::ReplyDocument;
use crate::request_problem::unanswered;
use crate::{Admin, audit, owned};

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
    caller: Caller,
    installation: Path<String>,
    request: Json<RequestBody>,
) -> Result<Json<ReplyDocument>, Problem> {
    let asked = ask_as(&admin, &caller, &installation, request.into_inner()).await;
    let action = AuditAction::MessageSend;
    audit::keep(&admin, &caller, action, &installation, &asked);
    asked
}

async fn ask_as(
    admin: &Admin,
    caller: &Caller,
    installation: &str,
    request: RequestBody,
) -> Result<Json<ReplyDocument>, Problem> {
    let RequestBody { cmd, req_id, body } = request;
    owned::running(admin, caller, installation)?;
    audit::has_room(admin)?;
    let command = Command::parse(&cmd).ok_or_else(|| {
        let known = Command::ALL.map(Command::name).join(", ");
        Problem::invalid(format!("cmd is one of {known}"))
    })?;
    let request = Request {
        command,
        req_id,
        body,
    };
    let reply = admin.settings.fleet.request(installation, request).await;
    let reply = reply.map_err(|error| unanswered(&error))?;
    Ok(Json(reply.into()))
}
