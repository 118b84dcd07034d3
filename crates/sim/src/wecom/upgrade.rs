//! Answers upgrade requests. The platform's path is `/`, and private deployments have paths of their own, so every path
//! without another use is accepted.
//!
//! Offered extensions are ignored, and no subprotocol is chosen.

use crate::http::{HttpRequest, reason};
use crate::websocket;
use crate::wecom::behaviour::{Behaviour, Occasion};
use crate::wecom::state::SharedState;

/// The reply to an upgrade request, which the caller sends.
#[derive(Debug)]
pub(crate) enum UpgradeReply {
    /// Send this head, then the connection is live.
    Open(String),
    /// Send this head and hang up.
    Refuse(String),
    Hang,
    Reset,
}

/// Decides one upgrade request.
pub(crate) fn answer(shared: &SharedState, request: &HttpRequest) -> UpgradeReply {
    let mut state = shared.state();
    let websocket_asked = request
        .header("upgrade")
        .is_some_and(|value| value.eq_ignore_ascii_case("websocket"));
    let (Some(key), true) = (request.header("sec-websocket-key"), websocket_asked) else {
        state.ledger.upgrades_refused += 1;
        return refusal(400);
    };
    let script = state.scripts.take(Occasion::Upgrade, "");
    let accept = match script {
        Some(Behaviour::UpgradeHang) => return UpgradeReply::Hang,
        Some(Behaviour::UpgradeReset) => return UpgradeReply::Reset,
        Some(Behaviour::UpgradeRefuse { http }) => {
            state.ledger.upgrades_refused += 1;
            return refusal(http);
        }
        Some(Behaviour::UpgradeWrongAccept) => websocket::accept_key("another key"),
        _ => websocket::accept_key(key),
    };
    let head = format!(
        "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Accept: {accept}\r\n\r\n"
    );
    if script == Some(Behaviour::UpgradeThenDrop) {
        return UpgradeReply::Refuse(head);
    }
    UpgradeReply::Open(head)
}

fn refusal(http: u16) -> UpgradeReply {
    UpgradeReply::Refuse(format!(
        "HTTP/1.1 {http} {}\r\nContent-Length: 0\r\nConnection: close\r\n\r\n",
        reason(http)
    ))
}
