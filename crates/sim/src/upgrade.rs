//! Answers `GET /ws/v2`: opens the connection, or refuses it with the reason in response headers.

use longwire_platform_server::upgrade::{failed_auth, key, refusal, switching_protocols};
use longwire_wire::endpoint::{code, handshake};

use crate::behaviour::{Behaviour, Occasion};
use crate::http::HttpRequest;
use crate::state::SharedState;

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
    let Some(key) = key(|name| request.header(name)) else {
        state.ledger.upgrades_refused += 1;
        return refuse(refusal(400, &[]));
    };
    let ticket = request.query("ticket").unwrap_or_default();
    let Some(grant) = state
        .tickets
        .redeem(&ticket, shared.settings.one_time_ticket)
    else {
        state.ledger.upgrades_refused += 1;
        return refuse(failed_auth(status, "the ticket is unknown or used", None));
    };
    let app = &state.apps[grant.app];
    let (id, live) = (app.id.clone(), app.connections());
    let script = state.scripts.take(Occasion::Upgrade, &id);
    let head = match script {
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
            return refuse(refusal(http, &given));
        }
        Some(Behaviour::UpgradeWrongAccept) => switching_protocols("another key"),
        _ => switching_protocols(key),
    };
    if live >= shared.settings.connections_per_app {
        state.ledger.upgrades_refused += 1;
        return refuse(failed_auth(
            status,
            "the number of connections exceeded the limit",
            Some(code::CONNECTION_LIMIT),
        ));
    }
    if script == Some(Behaviour::UpgradeThenDrop) {
        return refuse(head);
    }
    UpgradeReply::Open {
        app: grant.app,
        device_id: grant.device_id,
        head,
    }
}

fn refuse(head: Vec<u8>) -> UpgradeReply {
    UpgradeReply::Refuse { head }
}
