//! Why an attempt or a connection ended, and what follows from it.
//!
//! This file is the only place that turns a code of the platform, an HTTP status, a refused upgrade or a lost
//! socket into a decision. [`Setback::disposition`] is one exhaustive match: a new way to fail has to choose.
//!
//! The codes are those of `ws/const.go` (oapi-sdk-go), `const.py` (lark-oapi) and `enum.ts` (node-sdk). Where the
//! official SDKs give up for good ("fatal"), an installation here is *refused*: it waits for somebody to act,
//! says so, and probes slowly, since a secret may be corrected on the platform's side as well.
//!
//! WeCom has no bootstrap; its codes answer `aibot_subscribe` on the open connection, where its official SDK counts
//! every one as wrong credentials, the rate limit included.

mod next_step;

use longwire_wire::endpoint::{HandshakeRefusal, code};
use longwire_wire::wecom::code as wecom;

/// One reason for the end of an attempt or a connection. `Display` is the reason in words.
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
    /// The proxy does not let us through, with this status.
    #[error("the proxy refused with http status {status}")]
    ProxyRefused {
        /// What it answered.
        status: u16,
    },
    /// The proxy wants credentials, or other ones.
    #[error("the proxy does not accept its credentials")]
    ProxyUnauthorized,
    /// The proxy setting that holds for this installation cannot be read. Nothing went out.
    #[error("the proxy setting cannot be used")]
    ProxyUnusable,
    /// TLS could not be agreed on.
    #[error("tls with the platform failed")]
    TlsFailed(TlsFault),
    /// The upgrade was refused with `Handshake-Status` 514.
    #[error("the platform did not accept the connection's ticket{}", Sub(*sub))]
    HandshakeAuth {
        /// `Handshake-Autherrcode`, when present.
        sub: Option<i64>,
    },
    /// The upgrade was refused with `Handshake-Status` 403, or HTTP 403 without that header.
    #[error("the platform forbids the connection")]
    HandshakeForbidden,
    /// The upgrade was refused in any other way.
    #[error("the platform refused the connection with http status {http}{}", Sub(*status))]
    HandshakeRefused {
        /// The HTTP status.
        http: u16,
        /// `Handshake-Status`, when present.
        status: Option<i64>,
    },
    /// The upgrade took too long.
    #[error("the connection was not established in time")]
    HandshakeTimedOut,
    /// A close frame came, or the stream ended in order (no code).
    #[error("the platform closed the connection{}", Sub(code.map(i64::from)))]
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
    /// What came is no WebSocket traffic.
    #[error("the other side broke the websocket protocol")]
    ProtocolViolation,
    /// Together with those of all other connections, what has come of a message that is not whole takes too much memory.
    #[error("too much memory is taken by messages that have not wholly come")]
    NoMemory,
    /// The code that served the connection panicked.
    #[error("the connection's own code panicked")]
    Panicked,
    /// `aibot_subscribe` was answered with 853000, 93019 or 40058.
    #[error("the platform does not accept the bot id and secret, code {code}")]
    CredentialsRefused {
        /// What it answered.
        code: i64,
    },
    /// `aibot_subscribe` was answered with 45009.
    #[error("the bot subscribed more often than the platform allows")]
    SubscribeLimited,
    /// `aibot_subscribe` was answered with any other code than 0, or with none.
    #[error("the platform did not accept the subscription{}", Sub(*code))]
    SubscribeFailed {
        /// What it answered.
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
    /// There is no secret, it cannot be one, or it cannot be unsealed.
    #[error("there is no secret that can be used")]
    NoSecret,
    /// An older installation that is wanted is the same bot.
    #[error("another installation is the same bot")]
    SameBot,
    /// Our own policy forbids the address, for instance plain `http` to a foreign host.
    #[error("the address is not allowed here")]
    AddressRefused,
    /// No socket was opened: this process, or this host, may open no more files.
    #[error("too many files are open for one more connection")]
    TooManyOpenFiles,
}

/// What TLS failed over, as far as it changes what somebody can do about it.
#[derive(Copy, Clone, PartialEq, Eq, Debug)]
pub enum TlsFault {
    /// Nobody who is trusted here vouches for the certificate.
    Untrusted,
    /// The server shows the certificate of a certificate authority as its own.
    AuthorityAsServer,
    /// The certificate is for other names.
    WrongName,
    /// The certificate is not valid any more, or not yet.
    OutOfTime,
    /// Anything else, such as no common version or a peer that does not speak TLS.
    Other,
}

/// An optional number in the text of a reason.
struct Sub(Option<i64>);

impl std::fmt::Display for Sub {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        self.0.map_or(Ok(()), |code| write!(f, ", code {code}"))
    }
}

/// What follows from a setback.
#[derive(Copy, Clone, PartialEq, Eq, Debug)]
pub enum Disposition {
    /// Try again by itself.
    Retry(Pace),
    /// Somebody has to act. Probed after about 1, 2, 5 and 15 minutes, then hourly, and whenever the configuration
    /// changes.
    Refuse,
    /// Leave it to the other one, unless an operator wished to have it taken back.
    Yield,
}

/// How fast to try again.
#[derive(Copy, Clone, PartialEq, Eq, Debug)]
pub enum Pace {
    /// The nonce first, then 1 s doubling to 60 s with full jitter.
    Normal,
    /// 30 s and up to a quarter more.
    Busy,
    /// 60 s doubling to 15 min, each with up to a quarter more.
    Limited,
    /// An orderly goodbye: the nonce alone, and no error is counted.
    Clean,
}

/// Close codes of an orderly goodbye (RFC 6455, 7.4.1: normal closure, going away).
const CLEAN_CLOSES: [u16; 2] = [1000, 1001];

impl Setback {
    /// What a bootstrap answer with a code other than 0 means.
    #[must_use]
    pub fn of_bootstrap_code(code: i64, msg: &str) -> Self {
        match code {
            code::SYSTEM_BUSY => Self::SystemBusy,
            // In the field this code came with this text (CodePilot#323); with another one it means something
            // that nobody has described.
            code::BUSY_TOO if msg.to_ascii_lowercase().contains("system busy") => Self::SystemBusy,
            code::INTERNAL => Self::PlatformInternal,
            code::CONNECTION_LIMIT => Self::ConnectionLimit,
            code::WRONG_DOMAIN => Self::WrongDomain,
            code::FORBIDDEN => Self::Forbidden,
            code::AUTH_FAILED => Self::AuthFailed,
            code if code::is_rate_limit(code) => Self::RateLimited(code),
            other => Self::UnknownCode(other),
        }
    }

    /// What a bootstrap answer with an HTTP status other than 200 means, and with the code and text of its body, if it
    /// is the platform's. A code that has a meaning decides; the platform sends its rate limit with 400 or 429. Of a
    /// server's own error (5xx), and of a 429, only that is believed: whatever else the body says, it may pass.
    #[must_use]
    pub fn of_http_status(status: u16, said: Option<(i64, &str)>) -> Self {
        let by_code = said.map(|(code, msg)| Self::of_bootstrap_code(code, msg));
        match by_code {
            None | Some(Self::UnknownCode(_)) => Self::HttpStatus(status),
            Some(limit @ Self::RateLimited(_)) => limit,
            Some(_) if status >= 500 || status == 429 => Self::HttpStatus(status),
            Some(known) => known,
        }
    }

    /// What a refused upgrade means. The headers decide; without them the HTTP status does.
    #[must_use]
    pub fn of_handshake(refusal: &HandshakeRefusal) -> Self {
        match (refusal.status, refusal.http_status) {
            (Some(code::AUTH_FAILED), _) => Self::HandshakeAuth {
                sub: refusal.auth_error_code,
            },
            (Some(code::FORBIDDEN), _) | (None, 403) => Self::HandshakeForbidden,
            (status, http) => Self::HandshakeRefused { http, status },
        }
    }

    /// What an answer to `aibot_subscribe` means that is no success; codes decide, never texts.
    #[must_use]
    pub fn of_subscribe(code: Option<i64>) -> Self {
        match code {
            Some(
                code @ (wecom::INVALID_CREDENTIALS
                | wecom::INVALID_BOT_ID
                | wecom::INVALID_PARAMETER),
            ) => Self::CredentialsRefused { code },
            Some(wecom::RATE_LIMITED) => Self::SubscribeLimited,
            code => Self::SubscribeFailed { code },
        }
    }

    /// What follows. The one table.
    #[must_use]
    pub fn disposition(&self) -> Disposition {
        use Disposition::{Refuse, Retry, Yield};
        match *self {
            Self::SystemBusy => Retry(Pace::Busy),
            Self::ConnectionLimit
            | Self::SubscribeLimited
            | Self::RateLimited(_)
            | Self::HttpStatus(429)
            | Self::HandshakeAuth {
                sub: Some(code::CONNECTION_LIMIT),
            }
            | Self::HandshakeRefused {
                status: Some(code::CONNECTION_LIMIT),
                ..
            }
            | Self::HandshakeRefused {
                http: 429,
                status: None,
            } => Retry(Pace::Limited),
            Self::HandshakeAuth { sub: Some(status) }
            | Self::HandshakeRefused {
                status: Some(status),
                ..
            } if code::is_rate_limit(status) => Retry(Pace::Limited),
            Self::WrongDomain
            | Self::Forbidden
            | Self::AuthFailed
            | Self::UnknownCode(_)
            | Self::HandshakeForbidden
            | Self::ProxyUnauthorized
            | Self::CredentialsRefused { .. }
            | Self::ProxyUnusable
            | Self::NoSecret
            | Self::SameBot
            | Self::AddressRefused => Refuse,
            Self::Displaced => Yield,
            // 408 is a timeout by another name. Every other 4xx finds fault with the request, which will
            // not change by itself.
            Self::HttpStatus(status) if status != 408 && (400..500).contains(&status) => Refuse,
            Self::ClosedByPlatform { code: Some(code) } if CLEAN_CLOSES.contains(&code) => {
                Retry(Pace::Clean)
            }
            Self::PlatformInternal
            | Self::HttpStatus(_)
            | Self::Unreachable
            | Self::TimedOut
            | Self::NotJson
            | Self::NoUrl
            | Self::ProxyRefused { .. }
            | Self::TlsFailed(_)
            | Self::HandshakeAuth { .. }
            | Self::HandshakeRefused { .. }
            | Self::HandshakeTimedOut
            | Self::ClosedByPlatform { .. }
            | Self::Reset
            | Self::Silent
            | Self::WriteFailed
            | Self::ProtocolViolation
            | Self::NoMemory
            | Self::SubscribeFailed { .. }
            | Self::SubscribeTimedOut
            | Self::NotSubscribed
            | Self::TooManyOpenFiles
            | Self::Panicked => Retry(Pace::Normal),
        }
    }

    /// Whether an operator should be told even if it may pass by itself.
    #[must_use]
    pub fn alarms(&self) -> bool {
        match self.disposition() {
            Disposition::Refuse | Disposition::Yield | Disposition::Retry(Pace::Limited) => true,
            Disposition::Retry(Pace::Normal | Pace::Busy | Pace::Clean) => {
                matches!(
                    self,
                    Self::NoMemory
                        | Self::Panicked
                        | Self::TlsFailed(_)
                        | Self::ProxyRefused { .. }
                        | Self::TooManyOpenFiles
                )
            }
        }
    }

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
            Self::AddressRefused => "address_refused",
            Self::TooManyOpenFiles => "too_many_open_files",
        }
    }
}

impl TlsFault {
    /// What an operator can do about it, in one sentence.
    fn next_step(self) -> &'static str {
        match self {
            Self::Untrusted => {
                "Add the certificate authority that signed the server's certificate, or the inspecting proxy's, to the trusted ones (`tls.ca_file`)."
            }
            Self::AuthorityAsServer => {
                "The server shows the certificate of a certificate authority as its own: have it use a certificate of its own that this authority signed, and trust the authority (`tls.ca_file`)."
            }
            Self::WrongName => {
                "Use the host name that the server's certificate is for in the base URL, or have the server use a certificate for this one."
            }
            Self::OutOfTime => {
                "Check this host's clock, then the dates of the server's certificate."
            }
            Self::Other => {
                "Check that the address and port are those of a TLS server, and whether a proxy or firewall on the way ends the session."
            }
        }
    }
}

#[cfg(test)]
mod tests;
