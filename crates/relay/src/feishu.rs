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

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use actix_web::http::Method;
use actix_web::web::Data;
use longwire_access::Grant;
use longwire_installation::Platform;
use longwire_listener::{RouteAccess, Routes};
use longwire_store::{ConsumerId, InstallationRecord};
use longwire_wire::endpoint;

use crate::admission::Admitted;
use crate::entrance::Entrance;
use crate::proxy::OpenApiProxy;
use crate::tickets::Tickets;
use crate::token_hold::TokenHold;

pub(crate) use upgrade::upgrade;

/// Where the socket URL of a granted bootstrap leads.
pub const PATH: &str = "/relay/feishu";

/// What a ticket stands for.
struct FeishuTicket {
    hold: Arc<TokenHold>,
    grant: Grant,
    bot: Arc<InstallationRecord>,
    consumer: ConsumerId,
    service_id: i32,
    /// The SDK, as it names itself when it asks for a ticket. The socket is dialled by a library that says nothing of it.
    agent: Option<String>,
}

impl FeishuTicket {
    fn new(
        admitted: Admitted,
        consumer: ConsumerId,
        service_id: i32,
        agent: Option<String>,
    ) -> Self {
        let Admitted { hold, grant, bot } = admitted;
        Self {
            hold,
            grant,
            bot,
            consumer,
            service_id,
            agent,
        }
    }
}

/// What all connections of SDKs of Feishu and Lark share.
pub(crate) struct Feishu {
    entrance: Arc<Entrance>,
    tickets: Mutex<Tickets<FeishuTicket>>,
    proxy: Arc<OpenApiProxy>,
}

impl Feishu {
    pub(crate) fn new(entrance: &Arc<Entrance>, proxy: &Arc<OpenApiProxy>) -> Self {
        Self {
            entrance: Arc::clone(entrance),
            tickets: Mutex::default(),
            proxy: Arc::clone(proxy),
        }
    }

    /// The route of the bootstrap. Open: the token is in its body, where the SDKs have the app's secret.
    pub(crate) fn routes(self: &Arc<Self>) -> Routes {
        Routes::new().with(Data::from(Arc::clone(self))).route(
            Method::POST,
            endpoint::PATH,
            RouteAccess::Open,
            bootstrap::bootstrap,
        )
    }

    fn tickets(&self) -> MutexGuard<'_, Tickets<FeishuTicket>> {
        // One ticket at a time: whole after any panic.
        self.tickets.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn is_feishu(platform: Platform) -> bool {
    match platform {
        Platform::Feishu | Platform::Lark => true,
        Platform::Wecom => false,
    }
}
