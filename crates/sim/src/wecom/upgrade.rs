//! Answers upgrade requests. The platform's path is `/`, and private deployments have paths of their own, so every path
//! without another use is accepted.

use longwire_platform_server::upgrade::{key, refusal, switching_protocols};

use crate::http::HttpRequest;
use crate::wecom::behaviour::{Behaviour, Occasion};
use crate::wecom::state::SharedState;

/// The reply to an upgrade request, which the caller sends.
#[derive(Debug)]
pub(crate) enum UpgradeReply {
    /// Send this head, then the connection is live.
    Open(Vec<u8>),
    /// Send this head and hang up.
    Refuse(Vec<u8>),
    Hang,
    Reset,
}

/// Decides one upgrade request.
pub(crate) fn answer(shared: &SharedState, request: &HttpRequest) -> UpgradeReply {
    let mut state = shared.state();
    let Some(key) = key(|name| request.header(name)) else {
        state.ledger.upgrades_refused += 1;
        return UpgradeReply::Refuse(refusal(400, &[]));
    };
    let script = state.scripts.take(Occasion::Upgrade, "");
    let head = match script {
        Some(Behaviour::UpgradeHang) => return UpgradeReply::Hang,
        Some(Behaviour::UpgradeReset) => return UpgradeReply::Reset,
        Some(Behaviour::UpgradeRefuse { http }) => {
            state.ledger.upgrades_refused += 1;
            return UpgradeReply::Refuse(refusal(http, &[]));
        }
        Some(Behaviour::UpgradeWrongAccept) => switching_protocols("another key"),
        _ => switching_protocols(key),
    };
    if script == Some(Behaviour::UpgradeThenDrop) {
        return UpgradeReply::Refuse(head);
    }
    UpgradeReply::Open(head)
}
