//! The servers and clients that several tests of this crate use.
#![allow(
    dead_code,
    unreachable_pub,
    missing_docs,
    reason = "each test takes what it needs"
)]

pub mod server;

use std::time::Duration;

use url::Url;

/// Long enough for a loaded machine; only a test that fails waits for it.
pub const PATIENCE: Duration = Duration::from_secs(30);

pub fn url(text: impl AsRef<str>) -> Url {
    Url::parse(text.as_ref()).expect("a url")
}
