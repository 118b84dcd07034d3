//! Bots are added, changed and removed.

use actix_web::http::header;
use actix_web::web::{Data, Json, Path};
use actix_web::{HttpRequest, HttpResponse};
use longwire_access::AuditAction;
use longwire_fleet::InstallationView;
use longwire_installation::{Desired, Origin};
use longwire_listener::{Caller, Problem};
use longwire_store::InstallationRecord;
use serde_json::Value;

use super::definition::AskedInstallation;
use super::document::InstallationDocument;
use super::probe::{AddedInstallation, ProbeDocument, probe_problem};
use super::{begins_to_connect, has_room, shown, unknown};
use crate::body::SecretBody;
use crate::problem_code::{ProblemCode, body_problem};
use crate::store_calls::{read, write};
use crate::{Api, audit, revision};

/// The installation in the store, if the caller may know of it.
pub(super) async fn stored(
    api: &Api,
    caller: &Caller,
    id_or_name: &str,
) -> Result<InstallationRecord, Problem> {
    let (store, wanted) = (api.settings.store.clone(), id_or_name.to_owned());
    let record = read(move || store.reader().installation(&wanted)).await?;
    record
        .filter(|record| caller.sees(&record.space, record.public_id))
        .ok_or_else(|| unknown(id_or_name))
}

/// How the fleet sees it, if it knows it by now.
pub(super) fn view(api: &Api, record: &InstallationRecord) -> Option<InstallationView> {
    let id = record.public_id.to_string();
    api.settings.fleet.installation(&id)
}

/// Adds one to the caller's space.
pub(crate) async fn create(
    api: Data<Api>,
    caller: Caller,
    body: Json<Value>,
) -> Result<HttpResponse, Problem> {
    let body = SecretBody(body.into_inner());
    let name = body.0.get("name").and_then(Value::as_str);
    let name = name.unwrap_or_default().to_owned();
    let created = create_for(&api, &caller, &body, &name).await;
    audit::keep_refusal(&api, &caller, AuditAction::InstallationAdd, &name, &created);
    let (record, probe) = created?;
    let location = format!("/v1/installations/{}", record.public_id);
    Ok(HttpResponse::Created()
        .insert_header((header::LOCATION, location))
        .insert_header((header::ETAG, revision::etag(record.revision)))
        .json(AddedInstallation {
            installation: InstallationDocument::of(&record, view(&api, &record)),
            probe,
        }))
}

async fn create_for(
    api: &Api,
    caller: &Caller,
    body: &SecretBody,
    name: &str,
) -> Result<(InstallationRecord, ProbeDocument), Problem> {
    audit::admit(api)?;
    if caller.installations.is_some() {
        let detail = "this token is narrowed to installations, and would not see a new one";
        return Err(ProblemCode::TokenNarrowed.problem(detail));
    }
    let rules = &api.settings.installation_rules;
    let new = rules.read_new(&body.0, Origin::Api, caller.space.clone());
    let AskedInstallation { mut new, extent } = new.map_err(|faults| body_problem(faults.all()))?;
    if new.desired == Desired::Run && new.mode.connects() {
        has_room(api, &new.space, None)?;
    }
    let probed = api.settings.fleet.probe(&new, extent).await;
    let probed = probed.map_err(|error| probe_problem(&error))?;
    let probe = ProbeDocument::of(new.platform, probed);
    new.platform = probed.platform;
    let store = audit::audited_store(api, caller, AuditAction::InstallationAdd, name);
    let record = write(move || store.add_installation(new)).await?;
    api.settings.fleet.reload();
    tracing::info!(name = %record.name, installation = %record.public_id, app_id = %record.app_id, token = %caller.token, probe = probe.outcome, "installation added");
    Ok((record, probe))
}

/// Changes one by a merge patch (RFC 7396).
pub(crate) async fn change(
    api: Data<Api>,
    caller: Caller,
    request: HttpRequest,
    installation: Path<String>,
    patch: Json<Value>,
) -> Result<HttpResponse, Problem> {
    let patch = SecretBody(patch.into_inner());
    let changed = change_for(&api, &caller, &request, &installation, &patch).await;
    let action = AuditAction::InstallationChange;
    audit::keep_refusal(&api, &caller, action, &installation, &changed);
    let record = changed?;
    Ok(shown(&record, view(&api, &record)))
}

async fn change_for(
    api: &Api,
    caller: &Caller,
    request: &HttpRequest,
    id_or_name: &str,
    patch: &SecretBody,
) -> Result<InstallationRecord, Problem> {
    audit::admit(api)?;
    let record = stored(api, caller, id_or_name).await?;
    let rules = &api.settings.installation_rules;
    let present = api.settings.fleet.present_secret(record.id);
    let change = rules.read_change(&patch.0, &record, present);
    let mut change = change.map_err(|faults| body_problem(faults.all()))?;
    change.expected = revision::expected(request)?;
    let mode = change.mode.unwrap_or(record.mode);
    if begins_to_connect(&record, mode, record.desired) {
        has_room(api, &record.space, Some(record.id))?;
    }
    let store = audit::audited_store(api, caller, AuditAction::InstallationChange, id_or_name);
    let id = record.id;
    let record = write(move || store.change_installation(id, change)).await?;
    api.settings.fleet.reload();
    tracing::info!(name = %record.name, installation = %record.public_id, token = %caller.token, "installation changed");
    Ok(record)
}

/// Removes one. Its events stay.
pub(crate) async fn remove(
    api: Data<Api>,
    caller: Caller,
    installation: Path<String>,
) -> Result<HttpResponse, Problem> {
    let removed = remove_for(&api, &caller, &installation).await;
    let action = AuditAction::InstallationRemove;
    audit::keep_refusal(&api, &caller, action, &installation, &removed);
    removed?;
    Ok(HttpResponse::NoContent().finish())
}

async fn remove_for(api: &Api, caller: &Caller, id_or_name: &str) -> Result<(), Problem> {
    audit::admit(api)?;
    let record = stored(api, caller, id_or_name).await?;
    let store = audit::audited_store(api, caller, AuditAction::InstallationRemove, id_or_name);
    let id = record.id;
    write(move || store.remove_installation(id)).await?;
    api.settings.fleet.reload();
    tracing::info!(name = %record.name, installation = %record.public_id, token = %caller.token, "installation removed");
    Ok(())
}
