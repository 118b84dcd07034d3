//! Probes. Alive means that this process can still do its work; ready means that it records events.

use actix_web::HttpResponse;
use actix_web::web::{Data, Json};
use longwire_fleet::Overview;
use longwire_store::Health;
use serde::Serialize;

use super::Surface;

/// A part that keeps the gateway from being ready.
#[derive(Debug, Serialize)]
struct Failing {
    part: &'static str,
    state: &'static str,
    detail: String,
    next_step: &'static str,
}

#[derive(Debug, Serialize)]
struct Readiness {
    ready: bool,
    failing: Vec<Failing>,
    /// Installations of Feishu and Lark to which more comes than can be recorded in time. What is too much is refused and
    /// comes again, so this is no reason to send work elsewhere.
    overloaded: u64,
}

/// 503 from the moment on when only a new process helps, until this one has drained and ended.
pub(super) async fn livez(surface: Data<Surface>) -> HttpResponse {
    let (mut answer, text) = match surface.fleet.failure() {
        None => (HttpResponse::Ok(), "ok".to_owned()),
        Some(failure) => (HttpResponse::ServiceUnavailable(), failure.to_string()),
    };
    answer
        .content_type("text/plain; charset=utf-8")
        .body(text + "\n")
}

pub(super) async fn readyz(surface: Data<Surface>) -> HttpResponse {
    let mut failing = Vec::new();
    if surface.is_draining() {
        failing.push(Failing {
            part: "gateway",
            state: "draining",
            detail: "the process is about to end".to_owned(),
            next_step: "send no more work here",
        });
    }
    if let Health::Degraded { cause, detail, .. } = surface.store.health() {
        failing.push(Failing {
            part: "store",
            state: "degraded",
            detail: format!("{}: {detail}", cause.label()),
            next_step: cause.advice(),
        });
    }
    if !surface.fleet.is_writing() && !surface.is_draining() {
        failing.push(Failing {
            part: "writer",
            state: "ended",
            detail: "the thread that records events does not run; it is started again".to_owned(),
            next_step: "wait; if it ends again and again, report the panic in the log",
        });
    }
    if let Some(failure) = surface.fleet.failure() {
        failing.push(Failing {
            part: failure.part(),
            state: "ended",
            detail: failure.to_string(),
            next_step: "have it started again: it drains and ends with exit code 70. Report the panic in the log",
        });
    }
    let mut answer = if failing.is_empty() {
        HttpResponse::Ok()
    } else {
        HttpResponse::ServiceUnavailable()
    };
    answer.json(Readiness {
        ready: failing.is_empty(),
        failing,
        overloaded: surface.fleet.overloaded(),
    })
}

/// The whole fleet in one look.
pub(super) async fn overview(surface: Data<Surface>) -> Json<Overview> {
    Json(surface.fleet.overview())
}
