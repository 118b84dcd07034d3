//! All outgoing traffic: TLS, proxy, HTTP and the upgrade to WebSocket.
//!
//! There is one dialer. It takes the [`Route`] of a request or upgrade from [`EgressSettings`], resolves the name and
//! connects directly or through a `CONNECT` tunnel. awc adds TLS and HTTP/1.1 on the socket. A bot's bootstrap call and
//! its WebSocket therefore always take the same route.
//!
//! This crate returns an upgraded connection as [`WebSocketIo`]: the socket and the bytes that came with the 101. Its
//! owner frames what it reads and writes (`longwire_wire::websocket`).
//!
//! [`Egress::stream`] passes bodies through in both directions, without ever having one whole.
//!
//! Webhooks of applications are posted to by [`endpoint`], without awc. Its connections go to addresses only that an
//! [`AddressFilter`] permits, because applications name the hosts.
//!
//! Every socket is opened with a permit of a [`SocketBudget`] and counted until it is closed, so that the process keeps
//! open files for everything else.
//!
//! This crate never follows a redirect, never sends plain text to hosts that are not allowed in the settings, never
//! waits longer than its caller's deadline, and never shows the credentials of a URL in an error.

mod address_filter;
mod address_kind;
mod dial;
mod egress;
pub mod endpoint;
mod environment;
mod error;
mod network;
mod no_proxy;
mod policy;
mod proxy;
mod race;
mod refusal;
mod resolve;
mod settings;
mod sockets;
mod streaming;
mod tls;
mod tunnel;

pub use address_filter::{AddressFilter, AllowNetworkError, BlockedAddress};
pub use address_kind::AddressKind;
pub use egress::{Egress, HttpAnswer, HttpLimits, WebSocketIo};
pub use environment::{InvalidVariable, ProxyEnvironment};
pub use error::{EgressError, HttpError, NoRoute, UpgradeError};
pub use network::{NetworkList, NetworkListError};
pub use no_proxy::{NoProxy, NoProxyError};
pub use policy::{ProxyPolicy, Route};
pub use proxy::{ProxyUrl, ProxyUrlError};
pub use refusal::RefusedUpgrade;
pub use settings::EgressSettings;
pub use sockets::{SocketBudget, SocketPermit};
pub use streaming::{
    AnswerBody, BodyError, Progress, StreamedAnswer, StreamedBody, StreamedRequest, StreamingError,
    StreamingLimits,
};
pub use tls::{RootsReport, TlsError, TlsProblem, tls_config};

/// The headers and methods of requests that are passed through.
pub use actix_http::header::{HeaderMap, HeaderName, HeaderValue};
pub use awc::http::{Method, StatusCode};

/// The socket of an upgraded connection: TCP or TLS, boxed by awc.
pub use awc::BoxedSocket;
