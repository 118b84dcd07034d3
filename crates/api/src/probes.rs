//! Probes. Alive means that this process can still do its work; ready means that it records events.

use actix_web::HttpResponse;
use actix_web::web::Data;
use longwire_store::Health;
use serde::Serialize;

use crate::{Api, ApiSettings};

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
    /// Installations of Feishu and Lark that receive more events than can be recorded in time. The excess is refused and
    /// the platform sends it again, so this is no reason to send work elsewhere.
    overloaded: u64,
}

/// 503 once only a new process helps, until this one has drained and ended.
pub(crate) async fn livez(api: Data<Api>) -> HttpResponse {
    let (mut answer, text) = match api.settings.fleet.failure() {
        None => (HttpResponse::Ok(), "ok".to_owned()),
        Some(failure) => (HttpResponse::ServiceUnavailable(), failure.to_string()),
    };
    answer
        .content_type("text/plain; charset=utf-8")
        .body(text + "\n")
}

pub(crate) async fn readyz(api: Data<Api>) -> HttpResponse {
    let failing = failing(&api.settings);
    let mut answer = if failing.is_empty() {
        HttpResponse::Ok()
    } else {
        HttpResponse::ServiceUnavailable()
    };
    answer.json(Readiness {
        ready: failing.is_empty(),
        failing,
        overloaded: api.settings.fleet.overloaded(),
    })
}

/// Whether events are recorded.
pub(crate) fn is_ready(of: &ApiSettings) -> bool {
    failing(of).is_empty()
}

fn failing(of: &ApiSettings) -> Vec<Failing> {
    let draining = of.draining.has_begun();
    let mut failing = Vec::new();
    if draining {
        failing.push(Failing {
            part: "gateway",
            state: "draining",
            detail: "the process is about to end".to_owned(),
            next_step: "send no more work here",
        });
    }
    if let Health::Degraded { cause, detail, .. } = of.store.health() {
        failing.push(Failing {
            part: "store",
            state: "degraded",
            detail: format!("{}: {detail}", cause.label()),
            next_step: cause.advice(),
        });
    }
    if !of.fleet.is_writing() && !draining {
        failing.push(Failing {
            part: "writer",
            state: "ended",
            detail: "the thread that records events does not run; it is started again".to_owned(),
            next_step: "wait; if it ends again and again, report the panic in the log",
        });
    }
    if let Some(failure) = of.fleet.failure() {
        failing.push(Failing {
            part: failure.part(),
            state: "ended",
            detail: failure.to_string(),
            next_step: "have it started again: it drains and ends with exit code 70. Report the panic in the log",
        });
    }
    failing
}
