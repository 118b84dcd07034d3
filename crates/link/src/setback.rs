//! Why an attempt or a connection ended, and what follows from it.
//!
//! This module is the only place that turns a code of the platform, an HTTP status, a refused upgrade or a lost socket
//! into a decision.
//!
//! Some errors make the official SDKs give up for good ("fatal"). Here such an installation is *refused*: it waits for
//! an operator, shows the reason, and tries again slowly, because a secret may also be corrected on the platform's side.
//!
//! WeCom has no bootstrap. Its codes answer `aibot_subscribe` on the open connection. Its official SDK takes each of them
//! for wrong credentials, the rate limit included.

mod answer;
mod disposition;
mod next_step;
mod tls_fault;

pub use disposition::{Disposition, RetryPace};
pub use tls_fault::TlsFault;

/// Why an attempt or a connection ended. `Display` says it in words.
#[derive(Copy, Clone, PartialEq, Eq, Debug, thiserror::Error)]
pub enum Setback {
    /// Bootstrap code 1, or 1000040345 with the text "system busy".
    #[error("the platform says that it is busy")]
    SystemBusy,
    /// Bootstrap code 1000040343.
    #[error("the platform reports an internal error")]
    PlatformInternal,
    /// Bootstrap code 1000040350.
    #[error("the app has more connections than the platform allows")]
    ConnectionLimit,
    /// Bootstrap code 1000040351.
    #[error("the app belongs to the other cloud")]
    WrongDomain,
    /// Bootstrap code 403.
    #[error("the platform forbids this app to connect")]
    Forbidden,
    /// Bootstrap code 514.
    #[error("the platform does not accept the app id and secret")]
    AuthFailed,
    /// Any other bootstrap code than 0.
    #[error("the platform refused with code {0}")]
    UnknownCode(i64),
    /// A code of the platform that means "too often", whatever the HTTP status.
    #[error("the platform limits the rate of this app's calls, code {0}")]
    RateLimited(i64),
    /// The bootstrap call was answered with another HTTP status than 200.
    #[error("the platform answered with http status {0}")]
    HttpStatus(u16),
    /// No connection to the platform: name resolution, routing, refusal, or the network broke off.
    #[error("the platform cannot be reached")]
    Unreachable,
    /// The bootstrap call took too long.
    #[error("the platform did not answer in time")]
    TimedOut,
    /// The bootstrap answer cannot be read.
    #[error("the platform's answer is not the expected json")]
    NotJson,
    /// The bootstrap answer has no usable connection URL.
    #[error("the platform answered without a connection url")]
    NoUrl,
    /// The proxy refused the tunnel with this status.
    #[error("the proxy refused with http status {status}")]
    ProxyRefused {
        /// The proxy's HTTP status.
        status: u16,
    },
    /// The proxy requires credentials or did not accept ours.
    #[error("the proxy does not accept its credentials")]
    ProxyUnauthorized,
    /// The proxy setting of this installation cannot be read. Nothing was sent.
    #[error("the proxy setting cannot be used")]
    ProxyUnusable,
    /// The TLS handshake failed.
    #[error("tls with the platform failed")]
    TlsFailed(TlsFault),
    /// The upgrade was refused with `Handshake-Status` 514.
    #[error("the platform did not accept the connection's ticket{}", OptionalCode(*sub))]
    HandshakeAuth {
        /// `Handshake-Autherrcode`, when present.
        sub: Option<i64>,
    },
    /// The upgrade was refused with `Handshake-Status` 403, or HTTP 403 without that header.
    #[error("the platform forbids the connection")]
    HandshakeForbidden,
    /// The upgrade was refused in any other way.
    #[error("the platform refused the connection with http status {http}{}", OptionalCode(*status))]
    HandshakeRefused {
        /// The HTTP status.
        http: u16,
        /// `Handshake-Status`, when present.
        status: Option<i64>,
    },
    /// The upgrade took too long.
    #[error("the connection was not established in time")]
    HandshakeTimedOut,
    /// A close frame came, or the stream ended in order, without a code.
    #[error("the platform closed the connection{}", OptionalCode(code.map(i64::from)))]
    ClosedByPlatform {
        /// The close code, when there was one.
        code: Option<u16>,
    },
    /// The connection broke.
    #[error("the connection broke")]
    Reset,
    /// A ping stayed unanswered, or this host slept.
    #[error("the connection went silent")]
    Silent,
    /// A write failed or took too long.
    #[error("writing to the connection failed")]
    WriteFailed,
    /// The other side sent bytes that break the WebSocket protocol.
    #[error("the other side broke the websocket protocol")]
    ProtocolViolation,
    /// The unfinished messages of all connections together take too much memory.
    #[error("too much memory is taken by messages that have not wholly come")]
    NoMemory,
    /// The code that served the connection panicked.
    #[error("the connection's own code panicked")]
    Panicked,
    /// `aibot_subscribe` was answered with 853000, 93019 or 40058.
    #[error("the platform does not accept the bot id and secret, code {code}")]
    CredentialsRefused {
        /// The code of the answer.
        code: i64,
    },
    /// `aibot_subscribe` was answered with 45009.
    #[error("the bot subscribed more often than the platform allows")]
    SubscribeLimited,
    /// `aibot_subscribe` was answered with any other code than 0, or with none.
    #[error("the platform did not accept the subscription{}", OptionalCode(*code))]
    SubscribeFailed {
        /// The code of the answer, if it has one.
        code: Option<i64>,
    },
    /// `aibot_subscribe` was not answered.
    #[error("the platform did not answer the subscription in time")]
    SubscribeTimedOut,
    /// A command on a connection that had subscribed was answered with 846609.
    #[error("the platform has forgotten the subscription")]
    NotSubscribed,
    /// `disconnected_event`: another connection of the same bot subscribed.
    #[error("another program connected with the same bot")]
    Displaced,
    /// There is no secret, it has an impossible form, or it cannot be unsealed.
    #[error("there is no secret that can be used")]
    NoSecret,
    /// An older installation that is to run is the same bot.
    #[error("another installation is the same bot")]
    SameBot,
    /// As many other installations of its space are connected as may be.
    #[error("its space has as many connections as it may have")]
    SpaceLimit,
    /// The address policy forbids the address, for instance plain `http` to a host that is not listed.
    #[error("the address is not allowed here")]
    AddressRefused,
    /// No socket was opened, because this process or this host has too many open files.
    #[error("too many files are open for one more connection")]
    TooManyOpenFiles,
}

/// Writes an optional code behind the text of a reason.
struct OptionalCode(Option<i64>);

impl std::fmt::Display for OptionalCode {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        self.0.map_or(Ok(()), |code| write!(f, ", code {code}"))
    }
}

impl Setback {
    /// A stable name for counters, logs and interfaces.
    #[must_use]
    pub fn label(&self) -> &'static str {
        match self {
            Self::SystemBusy => "system_busy",
            Self::PlatformInternal => "platform_internal",
            Self::ConnectionLimit => "connection_limit",
            Self::WrongDomain => "wrong_domain",
            Self::Forbidden => "forbidden",
            Self::AuthFailed => "auth_failed",
            Self::UnknownCode(_) => "unknown_code",
            Self::HttpStatus(_) => "http_status",
            Self::Unreachable => "unreachable",
            Self::TimedOut => "timed_out",
            Self::NotJson => "not_json",
            Self::NoUrl => "no_url",
            Self::ProxyRefused { .. } => "proxy_refused",
            Self::ProxyUnauthorized => "proxy_unauthorized",
            Self::ProxyUnusable => "proxy_unusable",
            Self::TlsFailed(_) => "tls_failed",
            Self::RateLimited(_) => "rate_limited",
            Self::HandshakeAuth { .. } => "handshake_auth",
            Self::HandshakeForbidden => "handshake_forbidden",
            Self::HandshakeRefused { .. } => "handshake_refused",
            Self::HandshakeTimedOut => "handshake_timed_out",
            Self::ClosedByPlatform { .. } => "closed_by_platform",
            Self::Reset => "reset",
            Self::Silent => "silent",
            Self::WriteFailed => "write_failed",
            Self::ProtocolViolation => "protocol_violation",
            Self::NoMemory => "no_memory",
            Self::Panicked => "panicked",
            Self::CredentialsRefused { .. } => "credentials_refused",
            Self::SubscribeLimited => "subscribe_limited",
            Self::SubscribeFailed { .. } => "subscribe_failed",
            Self::SubscribeTimedOut => "subscribe_timed_out",
            Self::NotSubscribed => "not_subscribed",
            Self::Displaced => "displaced",
            Self::NoSecret => "no_secret",
            Self::SameBot => "same_bot",
            Self::SpaceLimit => "space_limit",
            Self::AddressRefused => "address_refused",
            Self::TooManyOpenFiles => "too_many_open_files",
        }
    }
}

#[cfg(test)]
mod tests;
