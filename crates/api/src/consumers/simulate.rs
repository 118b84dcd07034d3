//! An event that never happened is posted to a webhook, to try its application.

use std::time::{Instant, SystemTime, UNIX_EPOCH};

use actix_web::HttpResponse;
use actix_web::web::{Data, Path};
use longwire_access::AuditAction;
use longwire_consumer::{EventId, StoreTag};
use longwire_listener::{Caller, Problem};
use longwire_wire::event::Seq;
use serde::Serialize;
use utoipa::ToSchema;

use super::{find, problems};
use crate::body::Body;
use crate::{Api, audit, event_types};

/// How a webhook answered an event that never happened.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Simulation)]
pub(crate) struct SimulationDocument {
    /// The `id` of the envelope. The log has no event of it.
    id: String,
    /// The status of the answer.
    status: u16,
    /// Whether an event of the log would count as delivered by it.
    taken: bool,
    /// From the beginning of the post to the answer.
    duration_ms: u64,
}

/// Posts one to the webhook of a consumer.
pub(crate) async fn simulate(
    api: Data<Api>,
    caller: Caller,
    event_type: Path<String>,
    body: Body,
) -> Result<HttpResponse, Problem> {
    let simulated = simulate_for(&api, &caller, &event_type, &body).await;
    let action = AuditAction::EventSimulate;
    audit::keep(&api, &caller, action, &event_type, &simulated);
    Ok(HttpResponse::Ok().json(simulated?))
}

async fn simulate_for(
    api: &Api,
    caller: &Caller,
    event_type: &str,
    body: &Body,
) -> Result<SimulationDocument, Problem> {
    audit::admit(api)?;
    let name = body.read(|members| {
        members
            .required("consumer", |value, faults| value.short_text(faults))
            .map(str::to_owned)
    })?;
    let event_type = event_types::find(event_type)?;
    find(api, caller, &name)?;
    let since = SystemTime::now().duration_since(UNIX_EPOCH);
    let since = since.unwrap_or_default();
    let at_ms = i64::try_from(since.as_millis()).unwrap_or(i64::MAX);
    // Applications drop repeats by their id, so each has its own; no event of the log has a number below 1.
    let number = u64::try_from(since.as_nanos()).unwrap_or_default();
    let seq = Seq(-i64::try_from(number).unwrap_or(i64::MAX));
    let tag = StoreTag(api.settings.store.identity().prefix());
    let id = EventId::new(tag, seq);
    let envelope = event_types::envelope(event_type, id, (seq, number), at_ms);
    let begun = Instant::now();
    let deliveries = &api.settings.deliveries;
    let answered = deliveries.simulate(&caller.space, &name, id, envelope.into());
    let answered = answered
        .await
        .map_err(|error| problems::not_simulated(&name, error))?;
    Ok(SimulationDocument {
        id: id.to_string(),
        status: answered.status,
        taken: (200..300).contains(&answered.status),
        duration_ms: u64::try_from(begun.elapsed().as_millis()).unwrap_or(u64::MAX),
    })
}
