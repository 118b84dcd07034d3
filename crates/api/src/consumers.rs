//! `/v1/consumers`: durable positions in the event log, made, seen, changed and removed.
//!
//! A caller sees the consumers of its space. One whose token is narrowed to installations sees those alone whose filter names
//! no other installation.

mod document;
mod problems;
mod pull;
mod simulate;
mod steer;

use actix_web::http::header;
use actix_web::web::{Data, Json, Path};
use actix_web::{HttpRequest, HttpResponse};
use longwire_access::{AuditAction, Grant};
use longwire_consumer::ConsumerDefinition;
use longwire_delivery::{ConsumerView, CreatedConsumer};
use longwire_listener::{Caller, Problem};
use secrecy::ExposeSecret as _;
use serde_json::{Map, Value, json};

use crate::Api;
use crate::body::Body;
use crate::cursor::CursorList;
use crate::events::{StepDocument, cursors, not_shown};
use crate::page::PageQuery;
use crate::problem_code::{ProblemCode, body_problem};
use crate::query::QueryReader;
use crate::{audit, page, revision};

pub use document::state as consumer_state;
pub(crate) use document::{ConnectionDocument, ConsumerStatus, CountsDocument, state};
use document::{document, with_connections};
pub(crate) use pull::{ack, answer, claim, nack, stream};
pub(crate) use simulate::{SimulationDocument, simulate};
pub(crate) use steer::{pause, replay, replay_event, resume, rotate, seek};

/// What the owner of a webhook behind a proxy should know.
const CHECKED_BY_NAME: &str = "The webhook is reached through a proxy, which looks its name up. Which addresses the proxy \
     dials is for the proxy's own rules: webhooks.allow_networks sees the name only.";

/// The consumer of this name, if the caller may see it.
fn find(api: &Api, grant: &Grant, name: &str) -> Result<ConsumerView, Problem> {
    let found = api.settings.deliveries.consumer(&grant.space, name);
    found
        .filter(|view| may_see(grant, &view.definition))
        .ok_or_else(|| unknown(name))
}

fn unknown(name: &str) -> Problem {
    ProblemCode::NotFound.problem(format!("there is no consumer `{name}`"))
}

/// Whether all that such a consumer receives is the caller's to see.
fn may_see(grant: &Grant, definition: &ConsumerDefinition) -> bool {
    let Some(allowed) = &grant.installations else {
        return true;
    };
    let named = definition.filter.installations();
    !named.is_empty() && named.iter().all(|id| allowed.contains(id))
}

/// Refuses a definition by which the caller would receive what its token does not show.
fn admit(grant: &Grant, definition: &ConsumerDefinition) -> Result<(), Problem> {
    let notices = definition.notices.as_ref();
    if let (Some(allowed), Some(notices)) = (&grant.installations, notices)
        && !allowed.contains(&notices.installation)
    {
        let detail =
            "this token is narrowed to installations: `notices.installation` has to be one of them";
        return Err(ProblemCode::TokenNarrowed.problem(detail));
    }
    if may_see(grant, definition) {
        return Ok(());
    }
    let detail = "this token is narrowed to installations: `filter.installations` has to name some of them, and no others";
    Err(ProblemCode::TokenNarrowed.problem(detail))
}

/// In the order in which they were made.
pub(crate) async fn list(
    api: Data<Api>,
    caller: Caller,
    request: HttpRequest,
) -> Result<HttpResponse, Problem> {
    let asked = PageQuery::read(&api, &caller, &request, CursorList::Consumers)?;
    let place = |view: &ConsumerView| u128::try_from(view.id.0).unwrap_or_default();
    let mut views = api.settings.deliveries.consumers(&caller.space);
    views.retain(|view| may_see(&caller, &view.definition) && asked.is_to_come(place(view)));
    let next = asked.cut(&mut views, place);
    let data: Vec<Value> = views.iter().map(document).collect();
    Ok(page::answer(&data, next.as_deref(), &request))
}

/// Makes one. The answer has the secret of a webhook, this once.
pub(crate) async fn create(
    api: Data<Api>,
    caller: Caller,
    body: Body,
) -> Result<HttpResponse, Problem> {
    let created = create_for(&api, &caller, &body.0).await;
    let name = body.0.get("name").and_then(Value::as_str);
    let name = name.unwrap_or_default();
    audit::keep_refusal(&api, &caller, AuditAction::ConsumerAdd, name, &created);
    let CreatedConsumer {
        view,
        secret,
        is_checked_by_name,
    } = created?;
    let mut shown = document(&view);
    if let Some(secret) = secret {
        shown["secret"] = json!(secret.expose_secret());
    }
    if is_checked_by_name {
        shown["advice"] = json!([CHECKED_BY_NAME]);
    }
    Ok(HttpResponse::Created()
        .insert_header((header::CACHE_CONTROL, "no-store"))
        .insert_header((header::LOCATION, format!("/v1/consumers/{}", view.name)))
        .insert_header((header::ETAG, revision::etag(view.revision)))
        .json(shown))
}

async fn create_for(api: &Api, caller: &Caller, body: &Value) -> Result<CreatedConsumer, Problem> {
    audit::admit(api)?;
    let definition =
        ConsumerDefinition::parse(body).map_err(|faults| body_problem(faults.all()))?;
    admit(caller, &definition)?;
    let name = definition.name.as_str();
    let deliveries = audit::audited(api, caller, AuditAction::ConsumerAdd, name);
    let created = deliveries.create(caller.space.clone(), definition, None);
    let created = created.await.map_err(problems::not_created)?;
    tracing::info!(consumer = %created.view.name, token = %caller.token, "consumer added");
    Ok(created)
}

pub(crate) async fn show(
    api: Data<Api>,
    caller: Caller,
    request: HttpRequest,
    name: Path<String>,
) -> Result<HttpResponse, Problem> {
    QueryReader::of(request.query_string()).finish()?;
    let view = find(&api, &caller, &name)?;
    let connections = api.settings.deliveries.relay_connections_at(view.id);
    Ok(tagged(&view, &with_connections(&view, &connections)))
}

fn shown(view: &ConsumerView) -> HttpResponse {
    tagged(view, &document(view))
}

fn tagged(view: &ConsumerView, document: &Value) -> HttpResponse {
    HttpResponse::Ok()
        .insert_header((header::ETAG, revision::etag(view.revision)))
        .json(document)
}

/// Changes the definition by a merge patch (RFC 7396).
pub(crate) async fn change(
    api: Data<Api>,
    caller: Caller,
    request: HttpRequest,
    name: Path<String>,
    patch: Json<Value>,
) -> Result<HttpResponse, Problem> {
    let changed = change_for(&api, &caller, &request, &name, patch.into_inner()).await;
    audit::keep_refusal(&api, &caller, AuditAction::ConsumerChange, &name, &changed);
    Ok(shown(&changed?))
}

async fn change_for(
    api: &Api,
    caller: &Caller,
    request: &HttpRequest,
    name: &str,
    patch: Value,
) -> Result<ConsumerView, Problem> {
    audit::admit(api)?;
    let view = find(api, caller, name)?;
    // Without a revision the patch is for the definition that it was merged into, so that no other change is undone.
    let expected = revision::expected(request)?.unwrap_or(view.revision);
    let mut merged = view.definition.to_json();
    merge(&mut merged, patch);
    let definition =
        ConsumerDefinition::parse(&merged).map_err(|faults| body_problem(faults.all()))?;
    admit(caller, &definition)?;
    let deliveries = audit::audited(api, caller, AuditAction::ConsumerChange, name);
    let changed = deliveries.change(&caller.space, name, definition, Some(expected));
    changed
        .await
        .map_err(|error| problems::not_changed(name, error))
}

/// As RFC 7396 has it.
fn merge(target: &mut Value, patch: Value) {
    let Value::Object(patch) = patch else {
        *target = patch;
        return;
    };
    if !target.is_object() {
        *target = Value::Object(Map::new());
    }
    let Value::Object(members) = target else {
        return;
    };
    for (name, value) in patch {
        if value.is_null() {
            members.remove(&name);
        } else {
            merge(members.entry(name).or_insert(Value::Null), value);
        }
    }
}

/// Removes it with its position.
pub(crate) async fn remove(
    api: Data<Api>,
    caller: Caller,
    name: Path<String>,
) -> Result<HttpResponse, Problem> {
    let removed = remove_for(&api, &caller, &name).await;
    audit::keep_refusal(&api, &caller, AuditAction::ConsumerRemove, &name, &removed);
    removed?;
    Ok(HttpResponse::NoContent().finish())
}

async fn remove_for(api: &Api, caller: &Caller, name: &str) -> Result<(), Problem> {
    audit::admit(api)?;
    find(api, caller, name)?;
    let deliveries = audit::audited(api, caller, AuditAction::ConsumerRemove, name);
    let removed = deliveries.remove(&caller.space, name).await;
    removed.map_err(|error| problems::not_removed(name, error))?;
    tracing::info!(consumer = name, token = %caller.token, "consumer removed");
    Ok(())
}

/// The newest attempts to deliver to it, newest first.
pub(crate) async fn attempts(
    api: Data<Api>,
    caller: Caller,
    request: HttpRequest,
    name: Path<String>,
) -> Result<HttpResponse, Problem> {
    /// Rows of the journey that are read for a page; each has up to some hundreds of steps.
    const ROWS: usize = 4;
    let mut query = QueryReader::of(request.query_string());
    let after = query.text("after");
    query.finish()?;
    find(&api, &caller, &name)?;
    let cursors = cursors(&api, &caller);
    let before = match after {
        Some(text) => {
            let place = cursors.read(CursorList::Attempts, &text)?;
            Some(i64::try_from(place).unwrap_or(i64::MAX))
        }
        None => None,
    };
    let deliveries = &api.settings.deliveries;
    let steps = deliveries.attempts(&caller.space, &name, before, ROWS);
    let steps = steps.await.map_err(not_shown)?;
    let oldest = steps.last().map(|step| step.batch);
    let next = oldest.map(|batch| {
        let place = u128::try_from(batch).unwrap_or_default();
        cursors.write(CursorList::Attempts, place)
    });
    let tag = longwire_consumer::StoreTag(api.settings.store.identity().prefix());
    let data = steps.iter().map(|record| {
        let mut step = serde_json::to_value(StepDocument::of(record, Some(name.to_string())))
            .unwrap_or_default();
        let id = longwire_consumer::EventId::new(tag, record.step.seq);
        step["event"] = json!(id.to_string());
        step
    });
    let data: Vec<Value> = data.collect();
    Ok(page::answer(&data, next.as_deref(), &request))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The examples of RFC 7396, appendix A.
    #[test]
    fn patches_are_merged() {
        for (mut target, patch, merged) in [
            (json!({"a":"b"}), json!({"a":"c"}), json!({"a":"c"})),
            (json!({"a":"b"}), json!({"b":"c"}), json!({"a":"b","b":"c"})),
            (json!({"a":"b"}), json!({"a":null}), json!({})),
            (json!({"a":["b"]}), json!({"a":"c"}), json!({"a":"c"})),
            (
                json!({"a":{"b":"c"}}),
                json!({"a":{"b":"d","c":null}}),
                json!({"a":{"b":"d"}}),
            ),
            (json!({"a":[{"b":"c"}]}), json!({"a":[1]}), json!({"a":[1]})),
            (json!({"a":"foo"}), json!("bar"), json!("bar")),
            (json!({"e":null}), json!({"a":1}), json!({"a":1,"e":null})),
            (
                json!({}),
                json!({"a":{"bb":{"ccc":null}}}),
                json!({"a":{"bb":{}}}),
            ),
        ] {
            merge(&mut target, patch);
            assert_eq!(target, merged);
        }
    }
}
