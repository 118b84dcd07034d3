//! Any call but those for tokens: who calls, whether they may, and what comes of it.

use actix_web::http::{Method, StatusCode};
use actix_web::web::{Data, Payload};
use actix_web::{HttpRequest, HttpResponse};
use longwire_listener::RouteClass;
use longwire_wire::open_api::code;
use tokio::time::Instant;

use super::body::CallBody;
use super::call::Call;
use super::counted::CountedCall;
use super::figures::RelayedOutcome;
use super::reply::OwnAnswer;
use super::target::Target;
use super::thread::ThreadProxy;
use super::{area, caller, info, words};

/// Any call but those for tokens.
pub(super) async fn pass(
    thread: Data<ThreadProxy>,
    request: HttpRequest,
    payload: Payload,
) -> HttpResponse {
    match answer(&thread, &request, payload).await {
        Ok(response) => response,
        Err(own) => own.to_response(),
    }
}

async fn answer(
    thread: &ThreadProxy,
    request: &HttpRequest,
    payload: Payload,
) -> Result<HttpResponse, OwnAnswer> {
    let shared = &thread.shared;
    let target = Target::of(request.uri()).map_err(|error| {
        OwnAnswer::own(StatusCode::BAD_REQUEST, "path_refused", error.to_string())
    })?;
    let caller = caller::identify(shared, request.headers())?;
    let (grant, bot) = (&caller.grant, &caller.bot);
    let class = match *request.method() {
        Method::GET => RouteClass::Read,
        _ => RouteClass::Write,
    };
    let checked = shared.access.check_rate(grant.token, class);
    checked.map_err(|_| OwnAnswer::rate_of_api(u16::MAX, 1))?;
    let template = target.template();
    shared.figures.called(grant.token, bot.public_id);
    let counted = CountedCall {
        figures: &shared.figures,
        audit: &shared.audit,
        began: Instant::now(),
        grant,
        bot,
        method: label(request.method()),
        template: &template,
        outcome: RelayedOutcome::CallerGone,
    };
    let call = Call {
        thread,
        caller: &caller,
        method: request.method(),
        target: &target,
        template: &template,
        headers: request.headers(),
    };
    let made = allowed_call(&call, payload).await;
    counted.is(match &made {
        Ok((_, outcome)) => *outcome,
        Err(own) => RelayedOutcome::Code(own.code),
    });
    made.map(|(response, _)| response)
}

/// Makes a call if the token's scopes allow it.
async fn allowed_call(
    call: &Call<'_>,
    payload: Payload,
) -> Result<(HttpResponse, RelayedOutcome), OwnAnswer> {
    let (grant, bot) = (&call.caller.grant, &call.caller.bot);
    let needed = area::needed(call.target, &bot.app_id);
    if call.target.segments().next() == Some("auth") {
        return Err(OwnAnswer::platforms(
            code::TOKEN_NOT_PERMITTED,
            "auth_refused",
            "longwire gives tokens at auth/v3/tenant_access_token/internal and app_access_token/internal only; apps of a store are not supported",
        ));
    }
    if !needed.iter().any(|&scope| grant.has(scope)) {
        return Err(OwnAnswer::platforms(
            code::SCOPE_MISSING,
            "scope_missing",
            format!(
                "the longwire token lacks a scope for this path: {}",
                needed[0]
            ),
        ));
    }
    let is_get = *call.method == Method::GET;
    if is_get && call.target.below_root() == info::CONNECTIONS {
        let count = (call.thread.shared.connections)(grant.token, bot.public_id);
        return Ok((info::connections(count), RelayedOutcome::Code(0)));
    }
    let body = CallBody::read(payload, call.headers).await?;
    let made = call.make(body).await;
    if is_get && call.target.below_root() == info::BOT {
        return info::kept_or(&call.thread.shared.infos, bot, made);
    }
    let made = made?;
    let status = made.answer.status.as_u16();
    let outcome = made
        .answer
        .code()
        .map_or(RelayedOutcome::Status(status), RelayedOutcome::Code);
    Ok((made.into_response(), outcome))
}

fn label(method: &Method) -> &'static str {
    match *method {
        Method::GET => "GET",
        Method::POST => "POST",
        Method::PUT => "PUT",
        Method::PATCH => "PATCH",
        Method::DELETE => "DELETE",
        _ => words::OTHER,
    }
}
