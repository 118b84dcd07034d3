//! The routes of the public listener.
//!
//! ```text
//! /livez /readyz           probes: is a new process needed, are events recorded
//! /metrics                 OpenMetrics
//! /v1/events               the event log, read along
//! /v1/event-types          what events there are
//! /v1/installations        the bots
//! /callbacks/feishu        what the platform posts
//! /v1/consumers            durable positions in the log, and the events of their readers
//! /openapi.json /docs      the same as a document and as a page
//! /problems                what each code of a problem means
//! /api/feishu /callback    those of the systems that longwire replaces, where they are switched on
//! ```
//!
//! The module `v1` has one line per operation: its route, the scope that it needs, what OpenAPI says of it, and its handler. So the
//! document has every route. A handler reads its request with all mistakes collected, asks a handle (fleet, delivery, store), and
//! answers with a document or a problem; it decides nothing about a connection or a delivery. The admin listener serves the same
//! routes beside its own.
//!
//! The crate opens no listener and reads no configuration.

#![cfg_attr(
    test,
    allow(clippy::too_many_lines, reason = "a test may list many cases")
)]

mod admission;
mod audit;
mod body;
mod callbacks;
mod compat;
mod consumers;
mod cursor;
mod event_types;
mod events;
mod guide;
mod installations;
mod metrics;
mod openapi;
mod operation;
mod page;
mod page_document;
mod probes;
mod problem_code;
mod problem_pages;
mod query;
mod ready_floor;
mod revision;
mod server_sent;
mod store_calls;
mod table;
pub mod timestamp;
mod user_authorizations;
mod v1;

use std::pin::Pin;
use std::sync::{Arc, OnceLock};

pub use callbacks::{AddressTest, CallbackRules, CallbackSources};

use actix_web::web::Data;
use longwire_delivery::Deliveries;
use longwire_fleet::Fleet;
use longwire_installation::InstallationId;
use longwire_janitor::RetentionView;
use longwire_listener::{AccessCheck, Draining, Routes};
use longwire_store::{Store, WriteError};

pub use compat::{CallbackBot, CompatSettings};
pub use consumers::consumer_state;
pub use installations::{
    AddedInstallation, AskedInstallation, BotCallbacksDocument, InstallationDocument,
    InstallationFilter, InstallationRules, LightsDocument, Observation, ProbeDocument,
    probe_problem,
};
pub use metrics::RelayCalls;
pub use problem_code::definition_problem;
pub use query::QueryReader;
pub use ready_floor::{ReadyFloor, ReadyFloorError};
pub use timestamp::Timestamp;

/// What the routes are served from.
pub struct ApiSettings {
    /// Whose views are shown.
    pub fleet: Fleet,
    /// Whose health and figures are shown, and whose journeys.
    pub store: Store,
    /// Which brings events to applications.
    pub deliveries: Deliveries,
    /// Reads again what the configuration file refers to for a declared installation, such as the file with its secret.
    pub read_again: ReadAgain,
    /// What an installation that is added or changed has to keep.
    pub installation_rules: InstallationRules,
    /// How many bots have to be live for the gateway to be ready.
    pub ready_floor: ReadyFloor,
    /// Whether the process is about to end.
    pub draining: Draining,
    /// Which counts the tokens that were refused.
    pub access: AccessCheck,
    /// Which other systems' routes there are.
    pub compat: CompatSettings,
    /// The version that is running.
    pub version: &'static str,
    /// Lines of the log that were lost so far.
    pub log_lines_dropped: fn() -> u64,
    /// What callbacks are taken by.
    pub callbacks: CallbackRules,
    /// How retention does; `None` where nothing goes.
    pub retention: Arc<dyn Fn() -> Option<RetentionView> + Send + Sync>,
    /// The calls of applications that were passed on to a platform since the start.
    pub relay_calls: Arc<dyn Fn() -> Vec<RelayCalls> + Send + Sync>,
}

/// Reads again what the configuration file refers to for this installation, and has the store and the fleet take it over.
/// Nothing happens if the file does not declare it. The error is the store's: it did not take the change.
pub type ReadAgain = Arc<dyn Fn(InstallationId) -> ReadingAgain + Send + Sync>;

/// It is being read.
pub type ReadingAgain = Pin<Box<dyn Future<Output = Result<(), WriteError>>>>;

/// What handlers work with.
pub struct Api {
    settings: ApiSettings,
    metrics: metrics::Cache,
    bodies: callbacks::BodyMemory,
    document: OnceLock<Arc<str>>,
}

impl Api {
    /// The routes of this gateway.
    pub fn new(settings: ApiSettings) -> Arc<Self> {
        Arc::new(Self {
            settings,
            metrics: metrics::Cache::default(),
            bodies: callbacks::BodyMemory::default(),
            document: OnceLock::new(),
        })
    }

    /// The routes, for a listener.
    pub fn routes(self: &Arc<Self>) -> Routes {
        let routes = Routes::new().with(Data::from(Arc::clone(self)));
        let settings = &self.settings;
        let (routes, document) = describe(routes, settings.version, &settings.compat);
        // The same each time.
        let _ = self.document.set(document);
        routes
    }

    /// The OpenAPI document.
    fn openapi(&self) -> &str {
        let settings = &self.settings;
        self.document
            .get_or_init(|| describe(Routes::new(), settings.version, &settings.compat).1)
    }
}

/// The routes and their OpenAPI document.
fn describe(routes: Routes, version: &str, compat: &CompatSettings) -> (Routes, Arc<str>) {
    let table = compat::add(v1::table(routes), compat);
    table.finish(|paths, schemas| openapi::document(version, paths, schemas))
}

/// The OpenAPI document of this version, indented, without the routes of other systems.
#[must_use]
pub fn openapi_document(version: &str) -> String {
    let text = describe(Routes::new(), version, &CompatSettings::default()).1;
    let document: serde_json::Value = serde_json::from_str(&text).unwrap_or_default();
    format!("{document:#}\n")
}
