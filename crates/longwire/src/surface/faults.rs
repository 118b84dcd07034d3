//! Trouble made on purpose, for tests of the gateway itself. Absent unless `debug.fault_injection` is set.

use actix_web::HttpResponse;
use actix_web::web::{Data, Json, Path};
use longwire_fleet::{ActorKind, Fault, InjectError};
use serde::Deserialize;

use super::{Problem, Surface};

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct FaultRequest {
    /// `installation`, `socket`, `pinger` or `assembler`.
    actor: String,
    /// `panic` or `stop`.
    fault: String,
}

pub(super) async fn inject(
    surface: Data<Surface>,
    installation: Path<String>,
    request: Json<FaultRequest>,
) -> Result<HttpResponse, Problem> {
    if !surface.fault_injection {
        return Err(Problem::not_found("no such resource"));
    }
    let actor = ActorKind::from_label(&request.actor).ok_or_else(|| {
        Problem::invalid(format!("there is no kind of actor `{}`", request.actor))
    })?;
    let fault = Fault::from_label(&request.fault).ok_or_else(|| {
        Problem::invalid(format!(
            "there is no fault `{}`; panic, stop",
            request.fault
        ))
    })?;
    surface
        .fleet
        .inject(&installation, actor, fault)
        .map_err(|error| match error {
            InjectError::Off => Problem::not_found("no such resource"),
            InjectError::Absent => {
                Problem::not_found(format!("there is no installation `{installation}`"))
            }
        })?;
    tracing::warn!(installation = %installation, actor = %request.actor, fault = %request.fault, "fault injected");
    Ok(HttpResponse::Accepted().finish())
}
