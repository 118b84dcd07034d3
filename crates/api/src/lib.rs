//! The routes of the public listener.
//!
//! ```text
//! /livez /readyz   probes: is a new process needed, are events recorded
//! /metrics         OpenMetrics
//! ```
//!
//! Anybody who reaches the listener may ask. Every answer is made of the fleet's own views, so JSON and metrics cannot
//! disagree. The admin listener serves the same routes beside its own. What applications ask of the gateway belongs here
//! too, each with a module and a route of its own.
//!
//! The crate opens no listener, reads no configuration and decides nothing about a connection.

#![cfg_attr(
    test,
    allow(clippy::too_many_lines, reason = "a test may list many cases")
)]

mod metrics;
mod probes;

use std::sync::Arc;

use actix_web::web::{self, Data, ServiceConfig};
use longwire_fleet::Fleet;
use longwire_listener::Draining;
use longwire_store::Store;

/// What the routes are served from.
pub struct ApiSettings {
    /// Whose views are shown.
    pub fleet: Fleet,
    /// Whose health and figures are shown.
    pub store: Store,
    /// Whether the process is about to end.
    pub draining: Draining,
    /// The version that is running.
    pub version: &'static str,
    /// Lines of the log that were lost so far.
    pub log_lines_dropped: fn() -> u64,
}

/// What handlers work with.
pub struct Api {
    settings: ApiSettings,
    metrics: metrics::Cache,
}

impl Api {
    /// The routes of this gateway.
    pub fn new(settings: ApiSettings) -> Arc<Self> {
        Arc::new(Self {
            settings,
            metrics: metrics::Cache::default(),
        })
    }

    /// Adds the routes to a listener.
    pub fn routes(self: &Arc<Self>, config: &mut ServiceConfig) {
        config
            .app_data(Data::from(Arc::clone(self)))
            .route("/livez", web::get().to(probes::livez))
            .route("/readyz", web::get().to(probes::readyz))
            .route("/metrics", web::get().to(metrics::scrape));
    }
}
