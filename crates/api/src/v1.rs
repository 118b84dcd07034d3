//! The operations of the interface: one line of the table each, with its handler.

mod callback_operations;
mod consumer_operations;
mod event_operations;
mod installation_operations;
mod user_operations;

use actix_web::http::Method;
use longwire_access::Scope;
use longwire_listener::Routes;
use serde_json::json;

use crate::consumers::{ConnectionDocument, ConsumerStatus, CountsDocument, SimulationDocument};
use crate::event_types::TypeDocument;
use crate::events::{JourneyDocument, StepDocument};
use crate::installations::{
    AddedInstallation, CandidateDocument, InstallationDocument, ProbeDocument,
    RotatedSecretDocument, TriedSecretDocument,
};
use crate::openapi::{self, list_of, reference, written};
use crate::operation::Operation;
use crate::problem_code::ProblemCode;
use crate::table::Table;
use crate::{consumers, event_types, metrics, probes, problem_pages};

/// All of them, behind these routes.
pub(crate) fn table(routes: Routes) -> Table {
    let table = Table::new(routes)
        .schemas(written())
        .schema::<ConsumerStatus>()
        .schema::<ConnectionDocument>()
        .schema::<CountsDocument>()
        .schema::<JourneyDocument>()
        .schema::<StepDocument>()
        .schema::<TypeDocument>()
        .schema::<SimulationDocument>()
        .schema::<InstallationDocument>()
        .schema::<CandidateDocument>()
        .schema::<AddedInstallation>()
        .schema::<ProbeDocument>()
        .schema::<TriedSecretDocument>()
        .schema::<RotatedSecretDocument>()
        .schema::<probes::Readiness>();
    let table = gateway(table);
    let table = callback_operations::add(table);
    let table = event_operations::add(table);
    let table = types(table);
    let table = installation_operations::add(table);
    let table = user_operations::add(table);
    consumer_operations::add(table)
}

/// What anybody may see who reaches the listener.
fn gateway(table: Table) -> Table {
    let text = json!({"type": "string"});
    let open = |path, id, summary| Operation::open(path, id).about("gateway", summary, "");
    let html = |operation: Operation| {
        operation.answers(200, "A page.", "text/html", json!({"type": "string"}))
    };
    table
        .add(
            open(
                "/livez",
                "livez",
                "Whether the process can still do its work",
            )
            .answers(200, "It can.", "text/plain", text.clone())
            .answers(503, "Only a new process helps.", "text/plain", text.clone()),
            probes::livez,
        )
        .add(
            open(
                "/readyz",
                "readyz",
                "Whether events are recorded, and enough bots live",
            )
            .json(200, "They are.", reference("Readiness"))
            .json(
                503,
                "They are not; `failing` says why.",
                reference("Readiness"),
            ),
            probes::readyz,
        )
        .add(
            open("/metrics", "metrics", "Figures, as OpenMetrics").answers(
                200,
                "The figures.",
                "application/openmetrics-text",
                text,
            ),
            metrics::scrape,
        )
        .add(
            open("/openapi.json", "openapi", "This document").json(
                200,
                "OpenAPI 3.1.",
                json!({"type": "object"}),
            ),
            openapi::show,
        )
        .add(
            open(
                "/docs",
                "docs_without_slash",
                "The page's address ends with a slash",
            )
            .answers(308, "To `/docs/`.", "", json!({})),
            openapi::docs_without_slash,
        )
        .add(
            html(open(
                "/docs/",
                "docs",
                "This document as a page, which loads nothing from elsewhere",
            )),
            openapi::docs,
        )
        .add(
            open(
                "/docs/{file}",
                "docs_file",
                "A file of that page, or a page of the guide",
            )
            .path_part("file", "Its name.", "index.css")
            .answers(200, "The file.", "*/*", json!({})),
            openapi::docs_file,
        )
        .add(
            html(open("/problems", "problems", "All codes of problems")),
            problem_pages::list,
        )
        .add(
            html(
                open(
                    "/problems/{code}",
                    "problem",
                    "What a code means, and what to do",
                )
                .path_part("code", "The code.", "not_found"),
            ),
            problem_pages::show,
        )
}

fn types(table: Table) -> Table {
    let named = |operation: Operation| {
        let about = "The attribute `type` of the envelope.";
        operation.path_part("type", about, "feishu.im.message.receive_v1")
    };
    let get = |path, id| Operation::get(path, Scope::EventsRead, id);
    table
        .add(
            get("/v1/event-types", "list_event_types")
                .about("event types", "List the types of events", "An event of a type that is not listed is delivered all the same.")
                .json(200, "All types.", list_of(reference("EventType"))),
            event_types::list,
        )
        .add(
            named(get("/v1/event-types/{type}", "show_event_type"))
                .about("event types", "Show a type", "With the JSON Schema of `data`.")
                .json(200, "The type.", reference("EventType")),
            event_types::show,
        )
        .add(
            named(get("/v1/event-types/{type}/sample", "sample_event"))
                .about("event types", "Make a sample", "An event that never happened: its ids are invented, and the log does not have it.")
                .answers(200, "The envelope.", "application/cloudevents+json", reference("Event")),
            event_types::sample,
        )
        .add(simulate(named), consumers::simulate)
}

fn simulate(named: impl Fn(Operation) -> Operation) -> Operation {
    let path = "/v1/event-types/{type}/simulate";
    let operation = Operation::write(Method::POST, path, Scope::ConsumersWrite, "simulate_event");
    named(operation)
        .about(
            "event types",
            "Post a sample to a webhook",
            "Signed as any other delivery, once. The log does not have it: nothing is retried, counted or noted, and a reply in the answer goes nowhere.",
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
        .may_fail(&[
            ProblemCode::WrongRoad,
            ProblemCode::NotRunning,
            ProblemCode::WebhookUnanswered,
            ProblemCode::AuditFull,
        ])
        .json(200, "How it answered.", reference("Simulation"))
}
