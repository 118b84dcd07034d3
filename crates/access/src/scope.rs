//! Scopes: what a token may do. A route names the one that it needs.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Deserializer, Serialize, Serializer};

use crate::serial::as_text;

/// One thing that a token may do. No scope includes another one.
#[derive(Copy, Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Scope {
    /// Read events: those of the log and those of a consumer, with acknowledgements.
    EventsRead,
    /// See consumers and how far they are.
    ConsumersRead,
    /// Add, change, pause, move and remove consumers.
    ConsumersWrite,
    /// Send messages and files through a bot, and ask its platform.
    MessagesSend,
    /// See installations.
    InstallationsRead,
    /// Add, start and stop installations.
    InstallationsWrite,
    /// Let people authorize a bot's app, and use their tokens.
    UsersToken,
    /// Make, list and revoke tokens.
    TokensWrite,
    /// Connect an application's SDK, and call what a bot needs to talk: its own data, messages and cards.
    Relay,
    /// Call the platform's whole Open API as a bot.
    RelayAll,
    /// Call what is about messages, chats and cards, without connecting.
    RelayIm,
    /// Call what is about cards.
    RelayCardkit,
    /// Call what is about people and departments.
    RelayContact,
    /// Call what is about files and documents.
    RelayDrive,
    /// See the whole gateway: overview, actors, audit.
    AdminRead,
    /// Change how the gateway runs, such as by faults for tests.
    AdminControl,
    /// See what people wrote, where an operator's page shows events.
    AdminPayload,
}

/// The text is no scope's.
#[derive(Clone, Copy, Debug, Eq, PartialEq, thiserror::Error)]
#[error(
    "a scope is one of events:read, consumers:read, consumers:write, messages:send, installations:read, installations:write, users:token, tokens:write, relay, relay:all, relay:im, relay:cardkit, relay:contact, relay:drive, admin:read, admin:control, admin:payload"
)]
pub struct ScopeError;

impl Scope {
    /// All of them.
    pub const ALL: [Self; 17] = [
        Self::EventsRead,
        Self::ConsumersRead,
        Self::ConsumersWrite,
        Self::MessagesSend,
        Self::InstallationsRead,
        Self::InstallationsWrite,
        Self::UsersToken,
        Self::TokensWrite,
        Self::Relay,
        Self::RelayAll,
        Self::RelayIm,
        Self::RelayCardkit,
        Self::RelayContact,
        Self::RelayDrive,
        Self::AdminRead,
        Self::AdminControl,
        Self::AdminPayload,
    ];

    /// Its stable name.
    #[must_use]
    pub fn label(self) -> &'static str {
        match self {
            Self::EventsRead => "events:read",
            Self::ConsumersRead => "consumers:read",
            Self::ConsumersWrite => "consumers:write",
            Self::MessagesSend => "messages:send",
            Self::InstallationsRead => "installations:read",
            Self::InstallationsWrite => "installations:write",
            Self::UsersToken => "users:token",
            Self::TokensWrite => "tokens:write",
            Self::Relay => "relay",
            Self::RelayAll => "relay:all",
            Self::RelayIm => "relay:im",
            Self::RelayCardkit => "relay:cardkit",
            Self::RelayContact => "relay:contact",
            Self::RelayDrive => "relay:drive",
            Self::AdminRead => "admin:read",
            Self::AdminControl => "admin:control",
            Self::AdminPayload => "admin:payload",
        }
    }

    /// Whether it is about the gateway as a whole, so that a token of one space or of single installations is not enough.
    #[must_use]
    pub fn is_gateway_wide(self) -> bool {
        match self {
            Self::AdminRead | Self::AdminControl | Self::AdminPayload => true,
            Self::EventsRead
            | Self::ConsumersRead
            | Self::ConsumersWrite
            | Self::MessagesSend
            | Self::InstallationsRead
            | Self::InstallationsWrite
            | Self::UsersToken
            | Self::TokensWrite
            | Self::Relay
            | Self::RelayAll
            | Self::RelayIm
            | Self::RelayCardkit
            | Self::RelayContact
            | Self::RelayDrive => false,
        }
    }

    fn bit(self) -> u32 {
        1 << self as u16
    }
}

impl fmt::Display for Scope {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.label())
    }
}

impl FromStr for Scope {
    type Err = ScopeError;

    fn from_str(text: &str) -> Result<Self, ScopeError> {
        let mut all = Self::ALL.into_iter();
        all.find(|scope| scope.label() == text).ok_or(ScopeError)
    }
}

as_text!(Scope);

/// A set of scopes. As text, their names with a blank between them; in JSON a list.
#[derive(Copy, Clone, Default, PartialEq, Eq, Hash)]
pub struct Scopes(u32);

impl Scopes {
    /// Every scope there is.
    #[must_use]
    pub fn all() -> Self {
        Scope::ALL.into_iter().collect()
    }

    /// Whether this one is among them.
    #[must_use]
    pub fn contains(self, scope: Scope) -> bool {
        self.0 & scope.bit() != 0
    }

    /// Whether there is none.
    #[must_use]
    pub fn is_empty(self) -> bool {
        self.0 == 0
    }

    /// The first scope that `other` lacks, in the order of [`Scope::ALL`].
    #[must_use]
    pub fn lacking_in(self, other: Self) -> Option<Scope> {
        self.iter().find(|&scope| !other.contains(scope))
    }

    /// Them, in the order of [`Scope::ALL`].
    pub fn iter(self) -> impl Iterator<Item = Scope> {
        Scope::ALL
            .into_iter()
            .filter(move |&scope| self.contains(scope))
    }
}

impl FromIterator<Scope> for Scopes {
    fn from_iter<I: IntoIterator<Item = Scope>>(scopes: I) -> Self {
        Self(scopes.into_iter().fold(0, |bits, scope| bits | scope.bit()))
    }
}

impl fmt::Display for Scopes {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let labels: Vec<&str> = self.iter().map(Scope::label).collect();
        f.pad(&labels.join(" "))
    }
}

impl fmt::Debug for Scopes {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_set().entries(self.iter()).finish()
    }
}

impl FromStr for Scopes {
    type Err = ScopeError;

    fn from_str(text: &str) -> Result<Self, ScopeError> {
        text.split_ascii_whitespace().map(str::parse).collect()
    }
}

impl Serialize for Scopes {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_seq(self.iter())
    }
}

impl<'de> Deserialize<'de> for Scopes {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        Ok(Vec::<Scope>::deserialize(deserializer)?
            .into_iter()
            .collect())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn scopes_have_one_name_each() {
        for scope in Scope::ALL {
            assert_eq!(scope.label().parse::<Scope>(), Ok(scope));
            assert!(ScopeError.to_string().contains(scope.label()));
            let alone = Scopes::from_iter([scope]);
            assert_eq!(alone.iter().collect::<Vec<_>>(), [scope]);
        }
        assert_eq!("admin".parse::<Scope>(), Err(ScopeError));
    }

    #[test]
    fn sets_are_read_as_they_are_written() {
        for set in [
            Scopes::default(),
            Scopes::from_iter([Scope::Relay, Scope::EventsRead]),
            Scopes::all(),
        ] {
            assert_eq!(set.to_string().parse::<Scopes>(), Ok(set));
            let json = serde_json::to_string(&set).expect("a list");
            assert_eq!(serde_json::from_str::<Scopes>(&json).expect("read"), set);
        }
        let two = Scopes::from_iter([Scope::Relay, Scope::EventsRead]);
        assert_eq!(two.to_string(), "events:read relay");
        assert_eq!(
            two.lacking_in(Scopes::from_iter([Scope::EventsRead])),
            Some(Scope::Relay)
        );
        assert_eq!(two.lacking_in(Scopes::all()), None);
        assert!("events:read nothing".parse::<Scopes>().is_err());
    }
}
