//! The operations on consumers, and those of their readers.

use actix_web::http::Method;
use longwire_access::Scope;
use serde_json::{Value, json};

use crate::consumers;
use crate::openapi::{list_of, reference};
use crate::operation::Operation;
use crate::problem_code::ProblemCode::{self, *};
use crate::table::Table;

/// What a replay may be refused for.
pub(super) const REPLAY: [ProblemCode; 5] = [
    NothingThere,
    ReplayLimit,
    AuditFull,
    StoreUnsettled,
    Outdated,
];
/// What a change may be refused for.
const CHANGE: [ProblemCode; 4] = [AuditFull, StoreUnsettled, NameTaken, Outdated];

/// The answer to a replay.
pub(super) fn begun() -> Value {
    json!({
        "type": "object", "required": ["numbers"],
        "properties": {"numbers": {"type": "integer", "description": "How many numbers of the log it has; fewer events may be wanted."}},
    })
}

pub(super) fn add(table: Table) -> Table {
    readers(steer(administer(table)))
}

fn named(operation: Operation) -> Operation {
    operation.path_part("name", "Its name.", "support")
}

fn get(path: &'static str, id: &'static str) -> Operation {
    Operation::get(path, Scope::ConsumersRead, id)
}

fn write(method: Method, path: &'static str, id: &'static str) -> Operation {
    Operation::write(method, path, Scope::ConsumersWrite, id)
        .may_fail(&CHANGE)
        .may_fail(&[DiskStalled])
}

fn post(path: &'static str, id: &'static str) -> Operation {
    named(write(Method::POST, path, id))
}

fn administer(table: Table) -> Table {
    let example = json!({"name": "support", "road": {"kind": "webhook", "url": "https://app.example/events"}, "filter": {"types": ["feishu.im.message.*"]}});
    table
        .add(
            get("/v1/consumers", "list_consumers")
                .about("consumers", "List consumers", "In the order in which they were made.")
                .paged()
                .json(200, "A page.", list_of(reference("Consumer"))),
            consumers::list,
        )
        .add(
            write(Method::POST, "/v1/consumers", "create_consumer")
                .about(
                    "consumers",
                    "Make a consumer",
                    "The answer has the secret of a webhook (`whsec_…`, Standard Webhooks), this once.",
                )
                .body("application/json", true, reference("ConsumerDefinition"), example)
                .may_fail(&[TokenNarrowed])
                .json(201, "It is made.", reference("Consumer")),
            consumers::create,
        )
        .add(
            named(get("/v1/consumers/{name}", "show_consumer"))
                .about("consumers", "Show a consumer", "`ETag` has its revision.")
                .json(200, "The consumer.", reference("Consumer")),
            consumers::show,
        )
        .add(
            named(write(Method::PATCH, "/v1/consumers/{name}", "change_consumer"))
                .about(
                    "consumers",
                    "Change a consumer",
                    "By a merge patch (RFC 7396) of its definition. It keeps its name, its kind of road and its position.",
                )
                .header("If-Match", "The `ETag` that the change is for.")
                .body(
                    "application/merge-patch+json",
                    true,
                    json!({"type": "object"}),
                    json!({"policy": {"concurrency": 4}}),
                )
                .may_fail(&[OtherRoad, TokenNarrowed])
                .json(200, "The consumer.", reference("Consumer")),
            consumers::change,
        )
        .add(
            named(write(Method::DELETE, "/v1/consumers/{name}", "remove_consumer"))
                .about("consumers", "Remove a consumer", "With its position. Events stay in the log.")
                .answers(204, "It is removed.", "", json!({})),
            consumers::remove,
        )
        .add(
            named(get("/v1/consumers/{name}/attempts", "list_attempts"))
                .about("consumers", "List the newest attempts", "Newest first. Kept as well as possible: under overload attempts are not written down.")
                .query("after", "`next` of the page before.", json!({"type": "string"}))
                .may_fail(&[CursorInvalid])
                .reads()
                .json(200, "A page.", list_of(reference("StepDocument"))),
            consumers::attempts,
        )
}

fn steer(table: Table) -> Table {
    let empty = json!({"type": "object", "additionalProperties": false});
    table
        .add(
            post("/v1/consumers/{name}/pause", "pause_consumer")
                .about("consumers", "Pause a consumer", "Nothing is delivered until it is resumed. Its backlog waits.")
                .body(
                    "application/json",
                    false,
                    json!({"type": "object", "additionalProperties": false, "properties": {"reason": {"type": "string", "minLength": 1, "maxLength": 256}}}),
                    json!({"reason": "the application is moved"}),
                )
                .json(200, "The consumer.", reference("Consumer")),
            consumers::pause,
        )
        .add(
            post("/v1/consumers/{name}/resume", "resume_consumer")
                .about("consumers", "Resume a consumer", "Also after a 410; an endpoint that fails is tried at once.")
                .body("application/json", false, empty.clone(), json!({}))
                .json(200, "The consumer.", reference("Consumer")),
            consumers::resume,
        )
        .add(
            post("/v1/consumers/{name}/seek", "seek_consumer")
                .about("consumers", "Move the position of a consumer", "Forwards or backwards. What it may have had comes again with `redelivered`.")
                .body(
                    "application/json",
                    true,
                    json!({"type": "object", "required": ["to"], "additionalProperties": false, "properties": {"to": reference("StartFrom")}}),
                    json!({"to": {"time": "2026-01-31T12:00:00Z"}}),
                )
                .may_fail(&[NotRunning, NotDurable])
                .json(200, "It is moved.", json!({"type": "object", "required": ["position"], "properties": {"position": {"type": "integer", "description": "It goes on behind this number of the log."}}})),
            consumers::seek,
        )
        .add(
            post("/v1/consumers/{name}/replay", "replay_events")
                .about("consumers", "Deliver a stretch of the log again", "Beside what is new; the position of the consumer stays where it is. It goes on after a restart.")
                .body(
                    "application/json",
                    true,
                    json!({
                        "type": "object", "required": ["from"], "additionalProperties": false,
                        "properties": {
                            "from": reference("StartFrom"),
                            "until": reference("StartFrom"),
                            "filter": reference("EventFilter"),
                        },
                    }),
                    json!({"from": {"time": "2026-01-31T12:00:00Z"}, "until": "now"}),
                )
                .may_fail(&REPLAY)
                .json(202, "It is begun.", begun()),
            consumers::replay,
        )
        .add(
            post("/v1/consumers/{name}/secret/rotate", "rotate_secret")
                .about("consumers", "Give a webhook another secret", "The answer has it, this once. For 24 hours deliveries are signed with both.")
                .body("application/json", false, empty, json!({}))
                .may_fail(&[NoSecret])
                .json(200, "The secret.", json!({"type": "object", "required": ["secret"], "properties": {"secret": {"type": "string"}}})),
            consumers::rotate,
        )
}

fn readers(table: Table) -> Table {
    let read = |path, id| named(Operation::get(path, Scope::EventsRead, id));
    let tell = |path, id| {
        let operation = Operation::write(Method::POST, path, Scope::EventsRead, id);
        named(operation).may_fail(&[NotRunning])
    };
    let ids = json!({"type": "array", "minItems": 1, "maxItems": 500, "items": {"type": "string"}});
    let example = "evt_01081g81860w4000000000001a";
    table
        .add(
            read("/v1/consumers/{name}/events", "claim_events").expanding()
                .about("readers", "Claim events of a pull consumer", "Each is this reader's until its deadline. What is not acknowledged by then is given to the next reader.")
                .limited()
                .waiting()
                .query("reader", "The reader's name. One that keeps it gets the chats that it had before.", json!({"type": "string", "minLength": 1, "maxLength": 64}))
                .may_fail(&[WrongRoad, NotRunning, Draining])
                .json(200, "The events; none is no error.", list_of(reference("Claim"))),
            consumers::claim,
        )
        .add(
            tell("/v1/consumers/{name}/ack", "acknowledge_events")
                .about("readers", "Acknowledge events", "Answered when that is on disk. Either single events, or all that were handed over up to one.")
                .body(
                    "application/json",
                    true,
                    json!({"type": "object", "additionalProperties": false, "properties": {"ids": ids, "through": {"type": "string"}}}),
                    json!({"ids": [example]}),
                )
                .may_fail(&[WrongRoad, CursorInvalid, NotDurable])
                .json(200, "They are done.", json!({"type": "object", "required": ["acknowledged"], "properties": {"acknowledged": {"type": "integer", "description": "How many of them were open."}}})),
            consumers::ack,
        )
        .add(
            tell("/v1/consumers/{name}/nack", "give_events_back")
                .about("readers", "Give events back", "They come again after `delay`, or after the usual time.")
                .body(
                    "application/json",
                    true,
                    json!({"type": "object", "required": ["ids"], "additionalProperties": false, "properties": {"ids": ids, "delay": {"type": "string", "examples": ["10s"]}}}),
                    json!({"ids": [example], "delay": "10s"}),
                )
                .may_fail(&[WrongRoad, CursorInvalid, NotDurable])
                .json(200, "They are given back.", json!({"type": "object", "required": ["given_back"], "properties": {"given_back": {"type": "integer", "description": "How many deliveries ended by that."}}})),
            consumers::nack,
        )
        .add(
            tell("/v1/consumers/{name}/events/{event}/answer", "answer_event")
                .path_part("event", "Its id.", example)
                .about("readers", "Answer an event", "A click on a card, within 2.5 s: what the platform's documentation calls the response. Or `{\"reply\": {\"text\": …}}` to any message. The event has to be acknowledged all the same.")
                .body("application/json", true, json!({"type": "object"}), json!({"reply": {"text": "Good morning"}}))
                .may_fail(&[AnswerRefused])
                .answers(204, "It is used.", "", json!({})),
            consumers::answer,
        )
        .add(
            named(Operation::stream("/v1/consumers/{name}/stream", Scope::EventsRead, "stream_consumer"))
                .about("readers", "Stream the events of a stream consumer", "Server-sent events. With `ack: implicit`, `Last-Event-ID` acknowledges everything up to it.")
                .header("Last-Event-ID", "The `id` of the last event that the reader had.")
                .may_fail(&[WrongRoad, NotRunning])
                .answers(200, "A stream that does not end.", "text/event-stream", json!({"type": "string"})),
            consumers::stream,
        )
}
