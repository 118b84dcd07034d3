//! `/v1/event-types`: the types of events, each with its JSON Schema and a sample.

use std::time::{Duration, SystemTime, UNIX_EPOCH};

use actix_web::web::{Bytes, Data, Path};
use actix_web::{HttpRequest, HttpResponse};
use longwire_consumer::{
    AttemptFacts, Detail, EVENT_MEDIA_TYPE, EventFacts, EventId, EventText, StoreTag, write_event,
};
use longwire_installation::{Platform, PublicId};
use longwire_listener::Problem;
use longwire_wire::catalogue::{self, EventType, SampleFacts};
use longwire_wire::event::Seq;
use longwire_wire::view::{EventView, Family};
use serde::Serialize;
use serde_json::{Value, json};
use utoipa::ToSchema;

use crate::Api;
use crate::page;
use crate::problem_code::ProblemCode;
use crate::query::QueryReader;

/// A type of events.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = EventType)]
pub(crate) struct TypeDocument {
    /// The attribute `type` of the envelope.
    name: &'static str,
    /// `feishu` (also Lark's), `wecom` or `longwire`.
    platform: &'static str,
    /// `kind` in the view of such an event.
    #[schema(value_type = String)]
    kind: Value,
    /// What happened.
    description: &'static str,
    /// The same in Chinese.
    description_zh: &'static str,
}

impl TypeDocument {
    fn of(event_type: &'static EventType) -> Self {
        Self {
            name: event_type.name,
            platform: event_type.platform(),
            kind: json!(event_type.kind),
            description: event_type.english,
            description_zh: event_type.chinese,
        }
    }
}

pub(crate) fn find(name: &str) -> Result<&'static EventType, Problem> {
    catalogue::find(name).ok_or_else(|| {
        let detail = format!("there is no type `{name}` in the catalogue");
        ProblemCode::NotFound.problem(detail)
    })
}

/// All types, by platform.
pub(crate) async fn list(request: HttpRequest) -> Result<HttpResponse, Problem> {
    QueryReader::of(request.query_string()).finish()?;
    let data: Vec<Value> = catalogue::list()
        .map(|event_type| json!(TypeDocument::of(event_type)))
        .collect();
    Ok(page::answer(&data, None, &request))
}

/// One of them, with the schema of its envelope's `data`.
pub(crate) async fn show(
    request: HttpRequest,
    name: Path<String>,
) -> Result<HttpResponse, Problem> {
    QueryReader::of(request.query_string()).finish()?;
    let event_type = find(&name)?;
    let mut shown = json!(TypeDocument::of(event_type));
    shown["schema"] = event_type.schema();
    Ok(HttpResponse::Ok().json(shown))
}

/// An event of this type that never happened, in its envelope.
pub(crate) async fn sample(
    api: Data<Api>,
    request: HttpRequest,
    name: Path<String>,
) -> Result<HttpResponse, Problem> {
    QueryReader::of(request.query_string()).finish()?;
    let tag = StoreTag(api.settings.store.identity().prefix());
    // The log has no event of its number.
    let id = EventId::new(tag, Seq(0));
    let since = SystemTime::now().duration_since(UNIX_EPOCH);
    let at_ms = since.map_or(0, |since| {
        i64::try_from(since.as_millis()).unwrap_or(i64::MAX)
    });
    Ok(HttpResponse::Ok()
        .content_type(EVENT_MEDIA_TYPE)
        .body(envelope(find(&name)?, id, (Seq(0), 1), at_ms)))
}

/// The envelope of a sample. `numbers` are that of the log, and that which the platform's invented ids contain.
pub(crate) fn envelope(
    event_type: &EventType,
    id: EventId,
    (seq, number): (Seq, u64),
    at_ms: i64,
) -> Vec<u8> {
    let facts = SampleFacts::numbered(number, at_ms);
    let payload = Bytes::from(event_type.sample(&facts));
    let (platform, chat) = match event_type.family {
        Family::Feishu => (Some(Platform::Feishu), Some(facts.chat_id.as_str())),
        Family::Wecom => (Some(Platform::Wecom), Some(facts.chat_id.as_str())),
        Family::Longwire => (None, None),
    };
    let view = EventView::of(event_type.family, event_type.record_type(), &payload);
    let text = EventText::new(
        &EventFacts {
            id,
            seq,
            installation: platform.map(|_| PublicId::from_bytes([0; 16])),
            platform,
            event_type: event_type.record_type(),
            chat: view.chat.as_ref().and(chat),
            time_ms: at_ms,
            view: &view,
            expanded: None,
            payload: &payload,
            withheld: None,
        },
        Detail::Whole,
    );
    let mut out = Vec::new();
    let attempt = AttemptFacts {
        age: Duration::ZERO,
        ..AttemptFacts::default()
    };
    write_event(&text, &attempt, &mut out);
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_type_has_a_sample_of_its_own_type() {
        for event_type in catalogue::list() {
            let id = EventId::new(StoreTag([7; 8]), Seq(0));
            let envelope = envelope(event_type, id, (Seq(0), 1), 1_700_000_000_000);
            let json: Value = serde_json::from_slice(&envelope).expect("an envelope is JSON");
            assert_eq!(json["type"], event_type.name);
            assert_eq!(json["data"]["kind"], json!(event_type.kind), "{json}");
        }
    }
}
