//! How readers of pull and stream consumers receive events, and say that they are done with them.

use std::time::Duration;

use actix_web::http::header;
use actix_web::web::{Bytes, Data, Path};
use actix_web::{HttpRequest, HttpResponse};
use longwire_consumer::{DefinitionFault, EventId, FaultCode, Member, time_text};
use longwire_delivery::{AcknowledgedEvents, ClaimedEvent};
use longwire_listener::{Caller, Problem};
use serde_json::json;

use super::{find, problems};
use crate::admission::{self, Admission};
use crate::body::Body;
use crate::problem_code::ProblemCode;
use crate::query::{MAX_LIMIT, QueryReader};
use crate::{Api, server_sent};

/// The longest name of a reader, in bytes.
const MAX_READER_BYTES: usize = 64;
/// How long a reader may ask an event to stay away.
const MAX_DELAY: Duration = Duration::from_secs(86_400);

/// Claims events: each is the caller's alone until its deadline.
pub(crate) async fn claim(
    api: Data<Api>,
    caller: Caller,
    request: HttpRequest,
    name: Path<String>,
) -> Result<HttpResponse, Problem> {
    let mut query = QueryReader::of(request.query_string());
    let (limit, wait, reader) = (query.limit(), query.wait(), query.text("reader"));
    let expand = query.expand();
    if reader.as_ref().is_some_and(|reader| !is_reader(reader)) {
        let detail = format!("a text of 1 to {MAX_READER_BYTES} bytes belongs here");
        query.fault("reader", "out_of_range", detail);
    }
    query.finish()?;
    find(&api, &caller, &name)?;
    api.settings.draining.refuse()?;
    let _place = match wait.is_zero() {
        true => None,
        false => Some(api.settings.access.streams().take(&caller.space)?),
    };
    let deliveries = &api.settings.deliveries;
    let mut admission = Admission::new(caller.clone());
    let claimed = tokio::select! {
        claimed = deliveries.claim(&caller.space, &name, reader, limit, wait, expand) => {
            claimed.map_err(|error| problems::not_claimed(&name, error))?
        }
        // What would come now comes again, from the process that follows.
        () = api.settings.draining.begun(), if !wait.is_zero() => Vec::new(),
        () = admission.ended(), if !wait.is_zero() => return Err(admission::ended()),
    };
    // What was claimed in this moment is given to others at its deadline.
    admission::check(&caller)?;
    Ok(HttpResponse::Ok()
        .content_type("application/json")
        .insert_header((header::CACHE_CONTROL, "no-store"))
        .body(claims(&claimed)))
}

fn is_reader(reader: &str) -> bool {
    (1..=MAX_READER_BYTES).contains(&reader.len())
}

/// `{"data": [{"id", "attempt", "deadline", "event": envelope}], "next": null}`. The envelopes are JSON already.
fn claims(claimed: &[ClaimedEvent]) -> Vec<u8> {
    let bytes: usize = claimed.iter().map(|one| one.envelope.len() + 128).sum();
    let mut body = Vec::with_capacity(bytes + 32);
    body.extend_from_slice(b"{\"data\":[");
    for (nth, one) in claimed.iter().enumerate() {
        if nth > 0 {
            body.push(b',');
        }
        let deadline = time_text(one.deadline_ms);
        let head = format!(
            "{{\"id\":\"{}\",\"attempt\":{},\"deadline\":\"{deadline}\",\"event\":",
            one.id, one.attempt
        );
        body.extend_from_slice(head.as_bytes());
        body.extend_from_slice(&one.envelope);
        body.push(b'}');
    }
    body.extend_from_slice(b"],\"next\":null}");
    body
}

/// The ids of a list.
fn ids(value: Member<'_>, faults: &mut Vec<DefinitionFault>) -> Option<Vec<EventId>> {
    value.list(MAX_LIMIT, |value, faults| value.parsed(faults), faults)
}

/// A reader is done with events.
pub(crate) async fn ack(
    api: Data<Api>,
    caller: Caller,
    name: Path<String>,
    body: Body,
) -> Result<HttpResponse, Problem> {
    let names_any = ["ids", "through"]
        .iter()
        .any(|name| body.0.get(name).is_some());
    let acked = body.read(|members| {
        let events = members.optional("ids", ids);
        let through = members.optional("through", |value, faults| value.parsed(faults));
        match (events, through) {
            (Some(events), None) => Some(AcknowledgedEvents::Events(events)),
            (None, Some(through)) => Some(AcknowledgedEvents::Through(through)),
            (Some(_), Some(_)) => {
                let detail = "either `ids` or `through` belongs here";
                members.fault("through", FaultCode::Conflict, detail);
                None
            }
            // One that is there has its mistake told already.
            (None, None) if names_any => None,
            (None, None) => {
                let detail = "`ids` has to be there, or `through`";
                members.fault("ids", FaultCode::Missing, detail);
                None
            }
        }
    })?;
    find(&api, &caller, &name)?;
    let done = api.settings.deliveries.ack(&caller.space, &name, acked);
    let done = done
        .await
        .map_err(|error| problems::not_acked(&name, error))?;
    Ok(HttpResponse::Ok().json(json!({"acknowledged": done})))
}

/// A reader gives events back.
pub(crate) async fn nack(
    api: Data<Api>,
    caller: Caller,
    name: Path<String>,
    body: Body,
) -> Result<HttpResponse, Problem> {
    let (events, delay) = body.read(|members| {
        let events = members.required("ids", ids);
        let delay = members.optional("delay", |value, faults| {
            value.duration(Duration::ZERO..=MAX_DELAY, faults)
        });
        Some((events?, delay))
    })?;
    find(&api, &caller, &name)?;
    let deliveries = &api.settings.deliveries;
    let ended = deliveries.nack(&caller.space, &name, &events, delay).await;
    let ended = ended.map_err(|error| problems::not_acked(&name, error))?;
    Ok(HttpResponse::Ok().json(json!({"given_back": ended})))
}

/// A reader answers an event that it has: a click on a card, or with a reply.
pub(crate) async fn answer(
    api: Data<Api>,
    caller: Caller,
    path: Path<(String, String)>,
    body: Body,
) -> Result<HttpResponse, Problem> {
    let (name, event) = path.into_inner();
    find(&api, &caller, &name)?;
    let id: EventId = event
        .parse()
        .map_err(|_| ProblemCode::NotFound.problem(format!("there is no event `{event}`")))?;
    let text = Bytes::from(body.0.to_string());
    let deliveries = &api.settings.deliveries;
    let answered = deliveries.answer(&caller.space, &name, id, text).await;
    answered.map_err(|error| problems::not_answered(&name, error))?;
    Ok(HttpResponse::NoContent().finish())
}

/// A reader's stream.
pub(crate) async fn stream(
    api: Data<Api>,
    caller: Caller,
    request: HttpRequest,
    name: Path<String>,
) -> Result<HttpResponse, Problem> {
    QueryReader::of(request.query_string()).finish()?;
    let last = server_sent::last_event_id(&request)?;
    find(&api, &caller, &name)?;
    api.settings.draining.refuse()?;
    let place = api.settings.access.streams().take(&caller.space)?;
    let deliveries = &api.settings.deliveries;
    let chunks = deliveries.open_stream(&caller.space, &name, last).await;
    let chunks = chunks.map_err(|error| problems::not_streamed(&name, error))?;
    Ok(server_sent::of_consumer(chunks, caller, place))
}
