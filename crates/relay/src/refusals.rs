//! Whom the relay did not let in, and why: what the client is not told, for the operator.

use std::collections::{BTreeMap, VecDeque};
use std::net::SocketAddr;
use std::sync::{Mutex, MutexGuard, PoisonError};

use longwire_access::{TokenId, TokenRefusal};

/// The last ones are kept: enough to see what a client that tries again and again is refused for.
const KEPT: usize = 64;
/// Of a text that a client sent.
const TEXT_CHARS: usize = 96;

/// Why a connection was refused.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum RefusalCause {
    /// The secret is no token of ours. Perhaps it is the app's own, which nobody but longwire needs.
    NoToken,
    /// No token has this id.
    TokenUnknown,
    /// The token's secret half is wrong.
    TokenWrong,
    /// The token was revoked.
    TokenRevoked,
    /// The token's time is over.
    TokenExpired,
    /// The token has no scope for this.
    ScopeMissing,
    /// The token asks more often than it may.
    TooOften,
    /// The token may have no bot of this app id.
    NoSuchBot,
    /// The consumer of this token and bot is stopped.
    ConsumerStopped,
    /// Its space, or the process, has as many connections or consumers as it may have.
    Full,
    /// The store or delivery cannot do it now.
    NotReady,
    /// The process is about to end.
    Draining,
    /// The URL was used before, is too old, or was never given.
    TicketRefused,
    /// The request is none of this protocol.
    Malformed,
}

impl RefusalCause {
    /// Its stable name.
    #[must_use]
    pub fn label(self) -> &'static str {
        match self {
            Self::NoToken => "no_token",
            Self::TokenUnknown => "token_unknown",
            Self::TokenWrong => "token_wrong",
            Self::TokenRevoked => "token_revoked",
            Self::TokenExpired => "token_expired",
            Self::ScopeMissing => "scope_missing",
            Self::TooOften => "too_often",
            Self::NoSuchBot => "no_such_bot",
            Self::ConsumerStopped => "consumer_stopped",
            Self::Full => "full",
            Self::NotReady => "not_ready",
            Self::Draining => "draining",
            Self::TicketRefused => "ticket_refused",
            Self::Malformed => "malformed",
        }
    }

    /// What the operator can do.
    #[must_use]
    pub fn advice(self) -> &'static str {
        match self {
            Self::NoToken => {
                "give the program a token of `longwire tokens create NAME --scope relay` as the app's secret; the app's own secret stays in longwire"
            }
            Self::TokenUnknown | Self::TokenWrong => {
                "give the program a valid token: `longwire tokens list` shows which there are"
            }
            Self::TokenRevoked | Self::TokenExpired => {
                "make a new token and give it to the program"
            }
            Self::ScopeMissing => "make a token with the scope `relay`",
            Self::TooOften => "look why the program connects again and again",
            Self::NoSuchBot => {
                "compare the app id with `longwire installations list`; the token has to be of the bot's space and not be narrowed to other bots"
            }
            Self::ConsumerStopped => "start the consumer: `longwire consumers start NAME`",
            Self::Full => {
                "end connections that nobody needs, or raise `relay.connections` and the limit on open files"
            }
            Self::NotReady => "it is tried again by the program; `/readyz` says what is wrong",
            Self::Draining => "nothing: the program comes back when longwire has started again",
            Self::TicketRefused => {
                "nothing, unless it repeats: then something connects twice with one URL"
            }
            Self::Malformed => "look whether the program speaks the platform's protocol",
        }
    }

    /// The cause that a token's refusal is.
    pub(crate) fn of_token(refusal: TokenRefusal) -> Self {
        match refusal {
            TokenRefusal::Unknown => Self::TokenUnknown,
            TokenRefusal::WrongDigest => Self::TokenWrong,
            TokenRefusal::Revoked => Self::TokenRevoked,
            TokenRefusal::Expired => Self::TokenExpired,
        }
    }
}

/// One refusal.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RefusedConnection {
    /// When, in milliseconds since 1970.
    pub at_ms: i64,
    /// Why.
    pub cause: RefusalCause,
    /// The app or bot that was named, where such a bot is known here. Anything else may be a secret in the wrong place.
    pub app_id: Option<String>,
    /// The token's id, where one was presented.
    pub token: Option<TokenId>,
    /// Where the request came from.
    pub peer: Option<SocketAddr>,
    /// What the client calls itself (`User-Agent`), shortened.
    pub agent: Option<String>,
}

/// All refusals since the start, counted, and the last of them.
#[derive(Default)]
pub(crate) struct Refusals(Mutex<Kept>);

#[derive(Default)]
struct Kept {
    counts: BTreeMap<RefusalCause, u64>,
    last: VecDeque<RefusedConnection>,
}

impl Refusals {
    pub(crate) fn add(&self, refused: RefusedConnection) {
        tracing::debug!(
            cause = refused.cause.label(),
            app_id = refused.app_id,
            token = refused.token.map(tracing::field::display),
            "a connection of an application was refused"
        );
        let mut kept = self.kept();
        *kept.counts.entry(refused.cause).or_default() += 1;
        if kept.last.len() >= KEPT {
            kept.last.pop_front();
        }
        kept.last.push_back(refused);
    }

    pub(crate) fn counts(&self) -> Vec<(RefusalCause, u64)> {
        let kept = self.kept();
        kept.counts
            .iter()
            .map(|(cause, count)| (*cause, *count))
            .collect()
    }

    pub(crate) fn last(&self) -> Vec<RefusedConnection> {
        self.kept().last.iter().rev().cloned().collect()
    }

    fn kept(&self) -> MutexGuard<'_, Kept> {
        // Counts and a list: whole after any panic.
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// A text of a client as it may be shown: no control characters, not long.
pub(crate) fn shown(text: &str) -> String {
    let shown = text.chars().filter(|letter| !letter.is_control());
    shown.take(TEXT_CHARS).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_last_are_kept_and_all_are_counted() {
        let refusals = Refusals::default();
        for at_ms in 0..100 {
            refusals.add(RefusedConnection {
                at_ms,
                cause: RefusalCause::NoToken,
                app_id: None,
                token: None,
                peer: None,
                agent: Some(shown("oapi-sdk-go\u{7}/1")),
            });
        }
        assert_eq!(refusals.counts(), [(RefusalCause::NoToken, 100)]);
        let last = refusals.last();
        assert_eq!((last.len(), last[0].at_ms), (KEPT, 99));
        assert_eq!(last[0].agent.as_deref(), Some("oapi-sdk-go/1"));
    }
}
