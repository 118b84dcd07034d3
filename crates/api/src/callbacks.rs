//! `/callbacks/feishu/{installation}`: what the platform posts to a bot.
//!
//! ```text
//! address ──▶ bot ──▶ body ──▶ Fleet::callback ──▶ 200 from a receipt, or a problem
//! ```
//! The platform brings no token of ours, so the route is open, and a signature or a verification token shows whom the request
//! is from. A request that is not accepted is answered by its status alone: nothing of the body comes back, and causes that
//! have the same status are not told apart. What was wrong is counted and shown to the operator, with what to do.
//!
//! A name that no bot has, a bot of another platform and a bot without any secret are answered alike.

mod body;
mod source;

pub use source::{AddressTest, CallbackSources};

use std::time::Instant;

use actix_web::http::header::{HeaderMap, HeaderName};
use actix_web::web::{Data, Path, Payload};
use actix_web::{HttpRequest, HttpResponse, Responder as _};
use longwire_fleet::{CallbackOutcome, CallbackRejection, IncomingCallback};
use longwire_installation::InstallationId;
use longwire_wire::callback::{
    CallbackHeaders, CallbackRefusal, NONCE_HEADER, ReplayWindow, SIGNATURE_HEADER,
    TIMESTAMP_HEADER,
};

use crate::Api;
use crate::problem_code::ProblemCode;

pub(crate) use body::BodyMemory;

/// Of a trace id, what is kept in bytes.
const TRACE_ID_BYTES: usize = 64;

/// What callbacks are taken by.
#[derive(Clone)]
pub struct CallbackRules {
    /// Where they may come from.
    pub sources: CallbackSources,
    /// The longest body.
    pub body_bytes: usize,
    /// How old a signature may be.
    pub window: ReplayWindow,
    /// The present time in milliseconds since 1970.
    pub now_ms: fn() -> i64,
}

/// A callback to the bot of this id or name.
pub(crate) async fn take(
    api: Data<Api>,
    request: HttpRequest,
    payload: Payload,
    installation: Path<String>,
) -> HttpResponse {
    let bot = api.settings.fleet.installation_id(&installation);
    take_for(&api, &request, payload, bot).await
}

/// A callback to this bot, or to nobody.
pub(crate) async fn take_for(
    api: &Api,
    request: &HttpRequest,
    payload: Payload,
    bot: Option<InstallationId>,
) -> HttpResponse {
    let since = tokio::time::Instant::now().into_std();
    let outcome = outcome(api, request, payload, bot, since).await;
    answer(outcome, request)
}

async fn outcome(
    api: &Api,
    request: &HttpRequest,
    payload: Payload,
    bot: Option<InstallationId>,
    since: Instant,
) -> CallbackOutcome {
    let (fleet, rules) = (&api.settings.fleet, &api.settings.callbacks);
    let now_ms = (rules.now_ms)();
    let reject = |bot, rejection| fleet.reject_callback(bot, rejection, now_ms);
    if !rules.sources.allow(request) {
        return reject(bot, CallbackRejection::ForeignSource);
    }
    let Some(bot) = bot else {
        return reject(None, CallbackRejection::UnknownInstallation);
    };
    let body = body::read(payload, request.headers(), rules.body_bytes, &api.bodies).await;
    let (body, _memory) = match body {
        Ok(body) => body,
        Err(rejection) => return reject(Some(bot), rejection),
    };
    let headers = request.headers();
    let header = |name: &'static str| headers.get(name).map(|value| value.as_bytes());
    let incoming = IncomingCallback {
        headers: CallbackHeaders {
            timestamp: header(TIMESTAMP_HEADER),
            nonce: header(NONCE_HEADER),
            signature: header(SIGNATURE_HEADER),
        },
        trace_id: trace_id(headers),
        body,
        since,
        now_ms,
        window: rules.window,
    };
    fleet.callback(bot, incoming).await
}

/// The platform's own id of the request.
fn trace_id(headers: &HeaderMap) -> Option<&str> {
    let id = headers.get(HeaderName::from_static("x-request-id"))?;
    id.to_str().ok().filter(|id| id.len() <= TRACE_ID_BYTES)
}

fn answer(outcome: CallbackOutcome, request: &HttpRequest) -> HttpResponse {
    let json = match outcome {
        CallbackOutcome::Challenged(json) => json,
        CallbackOutcome::Recorded(answer) => answer.into_json(),
        CallbackOutcome::Rejected(rejection) => {
            let (code, detail) = problem(&rejection);
            return code
                .problem(detail)
                .respond_to(request)
                .map_into_boxed_body();
        }
    };
    HttpResponse::Ok()
        .content_type("application/json")
        .body(json)
}

/// What a stranger hears of a rejection: the same for all that have one status.
fn problem(rejection: &CallbackRejection) -> (ProblemCode, &'static str) {
    match rejection {
        CallbackRejection::UnknownInstallation
        | CallbackRejection::Refused(CallbackRefusal::NoSecrets) => {
            (ProblemCode::NotFound, "no callbacks are taken here")
        }
        CallbackRejection::Refused(refusal) if refusal.status() == 401 => (
            ProblemCode::CallbackUnproven,
            "nothing shows that the platform sent this",
        ),
        CallbackRejection::Refused(_) | CallbackRejection::BodyBroken => (
            ProblemCode::CallbackUnreadable,
            "the body is no callback that can be read here",
        ),
        CallbackRejection::ForeignSource => (
            ProblemCode::SourceRefused,
            "callbacks are not taken from this address",
        ),
        CallbackRejection::ForeignApp => {
            (ProblemCode::ForeignApp, "the callback is for another app")
        }
        CallbackRejection::BodyTooLarge => (ProblemCode::BodyTooLarge, "a callback is not as long"),
        CallbackRejection::BodyStalled => (ProblemCode::BodyStalled, "the body came too slowly"),
        CallbackRejection::NoMemory | CallbackRejection::Stopped => (
            ProblemCode::CallbacksPaused,
            "no callbacks are taken now; send it again later",
        ),
        CallbackRejection::SecretsSealed | CallbackRejection::Unrecorded(_) => (
            ProblemCode::CallbackNotRecorded,
            "the event is not recorded; send it again later",
        ),
    }
}
