//! Trouble made on purpose, for tests of the gateway itself. Absent unless `debug.fault_injection` is set.

use actix_web::HttpResponse;
use actix_web::web::{Data, Json, Path};
use longwire_fleet::{Fault, FleetActor, InjectError};
use serde::Deserialize;

use longwire_listener::Problem;

use crate::Admin;

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct FaultRequest {
    /// One of the installation's own, `installation`, `socket`, `pinger`, `assembler` or `sender`; one that all share, `supervisor`
    /// or `dispatch`; or `arbiter`, the thread that carries the installation.
    actor: String,
    /// `panic` or `stop`; an arbiter can only be stopped.
    fault: String,
}

pub(crate) async fn inject(
    admin: Data<Admin>,
    installation: Path<String>,
    request: Json<FaultRequest>,
) -> Result<HttpResponse, Problem> {
    if !admin.settings.fault_injection {
        return Err(Problem::not_found("no such resource"));
    }
    let fault = Fault::from_label(&request.fault).ok_or_else(|| {
        Problem::invalid(format!(
            "there is no fault `{}`; panic, stop",
            request.fault
        ))
    })?;
    let injected = match (request.actor.as_str(), fault) {
        ("arbiter", Fault::Stop) => admin.settings.fleet.end_arbiter(&installation),
        (label, fault) => {
            let actor = FleetActor::from_label(label).ok_or_else(|| {
                Problem::invalid(format!("there is no `{label}` that this could be done to"))
            })?;
            admin.settings.fleet.inject(&installation, actor, fault)
        }
    };
    injected.map_err(|error| match error {
        InjectError::Off => Problem::not_found("no such resource"),
        InjectError::Absent => {
            Problem::not_found(format!("there is no installation `{installation}`"))
        }
    })?;
    tracing::warn!(installation = %installation, actor = %request.actor, fault = %request.fault, "fault injected");
    Ok(HttpResponse::Accepted().finish())
}
