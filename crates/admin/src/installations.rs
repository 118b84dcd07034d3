//! Installations: listed, shown with timeline and lights, added, started, stopped.

use actix_web::http::StatusCode;
use actix_web::web::{Data, Json, Path};
use actix_web::{HttpRequest, HttpResponse};
use longwire_access::{AuditAction, Scope, Space};
use longwire_api::{
    AddedInstallation, AskedInstallation, InstallationDocument, InstallationFilter, ProbeDocument,
    QueryReader, definition_problem, probe_problem,
};
use longwire_installation::{Desired, InstallationId, Origin, PublicId};
use longwire_listener::{Caller, Problem, Routes};
use longwire_store::{InstallationRecord, Store};
use serde_json::Value;

use crate::document::{InstallationDetail, ListPage, TimelineDocument};
use crate::listed::PageQuery;
use crate::store_calls::read;
use crate::{Admin, audit, faults, owned, requests, uploads};

const TIMELINE_ENTRIES: usize = 50;

pub(crate) fn routes() -> Routes {
    Routes::new()
        .get("/admin/v1/installations", Scope::InstallationsRead, list)
        .post("/admin/v1/installations", Scope::InstallationsWrite, add)
        .get(
            "/admin/v1/installations/{installation}",
            Scope::InstallationsRead,
            show,
        )
        .post(
            "/admin/v1/installations/{installation}/start",
            Scope::InstallationsWrite,
            start,
        )
        .post(
            "/admin/v1/installations/{installation}/stop",
            Scope::InstallationsWrite,
            stop,
        )
        .post(
            "/admin/v1/installations/{installation}/requests",
            Scope::MessagesSend,
            requests::ask,
        )
        .post(
            "/admin/v1/installations/{installation}/uploads",
            Scope::MessagesSend,
            uploads::upload,
        )
        .post(
            "/admin/v1/installations/{installation}/fault",
            Scope::AdminControl,
            faults::inject,
        )
}

/// In the order in which they were added.
pub(crate) async fn list(
    admin: Data<Admin>,
    caller: Caller,
    request: HttpRequest,
) -> Result<Json<ListPage<InstallationDocument>>, Problem> {
    let mut query = QueryReader::of(request.query_string());
    let filter = InstallationFilter::read(&mut query);
    let asked = PageQuery::read(query)?;
    let after = asked.after(|text| text.parse::<PublicId>().ok())?;
    let mut rows = admin.settings.fleet.installations_with_records();
    rows.retain(|(record, view)| {
        caller.sees(&record.space, record.public_id) && filter.matches(view)
    });
    // Ids rise with the time they were made, so a page stays where it is while bots come and go.
    rows.sort_by_key(|(record, _)| record.public_id);
    let total = rows.len();
    rows.retain(|(record, _)| after.is_none_or(|after| record.public_id > after));
    let page = asked.cut(rows, Some(total), |(record, _)| {
        record.public_id.to_string()
    });
    Ok(Json(page.map(|(record, view)| {
        InstallationDocument::of(&record, Some(view))
    })))
}

pub(crate) async fn show(
    admin: Data<Admin>,
    caller: Caller,
    installation: Path<String>,
) -> Result<Json<InstallationDetail>, Problem> {
    let record = owned::stored(&admin, &caller, &installation).await?;
    let store = admin.settings.store.clone();
    let id = record.id;
    let timeline = read(move || store.reader().timeline(id, TIMELINE_ENTRIES)).await?;
    Ok(Json(InstallationDetail {
        installation: document(&admin, &record),
        timeline: timeline.iter().map(TimelineDocument::from).collect(),
    }))
}

/// Of what is kept of it, and what the fleet sees.
fn document(admin: &Admin, record: &InstallationRecord) -> InstallationDocument {
    let fleet = &admin.settings.fleet;
    InstallationDocument::of(record, fleet.installation(&record.public_id.to_string()))
}

pub(crate) async fn add(
    admin: Data<Admin>,
    caller: Caller,
    request: Json<Value>,
) -> Result<HttpResponse, Problem> {
    let request = request.into_inner();
    let name = request.get("name").and_then(Value::as_str);
    let name = name.unwrap_or_default().to_owned();
    let added = add_for(&admin, &caller, request).await;
    let action = AuditAction::InstallationAdd;
    audit::keep_refusal(&admin, &caller, action, &name, &added);
    let (record, probe) = added?;
    Ok(HttpResponse::Created().json(AddedInstallation {
        installation: document(&admin, &record),
        probe,
    }))
}

/// Adds it to the caller's space.
async fn add_for(
    admin: &Data<Admin>,
    caller: &Caller,
    request: Value,
) -> Result<(InstallationRecord, ProbeDocument), Problem> {
    admin.settings.draining.refuse()?;
    audit::has_room(admin)?;
    if caller.installations.is_some() {
        return Err(Problem::new(
            StatusCode::FORBIDDEN,
            "token_narrowed",
            "this token is narrowed to installations, and would not see a new one",
        ));
    }
    let name = request.get("name").and_then(Value::as_str);
    let name = name.unwrap_or_default();
    let rules = &admin.settings.installation_rules;
    let new = rules.read_new(&request, Origin::Api, caller.space.clone());
    let AskedInstallation { mut new, extent } =
        new.map_err(|faults| definition_problem(&faults))?;
    if new.desired == Desired::Run && new.mode.connects() {
        has_room(admin, &caller.space, None)?;
    }
    let probed = admin.settings.fleet.probe(&new, extent).await;
    let probed = probed.map_err(|error| probe_problem(&error))?;
    let probe = ProbeDocument::of(new.platform, probed);
    new.platform = probed.platform;
    let store = audit::audited(admin, caller, AuditAction::InstallationAdd, name);
    let record = owned::change(admin, caller, move || store.add_installation(new)).await?;
    admin.settings.fleet.reload();
    tracing::info!(name = %record.name, installation = %record.public_id, app_id = %record.app_id, token = %caller.token, probe = probe.outcome, "installation added");
    Ok((record, probe))
}

pub(crate) async fn start(
    admin: Data<Admin>,
    caller: Caller,
    installation: Path<String>,
) -> Result<Json<InstallationDocument>, Problem> {
    set_desired(&admin, &caller, &installation, Desired::Run).await
}

pub(crate) async fn stop(
    admin: Data<Admin>,
    caller: Caller,
    installation: Path<String>,
) -> Result<Json<InstallationDocument>, Problem> {
    set_desired(&admin, &caller, &installation, Desired::Stop).await
}

/// Refuses what could not be connected, because the space has as many connections as it may have.
fn has_room(admin: &Admin, space: &Space, bot: Option<InstallationId>) -> Result<(), Problem> {
    let fleet = &admin.settings.fleet;
    fleet
        .has_room(space, bot)
        .map_err(|full| Problem::conflict("space_limit", full.to_string()))
}

/// Also for those of the configuration file: it holds over restarts and reloads, until `enabled` is changed there. To start one that is
/// displaced takes the bot back.
async fn set_desired(
    admin: &Data<Admin>,
    caller: &Caller,
    id_or_name: &str,
    desired: Desired,
) -> Result<Json<InstallationDocument>, Problem> {
    let action = match desired {
        Desired::Run => AuditAction::InstallationStart,
        Desired::Stop => AuditAction::InstallationStop,
    };
    let store = audit::audited(admin, caller, action, id_or_name);
    let set = set_desired_in(store, admin, caller, id_or_name, desired).await;
    audit::keep_refusal(admin, caller, action, id_or_name, &set);
    set
}

async fn set_desired_in(
    store: Store,
    admin: &Data<Admin>,
    caller: &Caller,
    id_or_name: &str,
    desired: Desired,
) -> Result<Json<InstallationDocument>, Problem> {
    admin.settings.draining.refuse()?;
    audit::has_room(admin)?;
    let mut record = owned::stored(admin, caller, id_or_name).await?;
    let id = record.id;
    if desired == Desired::Run && record.mode.connects() {
        has_room(admin, &record.space, Some(id))?;
    }
    owned::change(admin, caller, move || store.set_desired(id, desired)).await?;
    admin.settings.fleet.reload();
    tracing::info!(name = %record.name, installation = %record.public_id, desired = desired.label(), token = %caller.token, "wanted state changed");
    record.desired = desired;
    if desired == Desired::Run {
        record.displaced_ms = None;
    }
    Ok(Json(document(admin, &record)))
}
