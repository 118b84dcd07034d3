//! Answers the calls of the Open API: gives tenant tokens, takes the messages of bots, tells messages and names, and has
//! a person agree.
//!
//! A message call is checked in this order: the token, a scripted behaviour, the body, its length, its `uuid`, the message
//! that is replied to, the rate of the chat. Codes are those of the documentation. What the platform does with a `uuid`
//! that was used within an hour is not documented: here the caller gets the first message.

mod answers;
mod lookups;
mod messages;
mod people;
mod tokens;

use std::io;
use std::sync::Arc;
use std::time::Instant;

use longwire_wire::open_api::{
    AUTHORIZE_PATH, MESSAGES_PATH, TENANT_TOKEN_PATH, USER_INFO_PATH, USER_TOKEN_PATH,
    USERS_BASIC_PATH, code,
};

use crate::http::{Http, HttpRequest};
use crate::state::SharedState;
use answers::{ApiReply, refusal};

const ROOT: &str = "/open-apis/";
/// The same call for an app's own token; its answer has both.
const APP_TOKEN_PATH: &str = "/open-apis/auth/v3/app_access_token/internal";

/// Whether a request path belongs to the Open API.
pub(crate) fn is_below_root(path: &str) -> bool {
    path.starts_with(ROOT)
}

/// Answers one request below [`ROOT`]. Returns the connection if more requests may follow on it.
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
            let body = answer.body.to_string();
            http.respond_with(
                answer.status,
                "application/json; charset=utf-8",
                &answer.headers,
                body.as_bytes(),
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
    }
}

fn reply_to(shared: &SharedState, request: &HttpRequest) -> ApiReply {
    let mut state = shared.state();
    let now = Instant::now();
    state.open_api.calls += 1;
    let log_id = format!("{:032X}", state.open_api.calls);
    let path = request.path();
    let reply = match (request.method.as_str(), path) {
        ("POST", TENANT_TOKEN_PATH | APP_TOKEN_PATH) => state.token_call(&request.body, now),
        ("POST", MESSAGES_PATH) => state.send_call(request, now),
        ("GET", AUTHORIZE_PATH) => state.authorize_page(request, now),
        ("POST", USER_TOKEN_PATH) => state.user_token_call(&request.body, now),
        ("GET", USER_INFO_PATH) => state.user_info_call(request, now),
        ("POST", USERS_BASIC_PATH) => state.names_call(request, now),
        ("GET", path) if message_of(path).is_some() => state.message_lookup(request, now),
        ("POST", path) => match replied_to(path) {
            Some(message_id) => state.reply_call(request, message_id, now),
            None => refusal(404, 99_991_201, "HTTP 404 page not found"),
        },
        (_, TENANT_TOKEN_PATH | APP_TOKEN_PATH | MESSAGES_PATH | USERS_BASIC_PATH) => {
            refusal(405, 99_991_301, "method not allowed")
        }
        _ => refusal(404, 99_991_201, "HTTP 404 page not found"),
    };
    reply.with_log_id(&log_id)
}

/// The message that a request to this path replies to.
fn replied_to(path: &str) -> Option<&str> {
    let rest = path.strip_prefix(MESSAGES_PATH)?.strip_prefix('/')?;
    let message_id = rest.strip_suffix("/reply")?;
    (!message_id.is_empty() && !message_id.contains('/')).then_some(message_id)
}

/// The message that a request to this path reads.
fn message_of(path: &str) -> Option<&str> {
    let message_id = path.strip_prefix(MESSAGES_PATH)?.strip_prefix('/')?;
    (!message_id.is_empty() && !message_id.contains('/')).then_some(message_id)
}

/// The refusal of a token.
fn token_refusal(refused: i64) -> ApiReply {
    let msg = match refused {
        code::NO_TOKEN => {
            "Missing access token for authorization. Please make a request with token attached."
        }
        code::TOKEN_MALFORMED => "Invalid access token format.",
        _ => "Invalid access token for authorization. Please make a request with token attached.",
    };
    refusal(400, refused, msg)
}
