//! Which setback an answer of the platform is: a bootstrap code, an HTTP status, a refused upgrade, a subscription.
//!
//! The codes are those of `ws/const.go` (oapi-sdk-go), `const.py` (lark-oapi) and `enum.ts` (node-sdk).

use longwire_wire::endpoint::{HandshakeRefusal, code};
use longwire_wire::wecom::code as wecom;

use super::Setback;

impl Setback {
    /// What a bootstrap answer with a code other than 0 means.
    #[must_use]
    pub fn of_bootstrap_code(code: i64, msg: &str) -> Self {
        match code {
            code::SYSTEM_BUSY => Self::SystemBusy,
            // This code was seen with this text (CodePilot#323). Its meaning with another text is undocumented.
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

    /// What a bootstrap answer with an HTTP status other than 200 means. `body` has the code and the text of the body, if
    /// the platform wrote it. A known code decides; the platform sends its rate limit with 400 or 429. With a server error
    /// (5xx) or a 429, only a rate limit in the body counts, because every other cause may be temporary.
    #[must_use]
    pub fn of_http_status(status: u16, body: Option<(i64, &str)>) -> Self {
        let by_code = body.map(|(code, msg)| Self::of_bootstrap_code(code, msg));
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

    /// What a failed answer to `aibot_subscribe` means. The code decides; the text is ignored.
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
}
