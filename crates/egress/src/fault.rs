//! What can go wrong on the way out, and how awc's errors are read.
//!
//! Hosts and ports are named, paths, queries and credentials never.

use std::io;

use actix_http::error::ParseError;
use awc::error::{ConnectError, PayloadError, SendRequestError, WsClientError};

use crate::refusal::RefusedUpgrade;

/// Why a peer could not be reached or did not stay.
#[derive(Debug, thiserror::Error)]
pub enum NoRoute {
    /// The name could not be looked up.
    #[error("the name does not resolve")]
    Name(#[source] io::Error),
    /// Nobody listens there.
    #[error("the connection was refused")]
    Refused,
    /// The peer closed before its answer was complete.
    #[error("the connection was closed before the answer was complete")]
    Dropped,
    /// Anything else of the network.
    #[error("the network failed")]
    Network(#[source] io::Error),
}

impl NoRoute {
    pub(crate) fn of_io(error: io::Error) -> Self {
        match error.kind() {
            io::ErrorKind::ConnectionRefused => Self::Refused,
            io::ErrorKind::UnexpectedEof
            | io::ErrorKind::ConnectionReset
            | io::ErrorKind::ConnectionAborted
            | io::ErrorKind::BrokenPipe => Self::Dropped,
            _ => Self::Network(error),
        }
    }
}

/// What a request and an upgrade can both suffer. Travels through awc inside an [`io::Error`].
#[derive(Debug, thiserror::Error)]
pub(crate) enum Fault {
    #[error("took too long")]
    TimedOut,
    #[error("cannot reach {peer}")]
    Unreachable { peer: String, source: NoRoute },
    #[error("too many open files")]
    TooManyOpenFiles,
    #[error("the proxy refused")]
    ProxyRefused { status: u16 },
    #[error("the proxy wants other credentials")]
    ProxyUnauthorized,
    #[error("the proxy of {variable} cannot be used")]
    ProxyUnusable { variable: &'static str },
    #[error("no tls with {peer}")]
    Tls { peer: String, source: io::Error },
    #[error("plain text is not allowed")]
    PlainRefused,
    #[error("{reason}")]
    BadUrl { reason: &'static str },
    #[error("{detail}")]
    Protocol { detail: String },
}

impl From<Fault> for io::Error {
    fn from(fault: Fault) -> Self {
        Self::other(fault)
    }
}

/// Why a request has no answer.
#[derive(Debug, thiserror::Error)]
pub enum HttpError {
    /// The caller's deadline passed, whatever we were waiting for.
    #[error("no complete answer within the deadline")]
    TimedOut,
    /// The target, or the proxy on the way to it, could not be reached or hung up.
    #[error("cannot reach {peer}")]
    Unreachable {
        /// `host:port` of the one that was dialled.
        peer: String,
        /// Why not.
        source: NoRoute,
    },
    /// No socket was opened: all of the [budget](crate::SocketBudget) are, or the system gives no more.
    #[error("too many open files")]
    TooManyOpenFiles,
    /// The proxy did not open a tunnel.
    #[error("the proxy refused the tunnel with status {status}")]
    ProxyRefused {
        /// HTTP status of its answer.
        status: u16,
    },
    /// The proxy wants credentials, or others (407).
    #[error("the proxy refused our credentials")]
    ProxyUnauthorized,
    /// The environment names a proxy in a way that cannot be used. Nothing was sent.
    #[error("the environment variable {variable} is no proxy that can be used")]
    ProxyUnusable {
        /// The variable's name.
        variable: &'static str,
    },
    /// No TLS session: untrusted certificate, wrong name, no common version.
    #[error("no tls session with {peer}")]
    Tls {
        /// `host:port` of the target.
        peer: String,
        /// What rustls or the network said.
        source: io::Error,
    },
    /// `http://` to a host that plain text is not allowed to.
    #[error("plain http is allowed to loopback and configured hosts only")]
    PlainRefused,
    /// A URL that cannot be requested.
    #[error("unusable url: {reason}")]
    BadUrl {
        /// Why; never the URL.
        reason: &'static str,
    },
    /// The answer's body is longer than the caller's limit.
    #[error("the answer is longer than {limit_bytes} bytes")]
    BodyTooLarge {
        /// The limit.
        limit_bytes: usize,
    },
    /// The peer, or the proxy, does not speak HTTP as we know it.
    #[error("unintelligible answer: {detail}")]
    Protocol {
        /// What was wrong.
        detail: String,
    },
}

/// Why there is no WebSocket.
#[derive(Debug, thiserror::Error)]
pub enum UpgradeError {
    /// The caller's deadline passed, whatever we were waiting for.
    #[error("no upgrade within the deadline")]
    TimedOut,
    /// The target, or the proxy on the way to it, could not be reached or hung up.
    #[error("cannot reach {peer}")]
    Unreachable {
        /// `host:port` of the one that was dialled.
        peer: String,
        /// Why not.
        source: NoRoute,
    },
    /// No socket was opened: all of the [budget](crate::SocketBudget) are, or the system gives no more.
    #[error("too many open files")]
    TooManyOpenFiles,
    /// The proxy did not open a tunnel.
    #[error("the proxy refused the tunnel with status {status}")]
    ProxyRefused {
        /// HTTP status of its answer.
        status: u16,
    },
    /// The proxy wants credentials, or others (407).
    #[error("the proxy refused our credentials")]
    ProxyUnauthorized,
    /// The environment names a proxy in a way that cannot be used. Nothing was sent.
    #[error("the environment variable {variable} is no proxy that can be used")]
    ProxyUnusable {
        /// The variable's name.
        variable: &'static str,
    },
    /// No TLS session: untrusted certificate, wrong name, no common version.
    #[error("no tls session with {peer}")]
    Tls {
        /// `host:port` of the target.
        peer: String,
        /// What rustls or the network said.
        source: io::Error,
    },
    /// `ws://` to a host that plain text is not allowed to.
    #[error("plain ws is allowed to loopback and configured hosts only")]
    PlainRefused,
    /// A URL that cannot be dialled.
    #[error("unusable url: {reason}")]
    BadUrl {
        /// Why; never the URL.
        reason: &'static str,
    },
    /// The server answered the upgrade with something other than 101.
    #[error("the upgrade was refused with http status {}", .0.http_status)]
    Refused(RefusedUpgrade),
    /// The peer, or the proxy, does not speak HTTP or the WebSocket handshake as we know them.
    #[error("unintelligible answer: {detail}")]
    Protocol {
        /// What was wrong.
        detail: String,
    },
}

impl From<Fault> for HttpError {
    fn from(fault: Fault) -> Self {
        match fault {
            Fault::TimedOut => Self::TimedOut,
            Fault::Unreachable { peer, source } => Self::Unreachable { peer, source },
            Fault::TooManyOpenFiles => Self::TooManyOpenFiles,
            Fault::ProxyRefused { status } => Self::ProxyRefused { status },
            Fault::ProxyUnauthorized => Self::ProxyUnauthorized,
            Fault::ProxyUnusable { variable } => Self::ProxyUnusable { variable },
            Fault::Tls { peer, source } => Self::Tls { peer, source },
            Fault::PlainRefused => Self::PlainRefused,
            Fault::BadUrl { reason } => Self::BadUrl { reason },
            Fault::Protocol { detail } => Self::Protocol { detail },
        }
    }
}

impl From<Fault> for UpgradeError {
    fn from(fault: Fault) -> Self {
        match fault {
            Fault::TimedOut => Self::TimedOut,
            Fault::Unreachable { peer, source } => Self::Unreachable { peer, source },
            Fault::TooManyOpenFiles => Self::TooManyOpenFiles,
            Fault::ProxyRefused { status } => Self::ProxyRefused { status },
            Fault::ProxyUnauthorized => Self::ProxyUnauthorized,
            Fault::ProxyUnusable { variable } => Self::ProxyUnusable { variable },
            Fault::Tls { peer, source } => Self::Tls { peer, source },
            Fault::PlainRefused => Self::PlainRefused,
            Fault::BadUrl { reason } => Self::BadUrl { reason },
            Fault::Protocol { detail } => Self::Protocol { detail },
        }
    }
}

/// Reads what awc says of a request to `peer`.
pub(crate) fn of_request(error: SendRequestError, peer: &str) -> Fault {
    match error {
        SendRequestError::Timeout | SendRequestError::Connect(ConnectError::Timeout) => {
            Fault::TimedOut
        }
        SendRequestError::Connect(ConnectError::Io(error)) => of_connect(error, peer),
        SendRequestError::Connect(ConnectError::Disconnected) => Fault::Unreachable {
            peer: peer.to_owned(),
            source: NoRoute::Dropped,
        },
        SendRequestError::Send(error) | SendRequestError::Response(ParseError::Io(error)) => {
            of_transfer(error, peer)
        }
        SendRequestError::Response(ParseError::Timeout) => Fault::TimedOut,
        other => Fault::Protocol {
            detail: other.to_string(),
        },
    }
}

/// Reads what awc says of an upgrade at `peer`.
pub(crate) fn of_upgrade(error: WsClientError, peer: &str) -> UpgradeError {
    match error {
        WsClientError::SendRequest(SendRequestError::Custom(error, context)) => {
            match error.downcast::<RefusedUpgrade>() {
                Ok(refused) => UpgradeError::Refused(*refused),
                Err(error) => of_request(SendRequestError::Custom(error, context), peer).into(),
            }
        }
        WsClientError::SendRequest(error) => of_request(error, peer).into(),
        other => UpgradeError::Protocol {
            detail: other.to_string(),
        },
    }
}

/// Reads what awc says of a body from `peer`.
pub(crate) fn of_body(error: PayloadError, peer: &str) -> Fault {
    match error {
        PayloadError::Io(error) | PayloadError::Incomplete(Some(error)) => of_transfer(error, peer),
        PayloadError::Incomplete(None) => Fault::Unreachable {
            peer: peer.to_owned(),
            source: NoRoute::Dropped,
        },
        other => Fault::Protocol {
            detail: other.to_string(),
        },
    }
}

/// Our dialer wraps all that goes wrong before TLS as [`Fault`]; the rest is the handshake's.
fn of_connect(error: io::Error, peer: &str) -> Fault {
    match error.downcast::<Fault>() {
        Ok(fault) => fault,
        // The host is no name a certificate could be for.
        Err(source) if source.kind() == io::ErrorKind::InvalidInput => Fault::Tls {
            peer: peer.to_owned(),
            source,
        },
        Err(error) => of_transfer(error, peer),
    }
}

/// What rustls says is TLS, at any time: a TLS 1.3 server refuses late. What the socket says is the
/// network, even in the middle of a handshake.
fn of_transfer(error: io::Error, peer: &str) -> Fault {
    let peer = peer.to_owned();
    if error
        .get_ref()
        .is_some_and(|inner| inner.is::<rustls::Error>())
    {
        return Fault::Tls {
            peer,
            source: error,
        };
    }
    Fault::Unreachable {
        peer,
        source: NoRoute::of_io(error),
    }
}
