//! Errors of the platform's calls in the words of the link. What follows from each is decided there
//! (`longwire_link::Setback`), not here.

use longwire_egress::{EgressError, HttpError, TlsProblem, UpgradeError};
use longwire_installation::Platform;
use longwire_link::{Setback, TlsFault};
use longwire_platform::DialError;
use longwire_platform::feishu::EndpointError;
use longwire_platform::wecom::SubscribeError;

/// Why there is no endpoint.
#[must_use]
pub fn of_endpoint(error: &EndpointError) -> Setback {
    match error {
        EndpointError::Code { code, msg } => Setback::of_bootstrap_code(*code, msg),
        EndpointError::HttpStatus { status, code, msg } => {
            Setback::of_http_status(*status, code.map(|code| (code, msg.as_str())))
        }
        EndpointError::NotJson => Setback::NotJson,
        EndpointError::NoUrl | EndpointError::BadUrl(_) => Setback::NoUrl,
        EndpointError::NoSecret => Setback::NoSecret,
        EndpointError::Http(error) => of_http(error),
    }
}

fn of_http(error: &HttpError) -> Setback {
    match error {
        HttpError::Egress(EgressError::TimedOut) => Setback::TimedOut,
        HttpError::Egress(EgressError::Protocol { .. }) | HttpError::BodyTooLarge { .. } => {
            Setback::NotJson
        }
        HttpError::Egress(error) => of_egress(error),
    }
}

/// Why there is no connection.
#[must_use]
pub fn of_dial(platform: Platform, error: &DialError) -> Setback {
    match error {
        DialError::Refused(refusal) if platform == Platform::Wecom => Setback::HandshakeRefused {
            // A bot is refused after the upgrade. Before it there is nothing of the platform's to know the bot by.
            http: refusal.http_status,
            status: None,
        },
        DialError::Refused(refusal) => Setback::of_handshake(refusal),
        DialError::Upgrade(UpgradeError::Egress(error)) => of_egress(error),
        DialError::Upgrade(UpgradeError::Refused(refused)) => Setback::HandshakeRefused {
            http: refused.http_status,
            status: None,
        },
    }
}

/// Why a bot of WeCom did not subscribe.
pub(crate) fn of_subscribe(error: &SubscribeError) -> Setback {
    match error {
        SubscribeError::Refused { code } => Setback::of_subscribe(*code),
        SubscribeError::TimedOut => Setback::SubscribeTimedOut,
        SubscribeError::Ended => Setback::ClosedByPlatform { code: None },
        SubscribeError::Protocol => Setback::ProtocolViolation,
        SubscribeError::Io(_) => Setback::Reset,
    }
}

/// Why nothing came back of an upgrade, and with two exceptions of a request.
fn of_egress(error: &EgressError) -> Setback {
    match error {
        EgressError::TimedOut => Setback::HandshakeTimedOut,
        EgressError::Unreachable { .. } => Setback::Unreachable,
        EgressError::TooManyOpenFiles => Setback::TooManyOpenFiles,
        EgressError::ProxyRefused { status } => Setback::ProxyRefused { status: *status },
        EgressError::ProxyUnauthorized => Setback::ProxyUnauthorized,
        EgressError::ProxyUnusable { .. } => Setback::ProxyUnusable,
        EgressError::Tls { source, .. } => of_tls(source),
        EgressError::PlainRefused { .. } | EgressError::BadUrl { .. } => Setback::AddressRefused,
        EgressError::Protocol { .. } => Setback::ProtocolViolation,
    }
}

fn of_tls(error: &std::io::Error) -> Setback {
    Setback::TlsFailed(match TlsProblem::of(error) {
        TlsProblem::Untrusted => TlsFault::Untrusted,
        TlsProblem::AuthorityAsServer => TlsFault::AuthorityAsServer,
        TlsProblem::WrongName => TlsFault::WrongName,
        TlsProblem::OutOfTime => TlsFault::OutOfTime,
        TlsProblem::Other => TlsFault::Other,
    })
}

/// The text of the platform or the network. It holds no secret and no URL, since those types cannot be printed.
pub(crate) fn detail_of_endpoint(error: &EndpointError) -> String {
    match error {
        EndpointError::Code { code, msg }
        | EndpointError::HttpStatus {
            code: Some(code),
            msg,
            ..
        } => {
            let msg: String = msg.chars().take(200).collect();
            if msg.is_empty() {
                format!("code {code}")
            } else {
                format!("code {code}, {msg}")
            }
        }
        EndpointError::Http(error) => chain(error),
        EndpointError::BadUrl(error) => chain(error),
        EndpointError::HttpStatus { code: None, .. }
        | EndpointError::NotJson
        | EndpointError::NoUrl
        | EndpointError::NoSecret => String::new(),
    }
}

/// An error and its causes in one line, for people.
#[must_use]
pub fn chain(error: &dyn std::error::Error) -> String {
    let mut text = error.to_string();
    let mut source = error.source();
    while let Some(cause) = source {
        let cause_text = cause.to_string();
        // Transparent errors repeat their cause.
        if !text.ends_with(&cause_text) {
            text.push_str(": ");
            text.push_str(&cause_text);
        }
        source = cause.source();
    }
    text
}
