//! Every outgoing byte: TLS, proxy, HTTP and WebSocket.
//!
//! There is one dialer. A request or an upgrade asks [`EgressSettings`] for its [`Route`], the dialer
//! resolves the name, connects straight or through `CONNECT`, and awc lays TLS and HTTP/1.1 on what
//! it returns. So a bot's bootstrap call and its WebSocket always take the same way out.
//!
//! An upgraded connection leaves this crate as [`WebSocketIo`]: the bare socket and the bytes that came
//! with the 101. Its owner reads and writes it with [`ws`], a framing that keeps nothing of an idle
//! connection.
//!
//! Every socket is opened with a permit of a [`SocketBudget`] and counted until it is closed, so that the process keeps
//! open files for everything else.
//!
//! This crate never follows a redirect, never talks plain text beyond the hosts it was told, never waits
//! longer than its caller allowed, and never names a URL's credentials in an error.

mod dial;
mod egress;
mod fault;
mod no_proxy;
mod policy;
mod proxy;
mod race;
mod refusal;
mod resolve;
mod settings;
mod sockets;
mod tls;
mod tunnel;
pub mod ws;

pub use egress::{Egress, HttpAnswer, HttpLimits, WebSocketIo};
pub use fault::{HttpError, NoRoute, UpgradeError};
pub use no_proxy::{NoProxy, NoProxyError};
pub use policy::{ProxyEnvironment, ProxyPolicy, Route, Unread};
pub use proxy::{ProxyUrl, ProxyUrlError};
pub use refusal::RefusedUpgrade;
pub use settings::EgressSettings;
pub use sockets::{SocketBudget, SocketPermit};
pub use tls::{RootsReport, TlsError, TlsProblem, tls_config};

/// What an upgraded connection reads from and writes to: TCP or TLS, boxed by awc.
pub use awc::BoxedSocket;
