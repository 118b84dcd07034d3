//! Answers `GET /ws/v2`: opens the connection, or refuses it with the reason in response headers.
//!
//! Offered extensions are ignored, and no subprotocol is chosen.

use longwire_wire::endpoint::{code, handshake};

use crate::behaviour::{Behaviour, Occasion};
use crate::http::{HttpRequest, reason};
use crate::state::SharedState;
use crate::websocket;

/// Path of connection URLs.
pub(crate) const PATH: &str = "/ws/v2";

/// The reply to an upgrade request, which the caller sends.
#[derive(Debug)]
pub(crate) enum UpgradeReply {
    /// Send `head`, then the connection is live.
    Open {
        app: usize,
        device_id: String,
        head: Vec<u8>,
    },
    /// Send `head` and hang up.
    Refuse {
        head: Vec<u8>,
    },
    Hang,
    Reset,
}

/// Decides one upgrade request.
pub(crate) fn answer(shared: &SharedState, request: &HttpRequest) -> UpgradeReply {
    let mut state = shared.state();
    let status = shared.settings.refusal_http_status;
    let websocket_asked = request
        .header("upgrade")
        .is_some_and(|value| value.eq_ignore_ascii_case("websocket"));
    let (Some(key), true) = (request.header("sec-websocket-key"), websocket_asked) else {
        state.ledger.upgrades_refused += 1;
        return refusal(400, &[]);
    };
    let ticket = request.query("ticket").unwrap_or_default();
    let Some(grant) = state
        .tickets
        .redeem(&ticket, shared.settings.one_time_ticket)
    else {
        state.ledger.upgrades_refused += 1;
        return failed_auth(status, "the ticket is unknown or used", None);
    };
    let app = &state.apps[grant.app];
    let (id, live) = (app.id.clone(), app.live.len());
    let script = state.scripts.take(Occasion::Upgrade, &id);
    let accept = match script {
        Some(Behaviour::UpgradeHang) => return UpgradeReply::Hang,
        Some(Behaviour::UpgradeReset) => return UpgradeReply::Reset,
        Some(Behaviour::UpgradeRefuse {
            http,
            status,
            msg,
            auth,
        }) => {
            state.ledger.upgrades_refused += 1;
            let number = |value: Option<i64>| value.map(|value| value.to_string());
            let headers = [
                (handshake::STATUS, number(status)),
                (handshake::MESSAGE, msg),
                (handshake::AUTH_ERROR_CODE, number(auth)),
            ];
            let given: Vec<_> = headers
                .into_iter()
                .filter_map(|(name, value)| Some((name, value?)))
                .collect();
            return refusal(http, &given);
        }
        Some(Behaviour::UpgradeWrongAccept) => websocket::accept_key("another key"),
        _ => websocket::accept_key(key),
    };
    if live >= shared.settings.connections_per_app {
        state.ledger.upgrades_refused += 1;
        return failed_auth(
            status,
            "the number of connections exceeded the limit",
            Some(code::CONNECTION_LIMIT),
        );
    }
    let head = format!(
        "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Accept: {accept}\r\n\r\n"
    );
    if script == Some(Behaviour::UpgradeThenDrop) {
        return UpgradeReply::Refuse {
            head: head.into_bytes(),
        };
    }
    UpgradeReply::Open {
        app: grant.app,
        device_id: grant.device_id,
        head: head.into_bytes(),
    }
}

fn failed_auth(http: u16, msg: &str, sub_code: Option<i64>) -> UpgradeReply {
    let mut headers = vec![
        (handshake::STATUS, code::AUTH_FAILED.to_string()),
        (handshake::MESSAGE, msg.to_owned()),
    ];
    headers.extend(sub_code.map(|code| (handshake::AUTH_ERROR_CODE, code.to_string())));
    refusal(http, &headers)
}

fn refusal(http: u16, headers: &[(&str, String)]) -> UpgradeReply {
    let mut head = format!("HTTP/1.1 {http} {}\r\n", reason(http));
    for (name, value) in headers {
        // A line break in a scripted text would end the header.
        let value = value.replace(['\r', '\n'], " ");
        head.push_str(&format!("{name}: {value}\r\n"));
    }
    head.push_str("Content-Length: 0\r\nConnection: close\r\n\r\n");
    UpgradeReply::Refuse {
        head: head.into_bytes(),
    }
}
