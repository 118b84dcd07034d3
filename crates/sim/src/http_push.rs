//! What an HTTP push is: its request, sealed and signed as the platform does for apps in webhook mode, the exchange, and
//! the verdict on the answer. [`crate::http_sender`] sends them.
//!
//! Nothing here reads what the gateway's own code makes of a request: encryption and signatures are written from the
//! platform's documentation.

mod card_answer;
mod console;
mod exchange;
mod load;
mod push;
mod pushes;
mod request;
mod sealed;
mod target;
mod tls_client;
mod tracked;

use thiserror::Error;

pub(crate) use self::console::Console;
pub use self::console::{RequestUrls, UrlCheck, UrlNotSaved};
pub(crate) use self::exchange::{ExchangeLimits, HttpAnswer, KeptConnection, NoAnswer, exchange};
pub use self::load::HttpLoad;
pub(crate) use self::load::RunningHttpLoad;
pub use self::push::{ClickedSchema, HttpPush, HttpPushFlaw, HttpPushScheme, Roads};
pub(crate) use self::pushes::{HttpPushes, HttpSignals, Waiting};
pub(crate) use self::request::{Dressing, RequestBuffers, SignatureHeaders};
pub(crate) use self::target::Target;
pub use self::target::UrlProblem;
pub(crate) use self::tls_client::SenderTls;
pub(crate) use self::tracked::TrackedHttpPush;

/// The app has no request URL of this kind.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
#[error("{app} has no request URL; save one with POST /sim/v1/request_urls")]
pub struct NoRequestUrl {
    /// The app.
    pub app: String,
}
