//! Consumers as the store keeps them: a row of what somebody wants delivered, and a row of how far it has come.
//!
//! What a definition and a position say is the business of whoever runs the consumers. The store keeps them as text and as
//! bytes, beside the columns that it needs itself: name, space, state and the sealed secrets of a webhook.

mod change;
mod secret;

use std::fmt;

use bytes::Bytes;
use longwire_access::Space;
use longwire_installation::{Name, Revision};
use longwire_wire::event::Seq;
use secrecy::SecretString;
use uuid::Uuid;

use crate::ids::ConsumerId;

pub(crate) use self::change::{ConsumerTable, add, change, forget_journeys, remove, set_state};
pub use self::secret::OpenedWebhookSecrets;
pub(crate) use self::secret::{open_secrets, reseal};

/// How far a consumer has come, as it is kept.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct SavedPosition {
    /// Every event up to this one is done with; 0 where none is.
    pub floor: Seq,
    /// What else has to be known of it, in the form of whoever runs the consumer.
    pub state: Bytes,
}

/// Whether a consumer is delivered to.
#[derive(Clone, Debug, Eq, PartialEq)]
pub enum ConsumerState {
    /// It is.
    Active,
    /// It is not, its backlog grows, and it goes on where it was.
    Paused {
        /// Why, for people.
        reason: String,
    },
    /// It is not, until somebody starts it again.
    Stopped {
        /// Why, for people.
        reason: String,
    },
}

impl ConsumerState {
    /// The word in the database and in JSON.
    #[must_use]
    pub fn label(&self) -> &'static str {
        match self {
            Self::Active => "active",
            Self::Paused { .. } => "paused",
            Self::Stopped { .. } => "stopped",
        }
    }

    /// Why it is not delivered to.
    #[must_use]
    pub fn reason(&self) -> Option<&str> {
        match self {
            Self::Active => None,
            Self::Paused { reason } | Self::Stopped { reason } => Some(reason),
        }
    }

    /// The state of that word and reason.
    pub(crate) fn of_row(label: &str, reason: Option<String>) -> Option<Self> {
        let reason = reason.unwrap_or_default();
        match label {
            "active" => Some(Self::Active),
            "paused" => Some(Self::Paused { reason }),
            "stopped" => Some(Self::Stopped { reason }),
            _ => None,
        }
    }
}

/// A consumer that is to be added. Not printable: it may hold a secret in clear.
pub struct NewConsumer {
    /// Its name, unique in its space.
    pub name: Name,
    /// Whose it is.
    pub space: Space,
    /// What is to be delivered and how: JSON of whoever runs it.
    pub definition: String,
    /// What its webhooks are signed with, as its owner sees it; `None` for other roads.
    pub webhook_secret: Option<SecretString>,
    /// Where it begins.
    pub position: SavedPosition,
}

/// What is to be changed of a consumer. Not printable: it may hold a secret in clear.
#[derive(Default)]
pub struct ConsumerChange {
    /// The revision that whoever asks has seen; the change is refused if the consumer has another one by now. `None` to
    /// change whatever is there.
    pub expected: Option<Revision>,
    /// Another definition.
    pub definition: Option<String>,
    /// Another secret.
    pub webhook_secret: Option<NewWebhookSecret>,
}

/// Another secret for the signature of webhooks.
pub struct NewWebhookSecret {
    /// The secret.
    pub secret: SecretString,
    /// Until when signatures are made with the former one too, in milliseconds since 1970; `None` to forget it at once.
    pub former_until_ms: Option<i64>,
}

/// A consumer as it is kept. Its secrets stay sealed: [`Store::open_webhook_secrets`](crate::Store::open_webhook_secrets).
#[derive(Clone, PartialEq, Eq)]
pub struct ConsumerRecord {
    /// Its row.
    pub id: ConsumerId,
    /// What it is called outside; it never changes.
    pub public_id: Uuid,
    /// Its name, unique in its space.
    pub name: Name,
    /// Whose it is.
    pub space: Space,
    /// What is delivered and how: JSON of whoever runs it.
    pub definition: String,
    /// Whether it is delivered to.
    pub state: ConsumerState,
    /// Since when it is in that state, in milliseconds since 1970.
    pub state_since_ms: i64,
    /// Its latest change. Consumers and installations are numbered together.
    pub revision: Revision,
    /// When it was added, in milliseconds since 1970.
    pub created_ms: i64,
    /// When anything of it but its position last changed, in milliseconds since 1970: for people.
    pub updated_ms: i64,
    pub(crate) sealed_secret: Option<String>,
    pub(crate) former_secret: Option<FormerSecret>,
}

/// The secret before the present one.
#[derive(Clone, PartialEq, Eq)]
pub(crate) struct FormerSecret {
    pub(crate) sealed: String,
    /// Until when it is used, in milliseconds since 1970.
    pub(crate) until_ms: i64,
}

impl ConsumerRecord {
    /// Whether its webhooks are signed.
    #[must_use]
    pub fn has_webhook_secret(&self) -> bool {
        self.sealed_secret.is_some()
    }

    /// Its sealed secrets.
    pub(crate) fn sealed(&self) -> impl Iterator<Item = &str> {
        let former = self.former_secret.as_ref().map(|former| &*former.sealed);
        self.sealed_secret.as_deref().into_iter().chain(former)
    }
}

impl fmt::Debug for ConsumerRecord {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ConsumerRecord")
            .field("id", &self.id)
            .field("space", &self.space)
            .field("name", &self.name)
            .field("state", &self.state)
            .finish_non_exhaustive()
    }
}
