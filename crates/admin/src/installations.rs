//! Installations: listed, shown with timeline and lights, added, started, stopped.

use actix_web::HttpResponse;
use actix_web::http::StatusCode;
use actix_web::web::{Data, Json, Path, Query};
use longwire_fleet::setback::chain;
use longwire_installation::{Desired, Origin};
use longwire_listener::{Problem, blocking};
use longwire_store::{InstallationRecord, ReadError, WriteError};
use serde::Deserialize;

use crate::document::{InstallationDetail, InstallationPage, StoredInstallation, TimelineDocument};
use crate::{AddRequest, Admin};

const DEFAULT_LIMIT: usize = 50;
const MAX_LIMIT: usize = 500;
const TIMELINE_ENTRIES: usize = 50;

/// The query of the list.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct ListQuery {
    state: Option<String>,
    /// The id after which the page begins.
    after: Option<String>,
    limit: Option<usize>,
}

pub(crate) async fn list(
    admin: Data<Admin>,
    query: Query<ListQuery>,
) -> Result<Json<InstallationPage>, Problem> {
    let limit = query.limit.unwrap_or(DEFAULT_LIMIT);
    if !(1..=MAX_LIMIT).contains(&limit) {
        return Err(Problem::invalid(format!("limit is from 1 to {MAX_LIMIT}")));
    }
    let mut views = admin.settings.fleet.installations();
    // Ids rise with the time they were made, so a page stays where it is while bots come and go.
    views.sort_by(|a, b| a.id.cmp(&b.id));
    views.retain(|view| {
        query
            .state
            .as_deref()
            .is_none_or(|state| state == view.state)
            && query
                .after
                .as_deref()
                .is_none_or(|after| view.id.as_str() > after)
    });
    let more = views.len() > limit;
    views.truncate(limit);
    let next = views.last().filter(|_| more).map(|view| view.id.clone());
    let data = views.into_iter().map(Into::into).collect();
    Ok(Json(InstallationPage { data, next }))
}

pub(crate) async fn show(
    admin: Data<Admin>,
    installation: Path<String>,
) -> Result<Json<InstallationDetail>, Problem> {
    let record = find(&admin, &installation).await?;
    let store = admin.settings.store.clone();
    let id = record.id;
    let timeline = read(move || store.reader().timeline(id, TIMELINE_ENTRIES)).await?;
    let observed = admin
        .settings
        .fleet
        .installation(&record.public_id.to_string());
    Ok(Json(InstallationDetail {
        observed: observed.map(Into::into),
        kept: StoredInstallation::from(&record),
        timeline: timeline.iter().map(TimelineDocument::from).collect(),
    }))
}

async fn find(admin: &Data<Admin>, id_or_name: &str) -> Result<InstallationRecord, Problem> {
    let store = admin.settings.store.clone();
    let wanted = id_or_name.to_owned();
    read(move || store.reader().installation(&wanted))
        .await?
        .ok_or_else(|| Problem::not_found(format!("there is no installation `{id_or_name}`")))
}

pub(crate) async fn add(
    admin: Data<Admin>,
    request: Json<AddRequest>,
) -> Result<HttpResponse, Problem> {
    admin.settings.draining.refuse()?;
    let new = request
        .into_inner()
        .check(Origin::Api, &admin.settings.rules)
        .map_err(Problem::invalid)?;
    let store = admin.settings.store.clone();
    let record = write(move || store.add_installation(new)).await?;
    admin.settings.fleet.reload();
    tracing::info!(installation = %record.public_id, app_id = %record.app_id, "installation added");
    Ok(HttpResponse::Created().json(StoredInstallation::from(&record)))
}

pub(crate) async fn start(
    admin: Data<Admin>,
    installation: Path<String>,
) -> Result<Json<StoredInstallation>, Problem> {
    set_desired(&admin, &installation, Desired::Run).await
}

pub(crate) async fn stop(
    admin: Data<Admin>,
    installation: Path<String>,
) -> Result<Json<StoredInstallation>, Problem> {
    set_desired(&admin, &installation, Desired::Stop).await
}

/// Also for those of the configuration file, whose `enabled` applies again at the next start. To start one that is
/// displaced takes the bot back.
async fn set_desired(
    admin: &Data<Admin>,
    id_or_name: &str,
    desired: Desired,
) -> Result<Json<StoredInstallation>, Problem> {
    admin.settings.draining.refuse()?;
    let mut record = find(admin, id_or_name).await?;
    let store = admin.settings.store.clone();
    let id = record.id;
    write(move || store.set_desired(id, desired)).await?;
    admin.settings.fleet.reload();
    tracing::info!(installation = %record.public_id, desired = desired.label(), "wanted state changed");
    record.desired = desired;
    if desired == Desired::Run {
        record.displaced_ms = None;
    }
    Ok(Json(StoredInstallation::from(&record)))
}

async fn read<T: Send + 'static>(
    query: impl FnOnce() -> Result<T, ReadError> + Send + 'static,
) -> Result<T, Problem> {
    blocking::run(query)
        .await?
        .map_err(|error| unavailable(&error))
}

async fn write<T: Send + 'static>(
    change: impl FnOnce() -> Result<T, WriteError> + Send + 'static,
) -> Result<T, Problem> {
    blocking::run(change).await?.map_err(|error| match error {
        WriteError::NameTaken { .. } => Problem::conflict("name_taken", error.to_string()),
        WriteError::SameBot { .. } => Problem::conflict("same_bot", error.to_string()),
        WriteError::UnknownInstallation { .. }
        | WriteError::UnknownConsumer { .. }
        | WriteError::UnknownToken { .. } => Problem::not_found(error.to_string()),
        WriteError::Outdated { .. } => Problem::conflict("outdated", error.to_string()),
        // The store has not said in time whether it did it.
        WriteError::Overdue { .. } => Problem::new(
            StatusCode::GATEWAY_TIMEOUT,
            "store_unsettled",
            chain(&error),
        ),
        WriteError::Seal(_)
        | WriteError::Keys(_)
        | WriteError::Refused(_)
        | WriteError::NotBegun { .. }
        | WriteError::Busy
        | WriteError::WriterGone => unavailable(&error),
    })
}

/// The store did not do it.
fn unavailable(error: &dyn std::error::Error) -> Problem {
    Problem::new(
        StatusCode::SERVICE_UNAVAILABLE,
        "store_unavailable",
        chain(error),
    )
}
