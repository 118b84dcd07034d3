//! The page to which the platform sends a person back.

use actix_web::HttpResponse;
use actix_web::http::{StatusCode, header};
use actix_web::web::{Data, Path, Query};
use serde::Deserialize;

use crate::Api;

/// What the platform adds to the address. What else stands there is of no use here.
#[derive(Deserialize)]
pub(crate) struct SentBack {
    code: Option<String>,
    state: Option<String>,
}

/// Takes the code of a person who agreed. Whoever asked hears by an event what came of it; the person reads a sentence.
pub(crate) async fn finish(
    api: Data<Api>,
    installation: Path<String>,
    query: Query<SentBack>,
) -> HttpResponse {
    let SentBack { code, state } = query.into_inner();
    let fleet = &api.settings.fleet;
    let (Some(bot), Some(state)) = (fleet.installation_id(&installation), state) else {
        return page(Outcome::Failed);
    };
    let code = code.filter(|code| !code.is_empty());
    match fleet.finish_user_authorization(bot, &state, code).await {
        Ok(()) => page(Outcome::Done),
        Err(error) => {
            let reason = error.label();
            tracing::info!(%installation, reason, "a person's authorization did not come about");
            page(Outcome::Failed)
        }
    }
}

enum Outcome {
    Done,
    Failed,
}

/// Two sentences. It says nothing of the request, and loads nothing.
fn page(outcome: Outcome) -> HttpResponse {
    let (status, chinese, english) = match outcome {
        Outcome::Done => (
            StatusCode::OK,
            "授权成功，可以关闭此页面。",
            "You have agreed. You can close this page.",
        ),
        Outcome::Failed => (
            StatusCode::BAD_REQUEST,
            "授权未完成，请回到聊天中重新发起。",
            "This did not work. Please begin again in the chat.",
        ),
    };
    let body = format!(
        "<!doctype html><html lang=\"zh\"><meta charset=\"utf-8\"><meta name=\"viewport\" content=\"width=device-width\"><title>longwire</title>\n<p>{chinese}</p>\n<p lang=\"en\">{english}</p>\n"
    );
    HttpResponse::build(status)
        .content_type("text/html; charset=utf-8")
        .insert_header((header::CACHE_CONTROL, "no-store"))
        .insert_header((header::REFERRER_POLICY, "no-referrer"))
        .insert_header((header::CONTENT_SECURITY_POLICY, "default-src 'none'"))
        .body(body)
}
