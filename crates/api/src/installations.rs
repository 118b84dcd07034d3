//! `/v1/installations`: the bots of a space, seen, added, changed and removed. No secret ever leaves.

mod change;
mod definition;
mod document;
mod filter;
mod probe;
mod retry;
mod rotate_secret;
mod try_secret;

use std::sync::Arc;

use actix_web::http::header;
use actix_web::web::{Data, Path};
use actix_web::{HttpRequest, HttpResponse};
use longwire_access::Space;
use longwire_fleet::{Fleet, InstallationView};
use longwire_installation::{Desired, InstallationId, Mode, PublicId};
use longwire_listener::{Caller, Problem};
use longwire_store::InstallationRecord;
use serde_json::{Value, json};

use crate::cursor::CursorList;
use crate::page::PageQuery;
use crate::problem_code::ProblemCode;
use crate::query::QueryReader;
use crate::{Api, page, revision};

pub(crate) use change::{change, create, remove};
pub use definition::{AskedInstallation, InstallationRules};
pub(crate) use document::CandidateDocument;
pub use document::{BotCallbacksDocument, InstallationDocument, LightsDocument, Observation};
pub use filter::InstallationFilter;
pub use probe::{AddedInstallation, ProbeDocument, probe_problem};
pub(crate) use retry::retry;
pub(crate) use rotate_secret::{RotatedSecretDocument, rotate_secret};
pub(crate) use try_secret::{TriedSecretDocument, try_secret};

/// The row of a bot that the fleet sees.
fn record_of(fleet: &Fleet, view: &InstallationView) -> Option<Arc<InstallationRecord>> {
    fleet.record(fleet.installation_id(&view.id)?)
}

fn unknown(id_or_name: &str) -> Problem {
    ProblemCode::NotFound.problem(format!("there is no installation `{id_or_name}`"))
}

/// Whether a bot wants a connection with this mode and state, and wants none by now.
pub(crate) fn begins_to_connect(record: &InstallationRecord, mode: Mode, desired: Desired) -> bool {
    let connects = |mode: Mode, desired| desired == Desired::Run && mode.connects();
    connects(mode, desired) && !connects(record.mode, record.desired)
}

/// Refuses what could not be connected, because the space has as many connections as it may have.
pub(crate) fn has_room(
    api: &Api,
    space: &Space,
    bot: Option<InstallationId>,
) -> Result<(), Problem> {
    let room = api.settings.fleet.has_room(space, bot);
    room.map_err(|full| ProblemCode::SpaceLimit.problem(full.to_string()))
}

/// In the order in which they were added.
pub(crate) async fn list(
    api: Data<Api>,
    caller: Caller,
    request: HttpRequest,
) -> Result<HttpResponse, Problem> {
    let mut query = QueryReader::of(request.query_string());
    let filter = InstallationFilter::read(&mut query);
    let asked = PageQuery::read_from(query, &api, &caller, CursorList::Installations)?;
    let place = |id: &PublicId| u128::from_be_bytes(*id.as_bytes());
    let mut rows = api.settings.fleet.installations_with_records();
    rows.retain(|(record, view)| {
        let id = record.public_id;
        caller.sees(&record.space, id) && asked.is_to_come(place(&id)) && filter.matches(view)
    });
    rows.sort_by_key(|(record, _)| record.public_id);
    let next = asked.cut(&mut rows, |(record, _)| place(&record.public_id));
    let data: Vec<Value> = (rows.into_iter())
        .map(|(record, view)| json!(InstallationDocument::of(&record, Some(view))))
        .collect();
    Ok(page::answer(&data, next.as_deref(), &request))
}

/// One of them, by id or name.
pub(crate) async fn show(
    api: Data<Api>,
    caller: Caller,
    request: HttpRequest,
    installation: Path<String>,
) -> Result<HttpResponse, Problem> {
    QueryReader::of(request.query_string()).finish()?;
    let view = api.settings.fleet.installation(&installation);
    let view = view.filter(|view| {
        let id = view.id.parse();
        id.is_ok_and(|id| caller.sees(&view.space, id))
    });
    let view = view.ok_or_else(|| unknown(&installation))?;
    let record = record_of(&api.settings.fleet, &view).ok_or_else(|| unknown(&installation))?;
    Ok(shown(&record, Some(view)))
}

fn shown(record: &InstallationRecord, view: Option<InstallationView>) -> HttpResponse {
    HttpResponse::Ok()
        .insert_header((header::ETAG, revision::etag(record.revision)))
        .json(InstallationDocument::of(record, view))
}
