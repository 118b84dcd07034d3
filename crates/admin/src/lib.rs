//! The routes of the admin listener, and the JSON documents they answer with.
//!
//! ```text
//! /admin/v1/overview /feed            the whole fleet, once or once a second
//! /admin/v1/tree /actors              the actors: folded, listed, asked for their state
//! /admin/v1/installations             the bots: listed, shown, added, started, stopped
//! /admin/v1/installations/{id}/…      requests and uploads to a bot's platform; faults for tests
//! ```
//!
//! `longwire_listener` decides who may ask before a request comes here. Whoever may ask may do all of it.
//!
//! A handler asks the fleet and the store for typed views and answers with a [`document`] made of them. The command line
//! reads the same documents. The crate opens no listener, knows no configuration file, and decides nothing about a
//! connection.

#![cfg_attr(
    test,
    allow(clippy::too_many_lines, reason = "a test may list many cases")
)]

mod actors;
mod add_request;
pub mod document;
mod faults;
mod feed;
mod installations;
mod requests;
mod spool;
mod tree;
mod uploads;

#[cfg(test)]
mod tests;

use std::sync::Arc;

use actix_web::web::{self, Data, ServiceConfig};
use longwire_fleet::Fleet;
use longwire_listener::Draining;
use longwire_store::Store;
use tokio::sync::Semaphore;

pub use add_request::{AddRequest, AddRules};

/// Feeds that may be open, fewer than the clients of the listener, so that other questions find a place.
const FEEDS: usize = 16;

/// What the routes are served from.
pub struct AdminSettings {
    /// Whose views are shown.
    pub fleet: Fleet,
    /// Where installations are kept.
    pub store: Store,
    /// Whether the process is about to end.
    pub draining: Draining,
    /// Whether the route for faults exists.
    pub fault_injection: bool,
    /// What an installation that is added has to keep.
    pub rules: AddRules,
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

    /// Adds the routes to a listener.
    pub fn routes(self: &Arc<Self>, config: &mut ServiceConfig) {
        config.app_data(Data::from(Arc::clone(self))).service(
            web::scope("/admin/v1")
                .route("/overview", web::get().to(feed::overview))
                .route("/feed", web::get().to(feed::open))
                .route("/tree", web::get().to(tree::tree))
                .route("/actors", web::get().to(actors::list))
                .route("/actors/inspect", web::post().to(actors::inspect))
                .route("/installations", web::get().to(installations::list))
                .route("/installations", web::post().to(installations::add))
                .service(
                    web::scope("/installations/{installation}")
                        .route("", web::get().to(installations::show))
                        .route("/start", web::post().to(installations::start))
                        .route("/stop", web::post().to(installations::stop))
                        .route("/requests", web::post().to(requests::ask))
                        .route("/uploads", web::post().to(uploads::upload))
                        .route("/fault", web::post().to(faults::inject)),
                ),
        );
    }
}
