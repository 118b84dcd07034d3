//! The errors of requests and upgrades, and how awc's errors become one of them.
//!
//! Every error names host and port, and never a path, a query or credentials. What follows from an error is decided by
//! the caller.

use std::io;

use actix_http::error::ParseError;
use awc::error::{ConnectError, PayloadError, SendRequestError, WsClientError};

use crate::refusal::RefusedUpgrade;

/// Why a peer could not be reached, or closed early.
#[derive(Debug, thiserror::Error)]
pub enum NoRoute {
    /// The name could not be looked up.
    #[error("the name does not resolve")]
    Name(#[source] io::Error),
    /// The peer refused the TCP connection.
    #[error("the connection was refused")]
    Refused,
    /// The peer closed before its answer was complete.
    #[error("the connection was closed before the answer was complete")]
    Dropped,
    /// Any other network error.
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

/// Why nothing came back, whether a request was made or an upgrade. The dialer passes it through awc inside an
/// [`io::Error`].
#[derive(Debug, thiserror::Error)]
pub enum EgressError {
    /// The caller's deadline passed, at whatever step.
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
    /// `http://` or `ws://` to a host that plain text is not allowed to.
    #[error("plain {scheme} is allowed to loopback and configured hosts only")]
    PlainRefused {
        /// `http` or `ws`.
        scheme: String,
    },
    /// A URL that cannot be dialled.
    #[error("unusable url: {reason}")]
    BadUrl {
        /// Why; never the URL.
        reason: &'static str,
    },
    /// The peer, or the proxy, does not speak HTTP or the WebSocket handshake as we know them.
    #[error("unintelligible answer: {detail}")]
    Protocol {
        /// What was wrong.
        detail: String,
    },
}

impl From<EgressError> for io::Error {
    fn from(error: EgressError) -> Self {
        Self::other(error)
    }
}

/// Why a request has no answer.
#[derive(Debug, thiserror::Error)]
pub enum HttpError {
    /// Nothing came back, or not all of it.
    #[error(transparent)]
    Egress(#[from] EgressError),
    /// The answer's body is longer than the caller's limit.
    #[error("the answer is longer than {limit_bytes} bytes")]
    BodyTooLarge {
        /// The limit.
        limit_bytes: usize,
    },
}

/// Why there is no WebSocket.
#[derive(Debug, thiserror::Error)]
pub enum UpgradeError {
    /// Nothing came back, or nothing that was understood.
    #[error(transparent)]
    Egress(#[from] EgressError),
    /// The server answered the upgrade with something other than 101.
    #[error("the upgrade was refused with http status {}", .0.http_status)]
    Refused(RefusedUpgrade),
}

/// Converts awc's error of a request to `peer`.
pub(crate) fn of_request(error: SendRequestError, peer: &str) -> EgressError {
    match error {
        SendRequestError::Timeout | SendRequestError::Connect(ConnectError::Timeout) => {
            EgressError::TimedOut
        }
        SendRequestError::Connect(ConnectError::Io(error)) => of_connect(error, peer),
        SendRequestError::Connect(ConnectError::Disconnected) => EgressError::Unreachable {
            peer: peer.to_owned(),
            source: NoRoute::Dropped,
        },
        SendRequestError::Send(error) | SendRequestError::Response(ParseError::Io(error)) => {
            of_transfer(error, peer)
        }
        SendRequestError::Response(ParseError::Timeout) => EgressError::TimedOut,
        other => EgressError::Protocol {
            detail: other.to_string(),
        },
    }
}

/// Converts awc's error of an upgrade at `peer`.
pub(crate) fn of_upgrade(error: WsClientError, peer: &str) -> UpgradeError {
    match error {
        WsClientError::SendRequest(SendRequestError::Custom(error, context)) => {
            match error.downcast::<RefusedUpgrade>() {
                Ok(refused) => UpgradeError::Refused(*refused),
                Err(error) => of_request(SendRequestError::Custom(error, context), peer).into(),
            }
        }
        WsClientError::SendRequest(error) => of_request(error, peer).into(),
        other => UpgradeError::Egress(EgressError::Protocol {
            detail: other.to_string(),
        }),
    }
}

/// Converts awc's error of a body from `peer`.
pub(crate) fn of_body(error: PayloadError, peer: &str) -> EgressError {
    match error {
        PayloadError::Io(error) | PayloadError::Incomplete(Some(error)) => of_transfer(error, peer),
        PayloadError::Incomplete(None) => EgressError::Unreachable {
            peer: peer.to_owned(),
            source: NoRoute::Dropped,
        },
        other => EgressError::Protocol {
            detail: other.to_string(),
        },
    }
}

/// Converts an error of connecting. The dialer's own errors are inside; any other is an error of the TLS handshake.
fn of_connect(error: io::Error, peer: &str) -> EgressError {
    match error.downcast::<EgressError>() {
        Ok(fault) => fault,
        // The host is not a name that a certificate can have.
        Err(source) if source.kind() == io::ErrorKind::InvalidInput => EgressError::Tls {
            peer: peer.to_owned(),
            source,
        },
        Err(error) => of_transfer(error, peer),
    }
}

/// Converts an error of an open connection. An error of rustls counts as TLS at any time, because a TLS 1.3 server may
/// refuse after the handshake. An error of the socket counts as network, even within a handshake.
fn of_transfer(error: io::Error, peer: &str) -> EgressError {
    let peer = peer.to_owned();
    if error
        .get_ref()
        .is_some_and(|inner| inner.is::<rustls::Error>())
    {
        return EgressError::Tls {
            peer,
            source: error,
        };
    }
    EgressError::Unreachable {
        peer,
        source: NoRoute::of_io(error),
    }
}
