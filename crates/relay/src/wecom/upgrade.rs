//! Answers a request for a client's socket, and starts the connection.

use std::sync::Arc;
use std::time::Duration;

use actix_web::http::header::HeaderMap;
use longwire_listener::{UpgradeRequest, UpgradedSocket};
use longwire_platform_server::upgrade::{key, refusal, switching_protocols};

use super::Wecom;
use super::client::{Client, Opened};
use crate::admission::{Visitor, refuse};
use crate::line::hang_up;
use crate::refusals::RefusalCause;

/// How long a peer that is gone, as the kernel sees it, is waited for.
const WITHOUT_PEER: Duration = Duration::from_secs(60);

/// Takes over a connection that asks for [`PATH`](super::PATH). Whoever asks gets one: only the first frame says who it is.
pub(crate) fn upgrade(wecom: &Arc<Wecom>, request: UpgradeRequest, socket: UpgradedSocket) {
    let visitor = Visitor::new(request.peer, header(&request.headers, "user-agent"));
    let key = key(|name| header(&request.headers, name));
    let Some(key) = key else {
        refuse(
            &wecom.entrance,
            &visitor,
            RefusalCause::Malformed,
            None,
            None,
        );
        return hang_up(socket, refusal(400, &[]));
    };
    let cause = match wecom.clients.newcomer() {
        Some(_) if wecom.entrance.draining.has_begun() => RefusalCause::Draining,
        Some(newcomer) => {
            // Where it cannot be set, a peer that is gone is noticed later.
            let _ = socket.end_without_peer(WITHOUT_PEER);
            let opened = Opened {
                head: switching_protocols(key),
                visitor,
                newcomer,
            };
            return Client::start(wecom, opened, Box::new(socket));
        }
        None => RefusalCause::Full,
    };
    refuse(&wecom.entrance, &visitor, cause, None, None);
    hang_up(socket, refusal(503, &[]));
}

fn header<'a>(headers: &'a HeaderMap, name: &str) -> Option<&'a str> {
    headers.get(name).and_then(|value| value.to_str().ok())
}
