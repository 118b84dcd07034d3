//! The two listeners of a running gateway.
//!
//! ```text
//! api    /livez /readyz /metrics
//! admin  the same, and /admin/v1/{overview, tree, actors, installations, feed}
//! ```
//!
//! Every answer about the fleet is made of the fleet's own views, so pages, JSON and metrics cannot disagree.
//! The admin listener asks for no password. It answers only to names of this host, and takes no change from a web
//! page of another origin.

mod actors;
mod faults;
mod feed;
mod installations;
mod requests;
mod spool;
mod tree;
mod uploads;

#[cfg(test)]
mod tests;

use std::io;
use std::net::TcpListener;
use std::sync::Arc;

use actix_web::dev::ServerHandle;
use actix_web::web::{self, Data, ServiceConfig};
use longwire_api::{Api, ApiSettings};
use longwire_fleet::Fleet;
use longwire_listener::{Draining, ListenerSettings, Timeouts};
use longwire_store::Store;
use tokio::sync::{Semaphore, watch};

use crate::config::Config;

pub(crate) use installations::{AddRequest, Kept, Note};

/// Clients that the listener of probes and metrics serves at once. The probes of an orchestrator and the scrapes of a few
/// collectors are far fewer.
const API_CONNECTIONS: usize = 64;
/// Clients of the admin listener: operators, their pages and commands, uploads.
const ADMIN_CONNECTIONS: usize = 32;
/// Clients of both, which are that many open files.
pub(crate) const CONNECTIONS: usize = API_CONNECTIONS + ADMIN_CONNECTIONS;
/// Feeds among them, so that other questions find a place.
const FEEDS: usize = 16;

/// What handlers work with.
pub(crate) struct Surface {
    fleet: Fleet,
    store: Store,
    draining: Draining,
    fault_injection: bool,
    admin_hosts: Vec<String>,
    plain_hosts: Vec<String>,
    /// Places for uploads.
    uploads: Semaphore,
    /// Places for feeds.
    feeds: Arc<Semaphore>,
}

impl Surface {
    pub(crate) fn new(fleet: Fleet, store: Store, config: &Config) -> Self {
        Self {
            fleet,
            store,
            draining: Draining::default(),
            fault_injection: config.debug.fault_injection,
            admin_hosts: config.server.admin_hosts.clone(),
            plain_hosts: config.egress.plain_http_hosts.clone(),
            uploads: Semaphore::new(uploads::MOST_AT_ONCE),
            feeds: Arc::new(Semaphore::new(FEEDS)),
        }
    }

    /// From now on readiness says no, feeds end, and nothing is changed any more.
    pub(crate) fn begin_drain(&self) {
        self.draining.begin();
    }

    fn is_draining(&self) -> bool {
        self.draining.has_begun()
    }
}

/// Both listeners, as whoever started them knows them.
pub(crate) struct Listeners {
    /// To stop them with: the interface of probes first.
    pub(crate) handles: [ServerHandle; 2],
    /// The one that has ended first, whoever ended it.
    pub(crate) ended: watch::Receiver<Option<Listener>>,
}

/// One of the two.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Listener {
    Api,
    Admin,
}

/// Starts answering on both.
pub(crate) fn serve(
    surface: &Arc<Surface>,
    api: TcpListener,
    admin: TcpListener,
) -> io::Result<Listeners> {
    let data = Data::from(Arc::clone(surface));
    let probes = Api::new(ApiSettings {
        fleet: surface.fleet.clone(),
        store: surface.store.clone(),
        draining: surface.draining.clone(),
        version: env!("CARGO_PKG_VERSION"),
        log_lines_dropped: longwire_terminal::stderr::lost_lines,
    });
    let settings = ListenerSettings {
        name: "api",
        connections: API_CONNECTIONS,
        timeouts: Timeouts::default(),
        hosts: None,
    };
    let api = {
        let probes = Arc::clone(&probes);
        longwire_listener::serve(settings.clone(), api, move |config| probes.routes(config))?
    };
    let settings = ListenerSettings {
        name: "admin",
        connections: ADMIN_CONNECTIONS,
        hosts: Some(surface.admin_hosts.clone()),
        ..settings
    };
    let admin = longwire_listener::serve(settings, admin, move |config| {
        probes.routes(config);
        config.app_data(data.clone()).configure(administration);
    })?;
    let handles = [api.handle(), admin.handle()];
    let (tell, ended) = watch::channel(None);
    for (listener, server) in [(Listener::Api, api), (Listener::Admin, admin)] {
        let tell = tell.clone();
        actix_rt::spawn(async move {
            // Why it ended it has logged itself.
            drop(server.await);
            tell.send_if_modified(|first| {
                let is_first = first.is_none();
                first.get_or_insert(listener);
                is_first
            });
        });
    }
    Ok(Listeners { handles, ended })
}

fn administration(config: &mut ServiceConfig) {
    config.service(
        web::scope("/admin/v1")
            .route("/overview", web::get().to(feed::overview))
            .route("/tree", web::get().to(tree::tree))
            .route("/actors", web::get().to(actors::list))
            .route("/actors/inspect", web::post().to(actors::inspect))
            .route("/feed", web::get().to(feed::open))
            .route("/installations", web::get().to(installations::list))
            .route("/installations", web::post().to(installations::add))
            .route(
                "/installations/{installation}",
                web::get().to(installations::show),
            )
            .route(
                "/installations/{installation}/start",
                web::post().to(installations::start),
            )
            .route(
                "/installations/{installation}/stop",
                web::post().to(installations::stop),
            )
            .route(
                "/installations/{installation}/requests",
                web::post().to(requests::ask),
            )
            .route(
                "/installations/{installation}/uploads",
                web::post().to(uploads::upload),
            )
            .route(
                "/installations/{installation}/fault",
                web::post().to(faults::inject),
            ),
    );
}
