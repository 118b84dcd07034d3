//! A consumer is paused, resumed and moved; its events are delivered again; its secret is changed.

use actix_web::HttpResponse;
use actix_web::http::header;
use actix_web::web::{Data, Path};
use longwire_access::AuditAction;
use longwire_consumer::{EventFilter, EventId, Expansions, StartFrom};
use longwire_delivery::{ConsumerView, ReplayOrder};
use longwire_listener::{Caller, Problem};
use secrecy::{ExposeSecret as _, SecretString};
use serde_json::json;

use super::{find, problems, shown};
use crate::body::Body;
use crate::{Api, audit, events};

/// Delivers nothing to it until it is resumed.
pub(crate) async fn pause(
    api: Data<Api>,
    caller: Caller,
    name: Path<String>,
    body: Body,
) -> Result<HttpResponse, Problem> {
    let action = AuditAction::ConsumerPause;
    let paused = audit::change(&api, &caller, action, &name, async |deliveries| {
        let reason = body.read(|members| {
            let reason = members.optional("reason", |value, faults| value.short_text(faults));
            Some(reason.map_or_else(|| format!("by the token {}", caller.name), str::to_owned))
        })?;
        find(&api, &caller, &name)?;
        let paused = deliveries.pause(&caller.space, &name, reason).await;
        paused.map_err(|error| problems::not_steered(&name, error))
    });
    Ok(shown(&paused.await?))
}

/// Delivers to it again.
pub(crate) async fn resume(
    api: Data<Api>,
    caller: Caller,
    name: Path<String>,
    body: Body,
) -> Result<HttpResponse, Problem> {
    let action = AuditAction::ConsumerResume;
    let resumed = audit::change(&api, &caller, action, &name, async |deliveries| {
        body.read(|_| Some(()))?;
        find(&api, &caller, &name)?;
        let resumed = deliveries.resume(&caller.space, &name).await;
        resumed.map_err(|error| problems::not_steered(&name, error))
    });
    Ok(shown(&resumed.await?))
}

/// Moves its position.
pub(crate) async fn seek(
    api: Data<Api>,
    caller: Caller,
    name: Path<String>,
    body: Body,
) -> Result<HttpResponse, Problem> {
    let moved = seek_for(&api, &caller, &name, &body).await;
    audit::keep(&api, &caller, AuditAction::ConsumerSeek, &name, &moved);
    let after = moved?;
    Ok(HttpResponse::Ok().json(json!({"position": after})))
}

/// A position is no row of its consumer, so it is not kept together with the entry.
async fn seek_for(api: &Api, caller: &Caller, name: &str, body: &Body) -> Result<i64, Problem> {
    audit::admit(api)?;
    let to = body.read(|members| members.required("to", StartFrom::read))?;
    find(api, caller, name)?;
    let moved = api.settings.deliveries.seek(&caller.space, name, to).await;
    let after = moved.map_err(|error| problems::not_moved(name, error))?;
    Ok(after.0)
}

/// Delivers a stretch of the log to it again. Its position stays where it is.
pub(crate) async fn replay(
    api: Data<Api>,
    caller: Caller,
    name: Path<String>,
    body: Body,
) -> Result<HttpResponse, Problem> {
    let action = AuditAction::EventReplay;
    let begun = audit::change(&api, &caller, action, &name, async |deliveries| {
        let order = stretch(&api, &caller, &name, &body)?;
        let begun = deliveries.replay(&caller.space, &name, order).await;
        begun.map_err(|error| problems::not_replayed(&name, error))
    });
    Ok(begun_replay(begun.await?))
}

fn begun_replay(numbers: u64) -> HttpResponse {
    HttpResponse::Accepted().json(json!({"numbers": numbers}))
}

/// The stretch that the body names, of a consumer that the caller may see.
fn stretch(api: &Api, caller: &Caller, name: &str, body: &Body) -> Result<ReplayOrder, Problem> {
    let (from, until, filter) = body.read(|members| {
        let from = members.required("from", StartFrom::read);
        let until = members.optional("until", StartFrom::read);
        let filter = members.optional("filter", EventFilter::read);
        Some((from?, until, filter))
    })?;
    let view = find(api, caller, name)?;
    let filter = filter
        .map(|filter| seen(filter, &view, caller))
        .transpose()?;
    Ok(ReplayOrder::Stretch {
        from,
        until,
        filter: filter.map(Box::new),
    })
}

/// A filter of its own might let pass what a caller with a narrowed token does not see.
fn seen(filter: EventFilter, view: &ConsumerView, caller: &Caller) -> Result<EventFilter, Problem> {
    if caller.installations.is_some() && filter.installations().is_empty() {
        let own = view.definition.filter.installations();
        return Ok(filter.of_installations(own.to_vec()));
    }
    events::narrowed(filter, caller)
}

/// Delivers one event to a consumer again, whatever its filter says.
pub(crate) async fn replay_event(
    api: Data<Api>,
    caller: Caller,
    event: Path<String>,
    body: Body,
) -> Result<HttpResponse, Problem> {
    let action = AuditAction::EventReplay;
    let begun = audit::change(&api, &caller, action, &event, async |deliveries| {
        let name = body.read(|members| {
            members
                .required("consumer", |value, faults| value.short_text(faults))
                .map(str::to_owned)
        })?;
        let id: EventId = events::find(&api, &caller, &event, Expansions::NONE)
            .await?
            .id;
        find(&api, &caller, &name)?;
        let order = ReplayOrder::Event(id);
        let begun = deliveries.replay(&caller.space, &name, order).await;
        begun.map_err(|error| problems::not_replayed(&name, error))
    });
    Ok(begun_replay(begun.await?))
}

/// Gives its webhook another secret, which the answer has, this once.
pub(crate) async fn rotate(
    api: Data<Api>,
    caller: Caller,
    name: Path<String>,
    body: Body,
) -> Result<HttpResponse, Problem> {
    let action = AuditAction::ConsumerRotate;
    let rotated = audit::change(&api, &caller, action, &name, async |deliveries| {
        body.read(|_| Some(()))?;
        find(&api, &caller, &name)?;
        let rotated = deliveries.rotate_secret(&caller.space, &name, None).await;
        rotated.map_err(|error| problems::not_rotated(&name, error))
    });
    let secret: SecretString = rotated.await?;
    Ok(HttpResponse::Ok()
        .insert_header((header::CACHE_CONTROL, "no-store"))
        .json(json!({"secret": secret.expose_secret()})))
}
