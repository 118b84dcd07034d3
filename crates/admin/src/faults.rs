//! Trouble made on purpose, for tests of the gateway itself. Absent unless `debug.fault_injection` is set.

use actix_web::HttpResponse;
use actix_web::web::{Data, Json, Path};
use longwire_fleet::{Fault, FleetActor, InjectError};
use serde::Deserialize;

use longwire_access::AuditAction;
use longwire_listener::{Caller, Problem};

use crate::{Admin, audit, owned};

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
    caller: Caller,
    installation: Path<String>,
    request: Json<FaultRequest>,
) -> Result<HttpResponse, Problem> {
    let injected = inject_into(&admin, &caller, &installation, &request);
    let action = AuditAction::FaultInject;
    audit::keep(&admin, &caller, action, &installation, &injected);
    injected.map(|()| HttpResponse::Accepted().finish())
}

fn inject_into(
    admin: &Admin,
    caller: &Caller,
    installation: &str,
    request: &FaultRequest,
) -> Result<(), Problem> {
    if !admin.settings.fault_injection {
        return Err(Problem::not_found("no such resource"));
    }
    let fault = Fault::from_label(&request.fault).ok_or_else(|| {
        Problem::invalid(format!(
            "there is no fault `{}`; panic, stop",
            request.fault
        ))
    })?;
    // Without one, the thread that carries the installation.
    let actor = match (request.actor.as_str(), fault) {
        ("arbiter", Fault::Stop) => None,
        (label, _) => Some(FleetActor::from_label(label).ok_or_else(|| {
            Problem::invalid(format!("there is no `{label}` that this could be done to"))
        })?),
    };
    owned::running(admin, caller, installation)?;
    audit::has_room(admin)?;
    let injected = match actor {
        None => admin.settings.fleet.end_arbiter(installation),
        Some(actor) => admin.settings.fleet.inject(installation, actor, fault),
    };
    injected.map_err(|error| match error {
        InjectError::Off => Problem::not_found("no such resource"),
        InjectError::Absent => {
            Problem::not_found(format!("there is no installation `{installation}`"))
        }
    })?;
    tracing::warn!(installation = %installation, actor = %request.actor, fault = %request.fault, "fault injected");
    Ok(())
}
