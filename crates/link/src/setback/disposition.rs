//! What follows from a setback: a retry, a refusal, or the bot is left to another program.
//!
//! [`Setback::disposition`] is the only table of these decisions, and it is exhaustive: a new setback has to choose.

use longwire_wire::endpoint::code;

use super::Setback;

/// What follows from a setback.
#[derive(Copy, Clone, PartialEq, Eq, Debug)]
pub enum Disposition {
    /// The link tries again.
    Retry(RetryPace),
    /// An operator has to act. The link probes after about 1, 2, 5 and 15 minutes, then hourly, and when the configuration
    /// changes.
    Refuse,
    /// The bot is left to the other program, unless the operator's policy takes it back.
    Yield,
}

/// How long to wait before the next attempt, and how the wait grows.
#[derive(Copy, Clone, PartialEq, Eq, Debug)]
pub enum RetryPace {
    /// The nonce first, then 1 s, doubling to 60 s, with full jitter.
    Normal,
    /// 30 s plus up to a quarter.
    Busy,
    /// 60 s, doubling to 15 min, each plus up to a quarter.
    Limited,
    /// The nonce alone, and no failure is counted: the platform closed the connection in order.
    Clean,
}

/// Close codes of an orderly close (RFC 6455, 7.4.1: normal closure, going away).
const CLEAN_CLOSES: [u16; 2] = [1000, 1001];

impl Setback {
    /// What follows from the setback.
    #[must_use]
    pub fn disposition(&self) -> Disposition {
        use Disposition::{Refuse, Retry, Yield};
        match *self {
            Self::SystemBusy => Retry(RetryPace::Busy),
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
            } => Retry(RetryPace::Limited),
            Self::HandshakeAuth { sub: Some(status) }
            | Self::HandshakeRefused {
                status: Some(status),
                ..
            } if code::is_rate_limit(status) => Retry(RetryPace::Limited),
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
            | Self::SpaceLimit
            | Self::AddressRefused => Refuse,
            Self::Displaced => Yield,
            // 408 is a timeout. Every other 4xx rejects the request, which does not change by itself.
            Self::HttpStatus(status) if status != 408 && (400..500).contains(&status) => Refuse,
            Self::ClosedByPlatform { code: Some(code) } if CLEAN_CLOSES.contains(&code) => {
                Retry(RetryPace::Clean)
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
            | Self::Panicked => Retry(RetryPace::Normal),
        }
    }

    /// Whether the log warns an operator of it, even if the link recovers without one.
    #[must_use]
    pub fn needs_attention(&self) -> bool {
        match self.disposition() {
            Disposition::Refuse | Disposition::Yield | Disposition::Retry(RetryPace::Limited) => {
                true
            }
            Disposition::Retry(RetryPace::Normal | RetryPace::Busy | RetryPace::Clean) => {
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
}
