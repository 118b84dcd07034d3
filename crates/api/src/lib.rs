//! The routes of the public listener.
//!
//! ```text
//! /livez /readyz   probes: is a new process needed, are events recorded
//! /metrics         OpenMetrics
//! ```
//!
//! Anybody who reaches the listener may ask for these. Every answer is made of the fleet's own views, so JSON and metrics
//! cannot disagree. The admin listener serves the same routes beside its own. What applications ask of the gateway belongs
//! here too, each with a module and a route of its own, which names the scope that it needs.
//!
//! The crate opens no listener, reads no configuration and decides nothing about a connection.

#![cfg_attr(
    test,
    allow(clippy::too_many_lines, reason = "a test may list many cases")
)]

mod metrics;
mod probes;

use std::sync::Arc;

use actix_web::web::Data;
use longwire_fleet::Fleet;
use longwire_listener::{AccessCheck, Draining, Routes};
use longwire_store::Store;

/// What the routes are served from.
pub struct ApiSettings {
    /// Whose views are shown.
    pub fleet: Fleet,
    /// Whose health and figures are shown.
    pub store: Store,
    /// Whether the process is about to end.
    pub draining: Draining,
    /// Which counts the tokens that were refused.
    pub access: AccessCheck,
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

    /// The routes, for a listener.
    pub fn routes(self: &Arc<Self>) -> Routes {
        Routes::new()
            .with(Data::from(Arc::clone(self)))
            .open("/livez", probes::livez)
            .open("/readyz", probes::readyz)
            .open("/metrics", metrics::scrape)
    }
}
