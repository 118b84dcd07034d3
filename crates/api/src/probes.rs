//! Probes. Alive means that this process can still do its work; ready means that it records events, and that as many bots are
//! live as the operator wants for that.

use actix_web::HttpResponse;
use actix_web::web::Data;
use longwire_fleet::WantedCounts;
use longwire_store::Health;
use serde::Serialize;
use utoipa::ToSchema;

use crate::{Api, ApiSettings, ReadyFloor};

/// A part that keeps the gateway from being ready.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct Failing {
    /// `gateway`, `store`, `writer`, `installations`, or a part that ended.
    part: &'static str,
    /// `draining`, `degraded`, `ended` or `below_floor`.
    state: &'static str,
    /// The same for people.
    detail: String,
    /// What to do about it.
    next_step: &'static str,
}

/// Whether the gateway is ready, and how many bots are live.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct Readiness {
    /// Whether nothing fails.
    ready: bool,
    /// What keeps it from being ready.
    failing: Vec<Failing>,
    /// Bots that are wanted.
    wanted: u64,
    /// Of them, those that are connected, or need no connection because their events come over HTTP.
    live: u64,
    /// Of them, those that need a connection and have none. `longwire status` names them.
    not_live: u64,
    /// How many have to be live for the gateway to be ready: `ready_floor` of the configuration.
    floor: u64,
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
    let counts = api.settings.fleet.wanted_counts();
    let failing = failing(&api.settings, counts);
    let mut answer = if failing.is_empty() {
        HttpResponse::Ok()
    } else {
        HttpResponse::ServiceUnavailable()
    };
    answer.json(Readiness {
        ready: failing.is_empty(),
        failing,
        wanted: counts.wanted,
        live: connected(counts),
        not_live: counts.not_live(),
        floor: api.settings.ready_floor.of(counts.wanted),
        overloaded: api.settings.fleet.overloaded(),
    })
}

/// Whether events are recorded.
pub(crate) fn is_ready(of: &ApiSettings) -> bool {
    failing(of, of.fleet.wanted_counts()).is_empty()
}

/// Those that receive what is sent to them.
fn connected(counts: WantedCounts) -> u64 {
    counts.live + counts.webhook
}

/// That fewer bots are live than have to be, if it is so.
fn below(floor: ReadyFloor, counts: WantedCounts) -> Option<Failing> {
    let (wanted, live) = (counts.wanted, connected(counts));
    let floor = floor.of(wanted);
    (live < floor).then(|| Failing {
        part: "installations",
        state: "below_floor",
        detail: format!("{live} of {wanted} wanted bots are live, and {floor} have to be"),
        next_step: "`longwire status` names those that are not live, with the reason",
    })
}

fn failing(of: &ApiSettings, counts: WantedCounts) -> Vec<Failing> {
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
    failing.extend(below(of.ready_floor, counts));
    failing
}
