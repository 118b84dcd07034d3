//! `/openapi.json`: the interface as OpenAPI 3.1 has it; and `/docs`, which shows it without any other server,
//! with the pages of the [guide](crate::guide) beside it.

mod schemas;

use std::sync::{Arc, LazyLock};

use actix_web::HttpResponse;
use actix_web::http::header;
use actix_web::web::{Data, Path};
use longwire_listener::Problem;
use serde_json::{Value, json};
use utoipa_swagger_ui::Config;

use crate::Api;
use crate::guide;
use crate::problem_code::ProblemCode;

pub(crate) use schemas::{list_of, reference, written};

/// The page's own files alone. Swagger UI sets styles by script, and draws its pictures from `data:`.
const POLICY: &str = "default-src 'none'; script-src 'self'; style-src 'self' 'unsafe-inline'; img-src 'self' data:; font-src 'self'; connect-src 'self'; frame-ancestors 'none'; base-uri 'none'";

/// The document around these paths and schemas.
pub(crate) fn document(version: &str, paths: Value, schemas: Value) -> Value {
    json!({
        "openapi": "3.1.0",
        "info": {
            "title": "longwire",
            "version": version,
            "description": "Holds the long connections of Feishu, Lark and WeCom bots, records every event before it acknowledges it, and delivers events to applications. How it is used: [the guide](/docs/guide.md).\n\nErrors are problems (RFC 9457) with a `code` that never changes and a page each under `/problems`. Lists are `{\"data\": […], \"next\": cursor or null}`. Times are RFC 3339 in UTC, durations texts such as `30s`. Fields that you do not know are to be ignored; unknown fields of requests are refused.",
            "license": {"name": "MIT OR Apache-2.0", "identifier": "MIT OR Apache-2.0"},
        },
        "servers": [{"url": "/"}],
        "tags": [
            {"name": "events", "description": "The event log, read along: without a position, and without taking an event from anyone."},
            {"name": "consumers", "description": "Durable positions in the event log, with filter, policy and road."},
            {"name": "readers", "description": "How readers of pull and stream consumers receive events."},
            {"name": "event types", "description": "The catalogue of events."},
            {"name": "installations", "description": "The bots."},
            {"name": "gateway", "description": "The process itself."},
        ],
        "paths": paths,
        "components": {
            "schemas": schemas,
            "securitySchemes": {"token": {
                "type": "http", "scheme": "bearer", "bearerFormat": "lw_…",
                "description": "A token of `longwire tokens create`. Each operation names the scope that it needs.",
            }},
        },
    })
}

pub(crate) async fn show(api: Data<Api>) -> HttpResponse {
    HttpResponse::Ok()
        .content_type("application/json")
        .body(api.openapi().to_string())
}

/// The page's address ends with a slash, so that its files are found beside it.
pub(crate) async fn docs_without_slash() -> HttpResponse {
    HttpResponse::PermanentRedirect()
        .insert_header((header::LOCATION, "/docs/"))
        .finish()
}

pub(crate) async fn docs() -> Result<HttpResponse, Problem> {
    file("index.html")
}

pub(crate) async fn docs_file(path: Path<String>) -> Result<HttpResponse, Problem> {
    if guide::has(&path) {
        guide::show(&path)
    } else {
        file(&path)
    }
}

/// A file of Swagger UI, which is in the binary.
fn file(path: &str) -> Result<HttpResponse, Problem> {
    static CONFIG: LazyLock<Arc<Config<'static>>> =
        LazyLock::new(|| Arc::new(Config::from("/openapi.json")));
    let missing = || ProblemCode::NotFound.problem("the page has no such file");
    let found = utoipa_swagger_ui::serve(path, Arc::clone(&CONFIG));
    // It fails if a file in the binary is no text.
    let file = found.ok().flatten().ok_or_else(missing)?;
    let mut answer = HttpResponse::Ok();
    answer
        .content_type(file.content_type)
        .insert_header((header::CONTENT_SECURITY_POLICY, POLICY))
        .insert_header((header::X_CONTENT_TYPE_OPTIONS, "nosniff"));
    if file.gzpipped {
        answer.insert_header((header::CONTENT_ENCODING, "gzip"));
    }
    Ok(answer.body(file.bytes.into_owned()))
}
