//! The overview: told once, or pushed once a second over a WebSocket.
//!
//! At most [`FEEDS`] are open, each for as long as its token is valid. Bounded: each text is followed by a ping, and a client
//! that leaves [`MAX_UNANSWERED`] of them unanswered does not read what it asked for and is dropped.

use std::sync::Arc;
use std::time::Duration;

use actix::{Actor, ActorContext as _, AsyncContext as _, StreamHandler};
use actix_web::http::StatusCode;
use actix_web::web::{Data, Json, Payload};
use actix_web::{HttpRequest, HttpResponse};
use actix_web_actors::ws::{
    CloseCode, CloseReason, Message, ProtocolError, WebsocketContext, WsResponseBuilder,
};
use tokio::sync::OwnedSemaphorePermit;

use longwire_listener::{Caller, Problem};

use crate::document::OverviewDocument;
use crate::{Admin, FEEDS};

const PERIOD: Duration = Duration::from_secs(1);
/// Pings, one a second, that a client may leave unanswered.
const MAX_UNANSWERED: u32 = 5;

/// The whole fleet in one look.
pub(crate) async fn overview(admin: Data<Admin>) -> Json<OverviewDocument> {
    Json(OverviewDocument(admin.settings.fleet.overview()))
}

pub(crate) async fn open(
    admin: Data<Admin>,
    caller: Caller,
    request: HttpRequest,
    stream: Payload,
) -> Result<HttpResponse, actix_web::Error> {
    admin.settings.draining.refuse()?;
    let permit = Arc::clone(&admin.feeds).try_acquire_owned();
    let permit = permit.map_err(|_| {
        Problem::new(
            StatusCode::TOO_MANY_REQUESTS,
            "too_many_feeds",
            format!("{FEEDS} feeds are open. Close one, or ask for the overview instead"),
        )
    })?;
    // Clients have nothing to tell; 4 KiB is more than any control frame.
    WsResponseBuilder::new(
        Feed {
            admin,
            caller,
            unanswered: 0,
            _permit: permit,
        },
        &request,
        stream,
    )
    .frame_size(4096)
    .start()
}

/// One client.
struct Feed {
    admin: Data<Admin>,
    caller: Caller,
    unanswered: u32,
    _permit: OwnedSemaphorePermit,
}

impl Feed {
    fn push(&mut self, ctx: &mut WebsocketContext<Self>) {
        if self.admin.settings.draining.has_begun() {
            return close(ctx, CloseCode::Away, "draining");
        }
        if !self.caller.is_still_admitted() {
            return close(ctx, CloseCode::Policy, "the token is no longer valid");
        }
        if self.unanswered >= MAX_UNANSWERED {
            tracing::info!("a feed's client does not keep up and is dropped");
            return ctx.stop();
        }
        let overview = OverviewDocument(self.admin.settings.fleet.overview());
        // Plain data of strings and numbers always has a JSON form.
        if let Ok(text) = serde_json::to_string(&overview) {
            ctx.text(text);
        }
        ctx.ping(b"");
        self.unanswered += 1;
    }
}

fn close(ctx: &mut WebsocketContext<Feed>, code: CloseCode, reason: &str) {
    ctx.close(Some(CloseReason {
        code,
        description: Some(reason.to_owned()),
    }));
    ctx.stop();
}

impl Actor for Feed {
    type Context = WebsocketContext<Self>;

    fn started(&mut self, ctx: &mut Self::Context) {
        self.push(ctx);
        ctx.run_interval(PERIOD, Self::push);
    }
}

impl StreamHandler<Result<Message, ProtocolError>> for Feed {
    fn handle(&mut self, message: Result<Message, ProtocolError>, ctx: &mut Self::Context) {
        match message {
            Ok(Message::Ping(payload)) => ctx.pong(&payload),
            Ok(Message::Pong(_)) => self.unanswered = 0,
            Ok(Message::Close(reason)) => {
                ctx.close(reason);
                ctx.stop();
            }
            Ok(_) => {}
            Err(_) => ctx.stop(),
        }
    }
}
