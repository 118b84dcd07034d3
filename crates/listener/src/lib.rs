//! An HTTP listener that bounds what a client may hold, and for how long.
//!
//! ```text
//! TCP ─▶ ClientStream ─▶ HTTP/1.1 ─▶ exchange ─▶ access ─▶ routes of the crate that serves them
//!        reads little,               deadlines    who may
//!        ends who is late            of a body    ask
//! ```
//!
//! [`serve()`] is the whole of it: the caller names its bounds and brings its routes. Errors are [`Problem`]s. A handler that
//! waits for the disk does so through [`blocking::run`].
//!
//! Each request passes the module `access` before its route, the one place for all listeners that decides who may ask.
//!
//! The crate knows nothing of bots, and has no route of its own.

mod access;
pub mod blocking;
mod draining;
mod exchange;
mod problem;
mod serve;
mod stream;
mod timeouts;

pub use actix_web::dev::{Server, ServerHandle};
pub use draining::Draining;
pub use exchange::has_stalled;
pub use problem::Problem;
pub use serve::{ListenerSettings, serve};
pub use timeouts::Timeouts;
