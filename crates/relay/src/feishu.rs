//! The platform's side of Feishu's and Lark's long connection.
//!
//! ```text
//! POST /callback/ws/endpoint  bootstrap.rs  token and bot ──▶ consumer ──▶ URL with a ticket
//! GET  /relay/feishu          upgrade.rs    ticket ──▶ 101, and the consumer has one more connection
//! the connection              connection.rs its actor; session.rs decides what is said
//! ```

mod bootstrap;
mod connection;
mod session;
mod unread;
mod upgrade;

use std::sync::Arc;

use actix_web::http::Method;
use actix_web::web::Data;
use longwire_access::Grant;
use longwire_installation::Platform;
use longwire_listener::{RouteAccess, Routes};
use longwire_store::{ConsumerId, InstallationRecord};
use longwire_wire::endpoint;

use crate::admission::{Admitted, TokenHold};
use crate::relay::Relay;

pub(crate) use upgrade::upgrade;

/// Where the socket URL of a granted bootstrap leads.
pub const PATH: &str = "/relay/feishu";

/// What a ticket stands for.
pub(crate) struct FeishuTicket {
    pub(crate) hold: Arc<TokenHold>,
    pub(crate) grant: Grant,
    pub(crate) bot: Arc<InstallationRecord>,
    pub(crate) consumer: ConsumerId,
    pub(crate) service_id: i32,
}

impl FeishuTicket {
    fn new(admitted: Admitted, consumer: ConsumerId, service_id: i32) -> Self {
        let Admitted { hold, grant, bot } = admitted;
        Self {
            hold,
            grant,
            bot,
            consumer,
            service_id,
        }
    }
}

/// The route of the bootstrap. Open: the token is in its body, where the SDKs have the app's secret.
pub(crate) fn routes(relay: &Arc<Relay>) -> Routes {
    Routes::new().with(Data::from(Arc::clone(relay))).route(
        Method::POST,
        endpoint::PATH,
        RouteAccess::Open,
        bootstrap::bootstrap,
    )
}

fn is_feishu(platform: Platform) -> bool {
    match platform {
        Platform::Feishu | Platform::Lark => true,
        Platform::Wecom => false,
    }
}
