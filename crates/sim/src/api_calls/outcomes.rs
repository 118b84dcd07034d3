//! Scripted outcomes of calls: what happens in place of the nominal answer, or to it.

use std::time::{Duration, Instant};

use longwire_wire::open_api::{TenantTokenRequest, UserTokenRequest};
use serde_json::json;

use super::answers::{Answer, ApiReply, Body, answer, rate_answer};
use super::route::Route;
use crate::api_call::{ApiCall, CallOutcome};
use crate::behaviour::{Behaviour, Occasion};
use crate::http::HttpRequest;
use crate::state::PlatformState;

impl PlatformState {
    /// Carries a call out as its script says, or as `nominal` does.
    pub(super) fn with_outcome(
        &mut self,
        route: Route<'_>,
        request: &HttpRequest,
        now: Instant,
        nominal: impl FnOnce(&mut Self) -> ApiReply,
    ) -> ApiReply {
        let app = self.calling_app(route.call, request, now);
        let outcome = match self.scripts.take(Occasion::Call(route.call), &app) {
            Some(Behaviour::Call { with, .. }) => with,
            _ => return nominal(self),
        };
        match outcome {
            CallOutcome::Refuse {
                http,
                code,
                msg,
                error,
            } => {
                let error = error.unwrap_or_else(|| json!({}));
                answer(http, json!({ "code": code, "msg": msg, "error": error }))
            }
            CallOutcome::Rate {
                http,
                limit,
                reset_s,
            } => rate_answer(http, limit, reset_s),
            CallOutcome::Answer { http, body } => answer(http, body),
            CallOutcome::Http { status } => ApiReply::Page { status },
            CallOutcome::Hang => ApiReply::Hang,
            CallOutcome::Reset => ApiReply::Reset,
            CallOutcome::Unanswered => {
                nominal(self);
                ApiReply::Hang
            }
            CallOutcome::ResetAfter => {
                nominal(self);
                ApiReply::Reset
            }
            CallOutcome::Slow { delay_ms } => late(nominal(self), Duration::from_millis(delay_ms)),
            CallOutcome::CutShort => match nominal(self) {
                ApiReply::Answer(answer) => ApiReply::CutShort(answer),
                other => other,
            },
            CallOutcome::Text { http, body } => ApiReply::Answer(Answer {
                status: http,
                headers: Vec::new(),
                body: Body::File {
                    content_type: "text/plain",
                    bytes: body.into(),
                },
            }),
        }
    }

    /// The app of a call as far as it is known before anything is checked.
    fn calling_app(&self, call: ApiCall, request: &HttpRequest, now: Instant) -> String {
        match call {
            ApiCall::TenantToken | ApiCall::AppToken | ApiCall::StoreAppToken => {
                let asked = TenantTokenRequest::parse(&request.body);
                asked.map_or_else(|_| String::new(), |asked| asked.app_id.into_owned())
            }
            ApiCall::UserToken => {
                let asked = UserTokenRequest::parse(&request.body);
                asked.map_or_else(|_| String::new(), |asked| asked.client_id.into_owned())
            }
            ApiCall::Authorize => request.query("client_id").unwrap_or_default(),
            _ => {
                let caller = self.open_api.caller(request.header("authorization"), now);
                caller.map_or_else(|_| String::new(), |caller| caller.app)
            }
        }
    }
}

/// The same answer, so late.
pub(super) fn late(reply: ApiReply, delay: Duration) -> ApiReply {
    match reply {
        ApiReply::Answer(answer) => ApiReply::Late { answer, delay },
        other => other,
    }
}
