//! What a route needs of its caller.

use longwire_access::Scope;

/// What a route does, as far as its rate is concerned.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum RouteClass {
    /// Shows something.
    Read,
    /// Changes or sends something.
    Write,
    /// Opens a connection that stays.
    Stream,
}

impl RouteClass {
    /// For a sentence about requests.
    pub(super) fn does(self) -> &'static str {
        match self {
            Self::Read => "read",
            Self::Write => "change or send something",
            Self::Stream => "open a stream",
        }
    }
}

/// What a route needs of its caller.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum RouteAccess {
    /// Nothing. For probes, metrics and pages without anything of a bot.
    Open,
    /// A valid token.
    Scope {
        /// What the token may do.
        scope: Scope,
        /// The rate that the request counts for.
        class: RouteClass,
    },
}
