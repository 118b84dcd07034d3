//! Answers the calls of the Open API: tokens, messages, reactions, images and files, cards, names, and a person who agrees.
//!
//! A call is answered in this order: a scripted outcome, the token, the budget of the app, and then what the call itself
//! checks; a message call its older scripts, the body, its length, its `uuid`, the message that is replied to, the rate of
//! the chat. Codes are those of the documentation. What the platform does with a `uuid` that was used within an hour is not
//! documented: here the caller gets the first message.

mod answers;
mod batch;
mod cards;
mod changes;
mod clicks;
mod control;
mod destinations;
mod downloads;
mod elements;
mod identity;
mod lookups;
mod messages;
mod multipart;
mod outcomes;
mod people;
mod reactions;
mod reading;
mod route;
mod tokens;
mod uploads;

use std::io;
use std::sync::Arc;
use std::time::Instant;

use tokio::io::AsyncWriteExt as _;

use crate::api_call::ApiCall;
use crate::http::{Http, HttpRequest};
use crate::open_api::{Caller, RateLimit, RateOf};
use crate::state::{PlatformState, SharedState};
use answers::{Answer, ApiReply, refusal, token_refusal, too_often};
pub(crate) use clicks::NewClick;
pub(crate) use route::is_below_root;
use route::{NoRoute, Route};

/// Answers one request of the Open API. Returns the connection if more requests may follow on it.
pub(crate) async fn answered(
    shared: &Arc<SharedState>,
    mut http: Http,
    request: &HttpRequest,
) -> io::Result<Option<Http>> {
    let mut reply = reply_to(shared, request);
    if let ApiReply::Late { answer, delay } = reply {
        tokio::time::sleep(delay).await;
        reply = ApiReply::Answer(answer);
    }
    match reply {
        ApiReply::Answer(answer) | ApiReply::Late { answer, .. } => {
            let bytes = answer.bytes();
            http.respond_with(
                answer.status,
                answer.content_type(),
                &answer.headers,
                &bytes,
            )
            .await?;
            Ok(Some(http))
        }
        ApiReply::Page { status } => {
            let page = format!("<html><body>{status}</body></html>");
            http.respond(status, "text/html", page.as_bytes()).await?;
            Ok(Some(http))
        }
        ApiReply::Hang => {
            http.hang().await;
            Ok(None)
        }
        ApiReply::Reset => {
            http.socket.reset();
            Ok(None)
        }
        ApiReply::CutShort(answer) => {
            cut_short(&mut http, &answer).await?;
            http.socket.reset();
            Ok(None)
        }
    }
}

/// Announces a whole body and writes half of it.
async fn cut_short(http: &mut Http, answer: &Answer) -> io::Result<()> {
    let bytes = answer.bytes();
    let head = format!(
        "HTTP/1.1 {} Simulated\r\nContent-Type: {}\r\nContent-Length: {}\r\n\r\n",
        answer.status,
        answer.content_type(),
        bytes.len()
    );
    http.socket.write_all(head.as_bytes()).await?;
    http.socket.write_all(&bytes[..bytes.len() / 2]).await?;
    http.socket.flush().await
}

fn reply_to(shared: &SharedState, request: &HttpRequest) -> ApiReply {
    let mut state = shared.state();
    let now = state.open_api.now(Instant::now());
    state.open_api.calls += 1;
    let log_id = format!("{:032X}", state.open_api.calls);
    let reply = match route::route(&request.method, request.path()) {
        Ok(route) => state.call(route, request, now),
        Err(no_route) => {
            let unknown = Route {
                call: ApiCall::Unknown,
                id: "",
                part: "",
            };
            state.with_outcome(unknown, request, now, |_| match no_route {
                NoRoute::Path => refusal(404, 99_991_201, "HTTP 404 page not found"),
                NoRoute::Method => refusal(405, 99_991_301, "method not allowed"),
            })
        }
    };
    reply.with_log_id(&log_id)
}

/// One call that has to be answered.
#[derive(Clone, Copy)]
struct Asked<'a> {
    route: Route<'a>,
    request: &'a HttpRequest,
    now: Instant,
}

impl PlatformState {
    fn call(&mut self, route: Route<'_>, request: &HttpRequest, now: Instant) -> ApiReply {
        let asked = Asked {
            route,
            request,
            now,
        };
        self.with_outcome(route, request, now, |state| {
            match route.call {
                ApiCall::MessageSend | ApiCall::MessageReply => state.ledger.message_calls += 1,
                ApiCall::MessageGet
                | ApiCall::UserGet
                | ApiCall::UsersGet
                | ApiCall::UsersBasic => state.ledger.lookups += 1,
                _ => {}
            }
            if let Some(reply) = state.call_without_token(asked) {
                return reply;
            }
            let authorization = request.header("authorization");
            match state.open_api.caller(authorization, now) {
                Err(refused) => token_refusal(refused),
                Ok(caller) => match state.admit_call(&caller, route.call, now) {
                    Err(reply) => reply,
                    Ok(()) => state.call_of(&caller, asked),
                },
            }
        })
    }

    /// The calls that give tokens, and the page that a person sees.
    fn call_without_token(&mut self, asked: Asked<'_>) -> Option<ApiReply> {
        let Asked { request, now, .. } = asked;
        Some(match asked.route.call {
            ApiCall::TenantToken | ApiCall::AppToken => self.token_call(&request.body, now),
            ApiCall::StoreAppToken => self.store_app_token_call(&request.body, now),
            ApiCall::StoreTenantToken => self.store_tenant_token_call(&request.body, now),
            ApiCall::AppTicketResend => self.app_ticket_call(&request.body),
            ApiCall::Authorize => self.authorize_page(request, now),
            ApiCall::UserToken => self.user_token_call(&request.body, now),
            ApiCall::UserInfo => self.user_info_call(request, now),
            _ => return None,
        })
    }

    fn call_of(&mut self, caller: &Caller, asked: Asked<'_>) -> ApiReply {
        let Route { call, id, part } = asked.route;
        match call {
            ApiCall::MessageSend => self.send_call(caller, asked),
            ApiCall::MessageReply => self.reply_call(caller, asked),
            ApiCall::MessageForward => self.forward_call(caller, asked),
            ApiCall::MessageGet => self.message_lookup(caller, asked),
            ApiCall::MessageList => self.list_call(asked),
            ApiCall::MessageEdit => self.edit_call(caller, asked),
            ApiCall::MessagePatch => self.patch_call(caller, asked),
            ApiCall::MessageRecall => self.recall_call(caller, asked),
            ApiCall::ReactionAdd => self.react_call(caller, asked),
            ApiCall::ReactionList => self.reactions_call(id),
            ApiCall::ReactionDelete => self.unreact_call(caller, asked),
            ApiCall::ResourceGet => self.resource_call(asked),
            ApiCall::ImageUpload => self.image_upload(caller, asked.request),
            ApiCall::FileUpload => self.file_upload(caller, asked.request),
            ApiCall::ImageGet | ApiCall::FileGet => self.own_file_call(caller, id),
            ApiCall::CardCreate => self.card_create(caller, asked),
            ApiCall::CardContent => self.card_content(caller, asked),
            ApiCall::CardSettings => self.card_settings(caller, asked),
            ApiCall::CardReplace => self.card_replace(caller, asked),
            ApiCall::CardBatch => self.card_batch(caller, asked),
            ApiCall::CardElementsAdd => self.card_elements(caller, asked),
            ApiCall::CardElementReplace
            | ApiCall::CardElementPatch
            | ApiCall::CardElementDelete => self.card_element(caller, asked, part),
            ApiCall::DelayedUpdate => self.delayed_update(caller, asked),
            ApiCall::EphemeralSend => self.ephemeral_send(caller, asked),
            ApiCall::EphemeralDelete => self.ephemeral_delete(caller, asked),
            ApiCall::BatchSend => self.batch_send(caller, asked),
            ApiCall::BotInfo => self.bot_info(caller),
            ApiCall::OpenclawPing => self.openclaw_ping(caller),
            ApiCall::Application => self.application(caller, id),
            ApiCall::ConnectionCount => self.connection_count(caller),
            ApiCall::OutboundIps => self.outbound_ips(),
            ApiCall::UserGet => self.user_get(caller, asked),
            ApiCall::UsersGet => self.users_get(caller, asked),
            ApiCall::UsersBasic => self.names_call(caller, asked),
            ApiCall::ChatGet => self.chat_get(caller, id),
            ApiCall::TenantToken
            | ApiCall::AppToken
            | ApiCall::StoreAppToken
            | ApiCall::StoreTenantToken
            | ApiCall::AppTicketResend
            | ApiCall::Authorize
            | ApiCall::UserToken
            | ApiCall::UserInfo
            | ApiCall::Unknown => refusal(404, 99_991_201, "HTTP 404 page not found"),
        }
    }

    /// Counts the call against the budget that an app has for calls of its kind.
    fn admit_call(&mut self, caller: &Caller, call: ApiCall, now: Instant) -> Result<(), ApiReply> {
        let budgets = self.settings.call_budgets;
        let limit = RateLimit {
            per_second: match call {
                ApiCall::UsersBasic => budgets.names_per_second,
                _ => budgets.app_per_second,
            },
            per_minute: budgets.app_per_minute,
        };
        let of = RateOf::Call(caller.app.clone(), call);
        let admitted = self.open_api.rates.admit(of, limit, now);
        admitted.map_err(too_often)
    }
}
