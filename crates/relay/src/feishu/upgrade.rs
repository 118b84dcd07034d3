//! Answers a request for the socket of a granted bootstrap, and starts the connection.

use std::sync::Arc;
use std::time::Duration;

use actix_web::http::header::HeaderMap;
use longwire_delivery::RelayProof;
use longwire_listener::{UpgradeRequest, UpgradedSocket};
use longwire_platform_server::upgrade::{failed_auth, key, refusal, switching_protocols};
use longwire_wire::endpoint::{code, handshake};

use super::connection::{Connection, Opened};
use super::{Feishu, FeishuTicket};
use crate::admission::{Refused, Visitor, refuse};
use crate::attaching::attach;
use crate::clock::now;
use crate::line::hang_up;
use crate::refusals::RefusalCause;
use crate::tickets::TicketId;

/// How long a peer that is gone, as the kernel sees it, is waited for. A program that is alive but busy is answered for by its
/// kernel, as long as little is sent ahead of it (`unread.rs`).
const WITHOUT_PEER: Duration = Duration::from_secs(60);

/// Takes over a connection that asks for [`PATH`](super::PATH).
pub(crate) fn upgrade(feishu: &Arc<Feishu>, request: UpgradeRequest, socket: UpgradedSocket) {
    let feishu = Arc::clone(feishu);
    actix_rt::spawn(async move {
        let visitor = Visitor::new(request.peer, header(&request.headers, "user-agent"));
        match open(&feishu, &visitor, &request).await {
            Ok(opened) => {
                // Where it cannot be set, a peer that is gone is noticed later.
                let _ = socket.end_without_peer(WITHOUT_PEER);
                Connection::start(&feishu, opened, Box::new(socket));
            }
            Err(head) => hang_up(socket, head),
        }
    });
}

/// Everything that the actor of the connection is made of, or the refusal's head.
async fn open(
    feishu: &Arc<Feishu>,
    visitor: &Visitor,
    request: &UpgradeRequest,
) -> Result<Opened, Vec<u8>> {
    let key = key(|name| header(&request.headers, name));
    let Some(key) = key else {
        refuse(
            &feishu.entrance,
            visitor,
            RefusalCause::Malformed,
            None,
            None,
        );
        return Err(refusal(400, &[]));
    };
    let ticket = redeem(feishu, &request.query);
    let Some(ticket) = ticket.filter(|ticket| ticket.hold.is_still_admitted()) else {
        refuse(
            &feishu.entrance,
            visitor,
            RefusalCause::TicketRefused,
            None,
            None,
        );
        // Every SDK asks for another URL, and hears there what is wrong with its token.
        return Err(failed_auth(403, "the ticket is unknown or used", None));
    };
    let visitor = &Visitor {
        peer: visitor.peer,
        agent: ticket.agent.clone().or_else(|| visitor.agent.clone()),
    };
    let (space, proof) = (&ticket.grant.space, RelayProof::HandlerAck);
    let cause = match attach(&feishu.entrance, space, ticket.consumer, visitor, proof).await {
        Ok(attached) => {
            return Ok(Opened {
                head: switching_protocols(key),
                ticket,
                attached,
            });
        }
        Err(cause) => cause,
    };
    let (app_id, token) = (&*ticket.bot.app_id, ticket.grant.token);
    let status = match refuse(&feishu.entrance, visitor, cause, Some(app_id), Some(token)) {
        Refused::Wrong => code::AUTH_FAILED,
        // All SDKs try again.
        Refused::NotYet => code::INTERNAL,
    };
    let headers = [
        (handshake::STATUS, status.to_string()),
        (handshake::MESSAGE, "not ready, try again".to_owned()),
    ];
    Err(refusal(503, &headers))
}

fn redeem(feishu: &Feishu, query: &str) -> Option<FeishuTicket> {
    let pairs = query.split('&').filter_map(|pair| pair.split_once('='));
    let (_, ticket) = pairs.into_iter().find(|(name, _)| *name == "ticket")?;
    if ticket.len() != 32 {
        return None;
    }
    let id = u128::from_str_radix(ticket, 16).ok()?;
    feishu.tickets().redeem(TicketId(id), now())
}

fn header<'a>(headers: &'a HeaderMap, name: &str) -> Option<&'a str> {
    headers.get(name).and_then(|value| value.to_str().ok())
}
