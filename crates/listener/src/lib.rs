//! An HTTP listener that bounds what a client may hold, and for how long.
//!
//! ```text
//! TCP ─▶ tls ─▶ ClientStream ─▶ HTTP/1.1 ─▶ exchange ─▶ access::host ─▶ route ─▶ access ─▶ handler of the crate that serves it
//!     (if any)  reads little,      │        deadlines    meant for          token, scope,
//!               ends who is late   │        of a body    this listener      rate
//!                                  └─▶ upgrade ─▶ UpgradeHandler, if there is one: it owns the socket from then on
//! ```
//!
//! [`serve()`] is the whole of it: the caller names its bounds and brings its routes. Errors are [`Problem`]s. A handler that
//! waits for the disk does so through [`blocking::run`].
//!
//! [`Routes`] is the only way to add a handler, and each line of it says whether the route is open or which scope it needs.
//! The module `access` decides who may ask, for all listeners; a handler learns of its [`Caller`].
//!
//! The crate knows nothing of bots, and has no route of its own.

mod access;
pub mod blocking;
mod draining;
mod exchange;
mod problem;
mod request_id;
mod routes;
mod scheme;
mod serve;
mod stream;
mod timeouts;
mod tls;
mod transport;
mod upgrade;

pub use access::{
    AccessCheck, AccessSettings, Authenticate, Caller, PresentedRefusal, RouteAccess, RouteClass,
    StreamLimits, StreamPermit, StreamPlaces, TokenRates,
};
pub use actix_web::dev::{Server, ServerHandle};
pub use draining::Draining;
pub use exchange::has_stalled;
pub use problem::{FieldError, Problem};
pub use request_id::RequestId;
pub use routes::{ListedRoute, Routes};
pub use scheme::came_by_https;
pub use serve::{ListenerSettings, serve};
pub use timeouts::Timeouts;
pub use tls::{Certificate, CertificateError, ServerTls, ShownCertificate, Standing, Validity};
pub use upgrade::{UpgradeFactory, UpgradeHandler, UpgradeRequest, UpgradedSocket};
