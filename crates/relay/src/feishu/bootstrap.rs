//! Answers the call before each connection: a URL that lets one connection in, once.
//!
//! The consumer of this token and bot is made here, so that its events are kept from now on, also if the program takes a
//! while to connect.

use actix_web::http::{StatusCode, header};
use actix_web::web::{Data, Payload};
use actix_web::{HttpRequest, HttpResponse};
use longwire_listener::came_by_https;
use longwire_platform_server::feishu::SocketUrl;
use longwire_platform_server::feishu::bootstrap::{DataShape, granted, malformed, refused};
use longwire_wire::endpoint::{EndpointRequest, code};

use super::session::config_json;
use super::{Feishu, FeishuTicket, PATH, is_feishu};
use crate::admission::{Admitted, Refused, Visitor, admit, refuse};
use crate::attaching::consumer_of;
use crate::clock::now;
use crate::entrance::Entrance;
use crate::public_url::{is_authority, websocket_origin};
use crate::refusals::RefusalCause;
use crate::tickets::TicketId;

/// The longest body: two short texts, and what newer SDKs add.
const BODY_BYTES: usize = 16 * 1024;

/// `POST /callback/ws/endpoint`. No `Content-Type` is asked for: the Go SDK sends none.
pub(super) async fn bootstrap(
    feishu: Data<Feishu>,
    request: HttpRequest,
    payload: Payload,
) -> HttpResponse {
    let agent = request.headers().get(header::USER_AGENT);
    let agent = agent.and_then(|agent| agent.to_str().ok());
    let visitor = Visitor::new(request.peer_addr(), agent);
    let body = match payload.to_bytes_limited(BODY_BYTES).await {
        Ok(Ok(body)) => body,
        Ok(Err(_)) | Err(_) => return bad_request(&feishu.entrance, &visitor),
    };
    let Ok(asked) = EndpointRequest::parse(&body) else {
        return bad_request(&feishu.entrance, &visitor);
    };
    let admitted = admit(
        &feishu.entrance,
        &asked.app_id,
        &asked.app_secret,
        &visitor,
        is_feishu,
    );
    let admitted = match admitted {
        Ok(admitted) => admitted,
        Err(refusal) => return refusal_answer(refusal),
    };
    let Some(origin) = origin(&feishu.entrance, &request) else {
        return bad_request(&feishu.entrance, &visitor);
    };
    grant(&feishu, &visitor, admitted, &origin).await
}

async fn grant(
    feishu: &Feishu,
    visitor: &Visitor,
    admitted: Admitted,
    origin: &str,
) -> HttpResponse {
    let consumer = match consumer_of(&feishu.entrance, &admitted).await {
        Ok(consumer) => consumer,
        Err(cause) => {
            let (app_id, token) = (&*admitted.bot.app_id, admitted.grant.token);
            let refusal = refuse(&feishu.entrance, visitor, cause, Some(app_id), Some(token));
            return refusal_answer(refusal);
        }
    };
    let ticket: u128 = rand::random();
    let service_id = rand::random_range(1..i32::MAX);
    // As long as the platform's.
    let device_id: u64 = rand::random_range(7_000_000_000_000_000_000..8_000_000_000_000_000_000);
    let url = SocketUrl {
        origin,
        path: PATH,
        device_id: &device_id.to_string(),
        access_key: &format!("{:032x}", rand::random::<u128>()),
        service_id,
        ticket: &format!("{ticket:032x}"),
    };
    let url = url.to_string();
    let stands_for = FeishuTicket::new(admitted, consumer, service_id, visitor.agent.clone());
    feishu.tickets().issue(TicketId(ticket), stands_for, now());
    let config = config_json(feishu.entrance.ping_interval);
    json(StatusCode::OK, granted(&url, Some(&config)))
}

/// Where the client reaches this listener: as the operator says, or as the request itself does.
fn origin(entrance: &Entrance, request: &HttpRequest) -> Option<String> {
    if let Some(public_url) = &entrance.public_url {
        return Some(public_url.websocket_origin());
    }
    let host = request.headers().get(header::HOST)?.to_str().ok()?;
    is_authority(host).then(|| websocket_origin(came_by_https(request), host))
}

fn refusal_answer(refused_with: Refused) -> HttpResponse {
    match refused_with {
        // All SDKs stop at this code, and say it.
        Refused::Wrong => json(
            StatusCode::OK,
            refused(code::AUTH_FAILED, "auth failed", DataShape::Empty),
        ),
        // All SDKs try again after any status but 200.
        Refused::NotYet => json(
            StatusCode::SERVICE_UNAVAILABLE,
            refused(code::INTERNAL, "not ready, try again", DataShape::Empty),
        ),
    }
}

fn bad_request(entrance: &Entrance, visitor: &Visitor) -> HttpResponse {
    refuse(entrance, visitor, RefusalCause::Malformed, None, None);
    json(StatusCode::BAD_REQUEST, malformed())
}

fn json(status: StatusCode, body: Vec<u8>) -> HttpResponse {
    HttpResponse::build(status)
        .content_type("application/json; charset=utf-8")
        .body(body)
}
