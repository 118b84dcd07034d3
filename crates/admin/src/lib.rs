//! The routes of the admin listener, and the JSON documents they answer with.
//!
//! ```text
//! /admin/v1/status                    whether all is connected: bots that are not live by reason, store, consumers
//! /admin/v1/overview /feed            the whole fleet, once or once a second
//! /admin/v1/tree /actors              the actors: folded, listed, asked for their state
//! /admin/v1/installations             the bots: listed, shown, added, started, stopped
//! /admin/v1/installations/{id}/…      requests and uploads to a bot's platform; faults for tests
//! /admin/v1/tokens                    tokens: made, listed, revoked
//! /admin/v1/relay                     applications connected by the platforms' SDKs, and who was refused
//! /admin/v1/reload                    the configuration file is read again and applied, or compared
//! /admin/v1/audit                     who changed what, and what came of it
//! /admin/v1/retention                 what is kept, what goes, and who keeps it from going
//! /admin/v1/events/erase              what names a person is erased
//! /admin/v1/secrets/rotate            the sealing key is renewed
//! ```
//!
//! Each route names the scope that it needs, and `longwire_listener` asks the caller's token for it before a request comes
//! here. A handler looks further: an installation that the caller does not own is answered as one that does not exist, and
//! each change is written into the audit, whatever came of it.
//!
//! A handler asks the fleet and the store for typed views and answers with a [`document`] made of them. The command line
//! reads the same documents. The crate opens no listener, knows no configuration file, and decides nothing about a
//! connection.

#![cfg_attr(
    test,
    allow(clippy::too_many_lines, reason = "a test may list many cases")
)]

mod actors;
mod audit;
pub mod document;
mod faults;
mod feed;
mod installations;
mod listed;
mod owned;
mod relay;
mod reload;
mod request_problem;
mod requests;
mod retention;
mod secrets;
mod spool;
mod status;
mod store_calls;
mod tokens;
mod tree;
mod uploads;

#[cfg(test)]
mod tests;

use std::sync::Arc;
use std::time::Duration;

use actix_web::http::Method;
use actix_web::web::Data;
use longwire_access::Scope;
use longwire_api::InstallationRules;
use longwire_delivery::ConsumerView;
use longwire_fleet::{ActorView, Fleet};
use longwire_janitor::JanitorHandle;
use longwire_listener::{Draining, RouteAccess, RouteClass, Routes};
use longwire_store::Store;
use tokio::sync::Semaphore;

pub use relay::RelaySource;
pub use reload::{ReloadRefusal, ReloadRun, ReloadSource, Reloading};
pub use tokens::{TokenRequest, new_token_text};

/// Feeds that may be open, fewer than the clients of the listener, so that other questions find a place.
const FEEDS: usize = 16;

/// What the routes are served from.
pub struct AdminSettings {
    /// Whose views are shown.
    pub fleet: Fleet,
    /// The version that is running.
    pub version: &'static str,
    /// All consumers, whosever they are.
    pub consumers: Arc<dyn Fn() -> Vec<ConsumerView> + Send + Sync>,
    /// The actors that are shown beside those of the fleet, parents before children.
    pub other_actors: Arc<dyn Fn() -> Vec<ActorView> + Send + Sync>,
    /// Retention; without it no route tells of it.
    pub janitor: Option<JanitorHandle>,
    /// The applications that are connected over the relay; without it no route tells of them.
    pub relay: Option<RelaySource>,
    /// What reads the configuration file again; without it no route does.
    pub reload: Option<ReloadSource>,
    /// Where installations are kept.
    pub store: Store,
    /// Whether the process is about to end.
    pub draining: Draining,
    /// Whether the route for faults exists.
    pub fault_injection: bool,
    /// What an installation that is added has to keep.
    pub installation_rules: InstallationRules,
    /// Reads a duration as the configuration has it.
    pub parse_duration: fn(&str) -> Option<Duration>,
}

/// What handlers work with.
pub struct Admin {
    settings: AdminSettings,
    /// Permits for uploads.
    uploads: Semaphore,
    /// Permits for feeds.
    feeds: Arc<Semaphore>,
}

impl Admin {
    /// The routes of this gateway.
    pub fn new(settings: AdminSettings) -> Arc<Self> {
        Arc::new(Self {
            settings,
            uploads: Semaphore::new(uploads::MOST_AT_ONCE),
            feeds: Arc::new(Semaphore::new(FEEDS)),
        })
    }

    /// All actors.
    fn actors(&self) -> Vec<ActorView> {
        let mut actors = self.settings.fleet.actors();
        actors.extend((self.settings.other_actors)());
        actors
    }

    /// The routes, for a listener.
    pub fn routes(self: &Arc<Self>) -> Routes {
        let stream = RouteAccess::Scope {
            scope: Scope::AdminRead,
            class: RouteClass::Stream,
        };
        let inspect = RouteAccess::Scope {
            scope: Scope::AdminRead,
            class: RouteClass::Read,
        };
        let relay = self.settings.relay.clone().map(relay::routes);
        let reload = self.settings.reload.clone().map(reload::routes);
        Routes::new()
            .with(Data::from(Arc::clone(self)))
            .get("/admin/v1/status", Scope::AdminRead, status::show)
            .get("/admin/v1/overview", Scope::AdminRead, feed::overview)
            .route(Method::GET, "/admin/v1/feed", stream, feed::open)
            .get("/admin/v1/tree", Scope::AdminRead, tree::tree)
            .get("/admin/v1/actors", Scope::AdminRead, actors::list)
            // It changes nothing, and asks an actor, which a GET of a page's image is not to do.
            .route(
                Method::POST,
                "/admin/v1/actors/inspect",
                inspect,
                actors::inspect,
            )
            .get("/admin/v1/audit", Scope::AdminRead, audit::list)
            .post(
                "/admin/v1/secrets/rotate",
                Scope::AdminControl,
                secrets::rotate,
            )
            .and(retention::routes())
            .and(tokens::routes())
            .and(installations::routes())
            .and(relay.unwrap_or_default())
            .and(reload.unwrap_or_default())
    }
}
