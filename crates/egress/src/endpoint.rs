//! Posts events to the webhook of an application: HTTP/1.1 over kept connections.
//!
//! Delivery is what an application sees of the gateway, so this client does only what a delivery needs. The constant part
//! of a request is formatted once per endpoint, the body is written from where it lies, and answer and buffers take one
//! allocation each.
//!
//! ```text
//! post ─▶ a kept connection, else dial: filter the addresses, connect, TLS
//!      ─▶ write head and body in one call ─▶ read the answer ─▶ keep the connection
//! ```
//!
//! A kept connection may be closed by the application in the moment in which it is used. If it ends before any byte of
//! the answer, the request is sent once more on a new connection. The application may then see it twice, with the same
//! id; the answer says so ([`ConnectionUse::Resent`]). Nothing else is repeated here, and no redirect is followed.

mod answer;
mod chunks;
mod client;
mod connection;
mod error;
mod head;
mod headers;
mod malformed;
mod reader;
mod settings;
mod target;
mod tls;

pub use answer::{ConnectionUse, PostAnswer};
pub use client::EndpointClient;
pub use error::{PostError, PostProblem, RequestStep};
pub use headers::{EndpointHeaders, HeaderLines, HeaderRefused};
pub use malformed::MalformedAnswer;
pub use settings::{EndpointSettings, PostLimits};
pub use target::{EndpointUrl, EndpointUrlError};
pub use tls::{EndpointCa, EndpointCaError};
