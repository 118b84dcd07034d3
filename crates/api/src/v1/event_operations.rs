//! The operations on the event log.

use actix_web::http::Method;
use longwire_access::Scope;
use serde_json::json;

use crate::openapi::reference;
use crate::operation::Operation;
use crate::problem_code::ProblemCode;
use crate::table::Table;
use crate::{consumers, events};

pub(super) fn add(table: Table) -> Table {
    add_of_one(add_of_many(table))
}

fn get(path: &'static str, id: &'static str) -> Operation {
    Operation::get(path, Scope::EventsRead, id)
}

fn add_of_many(table: Table) -> Table {
    table
        .add(
            conditions(get("/v1/events", "list_events")).expanding()
                .about(
                    "events",
                    "Read the event log",
                    "Oldest first, from the beginning of the log or behind `after`. The log goes on, so `next` is never null: ask behind it again, with `wait` to be answered at the first event. A page may have no event though `more` is true, where the conditions leave out what was looked at.",
                )
                .limited()
                .waiting()
                .may_fail(&[ProblemCode::CursorInvalid])
                .reads()
                .json(
                    200,
                    "A page.",
                    json!({
                        "type": "object",
                        "required": ["data", "next", "more"],
                        "properties": {
                            "data": {"type": "array", "items": reference("Event")},
                            "next": {"type": "string", "description": "`after` of the next page."},
                            "more": {"type": "boolean", "description": "Whether the log went on behind this page."},
                        },
                    }),
                ),
            events::list,
        )
        .add(
            conditions(Operation::stream("/v1/events/stream", Scope::EventsRead, "stream_events"))
                .about(
                    "events",
                    "Stream the event log",
                    "Server-sent events, behind `Last-Event-ID`, else behind `after`, else behind the newest event. A comment comes every 15 s, and an event `shutdown` before the process ends.",
                )
                .header("Last-Event-ID", "The `id` of the last event that the reader had.")
                .reads()
                .answers(200, "A stream that does not end.", "text/event-stream", json!({"type": "string"})),
            events::stream,
        )
}

fn add_of_one(table: Table) -> Table {
    table
        .add(
            event(get("/v1/events/{event}", "show_event")).expanding()
                .about("events", "Show an event", "")
                .reads()
                .answers(200, "Its envelope.", "application/cloudevents+json", reference("Event")),
            events::show,
        )
        .add(
            event(get("/v1/events/{event}/journey", "show_journey"))
                .about(
                    "events",
                    "Show the journey of an event",
                    "When it came, how often the platform repeated it, each attempt to deliver it, and what was replied.",
                )
                .reads()
                .json(200, "The journey.", reference("JourneyDocument")),
            events::journey,
        )
        .add(
            event(Operation::write(
                Method::POST,
                "/v1/events/{event}/replay",
                Scope::ConsumersWrite,
                "replay_event",
            ))
            .about(
                "events",
                "Deliver an event to a consumer again",
                "Whatever the consumer's filter says. Its position stays where it is, and former attempts stay in the journey.",
            )
            .body(
                "application/json",
                true,
                json!({
                    "type": "object", "required": ["consumer"], "additionalProperties": false,
                    "properties": {"consumer": {"type": "string", "minLength": 1, "maxLength": 256}},
                }),
                json!({"consumer": "support"}),
            )
            .may_fail(&super::consumer_operations::REPLAY)
            .reads()
            .json(202, "It is begun.", super::consumer_operations::begun()),
            consumers::replay_event,
        )
}

fn event(operation: Operation) -> Operation {
    operation.path_part(
        "event",
        "Its id, `evt_…`.",
        "evt_01081g81860w4000000000001a",
    )
}

/// With the parameters that say which events.
fn conditions(operation: Operation) -> Operation {
    let texts = json!({"type": "array", "items": {"type": "string"}});
    operation
        .query(
            "after",
            "A cursor (`next` of an answer) or the id of an event.",
            json!({"type": "string"}),
        )
        .query(
            "type",
            "Types of the envelope, in which `*` stands for any text. Can be given several times.",
            texts.clone(),
        )
        .query(
            "installation",
            "Ids of installations. Can be given several times.",
            texts.clone(),
        )
        .query(
            "chat",
            "Chats, by the platform's id. Can be given several times.",
            texts,
        )
        .may_fail(&[ProblemCode::NotFound])
}
