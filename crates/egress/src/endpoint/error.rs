//! Why a post has no answer, and what is known of the request.

use std::io;

use super::malformed::MalformedAnswer;
use crate::address_filter::BlockedAddress;
use crate::dial::FilteredDialError;
use crate::error::{EgressError, NoRoute};
use crate::tls::TlsProblem;

/// A post without an answer.
#[derive(Debug, thiserror::Error)]
#[error("{problem}")]
pub struct PostError {
    /// What happened.
    #[source]
    pub problem: PostProblem,
    /// Whether the application may have the whole request, once or twice.
    pub may_have_arrived: bool,
    /// Whether the request was written to a kept connection before, which was closed without an answer.
    pub resent: bool,
}

/// What a request was at when it ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum RequestStep {
    /// Lookup, proxy, TCP or TLS.
    Connecting,
    /// Writing the request.
    Sending,
    /// The request is written, and no byte of the answer has come.
    AwaitingAnswer,
    /// A part of the answer has come.
    ReadingAnswer,
}

/// Why there is no answer. Texts name host and port, and never a path, a query or a header.
#[derive(Debug, thiserror::Error)]
pub enum PostProblem {
    /// The name could not be looked up.
    #[error("the name of {peer} does not resolve")]
    Name {
        /// `host:port` that was to be dialled.
        peer: String,
        /// What the system said.
        source: io::Error,
    },
    /// The name leads to addresses alone that webhooks must not be delivered to. Nothing was sent.
    #[error(transparent)]
    Blocked(BlockedAddress),
    /// Plain text to an address of the internet. Nothing was sent.
    #[error(
        "plain http is for networks of webhooks.allow_networks and hosts of egress.plain_http_hosts; use https"
    )]
    PlainRefused,
    /// Nobody listens there: the application, or the proxy on the way to it, does not run at the moment.
    #[error("{peer} refused the connection")]
    Refused {
        /// `host:port` that was dialled.
        peer: String,
    },
    /// The network has no way to the peer.
    #[error("cannot reach {peer}")]
    Unreachable {
        /// `host:port` that was dialled.
        peer: String,
        /// What the system said.
        source: io::Error,
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
    /// The proxy does not speak HTTP as we know it.
    #[error("unintelligible proxy: {detail}")]
    ProxyUnintelligible {
        /// What was wrong.
        detail: String,
    },
    /// No TLS session: untrusted certificate, wrong name, no common version.
    #[error("no tls session with {peer}")]
    Tls {
        /// `host:port` of the endpoint.
        peer: String,
        /// What is wrong with its certificate, if that is it.
        problem: TlsProblem,
        /// What rustls said.
        source: io::Error,
    },
    /// The deadline passed.
    #[error("no answer within the deadline ({step})")]
    TimedOut {
        /// What was under way.
        step: RequestStep,
    },
    /// The connection was closed or reset before the answer was complete.
    #[error("{peer} closed the connection ({step})")]
    Dropped {
        /// `host:port` that was dialled.
        peer: String,
        /// What was under way.
        step: RequestStep,
    },
    /// The answer is no HTTP.
    #[error("unintelligible answer of {peer}: {reason}")]
    Malformed {
        /// `host:port` of the endpoint.
        peer: String,
        /// What was wrong.
        reason: MalformedAnswer,
    },
}

impl std::fmt::Display for RequestStep {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(match self {
            Self::Connecting => "while connecting",
            Self::Sending => "before the request was sent",
            Self::AwaitingAnswer => "after the request was sent",
            Self::ReadingAnswer => "within the answer",
        })
    }
}

impl RequestStep {
    /// Whether the whole request was written.
    fn is_past_sending(self) -> bool {
        match self {
            Self::Connecting | Self::Sending => false,
            Self::AwaitingAnswer | Self::ReadingAnswer => true,
        }
    }
}

impl PostProblem {
    /// Whether the application may have the whole request when a post ends so, at `step`.
    pub(super) fn leaves_open_whether_it_arrived(&self, step: RequestStep) -> bool {
        match self {
            Self::TimedOut { step } | Self::Dropped { step, .. } => step.is_past_sending(),
            // In TLS 1.3 a server refuses our half when the request may be sent already. Its alert does not tell that from a
            // failure with the request in hand.
            Self::Tls { .. } => step.is_past_sending(),
            // A network that was there when the request was sent.
            Self::Unreachable { .. } => step.is_past_sending(),
            Self::Malformed { .. } => true,
            Self::Name { .. }
            | Self::Blocked(_)
            | Self::PlainRefused
            | Self::Refused { .. }
            | Self::TooManyOpenFiles
            | Self::ProxyRefused { .. }
            | Self::ProxyUnauthorized
            | Self::ProxyUnusable { .. }
            | Self::ProxyUnintelligible { .. } => false,
        }
    }

    /// The problem of a connection to `peer` that failed at `step`.
    pub(super) fn of_io(error: io::Error, peer: &str, step: RequestStep) -> Self {
        let peer = peer.to_owned();
        if error
            .get_ref()
            .is_some_and(|inner| inner.is::<rustls::Error>())
        {
            return Self::Tls {
                peer,
                problem: TlsProblem::of(&error),
                source: error,
            };
        }
        match NoRoute::of_io(error) {
            NoRoute::Refused => Self::Refused { peer },
            NoRoute::Dropped => Self::Dropped { peer, step },
            NoRoute::Name(source) | NoRoute::Network(source) => Self::Unreachable { peer, source },
        }
    }
}

impl From<FilteredDialError> for PostProblem {
    fn from(error: FilteredDialError) -> Self {
        match error {
            FilteredDialError::Blocked(blocked) => Self::Blocked(blocked),
            FilteredDialError::Failed(error) => Self::from(error),
        }
    }
}

impl From<EgressError> for PostProblem {
    fn from(error: EgressError) -> Self {
        let step = RequestStep::Connecting;
        match error {
            EgressError::TimedOut => Self::TimedOut { step },
            EgressError::Unreachable { peer, source } => match source {
                NoRoute::Name(source) => Self::Name { peer, source },
                NoRoute::Refused => Self::Refused { peer },
                NoRoute::Dropped => Self::Dropped { peer, step },
                NoRoute::Network(source) => Self::Unreachable { peer, source },
            },
            EgressError::TooManyOpenFiles => Self::TooManyOpenFiles,
            EgressError::ProxyRefused { status } => Self::ProxyRefused { status },
            EgressError::ProxyUnauthorized => Self::ProxyUnauthorized,
            EgressError::ProxyUnusable { variable } => Self::ProxyUnusable { variable },
            EgressError::Tls { peer, source } => Self::Tls {
                peer,
                problem: TlsProblem::of(&source),
                source,
            },
            EgressError::PlainRefused { .. } => Self::PlainRefused,
            EgressError::BadUrl { reason } => Self::ProxyUnintelligible {
                detail: reason.to_owned(),
            },
            EgressError::Protocol { detail } => Self::ProxyUnintelligible { detail },
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_network_that_fails_after_the_request_leaves_open_whether_it_arrived() {
        use RequestStep::{AwaitingAnswer, Connecting, ReadingAnswer, Sending};
        for kind in [
            io::ErrorKind::HostUnreachable,
            io::ErrorKind::TimedOut,
            io::ErrorKind::ConnectionReset,
        ] {
            for (step, expected) in [
                (Connecting, false),
                (Sending, false),
                (AwaitingAnswer, true),
                (ReadingAnswer, true),
            ] {
                let problem = PostProblem::of_io(kind.into(), "app:80", step);
                let leaves_open = problem.leaves_open_whether_it_arrived(step);
                assert_eq!(leaves_open, expected, "{problem:?} {step:?}");
            }
        }
    }
}
