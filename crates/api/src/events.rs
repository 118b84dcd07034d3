//! `/v1/events`: the event log, read along.
//!
//! A reader of the log has no position and takes nothing from anybody. It says where it goes on (`after`), waits for what comes
//! (`wait`), or holds a stream open.

mod journey;
mod reading;

use actix_web::http::header;
use actix_web::web::{Data, Path};
use actix_web::{HttpRequest, HttpResponse};
use longwire_access::Grant;
use longwire_consumer::{Detail, EVENT_MEDIA_TYPE, EventFilter, EventId, Expansions, StoreTag};
use longwire_delivery::{ReadAlong, ReadAlongError, ReadEnvelope, ReadPage};
use longwire_listener::{Caller, Problem};
use longwire_store::Kept;
use longwire_wire::event::Seq;

use crate::Api;
use crate::admission::{self, Admission};
use crate::cursor::{CursorList, Cursors};
use crate::problem_code::ProblemCode;
use crate::query::QueryReader;
use crate::server_sent;
use crate::store_calls::{chain, read};

pub(crate) use journey::{JourneyDocument, StepDocument, not_shown, show as journey};
pub(crate) use reading::narrowed;
use reading::reading;

/// A page of the log, oldest first. With `wait`, it is answered at the first event.
pub(crate) async fn list(
    api: Data<Api>,
    caller: Caller,
    request: HttpRequest,
) -> Result<HttpResponse, Problem> {
    let mut query = QueryReader::of(request.query_string());
    let (limit, wait, expand) = (query.limit(), query.wait(), query.expand());
    let what = reading(query, &api, &caller)?;
    kept(&api, &caller, what.after)?;
    let after = what.after.unwrap_or(Seq(0));
    let what = ReadAlong {
        after: Some(after),
        expand,
        ..what
    };
    let _place = match wait.is_zero() {
        true => None,
        false => Some(api.settings.access.streams().take(&caller.space)?),
    };
    let mut admission = Admission::new(caller.clone());
    let page = tokio::select! {
        page = api.settings.deliveries.read_along(what, limit, wait) => page.map_err(not_read)?,
        // Who waits goes on where they were, at the process that follows.
        () = api.settings.draining.begun(), if !wait.is_zero() => ReadPage {
            events: Vec::new(),
            reached: after,
            more: false,
        },
        () = admission.ended(), if !wait.is_zero() => return Err(admission::ended()),
    };
    admission::check(&caller)?;
    let place = u128::try_from(page.reached.0).unwrap_or_default();
    let next = cursors(&api, &caller).write(CursorList::Events, place);
    Ok(answer(&page, &next, &request))
}

/// `{"data": [envelopes], "next": cursor, "more": …}`. The envelopes are JSON already.
fn answer(page: &ReadPage, next: &str, request: &HttpRequest) -> HttpResponse {
    let bytes: usize = page.events.iter().map(|one| one.envelope.len() + 1).sum();
    let mut body = Vec::with_capacity(bytes + 128);
    body.extend_from_slice(b"{\"data\":[");
    for (nth, event) in page.events.iter().enumerate() {
        if nth > 0 {
            body.push(b',');
        }
        body.extend_from_slice(&event.envelope);
    }
    body.extend_from_slice(format!("],\"next\":\"{next}\",\"more\":{}}}", page.more).as_bytes());
    let mut answer = HttpResponse::Ok();
    answer.content_type("application/json");
    if page.more {
        answer.insert_header((header::LINK, link_to(request, next)));
    }
    answer.body(body)
}

/// The value of `Link` that leads to the next page: the same request with another cursor.
pub(crate) fn link_to(request: &HttpRequest, next: &str) -> String {
    let mut query = url::form_urlencoded::Serializer::new(String::new());
    for (name, value) in url::form_urlencoded::parse(request.query_string().as_bytes()) {
        if name != "after" {
            query.append_pair(&name, &value);
        }
    }
    let query = query.append_pair("after", next).finish();
    format!("<{}?{query}>; rel=\"next\"", request.path())
}

/// The log as server-sent events, behind `Last-Event-ID`, else behind `after`, else behind the newest event.
pub(crate) async fn stream(
    api: Data<Api>,
    caller: Caller,
    request: HttpRequest,
) -> Result<HttpResponse, Problem> {
    let query = QueryReader::of(request.query_string());
    let mut what = reading(query, &api, &caller)?;
    if let Some(id) = server_sent::last_event_id(&request)? {
        what.after = Some(seq_of(&api, id).ok_or_else(foreign_event)?);
    }
    kept(&api, &caller, what.after)?;
    api.settings.draining.refuse()?;
    let place = api.settings.access.streams().take(&caller.space)?;
    let chunks = api.settings.deliveries.follow(what).await;
    let chunks = chunks.map_err(not_read)?;
    let draining = api.settings.draining.clone();
    Ok(server_sent::read_along(chunks, draining, caller, place))
}

/// One event.
pub(crate) async fn show(
    api: Data<Api>,
    caller: Caller,
    request: HttpRequest,
    event: Path<String>,
) -> Result<HttpResponse, Problem> {
    let mut query = QueryReader::of(request.query_string());
    let expand = query.expand();
    query.finish()?;
    let seen = find(&api, &caller, &event, expand).await?;
    Ok(HttpResponse::Ok()
        .content_type(EVENT_MEDIA_TYPE)
        .body(seen.envelope))
}

/// The event of this id, if the caller may see it, with what is looked up for it.
pub(crate) async fn find(
    api: &Api,
    grant: &Grant,
    text: &str,
    expand: Expansions,
) -> Result<ReadEnvelope, Problem> {
    let missing = || ProblemCode::NotFound.problem(format!("there is no event `{text}`"));
    let id: EventId = text.parse().map_err(|_| missing())?;
    let seq = seq_of(api, id).ok_or_else(missing)?;
    let deliveries = &api.settings.deliveries;
    let found = if grant.installations.is_none() {
        let event = deliveries.event(&grant.space, id, expand);
        event.await.map_err(not_read)?
    } else {
        // The events that the caller sees, from this one on: it is the first of them, or is not seen.
        let what = ReadAlong {
            space: grant.space.clone(),
            filter: narrowed(EventFilter::default(), grant)?,
            after: Some(Seq(seq.0.saturating_sub(1))),
            detail: Detail::Whole,
            expand,
        };
        let page = deliveries.read_along(what, 1, std::time::Duration::ZERO);
        let mut events = page.await.map_err(not_read)?.events;
        events.pop().filter(|event| event.id == id)
    };
    match found {
        Some(found) => Ok(found),
        // What retention took is told apart from what never was, and from what the caller does not see.
        None if is_gone(api, seq).await? => Err(expired(api, grant)),
        None => Err(missing()),
    }
}

/// Refuses to go on behind an event when events behind that are gone: they would be passed over in silence.
fn kept(api: &Api, grant: &Grant, after: Option<Seq>) -> Result<(), Problem> {
    match after {
        Some(after) if after < api.settings.store.gone_through() => Err(expired(api, grant)),
        Some(_) | None => Ok(()),
    }
}

/// Whether this event was in the log and is no longer kept.
async fn is_gone(api: &Api, seq: Seq) -> Result<bool, Problem> {
    let store = api.settings.store.clone();
    if seq <= store.gone_through() {
        return Ok(true);
    }
    if store
        .watch_head()
        .newest()
        .is_none_or(|newest| seq > newest)
    {
        return Ok(false);
    }
    let event = read(move || store.reader().event(seq)).await?;
    Ok(event.is_none_or(|event| event.kept == Kept::Expired))
}

/// Where reading can go on instead.
fn expired(api: &Api, grant: &Grant) -> Problem {
    let gone = api.settings.store.gone_through();
    let place = u128::try_from(gone.0).unwrap_or_default();
    let tag = StoreTag(api.settings.store.identity().prefix());
    ProblemCode::EventsExpired
        .problem("retention took the events from there on; `next` is a cursor before the oldest that is kept")
        .with("oldest", EventId::new(tag, Seq(gone.0 + 1)).to_string())
        .with("next", cursors(api, grant).write(CursorList::Events, place))
}

/// The number of an event of this log.
pub(crate) fn seq_of(api: &Api, id: EventId) -> Option<Seq> {
    let tag = StoreTag(api.settings.store.identity().prefix());
    id.seq_in(tag).filter(|seq| seq.0 > 0)
}

pub(crate) fn cursors<'a>(api: &Api, grant: &'a Grant) -> Cursors<'a> {
    Cursors {
        store: api.settings.store.identity(),
        space: &grant.space,
    }
}

pub(crate) fn foreign_event() -> Problem {
    ProblemCode::CursorInvalid.problem("this event is not of this gateway's log")
}

/// Why the log was not read.
pub(crate) fn not_read(error: ReadAlongError) -> Problem {
    match error {
        ReadAlongError::Read(_) => ProblemCode::StoreUnavailable.problem(chain(&error)),
        ReadAlongError::Ended => ProblemCode::DeliveryEnded.problem(error.to_string()),
        ReadAlongError::TooMany { most } => {
            let problem = ProblemCode::TooManyStreams.problem(error.to_string());
            problem.with("limit", most)
        }
    }
}
